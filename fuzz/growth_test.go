package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

// TestCostOfTinyCaches: one account that somebody works on stays in memory, however
// little the cache may hold.
func TestCostOfTinyCaches(t *testing.T) {
	t.Logf("seed: -seed=%d", seed(t))
	r := rand.New(rand.NewPCG(seed(t), 2))
	for range testsize.Of(5, 20, 200) {
		m, blocks, limit, shared := &meter{inner: memory.New()}, 20+r.IntN(60), 1+r.IntN(100), r.IntN(2) == 0
		on := cl.AccountID{Customer: "cus_1"}
		l := cl.New(metered(m, shared), &cl.Options{CacheBlocks: limit, Repay: cl.RepayNever})
		for range blocks {
			must(t, l, on, cl.Increment{Amount: cl.AmountOf(100)})
		}
		m.reset()
		for range 50 {
			switch r.IntN(3) {
			case 0:
				must(t, l, on, cl.Decrement{Amount: cl.AmountOf(1)})
			case 1:
				if _, err := l.Balance(context.Background(), on, cl.BalanceQuery{}); err != nil {
					t.Fatal(err)
				}
			case 2: // refused
				if _, err := l.Do(context.Background(), on, cl.Decrement{Amount: cl.AmountOf(1_000_000), Overdraft: cl.OverdraftReject}, ""); !errors.Is(err, cl.ErrInsufficientCredits) {
					t.Fatal(err)
				}
			}
		}
		if m.loaded > 2*blocks {
			t.Errorf("an account of %d blocks in a cache for %d (shared %v): 50 operations load %d blocks", blocks, limit, shared, m.loaded)
		}
		l.Close()
	}
}

// TestDamageHarmsNobodyElse: an account that cannot be read stops neither the sweep of
// the others nor their operations.
func TestDamageHarmsNobodyElse(t *testing.T) {
	t.Logf("seed: -seed=%d", seed(t))
	r := rand.New(rand.NewPCG(seed(t), 4))
	ctx := context.Background()
	for range testsize.Of(3, 10, 100) {
		m, now := &meter{inner: memory.New()}, costStart
		l := cl.New(metered(m, r.IntN(2) == 0), &cl.Options{Clock: func() time.Time { return now }})
		accounts, damaged := 5+r.IntN(20), map[cl.AccountID]bool{}
		for i := range accounts {
			on := cl.AccountID{Customer: fmt.Sprint("cus_", i), Currency: "credits"}
			must(t, l, on, cl.Increment{Amount: cl.AmountOf(1), ExpiresAt: cl.At(costStart.Add(time.Hour))})
			if r.IntN(4) == 0 {
				damaged[on] = true
			}
		}
		l = cl.New(metered(m, r.IntN(2) == 0), &cl.Options{Clock: func() time.Time { return now }})
		m.hook = func(_ context.Context, call string, on cl.AccountID) error {
			if call == "Load" && damaged[on] {
				return &cl.CorruptError{Where: on.String(), Reason: "damaged on purpose"}
			}
			return nil
		}
		now = now.Add(2 * time.Hour)
		res, err := l.Sweep(ctx)
		if res.Accounts != accounts-len(damaged) || (err != nil) != (len(damaged) > 0) || err != nil && !errors.Is(err, cl.ErrCorrupt) {
			t.Errorf("%d of %d accounts are damaged, and %d are swept: %v", len(damaged), accounts, res.Accounts, err)
		}
	}
}
