// Package testseed says with which seeds the random tests draw. LEDGER_SEED names one for
// all of them: what has to be green for a change to land draws the same in every run, so
// that only the change can make it red. Without it every run draws others, as the tests
// of a developer and of the night do. A flag of one test wins over it.
package testseed

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	_ "pgregory.net/rapid" // defines the flag that init sets
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0: LEDGER_SEED, else a random one, which is printed")

// init gives the properties of rapid the seed too.
func init() {
	if fixed := ofEnvironment(); fixed != 0 {
		if err := flag.Set("rapid.seed", strconv.FormatUint(fixed, 10)); err != nil {
			panic(err)
		}
	}
}

// ofEnvironment returns the seed that LEDGER_SEED names; 0 if it names none.
func ofEnvironment() uint64 {
	text := os.Getenv("LEDGER_SEED")
	if text == "" {
		return 0
	}
	fixed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("LEDGER_SEED is %q, not a number", text))
	}
	return fixed
}

// Of returns the seed of a random test, and prints it.
func Of(t testing.TB) uint64 {
	t.Helper()
	s := chosen()
	t.Logf("seed: -seed=%d", s)
	return s
}

// chosen is the seed of all tests of a run.
var chosen = sync.OnceValue(func() uint64 {
	return cmp.Or(*seed, ofEnvironment(), rand.Uint64()>>16|1)
})
