// Package field has no code of its own. Its tests are failures that real ledgers,
// credit systems and their neighbours had, each under a number and a name, with a line
// on what happened there; what must not happen here is tried on a ledger in memory and
// on one in a file. Those of embedded storage (1 to 19) are in fuzz/crash.
//
// A number that is missing is one that a library without a server cannot have.
package field
