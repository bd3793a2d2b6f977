package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
)

// joinedStore is a store inside a transaction of the test's.
type joinedStore struct {
	*faulty
	inside  atomic.Int32 // commits under way
	commits atomic.Int32
}

func (*joinedStore) Joined() {}

func newJoined() *joinedStore {
	s := &joinedStore{faulty: newFaulty()}
	s.then(nil)
	return s
}

// then sets what happens in a commit before it is stored.
func (s *joinedStore) then(f func(context.Context)) {
	s.onCommit(func(ctx context.Context, _ []creditledger.Change, next func() error) error {
		s.inside.Add(1)
		defer s.inside.Add(-1)
		s.commits.Add(1)
		if f != nil {
			f(ctx)
		}
		return next()
	})
}

// TestJoinedCommitIsOverWhenTheCallReturns: the caller of a joined ledger may end the
// transaction once a call has returned, also one that was called off in the middle of a
// commit.
func TestJoinedCommitIsOverWhenTheCallReturns(t *testing.T) {
	submit := func(w *world) *creditledger.Pending {
		p, err := w.Submit(ctx, cus1, spend("1"), "")
		if err != nil {
			w.t.Fatal(err)
		}
		return p
	}
	for name, do := range map[string]func(context.Context, *world) error{
		"do": func(ctx context.Context, w *world) error {
			_, err := w.Do(ctx, cus1, spend("1"), "")
			return err
		},
		"wait": func(ctx context.Context, w *world) error {
			_, err := submit(w).Wait(ctx)
			return err
		},
		"a read of what was submitted": func(ctx context.Context, w *world) error {
			submit(w)
			_, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{})
			return err
		},
		"an operation with a key that was submitted": func(ctx context.Context, w *world) error {
			if _, err := w.Submit(ctx, cus1, spend("1"), "k"); err != nil {
				return err
			}
			_, err := w.Do(ctx, cus1, spend("1"), "k")
			return err
		},
		"sweep": func(ctx context.Context, w *world) error {
			w.at("2025-06-02T00:00:00Z")
			_, err := w.Sweep(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newJoined()
			w := newWorldOver(t, s).at("2025-06-01T00:00:00Z").given(grant("A", "5", expires("2025-06-01T12:00:00Z")), grant("B", "5"))
			before := s.commits.Load()
			called, cancel := context.WithCancel(ctx)
			hung := time.After(time.Minute)
			s.then(func(ctx context.Context) {
				cancel()
				select {
				case <-ctx.Done():
				case <-hung:
				}
				time.Sleep(5 * time.Millisecond) // the driver winds up
			})
			err := do(called, w)
			if n := s.inside.Load(); n != 0 {
				t.Errorf("%d commits are under way when the call has returned", n)
			}
			if s.commits.Load() == before {
				t.Error("nothing was committed")
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			s.then(nil)
			after := s.commits.Load()
			time.Sleep(20 * time.Millisecond)
			if n := s.commits.Load(); n != after {
				t.Errorf("%d commits after the call", n-after)
			}
		})
	}
}

// TestJoinedStartsNoGoroutine: what is submitted is committed by who waits for it, many
// operations in one commit, or by Close.
func TestJoinedStartsNoGoroutine(t *testing.T) {
	s := newJoined()
	w := newWorldOver(t, s).given(grant("A", "100"))
	var pending []*creditledger.Pending
	for range 10 {
		p, err := w.Submit(ctx, cus1, spend("1"), "")
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	time.Sleep(20 * time.Millisecond)
	if n := s.commits.Load(); n != 1 {
		t.Errorf("%d commits before anybody waited, want that of the grant", n)
	}
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.commits.Load(); n != 2 {
		t.Errorf("%d commits of a grant and ten spends, want 2", n)
	}
	for _, on := range []creditledger.AccountID{cus1, cus2} {
		if _, err := w.Submit(ctx, on, spend("1"), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := s.commits.Load(); n != 3 {
		t.Errorf("%d commits after Close, want 3", n)
	}
}

// TestJoinedCalledOffBeforeItBegan: a context that is over when it is a caller's turn
// refuses the commit, and what was decided on top is decided afresh.
func TestJoinedCalledOffBeforeItBegan(t *testing.T) {
	s := newJoined()
	w := newWorldOver(t, s).given(grant("A", "100"))
	p, err := w.Submit(ctx, cus1, spend("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := p.Wait(over); !errors.Is(err, context.Canceled) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("error %v, want that it was not begun", err)
	}
	if got := w.total(); got != "100" {
		t.Errorf("balance %s, want 100", got)
	}
}

// TestJoinedBySeveralGoroutines: they take turns, and whose context ends while another
// one commits does not wait for it.
func TestJoinedBySeveralGoroutines(t *testing.T) {
	s := newJoined()
	w := newWorldOver(t, s).given(grant("A", "1000"))
	var all sync.WaitGroup
	s.then(func(context.Context) {
		if n := s.inside.Load(); n != 1 {
			t.Errorf("%d commits at once", n)
		}
	})
	for range 8 {
		all.Go(func() {
			for i := range 20 {
				on := creditledger.AccountID{Customer: fmt.Sprintf("cus_%d", 1+i%3), Currency: "credits"}
				if _, err := w.Do(ctx, on, spend("1"), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()

	begun, release := make(chan struct{}), make(chan struct{})
	s.then(func(context.Context) {
		begun <- struct{}{}
		<-release
	})
	first := w.async(ctx, cus1, spend("1"), "")
	received(t, begun)
	late, cancel := context.WithCancel(ctx)
	second := w.async(late, cus2, spend("1"), "")
	silent(t, second, "answered while another one commits")
	cancel()
	if a := received(t, second); !errors.Is(a.err, creditledger.ErrOutcomeUnknown) || !errors.Is(a.err, context.Canceled) {
		t.Errorf("error %v, want an unknown outcome", a.err)
	}
	s.then(nil)
	close(release)
	if a := received(t, first); a.err != nil {
		t.Error(a.err)
	}
}
