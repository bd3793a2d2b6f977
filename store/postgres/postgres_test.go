package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	_ "creditledger/fuzz/testmemory"
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
	"creditledger/store/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// newPool connects to a database, after a change of the configuration.
func newPool(t testing.TB, dsn string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	postgres.Watch(config)
	if change != nil {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.CloseAfter(t, pool)
	return pool
}

// openIn migrates a database and opens its ledger.
func openIn(t testing.TB, pool *pgxpool.Pool, o *postgres.Options) *postgres.Store {
	t.Helper()
	if err := postgres.Migrate(t.Context(), pool, o); err != nil {
		t.Fatal(err)
	}
	return reopen(t, pool, o)
}

func reopen(t testing.TB, pool *pgxpool.Pool, o *postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), pool, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// isolated makes a level the default of all transactions.
func isolated(level string) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["default_transaction_isolation"] = level }
}

func mode(m pgx.QueryExecMode) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = m }
}

// TestStore puts the store to the examination in every way that it may be opened. It leaves
// to the proofs what is different for the server or the driver alone: there the race
// detector has nothing new to see. They leave the rest to it, in turn; the full size does all.
func TestStore(t *testing.T) {
	for _, v := range []struct {
		name   string
		large  bool // for the proofs
		change func(*pgxpool.Config)
		opts   *postgres.Options
	}{
		{"read committed", false, isolated("read committed"), nil},
		{"repeatable read", true, isolated("repeatable read"), nil},
		{"serializable", false, isolated("serializable"), nil},
		{"exec mode", true, mode(pgx.QueryExecModeExec), nil},
		{"cache describe mode", true, mode(pgx.QueryExecModeCacheDescribe), nil},
		{"simple protocol", true, mode(pgx.QueryExecModeSimpleProtocol), nil},
		{"one connection", false, func(c *pgxpool.Config) { c.MaxConns = 1 }, nil},
		{"portable", false, nil, &postgres.Options{Portable: true, Schema: "_other_2", Buckets: 3}},
		{"no memory", false, nil, &postgres.Options{Schema: "cases", CacheBytes: 1}},
	} {
		if !testsize.Full() && v.large != testsize.Proofs() {
			continue // the proofs do what others leave to them
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			examine(t, v.change, v.opts)
		})
	}
}

// examine puts the store to the examination in one schema, which is emptied for each
// case: to make it takes longer than most of them.
func examine(t *testing.T, change func(*pgxpool.Config), o *postgres.Options) {
	own := postgres.Options{Schema: "cases"}
	if o != nil {
		own = *o
	}
	pool := newPool(t, pgtest.Database(t), change)
	openIn(t, pool, &own)
	again := func(t *testing.T, _ creditledger.Store) creditledger.Store { return reopen(t, pool, &own) }
	storetest.RunShared(t, func(t *testing.T) creditledger.Store {
		var empty strings.Builder
		for _, table := range []string{"heads", "journal", "keys", "blocks", "block_ids", "open_blocks", "account_rows", "open_rows", "records"} {
			fmt.Fprintf(&empty, "DELETE FROM %s.%s;", own.Schema, table)
		}
		if _, err := pool.Exec(t.Context(), empty.String()); err != nil {
			t.Fatal(err)
		}
		return reopen(t, pool, &own)
	}, again, again)
}

// deafPool is a pool whose configuration did not go through Watch.
func deafPool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.CloseAfter(t, pool)
	return pool
}
