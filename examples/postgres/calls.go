// Package postgres shows a service that keeps its own rows and its customers' credits
// in one PostgreSQL database: a call and what it costs are written in one transaction.
package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
)

// Calls records calls in a table of its own, and charges for them.
type Calls struct {
	Pool *pgxpool.Pool
}

// attempts bounds how often a transaction begins again after another one was faster.
const attempts = 10

// Record writes a call and charges its price: both or neither. The call's id is the
// idempotency key, so that a repeated Record changes nothing.
func (c *Calls) Record(ctx context.Context, customer, id string, price creditledger.Amount) error {
	for range attempts {
		err := pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
			return record(ctx, tx, customer, id, price)
		})
		if !errors.Is(err, creditledger.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("call %s: others write to the account of %s all the time: try again", id, customer)
}

func record(ctx context.Context, tx pgx.Tx, customer, id string, price creditledger.Amount) error {
	tag, err := tx.Exec(ctx, "INSERT INTO calls (id, customer) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, customer)
	if err != nil || tag.RowsAffected() == 0 { // or it is recorded already
		return err
	}
	joined, err := postgres.Join(ctx, tx, nil)
	if err != nil {
		return err
	}
	ledger := creditledger.New(joined, nil)
	spend := creditledger.Decrement{Amount: price, ItemID: "call", Overdraft: creditledger.OverdraftReject}
	_, err = ledger.Do(ctx, creditledger.AccountID{Customer: customer}, spend, creditledger.Key(id))
	return errors.Join(err, ledger.Close())
}
