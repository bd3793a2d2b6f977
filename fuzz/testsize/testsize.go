// Package testsize says how much a test does. There are three sizes: small, with -short
// and under the race detector, which is slow and looks at what goroutines share, not at
// many inputs; normal; and full, for the figures of docs/ and at night. In the normal
// size a few tests leave to the proofs of .ci/run what costs most for what it finds.
package testsize

import (
	"os"
	"testing"
)

// Full reports whether tests run in their full size: LEDGER_FULL is set. It wins over
// -short and the race detector.
func Full() bool { return os.Getenv("LEDGER_FULL") != "" }

// Proofs reports whether the proofs run, in their normal size or in the full one:
// LEDGER_PROOFS is set, or LEDGER_FULL. It is false for a plain go test.
func Proofs() bool { return os.Getenv("LEDGER_PROOFS") != "" || Full() }

// Small reports whether tests run in their small size.
func Small() bool { return !Full() && (Race || testing.Short()) }

// Of returns how often a test does what it does, which is at least once.
func Of(small, normal, full int) int {
	switch {
	case Full():
		return full
	case Small():
		return small
	}
	return normal
}

// Stride returns how many cases of a table of hostile inputs stand for one that is tried:
// the full size tries all.
func Stride() int { return Of(7, 4, 1) }

// Picks reports whether the n-th case of a table is one that is tried. Which ones are is
// the same in every run, and has no rhythm that a column of the table could have too.
func Picks(n int) bool {
	const golden = 0x9e3779b1
	return int(uint32(n)*golden>>16)%Stride() == 0
}
