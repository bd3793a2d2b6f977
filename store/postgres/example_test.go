package postgres_test

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// spendWithRows spends credits in a transaction that writes rows of the caller's, too.
func spendWithRows(ctx context.Context, pool *pgxpool.Pool, account creditledger.AccountID, operation creditledger.Operation, key creditledger.Key) error {
	for {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			store, err := postgres.Join(ctx, tx, nil)
			if err != nil {
				return err
			}
			// … rows of your own, in tx …
			_, err = creditledger.New(store, nil).Do(ctx, account, operation, key)
			return err
		})
		var server *pgconn.PgError
		lost := errors.As(err, &server) && (server.Code == "40001" || server.Code == "40P01") // at COMMIT, too
		if !lost && !errors.Is(err, creditledger.ErrConflict) {
			return err
		}
	}
}

// The debit and the row that it pays for commit together.
func ExampleJoin() {
	pool, err := pgxpool.New(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	spend := creditledger.Decrement{Amount: creditledger.AmountOf(1)}
	if err := spendWithRows(context.Background(), pool, creditledger.AccountID{Customer: "cus_1"}, spend, "request-7"); err != nil {
		log.Print(err)
	}
}
