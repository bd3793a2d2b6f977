package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
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
	t.Cleanup(pool.Close)
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

func TestStore(t *testing.T) {
	for _, v := range []struct {
		name   string
		change func(*pgxpool.Config)
		opts   *postgres.Options
	}{
		{"read committed", isolated("read committed"), nil},
		{"repeatable read", isolated("repeatable read"), nil},
		{"serializable", isolated("serializable"), nil},
		{"exec mode", mode(pgx.QueryExecModeExec), nil},
		{"cache describe mode", mode(pgx.QueryExecModeCacheDescribe), nil},
		{"simple protocol", mode(pgx.QueryExecModeSimpleProtocol), nil},
		{"one connection", func(c *pgxpool.Config) { c.MaxConns = 1 }, nil},
		{"portable", nil, &postgres.Options{Portable: true, Schema: "_other_2", Buckets: 3}},
		{"no memory", nil, &postgres.Options{CacheBytes: 1}},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			examine(t, v.change, v.opts)
		})
	}
}

func examine(t *testing.T, change func(*pgxpool.Config), o *postgres.Options) {
	dsn := pgtest.Database(t)
	pool := newPool(t, dsn, change)
	n := 0
	options := map[creditledger.Store]*postgres.Options{}
	storetest.RunReopen(t, func(t *testing.T) creditledger.Store {
		own := postgres.Options{}
		if o != nil {
			own = *o
		}
		n++
		own.Schema += "case_" + string(rune('a'+n/26)) + string(rune('a'+n%26))
		s := openIn(t, pool, &own)
		options[s] = &own
		return s
	}, func(t *testing.T, s creditledger.Store) creditledger.Store {
		again := reopen(t, pool, options[s])
		options[again] = options[s]
		return again
	})
}

// deafPool is a pool whose configuration did not go through Watch.
func deafPool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
