// Package testsize says how much a test does. There are three sizes: small, with -short
// and under the race detector, which is slow and looks at what goroutines share, not at
// many inputs; normal; and full, for the figures of docs/ and at night.
package testsize

import (
	"os"
	"testing"
)

// Full reports whether tests run in their full size: LEDGER_FULL is set. It wins over
// -short and the race detector.
func Full() bool { return os.Getenv("LEDGER_FULL") != "" }

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
// all are tried but in the small size.
func Stride() int { return Of(7, 1, 1) }
