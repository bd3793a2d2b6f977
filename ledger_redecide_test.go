package creditledger_test

import (
	"context"
	"creditledger/store/memory"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
)

// moved is what a store says when another process was faster.
var moved = &creditledger.ConflictError{Accounts: []creditledger.AccountID{cus1}}

// aloft submits an operation whose commit is under way until another process turns out
// to have been faster.
func aloft(t *testing.T, w *world, s *faulty, op creditledger.Operation, key creditledger.Key) (p *creditledger.Pending, outrun func()) {
	t.Helper()
	g := s.shut()
	p, err := w.Submit(ctx, cus1, op, key)
	if err != nil {
		t.Fatal(err)
	}
	received(t, g.arrived)
	return p, func() {
		s.onCommit(nil)
		g.fail(moved)
	}
}

// TestNobodyIsRefusedForTheRecordsOfOthers: a stale record that came along in the same
// flight is nobody's concern but of who brought it.
func TestNobodyIsRefusedForTheRecordsOfOthers(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("A", "100"))
	if err := w.PutDocuments(ctx, []creditledger.DocumentPut{put("x", 0, "1")}); err != nil {
		t.Fatal(err)
	}
	g := s.shut()
	first := w.async(ctx, cus1, spend("1"), "lead")
	received(t, g.arrived)
	innocent, err := w.Submit(ctx, cus1, spend("2"), "innocent")
	if err != nil {
		t.Fatal(err)
	}
	guilty, decided := make(chan error, 1), make(chan bool)
	go func() {
		_, err := w.DoWith(ctx, cus1, spend("3"), creditledger.DoOptions{Key: "guilty", Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) {
			close(decided)
			return []creditledger.DocumentPut{put("x", 0, "stale")}, nil
		}})
		guilty <- err
	}()
	<-decided
	if _, err := w.Submit(ctx, cus1, grant("B", "1"), ""); err != nil { // decided behind it
		t.Fatal(err)
	}
	s.onCommit(nil)
	g.pass()
	received(t, first)
	if err := received(t, guilty); !errors.Is(err, creditledger.ErrConflict) {
		t.Errorf("with a stale record: %v", err)
	}
	if _, err := innocent.Wait(ctx); err != nil {
		t.Errorf("without one: %v", err)
	}
}

// TestAKeyThatWasToldStays: who gave up waiting was told a key that the ledger had made.
// After a conflict the operation stands under it, whether the retry comes first, which
// has it decided afresh, or one who waits.
func TestAKeyThatWasToldStays(t *testing.T) {
	for _, retryFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("retry first %t", retryFirst), func(t *testing.T) {
			s := newFaulty()
			w := newWorldOver(t, s)
			p, outrun := aloft(t, w, s, grant("", "1"), "")
			short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			var unknown *creditledger.OutcomeUnknownError
			if _, err := p.Wait(short); !errors.As(err, &unknown) {
				t.Fatal(err)
			}
			outrun()
			wait := func() {
				if res, err := p.Wait(ctx); err != nil || res.Key != unknown.Key {
					t.Errorf("waited on: %+v, %v", res, err)
				}
			}
			if !retryFirst {
				wait()
			}
			res, err := w.Do(ctx, cus1, grant("", "1"), unknown.Key)
			if err != nil || !res.Replayed {
				t.Errorf("retry: %+v, %v", res, err)
			}
			if retryFirst {
				wait()
			}
			if w.total() != "1" {
				t.Errorf("granted %s", w.total())
			}
		})
	}
}

// TestGivingUpInADecisionAfreshIsUnknown: it is decided all the same, for whoever waits
// still, and for nobody.
func TestGivingUpInADecisionAfreshIsUnknown(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("A", "100"))
	p, outrun := aloft(t, w, s, spend("2"), "k")
	loading, load := make(chan bool, 10), make(chan bool)
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
		if what == "load" {
			loading <- true
			<-load
		}
		return nil
	})
	over, cancel := context.WithCancel(ctx)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := p.Wait(over); first <- err }()
	go func() { _, err := p.Wait(ctx); second <- err }()
	outrun()
	received(t, loading)
	cancel()
	if err := received(t, first); !errors.Is(err, creditledger.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up was told %v", err)
	}
	silent(t, second, "answered before it was decided")
	close(load)
	if err := received(t, second); err != nil || w.total() != "98" {
		t.Errorf("who did not: %v, total %s", err, w.total())
	}
}

// TestWhatWasGivenUpHappensAtOnceOrNever: an operation that a conflict made void is
// decided afresh without anybody who waits for it; if the store does not answer then, it
// is dropped. Nothing of it appears later.
func TestWhatWasGivenUpHappensAtOnceOrNever(t *testing.T) {
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprintf("the store answers %t", !broken), func(t *testing.T) {
			s := newFaulty()
			w := newWorldOver(t, s)
			w.given(grant("A", "100"))
			p, outrun := aloft(t, w, s, spend("2"), "k")
			over, cancel := context.WithCancel(ctx)
			cancel()
			if _, err := p.Wait(over); !errors.Is(err, creditledger.ErrOutcomeUnknown) {
				t.Fatal(err)
			}
			asked := make(chan bool, 10)
			s.onRead(func(context.Context, string, creditledger.AccountID) error {
				asked <- true
				if broken {
					return errors.New("no answer")
				}
				return nil
			})
			outrun()
			received(t, asked) // by nobody's call
			want := "98"
			if broken {
				if _, err := p.Wait(ctx); err == nil || errors.Is(err, creditledger.ErrOutcomeUnknown) {
					t.Errorf("who waits later is told %v", err)
				}
				want = "100"
			}
			s.onRead(nil)
			if got := w.total(); got != want {
				t.Errorf("the first reader is told %s, want %s", got, want)
			}
			w.given(grant("B", "1"))
			if n := len(w.entries(creditledger.EntriesQuery{})); n != map[bool]int{false: 3, true: 2}[broken] {
				t.Errorf("%d entries in the end", n)
			}
		})
	}
}

// TestAPanicInADecisionAfreshIsAnError: nobody's goroutine is there to panic. Nothing is
// written, and the account goes on.
func TestAPanicInADecisionAfreshIsAnError(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	var broken atomic.Bool
	w.opts.Clock = func() time.Time {
		if broken.CompareAndSwap(true, false) {
			panic("clock")
		}
		return w.clock()
	}
	w.reopen()
	w.given(grant("A", "100"))
	p, outrun := aloft(t, w, s, spend("2"), "k")
	broken.Store(true)
	outrun()
	if _, err := p.Wait(ctx); err == nil || !strings.Contains(err.Error(), "panicked: clock") || errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Error(err)
	}
	if got := w.given(spend("1")).total(); got != "99" {
		t.Errorf("total %s", got)
	}
}

// TestAHotAccountStarvesNobody: with a flight in the air at any moment, what is refused
// is refused, a preview too, and a retry under a made key finds its record.
func TestAHotAccountStarvesNobody(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	first := w.must(grant("A", "1"), "")
	var over atomic.Bool
	s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
		time.Sleep(time.Millisecond)
		if !over.Load() {
			if _, err := w.Submit(ctx, cus1, grant("", "1"), ""); err != nil {
				t.Error(err)
			}
		}
		return next()
	})
	if _, err := w.Submit(ctx, cus1, grant("", "1"), ""); err != nil {
		t.Fatal(err)
	}
	tooMuch := spend("1000000", policy(creditledger.OverdraftReject))
	for name, call := range map[string]func(context.Context) error{
		"preview": func(c context.Context) error { _, err := w.Preview(c, cus1, tooMuch, ""); return err },
		"do":      func(c context.Context) error { _, err := w.Do(c, cus1, tooMuch, ""); return err },
		"retry":   func(c context.Context) error { _, err := w.Do(c, cus1, grant("A", "1"), first.Key); return err },
	} {
		c, cancel := context.WithTimeout(ctx, time.Minute)
		if err := call(c); errors.Is(err, context.DeadlineExceeded) || name != "retry" != errors.Is(err, creditledger.ErrInsufficientCredits) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	over.Store(true)
}

// TestAConflictKeepsTheOrder: what was submitted first is decided first afresh, too,
// whoever waits first, and whatever is submitted meanwhile.
func TestAConflictKeepsTheOrder(t *testing.T) {
	for _, c := range []struct {
		rule string
		wait func(t *testing.T, w *world, grant, spend *creditledger.Pending)
	}{
		{"the second is waited for first", func(t *testing.T, w *world, grant, spend *creditledger.Pending) {
			for _, p := range []*creditledger.Pending{spend, grant} {
				if _, err := p.Wait(ctx); err != nil {
					t.Error(err)
				}
			}
		}},
		{"nobody waits, and another one comes", func(t *testing.T, w *world, _, _ *creditledger.Pending) {
			if _, err := w.Do(ctx, cus1, grant("", "5"), ""); err != nil {
				t.Error(err)
			}
		}},
		{"who waits has given up", func(t *testing.T, w *world, first, _ *creditledger.Pending) {
			over, cancel := context.WithCancel(ctx)
			cancel()
			if _, err := first.Wait(over); !errors.Is(err, creditledger.ErrOutcomeUnknown) {
				t.Error(err)
			}
			if _, err := w.Do(ctx, cus1, grant("", "5"), ""); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newFaulty()
			w := newWorldOver(t, s)
			first, outrun := aloft(t, w, s, grant("A", "10"), "1")
			second, err := w.Submit(ctx, cus1, spend("10", policy(creditledger.OverdraftReject)), "2")
			if err != nil {
				t.Fatal(err)
			}
			outrun()
			c.wait(t, w, first, second)
			page, err := w.Entries(ctx, cus1, creditledger.EntriesQuery{Ascending: true, Limit: 10})
			if err != nil || len(page.Entries) < 2 || page.Entries[0].IdempotencyKey != "1" || page.Entries[1].IdempotencyKey != "2" {
				t.Errorf("%+v, %v", page.Entries, err)
			}
		})
	}
}

// TestWhoWasToldOfAConflictIsNotDone: an operation that gave up after its attempts is
// not decided by somebody else.
func TestWhoWasToldOfAConflictIsNotDone(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	s.onCommit(func(context.Context, []creditledger.Change, func() error) error { return moved })
	if _, err := w.Do(ctx, cus1, grant("A", "10"), "1"); !errors.Is(err, creditledger.ErrConflict) {
		t.Fatal(err)
	}
	s.onCommit(nil)
	if _, err := w.Do(ctx, cus1, grant("B", "1"), "2"); err != nil {
		t.Fatal(err)
	}
	if w.total() != "1" {
		t.Errorf("total %s", w.total())
	}
}

// stale is a store whose first commit is in conflict, once it is let go.
type stale struct {
	creditledger.Store
	begun, open chan struct{}
	refused     *atomic.Bool
}

func (s stale) Commit(ctx context.Context, changes []creditledger.Change) error {
	if !s.refused.CompareAndSwap(false, true) {
		return s.Store.Commit(ctx, changes)
	}
	close(s.begun)
	<-s.open
	return &creditledger.ConflictError{Accounts: []creditledger.AccountID{changes[0].Account}}
}

// TestConflictIsDecidedOnceForAllWhoWait: an operation without a key happens once,
// however many wait for it when its account turns out to have moved.
func TestConflictIsDecidedOnceForAllWhoWait(t *testing.T) {
	s := stale{memory.New(), make(chan struct{}), make(chan struct{}), new(atomic.Bool)}
	w := newWorldOver(t, s)
	p, err := w.Submit(ctx, cus1, grant("", "1"), "")
	if err != nil {
		t.Fatal(err)
	}
	<-s.begun
	const waiters = 8
	answers := make(chan string, waiters)
	for range waiters {
		go func() {
			res, err := p.Wait(ctx)
			if err != nil {
				answers <- err.Error()
				return
			}
			answers <- string(res.Key)
		}()
	}
	close(s.open)
	first := <-answers
	for range waiters - 1 {
		if other := <-answers; other != first {
			t.Errorf("one was told %s, another %s", first, other)
		}
	}
	if balance, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || balance.Total.String() != "1" {
		t.Errorf("granted %s, %v", balance.Total, err)
	}
}

// TestWhoGivesUpDecidesForNobodyElse: one who waits under a context that is over changes
// nothing for the others.
func TestWhoGivesUpDecidesForNobodyElse(t *testing.T) {
	s := stale{memory.New(), make(chan struct{}), make(chan struct{}), new(atomic.Bool)}
	w := newWorldOver(t, s)
	p, err := w.Submit(ctx, cus1, grant("", "1"), "")
	if err != nil {
		t.Fatal(err)
	}
	<-s.begun
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := p.Wait(over); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that is over: %v", err)
	}
	close(s.open)
	// Who looks at the account sees what was decided afresh.
	if balance, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || balance.Total.String() != "1" {
		t.Fatalf("total %s, %v", balance.Total, err)
	}
	for range 2 {
		if _, err := p.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
	if balance, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || balance.Total.String() != "1" {
		t.Errorf("granted %s, %v", balance.Total, err)
	}
}
