package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// TestNotMigrated: a schema that is missing, empty or behind is told apart from other
// trouble, by Open and by Join, and Inspect says how far it is.
func TestNotMigrated(t *testing.T) {
	pool := newPool(t, pgtest.Database(t), nil)
	o := &postgres.Options{Schema: "mine", Buckets: 5}
	state := func(rule string, version, buckets int) {
		t.Helper()
		got, err := postgres.Inspect(t.Context(), pool, o)
		if err != nil || got.Name != "mine" || got.Version != version || got.Buckets != buckets || got.Latest < 2 {
			t.Errorf("%s: %+v, %v", rule, got, err)
		}
		_, err = postgres.Open(t.Context(), pool, o)
		if want := version < got.Latest; errors.Is(err, postgres.ErrNotMigrated) != want || (err == nil) == want {
			t.Errorf("%s: Open: %v", rule, err)
		}
		pool.Reset() // a connection is looked at once
		err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := postgres.Join(t.Context(), tx, o)
			return err
		})
		if want := version < got.Latest; errors.Is(err, postgres.ErrNotMigrated) != want {
			t.Errorf("%s: Join: %v", rule, err)
		}
	}
	run := func(statement string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	state("missing", 0, 0)
	run("CREATE SCHEMA mine")
	state("empty", 0, 0)
	if err := postgres.Migrate(t.Context(), pool, o); err != nil {
		t.Fatal(err)
	}
	latest, err := postgres.Inspect(t.Context(), pool, o)
	if err != nil {
		t.Fatal(err)
	}
	state("migrated", latest.Latest, 5)
	run("UPDATE mine.meta SET v = '1' WHERE k = 'version'")
	state("behind", 1, 5)
	run("UPDATE mine.meta SET v = '999' WHERE k = 'version'")
	if _, err := postgres.Open(t.Context(), pool, o); err == nil || errors.Is(err, postgres.ErrNotMigrated) {
		t.Errorf("a later version: %v", err)
	}
	if _, err := postgres.Inspect(t.Context(), pool, &postgres.Options{Schema: "No Name"}); err == nil {
		t.Error("a name that is none was taken")
	}
}
