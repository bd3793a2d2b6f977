package creditledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// TestTheOrderOfSubmitOutlivesTheCache: what a conflict made void keeps its account in
// memory until it is decided afresh, however little room there is, so nothing that was
// submitted later gets in front of it.
func TestTheOrderOfSubmitOutlivesTheCache(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s, func(o *creditledger.Options) { o.CacheBlocks = 4 })
	first, outrun := aloft(t, w, s, grant("A", "10"), "1")
	second, err := w.Submit(ctx, cus1, spend("10", policy(creditledger.OverdraftReject)), "2")
	if err != nil {
		t.Fatal(err)
	}
	outrun()
	for i := range 10 { // which push it out of memory
		if _, err := w.Do(ctx, customerNamed(fmt.Sprint("c", i)), grant("", "1"), ""); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range []*creditledger.Pending{second, first} {
		if _, err := p.Wait(ctx); err != nil {
			t.Errorf("%d: %v", 2-i, err)
		}
	}
	if got, want := w.ledger(), lines("increment A 10 0→10", "decrement A 10 10→0"); got != want {
		t.Errorf("done was\n%s", got)
	}
}

// act is a step of a run: an operation on an account, or something else.
type act struct {
	on    creditledger.AccountID
	op    creditledger.Operation
	key   creditledger.Key
	other func(w *world) error
}

// randomActs makes a run with keys that are used again, for the same and for others,
// dates in zones that change, batches, refusals and sweeps.
func randomActs(r *rand.Rand, n int) []act {
	acts := make([]act, n)
	for i := range acts {
		a := act{on: customerNamed(fmt.Sprint("c", r.IntN(3)))}
		switch r.IntN(12) {
		case 0:
			zone := []string{"UTC", "Asia/Tokyo", "America/New_York"}[r.IntN(3)]
			a.other = func(w *world) error {
				_, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: a.on.Customer, Timezone: &zone})
				return err
			}
		case 1:
			a.other = func(w *world) error { _, err := w.Sweep(ctx); return err }
		case 2:
			day := fmt.Sprintf("2026-01-%02d", 1+i*20/n)
			a.other = func(w *world) error { w.settleAll(); w.at(day); return nil }
		case 3, 4, 5:
			a.op = creditledger.Increment{Amount: creditledger.AmountOf(int64(1 + r.IntN(3))), ExpiresAt: creditledger.On(creditledger.DateOf(2026, 1, 1+r.IntN(28)))}
		case 6:
			a.op = creditledger.Batch{creditledger.Increment{Amount: creditledger.AmountOf(2)}, spend("1"), creditledger.Increment{Amount: creditledger.AmountOf(1)}, spend(fmt.Sprint(1+r.IntN(9)), policy(creditledger.OverdraftReject))}
		default:
			a.op = spend(fmt.Sprint(1+r.IntN(3)), policy([]creditledger.Overdraft{creditledger.OverdraftAllow, creditledger.OverdraftReject}[r.IntN(2)]))
		}
		if a.op != nil && r.IntN(3) > 0 {
			a.key = creditledger.Key(fmt.Sprint("k", r.IntN(n/6)))
		}
		acts[i] = a
	}
	return acts
}

// settleAll waits until everything submitted is durable.
func (w *world) settleAll() {
	if _, err := w.Accounts(ctx, creditledger.AccountID{}, 1); err != nil {
		w.t.Error(err)
	}
}

// TestARunHasOneOutcome: with the clock and the randomness given, a run writes the same
// bytes on every kind of store, whether its operations wait for one another or share
// commits, and with however little memory.
func TestARunHasOneOutcome(t *testing.T) {
	file := func() creditledger.Store {
		s, err := bolt.Open(filepath.Join(t.TempDir(), "a.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	for seed := range uint64(testsize.Of(2, 6, 60)) {
		acts := randomActs(rand.New(rand.NewPCG(seed, 0)), 300)
		run := func(s creditledger.Store, ahead int, set ...func(*creditledger.Options)) []string {
			w := newWorldOver(t, s, set...)
			var wait []*creditledger.Pending
			for _, a := range acts {
				if a.other != nil {
					if err := a.other(w); err != nil {
						t.Fatal(err)
					}
					continue
				}
				p, err := w.Submit(ctx, a.on, a.op, a.key)
				if err == nil {
					wait = append(wait, p)
				} else if !errors.Is(err, creditledger.ErrInsufficientCredits) && !errors.Is(err, creditledger.ErrConstraint) && !errors.Is(err, creditledger.ErrIdempotencyMismatch) && !errors.Is(err, creditledger.ErrInvalid) {
					t.Fatal(err)
				}
				for len(wait) > ahead {
					_, _ = wait[0].Wait(ctx) // its refusal, if any, was Submit's elsewhere
					wait = wait[1:]
				}
			}
			w.settleAll()
			var all []string
			for i := range 3 {
				records, err := w.Journal(ctx, customerNamed(fmt.Sprint("c", i)), 1, creditledger.MaxPage)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range records {
					all = append(all, string(r.Bytes))
				}
			}
			w.verified()
			return all
		}
		want := run(memory.New(), 0)
		if len(want) < 50 {
			t.Fatalf("seed %d: only %d records", seed, len(want))
		}
		tiny := func(o *creditledger.Options) { o.CacheBlocks = 1 }
		for name, got := range map[string][]string{
			"in memory, sent ahead":   run(memory.New(), 50),
			"in memory, tiny cache":   run(memory.New(), 50, tiny),
			"far away, one by one":    run(newOptimistic(4, 100), 0),
			"far away, sent ahead":    run(newOptimistic(4, 2), 50),
			"far away, tiny cache":    run(newOptimistic(1, 100), 50, tiny),
			"on a file, one by one":   run(file(), 0),
			"on a file, sent ahead":   run(file(), 300),
			"on a file, with a cache": run(file(), 7, tiny),
		} {
			if !slices.Equal(got, want) {
				t.Errorf("seed %d: %s: other bytes than in memory, one by one: %d records, not %d", seed, name, len(got), len(want))
			}
		}
	}
}
