package fuzz_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	_ "creditledger/fuzz/testmemory"
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(processEnv) != "" {
		beProcess()
		return
	}
	pgtest.Main(m)
}

// postgresBackend is one schema of a private server, emptied each time. Without a
// server's binaries the test is skipped.
func postgresBackend(t *testing.T) fuzz.Backend {
	t.Helper()
	ctx := context.Background()
	pool, err := connect(ctx, pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	pgtest.CloseAfter(t, pool)
	if err := postgres.Migrate(ctx, pool, nil); err != nil {
		t.Fatal(err)
	}
	return fuzz.Backend{Name: "postgres", New: func(string) func() (cl.Store, error) {
		err := truncate(ctx, pool)
		return func() (cl.Store, error) {
			if err != nil {
				return nil, err
			}
			return postgres.Open(ctx, pool, nil)
		}
	}}
}

func connect(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	postgres.Watch(config)
	return pgxpool.NewWithConfig(ctx, config)
}

func truncate(ctx context.Context, pool *pgxpool.Pool) error {
	var tables string
	const list = `SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables WHERE schemaname = 'creditledger' AND tablename <> 'meta'`
	if err := pool.QueryRow(ctx, list).Scan(&tables); err != nil {
		return err
	}
	_, err := pool.Exec(ctx, "TRUNCATE "+tables)
	return err
}

// TestBackendsAgree_Postgres runs the machine on PostgreSQL too, and it holds the same
// bytes as memory and bbolt in the end.
func TestBackendsAgree_Postgres(t *testing.T) {
	b := postgresBackend(t)
	runMachine(t, "backends agree: memory, bolt, postgres", ops(1500, 0.005),
		&fuzz.Machine{Backends: []fuzz.Backend{memoryBackend, boltBackend, b}})
}

// TestHistories_Postgres is TestHistories on PostgreSQL: by one ledger, and by two that
// know nothing of each other.
func TestHistories_Postgres(t *testing.T) {
	count, calls := testsize.Of(1, 2, 7), testsize.Of(300, 800, 5000)
	b := postgresBackend(t)
	for _, c := range []historyCase{
		{name: "postgres", count: count, ledgers: 1},
		{name: "postgres, two ledgers", count: count, ledgers: 2, apart: true},
		{name: "postgres, four ledgers", count: count, ledgers: 4, apart: true},
	} {
		c.backend, c.calls = b, calls
		t.Run(c.name, func(t *testing.T) { playHistories(t, c) })
	}
}

// TestStorms_Postgres is TestStorms on PostgreSQL.
func TestStorms_Postgres(t *testing.T) {
	run := results.Start(t, "storms on postgres: fifty goroutines under one key")
	stormsOn(t, postgresBackend(t), testsize.Of(1, 2, 15), run)
}

// TestFreshAccount_Postgres is TestFreshAccount on PostgreSQL.
func TestFreshAccount_Postgres(t *testing.T) { freshAccounts(t, postgresBackend(t)) }

// TestBank_Postgres is TestBank on PostgreSQL.
func TestBank_Postgres(t *testing.T) {
	run := results.Start(t, "bank on postgres: every reader sees every credit once")
	run.Set("seed", seed(t))
	bankOn(t, postgresBackend(t), time.Duration(testsize.Of(300, 1000, 5000))*time.Millisecond, run)
}

// TestFaultsAtTheSeam_Postgres is TestFaultsAtTheSeam on PostgreSQL, for a few kinds of
// calls unless the proofs run.
func TestFaultsAtTheSeam_Postgres(t *testing.T) {
	b := postgresBackend(t)
	run := results.Start(t, "faults in every store call of every kind of call, on postgres")
	for i, c := range faultCalls() {
		if testsize.Full() || i == 1 || i == 8 {
			faultsIn(t, b, c, run)
		}
	}
}
