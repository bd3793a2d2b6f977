package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/store/postgres"
)

// serve is a transaction of a service: a row of its own and a credit of a customer, together.
type serve func(ctx context.Context, customer int, request string) error

const ownRow = `INSERT INTO served (request, customer) VALUES ($1, $2)`

// byHand is what an application would write: it locks the block from its SELECT to the
// commit, as byLocking does, and writes its own row in the same transaction.
func byHand(pool *pgxpool.Pool) serve {
	return func(ctx context.Context, customer int, request string) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, ownRow, request, pgCustomer(customer)); err != nil {
				return err
			}
			return drawByHand(ctx, tx, pgCustomer(customer), request)
		})
	}
}

// byInTx does the same with the ledger.
func byInTx(pool *pgxpool.Pool, aborted *atomic.Int64) serve {
	op := creditledger.Decrement{Amount: creditledger.AmountOf(1)}
	return func(ctx context.Context, customer int, request string) error {
		runs := 0
		return postgres.InTx(ctx, pool, func(tx pgx.Tx, l *creditledger.Ledger) error {
			if runs++; runs > 1 {
				aborted.Add(1)
			}
			if _, err := tx.Exec(ctx, ownRow, request, pgCustomer(customer)); err != nil {
				return err
			}
			_, err := l.Do(ctx, creditledger.AccountID{Customer: pgCustomer(customer)}, op, creditledger.Key(request))
			return err
		})
	}
}

// byJoin does the same with Join and a loop of its own.
func byJoin(pool *pgxpool.Pool, aborted *atomic.Int64) serve {
	op := creditledger.Decrement{Amount: creditledger.AmountOf(1)}
	return func(ctx context.Context, customer int, request string) error {
		for {
			err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, ownRow, request, pgCustomer(customer)); err != nil {
					return err
				}
				j, err := postgres.Join(ctx, tx, nil)
				if err != nil {
					return err
				}
				_, err = creditledger.New(j, nil).Do(ctx, creditledger.AccountID{Customer: pgCustomer(customer)}, op, creditledger.Key(request))
				return err
			})
			var server *pgconn.PgError
			if !errors.Is(err, creditledger.ErrConflict) && !(errors.As(err, &server) && server.Code[:2] == "40") {
				return err
			}
			aborted.Add(1)
		}
	}
}

// BenchmarkPostgresJoin serves requests of 16 clients, of one customer and of 16: by SQL
// written by hand and by the ledger, in turns of half a second, on one server that waits for
// the disk.
func BenchmarkPostgresJoin(b *testing.B) {
	ctx := context.Background()
	_, pool, l := onPostgres(b)
	const clients, most = 16, 16
	fillPostgres(b, pool, l, 10_000) // many more than are used, so that the planner has the statistics of a server in use
	if _, err := pool.Exec(ctx, "CREATE TABLE served (request text PRIMARY KEY, customer text NOT NULL, at timestamptz NOT NULL DEFAULT now())"); err != nil {
		b.Fatal(err)
	}
	var aborted atomic.Int64
	peers := []struct {
		name  string
		serve serve
	}{{"hand", byHand(pool)}, {"intx", byInTx(pool, &aborted)}, {"join", byJoin(pool, &aborted)}}
	turn := measure.Size(500*time.Millisecond, 20*time.Millisecond)
	var requests atomic.Uint64
	for _, accounts := range []int{1, most} {
		for _, peer := range peers { // prepared statements, warm pages
			serveFor(b, turn/4, clients, accounts, &requests, peer.serve)
		}
		rates := map[string][]float64{}
		for range measure.Size(15, 1) {
			for _, peer := range peers {
				rates[peer.name] = append(rates[peer.name], serveFor(b, turn, clients, accounts, &requests, peer.serve))
			}
		}
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			for _, peer := range peers {
				b.ReportMetric(measure.Median(rates[peer.name]), peer.name+"/s")
				if peer.name != "hand" {
					b.ReportMetric(measure.Median(ratios(rates[peer.name], rates["hand"])), peer.name+":hand")
				}
			}
			b.ReportMetric(float64(aborted.Swap(0)), "aborted")
		})
	}
}

func ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}

// serveFor returns how many requests a second clients serve for a while.
func serveFor(b *testing.B, turn time.Duration, clients, accounts int, requests *atomic.Uint64, serve serve) float64 {
	b.Helper()
	var done atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for client := range clients {
		all.Go(func() {
			for time.Since(begun) < turn {
				n := requests.Add(1)
				if err := serve(context.Background(), client%accounts, fmt.Sprintf("%016x-%08d", scatter(n), n)); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(begun).Seconds()
}
