package fuzz_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

// TestExpiriesInPieces: many expired blocks are written down in commits that no store finds
// too large, by a sweep or by the next operation, and in the end all of them are.
func TestExpiriesInPieces(t *testing.T) {
	run := results.Start(t, "expiries written down in pieces")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	for round := range testsize.Of(4, 12, 200) {
		r := rand.New(rand.NewPCG(seed(t), uint64(round)))
		m, now := &meter{inner: memory.New()}, costStart
		opts := &cl.Options{Clock: func() time.Time { return now }, ExpiriesPerCommit: r.IntN(2) * (1 + r.IntN(500))}
		l, most := cl.New(metered(m, r.IntN(2) == 0), opts), cmp.Or(opts.ExpiriesPerCommit, 1000)
		blocks := make([]int, 1+r.IntN(4)) // of each account
		on := func(i int) cl.AccountID { return cl.AccountID{Customer: fmt.Sprint("cus_", i), Currency: "credits"} }
		for i := range blocks {
			blocks[i] = 1 + r.IntN(3*most)
			grantMany(t, l, on(i), r, blocks[i])
		}
		now = now.AddDate(0, 1, 0)
		m.reset()
		if r.IntN(2) == 0 {
			if _, err := l.Sweep(context.Background()); err != nil {
				t.Error(err)
			}
		}
		for i := range blocks {
			must(t, l, on(i), cl.Increment{Amount: cl.AmountOf(1)})
		}
		if m.largest > most+1 {
			t.Errorf("seed %d, round %d: one commit puts %d blocks, and may write down %d expiries", seed(t), round, m.largest, most)
		}
		for i := range blocks {
			if entries := sound(t, l, on(i)); entries != uint64(2*blocks[i]+1) {
				t.Errorf("seed %d, round %d: %d entries of %d blocks", seed(t), round, entries, blocks[i])
			}
			run.Count("expiries", blocks[i])
		}
		l.Close()
	}
}

// grantMany grants n blocks that expire within a few hours of the start, some of them at
// the same instant.
func grantMany(t *testing.T, l *cl.Ledger, on cl.AccountID, r *rand.Rand, n int) {
	t.Helper()
	for n > 0 {
		batch := make(cl.Batch, min(1000, n))
		for i := range batch {
			batch[i] = cl.Increment{Amount: cl.AmountOf(1), ExpiresAt: cl.At(costStart.Add(time.Duration(1+r.IntN(10)) * time.Hour)), Repay: cl.RepayNever}
		}
		must(t, l, on, batch)
		n -= len(batch)
	}
}
