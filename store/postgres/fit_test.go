package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// unfit makes sure that an error is typed and says what to do.
func unfit(t *testing.T, what string, err error, says string) {
	t.Helper()
	if !errors.Is(err, postgres.ErrUnfit) || errors.Is(err, postgres.ErrNotMigrated) || !strings.Contains(fmt.Sprint(err), says) {
		t.Errorf("%s: %v, want an error that matches ErrUnfit and says %q", what, err, says)
	}
}

// TestUnfitDatabases: a database that cannot hold every text is refused by Migrate, one
// that does not sort text by bytes by Open and Join.
func TestUnfitDatabases(t *testing.T) {
	ctx := t.Context()
	server := pgtest.Shared(t)
	create := func(name, how string) *pgxpool.Pool {
		t.Helper()
		if err := server.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 "+how); err != nil {
			t.Fatal(err)
		}
		return newPool(t, server.DSN(name), nil)
	}
	latin := create("latin_1", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
	for _, portable := range []bool{false, true} {
		unfit(t, "LATIN1", postgres.Migrate(ctx, latin, &postgres.Options{Portable: portable}), "ENCODING 'UTF8'")
	}
	human := create("human", "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en' LC_COLLATE 'C' LC_CTYPE 'C'")
	openIn(t, human, &postgres.Options{Schema: "bytes"})
	o := &postgres.Options{Schema: "words", Portable: true}
	if err := postgres.Migrate(ctx, human, o); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.Open(ctx, human, o)
	unfit(t, "sorted by words", err, "LC_COLLATE 'C'")
	_, err = postgres.Open(ctx, human, &postgres.Options{Schema: "words"})
	unfit(t, "sorted by words, not opened as portable", err, "LC_COLLATE 'C'")
	err = pgx.BeginFunc(ctx, human, func(tx pgx.Tx) error {
		_, err := postgres.Join(ctx, tx, o)
		return err
	})
	unfit(t, "sorted by words, joined", err, "LC_COLLATE 'C'")
}

// TestChangedSettings: what would make accounts vanish is found when the ledger is
// opened, and so is text that went through another encoding.
func TestChangedSettings(t *testing.T) {
	ctx := t.Context()
	dsn := pgtest.Database(t)
	pool := newPool(t, dsn, nil)
	for name, c := range map[string]struct {
		change string
		opts   postgres.Options
		says   string
	}{
		"the number of buckets":          {"UPDATE creditledger.meta SET v = '63' WHERE k = 'buckets'", postgres.Options{}, "restore them as they were"},
		"one bucket":                     {"UPDATE creditledger.meta SET v = '1' WHERE k = 'buckets'", postgres.Options{}, "restore them as they were"},
		"the buckets of the accounts":    {"UPDATE creditledger.heads SET bucket = bucket + 1", postgres.Options{}, "restore them as they were"},
		"the bucket of the last account": {"UPDATE creditledger.heads SET bucket = 999 WHERE bucket = (SELECT max(bucket) FROM creditledger.heads)", postgres.Options{}, "restore them as they were"},
		"the names of the accounts":      {"UPDATE creditledger.heads SET customer = convert_from(convert_to(customer, 'UTF8'), 'LATIN1')", postgres.Options{}, "restore them as they were"},
		"the encoding of all text":       {"UPDATE creditledger.meta SET v = convert_from(convert_to(v, 'UTF8'), 'LATIN1') WHERE k = 'text'", postgres.Options{}, "client_encoding"},
		"the options":                    {"", postgres.Options{Buckets: 63}, "leave it out"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := pool.Exec(ctx, "DROP SCHEMA IF EXISTS creditledger CASCADE"); err != nil {
				t.Fatal(err)
			}
			l := creditledger.New(openIn(t, pool, nil), nil)
			for i := range 5 {
				grant(t, l, creditledger.AccountID{Customer: fmt.Sprint("é", i), Currency: "credits"}, "1")
			}
			if c.change != "" {
				if tag, err := pool.Exec(ctx, c.change); err != nil || tag.RowsAffected() == 0 {
					t.Fatal(tag, err)
				}
			}
			_, err := postgres.Open(ctx, pool, &c.opts)
			unfit(t, "Open", err, c.says)
			err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				_, err := postgres.Join(ctx, tx, &c.opts)
				return err
			})
			unfit(t, "Join", err, c.says)
		})
	}
}

// TestReadOnlyDatabase: a database that takes no writes is said to be one after a few
// connections, not after all the patience for a failover, and is read all the same.
func TestReadOnlyDatabase(t *testing.T) {
	dsn := pgtest.Database(t)
	grant(t, creditledger.New(openIn(t, newPool(t, dsn, nil), nil), nil), account, "10")
	pool := newPool(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on" })
	s := reopen(t, pool, nil)
	before := pool.Stat().NewConnsCount()
	_, err := creditledger.New(s, nil).Do(t.Context(), account, spend(1), "")
	if !errors.Is(err, creditledger.ErrReadOnly) || !strings.Contains(err.Error(), "target_session_attrs") {
		t.Errorf("error %v, want read-only", err)
	}
	if made := pool.Stat().NewConnsCount() - before; made > 12 {
		t.Errorf("after %d connections", made)
	}
	if got := balance(t, s, account); got != "10" {
		t.Errorf("balance %s", got)
	}
}

// TestConnectionToAnotherLedger: when new connections of a pool lead elsewhere, to a
// database with the same schema, nothing is written there of what was decided here.
func TestConnectionToAnotherLedger(t *testing.T) {
	ctx := t.Context()
	here, there := pgtest.Database(t), pgtest.Database(t)
	openIn(t, newPool(t, there, nil), nil)
	elsewhere, err := pgx.ParseConfig(there)
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	pool := newPool(t, here, func(c *pgxpool.Config) {
		c.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			if away.Load() {
				c.Database = elsewhere.Database
			}
			return nil
		}
	})
	l := creditledger.New(openIn(t, pool, nil), nil)
	grant(t, l, account, "10")
	away.Store(true)
	pool.Reset()
	_, err = l.Do(ctx, creditledger.AccountID{Customer: "new"}, creditledger.Increment{Amount: creditledger.AmountOf(1)}, "")
	unfit(t, "a commit", err, "another ledger")
	away.Store(false)
	pool.Reset()
	grant(t, l, account, "10")
}
