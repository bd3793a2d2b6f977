package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
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

// faultCall is a call of the ledger that a fault is put into.
type faultCall struct {
	name string
	do   func(ctx context.Context, l *cl.Ledger, key cl.Key) error
}

func faultCalls() []faultCall {
	op := func(o cl.Operation) faultCall {
		return faultCall{o.Name(), func(ctx context.Context, l *cl.Ledger, key cl.Key) error {
			_, err := l.Do(ctx, faultAccount, o, key)
			return err
		}}
	}
	named := func(name string, c faultCall) faultCall { c.name = name; return c }
	calls := []faultCall{
		op(cl.Increment{Amount: cl.AmountOf(7), BlockID: "new", ExpiresAt: cl.On(cl.DateOf(2024, 12, 28)), Metadata: map[string]string{"a": "1"}}),
		named("decrement over several blocks", op(cl.Decrement{Amount: cl.AmountOf(60), ItemID: "api"})),
		named("decrement into debt", op(cl.Decrement{Amount: cl.AmountOf(500)})),
		op(cl.ExpirationChange{BlockID: "never", Target: cl.On(cl.DateOf(2025, 1, 1)), Amount: cl.AmountOf(5), NewBlockID: "moved"}),
		named("expiration_change by expiry", op(cl.ExpirationChange{ExpiresAt: cl.At(faultStart.Add(time.Hour * 100)), Target: cl.At(faultStart), NewBlockID: "past"})),
		op(cl.Void{BlockID: "item", Amount: cl.AmountOf(45), Reason: cl.VoidRefund}),
		op(cl.Amendment{BlockID: "drawn", Amount: cl.AmountOf(1)}),
		op(cl.Activation{BlockID: "pending"}),
		op(cl.Batch{cl.Activation{BlockID: "pending"}, cl.Decrement{Amount: cl.AmountOf(70)}, cl.Void{BlockID: "never", Amount: cl.AmountOf(1)}}),
	}
	calls = append(calls, callsOfLater()...)
	return append(calls,
		faultCall{"sweep", func(ctx context.Context, l *cl.Ledger, _ cl.Key) error { _, err := l.Sweep(ctx); return err }},
		faultCall{"customer", func(ctx context.Context, l *cl.Ledger, _ cl.Key) error {
			name, external := "Ann", "ext_1"
			_, err := l.PutCustomer(ctx, cl.CustomerUpdate{ID: "cus_1", Name: &name, ExternalID: &external})
			return err
		}},
		faultCall{"preview", func(ctx context.Context, l *cl.Ledger, key cl.Key) error {
			_, err := l.Preview(ctx, faultAccount, cl.Decrement{Amount: cl.AmountOf(60)}, key)
			return err
		}},
		faultCall{"reads", func(ctx context.Context, l *cl.Ledger, _ cl.Key) error {
			_, err := l.Balance(ctx, faultAccount, cl.BalanceQuery{At: cl.InstantOf(faultStart)})
			_, err2 := l.Entries(ctx, faultAccount, cl.EntriesQuery{})
			_, err3 := l.Blocks(ctx, faultAccount, cl.BlocksQuery{All: true})
			_, err4 := l.Explain(ctx, faultAccount, cl.AmountOf(5), cl.Charge{})
			_, err5 := l.Block(ctx, faultAccount, "item")
			return errors.Join(err, err2, err3, err4, err5)
		}},
		faultCall{"verify", func(ctx context.Context, l *cl.Ledger, _ cl.Key) error {
			v, err := l.Verify(ctx, faultAccount, nil)
			if err == nil && v.Violation != nil {
				return fmt.Errorf("violation: %v", v.Violation)
			}
			return err
		}},
	)
}

// callsOfLater are those of what came to the ledger later: late usage, holds, schedules, acts.
func callsOfLater() []faultCall {
	on := func(name string, id cl.AccountID, o cl.Operation) faultCall {
		return faultCall{name, func(ctx context.Context, l *cl.Ledger, key cl.Key) error {
			_, err := l.Do(ctx, id, o, key)
			return err
		}}
	}
	daily := cl.Schedule{ScheduleID: "new", Amount: cl.AmountOf(4), Every: cl.Interval{Count: 1, Unit: cl.IntervalDay}, Description: "said"}
	return []faultCall{
		on("late usage", faultAccount, cl.Decrement{Amount: cl.AmountOf(2), UsageAt: cl.InstantOf(faultStart)}),
		on("hold and capture", faultAccount, cl.Batch{cl.Hold{HoldID: "h", Amount: cl.AmountOf(9)}, cl.Capture{HoldID: "h", Amount: cl.AmountOf(4)}}),
		on("reverse", giverAccount, cl.Reverse{Entry: 2}),
		on("schedule", giverAccount, daily),
		on("spend as grants fall due", planAccount, cl.Decrement{Amount: cl.AmountOf(3)}),
		on("end of a schedule", planAccount, cl.EndSchedule{ScheduleID: "plan", VoidBlocks: true}),
		{"act", func(ctx context.Context, l *cl.Ledger, key cl.Key) error {
			_, err := l.DoAll(ctx, []cl.AccountOperation{{Account: takerAccount, Operation: cl.Decrement{Amount: cl.AmountOf(3)}}, {Account: giverAccount, Operation: daily}}, key)
			return err
		}},
		{"transfer", func(ctx context.Context, l *cl.Ledger, key cl.Key) error {
			_, err := l.Transfer(ctx, cl.Transfer{From: giverAccount, To: takerAccount, Amount: cl.AmountOf(6)}, key)
			return err
		}},
		{"act as grants fall due", func(ctx context.Context, l *cl.Ledger, key cl.Key) error {
			_, err := l.DoAll(ctx, []cl.AccountOperation{{Account: planAccount, Operation: cl.Decrement{Amount: cl.AmountOf(3)}}, {Account: giverAccount, Operation: cl.Decrement{Amount: cl.AmountOf(1)}}}, key)
			return err
		}},
	}
}

// inSteps are the calls that write one thing after the other: a sweep, and what falls due in
// pieces before an operation.
var inSteps = []string{"sweep", "spend as grants fall due", "end of a schedule", "act as grants fall due"}

// world is a prepared store with a fault in front of it.
type world struct {
	t      testing.TB
	clock  time.Time
	inner  cl.Store
	faulty *faultstore.Store
	ledger *cl.Ledger
}

func newWorld(t testing.TB, b fuzz.Backend) *world {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	inner, err := b.New(dir)()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, inner: inner, clock: faultStart}
	w.reopen()
	ctx := context.Background()
	zone, currency := "America/Los_Angeles", "USD"
	if _, err := w.ledger.PutCustomer(ctx, cl.CustomerUpdate{ID: "cus_1", Timezone: &zone, Currency: &currency}); err != nil {
		t.Fatal(err)
	}
	w.must(quietAccount, cl.Increment{Amount: cl.AmountOf(10), BlockID: "quiet", ExpiresAt: cl.At(faultStart.Add(time.Hour))})
	w.must(faultAccount, cl.Increment{Amount: cl.AmountOf(100), BlockID: "soon", ExpiresAt: cl.At(faultStart.Add(time.Hour))})
	w.must(faultAccount, cl.Increment{Amount: cl.AmountOf(50), BlockID: "item", Filters: []cl.Filter{{Field: cl.FilterFieldItem, Values: []string{"api"}}}})
	w.must(faultAccount, cl.Increment{Amount: cl.AmountOf(30), BlockID: "later", ExpiresAt: cl.At(faultStart.Add(time.Hour * 100))})
	w.must(faultAccount, cl.Increment{Amount: cl.AmountOf(20), BlockID: "never", Priority: 1})
	w.must(faultAccount, cl.Increment{Amount: cl.AmountOf(10), BlockID: "drawn", Priority: -1})
	w.must(faultAccount, cl.Decrement{Amount: cl.MustAmount("105.5")})
	w.must(faultAccount, cl.Increment{Amount: cl.AmountOf(40), BlockID: "pending", RequirePayment: true})
	w.must(faultAccount, cl.Increment{Amount: cl.AmountOf(3), BlockID: "due", ExpiresAt: cl.At(faultStart.Add(time.Minute))})
	w.must(planAccount, cl.Schedule{ScheduleID: "plan", Amount: cl.AmountOf(10), Every: cl.Interval{Count: 1, Unit: cl.IntervalDay}, Anchor: cl.Exactly(faultStart.Add(-23 * time.Hour)), Rollover: cl.Rollover{Percent: cl.AmountOf(50), MaxTimes: 1}})
	w.must(giverAccount, cl.Increment{Amount: cl.AmountOf(10), BlockID: "given"})
	w.must(giverAccount, cl.Decrement{Amount: cl.AmountOf(2)})
	w.must(takerAccount, cl.Increment{Amount: cl.AmountOf(10), BlockID: "taken"})
	w.clock = faultStart.Add(2 * time.Hour)
	w.reopen()
	t.Cleanup(func() {
		w.ledger.Close()
		if c, ok := inner.(io.Closer); ok {
			c.Close()
		}
	})
	return w
}

// reopen is a new ledger over the same store, as after a restart.
func (w *world) reopen() {
	w.faulty = faultstore.Wrap(w.inner)
	var store cl.Store = w.faulty
	if _, ok := w.inner.(cl.OptimisticStore); ok {
		store = faultstore.Optimistic{Store: w.faulty}
	}
	if _, ok := w.inner.(cl.LockingStore); ok {
		store = faultstore.Locking{Optimistic: faultstore.Optimistic{Store: w.faulty}}
	}
	w.ledger = cl.New(store, &cl.Options{Clock: func() time.Time { return w.clock }, Random: rand.NewChaCha8([32]byte{1}), ExpiriesPerCommit: 2})
}

func (w *world) must(on cl.AccountID, op cl.Operation) {
	w.t.Helper()
	if _, err := w.ledger.Do(context.Background(), on, op, ""); err != nil {
		w.t.Fatalf("%s: %v", op.Name(), err)
	}
}

func (w *world) digest() string {
	w.t.Helper()
	d, err := fuzz.Digest(context.Background(), w.inner)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// effects is what operations did, without what chance gave: ids.
func (w *world) effects() string {
	w.t.Helper()
	ctx := context.Background()
	l := cl.New(w.inner, &cl.Options{Clock: func() time.Time { return w.clock }})
	defer l.Close()
	var b strings.Builder
	for _, on := range []cl.AccountID{faultAccount, quietAccount, planAccount, giverAccount, takerAccount} {
		entries, err := l.Entries(ctx, on, cl.EntriesQuery{Ascending: true, Limit: cl.MaxPage})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range entries.Entries {
			fmt.Fprintf(&b, "%s #%d %s %s %s %s→%s block %d key %q\n", on, e.Seq, e.CreatedAt, e.Type, e.Amount, e.Starting, e.Ending, e.Block.Number, e.IdempotencyKey)
		}
		blocks, err := l.Blocks(ctx, on, cl.BlocksQuery{All: true, Limit: cl.MaxPage})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, x := range blocks.Blocks {
			fmt.Fprintf(&b, "block %d %s %s until %s %s\n", x.Number, x.Balance, x.Capacity, x.ExpiresAt, x.Status)
		}
		for _, v := range fuzz.Violations(ctx, l, on) {
			w.t.Error(v)
		}
	}
	customer, err := l.Customer(ctx, "cus_1")
	fmt.Fprintf(&b, "%+v %v", customer, err)
	return b.String()
}

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
	if !testsize.Small() {
		backends = append(backends, boltBackend)
	}
	run := results.Start(t, "faults in every store call of every kind of call")
	for _, b := range backends {
		for _, c := range faultCalls() {
			faultsIn(t, b, c, run)
		}
	}
}

// faultsIn lets every store call of one kind of call go wrong, in every way.
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

// follow is what every run does in the end: the same on another account and on this one.
func (w *world) follow() {
	w.t.Helper()
	for _, on := range []cl.AccountID{quietAccount, faultAccount} {
		err := guarded(w.t, "the next operation on "+on.String(), func() error {
			_, err := w.ledger.Do(context.Background(), on, cl.Increment{Amount: cl.AmountOf(1), BlockID: "next"}, "next")
			return err
		})
		if err != nil {
			w.t.Errorf("the next operation on %s: %v", on, err)
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
	for begun := time.Now(); locks && len(l.locked()) > 0 && time.Since(begun) < 10*time.Second; { // whoever decided lets go behind the answer
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

// TestFaultsControl runs the same test on stores that lie about a commit, or forget the
// key of one: it has to find that.
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

// answers checks what the caller was told.
func (w *world) answers(kind faultstore.Kind, err error) {
	w.t.Helper()
	commit := strings.HasPrefix(w.faulty.Hit(), "Commit")
	var unknown *cl.OutcomeUnknownError
	switch {
	case kind == faultstore.Conflict && commit:
		if err != nil {
			w.t.Errorf("a conflict is not decided afresh: %v", err)
		}
	case kind == faultstore.Panic:
		if err == nil {
			w.t.Error("the panic was swallowed")
		}
	case (kind == faultstore.Unknown || kind == faultstore.Lost) && commit:
		if !errors.As(err, &unknown) || !errors.Is(err, faultstore.ErrInjected) {
			w.t.Errorf("%v is not an unknown outcome with its cause", err)
		}
		for what, err := range map[string]error{
			"balance": second(w.ledger.Balance(context.Background(), faultAccount, cl.BalanceQuery{})),
			"do":      second(w.ledger.Do(context.Background(), faultAccount, cl.Increment{Amount: cl.AmountOf(1)}, "")),
			"entries": second(w.ledger.Entries(context.Background(), faultAccount, cl.EntriesQuery{})),
		} {
			if !errors.Is(err, cl.ErrPoisoned) {
				w.t.Errorf("%s after an unknown outcome: %v, want the store poisoned", what, err)
			}
		}
	case kind == faultstore.Cancel:
		if err != nil && !errors.Is(err, context.Canceled) {
			w.t.Errorf("after a cancelled context: %v", err)
		}
	default:
		if !errors.Is(err, faultstore.ErrInjected) {
			w.t.Errorf("%v does not say what went wrong: %s", err, w.faulty.Hit())
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestFaultsInPipelinedCommits lets one of the commits fail that carry operations
// which nobody has waited for yet, so that later ones were decided on top of it.
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
