package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
	"creditledger/store/storetest"
)

func TestJoinedStore(t *testing.T) {
	pool := newPool(t, pgtest.Database(t), nil)
	if err := postgres.Migrate(t.Context(), pool, nil); err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T) creditledger.Store {
		tx, err := pool.Begin(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := tx.Rollback(context.Background()); err != nil {
				t.Error(err)
			}
		})
		j, err := postgres.Join(t.Context(), tx, nil)
		if err != nil {
			t.Fatal(err)
		}
		return j
	})
}

// TestJoin spends credits and writes the caller's own row together.
func TestJoin(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	grant(t, creditledger.New(s, nil), account, "100")
	if _, err := pool.Exec(ctx, "CREATE TABLE calls (n int)"); err != nil {
		t.Fatal(err)
	}
	buy := func(tx pgx.Tx) (*creditledger.Ledger, error) {
		if _, err := tx.Exec(ctx, "INSERT INTO calls VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		j, err := postgres.Join(ctx, tx, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := creditledger.New(j, nil)
		_, err = l.Do(ctx, account, spend(10), "")
		return l, err
	}
	state := func() (calls int, total string) {
		if err := pool.QueryRow(ctx, "SELECT count(*) FROM calls").Scan(&calls); err != nil {
			t.Fatal(err)
		}
		return calls, balance(t, s, account)
	}
	for i, commit := range []bool{false, true} {
		tx, err := pool.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l, err := buy(tx)
		if err != nil {
			t.Fatal(err)
		}
		if calls, total := state(); calls != 0 || total != "100" {
			t.Errorf("before the end others see %d calls and %s", calls, total)
		}
		if commit {
			err = tx.Commit(ctx)
		} else {
			err = tx.Rollback(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Do(ctx, account, spend(1), ""); !errors.Is(err, creditledger.ErrClosed) {
			t.Errorf("after the transaction: %v", err)
		}
		if calls, total := state(); calls != i || total != map[int]string{0: "100", 1: "90"}[i] {
			t.Errorf("commit %t: %d calls and %s", commit, calls, total)
		}
	}
}

// joined begins a transaction and a ledger in it.
func joined(t *testing.T, pool *pgxpool.Pool) (pgx.Tx, *creditledger.Ledger) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j, err := postgres.Join(t.Context(), tx, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tx, creditledger.New(j, nil)
}

// lost makes sure that an error tells a retry loop to begin again.
func lost(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, creditledger.ErrConflict) || errors.Is(err, creditledger.ErrPoisoned) {
		t.Errorf("%s: error %v, want a conflict", what, err)
	} else if !strings.Contains(err.Error(), "roll this one back and begin again") {
		t.Errorf("%s: %v does not say what to do", what, err)
	}
}

var levels = []string{"read committed", "repeatable read", "serializable"}

// TestJoinRaced loses a race at every level of isolation, on an account that is changed
// and on one that is new, before the transaction asks and while it waits. At READ COMMITTED
// it goes on with what the other one left; at the others every error from then on matches
// ErrConflict and says what to do.
func TestJoinRaced(t *testing.T) {
	t.Parallel()
	for _, level := range levels {
		for _, account := range []creditledger.AccountID{account, {Customer: "new", Currency: "credits"}} {
			for _, waits := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, waits %t", level, account.Customer, waits), func(t *testing.T) {
					race(t, level, account, waits)
				})
			}
		}
	}
}

func race(t *testing.T, level string, id creditledger.AccountID, waits bool) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), isolated(level))
	s := openIn(t, pool, nil)
	grant(t, creditledger.New(s, nil), account, "100")
	add := creditledger.Increment{Amount: creditledger.AmountOf(1)}
	late, l := joined(t, pool)
	defer func() { _ = late.Rollback(ctx) }()
	if _, err := l.Balance(ctx, id, creditledger.BalanceQuery{}); err != nil {
		t.Fatal(err)
	}
	fast, other := joined(t, pool)
	defer func() { _ = fast.Rollback(ctx) }()
	if _, err := other.Do(ctx, id, add, ""); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	begin := func() { _, err := l.Do(ctx, id, add, ""); answer <- err }
	if waits {
		go begin()
		untilSomeoneWaits(t, pool)
	}
	if err := fast.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if !waits {
		go begin()
	}
	err := <-answer
	want := 1
	if id == account {
		want = 101
	}
	if level == levels[0] {
		if err := errors.Join(err, late.Commit(ctx)); err != nil {
			t.Error(err)
		}
		if got := balance(t, s, id); got != fmt.Sprint(want+1) {
			t.Errorf("balance %s, want %d", got, want+1)
		}
		return
	}
	lost(t, "the operation", err)
	_, err = l.Do(ctx, id, add, "")
	lost(t, "the next operation", err)
	_, err = l.Balance(ctx, id, creditledger.BalanceQuery{})
	lost(t, "the next read", err)
	if err := late.Commit(ctx); err == nil {
		t.Error("the transaction committed")
	}
	if got := balance(t, s, id); got != fmt.Sprint(want) {
		t.Errorf("balance %s, want %d", got, want)
	}
}

// untilSomeoneWaits returns when a transaction waits for a lock.
func untilSomeoneWaits(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for range 1000 {
		var waiting int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nobody waits")
}

// TestJoinDeadlock: two transactions take two accounts in opposite orders.
func TestJoinDeadlock(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["deadlock_timeout"] = "50ms" })
	s := openIn(t, pool, nil)
	ids := []creditledger.AccountID{account, {Customer: "other", Currency: "credits"}}
	for _, id := range ids {
		grant(t, creditledger.New(s, nil), id, "100")
	}
	one, first := joined(t, pool)
	two, second := joined(t, pool)
	for i, l := range []*creditledger.Ledger{first, second} {
		if _, err := l.Do(ctx, ids[i], spend(1), ""); err != nil {
			t.Fatal(err)
		}
	}
	answer := make(chan error, 1)
	go func() {
		_, err := first.Do(ctx, ids[1], spend(1), "")
		answer <- errors.Join(err, one.Rollback(ctx))
	}()
	_, err := second.Do(ctx, ids[0], spend(1), "")
	if errors.Join(two.Rollback(ctx)) != nil {
		t.Error("the second cannot be rolled back")
	}
	for _, err := range []error{err, <-answer} {
		if err != nil {
			lost(t, "the victim", err)
			return
		}
	}
	t.Error("nobody was the victim of the deadlock")
}

// TestJoinRetryLoop: what docs/postgres.md tells callers to do spends every credit once,
// whoever loses how often.
func TestJoinRetryLoop(t *testing.T) {
	t.Parallel()
	const clients, times = 4, 15
	for _, level := range levels {
		t.Run(level, func(t *testing.T) {
			ctx := t.Context()
			pool := newPool(t, pgtest.Database(t), func(c *pgxpool.Config) { isolated(level)(c); c.MaxConns = clients + 1 })
			s := openIn(t, pool, nil)
			grant(t, creditledger.New(s, nil), account, "1000")
			var again atomic.Int64
			each(clients, func(int) {
				for n := 0; n < times; {
					tx, l := joined(t, pool)
					_, err := l.Do(ctx, account, spend(1), "")
					if err == nil {
						err = tx.Commit(ctx)
					} else {
						_ = tx.Rollback(ctx)
						if !errors.Is(err, creditledger.ErrConflict) {
							t.Error(err)
							return
						}
					}
					if err == nil {
						n++
					} else {
						again.Add(1)
					}
				}
			})
			if got, want := balance(t, s, account), fmt.Sprint(1000-clients*times); got != want {
				t.Errorf("balance %s, want %s", got, want)
			}
			verify(t, creditledger.New(s, nil))
			t.Logf("%d were begun again", again.Load())
		})
	}
}

// TestJoinedSavepoint: a savepoint that is rolled back takes back what a ledger over the
// whole transaction did since, and the ledger goes on with what is left.
func TestJoinedSavepoint(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	grant(t, creditledger.New(s, nil), account, "100")
	err := postgres.InTx(ctx, pool, func(tx pgx.Tx, l *creditledger.Ledger) error {
		do := func(credits int64) error {
			_, err := l.Do(ctx, account, spend(credits), creditledger.Key(fmt.Sprint(credits)))
			return err
		}
		if err := do(10); err != nil {
			return err
		}
		inner, err := tx.Begin(ctx)
		if err == nil {
			err = errors.Join(do(20), do(30), inner.Rollback(ctx))
		}
		return errors.Join(err, do(5), do(30))
	})
	if got := balance(t, s, account); err != nil || got != "55" {
		t.Errorf("%v, balance %s, want 55", err, got)
	}
	verify(t, creditledger.New(s, nil))
}

// TestJoinedCallIsOver: an operation whose context ends while its transaction waits for a
// lock is over when Do returns, and with it every use of the transaction, which the
// caller rolls back at once. The race detector watches.
func TestJoinedCallIsOver(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	grant(t, creditledger.New(s, nil), account, "100")
	holder, l := joined(t, pool)
	if _, err := l.Do(ctx, account, spend(1), ""); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		tx, l := joined(t, pool)
		short, cancel := context.WithTimeout(ctx, time.Duration(5+3*i)*time.Millisecond)
		begun := time.Now()
		_, err := l.Do(short, account, spend(50), "")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want one of the context", err)
		}
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("it took %v", took)
		}
		cancel()
		_ = tx.Rollback(ctx)
		if _, err := l.Do(ctx, account, spend(50), ""); err == nil {
			t.Error("the transaction went on")
		}
	}
	if err := holder.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if got := balance(t, s, account); got != "99" {
		t.Errorf("balance %s, want 99", got)
	}
}
