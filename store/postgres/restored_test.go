package postgres_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// tables are all that hold accounts.
var tables = []string{"heads", "journal", "keys", "blocks", "block_ids", "open_blocks", "account_rows", "open_rows", "records"}

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

// TestOlderDumpInPlace_Records: a process works on with a record while an older dump is put
// in its place, and another process brings the record to the same version again. What was
// computed from the record that is gone is a conflict that names it, in every way to commit.
func TestOlderDumpInPlace_Records(t *testing.T) {
	id := creditledger.DocumentID{Kind: "invoice", Key: "1"}
	over := func(was creditledger.Document, value string) []creditledger.DocumentPut {
		return []creditledger.DocumentPut{{DocumentID: id, Expect: was.Version, Prev: was.Seal(), Value: []byte(value)}}
	}
	for name, o := range map[string]*postgres.Options{"remembering": nil, "portable": {Portable: true}} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			pool := newPool(t, pgtest.Database(t), nil)
			l := creditledger.New(openIn(t, pool, o), nil)
			put := func(value string) creditledger.Document {
				t.Helper()
				was, err := l.Document(ctx, id)
				if err == nil || errors.Is(err, creditledger.ErrNotFound) {
					err = l.PutDocuments(ctx, over(was, value))
				}
				if err != nil {
					t.Fatal(err)
				}
				is, err := l.Document(ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				return is
			}
			put("draft")
			dump(t, pool)
			gone := put("paid")
			restore(t, pool)
			now := put("void")
			if gone.Version != now.Version {
				t.Fatalf("version %d, and %d before", now.Version, gone.Version)
			}
			refused := func(what string, err error) {
				t.Helper()
				var c *creditledger.ConflictError
				if !errors.As(err, &c) || len(c.Documents) != 1 || c.Documents[0] != id || len(c.Accounts) > 0 {
					t.Errorf("%s: %v", what, err)
				}
			}
			refused("alone", l.PutDocuments(ctx, over(gone, "synced")))
			_, err := l.DoWith(ctx, account, creditledger.Increment{Amount: creditledger.AmountOf(1)}, creditledger.DoOptions{Key: "k", Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) {
				return over(gone, "synced"), nil
			}})
			refused("with an operation", err)
			tx, err := pool.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			joined, err := postgres.Join(ctx, tx, o)
			if err != nil {
				t.Fatal(err)
			}
			refused("joined", joined.Commit(ctx, []creditledger.Change{{Documents: over(gone, "synced")}}))
			if err := tx.Rollback(ctx); err != nil {
				t.Error(err)
			}
			if is, err := l.Document(ctx, id); err != nil || string(is.Value) != "void" || is.Version != now.Version {
				t.Errorf("%+v, %v", is, err)
			}
			put("issued")
		})
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
