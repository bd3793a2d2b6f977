package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"creditledger"
)

func (w *world) swept(want creditledger.SweepResult) {
	w.t.Helper()
	got, err := w.Sweep(ctx)
	if err != nil || got != want {
		w.t.Errorf("swept %+v, %v, want %+v", got, err, want)
	}
}

// TestSweepWritesTheSame: a sweep writes what the account's next operation would.
func TestSweepWritesTheSame(t *testing.T) {
	given := append(creditledger.Fixture(),
		grant("F", "7", effective("2026-02-10"), expires("2026-02-20")), grant("P", "3", unpaid, expires("2026-02-05")), grant("W", "1", effective("2026-02-15")))
	swept, not := newWorld(t).given(given...), newWorld(t).given(given...)
	for _, day := range []string{"2026-02-01", "2026-02-07", "2026-02-25", "2026-04-01"} {
		swept.at(day)
		if _, err := swept.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
	}
	swept.at("2026-05-01").given(spend("1"))
	not.at("2026-05-01").given(spend("1"))
	if a, b := swept.ledger(), not.ledger(); a != b {
		t.Errorf("swept\n%s\nnot swept\n%s", a, b)
	}
	for i, e := range swept.entries(creditledger.EntriesQuery{Ascending: true}) {
		if o := not.entries(creditledger.EntriesQuery{Ascending: true})[i]; e.CreatedAt != o.CreatedAt || e.Seq != o.Seq {
			t.Errorf("entry %d stands at %s and at %s", i+1, e.CreatedAt, o.CreatedAt)
		}
	}
	swept.verified()
	not.verified()
}

func TestSweepCounts(t *testing.T) {
	w := newWorld(t)
	w.swept(creditledger.SweepResult{})
	w.given(creditledger.Fixture()...)
	w.swept(creditledger.SweepResult{})
	if _, err := w.Do(ctx, cus2, grant("A", "1", expires("2026-02-15")), ""); err != nil {
		t.Fatal(err)
	}
	w.at("2026-01-31T23:59:59.999999Z").swept(creditledger.SweepResult{})
	w.at("2026-02-01").swept(creditledger.SweepResult{Accounts: 1, Entries: 1})
	w.swept(creditledger.SweepResult{})
	w.at("2026-03-01").swept(creditledger.SweepResult{Accounts: 2, Entries: 2})
	w.swept(creditledger.SweepResult{})
	w.reopen()
	w.at("2027-01-01").swept(creditledger.SweepResult{})
	w.verified()
}

// TestSweepInstant: after a sweep an account's time stands at the last expiry written,
// not at the instant of the sweep.
func TestSweepInstant(t *testing.T) {
	for _, looked := range []bool{false, true} {
		w := newWorld(t).given(creditledger.Fixture()...)
		w.at("2026-06-01")
		if looked {
			_ = w.total()
		}
		w.swept(creditledger.SweepResult{Accounts: 1, Entries: 2})
		w.at("2026-03-15")
		if res := w.must(spend("1"), ""); res.At != instant("2026-03-15") {
			t.Errorf("looked before %t: an operation then stands at %s", looked, res.At)
		}
		w.verified()
	}
	// Ahead of the clock nothing is written, even when someone looked further ahead.
	w := newWorld(t).given(creditledger.Fixture()...)
	w.at("2026-06-01")
	_ = w.total()
	w.at("2026-02-15").swept(creditledger.SweepResult{Accounts: 1, Entries: 1})
	w.at("2026-02-20")
	if res := w.must(spend("60"), ""); story(res.Entries) != lines("decrement B 50 150→100", "decrement C 10 100→90") || res.At != instant("2026-02-20") {
		t.Errorf("then %s at %s", story(res.Entries), res.At)
	}
	w.verified()
}

// TestSweepManyAccounts: more accounts than a page of due ones, in few commits.
func TestSweepManyAccounts(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, dawdling{s})
	const accounts = creditledger.MaxPage + 100
	pending := make([]*creditledger.Pending, accounts)
	for i := range pending {
		on := creditledger.AccountID{Customer: fmt.Sprintf("c%04d", i)}
		var err error
		if pending[i], err = w.Submit(ctx, on, grant("A", "1", expires("2026-02-01")), ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	before := len(s.committed())
	w.at("2026-02-01").swept(creditledger.SweepResult{Accounts: accounts, Entries: accounts})
	if commits := len(s.committed()) - before; commits > accounts/2 {
		t.Errorf("%d commits for %d accounts", commits, accounts)
	}
	w.swept(creditledger.SweepResult{})
}

// dawdling is a store whose commits take long enough for others to gather behind them.
type dawdling struct{ creditledger.Store }

func (d dawdling) Commit(ctx context.Context, changes []creditledger.Change) error {
	time.Sleep(time.Millisecond)
	return d.Store.Commit(ctx, changes)
}

// TestSweepBesides: sweeps of two ledgers and operations at once write each expiry once.
func TestSweepBesides(t *testing.T) {
	w := newWorld(t)
	other := newWorldOver(t, w.store)
	const accounts = 40
	on := func(i int) creditledger.AccountID { return creditledger.AccountID{Customer: fmt.Sprint("c", i)} }
	for i := range accounts {
		if _, err := w.Do(ctx, on(i), creditledger.Batch{grant("A", "1", expires("2026-02-01")), grant("B", "5")}, ""); err != nil {
			t.Fatal(err)
		}
	}
	w.at("2026-02-02")
	other.at("2026-02-02")
	var wg sync.WaitGroup
	for _, l := range []*world{w, other} {
		wg.Add(2)
		go func() {
			defer wg.Done()
			if _, err := l.Sweep(ctx); err != nil {
				t.Error(err)
			}
		}()
		go func() {
			defer wg.Done()
			for i := range accounts {
				if _, err := l.Do(ctx, on(i), spend("1"), ""); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	for i := range accounts {
		page, err := w.Entries(ctx, on(i), creditledger.EntriesQuery{Ascending: true})
		want := lines("increment A 1 0→1", "increment B 5 1→6", "credit_block_expiry A 1 6→5", "decrement B 1 5→4", "decrement B 1 4→3")
		if err != nil || story(page.Entries) != want {
			t.Errorf("%s, %v", story(page.Entries), err)
		}
	}
	w.verified()
}

// TestSweepFails: accounts written before an error stay written and counted.
func TestSweepFails(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	for i := range 5 {
		if _, err := w.Do(ctx, creditledger.AccountID{Customer: fmt.Sprint("c", i)}, grant("A", "1", expires("2026-02-01")), ""); err != nil {
			t.Fatal(err)
		}
	}
	w.reopen()
	w.at("2026-02-01")
	broken := errors.New("disk on fire")
	s.onRead(func(_ context.Context, what string, id creditledger.AccountID) error {
		if what == "load" && id.Customer == "c3" {
			return broken
		}
		return nil
	})
	got, err := w.Sweep(ctx)
	if !errors.Is(err, broken) || got != (creditledger.SweepResult{Accounts: 3, Entries: 3}) {
		t.Errorf("a broken account: %+v, %v", got, err)
	}
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
		if what == "due" {
			return broken
		}
		return nil
	})
	if got, err := w.Sweep(ctx); !errors.Is(err, broken) || got != (creditledger.SweepResult{}) {
		t.Errorf("broken due: %+v, %v", got, err)
	}
	s.onRead(nil)
	s.onCommit(func(context.Context, []creditledger.Change, func() error) error { return broken })
	if _, err := w.Sweep(ctx); !errors.Is(err, broken) {
		t.Errorf("a broken commit: %v", err)
	}
	s.onCommit(nil)
	w.swept(creditledger.SweepResult{Accounts: 2, Entries: 2})
	w.verified()
}

// TestSweepConflicts: an account that another writer moved is decided afresh.
func TestSweepConflicts(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("A", "1", expires("2026-02-01")))
	w.at("2026-02-01")
	failures := 3
	s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
		if failures--; failures >= 0 {
			return &creditledger.ConflictError{Accounts: []creditledger.AccountID{changes[0].Account}}
		}
		return next()
	})
	w.swept(creditledger.SweepResult{Accounts: 1, Entries: 1})
	w.at("2026-01-01").given(grant("B", "1", expires("2026-03-01")))
	w.at("2026-03-01")
	s.onCommit(func(_ context.Context, changes []creditledger.Change, _ func() error) error {
		return &creditledger.ConflictError{Accounts: []creditledger.AccountID{changes[0].Account}}
	})
	if _, err := w.Sweep(ctx); !errors.Is(err, creditledger.ErrConflict) {
		t.Errorf("always in conflict: %v", err)
	}
	s.onCommit(nil)
	w.verified()
}

// panicky panics once when it is asked for randomness after it was armed.
type panicky struct {
	io.Reader
	armed bool
}

func (p *panicky) Read(b []byte) (int, error) {
	if p.armed {
		p.armed = false
		panic("no randomness")
	}
	return p.Reader.Read(b)
}

// TestPanickingRandomness: a source of randomness that panics half through a decision
// leaves nothing half decided, whoever asked for the decision.
func TestPanickingRandomness(t *testing.T) {
	for name, call := range map[string]func(*world){
		"sweep":   func(w *world) { _, _ = w.Sweep(ctx) },
		"do":      func(w *world) { _, _ = w.Do(ctx, cus1, creditledger.Batch{spend("1"), spend("1")}, "") },
		"preview": func(w *world) { _, _ = w.Preview(ctx, cus1, creditledger.Batch{spend("1"), spend("1")}, "") },
	} {
		t.Run(name, func(t *testing.T) {
			source := &panicky{Reader: creditledger.Random(3)}
			w := newWorld(t, func(o *creditledger.Options) { o.Random = source })
			// A buffer of randomness makes 64 ids; the next is the first of a new buffer.
			w.given(creditledger.Fixture()...)
			for range 61 {
				w.given(spend("0.5"))
			}
			w.at("2026-03-02")
			source.armed = true
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				call(w)
			}()
			if got := w.total(); got != "100" {
				t.Errorf("afterwards the total is %s", got)
			}
			w.given(spend("1"))
			if got := w.total(); got != "99" {
				t.Errorf("and then %s", got)
			}
			w.verified()
		})
	}
}

// TestSweepLeavesWhatHeldThen: a sweep writes its record at the instant of the last
// expiry, and leaves the blocks as they were then: what became effective between that
// and now does not yet take the place of an empty block that stands in for debts.
func TestSweepLeavesWhatHeldThen(t *testing.T) {
	w := newWorld(t).given(grant("A", "10"), spend("10"), grant("X", "1", expires("2026-01-02")), grant("F", "5", effective("2026-01-03")))
	w.at("2026-01-04")
	if res, err := w.Sweep(ctx); err != nil || res.Entries != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	w.verified()
	w.reopen()
	w.verified()
	w.given(spend("7"))
	if got := w.held(); got != "F -2" {
		t.Errorf("the debt is on %s", got)
	}
	w.verified()
}

// TestSweepOfSome: a sweep of one account, or of a customer, writes what is due there and
// leaves the others alone.
func TestSweepOfSome(t *testing.T) {
	w := newWorld(t)
	usd := creditledger.AccountID{Customer: "cus_1", Currency: "USD"}
	later := creditledger.AccountID{Customer: "cus_10", Currency: "credits"}
	for _, on := range []creditledger.AccountID{cus1, usd, cus2, later} {
		for _, op := range []creditledger.Operation{grant("A", "5", expires("2026-02-01")), grant("B", "5", expires("2026-03-01"))} {
			if _, err := w.Do(ctx, on, op, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	is := func(what string, got creditledger.SweepResult, err error, want creditledger.SweepResult) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: swept %+v, %v, want %+v", what, got, err, want)
		}
	}
	w.at("2026-02-01")
	res, err := w.SweepAccount(ctx, cus1)
	is("an account", res, err, creditledger.SweepResult{Accounts: 1, Entries: 1})
	if b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || b.Total != amount("5") || len(w.entries(creditledger.EntriesQuery{})) != 3 {
		t.Errorf("the balance is %s, %v: %s", b.Total, err, w.ledger())
	}
	res, err = w.SweepAccount(ctx, cus1)
	is("the account again", res, err, creditledger.SweepResult{})
	res, err = w.SweepAccount(ctx, creditledger.AccountID{Customer: "nobody"})
	is("an account that is none", res, err, creditledger.SweepResult{})
	w.at("2026-03-01")
	res, err = w.SweepCustomer(ctx, "cus_1")
	is("a customer", res, err, creditledger.SweepResult{Accounts: 2, Entries: 3})
	res, err = w.SweepCustomer(ctx, "nobody")
	is("nobody", res, err, creditledger.SweepResult{})
	w.swept(creditledger.SweepResult{Accounts: 2, Entries: 4})
	w.verified()
}
