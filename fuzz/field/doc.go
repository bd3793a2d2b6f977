// Package field has no code of its own. Its tests are about failures that real ledgers,
// credit systems and their neighbours had. Each has a number and a name, and a line that
// says what happened there. The test tries the same here, on a ledger in memory and on one
// in a file. Failures of embedded storage (1 to 19) are in fuzz/crash.
//
// A number that is missing is one that a library without a server cannot have.
package field
