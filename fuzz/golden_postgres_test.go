package fuzz_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"creditledger/store"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// TestStoredSchemas: a schema of an older version, as pg_dump wrote it then, is refused
// until it is migrated. Then it holds what it held, proves itself against checkpoints taken
// then, knows the keys of then, and is spent from.
func TestStoredSchemas(t *testing.T) {
	dumps, err := filepath.Glob(filepath.Join(storedFormats, "postgres-*.sql.gz"))
	if err != nil || len(dumps) == 0 {
		t.Fatalf("no stored schemas: %v", err)
	}
	for _, packed := range dumps {
		t.Run(filepath.Base(packed), func(t *testing.T) {
			ctx := context.Background()
			path, file := readStored(t, packed)
			script, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			pool, err := connect(ctx, pgtest.Database(t))
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			conn, err := pool.Acquire(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.Conn().PgConn().Exec(ctx, string(script)).ReadAll()
			_ = conn.Hijack().Close(ctx) // the dump set its search path
			if err != nil {
				t.Fatal(err)
			}
			if s, err := postgres.Open(ctx, pool, nil); err == nil || !strings.Contains(err.Error(), "run Migrate") {
				t.Errorf("before it is migrated: %v, %v", s, err)
			}
			for range 2 { // the second time there is nothing to do
				if err := postgres.Migrate(ctx, pool, nil); err != nil {
					t.Fatal(err)
				}
			}
			open := func() store.Store {
				s, err := postgres.Open(ctx, pool, nil)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			holds(t, open, file)
			erasable(t, open, file)
			goesOn(t, open, file)
		})
	}
}
