package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// TestFailedCommit: an error of the store is that of the callers in that commit, and
// nothing was written; what was decided on top of it is decided afresh.
func TestFailedCommit(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("A", "10"))
	g := s.shut()
	broken := errors.New("disk full")
	first := w.async(ctx, cus1, grant("B", "100"), "first")
	received(t, g.arrived)
	// Decided on top of B, which will never be.
	covered, err := w.Submit(ctx, cus1, spend("8", policy(creditledger.OverdraftReject)), "covered")
	if err != nil {
		t.Fatal(err)
	}
	tooMuch, err := w.Submit(ctx, cus1, spend("50", policy(creditledger.OverdraftReject)), "too much")
	if err != nil {
		t.Fatal(err)
	}
	s.onCommit(nil) // what is decided afresh may be committed before the first is told
	g.fail(broken)
	if a := received(t, first); !errors.Is(a.err, broken) || errors.Is(a.err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("the first: %v", a.err)
	}
	if res, err := covered.Wait(ctx); err != nil || story(res.Entries) != "decrement A 8 10→2" {
		t.Errorf("the second, decided afresh: %+v, %v", res, err)
	}
	if _, err := tooMuch.Wait(ctx); !errors.Is(err, creditledger.ErrInsufficientCredits) {
		t.Errorf("the third, decided afresh: %v", err)
	}
	if got := w.held(); got != "A 2" {
		t.Errorf("held %s", got)
	}
	// The key of what failed is free, and so is its block id.
	if res := w.must(grant("B", "100"), "first"); res.Replayed {
		t.Error("a failed operation was remembered")
	}
	w.verified()
}

// TestConflictOnOneAccount: of many accounts in a commit the one that moved is decided
// afresh, the others go without it.
func TestConflictOnOneAccount(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	on := func(name string) creditledger.AccountID {
		return creditledger.AccountID{Customer: name, Currency: "credits"}
	}
	g := s.shut()
	first := w.async(ctx, cus1, grant("A", "1"), "")
	received(t, g.arrived)
	waits := map[string]*creditledger.Pending{}
	for _, name := range []string{"a", "b", "c"} {
		var err error
		if waits[name], err = w.Submit(ctx, on(name), grant("A", "1"), creditledger.Key("key "+name)); err != nil {
			t.Fatal(err)
		}
	}
	g.pass()
	received(t, first)
	received(t, g.arrived)
	// Another process spends from b meanwhile.
	elsewhere := newWorldOver(t, s.Store)
	if _, err := elsewhere.Do(ctx, on("b"), spend("5"), ""); err != nil {
		t.Fatal(err)
	}
	s.onCommit(nil)
	g.pass()
	for name, want := range map[string]string{"a": "increment A 1 0→1", "b": "increment", "c": "increment A 1 0→1"} {
		res, err := waits[name].Wait(ctx)
		if err != nil || !strings.HasPrefix(story(res.Entries), want) {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	if got := s.committed(); !slices.Equal(got, []string{"cus_1 1", "a 1, c 1", "b 1"}) {
		t.Errorf("commits %q", got)
	}
	if b, err := w.Balance(ctx, on("b"), creditledger.BalanceQuery{}); err != nil || b.Total.String() != "-4" {
		t.Errorf("b holds %+v, %v", b, err)
	}
	w.verified()
}

// TestConflictForEver: a store that always finds a conflict is asked a bounded number
// of times; a conflict that names nothing in the commit is one of everything.
func TestConflictForEver(t *testing.T) {
	for name, conflict := range map[string]func(c *creditledger.Change) *creditledger.ConflictError{
		"the account": func(c *creditledger.Change) *creditledger.ConflictError {
			return &creditledger.ConflictError{Accounts: []creditledger.AccountID{c.Account}}
		},
		"another account": func(*creditledger.Change) *creditledger.ConflictError {
			return &creditledger.ConflictError{Accounts: []creditledger.AccountID{{Customer: "nobody", Currency: "x"}}}
		},
		"nothing": func(*creditledger.Change) *creditledger.ConflictError { return &creditledger.ConflictError{} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newFaulty()
			w := newWorldOver(t, s)
			asked := 0
			s.onCommit(func(_ context.Context, changes []creditledger.Change, _ func() error) error {
				asked++
				return conflict(&changes[0])
			})
			w.refused(grant("A", "1"), "k", creditledger.ErrConflict)
			if asked < 2 || asked > 100 {
				t.Errorf("asked %d times", asked)
			}
			s.onCommit(nil)
			if res := w.must(grant("A", "1"), "k"); res.Replayed || w.ledger() != "increment A 1 0→1" {
				t.Errorf("then: %+v", res)
			}
		})
	}
}

// TestOutcomeUnknown: whether or not the commit happened, the error names a key, and
// the operation repeated with it has one effect.
func TestOutcomeUnknown(t *testing.T) {
	cause := errors.New("connection lost")
	for name, end := range map[string]func(next func() error) error{
		"before it was stored": func(func() error) error { return &creditledger.OutcomeUnknownError{Err: cause} },
		"after it was stored": func(next func() error) error {
			return errors.Join(next(), &creditledger.OutcomeUnknownError{Err: cause})
		},
		"a panic before": func(func() error) error { panic(cause) },
		"a panic after": func(next func() error) error {
			_ = next()
			panic(cause)
		},
	} {
		for _, key := range []creditledger.Key{"", "mine"} {
			t.Run(fmt.Sprintf("%s, key %q", name, key), func(t *testing.T) {
				s := newFaulty()
				w := newWorldOver(t, s)
				w.given(grant("A", "10"))
				s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error { return end(next) })
				err := w.refused(spend("3"), key, creditledger.ErrOutcomeUnknown)
				var unknown *creditledger.OutcomeUnknownError
				if !errors.As(err, &unknown) || unknown.Key == "" || (key != "" && unknown.Key != key) || !strings.Contains(err.Error(), "connection lost") {
					t.Fatalf("%v", err)
				}
				s.onCommit(nil)
				res := w.must(spend("3"), unknown.Key)
				if res.Replayed != strings.Contains(name, "after") || res.Key != unknown.Key || w.total() != "7" {
					t.Errorf("repeated: %+v, total %s", res, w.total())
				}
				if res := w.must(spend("3"), unknown.Key); !res.Replayed || w.total() != "7" {
					t.Errorf("repeated again: %+v, total %s", res, w.total())
				}
				w.refused(spend("4"), unknown.Key, creditledger.ErrIdempotencyMismatch)
				w.verified()
			})
		}
	}
}

// TestPoisonedStore: a store that refuses all work says so to everyone, and after it
// is mended everything goes on.
func TestPoisonedStore(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("A", "10"))
	s.onCommit(func(context.Context, []creditledger.Change, func() error) error { return creditledger.ErrPoisoned })
	s.onRead(func(context.Context, string, creditledger.AccountID) error { return creditledger.ErrPoisoned })
	w.refused(spend("1"), "k", creditledger.ErrPoisoned)
	if _, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); !errors.Is(err, creditledger.ErrPoisoned) {
		t.Errorf("a read: %v", err)
	}
	s.onCommit(nil)
	s.onRead(nil)
	if res := w.must(spend("1"), "k"); res.Replayed || w.total() != "9" {
		t.Errorf("then: %+v", res)
	}
}

// failingReadsCases are the cases of TestFailingReads.
var failingReadsCases = map[string]func(*world) error{
	"balance": func(w *world) error { return errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{})) },
	"as of": func(w *world) error {
		return errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant("2026-01-01")}))
	},
	"entries": func(w *world) error {
		return errOf(w.Entries(ctx, cus1, creditledger.EntriesQuery{From: instant("2026-01-01")}))
	},
	"oldest":  func(w *world) error { return errOf(w.Entries(ctx, cus1, creditledger.EntriesQuery{Ascending: true})) },
	"blocks":  func(w *world) error { return errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{})) },
	"all":     func(w *world) error { return errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: true})) },
	"explain": func(w *world) error { return errOf(w.Explain(ctx, cus1, amount("1"), creditledger.Charge{})) },
	"block":   func(w *world) error { return errOf(w.Block(ctx, cus1, "A")) },
	"preview": func(w *world) error { return errOf(w.Preview(ctx, cus1, voidOf("old", "1"), "known")) },
	"verify":  func(w *world) error { return errOf(w.Verify(ctx, cus1, nil)) },
	"customer": func(w *world) error {
		return errOf(w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c", ExternalID: text("e")}))
	},
}

// TestFailingReads fails every kind of read of the store under every call: the call
// returns the error, and nothing is written or left behind.
func TestFailingReads(t *testing.T) {
	broken := errors.New("bad sector")
	ops := map[string]creditledger.Operation{
		"grant": grant("N", "1", expires("2026-12-01")), "spend": spend("1"), "void": voidOf("old", "1"),
		"extend by expiry": func() creditledger.Operation {
			op := extend("", "", "never", "N")
			op.ExpiresAt = creditledger.AtInstant(instant("2026-05-05"))
			return op
		}(),
	}
	for name, op := range ops {
		for _, what := range []string{"load", "block", "blocks", "blocks by number", "journal", "key", "record"} {
			for _, key := range []creditledger.Key{"", "known", "new"} {
				s := newFaulty()
				w := newWorldOver(t, s)
				w.given(grant("old", "5", expires("2026-12-01")), spend("5"), grant("A", "10"))
				w.must(spend("1"), "known")
				w.reopen()
				before := w.ledger()
				w.reopen()
				hit := false
				s.onRead(func(_ context.Context, asked string, _ creditledger.AccountID) error {
					if asked == what {
						hit = true
						return broken
					}
					return nil
				})
				_, err := w.Do(ctx, cus1, op, key)
				s.onRead(nil)
				if hit && !errors.Is(err, broken) {
					t.Errorf("%s with key %q, no %s: %v", name, key, what, err)
				}
				if after := w.ledger(); err != nil && after != before {
					t.Errorf("%s with key %q, no %s: wrote\n%s", name, key, what, after)
				}
				w.given(spend("1"))
				w.verified()
			}
		}
	}
	reads := failingReadsCases
	for name, read := range reads {
		for _, what := range []string{"load", "block", "blocks", "blocks by number", "journal", "key", "record"} {
			s := newFaulty()
			w := newWorldOver(t, s)
			w.given(grant("old", "5", expires("2026-12-01")), spend("5"), grant("A", "10"))
			w.must(spend("1"), "known")
			w.at("2026-01-02").given(spend("1"))
			w.reopen()
			hit := false
			s.onRead(func(_ context.Context, asked string, _ creditledger.AccountID) error {
				if asked == what {
					hit = true
					return broken
				}
				return nil
			})
			err := read(w)
			if s.onRead(nil); hit && !errors.Is(err, broken) {
				t.Errorf("%s, no %s: %v", name, what, err)
			}
		}
	}
}

// TestDamagedState: blocks that break an invariant, or do not add up to the head, are
// refused, never worked with.
func TestDamagedState(t *testing.T) {
	for rule, damage := range map[string]func(*creditledger.State){
		"a block that holds more than its capacity": func(s *creditledger.State) { s.Blocks[0].Balance = amount("11") },
		"a capacity above what was granted":         func(s *creditledger.State) { s.Blocks[0].Capacity = amount("11") },
		"a capacity below 0":                        func(s *creditledger.State) { s.Blocks[0].Capacity = amount("-1") },
		"an expiring block below 0": func(s *creditledger.State) {
			s.Blocks[0].Balance, s.Blocks[0].ExpiresAt, s.Head.Total = amount("-1"), instant("2027-01-01"), amount("-1")
		},
		"a filtered block below 0": func(s *creditledger.State) {
			s.Blocks[0].Balance, s.Head.Total, s.Blocks[0].Filters = amount("-1"), amount("-1"), []creditledger.Filter{{Values: []string{"a"}}}
		},
		"an overdraft block above 0": func(s *creditledger.State) { s.Blocks[0].Overdraft = true },
		"another total":              func(s *creditledger.State) { s.Head.Total = amount("9") },
		"a block less":               func(s *creditledger.State) { s.Blocks = nil },
		"balances out of range": func(s *creditledger.State) {
			for i := range 3 {
				b := s.Blocks[0]
				b.ID, b.Number = fmt.Sprint(i), uint64(i+2)
				b.Initial, b.Balance, b.Capacity = amount("50000000000000000000"), amount("50000000000000000000"), amount("50000000000000000000")
				s.Blocks = append(s.Blocks, b)
			}
		},
	} {
		s := &damagedLoads{Store: memory.New()}
		w := newWorldOver(t, s)
		w.given(grant("A", "10"))
		w.reopen()
		s.damage = damage
		w.refused(spend("1"), "", creditledger.ErrCorrupt)
		if _, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// damagedLoads changes what a store loads.
type damagedLoads struct {
	creditledger.Store
	damage func(*creditledger.State)
}

func (s *damagedLoads) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	state, err := s.Store.Load(ctx, id, have)
	if err == nil && state != nil && s.damage != nil {
		s.damage(state)
	}
	return state, err
}
