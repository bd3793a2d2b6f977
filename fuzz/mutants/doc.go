// Package mutants has no code of its own. Its tests break the ledger on purpose, one
// rule at a time, and hold the suite to noticing each: a mutant that all tests pass is
// a failure.
//
//	LEDGER_MUTANTS=all go test ./fuzz/mutants       every mutant
//	LEDGER_MUTANTS=sample go test ./fuzz/mutants    six of them; or any number
//	go test ./fuzz/mutants -mutant '^expiry'        those with such a name, and no control
//
// The source is not touched: a mutant is an overlay of one file (go help build). That
// every mutant still applies is looked at in every run of the tests, so whoever
// changes a line that one stands on moves the mutant along.
package mutants
