package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres/pgtest"
)

// What an application would write by hand: the customer's blocks are locked in
// drawdown order, the first one is drawn, an entry is inserted with the balance after.
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

// body spends one credit of a customer.
type body func(ctx context.Context, customer int, request string) error

func byHand(pool *pgxpool.Pool) body {
	return func(ctx context.Context, customer int, request string) error {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		who := customerName(customer)
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
		if _, err := tx.Exec(ctx, insert, who, block, total, request); err != nil {
			return err
		}
		return tx.Commit(ctx)
	}
}

func byFunction(pool *pgxpool.Pool) body {
	return func(ctx context.Context, customer int, request string) error {
		_, err := pool.Exec(ctx, `SELECT hand_spend($1, 1, $2)`, customerName(customer), request)
		return err
	}
}

func byLedger(l *creditledger.Ledger) body {
	return func(ctx context.Context, customer int, request string) error {
		id := creditledger.AccountID{Customer: customerName(customer), Currency: "credits"}
		_, err := l.Do(ctx, id, spend(1), creditledger.Key(request))
		return err
	}
}

func customerName(i int) string { return fmt.Sprintf("cus_%08d", i) }

// BenchmarkSpend compares the ledger with SQL written by hand, on one server that
// waits for the disk: 64 clients, ten blocks a customer. Run it with -benchtime 1x.
func BenchmarkSpend(b *testing.B) {
	server := pgtest.Start(b, pgtest.Options{Fsync: true, Settings: map[string]string{"shared_buffers": "256MB"}})
	pool := newPool(b, server.DSN("postgres"), func(c *pgxpool.Config) { c.MaxConns = 16 })
	l := creditledger.New(openIn(b, pool, nil), nil)
	const customers = 10_000
	prepareCustomers(b, pool, l, customers)
	for _, shape := range []struct {
		name               string
		clients, customers int
	}{{"1 client, 1 customer", 1, 1}, {"64 clients, 1 customer", 64, 1}, {"64 clients, 10000 customers", 64, customers}} {
		b.Run(shape.name, func(b *testing.B) {
			rate := func(f body) float64 { return measure(b, f, shape.clients, shape.customers) }
			for range b.N {
				hand, function, ledger := rate(byHand(pool)), rate(byFunction(pool)), rate(byLedger(l))
				b.ReportMetric(hand, "hand/s")
				b.ReportMetric(function, "function/s")
				b.ReportMetric(ledger, "ledger/s")
				b.ReportMetric(ledger/hand, "×hand")
				b.ReportMetric(ledger/function, "×function")
			}
		})
	}
}

func prepareCustomers(b *testing.B, pool *pgxpool.Pool, l *creditledger.Ledger, customers int) {
	ctx := context.Background()
	if _, err := pool.Exec(ctx, handWritten); err != nil {
		b.Fatal(err)
	}
	const fill = `INSERT INTO hand_blocks SELECT c * 10 + n, 'cus_' || lpad(c::text, 8, '0'), 1000000, now() + n * interval '1 day'
		FROM generate_series(0, $1 - 1) c, generate_series(0, 9) n`
	if _, err := pool.Exec(ctx, fill, customers); err != nil {
		b.Fatal(err)
	}
	var grants creditledger.Batch
	for n := range 10 {
		grants = append(grants, creditledger.Increment{Amount: creditledger.AmountOf(1_000_000),
			ExpiresAt: creditledger.At(time.Now().Add(time.Duration(n+1) * 24 * time.Hour))})
	}
	each(64, func(client int) {
		for c := client; c < customers; c += 64 {
			id := creditledger.AccountID{Customer: customerName(c), Currency: "credits"}
			if _, err := l.Do(ctx, id, grants, "grant"); err != nil { // a key, so that no table is empty when it is analyzed
				b.Error(err)
			}
		}
	})
	if _, err := pool.Exec(ctx, "VACUUM ANALYZE"); err != nil {
		b.Fatal(err)
	}
}

// measure runs clients for a while and returns operations per second.
func measure(b *testing.B, f body, clients, customers int) float64 {
	const warm, long = 300 * time.Millisecond, 2 * time.Second
	var done atomic.Int64
	var counting, over atomic.Bool
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			run := rand.Uint64()
			for i := 0; !over.Load(); i++ {
				customer := rand.IntN(customers)
				if err := f(context.Background(), customer, fmt.Sprintf("%016x %d %d", run, client, i)); err != nil {
					b.Error(err)
					return
				}
				if counting.Load() {
					done.Add(1)
				}
			}
		})
	}
	time.Sleep(warm)
	counting.Store(true)
	begun := time.Now()
	time.Sleep(long)
	n := done.Load()
	took := time.Since(begun)
	over.Store(true)
	wg.Wait()
	return float64(n) / took.Seconds()
}
