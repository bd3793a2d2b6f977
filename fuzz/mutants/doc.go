// Package mutants has no code of its own. Its tests break the ledger on purpose, one
// rule at a time, and hold the suite to noticing each: a mutant that all tests pass is
// a failure.
//
//	LEDGER_MUTANTS=all go test ./fuzz/mutants       every mutant
//	LEDGER_MUTANTS=sample go test ./fuzz/mutants    some of them; or any number
//	go test ./fuzz/mutants -mutant '^expiry'        those with such a name
//
// The source is not touched: mutants are overlays (go help build). Those that change the
// bodies of functions alone, which is nearly all, are put into one program, which package
// chosen tells which of them it is. Each test runs once without a mutant, and says which of
// the changed functions it reaches; a mutant meets only the tests that reach what it
// changes. Others get a program of their own. That every mutant still applies is looked at
// in every run of the tests, so whoever changes a line that one stands on moves the mutant
// along.
package mutants
