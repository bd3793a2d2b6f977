package fuzz_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

var opsFlag = flag.Int("ops", 0, "steps of the random machines; 0: LEDGER_OPS, or what fits the test run")

// ops is how many steps a random test takes: the flag's, the environment's, or else
// its own default, a tenth of it with -short or the race detector.
func ops(normal int) int {
	if *opsFlag > 0 {
		return *opsFlag
	}
	if n, err := strconv.Atoi(os.Getenv("LEDGER_OPS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() || raceDetector {
		return normal / 10
	}
	return normal
}

// memoryBackend forgets nothing between two openings: its store is never closed.
var memoryBackend = fuzz.Backend{Name: "memory", New: func(string) func() (cl.Store, error) {
	s := struct{ cl.Store }{memory.New()}
	return func() (cl.Store, error) { return s, nil }
}}

// boltBackend keeps its file in the directory and opens it anew each time.
var boltBackend = fuzz.Backend{Name: "bolt", New: func(dir string) func() (cl.Store, error) {
	return func() (cl.Store, error) { return bolt.Open(filepath.Join(dir, "ledger.db"), nil) }
}}

// runMachine takes about n steps, in checks of about fifty, and prints what it takes to
// do it again.
func runMachine(t *testing.T, n int, c *fuzz.Machine) {
	t.Helper()
	const steps = 50
	halves, fifths := 1, 1
	if testing.Short() { // rapid takes less by itself then
		halves, fifths = 2, 5
	}
	set(t, "rapid.steps", strconv.Itoa(steps*halves))
	set(t, "rapid.checks", strconv.Itoa(max(n/steps, 1)*fifths))
	if flag.Lookup("rapid.seed").Value.String() == "0" {
		set(t, "rapid.seed", strconv.FormatUint(rand.Uint64()|1, 10))
	}
	t.Logf("seed: -rapid.seed=%s, %d steps", flag.Lookup("rapid.seed").Value, n)
	c.Stats = fuzz.NewStats()
	start := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the model lives on short-lived numbers
	rapid.Check(t, c.Run)
	t.Logf("%v in %v", c.Stats, time.Since(start).Round(time.Millisecond))
	if c.Stats.Steps >= 20_000 {
		for _, gap := range c.Stats.Gaps() {
			t.Errorf("the machine does too little of: %s", gap)
		}
	}
}

func set(t *testing.T, name, value string) {
	t.Helper()
	old := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(fmt.Errorf("-%s: %w", name, err))
	}
	t.Cleanup(func() { _ = flag.Set(name, old) })
}

// TestModelAgrees is the differential test: what the ledger answers is what the model
// works out.
func TestModelAgrees(t *testing.T) {
	runMachine(t, ops(100_000), &fuzz.Machine{Backends: []fuzz.Backend{memoryBackend}})
}

// TestBackendsAgree runs the machine over every backend that needs no server, and all
// of them hold the same bytes in the end.
func TestBackendsAgree(t *testing.T) {
	runMachine(t, ops(20_000), &fuzz.Machine{Backends: []fuzz.Backend{memoryBackend, boltBackend}, Dir: memoryDir()})
}

// memoryDir is a place for files that need not outlive the machine, if there is one.
func memoryDir() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}
