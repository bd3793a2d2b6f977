package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// answer is what a call came back with.
type answer struct {
	res *creditledger.Result
	err error
}

// async does an operation on another goroutine.
func (w *world) async(ctx context.Context, on creditledger.AccountID, op creditledger.Operation, key creditledger.Key) chan answer {
	c := make(chan answer, 1)
	go func() {
		res, err := w.Do(ctx, on, op, key)
		c <- answer{res, err}
	}()
	return c
}

// received waits for something that has to come.
func received[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// silent expects that nothing comes for a while.
func silent[T any](t testing.TB, c <-chan T, what string) {
	t.Helper()
	select {
	case v := <-c:
		t.Errorf("%s: %v", what, v)
	case <-time.After(20 * time.Millisecond):
	}
}

// settles expects the number of goroutines to come down to what it was.
func settles(t testing.TB, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
}

// TestAnsweredWhenDurable: nobody is told of an operation, or shown what it did, before
// it is stored.
func TestAnsweredWhenDurable(t *testing.T) {
	for name, do := range map[string]func(*world) chan answer{
		"a caller that commits by itself": func(w *world) chan answer { return w.async(ctx, cus1, grant("A", "5"), "") },
		"a caller that may be called off": func(w *world) chan answer {
			c, cancel := context.WithCancel(ctx)
			w.t.(*testing.T).Cleanup(cancel)
			return w.async(c, cus1, grant("A", "5"), "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFaulty()
			w := newWorldOver(t, s)
			g := s.shut()
			done := do(w)
			received(t, g.arrived)
			reads := make(chan string, 10)
			for name, read := range map[string]func() string{
				"balance": w.total, "blocks": w.held, "entries": w.ledger,
				"preview": func() string {
					res, err := w.Preview(ctx, cus1, spend("1"), "")
					return fmt.Sprint(story(res.Entries), err)
				},
				"explain": func() string {
					e, err := w.Explain(ctx, cus1, amount("1"), creditledger.Charge{})
					return fmt.Sprint(explained(e), err)
				},
			} {
				go func() { reads <- name + ": " + read() }()
			}
			silent(t, done, "answered before it was stored")
			silent(t, reads, "shown before it was stored")
			if text := s.committed(); len(text) != 0 {
				t.Fatalf("stored: %v", text)
			}
			g.pass()
			if a := received(t, done); a.err != nil || story(a.res.Entries) != "increment A 5 0→5" {
				t.Errorf("%v, %v", a.res, a.err)
			}
			var got []string
			for range 5 {
				got = append(got, received(t, reads))
			}
			slices.Sort(got)
			want := []string{
				"balance: 5", "blocks: A 5", "entries: increment A 5 0→5", "explain: A used 1; overage 0<nil>", "preview: decrement A 1 5→4<nil>",
			}
			if !slices.Equal(got, want) {
				t.Errorf("then shown\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// TestGroupCommit: what comes while a commit is under way shares the next one, whatever
// the account; and a lone writer waits for nobody.
func TestGroupCommit(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	g := s.shut()
	first := w.async(ctx, cus1, grant("A", "100"), "")
	received(t, g.arrived)
	var pending []*creditledger.Pending
	for i := range 30 {
		on := cus1
		if i%3 == 0 {
			on = creditledger.AccountID{Customer: fmt.Sprint("c", i)}
		}
		p, err := w.Submit(ctx, on, spend("1"), "")
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	g.pass()
	received(t, first)
	received(t, g.arrived)
	g.pass()
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
	got := s.committed()
	if want := "c0 1, c12 1, c15 1, c18 1, c21 1, c24 1, c27 1, c3 1, c6 1, c9 1, cus_1 20"; len(got) != 2 || got[1] != want {
		t.Errorf("commits %q, want two, the second %s", got, want)
	}
	s.onCommit(nil)
	for range 5 {
		w.given(spend("1"))
	}
	if got := s.committed(); len(got) != 7 {
		t.Errorf("a lone writer's operations went out as %q", got[2:])
	}
	if got := w.total(); got != "75" {
		t.Errorf("total %s", got)
	}
	w.verified()
}

// TestSubmitOrder: operations submitted one after another take effect in that order.
func TestSubmitOrder(t *testing.T) {
	w := newWorld(t)
	const n = 500
	pending := make([]*creditledger.Pending, n)
	for i := range pending {
		op := spend("1")
		op.Description = fmt.Sprint(i)
		var err error
		if pending[i], err = w.Submit(ctx, cus1, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	for i := range slices.Backward(pending) { // waited for in whatever order
		res, err := pending[i].Wait(ctx)
		if err != nil || res.Entries[0].Seq != uint64(i+1) || res.Entries[0].Description != fmt.Sprint(i) {
			t.Fatalf("operation %d: %+v, %v", i, res, err)
		}
	}
	// A wait may be repeated, and by several at once.
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if res, err := pending[0].Wait(ctx); err != nil || res.Entries[0].Seq != 1 {
				t.Errorf("%+v, %v", res, err)
			}
		}()
	}
	wg.Wait()
	w.verified()
}

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
	reads := map[string]func(*world) error{
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
	inside, release := make(chan bool), make(chan bool)
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

// TestSmallCache: with room for next to nothing, accounts come and go between memory
// and store, and many callers see one history of each.
func TestSmallCache(t *testing.T) {
	w := newWorld(t, func(o *creditledger.Options) { o.CacheBlocks = 5 })
	const accounts, callers, rounds = 20, 8, 60
	on := func(i int) creditledger.AccountID { return creditledger.AccountID{Customer: fmt.Sprint("c", i)} }
	var spent [accounts]atomic.Int64
	for i := range accounts {
		if _, err := w.Do(ctx, on(i), creditledger.Batch{grant("A", "30"), grant("B", "30", expires("2027-01-01"))}, ""); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for r := range rounds {
				i := (c*7 + r*3) % accounts
				_, err := w.Do(ctx, on(i), spend("3", policy(creditledger.OverdraftReject)), "")
				switch {
				case err == nil:
					spent[i].Add(3)
				case !errors.Is(err, creditledger.ErrInsufficientCredits):
					t.Error(err)
				}
				if _, err := w.Balance(ctx, on((i+1)%accounts), creditledger.BalanceQuery{}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	for i := range accounts {
		b, err := w.Balance(ctx, on(i), creditledger.BalanceQuery{})
		if want := fmt.Sprint(60 - spent[i].Load()); err != nil || b.Total.String() != want {
			t.Errorf("account %d holds %s, %v, want %s", i, b.Total, err, want)
		}
	}
	if n := creditledger.CachedAccounts(w.Ledger); n > 5 {
		t.Errorf("%d accounts are kept, with room for 5 blocks", n)
	}
	w.verified()
}

// TestManyWriters: many callers on one account and two ledgers over one store; nothing
// is lost, nothing done twice, and no credit is spent twice.
func TestManyWriters(t *testing.T) {
	w := newWorld(t)
	other := newWorldOver(t, w.store)
	w.given(grant("A", "100"))
	const callers, each = 16, 15
	var taken atomic.Int64
	var wg sync.WaitGroup
	for c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			l := []*world{w, other}[c%2]
			for i := range each {
				key := creditledger.Key(fmt.Sprintf("%d-%d", c, i))
				res, err := l.Do(ctx, cus1, spend("1", policy(creditledger.OverdraftReject)), key)
				for errors.Is(err, creditledger.ErrConflict) {
					res, err = l.Do(ctx, cus1, spend("1", policy(creditledger.OverdraftReject)), key)
				}
				switch {
				case err == nil && !res.Replayed:
					taken.Add(1)
				case !errors.Is(err, creditledger.ErrInsufficientCredits):
					t.Errorf("%+v, %v", res, err)
				}
			}
		}()
	}
	wg.Wait()
	if taken.Load() != 100 || w.total() != "0" || len(w.entries(creditledger.EntriesQuery{Limit: 1000})) != 101 {
		t.Errorf("%d taken of 100, total %s", taken.Load(), w.total())
	}
	w.verified()
}

// TestReadSeesOtherWriters: a read never returns an older state than the store has.
func TestReadSeesOtherWriters(t *testing.T) {
	w := newWorld(t)
	other := newWorldOver(t, w.store)
	for i := range 10 {
		w.given(grant(fmt.Sprint("w", i), "1"))
		if got := other.total(); got != fmt.Sprint(2*i+1) {
			t.Fatalf("the other reads %s after %d grants", got, 2*i+1)
		}
		other.given(grant(fmt.Sprint("o", i), "1"))
		if got := w.total(); got != fmt.Sprint(2*i+2) {
			t.Fatalf("the first reads %s after %d grants", got, 2*i+2)
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
