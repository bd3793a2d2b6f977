// Package transfer copies a whole ledger from one store to another: from a file to
// PostgreSQL, back, or between any two stores.
//
//	report, err := transfer.Copy(ctx, from, to, nil)
//
// Journals travel record by record, byte for byte, and every record is decided again on
// arrival (creditledger.Ledger.Import), so nothing that follows from them has to be
// trusted: balances, blocks, idempotency keys and indexes are made anew. Customers,
// invoices and other records of layers above the ledger come along with their versions.
// When Copy returns nil, every account of the target ends in the same head and seal as in
// the source, every record is the same, and neither store has a record that the other
// lacks.
//
// Texts that stand under the seals of records of formats 1 and 2 cannot be erased, so a copy
// writes such a record in format 3, and all records of the account that follow on it. Each
// keeps the seal of the record that it was made from; verification of the copy proves that
// it was, and takes checkpoints of the source (creditledger.Ledger.ImportAnew). Where
// nothing is said, and in a copy of a copy, records are the same byte for byte.
//
// A copy that was interrupted goes on where it stopped: call Copy again. In the same
// way a target that was copied before is brought up to date. A target that holds
// anything else is refused with a TargetError before anything is written.
//
// # Caveats
//
// Nobody else may write to the target meanwhile. If the source is written to, each
// account is compared at a moment of its own, and what is seen to move all the time
// ends the copy with ErrSourceMoved; the next one takes the rest. To copy a database
// in use as of one moment, give Copy a snapshot of it:
//
//	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
//	…
//	defer tx.Rollback(ctx)
//	from, err := postgres.Join(ctx, tx, nil)
//
// To move a ledger with little downtime, copy it while it is in use, stop whoever
// writes, and copy again, which takes the rest.
//
// Both stores have to list the kinds of their records (store.Kinder), as all stores of this
// module do.
package transfer
