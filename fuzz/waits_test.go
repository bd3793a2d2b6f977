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
// though many callers committed before it and every processor has other work.
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
		begin := time.Now()
		must(t, l, on, cl.Increment{Amount: cl.AmountOf(1)})
		took := time.Since(begin)
		free()
		if took > 15*time.Second { // where 0.1 s is normal
			t.Fatalf("a lone commit took %s", took)
		}
	}
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
