package fuzz_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/store/memory"
)

// TestLoneCommitBesideBusyProcessors: a commit that nobody else joins waits for nobody,
// though many callers committed before it and every processor has other work. What it
// takes is held against what giving way takes, to as many as compute beside it.
func TestLoneCommitBesideBusyProcessors(t *testing.T) {
	slow := &meter{inner: memory.New(), hook: func(_ context.Context, call string, _ cl.AccountID) error {
		if call == "Commit" { // as a disk is, so that callers share commits
			time.Sleep(2 * time.Millisecond)
		}
		return nil
	}}
	l := cl.New(sharedMeter{slow}, nil)
	defer l.Close()
	on := cl.AccountID{Customer: "cus_1"}
	for range 4 {
		together(t, 16, func(int) error {
			_, err := l.Do(context.Background(), on, cl.Increment{Amount: cl.AmountOf(1)}, "")
			return err
		})
		free := busyProcessors()
		yields := timed(func() {
			for range 10 {
				runtime.Gosched()
			}
		})
		took := timed(func() { must(t, l, on, cl.Increment{Amount: cl.AmountOf(1)}) })
		free()
		if took > max(10*yields, 5*time.Second) { // where few yields, and 0.1 s, are normal
			t.Fatalf("a lone commit took %s, and ten yields %s", took, yields)
		}
	}
}

func timed(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}

// busyProcessors lets every processor compute for several goroutines, until it is told to stop.
func busyProcessors() (free func()) {
	var stop atomic.Bool
	for range 4 * runtime.GOMAXPROCS(0) {
		go func() {
			for !stop.Load() {
			}
		}()
	}
	return func() { stop.Store(true) }
}
