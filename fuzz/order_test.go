package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

// interferer makes commits of an account conflict now and then, as if another process had
// been faster with a grant that pays for one item only.
func interferer(r *rand.Rand, inner cl.Store, on cl.AccountID, often int) func(context.Context, string, cl.AccountID) error {
	other := cl.New(inner, nil)
	grant := cl.Increment{Amount: cl.AmountOf(1), Filters: []cl.Filter{{Field: cl.FilterFieldItem, Values: []string{"other"}}}}
	var mu sync.Mutex
	own := rand.New(rand.NewPCG(r.Uint64(), 0)) // commits do not go in the caller's goroutine
	now := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return own.IntN(often) == 0
	}
	return func(ctx context.Context, call string, account cl.AccountID) error {
		if call != "Commit" || account != on || !now() {
			return nil
		}
		_, err := other.Do(ctx, on, grant, "")
		return err
	}
}

// TestOrderOfSubmit: operations take effect in the order in which they were submitted,
// whatever conflicts, caches and other accounts come in between.
func TestOrderOfSubmit(t *testing.T) {
	run := results.Start(t, "operations submitted ahead, in tiny caches, with conflicts")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	ctx := context.Background()
	for round := range testsize.Of(50, 100, 5000) {
		r := rand.New(rand.NewPCG(seed(t), uint64(round)))
		inner, on := memory.New(), cl.AccountID{Customer: "cus_1", Currency: "credits"}
		m := &meter{inner: inner}
		l := cl.New(sharedMeter{m}, &cl.Options{CacheBlocks: 1 + r.IntN(3)})
		credits := 1 + r.IntN(6)
		must(t, l, on, cl.Increment{Amount: cl.AmountOf(int64(credits))})
		m.hook = interferer(r, inner, on, 2)
		var begun []*cl.Pending
		refused := false
		for range credits + 2 {
			p, err := l.Submit(ctx, on, cl.Decrement{Amount: cl.AmountOf(1), Overdraft: cl.OverdraftReject}, "")
			if err != nil && !errors.Is(err, cl.ErrInsufficientCredits) {
				t.Fatal(err)
			}
			if err == nil && refused {
				t.Fatalf("seed %d, round %d: an operation was refused, and one that was submitted later is accepted", seed(t), round)
			}
			if refused = err != nil; !refused {
				begun = append(begun, p)
			}
			for range r.IntN(4) {
				if _, err := l.Balance(ctx, cl.AccountID{Customer: fmt.Sprint("other_", r.IntN(5))}, cl.BalanceQuery{}); err != nil {
					t.Fatal(err)
				}
				runtime.Gosched()
			}
		}
		last := uint64(0)
		r.Shuffle(len(begun), func(i, j int) {}) // what is waited for first does not matter
		for i, p := range begun {
			res, err := p.Wait(ctx)
			switch {
			case i < credits && err != nil:
				t.Fatalf("seed %d, round %d: operation %d of %d, with %d credits: %v", seed(t), round, i+1, len(begun), credits, err)
			case i >= credits && !errors.Is(err, cl.ErrInsufficientCredits):
				t.Fatalf("seed %d, round %d: operation %d is done with %d credits: %v", seed(t), round, i+1, credits, err)
			case err == nil && res.Entries[0].Seq <= last:
				t.Fatalf("seed %d, round %d: operation %d has entry %d, the one before it %d", seed(t), round, i+1, res.Entries[0].Seq, last)
			case err == nil:
				last = res.Entries[0].Seq
			}
		}
		run.Count("rounds", 1)
		l.Close()
	}
}

// TestGivenUpIsOverSoon: an operation that its caller gave up is done by the time that
// nothing is on its way any more, or never. A later operation does not bring it back.
func TestGivenUpIsOverSoon(t *testing.T) {
	run := results.Start(t, "operations given up, and looked for later")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	for round := range testsize.Of(50, 100, 5000) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed(t), uint64(round)))
			inner, on := memory.New(), cl.AccountID{Customer: "cus_1", Currency: "credits"}
			m := &meter{inner: inner}
			l := cl.New(metered(m, r.IntN(4) > 0), nil)
			must(t, l, on, cl.Increment{Amount: cl.AmountOf(100)})
			m.hook = interferer(r, inner, on, 2)
			for n := range 1 + r.IntN(4) {
				ctx, cancel := context.WithCancel(context.Background())
				p, err := l.Submit(ctx, on, cl.Decrement{Amount: cl.AmountOf(1)}, cl.Key(fmt.Sprint("given-up-", n)))
				if r.IntN(2) == 0 {
					runtime.Gosched()
				}
				cancel()
				if err == nil && r.IntN(2) == 0 {
					_, err = p.Wait(ctx)
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			m.hook = nil
			elsewhere := cl.New(inner, nil) // which asks for nothing here
			before, err := elsewhere.Balance(context.Background(), on, cl.BalanceQuery{})
			if err != nil {
				t.Fatal(err)
			}
			must(t, l, on, cl.Decrement{Amount: cl.AmountOf(50)})
			after, err := l.Balance(context.Background(), on, cl.BalanceQuery{})
			if want, _ := before.Total.Sub(cl.AmountOf(50)); err != nil || after.Total.Cmp(want) != 0 {
				t.Errorf("seed %d, round %d: %s were there, 50 are spent, %s are left: %v", seed(t), round, before.Total, after.Total, err)
			}
			l.Close()
			run.Count("rounds", 1)
		})
	}
}

// TestPastStays: what readers are told as of an instant they are told again for ever,
// whatever was on its way when they first asked. A past balance costs as much as was
// written until then, so this plays many short histories and not a long one.
func TestPastStays(t *testing.T) {
	run := results.Start(t, "balances asked for again as of the same instants")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	for history := range testsize.Of(1, 3, 60) {
		for _, shared := range []bool{false, true} {
			pastStays(t, run, uint64(history), shared)
		}
	}
}

// pastStays plays one history, in which four goroutines ask for the balance and four change
// it. Then it asks for all of the balances again.
func pastStays(t *testing.T, run *results.Run, history uint64, shared bool) {
	var ticks atomic.Int64
	clock := func() time.Time {
		defer runtime.Gosched() // others may come in before the time is used
		return costStart.Add(time.Duration(ticks.Add(1)) * time.Microsecond)
	}
	l := cl.New(metered(&meter{inner: memory.New()}, shared), &cl.Options{Clock: clock})
	defer l.Close()
	on := cl.AccountID{Customer: "cus_1", Currency: "credits"}
	must(t, l, on, cl.Increment{Amount: cl.AmountOf(1_000_000)})
	const rounds = 200
	var told [4]map[cl.Instant]string
	errs := together(t, 8, func(i int) error {
		r := rand.New(rand.NewPCG(seed(t)+history, uint64(i)))
		ctx := context.Background()
		for range rounds {
			var err error
			switch {
			case i < 4:
				b, e := l.Balance(ctx, on, cl.BalanceQuery{})
				if err = e; told[i] == nil {
					told[i] = map[cl.Instant]string{}
				}
				told[i][b.AsOf] = b.Total.String()
			case r.IntN(4) == 0:
				_, err = l.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(1), ExpiresAt: cl.At(costStart.Add(time.Duration(ticks.Load()+1+r.Int64N(50)) * time.Microsecond))}, "")
			case r.IntN(4) == 0:
				_, err = l.Sweep(ctx)
			default:
				_, err = l.Do(ctx, on, cl.Decrement{Amount: cl.AmountOf(1)}, "")
			}
			if err != nil && !errors.Is(err, cl.ErrInvalid) && !errors.Is(err, cl.ErrConstraint) {
				return err
			}
			if r.IntN(3) == 0 {
				runtime.Gosched()
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, list := range told {
		for at, total := range list {
			b, err := l.Balance(context.Background(), on, cl.BalanceQuery{At: at})
			if err != nil || b.Total.String() != total {
				t.Fatalf("seed %d, history %d, shared %v: as of %s the total was %s and is %s now: %v", seed(t), history, shared, at, total, b.Total, err)
			}
			run.Count("balances", 1)
		}
	}
}

// step is one of a script: an operation with a key that may have been used, a sweep, or
// a customer's move to another zone.
type scriptStep struct {
	now  time.Time
	on   cl.AccountID
	op   cl.Operation
	key  cl.Key
	zone string
}

// scriptOf is a script of operations on few accounts, under few keys, with dates that have
// no time.
func scriptOf(r *rand.Rand, n int) []scriptStep {
	now := costStart
	steps := make([]scriptStep, n)
	var used []scriptStep
	for i := range steps {
		if r.IntN(3) == 0 {
			now = now.Add(time.Duration(r.IntN(48)) * time.Hour)
		}
		s := scriptStep{now: now, on: cl.AccountID{Customer: fmt.Sprint("cus_", r.IntN(3)), Currency: "credits"}}
		date := now.AddDate(0, 0, r.IntN(5))
		switch amount := cl.AmountOf(1 + r.Int64N(20)); r.IntN(10) {
		case 0, 1, 2:
			s.op = cl.Increment{Amount: amount, ExpiresAt: cl.On(cl.DateOf(date.Year(), date.Month(), date.Day()))}
		case 3:
			s.op = cl.Increment{Amount: amount, EffectiveAt: cl.At(now.Add(time.Hour))}
		case 4, 5, 6:
			s.op = cl.Decrement{Amount: amount, Overdraft: cl.Overdraft(r.IntN(3))}
		case 7:
			s.op = cl.Batch{cl.Increment{Amount: amount}, cl.Decrement{Amount: amount}}
		case 8:
			s.zone = []string{"America/New_York", "Asia/Tokyo", "UTC", "Pacific/Apia"}[r.IntN(4)]
		}
		if s.op != nil && r.IntN(3) > 0 {
			s.key = cl.Key(fmt.Sprint("key-", r.IntN(n/2)))
		}
		if len(used) > 0 && r.IntN(4) == 0 { // the same again
			again := used[len(used)-1-r.IntN(min(len(used), 4))]
			s.on, s.op, s.key, s.zone = again.on, again.op, again.key, again.zone
		}
		if s.key != "" {
			used = append(used, s)
		}
		steps[i] = s
	}
	return steps
}

// play carries out a script, and waits for what it submits only now and then; wait says how
// often. It returns the outcomes in order.
func play(t *testing.T, store cl.Store, script []scriptStep, r *rand.Rand, wait int) (outcomes []string) {
	t.Helper()
	var now atomic.Int64
	now.Store(costStart.UnixMicro())
	l := cl.New(store, &cl.Options{Clock: func() time.Time { return time.UnixMicro(now.Load()) }, Random: rand.NewChaCha8([32]byte{7})})
	defer l.Close()
	ctx := context.Background()
	outcomes = make([]string, len(script))
	pending := map[int]*cl.Pending{}
	settle := func() {
		for i, p := range pending {
			res, err := p.Wait(ctx)
			outcomes[i] = outcomeText(res, err)
		}
		clear(pending)
	}
	for i, s := range script {
		now.Store(s.now.UnixMicro())
		switch {
		case s.zone != "":
			if _, err := l.PutCustomer(ctx, cl.CustomerUpdate{ID: s.on.Customer, Timezone: &s.zone}); err != nil {
				t.Fatal(err)
			}
		case s.op == nil:
			if _, err := l.Sweep(ctx); err != nil {
				t.Fatal(err)
			}
		default:
			p, err := l.Submit(ctx, s.on, s.op, s.key)
			if err != nil {
				outcomes[i] = outcomeText(nil, err)
			} else {
				pending[i] = p
			}
		}
		if wait > 0 && r.IntN(wait) == 0 {
			settle()
		}
	}
	settle()
	return outcomes
}

func outcomeText(res *cl.Result, err error) string {
	if err != nil {
		return err.Error()
	}
	return resultWords(res)
}

// conflicts counts the commits that a store refuses with a conflict.
type conflicts struct {
	cl.Store
	n atomic.Int64
}

func (c *conflicts) Commit(ctx context.Context, changes []cl.Change) error {
	err := c.Store.Commit(ctx, changes)
	if errors.Is(err, cl.ErrConflict) {
		c.n.Add(1)
	}
	return err
}

// TestGroupingsAgree: however the operations of a script share commits, and whatever
// store holds them, answers and bytes are the same. A process that is alone with its
// store is never in conflict with itself.
func TestGroupingsAgree(t *testing.T) {
	run := results.Start(t, "one history in several groupings")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	for round := range testsize.Of(3, 10, 300) {
		script := scriptOf(rand.New(rand.NewPCG(seed(t), uint64(round))), 60)
		var first []string
		digest := ""
		for try := range 6 {
			b := []fuzz.Backend{memoryBackend, boltBackend}[min(try, 1)]
			c := &conflicts{Store: openStore(t, b)}
			var store cl.Store = c
			if shared, ok := c.Store.(cl.ExclusiveStore); ok {
				store = sharedConflicts{c, shared}
			}
			outcomes := play(t, store, script, rand.New(rand.NewPCG(seed(t), uint64(try))), []int{1, 1, 0, 0, 3, 10}[try])
			d, err := fuzz.Digest(context.Background(), c.Store)
			if err != nil {
				t.Fatal(err)
			}
			if digest == "" {
				first, digest = outcomes, d
			}
			for i := range outcomes {
				if outcomes[i] != first[i] {
					t.Fatalf("seed %d, round %d, try %d on %s: step %d, %+v:\n got %s\nwant %s", seed(t), round, try, b.Name, i, script[i], outcomes[i], first[i])
				}
			}
			if d != digest {
				t.Fatalf("seed %d, round %d, try %d on %s: other bytes", seed(t), round, try, b.Name)
			}
			if n := c.n.Load(); n > 0 {
				t.Fatalf("seed %d, round %d, try %d on %s: %d conflicts with nobody", seed(t), round, try, b.Name, n)
			}
			run.Count("runs", 1)
		}
	}
}

type sharedConflicts struct {
	*conflicts
	shared cl.ExclusiveStore
}

func (s sharedConflicts) Exclusive() bool { return s.shared.Exclusive() }

func (s sharedConflicts) Concurrency() (commits, accounts int) { return s.shared.Concurrency() }
