package fuzz_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

var opsFlag = flag.Int("ops", 0, "steps of each random machine; 0: what fits the run of the tests")

// ops is how many steps a machine takes: as many as -ops says, or in the full size a share
// of LEDGER_OPS, which is a million by default. Otherwise it is normal, half of that when
// no proofs run, a tenth with -short, and less with the race detector, which has nothing to
// find here.
func ops(normal int, share float64) int {
	switch {
	case *opsFlag > 0:
		return *opsFlag
	case testsize.Full():
		n, err := strconv.Atoi(cmp.Or(os.Getenv("LEDGER_OPS"), "1000000"))
		if err != nil {
			panic("LEDGER_OPS: " + err.Error())
		}
		return int(float64(n) * share)
	case testsize.Race:
		return normal / 40
	case !testsize.Proofs():
		normal /= 2
	}
	return testsize.Of(normal/10, normal, 0)
}

// memoryBackend forgets nothing between two openings, because its store is never closed.
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
func runMachine(t *testing.T, name string, n int, c *fuzz.Machine) {
	t.Helper()
	const steps = 50 // on average a little less
	halves, fifths := 1, 1
	if testing.Short() { // rapid takes less by itself then
		halves, fifths = 2, 5
	}
	set(t, "rapid.steps", strconv.Itoa(steps*halves))
	set(t, "rapid.checks", strconv.Itoa((n/(steps-2)+1)*fifths))
	if flag.Lookup("rapid.seed").Value.String() == "0" {
		set(t, "rapid.seed", strconv.FormatUint(testseed.Of(t), 10))
	}
	seed := flag.Lookup("rapid.seed").Value.String()
	t.Logf("seed: -rapid.seed=%s, about %d steps", seed, n)
	run := results.Start(t, name)
	run.Set("seed", seed)
	c.Stats = fuzz.NewStats()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the model lives on short-lived numbers
	rapid.Check(t, c.Run)
	t.Log(c.Stats)
	for figure, value := range c.Stats.Figures() {
		run.Set(figure, value)
	}
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
	runMachine(t, "differential: the naive model", ops(22_000, 0.1), &fuzz.Machine{Backends: []fuzz.Backend{memoryBackend}})
}

// TestMachine takes many more steps than TestModelAgrees, and looks less closely after
// each.
func TestMachine(t *testing.T) {
	runMachine(t, "random machine", ops(60_000, 1), &fuzz.Machine{Backends: []fuzz.Backend{memoryBackend}, Quick: true})
}

// TestBackendsAgree runs the machine over every backend that needs no server. In the end
// all of them hold the same bytes.
func TestBackendsAgree(t *testing.T) {
	runMachine(t, "backends agree: memory, bolt", ops(5_000, 0.02), &fuzz.Machine{Backends: []fuzz.Backend{memoryBackend, boltBackend}})
}
