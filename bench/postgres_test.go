package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// What an application would write by hand: a customer's blocks are drawn in the order of
// their expiry, and an entry says what was drawn and what is left. Of the ledger's other
// rules it knows one: a request is carried out once.
const handWritten = `
CREATE TABLE hand_blocks (id bigint PRIMARY KEY, customer text NOT NULL, remaining numeric NOT NULL, expires_at timestamptz NOT NULL);
CREATE INDEX ON hand_blocks (customer, expires_at);
CREATE TABLE hand_entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer text NOT NULL, block bigint NOT NULL,
	amount numeric NOT NULL, balance numeric NOT NULL, request text NOT NULL, at timestamptz NOT NULL DEFAULT now(), UNIQUE (customer, request));
CREATE FUNCTION hand_spend(who text, wanted numeric, req text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE b record; total numeric;
BEGIN
	SELECT id, remaining INTO b FROM hand_blocks WHERE customer = who AND remaining >= wanted ORDER BY expires_at, id LIMIT 1 FOR UPDATE;
	UPDATE hand_blocks SET remaining = remaining - wanted WHERE id = b.id;
	SELECT sum(remaining) INTO total FROM hand_blocks WHERE customer = who;
	INSERT INTO hand_entries (customer, block, amount, balance, request) VALUES (who, b.id, wanted, total, req);
	RETURN total;
END $$;`

// spender spends one credit of a customer under a request's key.
type spender func(ctx context.Context, customer int, request string) error

// byLocking holds the block from its SELECT to the commit.
func byLocking(pool *pgxpool.Pool) spender {
	return func(ctx context.Context, customer int, request string) error {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		if err := drawByHand(ctx, tx, pgCustomer(customer), request); err != nil {
			return err
		}
		return tx.Commit(ctx)
	}
}

func drawByHand(ctx context.Context, tx pgx.Tx, who, request string) error {
	var block int64
	const lock = `SELECT id FROM hand_blocks WHERE customer = $1 AND remaining >= 1 ORDER BY expires_at, id LIMIT 1 FOR UPDATE`
	if err := tx.QueryRow(ctx, lock, who).Scan(&block); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE hand_blocks SET remaining = remaining - 1 WHERE id = $1`, block); err != nil {
		return err
	}
	var total string
	if err := tx.QueryRow(ctx, `SELECT sum(remaining)::text FROM hand_blocks WHERE customer = $1`, who).Scan(&total); err != nil {
		return err
	}
	const insert = `INSERT INTO hand_entries (customer, block, amount, balance, request) VALUES ($1, $2, 1, $3::numeric, $4)`
	_, err := tx.Exec(ctx, insert, who, block, total, request)
	return err
}

// byFunction does the same inside the server.
func byFunction(pool *pgxpool.Pool) spender {
	return func(ctx context.Context, customer int, request string) error {
		_, err := pool.Exec(ctx, `SELECT hand_spend($1, 1, $2)`, pgCustomer(customer), request)
		return err
	}
}

// byStatement is the cheapest form: one statement that commits by itself.
func byStatement(pool *pgxpool.Pool) spender {
	const statement = `WITH drawn AS (
		UPDATE hand_blocks SET remaining = remaining - 1
		WHERE id = (SELECT id FROM hand_blocks WHERE customer = $1 AND remaining >= 1 ORDER BY expires_at, id LIMIT 1) AND remaining >= 1
		RETURNING id)
	INSERT INTO hand_entries (customer, block, amount, balance, request)
	SELECT $1, id, 1, (SELECT sum(remaining) FROM hand_blocks WHERE customer = $1) - 1, $2 FROM drawn`
	return func(ctx context.Context, customer int, request string) error {
		tag, err := pool.Exec(ctx, statement, pgCustomer(customer), request)
		if err == nil && tag.RowsAffected() != 1 {
			err = fmt.Errorf("%d entries written", tag.RowsAffected())
		}
		return err
	}
}

func byLedger(l *creditledger.Ledger) spender {
	op := creditledger.Decrement{Amount: creditledger.AmountOf(1)}
	return func(ctx context.Context, customer int, request string) error {
		_, err := l.Do(ctx, creditledger.AccountID{Customer: pgCustomer(customer)}, op, creditledger.Key(request))
		return err
	}
}

func pgCustomer(i int) string { return fmt.Sprintf("customer-%05d", i) }

// onPostgres is a ledger on a server of its own, which waits for the disk, with the
// connection of that server for the peers.
func onPostgres(b *testing.B) (dsn string, pool *pgxpool.Pool, l *creditledger.Ledger) {
	server := pgtest.Start(b, pgtest.Options{Fsync: true, Settings: map[string]string{"shared_buffers": "256MB", "max_connections": "200"}})
	dsn = server.DSN("postgres")
	ctx := context.Background()
	pool, err := connect(ctx, dsn, 16)
	if err != nil {
		b.Fatal(err)
	}
	pgtest.CloseAfter(b, pool)
	if err := postgres.Migrate(ctx, pool, nil); err != nil {
		b.Fatal(err)
	}
	store, err := postgres.Open(ctx, pool, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	l = creditledger.New(store, nil)
	b.Cleanup(func() { _ = l.Close() })
	return dsn, pool, l
}

// connect is a pool as a service would have it, of so many connections.
func connect(ctx context.Context, dsn string, most int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = most
	postgres.Watch(config)
	return pgxpool.NewWithConfig(ctx, config)
}

// BenchmarkPostgresHistory spends from accounts of different age, by turns.
func BenchmarkPostgresHistory(b *testing.B) {
	_, _, l := onPostgres(b)
	ages := measure.Size([]int{1_000, 100_000, 1_000_000}, []int{100, 200})
	ids := grant(b, l, len(ages))
	subjects := make([]measure.Subject, len(ages))
	for i, age := range ages {
		spend(b, l, ids[i:i+1], age-blocksEach, nil)
		var next int
		subjects[i] = measure.Subject{Name: fmt.Sprintf("history=%d", age), Do: func() error {
			next++
			_, err := l.Do(context.Background(), ids[i], one, creditledger.Key(fmt.Sprintf("request-%d", next)))
			return err
		}}
	}
	turns := measure.Size(1_000, 5)
	b.Run("op=decrement", func(b *testing.B) { measure.Alternate(b, turns, 1, subjects) })
}

// BenchmarkPostgres spends one credit of ten blocks under a key, on one server that waits
// for the disk: by the ledger, and by SQL written by hand in three forms. All share the
// pool. Those that do the same amount of work run one right after the other: compare these.
func BenchmarkPostgres(b *testing.B) {
	ctx := context.Background()
	_, pool, l := onPostgres(b)
	const customers = 10_000
	fillPostgres(b, pool, l, customers)
	peers := []struct {
		name  string
		spend spender
	}{{"lock", byLocking(pool)}, {"function", byFunction(pool)}, {"statement", byStatement(pool)}, {"ledger", byLedger(l)}}
	var requests atomic.Uint64
	for _, shape := range []struct{ accounts, writers int }{{1, 1}, {1, 64}, {customers, 64}} {
		for _, peer := range peers {
			b.Run(fmt.Sprintf("accounts=%d/writers=%d/by=%s", shape.accounts, shape.writers, peer.name), func(b *testing.B) {
				b.ReportAllocs()
				var next atomic.Int64
				var all sync.WaitGroup
				b.ResetTimer()
				for range shape.writers {
					all.Go(func() {
						for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
							n := requests.Add(1)
							request := fmt.Sprintf("%016x-%08d", scatter(n), n)
							if err := peer.spend(ctx, int(scatter(uint64(i))%uint64(shape.accounts)), request); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}

// fillPostgres gives every customer ten blocks, in the ledger and in the tables by
// hand, and leaves the server with statistics.
func fillPostgres(b *testing.B, pool *pgxpool.Pool, l *creditledger.Ledger, customers int) {
	b.Helper()
	ctx := context.Background()
	const fill = `INSERT INTO hand_blocks SELECT c * 10 + n, 'customer-' || lpad(c::text, 5, '0'), 1000000000000, now() + n * interval '1 day'
		FROM generate_series(0, $1 - 1) c, generate_series(0, 9) n`
	if _, err := pool.Exec(ctx, handWritten); err != nil {
		b.Fatal(err)
	}
	if _, err := pool.Exec(ctx, fill, customers); err != nil {
		b.Fatal(err)
	}
	grants := make(creditledger.Batch, 10)
	for i := range grants {
		grants[i] = creditledger.Increment{Amount: creditledger.MustAmount("1e12"), ExpiresAt: creditledger.At(time.Now().AddDate(0, 0, i+1))}
	}
	pending := make([]*creditledger.Pending, customers)
	var err error
	for i := range pending { // under keys, so that no table is empty when it is analyzed
		if pending[i], err = l.Submit(ctx, creditledger.AccountID{Customer: pgCustomer(i)}, grants, "grant"); err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := pool.Exec(ctx, "VACUUM ANALYZE"); err != nil {
		b.Fatal(err)
	}
}
