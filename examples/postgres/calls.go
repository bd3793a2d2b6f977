// Package postgres shows a service that keeps its own rows and its customers' credits
// in one PostgreSQL database: a call and what it costs are written in one transaction.
package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
)

// Calls records calls in a table of its own, and charges for them.
type Calls struct {
	Pool *pgxpool.Pool
}

// Record writes a call and charges its price: both or neither. The call's id is the
// idempotency key, so that a repeated Record changes nothing. The function may run several
// times, in a new transaction each time.
func (c *Calls) Record(ctx context.Context, customer, id string, price creditledger.Amount) error {
	spend := creditledger.Decrement{Amount: price, ItemID: "call", Overdraft: creditledger.OverdraftReject}
	return postgres.InTx(ctx, c.Pool, func(tx pgx.Tx, ledger *creditledger.Ledger) error {
		result, err := ledger.Do(ctx, creditledger.AccountID{Customer: customer}, spend, creditledger.Key(id))
		if err != nil || result.Replayed { // the call is recorded already
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO calls (id, customer) VALUES ($1, $2)", id, customer)
		return err
	})
}
