package postgres_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// tables are all that hold accounts.
var tables = []string{"heads", "journal", "keys", "blocks", "block_ids", "open_blocks", "records"}

// dump copies the ledger's tables aside; restore puts the copy in their place.
func dump(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, name := range tables {
		if _, err := pool.Exec(t.Context(), fmt.Sprintf("CREATE TABLE public.%s AS SELECT * FROM creditledger.%s", name, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func restore(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, name := range tables {
		if _, err := pool.Exec(t.Context(), fmt.Sprintf("DELETE FROM creditledger.%s", name)); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(t.Context(), fmt.Sprintf("INSERT INTO creditledger.%s SELECT * FROM public.%s", name, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOlderDumpInPlace: a process works on while an older dump is put in the place of
// what it has seen, and another process brings the account to the same version again.
// What it decided on the history that is gone is not acknowledged.
func TestOlderDumpInPlace(t *testing.T) {
	for name, o := range map[string]*postgres.Options{"remembering": nil, "without memory": {CacheBytes: 1}, "portable": {Portable: true}} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			dsn := pgtest.Database(t)
			pool := newPool(t, dsn, nil)
			one := creditledger.New(openIn(t, pool, o), nil)
			two := creditledger.New(reopen(t, newPool(t, dsn, nil), o), nil)
			grant(t, one, account, "1000")
			dump(t, pool)
			for range 3 {
				if _, err := one.Do(ctx, account, spend(1), ""); err != nil {
					t.Fatal(err)
				}
			}
			restore(t, pool)
			for range 3 {
				if _, err := two.Do(ctx, account, spend(100), ""); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := one.Balance(ctx, account, creditledger.BalanceQuery{}); err != nil || got.Total.String() != "700" {
				t.Errorf("after three of the other: balance %v, %v, want 700", got, err)
			}
			restore(t, pool)
			for range 3 {
				if _, err := two.Do(ctx, account, spend(10), ""); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := one.Do(ctx, account, spend(1), ""); err != nil {
				t.Error(err)
			}
			if got := balance(t, reopen(t, pool, o), account); got != "969" {
				t.Errorf("balance %s after 3 × 10 and 1 of 1000, want 969", got)
			}
			verify(t, one)
		})
	}
}
