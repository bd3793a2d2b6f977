package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"creditledger/store/postgres/pgtest"
)

// TestNoConnectionIsTold: whatever goes wrong, neither output nor errors tell how the
// database is reached, in text and in JSON.
func TestNoConnectionIsTold(t *testing.T) {
	socket, _, _ := strings.Cut(strings.TrimPrefix(pgtest.Database(t), "host="), " ")
	for i, db := range []string{
		"postgres://sekretuser:sekretword@sekrethost.invalid/sekretbase",
		"postgresql://sekretuser:sekretword@/sekretbase?host=" + socket,
		"postgres://postgres:sekretword@/sekretbase?host=" + socket,
		"postgres://postgres:sekretword@/postgres?schema=nosuch&host=" + socket,
		"postgres://sekretuser:sekretword@/sekretbase?host=/sekrethost",
		"postgres://sekretuser:sekretword@127.0.0.1:1/sekretbase",
		"postgres://sekretuser:sekretword@sekrethost:port/sekretbase",
		"postgres://sekretuser:sekret word@sekrethost/sekretbase",
		"host=sekrethost.invalid user=sekretuser password='sekretword' dbname=sekretbase",
		"host=" + socket + " user=postgres password=sekretword dbname=sekretbase",
		"host=sekrethost user=sekretuser port=x dbname=sekretbase password=sekretword",
		"application_name=x password=sekretword host=sekrethost.invalid user=sekretuser dbname=sekretbase",
		"hsot=sekrethost password='sekret\\'word' user=sekretuser dbname=sekretbase host=" + socket,
		"pgsql://sekretuser:sekretword@sekrethost/sekretbase",
		"POSTGRES://sekretuser:sekretword@sekrethost:port/sekretbase",
		"jdbc:postgresql://sekrethost/sekretbase?password=sekretword&user=sekretuser",
		"sekretuser:sekretword@sekrethost/sekretbase",
		"sekretuser:sekretword@localhost",
		"u:sekret/word@localhost",
		":sekretword@localhost",
		"https:sekretuser:sekretword@h",
		"sekretuser/sekretword@sekrethost:1521/sekretbase",
		"sekretuser/sekretword@//sekrethost/sekretbase",
		"sekretuser/sekretword@sekretbase",
		"sekretuser/sekretword@sekrethost.invalid/sekretbase",
		"Server=sekrethost;Port=1;User Id=sekretuser;Password=sekretword;Database=sekretbase",
		"uid=sekretuser;pwd=sekretword;server=sekrethost",
		"Data Source=sekrethost;Password=sekretword",
		"sekretbase?password=sekretword&user=sekretuser",
		"PGPASSWORD=sekretword postgres://sekrethost/sekretbase",
		`{"password":"sekretword"}`,
		"host:sekrethost password:sekretword",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			tellsNothing(t, db, socket, strings.Contains(db, ".invalid"))
		})
	}
}

// TestNoSecretInPaths: what is taken for a file, because of a slash before it, tells no
// secret either, and neither does the directory that it would be in.
func TestNoSecretInPaths(t *testing.T) {
	for _, db := range []string{"//sekretuser:sekretword@h/d", "/sekretuser:sekretword@h/d", "/nosuch/sekretuser:sekretword@h:1/d", "./no/sekretuser:sekretword@h/d", "./no/sekretuser:sekretword@h", "/no/sekretuser/sekretword@h:1521/d", "sekretuser/sekretword@h.example/d", "/no/pwd=sekretword/d"} {
		s := newSession(t)
		for _, args := range [][]string{{"balance", "c", "--db", db}, {"grant", "c", "1", "--db", db}, {"grant", "c", "1", "--json", "--db=" + db}, {"apply", "--db", db}, {"copy", "--from", s.db, "--to", db}, {"backup", db}, {"recover", s.db, db}, {"apply", db}} {
			if args[0] == "copy" || args[0] == "backup" || args[0] == "recover" {
				s.must("grant", "c", "1")
			}
			stdout, stderr, status := s.run(args...)
			if status == 0 || strings.Contains(stdout+stderr, "sekret") {
				t.Errorf("%q: status %d\n%s%s", args, status, stdout, stderr)
			}
		}
	}
}

// tellsNothing runs many lines, or few where each takes long to fail.
func tellsNothing(t *testing.T, db, socket string, few bool) {
	s := newSession(t)
	file := filepath.Join(s.dir, "x.db")
	lines := [][]string{
		{"balance", "c", "--db", db}, {"balance", "c", "--json", "--db", db}, {"grant", "c", "1", "--db", db}, {"invoice", "list", "c", "--db", db},
		{"verify", "--db", db}, {"verify", "--json", "--db", db}, {"head", "--db", db}, {"apply", "--db", db}, {"sweep", "--json", "--db=" + db},
		{"copy", "--from", db, "--to", file}, {"backup", file, "--db", db}, {"migrate", "--db", db, "--schema", "x y"}, {"balance", "c", "--db", db, "--nosuch"},
		// where it does not belong
		{"apply", db}, {"recover", db, file}, {"recover", file, db}, {"backup", db}, {db}, {"verify", "--since", db}, {"customer", db}, {"balance", "c", "--schema", db},
	}
	if !strings.Contains(db, "schema=nosuch") { // where it would work
		lines = append(lines, []string{"migrate", "--db", db}, []string{"migrate", "--json", "--db", db})
	}
	if few {
		lines = lines[:2]
	}
	for _, args := range lines {
		stdout, stderr, status := s.run(args...)
		if status == 0 || stderr == "" {
			t.Errorf("%q: status %d", args, status)
		}
		for _, secret := range []string{"sekretuser", "sekretword", "sekrethost", "sekretbase", socket} {
			if strings.Contains(stdout+stderr, secret) {
				t.Errorf("%q tells %s:\n%s%s", args, secret, stdout, stderr)
			}
		}
	}
	for _, dir := range []string{s.dir, "."} {
		if made, _ := filepath.Glob(filepath.Join(dir, "*sekret*")); len(made) > 0 {
			t.Errorf("files were made: %q", made)
		}
	}
}
