package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"creditledger"
)

// TestContextDuringCommit: a caller that is called off while its operation is being
// stored gets an unknown outcome and its key; the operation is stored as a whole.
func TestContextDuringCommit(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("A", "10"))
	g := s.shut()
	called, cancel := context.WithCancel(ctx)
	off := w.async(called, cus1, creditledger.Batch{spend("1"), spend("2")}, "")
	received(t, g.arrived)
	reader := make(chan error, 1)
	go func() { reader <- errOf(w.Balance(called, cus1, creditledger.BalanceQuery{})) }()
	same := w.async(called, cus1, creditledger.Batch{spend("1"), spend("2")}, "other")
	silent(t, reader, "a read is not held up")
	cancel()
	var unknown *creditledger.OutcomeUnknownError
	if a := received(t, off); !errors.Is(a.err, creditledger.ErrOutcomeUnknown) || !errors.Is(a.err, context.Canceled) || !errors.As(a.err, &unknown) || unknown.Key == "" {
		t.Fatalf("called off: %v", a.err)
	}
	if err := received(t, reader); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader called off: %v", err)
	}
	if a := received(t, same); !errors.Is(a.err, context.Canceled) {
		t.Errorf("another caller called off: %v", a.err)
	}
	s.onCommit(nil)
	g.pass()
	res := w.must(creditledger.Batch{spend("1"), spend("2")}, unknown.Key)
	if !res.Replayed || len(res.Entries) != 2 {
		t.Errorf("repeated: %+v", res)
	}
	w.verified()
}

// TestContextBefore: a context that is over before anything began writes nothing.
func TestContextBefore(t *testing.T) {
	w := newWorld(t)
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := w.Do(over, cus1, grant("A", "1"), "k"); !errors.Is(err, context.Canceled) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("%v", err)
	}
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	if _, err := w.Do(late, cus1, grant("A", "1"), "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if res := w.must(grant("A", "1"), "k"); res.Replayed {
		t.Error("something was written")
	}
}

// TestContextWhileLocked: who waits for an account that another call holds can be
// called off, and leaves the account to the others.
func TestContextWhileLocked(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	inside, release := make(chan bool, 2), make(chan bool)
	defer close(release)
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
		if what == "load" {
			inside <- true
			<-release
		}
		return nil
	})
	holder := w.async(ctx, cus1, grant("A", "1"), "")
	received(t, inside)
	called, cancel := context.WithCancel(ctx)
	waiter := w.async(called, cus1, grant("B", "1"), "")
	silent(t, waiter, "not held up")
	cancel()
	if a := received(t, waiter); !errors.Is(a.err, context.Canceled) || errors.Is(a.err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("called off: %v", a.err)
	}
	s.onRead(nil)
	release <- true
	if a := received(t, holder); a.err != nil {
		t.Error(a.err)
	}
	w.given(grant("B", "1"))
	if got := w.held(); got != "A 1, B 1" {
		t.Errorf("held %s", got)
	}
}

// TestCloseWaits for what is under way, and refuses what comes then.
func TestCloseWaits(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newFaulty()
	l := creditledger.New(s, nil)
	g := s.shut()
	done := make(chan error, 2)
	go func() { done <- errOf(l.Do(ctx, cus1, grant("A", "1"), "")) }()
	received(t, g.arrived)
	pending, err := l.Submit(ctx, cus1, spend("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	silent(t, closed, "closed while a commit is under way")
	if _, err := l.Do(ctx, cus1, spend("1"), ""); !errors.Is(err, creditledger.ErrClosed) {
		t.Errorf("while it closes: %v", err)
	}
	g.pass()
	received(t, g.arrived)
	silent(t, closed, "closed while a commit is under way")
	g.pass()
	if err := received(t, closed); err != nil {
		t.Error(err)
	}
	if err := received(t, done); err != nil {
		t.Error(err)
	}
	if res, err := pending.Wait(ctx); err != nil || story(res.Entries) != "decrement A 1 1→0" {
		t.Errorf("submitted before: %v, %v", res, err)
	}
	settles(t, before)
}

// TestNoGoroutineLeft: an idle ledger has no goroutine, whatever happened to it.
func TestNoGoroutineLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newFaulty()
	l := creditledger.New(s, nil)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c, cancel := context.WithTimeout(ctx, time.Duration(i)*100*time.Microsecond)
			defer cancel()
			for range 20 {
				_, _ = l.Do(c, creditledger.AccountID{Customer: fmt.Sprint(i % 5)}, spend("1"), "")
				_, _ = l.Balance(c, creditledger.AccountID{Customer: fmt.Sprint(i % 5)}, creditledger.BalanceQuery{})
			}
		}()
	}
	wg.Wait()
	settles(t, before)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
