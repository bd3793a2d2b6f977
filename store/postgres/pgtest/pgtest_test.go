package pgtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"creditledger/store/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDatabasesAreApart(t *testing.T) {
	for range 2 {
		conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "CREATE TABLE here (n int)"); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoPort: the server listens on a socket in its folder and on no port, which another
// test, or another server, could be using.
func TestNoPort(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var addresses string
	if err := conn.QueryRow(t.Context(), "SHOW listen_addresses").Scan(&addresses); err != nil || addresses != "" {
		t.Errorf("it listens on %q, %v", addresses, err)
	}
}

func TestCrashAndRemoval(t *testing.T) {
	var dir string
	t.Run("own server", func(t *testing.T) {
		s := pgtest.Start(t, pgtest.Options{Fsync: true})
		dir, _, _ = strings.Cut(strings.TrimPrefix(s.DSN("postgres"), "host="), " ")
		if err := s.Exec(t.Context(), "CREATE TABLE kept AS SELECT 1 AS n"); err != nil {
			t.Fatal(err)
		}
		if err := s.Crash(); err != nil {
			t.Fatal(err)
		}
		if err := s.Launch(); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(t.Context(), "INSERT INTO kept VALUES (2)"); err != nil {
			t.Error(err)
		}
		standby := s.Standby(t, "one", pgtest.Options{})
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := standby.Promote(); err != nil {
			t.Fatal(err)
		}
		if err := standby.Exec(t.Context(), "INSERT INTO kept VALUES (3)"); err != nil {
			t.Error(err)
		}
	})
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); dir != "" && len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(dir); dir != "" && !os.IsNotExist(err) {
		t.Errorf("the folder is left behind: %v", err)
	}
}

func TestWithoutBinaries(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); len(found) > 0 {
		t.Skip("binaries are installed where they are always found")
	}
	t.Setenv("LEDGER_REQUIRE", "")
	skipped := false
	t.Run("skips", func(t *testing.T) {
		t.Cleanup(func() { skipped = t.Skipped() })
		pgtest.Start(t, pgtest.Options{})
	})
	if !skipped {
		t.Error("a test without a server did not skip")
	}
}
