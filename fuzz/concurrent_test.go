package fuzz_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
)

// seed is the seed of this run of the tests, which it prints.
func seed(t testing.TB) uint64 { return testseed.Of(t) }

// ledgersOver makes n ledgers over a store, closed when the test is over.
func ledgersOver(t *testing.T, store cl.Store, n int) (ls []*cl.Ledger) {
	for range n {
		l := cl.New(store, nil)
		t.Cleanup(func() { l.Close() })
		ls = append(ls, l)
	}
	return ls
}

// openStore is an empty store, closed and removed when the test is over.
func openStore(t *testing.T, b fuzz.Backend) cl.Store { return opener(t, b)() }

// opener prepares an empty store and opens it, each time for another ledger.
func opener(t *testing.T, b fuzz.Backend) func() cl.Store {
	t.Helper()
	dir, err := os.MkdirTemp("", "fuzz-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	open := b.New(dir)
	return func() cl.Store {
		s, err := open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if c, ok := s.(io.Closer); ok {
				c.Close()
			}
		})
		return s
	}
}

// together runs fn n times at once and returns the errors. If anything hangs it ends the
// test.
func together(t *testing.T, n int, fn func(i int) error) []error {
	t.Helper()
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	close(start)
	select {
	case <-done:
	case <-time.After(time.Minute):
		buf := make([]byte, 1<<16)
		t.Fatalf("%d goroutines hang\n%s", n, buf[:runtime.Stack(buf, true)])
	}
	return errs
}

// noLeak fails the test if goroutines stay behind.
func noLeak(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 200 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d before the test\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
	})
}

func must(t testing.TB, l *cl.Ledger, on cl.AccountID, op cl.Operation) *cl.Result {
	t.Helper()
	res, err := l.Do(context.Background(), on, op, "")
	if err != nil {
		t.Fatalf("%s: %v", op.Name(), err)
	}
	return res
}

// sound holds an account against the invariants and counts its entries.
func sound(t *testing.T, l *cl.Ledger, on cl.AccountID) (entries uint64) {
	t.Helper()
	for _, v := range fuzz.Violations(context.Background(), l, on) {
		t.Error(v)
	}
	v, err := l.Verify(context.Background(), on, nil)
	if err != nil || v.Violation != nil {
		t.Errorf("verify: %v, %v", v.Violation, err)
	}
	return v.Entries
}

// prepared are accounts for storms: blocks that can be drawn, moved, voided, amended
// and activated.
func prepared(t *testing.T, l *cl.Ledger, on cl.AccountID) (entries uint64) {
	t.Helper()
	must(t, l, on, cl.Increment{Amount: cl.AmountOf(100), BlockID: "b1", ExpiresAt: cl.At(time.Now().Add(time.Hour))})
	must(t, l, on, cl.Increment{Amount: cl.AmountOf(100), BlockID: "b2"})
	must(t, l, on, cl.Increment{Amount: cl.AmountOf(100), BlockID: "p", RequirePayment: true})
	must(t, l, on, cl.Decrement{Amount: cl.AmountOf(50)})
	return 4
}

var stormOps = []cl.Operation{
	cl.Increment{Amount: cl.AmountOf(5), BlockID: "made"},
	cl.Increment{Amount: cl.AmountOf(5)},
	cl.Decrement{Amount: cl.AmountOf(120), Overdraft: cl.OverdraftReject},
	cl.Decrement{Amount: cl.AmountOf(500)},
	cl.ExpirationChange{BlockID: "b1", Target: cl.Never()},
	cl.Void{BlockID: "b2", Amount: cl.AmountOf(100)},
	cl.Amendment{BlockID: "b1", Amount: cl.AmountOf(50)},
	cl.Activation{BlockID: "p"},
	cl.Batch{cl.Activation{BlockID: "p"}, cl.Decrement{Amount: cl.AmountOf(10)}},
	cl.Reverse{Entry: 4},
	cl.Batch{cl.Hold{HoldID: "h", Amount: cl.AmountOf(20)}, cl.Capture{HoldID: "h", Amount: cl.AmountOf(5)}},
}

// TestStorms sends one operation from fifty goroutines under one key: one effect, and
// fifty times the same answer, one of them not marked as a replay.
func TestStorms(t *testing.T) {
	storms := testsize.Of(5, 40, 100)
	run := results.Start(t, "storms: fifty goroutines under one key")
	for _, b := range []fuzz.Backend{memoryBackend, boltBackend} {
		stormsOn(t, b, storms, run)
	}
}

func stormsOn(t *testing.T, b fuzz.Backend, storms int, run *results.Run) {
	for _, ledgers := range []int{1, 2} {
		t.Run(fmt.Sprintf("%s/%d ledgers", b.Name, ledgers), func(t *testing.T) {
			noLeak(t)
			ls := ledgersOver(t, openStore(t, b), ledgers)
			for i := range storms {
				for j, op := range stormOps {
					on := cl.AccountID{Customer: fmt.Sprintf("cus_%d_%d", i, j), Currency: "credits"}
					storm(t, ls, on, op, prepared(t, ls[0], on))
					run.Count("storms", 1)
				}
			}
			run.Set("effects each", 1)
		})
	}
}

func storm(t *testing.T, ls []*cl.Ledger, on cl.AccountID, op cl.Operation, before uint64) {
	t.Helper()
	const n = 50
	results := make([]*cl.Result, n)
	errs := together(t, n, func(i int) (err error) {
		results[i], err = ls[i%len(ls)].Do(context.Background(), on, op, "storm")
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("%s: %v", op.Name(), err)
	}
	originals := 0
	for i, r := range results {
		if !r.Replayed {
			originals++
		}
		r.Replayed = false
		if resultWords(r) != resultWords(results[0]) {
			t.Fatalf("%s: answers differ:\n%s\n%s", op.Name(), resultWords(r), resultWords(results[i]))
		}
	}
	if originals != 1 {
		t.Errorf("%s: %d of %d answers are no replays", op.Name(), originals, n)
	}
	if entries := sound(t, ls[0], on); entries != before+uint64(len(results[0].Entries)) {
		t.Errorf("%s: %d entries, %d of them before, and %d were answered", op.Name(), entries, before, len(results[0].Entries))
	}
}

// resultWords prints a result with all its pointers followed.
func resultWords(r *cl.Result) string {
	text, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestStormOfDifferentOperations sends fifty different operations under one key: one
// happens, and all others are told that the key is taken.
func TestStormOfDifferentOperations(t *testing.T) {
	noLeak(t)
	l := cl.New(openStore(t, memoryBackend), nil)
	defer l.Close()
	for i := range 20 {
		on := cl.AccountID{Customer: fmt.Sprintf("cus_%d", i), Currency: "credits"}
		done := 0
		for _, err := range together(t, 50, func(i int) error {
			_, err := l.Do(context.Background(), on, cl.Increment{Amount: cl.AmountOf(int64(i + 1))}, "one")
			return err
		}) {
			if err == nil {
				done++
			} else if !errors.Is(err, cl.ErrIdempotencyMismatch) {
				t.Error(err)
			}
		}
		if done != 1 || sound(t, l, on) != 1 {
			t.Errorf("%d of 50 happened", done)
		}
	}
}

// TestOneOfMany lets several goroutines do what only one of them can.
func TestOneOfMany(t *testing.T) {
	noLeak(t)
	for _, c := range []struct {
		name     string
		n        int
		op       cl.Operation
		refused  error
		entries  uint64 // written by the one that succeeds
		accounts cl.Operation
	}{
		{"four voids of a whole block", 4, cl.Void{BlockID: "b", Amount: cl.AmountOf(100)}, cl.ErrConstraint, 2, cl.Increment{Amount: cl.AmountOf(100), BlockID: "b"}},
		{"two spenders of one credit", 2, cl.Decrement{Amount: cl.AmountOf(1), Overdraft: cl.OverdraftReject}, cl.ErrInsufficientCredits, 1, cl.Increment{Amount: cl.AmountOf(1), BlockID: "b"}},
		{"fifty payments of a pending block", 50, cl.Activation{BlockID: "b"}, cl.ErrConstraint, 0, cl.Increment{Amount: cl.AmountOf(1), BlockID: "b", RequirePayment: true}},
		{"fifty moves of everything", 50, cl.ExpirationChange{BlockID: "b", Target: cl.Never()}, cl.ErrConstraint, 1, cl.Increment{Amount: cl.AmountOf(1), BlockID: "b"}},
		{"fifty blocks of one id", 50, cl.Increment{Amount: cl.AmountOf(1), BlockID: "same"}, cl.ErrDuplicate, 1, cl.Increment{Amount: cl.AmountOf(1), BlockID: "b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ls := ledgersOver(t, openStore(t, memoryBackend), 2)
			for round := range 20 {
				on := cl.AccountID{Customer: fmt.Sprintf("cus_%d", round), Currency: "credits"}
				must(t, ls[0], on, c.accounts)
				done := 0
				for _, err := range together(t, c.n, func(i int) error {
					_, err := ls[i*round%2].Do(context.Background(), on, c.op, "")
					return err
				}) {
					if err == nil {
						done++
					} else if !errors.Is(err, c.refused) {
						t.Error(err)
					}
				}
				if entries := sound(t, ls[0], on); done != 1 || entries != 1+c.entries {
					t.Errorf("%d of %d succeeded, %d entries", done, c.n, entries)
				}
			}
		})
	}
}

// TestFreshAccount spends on an account that does not exist yet, fifty times at once:
// one overdraft block holds it all.
func TestFreshAccount(t *testing.T) {
	noLeak(t)
	for _, b := range []fuzz.Backend{memoryBackend, boltBackend} {
		freshAccounts(t, b)
	}
}

func freshAccounts(t *testing.T, b fuzz.Backend) {
	ls := ledgersOver(t, openStore(t, b), 2)
	for round := range 10 {
		on := cl.AccountID{Customer: fmt.Sprintf("cus_%d", round), Currency: "credits"}
		errs := together(t, 50, func(i int) error {
			_, err := ls[i%2].Do(context.Background(), on, cl.Decrement{Amount: cl.AmountOf(1)}, "")
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		balance, err := ls[round%2].Balance(context.Background(), on, cl.BalanceQuery{})
		blocks, err2 := ls[round%2].Blocks(context.Background(), on, cl.BlocksQuery{All: true})
		if err != nil || err2 != nil || balance.Total.Cmp(cl.AmountOf(-50)) != 0 || len(blocks.Blocks) != 1 || sound(t, ls[0], on) != 50 {
			t.Errorf("total %s in %d blocks: %v, %v", balance.Total, len(blocks.Blocks), err, err2)
		}
	}
}
