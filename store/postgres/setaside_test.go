package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"creditledger"
	"creditledger/store/postgres/pgtest"
)

// TestHoldsOfSeveralLedgers: of 20 holds of 75 at once on 500, by four ledgers over one
// database, exactly 6 are granted; a fifth ledger finds them, and captures and releases.
func TestHoldsOfSeveralLedgers(t *testing.T) {
	ctx, dsn, on := context.Background(), pgtest.Database(t), creditledger.AccountID{Customer: "ann"}
	open := func() *creditledger.Ledger {
		s := reopen(t, newPool(t, dsn, nil), nil)
		l := creditledger.New(s, nil)
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		return l
	}
	first := creditledger.New(openIn(t, newPool(t, dsn, nil), nil), nil)
	do := func(l *creditledger.Ledger, op creditledger.Operation) *creditledger.Result {
		t.Helper()
		r, err := l.Do(ctx, on, op, "")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	do(first, creditledger.Increment{Amount: creditledger.AmountOf(500), BlockID: "B"})
	var granted atomic.Int32
	var all sync.WaitGroup
	for i := range 4 {
		l := open()
		for j := range 5 {
			all.Go(func() {
				_, err := l.Do(ctx, on, creditledger.Hold{HoldID: fmt.Sprint("h", i, j), Amount: creditledger.AmountOf(75)}, "")
				switch {
				case err == nil:
					granted.Add(1)
				case !errors.Is(err, creditledger.ErrInsufficientCredits):
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	last := open()
	holds, err := last.Holds(ctx, on)
	if err != nil || granted.Load() != 6 || len(holds) != 6 {
		t.Fatalf("%d granted, %d open, %v; want 6", granted.Load(), len(holds), err)
	}
	do(last, creditledger.Capture{HoldID: holds[0].ID, Amount: creditledger.AmountOf(80)})
	do(last, creditledger.Release{HoldID: holds[1].ID})
	if r := do(first, creditledger.Release{HoldID: holds[0].ID}); r.Hold.State != creditledger.HoldCaptured {
		t.Errorf("another ledger finds %+v", r.Hold)
	}
	if _, err := first.Do(ctx, on, creditledger.Hold{HoldID: holds[1].ID, Amount: creditledger.AmountOf(1)}, ""); !errors.Is(err, creditledger.ErrDuplicate) {
		t.Errorf("a released hold's id is free again: %v", err)
	}
	b, err := first.Balance(ctx, on, creditledger.BalanceQuery{})
	if err != nil || b.Total.String() != "420" || b.Held.String() != "300" || b.Available.String() != "120" {
		t.Errorf("%+v, %v; want 420, 300 held, 120 available", b, err)
	}
	if v, err := last.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
		t.Errorf("%v, %v", v.Violation, err)
	}
}
