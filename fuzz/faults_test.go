package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/faultstore"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
)

var (
	faultAccount = cl.AccountID{Customer: "cus_1", Currency: "USD"}
	quietAccount = cl.AccountID{Customer: "cus_2", Currency: "credits"}
	planAccount  = cl.AccountID{Customer: "cus_3", Currency: "credits"} // grants of a schedule are due
	giverAccount = cl.AccountID{Customer: "cus_4", Currency: "credits"} // nothing is due
	takerAccount = cl.AccountID{Customer: "cus_5", Currency: "credits"}
	faultStart   = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
)

// guarded runs fn under a watchdog and turns a panic into an error.
func guarded(t testing.TB, what string, fn func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("panic: %v", r)
			}
		}()
		done <- fn()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatalf("%s hangs", what)
		return nil
	}
}

// TestFaultsAtTheSeam puts a fault into the first store call of every kind of call,
// then into the second, and so on. Afterwards the store is as before or as after the
// call and never between, the same key leads to one effect, and everything else works.
func TestFaultsAtTheSeam(t *testing.T) {
	backends := []fuzz.Backend{memoryBackend, lockingBackend}
	if testsize.Proofs() && !testsize.Small() {
		backends = append(backends, boltBackend)
	}
	run := results.Start(t, "faults in every store call of every kind of call")
	for _, b := range backends {
		for _, c := range faultCalls() {
			faultsIn(t, b, c, run)
		}
	}
}

// faultsIn makes every store call of one kind of ledger call go wrong, in every way.
func faultsIn(t *testing.T, b fuzz.Backend, c faultCall, run *results.Run) {
	before, after, end := cleanRun(t, b, c)
	for _, kind := range faultstore.Kinds {
		for _, warm := range []bool{false, true} {
			reached := true
			for n := 1; reached; n++ {
				name := fmt.Sprintf("%s/%s/%s/warm=%v/%d", b.Name, c.name, kind, warm, n)
				if !t.Run(name, func(t *testing.T) { reached = faultRun(t, b, c, kind, warm, n, before, after, end) }) {
					break
				}
				if n > 200 {
					t.Fatalf("%s makes more than 200 calls", c.name)
				}
				run.Count("faults", 1)
			}
		}
	}
}

// cleanRun tells what a call does when nothing goes wrong: the digest before and after,
// and the effects in the end.
func cleanRun(t *testing.T, b fuzz.Backend, c faultCall) (before, after, end string) {
	t.Helper()
	w := newWorld(t, b)
	before = w.digest()
	if err := c.do(context.Background(), w.ledger, "key"); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	after = w.digest()
	w.follow()
	return before, after, w.effects()
}

func faultRun(t testing.TB, b fuzz.Backend, c faultCall, kind faultstore.Kind, warm bool, n int, before, after, end string) (reached bool) {
	w := newWorld(t, b)
	if warm {
		if _, err := w.ledger.Balance(context.Background(), faultAccount, cl.BalanceQuery{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w.faulty.Arm(kind, n, cancel)
	err := guarded(t, c.name, func() error { return c.do(ctx, w.ledger, "key") })
	if w.faulty.Hit() == "" {
		if err != nil || w.digest() != after {
			t.Errorf("without a fault: %v, or another state", err)
		}
		return false
	}
	switch kind { // what was on its way to the store has arrived
	case faultstore.Cancel:
		w.ledger.Close()
	case faultstore.Panic:
		for _, on := range []cl.AccountID{faultAccount, quietAccount, planAccount, giverAccount, takerAccount} {
			_, _ = w.ledger.Balance(context.Background(), on, cl.BalanceQuery{})
		}
	}
	now := w.digest()
	steps := slices.Contains(inSteps, c.name)
	switch {
	case kind == faultstore.Conflict && err == nil: // decided twice, so with other ids; see the effects
	case err == nil && now != after:
		t.Errorf("%s: no error, and not the state after it", w.faulty.Hit())
	case err != nil && !errors.Is(err, cl.ErrOutcomeUnknown) && now != before && !steps:
		t.Errorf("%s: %v, and yet the state changed", w.faulty.Hit(), err)
	case now != before && now != after && !steps:
		t.Errorf("%s: %v, and a state between before and after", w.faulty.Hit(), err)
	}
	w.answers(kind, err)
	if kind == faultstore.Cancel || errors.Is(err, cl.ErrOutcomeUnknown) {
		w.reopen()
	}
	w.faulty.Arm(kind, 0, nil)
	if err := guarded(t, "the retry", func() error { return c.do(context.Background(), w.ledger, "key") }); err != nil {
		t.Errorf("%s: the retry: %v", w.faulty.Hit(), err)
	}
	l, locks := w.inner.(*lockingMemory)
	for begun := time.Now(); locks && len(l.locked()) > 0 && time.Since(begun) < 10*time.Second; { // an account is unlocked only after the answer
		time.Sleep(time.Millisecond)
	}
	if locks && len(l.locked()) > 0 {
		t.Errorf("%v, then a retry: %v are locked, and nobody decides on them", err, l.locked())
	}
	w.follow()
	if got := w.effects(); got != end {
		t.Errorf("%v, then a retry with the same key:\n got %s\nwant %s", err, got, end)
	}
	return true
}

// recorder counts failures instead of failing.
type recorder struct {
	testing.TB
	failures int
}

type stopped struct{}

func (r *recorder) Error(...any)          { r.failures++ }
func (r *recorder) Errorf(string, ...any) { r.failures++ }
func (r *recorder) Fatal(...any)          { r.failures++; panic(stopped{}) }
func (r *recorder) Fatalf(string, ...any) { r.failures++; panic(stopped{}) }

// TestFaultsControl runs the same test on stores that lie about a commit, or forget its
// key. The test has to find that.
func TestFaultsControl(t *testing.T) {
	run := results.Start(t, "control of faults: a store that lies, a commit without its key")
	for _, kind := range []faultstore.Kind{faultstore.Lie, faultstore.Half} {
		for _, c := range faultCalls()[:9] {
			before, after, end := cleanRun(t, memoryBackend, c)
			r := &recorder{TB: t}
			for n := 1; ; n++ {
				reached := false
				func() {
					defer func() {
						if p := recover(); p != nil && p != any(stopped{}) {
							panic(p)
						}
					}()
					reached = faultRun(r, memoryBackend, c, kind, false, n, before, after, end)
				}()
				if !reached {
					break
				}
			}
			run.Count("calls", 1)
			if r.failures == 0 {
				t.Errorf("%s: a store that does %s is not found", c.name, kind)
			} else {
				run.Count("found", 1)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestFaultsInPipelinedCommits makes one of several commits fail whose operations nobody
// has waited for yet. Later operations were decided on top of it.
func TestFaultsInPipelinedCommits(t *testing.T) {
	const operations = 12
	for _, kind := range []faultstore.Kind{faultstore.Fail, faultstore.Unknown, faultstore.Lost, faultstore.Conflict} {
		for n := 1; ; n++ {
			w := newWorld(t, memoryBackend)
			ctx := context.Background()
			w.faulty.Arm(kind, n, nil)
			errs := make([]error, operations)
			pending := make([]*cl.Pending, operations)
			submit := func(i int) (*cl.Pending, error) {
				on := faultAccount
				if i%4 == 3 {
					on = quietAccount
				}
				return w.ledger.Submit(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, cl.Key(fmt.Sprintf("key %d", i)))
			}
			for i := range pending {
				errs[i] = guarded(t, "submit", func() (err error) { pending[i], err = submit(i); return err })
			}
			for i, p := range pending {
				if errs[i] == nil {
					errs[i] = guarded(t, "wait", func() error { return second(p.Wait(ctx)) })
				}
			}
			if w.faulty.Hit() == "" {
				break
			}
			for i, err := range errs {
				done := strings.Contains(w.effects(), fmt.Sprintf("%q", fmt.Sprintf("key %d", i)))
				if err == nil && !done || err != nil && done && !errors.Is(err, cl.ErrOutcomeUnknown) || kind == faultstore.Conflict && err != nil && strings.HasPrefix(w.faulty.Hit(), "Commit") {
					t.Errorf("%s %s: operation %d: %v, and done is %v", kind, w.faulty.Hit(), i, err, done)
				}
			}
			if w.faulty.Arm(kind, 0, nil); kind == faultstore.Unknown || kind == faultstore.Lost {
				w.reopen()
			}
			for i := range operations {
				p, err := submit(i)
				if err == nil {
					err = second(p.Wait(ctx))
				}
				if err != nil {
					t.Errorf("%s: retry of operation %d: %v", kind, i, err)
				}
			}
			for i := range operations {
				if times := strings.Count(w.effects(), fmt.Sprintf("%q", fmt.Sprintf("key %d", i))); times != 1 {
					t.Errorf("%s: operation %d was done %d times", kind, i, times)
				}
			}
		}
	}
}
