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
