package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	cl "creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
	"creditledger/store/transfer"
)

// copyOf is a dump of a store, as of now.
func copyOf(t *testing.T, s cl.Store) cl.Store {
	t.Helper()
	dump := memory.New()
	if _, err := transfer.Copy(context.Background(), s, dump, nil); err != nil {
		t.Fatal(err)
	}
	return dump
}

// TestRestoredDumps puts an older dump in the place of the store that several ledgers work
// on. What they acknowledge from then on is stored on top of the history of the dump, and
// every account verifies.
func TestRestoredDumps(t *testing.T) {
	run := results.Start(t, "older dumps put in place beside running ledgers")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	ctx := context.Background()
	for round := range testsize.Of(30, 200, 3000) {
		r := rand.New(rand.NewPCG(seed(t), uint64(round)))
		s := &meter{inner: memory.New()}
		var ledgers []*cl.Ledger
		for range 1 + r.IntN(3) {
			ledgers = append(ledgers, cl.New(metered(s, r.IntN(3) > 0), nil))
		}
		var dumps []cl.Store
		acknowledged := map[string]cl.AccountID{}
		for n := range 30 {
			l, on := ledgers[r.IntN(len(ledgers))], cl.AccountID{Customer: fmt.Sprint("cus_", r.IntN(2)), Currency: "credits"}
			switch {
			case r.IntN(10) == 0 || len(dumps) == 0:
				dumps = append(dumps, copyOf(t, s.inner))
			case r.IntN(8) == 0:
				s.inner = copyOf(t, dumps[r.IntN(len(dumps))])
				clear(acknowledged)
			case r.IntN(3) == 0:
				if _, err := l.Balance(ctx, on, cl.BalanceQuery{}); err != nil {
					t.Fatalf("seed %d, round %d: %v", seed(t), round, err)
				}
			default:
				id := fmt.Sprintf("block-%d", n)
				_, err := l.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(1 + r.Int64N(100)), BlockID: id, Repay: cl.RepayNever}, "")
				if err == nil {
					acknowledged[id] = on
				} else if !errors.Is(err, cl.ErrConflict) && !errors.Is(err, cl.ErrDuplicate) {
					t.Fatalf("seed %d, round %d: %v", seed(t), round, err)
				}
			}
		}
		l := cl.New(s.inner, nil)
		for id, on := range acknowledged {
			if _, err := l.Block(ctx, on, id); err != nil {
				t.Fatalf("seed %d, round %d: %s was acknowledged: %v", seed(t), round, id, err)
			}
		}
		if v, err := l.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
			t.Fatalf("seed %d, round %d: %v, %v", seed(t), round, v.Violation, err)
		}
		run.Count("rounds", 1)
	}
}
