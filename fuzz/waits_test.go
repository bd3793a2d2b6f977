package fuzz_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/store/memory"
)

// TestLoneCommitBesideBusyProcessors: a commit that nobody else joins waits for nobody,
// though many callers committed before it and every processor has other work. That it does
// not hang is all that is asked here; TestPatienceIsBoundedByTheClock counts its yields.
func TestLoneCommitBesideBusyProcessors(t *testing.T) {
	var disk sync.RWMutex
	held := &meter{inner: memory.New(), hook: func(_ context.Context, call string, _ cl.AccountID) error {
		if call == "Commit" {
			disk.RLock()
			defer disk.RUnlock()
		}
		return nil
	}}
	l := cl.New(sharedMeter{held}, nil)
	defer l.Close()
	ctx, on := context.Background(), cl.AccountID{Customer: "cus_1"}
	for range 4 {
		var begun [16]*cl.Pending
		disk.Lock() // so that they share a commit
		for i := range begun {
			var err error
			if begun[i], err = l.Submit(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, ""); err != nil {
				t.Fatal(err)
			}
		}
		disk.Unlock()
		for _, p := range begun {
			if _, err := p.Wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
		free := busyProcessors()
		begin := time.Now()
		must(t, l, on, cl.Increment{Amount: cl.AmountOf(1)})
		took := time.Since(begin)
		free()
		if took > time.Minute { // where 0.1 s is normal
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
