package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"creditledger/fuzz/testsize"
	"creditledger/store/postgres/pgtest"
)

// onDatabase makes a session's ledger one in a database of its own.
func (s *session) onDatabase() *session {
	s.t.Helper()
	s.db = pgtest.Database(s.t)
	s.must("migrate", "--db", s.db, "--quiet")
	return s
}

// TestSessionsOnPostgres: what people see is the same whether the ledger is a file or
// in a database, apart from what is about files. Each command is one call after another, and
// connects anew: in the small size one session is typed.
func TestSessionsOnPostgres(t *testing.T) {
	paths := []string{"testdata/json.session", "testdata/people.session", "testdata/errors.session"}
	for _, path := range paths[:testsize.Of(1, 3, 3)] {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := withoutFiles(string(text))
			if strings.Count(want, "\n$ ") < 10 {
				t.Fatalf("little is left:\n%s", want)
			}
			got := newSession(t).onDatabase().replay(want)
			for i, line := range strings.Split(want, "\n") {
				if other := strings.Split(got, "\n"); i >= len(other) || other[i] != line {
					t.Fatalf("line %d:\n got %s\nwant %s", i+1, strings.Join(other[min(i, len(other)):min(i+1, len(other))], ""), line)
				}
			}
		})
	}
	t.Run("invoices", func(t *testing.T) { checkInvoices(t, newSession(t).onDatabase()) })
}

// withoutFiles leaves the commands of a session out that name a file, or say that
// there is none.
func withoutFiles(text string) string {
	commands := strings.Split("\n"+text, "\n$ ")
	kept := commands[:1]
	for _, c := range commands[1:] {
		if !strings.Contains(c, "there is no ledger file") && !strings.Contains(c, "--db ") && !strings.HasPrefix(c, "creditledger backup") {
			kept = append(kept, c)
		}
	}
	return strings.TrimPrefix(strings.Join(kept, "\n$ "), "\n")
}

// TestMigrate: it says what it did, and everything else says that it is to be done.
func TestMigrate(t *testing.T) {
	s := newSession(t)
	s.db = pgtest.Database(t)
	for _, args := range [][]string{{"grant", "c", "1"}, {"balance", "c"}, {"verify"}, {"head"}, {"apply", "--db", s.db}, {"copy", "--from", s.db, "--to", s.dir + "/x"}, {"backup", s.dir + "/x"}} {
		if _, stderr, status := s.run(args...); status != statusTrouble || !strings.Contains(stderr, "creditledger migrate does that, with the same --db and --schema") {
			t.Errorf("%v: status %d, %s", args, status, stderr)
		}
	}
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{nil, statusUsage, "invalid --db: it is missing"},
		{[]string{"--db", "credits.db"}, statusUsage, "a ledger file needs no migrate"},
		{[]string{"--db", s.db, "--schema", "No"}, statusUsage, "lower-case letters"},
		{[]string{"--db", s.db, "--buckets", "-1"}, statusUsage, "buckets"},
		{[]string{"--db", s.db}, 0, "Schema creditledger: made, with version 6 and 64 buckets."},
		{[]string{"--db", s.db}, 0, "Schema creditledger: has version 6 already; there was nothing to do."},
		{[]string{"--db", s.db, "--schema", "mine", "--buckets", "1", "--json"}, 0, `{"op":"migrate","schema":"mine","from_version":0,"to_version":6,"buckets":1}`},
		{[]string{"--db", s.db + " schema=third", "--quiet"}, 0, ""},
	} {
		out, stderr, status := s.run(append([]string{"migrate"}, c.args...)...)
		if status != c.status || !strings.Contains(out+stderr, c.says) || c.says == "" && out != "" {
			t.Errorf("%v: status %d, %s%s", c.args, status, out, stderr)
		}
	}
	s.must("grant", "c", "1", "--schema", "third")
	if out := s.must("balance", "c", "--json"); !strings.Contains(out, `"balance":"0"`) {
		t.Errorf("another schema has %s", out)
	}
	s.inDatabase(t, "UPDATE creditledger.meta SET v = '1' WHERE k = 'version'")
	if out := s.must("migrate", "--db", s.db); out != "Schema creditledger: brought from version 1 to 6.\n" {
		t.Error(out)
	}
}

// inDatabase runs a statement in the session's database.
func (s *session) inDatabase(t *testing.T, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// TestCopy moves a ledger from a file to a database and on to another file, brings it
// up to date, and refuses what is no copy.
func TestCopy(t *testing.T) {
	s := newSession(t)
	file := s.db
	s.must("grant", "c", "10", "--block-id", "b", "--key", "k")
	s.must("customer", "set", "c", "--name", "C")
	s.must("purchase", "d", "5", "--cost-basis", "1.00", "--invoice-currency", "USD", "--net-terms", "1", "--auto-collection=true")
	head := s.must("head")
	database := newSession(t).onDatabase().db
	third := filepath.Join(s.dir, "third.db")
	want := "                   IN BOTH  COPIED NOW\n  accounts               2\n  journal records        2           2\n  other records          9           9\n"
	if out := s.must("copy", "--from", file, "--to", database); !strings.HasPrefix(out, want) || !strings.HasSuffix(out, "compared.\n") {
		t.Error(out)
	}
	if out := s.must("copy", "--from", database, "--to", third, "--json"); out != `{"op":"copy","accounts":2,"journal_records":2,"other_records":9,"new_journal_records":2,"new_other_records":9}`+"\n" {
		t.Error(out)
	}
	s.must("spend", "c", "3")
	if out := s.must("copy", "--from", file, "--to", database, "--json"); !strings.Contains(out, `"new_journal_records":1,"new_other_records":0`) {
		t.Error(out)
	}
	if out := s.must("copy", "--from", file, "--to", database, "--quiet"); out != "" {
		t.Error(out)
	}
	since := write(t, s.dir, "head.jsonl", head)
	for _, db := range []string{file, database, third} {
		s.must("verify", "--since", since, "--db", db)
		if out := s.must("grant", "c", "10", "--block-id", "b", "--key", "k", "--db", db); !strings.HasPrefix(out, "Done before under this key") {
			t.Errorf("%s: %s", db, out)
		}
	}
	if a, b := s.must("head"), s.must("head", "--db", database); a != b {
		t.Errorf("heads\n%sand\n%s", a, b)
	}
	s.must("spend", "c", "1", "--db", third)
	for _, c := range []struct {
		from, to string
		status   int
		says     string
	}{
		{third, database, statusRefused, "has another history"},
		{file, file, statusUsage, "are the same ledger"},
		{database, database + " schema=creditledger", statusUsage, "are the same ledger"},
		{file, database + " schema=none", statusTrouble, "creditledger migrate does that"},
		{"nosuch.db", third, statusTrouble, "there is no ledger file nosuch.db; name another with --from"},
		{"", third, statusUsage, "invalid --from: it is empty"},
		{file, "", statusUsage, "invalid --to: it is empty"},
		{file, s.dir, statusTrouble, "is a directory"},
	} {
		if _, stderr, status := s.run("copy", "--from", c.from, "--to", c.to); status != c.status || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("from %s to %s: status %d, %s", c.from, c.to, status, stderr)
		}
	}
}

// TestCopyKilled: a copy whose process is killed, again and again, goes on where it
// stopped and ends with a ledger that is whole.
func TestCopyKilled(t *testing.T) {
	const accounts, each = 400, 5
	s := newSession(t)
	var lines strings.Builder
	for i := range accounts {
		fmt.Fprintf(&lines, `{"op":"customer","id":"c%d"}`+"\n", i)
		for j := range each {
			fmt.Fprintf(&lines, `{"op":"increment","customer_id":"c%d","amount":"1","idempotency_key":"k%d"}`+"\n", i, j)
		}
	}
	s.must("apply", "--db", s.db, write(t, s.dir, "in.jsonl", lines.String()))
	head := s.must("head")
	for _, to := range []string{filepath.Join(s.dir, "copy.db"), newSession(t).onDatabase().db} {
		kills := 0
		for wait := 20 * time.Millisecond; ; wait += wait / 2 {
			cmd := command(t, s.dir, "copy", "--from", s.db, "--to", to, "--json")
			var out, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(wait, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
			err := cmd.Wait()
			timer.Stop()
			if err == nil {
				const parts = 206 // of 256, that the customers fall into: a count each, and the settings with their head
				if want := fmt.Sprintf(`"accounts":%d,"journal_records":%d,"other_records":%d`, accounts, accounts*each, accounts+parts+2); !strings.Contains(out.String(), want) {
					t.Errorf("%s: %s", to, out.String())
				}
				break
			}
			if cmd.ProcessState.ExitCode() != -1 {
				t.Fatalf("%s: not killed, and %v: %s", to, err, stderr.String())
			}
			kills++
		}
		if kills == 0 {
			t.Errorf("%s: never killed", to)
		}
		t.Logf("killed %d times", kills)
		s.must("verify", "--db", to)
		if got := s.must("head", "--db", to); got != head {
			t.Errorf("%s: other heads", to)
		}
	}
}

// countInvoices counts a customer's invoices in a ledger, page by page.
func countInvoices(s *session, customer, db string) int {
	s.t.Helper()
	args, count := []string{"invoice", "list", customer, "--limit", "1000", "--json", "--db", db}, 0
	for next := args; ; {
		var page struct {
			Invoices []json.RawMessage `json:"invoices"`
			Next     string            `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(s.must(next...)), &page); err != nil {
			s.t.Fatal(err)
		}
		if count += len(page.Invoices); page.Next == "" {
			return count
		}
		next = append(slices.Clone(args), "--cursor", page.Next)
	}
}

// TestBackupOfDatabase: a database is backed up into a file, as of one moment, while
// others write; nothing is left of one that fails.
func TestBackupOfDatabase(t *testing.T) {
	s := newSession(t).onDatabase()
	s.must("customer", "set", "c", "--currency", "USD")
	writer := command(t, s.dir, "apply", "--db", s.db)
	in, err := writer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		defer in.Close()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			line := fmt.Sprintf(`{"op":"purchase","customer_id":"c","amount":"1","per_unit_cost_basis":"1.00","block_id":"b%d","idempotency_key":"k%d","invoice_settings":{"auto_collection":true,"net_terms":1,"invoice_id":"i%d"}}`+"\n", i, i, i)
			if _, err := io.WriteString(in, line); err != nil {
				return
			}
			time.Sleep(time.Millisecond) // what is backed up stays small
		}
	}()
	for !strings.Contains(s.must("invoice", "list", "c", "--json"), "i5") { // wait until it is under way
		time.Sleep(time.Millisecond)
	}
	var files []string
	for i := range 3 {
		path := filepath.Join(s.dir, fmt.Sprintf("backup%d.db", i))
		s.must("backup", path)
		files = append(files, path)
	}
	close(stop)
	<-ended
	if err := writer.Wait(); err != nil {
		t.Error(err)
	}
	for _, path := range files {
		s.must("verify", "--db", path)
		blocks := strings.Count(s.must("blocks", "c", "--all", "--json", "--db", path), `"maximum_initial_balance"`)
		invoices := countInvoices(s, "c", path)
		if blocks != invoices {
			t.Errorf("%s has %d blocks that were sold and %d invoices", path, blocks, invoices)
		}
		t.Logf("%d purchases in %s", blocks, filepath.Base(path))
	}
	if _, stderr, status := s.run("backup", files[0]); status != statusUsage {
		t.Errorf("over a file: status %d, %s", status, stderr)
	}
	if _, stderr, status := s.run("backup", filepath.Join(s.dir, "x.db"), "--schema", "none"); status != statusTrouble {
		t.Errorf("no schema: status %d, %s", status, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
