package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// trips counts the round trips over connections: writes that follow an answer.
type trips struct{ count atomic.Int64 }

type countingConn struct {
	net.Conn
	trips    *trips
	answered bool
}

func (c *countingConn) Write(b []byte) (int, error) {
	if c.answered {
		c.trips.count.Add(1)
		c.answered = false
	}
	return c.Conn.Write(b)
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.answered = c.answered || n > 0
	return n, err
}

// counted makes a pool count its round trips.
func (t *trips) counted(c *pgxpool.Config) {
	dial := c.ConnConfig.DialFunc
	c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countingConn{Conn: conn, trips: t}, nil
	}
}

// TestInTxRoundTrips: between BEGIN and COMMIT an operation takes two round trips, one more
// if it makes a block or is the first on its account, whatever the currency. So does the
// first operation on an account in a transaction of the caller's own.
func TestInTxRoundTrips(t *testing.T) {
	ctx := t.Context()
	var n trips
	pool := newPool(t, pgtest.Database(t), func(c *pgxpool.Config) { n.counted(c); c.MaxConns = 1 })
	s := openIn(t, pool, nil)
	l := creditledger.New(s, nil)
	dollars := creditledger.AccountID{Customer: "cus_1", Currency: "USD"}
	key := 0
	do := func(l *creditledger.Ledger, id creditledger.AccountID, op creditledger.Operation) error {
		key++
		_, err := l.Do(ctx, id, op, creditledger.Key(fmt.Sprint("key ", key)))
		return err
	}
	add := creditledger.Increment{Amount: creditledger.AmountOf(100)}
	grant(t, l, account, "100")
	grant(t, l, dollars, "100")
	const endsOfTransaction = 2 // BEGIN and COMMIT
	for _, c := range []struct {
		name string
		want int64
		f    func(l *creditledger.Ledger) error
	}{
		{"nothing", 0, func(*creditledger.Ledger) error { return nil }},
		{"a debit", 2, func(l *creditledger.Ledger) error { return do(l, account, spend(1)) }},
		{"a debit in a real currency", 2, func(l *creditledger.Ledger) error { return do(l, dollars, spend(1)) }},
		{"a grant", 3, func(l *creditledger.Ledger) error { return do(l, account, add) }},
		{"a grant in a real currency", 3, func(l *creditledger.Ledger) error { return do(l, dollars, add) }},
		{"a first grant", 3, func(l *creditledger.Ledger) error {
			return do(l, creditledger.AccountID{Customer: fmt.Sprint("new ", key), Currency: "credits"}, add)
		}},
		{"two debits of an account", 4, func(l *creditledger.Ledger) error {
			return errors.Join(do(l, account, spend(1)), do(l, account, spend(1)))
		}},
		{"debits of two accounts", 4, func(l *creditledger.Ledger) error {
			return errors.Join(do(l, account, spend(1)), do(l, dollars, spend(1)))
		}},
		{"a refusal", 2, func(l *creditledger.Ledger) error {
			err := do(l, account, creditledger.Decrement{Amount: creditledger.AmountOf(1e6), Overdraft: creditledger.OverdraftReject})
			if !errors.Is(err, creditledger.ErrInsufficientCredits) {
				return fmt.Errorf("not refused: %w", err)
			}
			return nil
		}},
	} {
		inTx := func() error {
			return postgres.InTx(ctx, pool, func(_ pgx.Tx, l *creditledger.Ledger) error { return c.f(l) })
		}
		joined := func() error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				j, err := postgres.Join(ctx, tx, nil)
				if err != nil {
					return err
				}
				return c.f(creditledger.New(j, nil))
			})
		}
		for name, run := range map[string]func() error{"InTx": inTx, "Join": joined} {
			if err := run(); err != nil { // statements are prepared
				t.Fatalf("%s: %v", c.name, err)
			}
			before := n.count.Load()
			if err := run(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if got := n.count.Load() - before - endsOfTransaction; got != c.want {
				t.Errorf("%s by %s took %d round trips, want %d", c.name, name, got, c.want)
			}
		}
	}
	verify(t, l)
}

// TestInTxAbortsNothing: when all go through InTx, or through a ledger over the store, no
// transaction is aborted, on one account and on several that are named: the function runs
// once for each call, and what it writes is there as often.
func TestInTxAbortsNothing(t *testing.T) {
	t.Parallel()
	const clients, times = 6, 15
	ctx := t.Context()
	dsn := pgtest.Database(t)
	pool := newPool(t, dsn, func(c *pgxpool.Config) { c.MaxConns = clients })
	s := openIn(t, newPool(t, dsn, nil), nil)
	l := creditledger.New(s, nil)
	other := creditledger.AccountID{Customer: "other", Currency: "credits"}
	for _, id := range []creditledger.AccountID{account, other} {
		grant(t, l, id, "1000")
	}
	if _, err := pool.Exec(ctx, "CREATE TABLE calls (client int, n int, PRIMARY KEY (client, n))"); err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int64
	each(clients+1, func(client int) {
		for n := range times {
			if client == clients { // who knows nothing of the others
				if _, err := l.Do(ctx, account, spend(1), creditledger.Key(fmt.Sprint("do ", n))); err != nil {
					t.Error(err)
				}
				continue
			}
			on := []creditledger.AccountID{account, other}
			opts := postgres.TxOptions{Accounts: on}
			switch client % 3 {
			case 1:
				on[0], on[1] = on[1], on[0]
			case 2:
				on, opts = on[:1], postgres.TxOptions{}
			}
			err := postgres.InTxWith(ctx, pool, opts, func(tx pgx.Tx, l *creditledger.Ledger) error {
				runs.Add(1)
				if _, err := tx.Exec(ctx, "INSERT INTO calls VALUES ($1, $2)", client, n); err != nil {
					return err
				}
				for _, id := range on {
					if _, err := l.Do(ctx, id, spend(1), creditledger.Key(fmt.Sprint(client, " ", n))); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	var rows int
	if err := pool.QueryRow(ctx, "SELECT count(*) FROM calls").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != clients*times || runs.Load() != int64(rows) {
		t.Errorf("%d calls, %d runs, %d rows", clients*times, runs.Load(), rows)
	}
	for id, want := range map[creditledger.AccountID]int{account: 1000 - (clients+1)*times, other: 1000 - clients/3*2*times} {
		if got := balance(t, s, id); got != fmt.Sprint(want) {
			t.Errorf("%v: balance %s, want %d", id, got, want)
		}
	}
	verify(t, l)
}

// TestInTxKeepsOthersAway: from its first operation on an account a transaction keeps away who
// does not queue for it, too.
func TestInTxKeepsOthersAway(t *testing.T) {
	ctx := t.Context()
	dsn := pgtest.Database(t)
	pool := newPool(t, dsn, nil)
	s := openIn(t, newPool(t, dsn, nil), nil)
	l := creditledger.New(s, nil)
	grant(t, l, account, "100")
	runs, others := 0, make(chan error, 1)
	err := postgres.InTx(ctx, pool, func(_ pgx.Tx, joined *creditledger.Ledger) error {
		p, err := joined.Submit(ctx, account, spend(10), "")
		if err != nil {
			return err
		}
		if runs++; runs == 1 {
			go func() { _, err := l.Do(ctx, account, spend(20), ""); others <- err }()
			untilSomeoneWaits(t, pool)
		}
		_, err = p.Wait(ctx)
		return err
	})
	if err := errors.Join(err, <-others); err != nil || runs != 1 {
		t.Errorf("%v after %d runs", err, runs)
	}
	if got := balance(t, s, account); got != "70" {
		t.Errorf("balance %s, want 70", got)
	}
}

// TestInTxEnds: whatever ends the function, nothing of it is left, and its error, its panic
// or its end is the caller's; the connection is good for the next.
func TestInTxEnds(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), func(c *pgxpool.Config) { c.MaxConns = 1 })
	s := openIn(t, pool, nil)
	grant(t, creditledger.New(s, nil), account, "100")
	mine := errors.New("mine")
	debit := func(l *creditledger.Ledger) {
		if _, err := l.Do(ctx, account, spend(1), ""); err != nil {
			t.Error(err)
		}
	}
	over, cancel := context.WithCancel(ctx)
	for name, c := range map[string]struct {
		ctx  context.Context
		f    func(tx pgx.Tx, l *creditledger.Ledger) error
		want error
		says string
	}{
		"its error":      {ctx, func(_ pgx.Tx, l *creditledger.Ledger) error { debit(l); return mine }, mine, "mine"},
		"the end of ctx": {over, func(_ pgx.Tx, l *creditledger.Ledger) error { debit(l); cancel(); return nil }, context.Canceled, "nothing was written"},
		"a failed statement": {ctx, func(tx pgx.Tx, l *creditledger.Ledger) error {
			debit(l)
			_, _ = tx.Exec(ctx, "SELECT 1/0")
			return nil
		}, pgx.ErrTxCommitRollback, "a statement had failed"},
		"a ledger told of it": {ctx, func(tx pgx.Tx, l *creditledger.Ledger) error {
			_, _ = tx.Exec(ctx, "SELECT 1/0")
			_, err := l.Do(ctx, account, spend(1), "")
			if err == nil {
				t.Error("the ledger worked in an aborted transaction")
			}
			return nil
		}, creditledger.ErrPoisoned, "rolled back"},
		"ROLLBACK": {ctx, func(tx pgx.Tx, l *creditledger.Ledger) error {
			debit(l)
			return tx.Rollback(ctx)
		}, creditledger.ErrOutcomeUnknown, "ended the transaction by itself"},
	} {
		err := postgres.InTx(c.ctx, pool, c.f)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v, want %v that says %q", name, err, c.want, c.says)
		}
	}
	for name, end := range map[string]func(){"panic": func() { panic(mine) }, "Goexit": runtime.Goexit} {
		ended := make(chan any, 1)
		go func() {
			defer func() { ended <- recover() }()
			_ = postgres.InTx(ctx, pool, func(_ pgx.Tx, l *creditledger.Ledger) error {
				debit(l)
				end()
				return nil
			})
		}()
		if got := <-ended; (name == "panic") != (got == mine) {
			t.Errorf("%s: recovered %v", name, got)
		}
	}
	if got := balance(t, s, account); got != "100" {
		t.Errorf("balance %s, want 100", got)
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are not given back", n)
	}
}

// TestInTxTakesAlong: what the function submitted and did not wait for is committed.
func TestInTxTakesAlong(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	grant(t, creditledger.New(s, nil), account, "100")
	err := postgres.InTx(ctx, pool, func(_ pgx.Tx, l *creditledger.Ledger) error {
		_, err := l.Submit(ctx, account, spend(1), "")
		return err
	})
	if got := balance(t, s, account); err != nil || got != "99" {
		t.Errorf("%v, balance %s, want 99", err, got)
	}
}

// TestInTxBeginsAgain: after a conflict, of the ledger or of the caller's own statements,
// the function runs again, as often as Attempts says, and the last error tells so.
func TestInTxBeginsAgain(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	grant(t, creditledger.New(s, nil), account, "100")
	for name, conflict := range map[string]error{
		"serialization": &pgconn.PgError{Code: "40001"},
		"deadlock":      fmt.Errorf("mine: %w", &pgconn.PgError{Code: "40P01"}),
		"ledger":        &creditledger.ConflictError{},
	} {
		for _, times := range []int{1, 5} {
			runs := 0
			err := postgres.InTxWith(ctx, pool, postgres.TxOptions{Attempts: 3}, func(_ pgx.Tx, l *creditledger.Ledger) error {
				if _, err := l.Do(ctx, account, spend(1), creditledger.Key(fmt.Sprint(name, times))); err != nil {
					return err
				}
				if runs++; runs <= times {
					return conflict
				}
				return nil
			})
			switch {
			case times == 1 && (err != nil || runs != 2):
				t.Errorf("%s: %v after %d runs", name, err, runs)
			case times == 5 && (!errors.Is(err, creditledger.ErrConflict) || runs != 3 || !strings.Contains(err.Error(), "3 attempts")):
				t.Errorf("%s: %v after %d runs", name, err, runs)
			}
		}
	}
	if got := balance(t, s, account); got != "97" {
		t.Errorf("balance %s, want 97", got)
	}
}

// TestInTxWaits: whose context ends while it waits for an account is told so, and nothing
// is written.
func TestInTxWaits(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	grant(t, creditledger.New(s, nil), account, "100")
	holder, l := joined(t, pool)
	if _, err := l.Do(ctx, account, spend(1), ""); err != nil {
		t.Fatal(err)
	}
	for name, opts := range map[string]postgres.TxOptions{"in an operation": {}, "named": {Accounts: []creditledger.AccountID{{Customer: account.Customer}}}} {
		late, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			ended <- postgres.InTxWith(late, pool, opts, func(_ pgx.Tx, l *creditledger.Ledger) error {
				_, err := l.Do(late, account, spend(10), "")
				return err
			})
		}()
		untilSomeoneWaits(t, pool)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
			t.Errorf("%s: error %v, want one of the context", name, err)
		}
	}
	if err := holder.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if got := balance(t, s, account); got != "99" {
		t.Errorf("balance %s, want 99", got)
	}
}
