package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/faultstore"
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

// callsOfLater are the calls about late usage, holds, schedules and acts.
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

// inSteps are the calls that take several commits: a sweep, and an operation before which
// much falls due.
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

// effects is what operations did, without the ids, which are random.
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

// follow is what every run does at its end, on another account and on this one.
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
