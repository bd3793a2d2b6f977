// Package peers measures what others do that the ledger does too: SQLite with SQL
// written by hand, and decimals of other libraries. It is a module of its own, because
// what it needs would weigh on everybody who needs the ledger.
//
//	go -C bench/peers test -bench .
package peers
