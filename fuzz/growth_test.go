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

// TestCostOfTinyCaches: an account that somebody works on stays in memory, however little
// the cache may hold.
func TestCostOfTinyCaches(t *testing.T) {
	t.Logf("seed: -seed=%d", seed(t))
	r := rand.New(rand.NewPCG(seed(t), 2))
	for range testsize.Of(5, 20, 200) {
		m, blocks, limit, shared := &meter{inner: memory.New()}, 20+r.IntN(60), 1+r.IntN(100), r.IntN(2) == 0
		on := cl.AccountID{Customer: "cus_1"}
		l := cl.New(metered(m, shared), &cl.Options{CacheBlocks: limit, Settings: cl.Settings{Repay: cl.RepayNever}})
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

// TestCostIsInProportion: the calls to the store, and the rows that it returns, are in
// proportion to what grows. Where one call can ask for everything, the number of calls does
// not grow.
func TestCostIsInProportion(t *testing.T) {
	ctx, on := context.Background(), cl.AccountID{Customer: "cus_1", Currency: "credits"}
	for what, c := range map[string]struct {
		oneAsks bool // for all
		given   func(i int) (cl.AccountID, cl.Operation)
		do      func(l *cl.Ledger, n int) error
	}{
		"sweep of accounts": {false, func(i int) (cl.AccountID, cl.Operation) {
			return cl.AccountID{Customer: fmt.Sprint("cus_", i*7919%1000), Currency: "credits"}, cl.Increment{Amount: cl.AmountOf(1), ExpiresAt: cl.At(costStart.Add(time.Hour))}
		}, func(l *cl.Ledger, n int) error {
			res, err := l.Sweep(ctx)
			if err == nil && res.Accounts != n {
				err = fmt.Errorf("%d accounts are swept", res.Accounts)
			}
			return err
		}},
		"explanation with blocks": {true, func(int) (cl.AccountID, cl.Operation) { return on, cl.Increment{Amount: cl.AmountOf(1)} },
			func(l *cl.Ledger, n int) error {
				_, err := l.Explain(ctx, on, cl.AmountOf(int64(n)), cl.Charge{})
				return err
			}},
		"ids of used-up blocks in a batch": {true, func(i int) (cl.AccountID, cl.Operation) {
			return on, cl.Batch{cl.Increment{Amount: cl.AmountOf(1), BlockID: fmt.Sprint("b", i)}, cl.Decrement{Amount: cl.AmountOf(1)}}
		}, func(l *cl.Ledger, n int) error {
			batch := make(cl.Batch, n)
			for i := range batch {
				batch[i] = cl.Amendment{BlockID: fmt.Sprint("b", i), Amount: cl.AmountOf(1)}
			}
			_, err := l.Do(ctx, on, batch, "")
			return err
		}},
	} {
		t.Run(what, func(t *testing.T) {
			cost := func(n int) (calls, rows int) {
				m, now := &meter{inner: memory.New()}, costStart
				o := &cl.Options{Clock: func() time.Time { return now }}
				l := cl.New(m, o)
				for i := range n {
					account, op := c.given(i)
					must(t, l, account, op)
				}
				l.Close()
				l = cl.New(m, o) // which remembers nothing
				defer l.Close()
				m.reset()
				now = now.Add(2 * time.Hour)
				if err := c.do(l, n); err != nil {
					t.Fatal(err)
				}
				return m.calls, m.rows
			}
			const n = 100
			calls, rows := cost(n)
			manyCalls, manyRows := cost(4 * n)
			if most := 4*calls + 8; c.oneAsks && manyCalls > calls+8 || manyCalls > most || manyRows > 4*rows+8 {
				t.Errorf("%d calls and %d rows for %d, %d and %d for %d", calls, rows, n, manyCalls, manyRows, 4*n)
			}
			t.Logf("%d calls and %d rows for %d, %d and %d for %d", calls, rows, n, manyCalls, manyRows, 4*n)
		})
	}
}
