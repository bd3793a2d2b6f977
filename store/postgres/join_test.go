package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

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

// TestJoinRaced moves the account under a transaction that has read it.
func TestJoinRaced(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), isolated("repeatable read"))
	s := openIn(t, pool, nil)
	other := creditledger.New(s, nil)
	grant(t, other, account, "100")
	tx, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	j, err := postgres.Join(ctx, tx, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := creditledger.New(j, nil)
	if _, err := l.Balance(ctx, account, creditledger.BalanceQuery{}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Do(ctx, account, spend(1), ""); err != nil {
		t.Fatal(err)
	}
	_, err = l.Do(ctx, account, spend(10), "")
	if !errors.Is(err, creditledger.ErrPoisoned) && !errors.Is(err, creditledger.ErrConflict) {
		t.Errorf("error %v, want a conflict or a transaction to roll back", err)
	}
	if err := tx.Commit(ctx); err == nil {
		t.Error("the transaction committed")
	}
	if got := balance(t, s, account); got != "99" {
		t.Errorf("balance %s, want 99", got)
	}
}
