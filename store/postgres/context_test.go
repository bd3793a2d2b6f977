package postgres_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// deafConn delivers nothing while the network stands still: what is written is lost, and
// no answer comes.
type deafConn struct {
	net.Conn
	still *atomic.Bool
}

func (c *deafConn) Write(b []byte) (int, error) {
	if c.still.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// callsThatWait are what may have to wait for the server, with an operation on an account
// of each call's own. Those that write may have been done.
func callsThatWait(l *creditledger.Ledger, s creditledger.Store) map[string]func(ctx context.Context) error {
	id := creditledger.DocumentID{Kind: "k", Key: "locked"}
	return map[string]func(ctx context.Context) error{
		"Do": func(ctx context.Context) error { _, err := l.Do(ctx, account, spend(1), ""); return err },
		"Balance": func(ctx context.Context) error {
			_, err := l.Balance(ctx, account, creditledger.BalanceQuery{})
			return err
		},
		"PutDocuments": func(ctx context.Context) error {
			return l.PutDocuments(ctx, []creditledger.DocumentPut{{DocumentID: id}})
		},
		"PutCustomer": func(ctx context.Context) error {
			_, err := l.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "locked"})
			return err
		},
		"DeleteCustomer": func(ctx context.Context) error { _, err := l.DeleteCustomer(ctx, "there"); return err },
		"Load":           func(ctx context.Context) error { _, err := s.Load(ctx, account, nil); return err },
		"Accounts":       func(ctx context.Context) error { _, err := s.Accounts(ctx, creditledger.AccountID{}, 10); return err },
		"Due": func(ctx context.Context) error {
			_, err := s.Due(ctx, 1<<60, creditledger.DueAccount{}, 10)
			return err
		},
	}
}

// TestCallsEndWithTheirContext: whatever a call waits for, a connection of the pool, a
// lock, or a network that stands still, it returns when its context ends, and says so; a
// write that was sent by then is of unknown outcome, and one that was not is not done.
func TestCallsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	var still atomic.Bool
	waits := map[string]func(t *testing.T, pool, other *pgxpool.Pool) (end func()){
		"for a connection": func(t *testing.T, pool, _ *pgxpool.Pool) func() {
			var taken []*pgxpool.Conn
			for range pool.Config().MaxConns {
				c, err := pool.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				taken = append(taken, c)
			}
			return func() {
				for _, c := range taken {
					c.Release()
				}
			}
		},
		"for a lock": func(t *testing.T, _, other *pgxpool.Pool) func() {
			tx, err := other.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "LOCK TABLE creditledger.heads, creditledger.records IN ACCESS EXCLUSIVE MODE"); err != nil {
				t.Fatal(err)
			}
			return func() { _ = tx.Rollback(context.Background()) }
		},
		"for the network": func(*testing.T, *pgxpool.Pool, *pgxpool.Pool) func() {
			still.Store(true)
			return func() { still.Store(false) }
		},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			dsn := pgtest.Database(t)
			pool := newPool(t, dsn, func(c *pgxpool.Config) {
				dial := c.ConnConfig.DialFunc
				c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dial(ctx, network, address)
					if err != nil {
						return nil, err
					}
					return &deafConn{conn, &still}, nil
				}
			})
			s := openIn(t, pool, &postgres.Options{Patience: 2 * time.Second})
			l := creditledger.New(s, nil)
			grant(t, l, account, "100")
			if _, err := l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: "there"}); err != nil {
				t.Fatal(err)
			}
			for call, f := range callsThatWait(l, s) {
				end := wait(t, pool, newPool(t, dsn, nil))
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				begun := time.Now()
				err := f(ctx)
				if took := time.Since(begun); took > time.Minute {
					t.Errorf("%s took %v", call, took)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: error %v, want one of the context", call, err)
				}
				if name == "for a connection" && call != "Do" && errors.Is(err, creditledger.ErrOutcomeUnknown) {
					t.Errorf("%s: nothing was sent, and the outcome is unknown: %v", call, err)
				}
				cancel()
				end()
			}
			verify(t, l)
		})
	}
}
