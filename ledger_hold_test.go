package creditledger_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

func hold(id, of string) creditledger.Hold {
	return creditledger.Hold{HoldID: id, Amount: amount(of)}
}

func capture(id, of string) creditledger.Capture {
	return creditledger.Capture{HoldID: id, Amount: amount(of)}
}

// TestHoldsAtOnce (H19): of 20 holds of 75 at once on 500 exactly 6 are granted, whatever
// commits they share.
func TestHoldsAtOnce(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Do(ctx, cus1, grant("B", "500"), ""); err != nil {
		t.Fatal(err)
	}
	var granted, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := w.Do(ctx, cus1, hold(fmt.Sprintf("h%d", i), "75"), "")
			var short *creditledger.InsufficientCreditsError
			switch {
			case err == nil:
				granted.Add(1)
			case errors.As(err, &short) && short.Available.Cmp(amount("75")) < 0:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{})
	if err != nil || granted.Load() != 6 || refused.Load() != 14 || b.Available != amount("50") || b.Held != amount("450") {
		t.Errorf("%d granted, %d refused, %+v, %v; want 6, 14, and 50 available", granted.Load(), refused.Load(), b, err)
	}
}

// TestHoldsSurvive: holds are there again after a restart, open and closed ones; what a key
// told it tells again.
func TestHoldsSurvive(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) func() store.Store{
		"memory": func(*testing.T) func() store.Store {
			s := unclosed{memory.New()}
			return func() store.Store { return s }
		},
		"file": func(t *testing.T) func() store.Store {
			path := filepath.Join(t.TempDir(), "credits.db")
			return func() store.Store { return must(bolt.Open(path, nil)) }
		},
	} {
		t.Run(name, func(t *testing.T) { holdsSurvive(t, open(t)) })
	}
}

func holdsSurvive(t *testing.T, open func() store.Store) {
	now := instant("2026-01-01").Time()
	var s store.Store
	var l *creditledger.Ledger
	reopen := func() {
		if l != nil {
			if err := errors.Join(l.Close(), s.Close()); err != nil {
				t.Fatal(err)
			}
		}
		s = open()
		l = creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return now }, Random: creditledger.Random(7)})
	}
	do := func(op creditledger.Operation, key creditledger.Key) *creditledger.Result {
		t.Helper()
		reopen()
		return must(l.Do(ctx, cus1, op, key))
	}
	reopen()
	do(grant("A", "30", expires("2026-01-01T01:00:00Z")), "")
	do(grant("B", "100"), "")
	first := do(hold("h", "50"), "h")
	long := hold("long", "40")
	long.Until = instant("2026-01-01T02:00:00Z")
	do(long, "")
	do(creditledger.Capture{HoldID: "h", Amount: amount("10"), KeepOpen: true}, "")
	now = now.Add(time.Hour)
	if again := do(hold("h", "50"), "h"); !again.Replayed || again.Hold.State != creditledger.HoldOpen || fmt.Sprint(*again.Hold) != fmt.Sprint(*first.Hold) {
		t.Errorf("the key of a hold tells %+v, first %+v", again.Hold, first.Hold)
	}
	if _, err := l.Do(ctx, cus1, hold("h", "1"), ""); !errors.Is(err, creditledger.ErrDuplicate) {
		t.Errorf("a hold id is free again: %v", err)
	}
	reopen()
	lapsed, err := l.Hold(ctx, cus1, "h")
	if err != nil || lapsed.State != creditledger.HoldLapsed || lapsed.Captured != amount("10") || !lapsed.Held.IsZero() {
		t.Errorf("the hold is %+v, %v", lapsed, err)
	}
	if list := must(l.Holds(ctx, cus1)); len(list) != 1 || list[0].ID != "long" || list[0].Held != amount("40") {
		t.Errorf("open are %+v", list)
	}
	swept := must(l.Sweep(ctx))
	if swept.Entries != 1 { // 20 of A were free once h had lapsed
		t.Errorf("swept %+v", swept)
	}
	reopen()
	late := do(capture("h", "5"), "late")
	if !late.Late || late.Hold.State != creditledger.HoldCaptured || late.Entries[0].HoldID != "h" {
		t.Errorf("a late capture gives %+v, %+v", late, late.Hold)
	}
	reopen()
	if again := do(capture("h", "5"), "late"); !again.Late || !again.Replayed || fmt.Sprint(*again.Hold) != fmt.Sprint(*late.Hold) {
		t.Errorf("again %+v, first %+v", again.Hold, late.Hold)
	}
	now = now.Add(2 * time.Hour)
	past := must(l.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant("2026-01-01T00:05:00Z")}))
	if past.Total != amount("120") || past.Held != amount("80") || past.Available != amount("40") {
		t.Errorf("in the past it was %+v", past)
	}
	v, err := l.VerifyAll(ctx, nil)
	if err != nil || v.Violation != nil {
		t.Errorf("verify: %+v, %v", v.Violation, err)
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// unclosed is a store in memory that outlives a ledger's restart.
type unclosed struct{ *memory.Store }

func (unclosed) Close() error { return nil }

// TestHoldsAreRead: what is held is told of blocks, in lists, in explanations and of the past.
func TestHoldsAreRead(t *testing.T) {
	gpu := creditledger.Filter{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterIncludes, Values: []string{"gpu"}}
	w := newWorld(t).given(grant("A", "30", expires("2026-01-01T01:00:00Z")), grant("B", "100"),
		creditledger.Increment{BlockID: "F", Amount: amount("50"), Filters: []creditledger.Filter{gpu}})
	z := hold("z", "40")
	z.Until, z.Overdraft = instant("2026-01-01T02:00:00Z"), creditledger.OverdraftAllow
	w.given(z)
	w.at("2026-01-01T00:10:00Z").given(creditledger.Hold{HoldID: "a", Amount: amount("100"), Overdraft: creditledger.OverdraftAllow})
	list := must(w.Holds(ctx, cus1))
	if len(list) != 2 || list[0].ID != "z" || list[1].ID != "a" {
		t.Errorf("holds in the order of their making: %v", list)
	}
	if b := must(w.Block(ctx, cus1, "B")); b.Held.String() != "100" {
		t.Errorf("of B %s are held", b.Held)
	}
	x := must(w.Explain(ctx, cus1, amount("1"), creditledger.Charge{}))
	if len(x.Blocks) != 3 || x.Blocks[1].Reason != creditledger.ReasonHeld || x.Blocks[2].Reason != creditledger.ReasonHeld {
		t.Errorf("explained: %+v", x.Blocks)
	}
	w.at("2026-01-01T03:00:00Z").given(grant("C", "1"))
	for at, want := range map[string]string{
		"2026-01-01T00:09:59.999999Z": "180 held 40 available 90",
		"2026-01-01T00:10:00Z":        "180 held 140 available 0",
		"2026-01-01T00:24:59.999999Z": "180 held 140 available 0",
		"2026-01-01T00:25:00Z":        "180 held 40 available 90",
		"2026-01-01T01:00:00Z":        "180 held 40 available 90",
		"2026-01-01T01:59:59.999999Z": "180 held 40 available 90",
		"2026-01-01T02:00:00Z":        "150 held 0 available 100",
		"2026-01-01T03:00:00Z":        "151 held 0 available 101",
	} {
		b := must(w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant(at)}))
		if got := fmt.Sprintf("%s held %s available %s", b.Total, b.Held, b.Available); got != want {
			t.Errorf("as of %s: %s, want %s", at, got, want)
		}
	}
}
