package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"creditledger"
)

func customerNamed(name string) creditledger.AccountID {
	return creditledger.AccountID{Customer: name, Currency: "credits"}
}

// TestADamagedAccountFailsAlone: those that are in a commit with it are stored, and it
// costs a few commits more, not one for each of them.
func TestADamagedAccountFailsAlone(t *testing.T) {
	for _, kind := range []error{
		&creditledger.CorruptError{Where: "account c3/credits", Reason: "no head"},
		&creditledger.InvalidError{Field: "change", Reason: "is not one"},
	} {
		s := newFaulty()
		w := newWorldOver(t, s)
		g := s.shut()
		first := w.async(ctx, cus1, grant("A", "1"), "")
		received(t, g.arrived)
		const accounts = 64
		pending := make([]*creditledger.Pending, accounts)
		for i := range pending {
			var err error
			if pending[i], err = w.Submit(ctx, customerNamed(fmt.Sprint("c", i)), grant("A", "1"), ""); err != nil {
				t.Fatal(err)
			}
		}
		commits := 0
		s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
			commits++
			if slices.ContainsFunc(changes, func(c creditledger.Change) bool { return c.Account.Customer == "c3" }) {
				return fmt.Errorf("commit: %w", kind)
			}
			return next()
		})
		g.pass()
		received(t, first)
		for i, p := range pending {
			if _, err := p.Wait(ctx); i == 3 != errors.Is(err, kind) || i != 3 && err != nil {
				t.Errorf("account %d: %v", i, err)
			}
		}
		if commits > 2*7 {
			t.Errorf("%d commits for %d accounts", commits, accounts)
		}
		s.onCommit(nil)
		w.verified()
	}
}

// TestAFailingStoreIsNotAskedForEachAccount: what is wrong with the store is everybody's.
func TestAFailingStoreIsNotAskedForEachAccount(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	g := s.shut()
	first := w.async(ctx, cus1, grant("A", "1"), "")
	received(t, g.arrived)
	var pending []*creditledger.Pending
	for i := range 8 {
		p, err := w.Submit(ctx, customerNamed(fmt.Sprint("c", i)), grant("A", "1"), "")
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	commits := 0
	full := errors.New("disk full")
	s.onCommit(func(context.Context, []creditledger.Change, func() error) error { commits++; return full })
	g.pass()
	received(t, first)
	for _, p := range pending {
		if _, err := p.Wait(ctx); !errors.Is(err, full) {
			t.Error(err)
		}
	}
	if commits != 1 {
		t.Errorf("%d commits", commits)
	}
}

// TestASweepGoesOnBehindADamagedAccount: it is counted and named, and the others are
// swept; trouble with the store ends the sweep.
func TestASweepGoesOnBehindADamagedAccount(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	for i := range 5 {
		if _, err := w.Do(ctx, customerNamed(fmt.Sprint("c", i)), grant("A", "1", expires("2026-01-02")), ""); err != nil {
			t.Fatal(err)
		}
	}
	w.at("2026-01-03").reopen()
	s.onRead(func(_ context.Context, what string, id creditledger.AccountID) error {
		if what == "load" && (id.Customer == "c0" || id.Customer == "c2") {
			return &creditledger.CorruptError{Where: "account " + id.String(), Reason: "its head is damaged"}
		}
		return nil
	})
	res, err := w.Sweep(ctx)
	if res != (creditledger.SweepResult{Accounts: 3, Entries: 3, Failed: 2}) {
		t.Errorf("%+v", res)
	}
	var sweep *creditledger.SweepError
	if !errors.As(err, &sweep) || sweep.Failed != 2 || len(sweep.Failures) != 2 || !errors.Is(err, creditledger.ErrCorrupt) || !strings.Contains(err.Error(), "c0/credits") {
		t.Errorf("%v", err)
	}
	var last *creditledger.OperationError
	if !errors.As(sweep.Failures[1], &last) || last.Account.Customer != "c2" {
		t.Errorf("%v", sweep.Failures[1])
	}
	down := errors.New("no answer")
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error { return down })
	if res, err := w.Sweep(ctx); !errors.Is(err, down) || errors.As(err, &sweep) || res.Failed != 0 {
		t.Errorf("%+v, %v", res, err)
	}
	s.onRead(nil)
	if res, err := w.Sweep(ctx); err != nil || res.Accounts != 2 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestAnAccountLargerThanTheCacheIsNotReadAgain for each of its operations, whatever is
// done between them.
func TestAnAccountLargerThanTheCacheIsNotReadAgain(t *testing.T) {
	for _, far := range []bool{false, true} {
		s := newFaulty()
		var loads atomic.Int32
		s.onRead(func(_ context.Context, what string, id creditledger.AccountID) error {
			if what == "load whole" && id == cus1 {
				loads.Add(1)
			}
			return nil
		})
		var over creditledger.Store = s
		if far {
			shared := newOptimistic(1, 100)
			shared.faulty = s
			over = shared
		}
		w := newWorldOver(t, over, func(o *creditledger.Options) { o.CacheBlocks = 20 })
		for range 50 {
			w.given(grant("", "1"))
		}
		w.reopen()
		loads.Store(0)
		for i := range 20 {
			w.given(spend("1"))
			if _, err := w.Do(ctx, customerNamed(fmt.Sprint("c", i)), grant("A", "1"), ""); err != nil {
				t.Fatal(err)
			}
			w.total()
		}
		if n := loads.Load(); n != 1 {
			t.Errorf("far away %t: an account of 50 blocks was read %d times", far, n)
		}
		if n := creditledger.CachedAccounts(w.Ledger); n > 20 {
			t.Errorf("%d accounts are kept", n)
		}
	}
}
