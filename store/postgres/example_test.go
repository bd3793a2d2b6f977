package postgres_test

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
)

// A ledger in the database that DATABASE_URL names.
func Example() {
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	postgres.Watch(config) // hears the server's warnings; needed with synchronous standbys
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	// When a release is rolled out, by a role that may create:
	if err := postgres.Migrate(ctx, pool, nil); err != nil {
		log.Fatal(err)
	}
	store, err := postgres.Open(ctx, pool, nil)
	if err != nil {
		log.Fatal(err)
	}
	ledger := creditledger.New(store, nil)

	// …

	if err := errors.Join(ledger.Close(), store.Close()); err != nil {
		log.Fatal(err)
	}
	pool.Close()
}

// The debit and the row that it pays for commit together.
func ExampleInTx() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	spend := creditledger.Decrement{Amount: creditledger.AmountOf(1)}
	err = postgres.InTx(ctx, pool, func(tx pgx.Tx, l *creditledger.Ledger) error { // which may run several times
		result, err := l.Do(ctx, creditledger.AccountID{Customer: "cus_1"}, spend, "request-7")
		if err != nil || result.Replayed { // all of it is stored already
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO calls (id) VALUES ('request-7')")
		return err
	})
	if err != nil {
		log.Print(err)
	}
}
