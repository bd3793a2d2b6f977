package creditledger_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"creditledger"
)

// lockingStore is a store in memory that says it locks accounts before decisions, and
// notes what the ledger tells it of one account, in order.
type lockingStore struct {
	*optimisticStore

	mu     sync.Mutex
	heard  []string
	locked bool
}

func newLocking() *lockingStore { return &lockingStore{optimisticStore: newOptimistic(1, 100)} }

// hear notes an event, after which the account is locked or not.
func (s *lockingStore) hear(event string, locked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard, s.locked = append(s.heard, event), locked
}

func (s *lockingStore) LoadToChange(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	s.hear("lock", true)
	return s.Load(ctx, id, have)
}

func (s *lockingStore) Release(creditledger.AccountID) { s.hear("release", false) }

func (s *lockingStore) Commit(ctx context.Context, changes []creditledger.Change) error {
	err := s.optimisticStore.Commit(ctx, changes)
	switch {
	case err == nil:
		s.hear("commit", false)
	case errors.Is(err, creditledger.ErrConflict): // a store may keep the lock for what is decided next
		s.hear("conflict", true)
	}
	return err
}

// events returns what was heard, and whether the account is locked still.
func (s *lockingStore) events() (text string, locked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.heard, " "), s.locked
}

// TestNoLockIsKeptForNobody: a store that locks an account before a decision is told when
// no commit follows, however the decision ended, and not before: others wait for what is
// on its way, and for nothing else.
func TestNoLockIsKeptForNobody(t *testing.T) {
	rejected := policy(creditledger.OverdraftReject)
	for name, c := range map[string]struct {
		act  func(w, elsewhere *world, s *lockingStore)
		want string
	}{
		"committed as remembered": {func(w, elsewhere *world, s *lockingStore) {
			w.given(spend("1"))
		}, "commit"},
		"refused": {func(w, elsewhere *world, s *lockingStore) {
			w.refused(spend("11", rejected), "k", creditledger.ErrInsufficientCredits)
		}, "lock release"},
		"repeated": {func(w, elsewhere *world, s *lockingStore) {
			elsewhere.must(spend("1"), "k")
			if res := w.must(spend("1"), "k"); !res.Replayed {
				w.t.Error("done twice")
			}
		}, "conflict lock release"},
		"committed after a conflict": {func(w, elsewhere *world, s *lockingStore) {
			elsewhere.given(spend("1"))
			w.given(spend("1"))
		}, "conflict lock commit release"},
		"refused after a conflict": {func(w, elsewhere *world, s *lockingStore) {
			elsewhere.given(spend("9"))
			w.refused(spend("2", rejected), "k", creditledger.ErrInsufficientCredits)
		}, "conflict lock release"},
		"read": {func(w, elsewhere *world, s *lockingStore) {
			elsewhere.given(spend("1"))
			if _, err := w.Preview(ctx, cus1, spend("1"), ""); err != nil || w.total() != "9" {
				w.t.Error(err, w.total())
			}
		}, ""},
		"of two after a conflict one refused, one committed": {func(w, elsewhere *world, s *lockingStore) {
			g := s.shut()
			first, err := w.Submit(ctx, cus1, spend("1"), "first")
			if err != nil {
				w.t.Fatal(err)
			}
			received(t, g.arrived)
			var behind []*creditledger.Pending
			for _, op := range []creditledger.Operation{spend("5", rejected), spend("1", rejected)} {
				p, err := w.Submit(ctx, cus1, op, "")
				if err != nil {
					w.t.Fatal(err)
				}
				behind = append(behind, p)
			}
			s.onCommit(nil)
			elsewhere.given(spend("6"))
			g.pass()
			_, errFirst := first.Wait(ctx)
			_, errRefused := behind[0].Wait(ctx)
			_, errLast := behind[1].Wait(ctx)
			if errFirst != nil || !errors.Is(errRefused, creditledger.ErrInsufficientCredits) || errLast != nil {
				w.t.Error(errFirst, errRefused, errLast)
			}
		}, "conflict lock commit commit release|conflict lock commit lock commit release"}, // the last finds the lock, or it has ended already
		"called off while the store answers": {func(w, elsewhere *world, s *lockingStore) {
			over, cancel := context.WithCancel(ctx)
			s.onRead(func(ctx context.Context, what string, _ creditledger.AccountID) error {
				cancel()
				return ctx.Err()
			})
			if _, err := w.Do(over, cus1, spend("11", rejected), "k"); !errors.Is(err, context.Canceled) {
				w.t.Error(err)
			}
		}, "lock release"},
		"in conflict with records that only its caller may decide afresh, who is gone": {func(w, elsewhere *world, s *lockingStore) {
			g := s.shut()
			over, cancel := context.WithCancel(ctx)
			done := make(chan error)
			go func() {
				_, err := w.DoWith(over, cus1, spend("1"), creditledger.DoOptions{Key: "k", Attach: attach(put("a", 0, "x"))})
				done <- err
			}()
			received(t, g.arrived)
			cancel()
			if err := received(t, done); !errors.Is(err, creditledger.ErrOutcomeUnknown) {
				w.t.Error(err)
			}
			s.onCommit(nil)
			elsewhere.given(spend("1"))
			g.pass()
		}, "conflict release"},
		"broken off by a panic": {func(w, elsewhere *world, s *lockingStore) {
			elsewhere.must(spend("1"), "k")
			w.refused(spend("11", rejected), "", creditledger.ErrInsufficientCredits)
			defer func() { _ = recover() }()
			w.reopen()
			_, _ = w.DoWith(ctx, cus1, spend("1"), creditledger.DoOptions{Key: "l", Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) { panic("attach") }})
		}, "lock release lock release"},
		"swept by another process meanwhile": {func(w, elsewhere *world, s *lockingStore) {
			w.given(grant("E", "1", expires("2026-02-01")))
			w.at("2026-03-01")
			elsewhere.at("2026-03-01")
			var once sync.Once
			s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
				if what == "load" {
					once.Do(func() { elsewhere.swept(creditledger.SweepResult{Accounts: 1, Entries: 1}) })
				}
				return nil
			})
			w.swept(creditledger.SweepResult{})
		}, "commit lock release"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newLocking()
			elsewhere := newWorldOver(t, s.Store)
			elsewhere.given(grant("A", "10"))
			w := newWorldOver(t, s)
			w.total() // it is in memory
			if _, err := w.Settings(ctx); err != nil {
				t.Fatal(err)
			}
			c.act(w, elsewhere, s)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got, locked := s.events(); !slices.Contains(strings.Split(c.want, "|"), got) || locked {
				t.Errorf("the store heard %q, and the account is locked: %t; want %q", got, locked, c.want)
			}
			if strings.Contains(c.want, "conflict") {
				w.reopen()
				w.verified()
			}
		})
	}
}

// TestLocksEndWithTheirDecisions: many goroutines on some accounts, with other ledgers that
// write to them: when all have ended, no account is locked.
func TestLocksEndWithTheirDecisions(t *testing.T) {
	s := newLocking()
	var worlds []*world
	for i := range byte(4) {
		w := newWorldOver(t, s, func(o *creditledger.Options) { o.Random = creditledger.Random(i) })
		w.total() // it is in memory, so that whoever commits first leaves conflicts to the others
		worlds = append(worlds, w)
	}
	var all sync.WaitGroup
	for _, w := range worlds {
		all.Go(func() {
			defer w.Close()
			var clients sync.WaitGroup
			for range 4 {
				clients.Go(func() {
					for i := range 30 {
						_, err := w.Do(ctx, cus1, []creditledger.Operation{grant("", "3"), spend("4", policy(creditledger.OverdraftReject))}[i%2], "")
						// The lock of this store keeps nobody out: one of many may lose every time.
						if err != nil && !errors.Is(err, creditledger.ErrInsufficientCredits) && !errors.Is(err, creditledger.ErrConflict) {
							t.Error(err)
						}
					}
				})
			}
			clients.Wait()
		})
	}
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.heard, "conflict") || !slices.Contains(s.heard, "release") || s.locked {
		t.Errorf("%d events, the last %q; locked: %t", len(s.heard), s.heard[len(s.heard)-1], s.locked)
	}
}
