// Package chosen tells a program that has all mutants in it which one it is. Only the
// instrumented sources of package mutants import it: each function that a mutant changes
// begins by asking At.
package chosen

import (
	"os"
	"strconv"
	"sync/atomic"
)

// Names of environment variables.
const (
	EnvMutant  = "LEDGER_MUTANT"  // the number of the mutant that the program is; none: it is no mutant
	EnvReached = "LEDGER_REACHED" // the file that gets the number of every site that is reached, a line each
)

// Site is the number of a function that mutants change.
type Site int

// MaxSites is how many of them a program can have.
const MaxSites = 1 << 12

var (
	mutant, _ = strconv.Atoi(os.Getenv(EnvMutant))
	reached   = os.Getenv(EnvReached)
	noted     [MaxSites]atomic.Bool
)

// At returns the number of the mutant that the program is, or 0.
func At(site Site) int {
	if reached != "" && !noted[site].Load() && !noted[site].Swap(true) {
		note(site)
	}
	return mutant
}

// note writes a site down at once, for a program may end in any way.
func note(site Site) {
	f, err := os.OpenFile(reached, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		panic(err)
	}
	if _, err := f.WriteString(strconv.Itoa(int(site)) + "\n"); err != nil {
		panic(err)
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
}
