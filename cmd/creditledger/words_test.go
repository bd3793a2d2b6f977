package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFailOnError: every line is carried out, and the status tells that one was refused;
// whatever else is wrong has its own status. It does not go with --stop-on-error, which
// carries out no line behind the first refusal.
func TestFailOnError(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		input  string
		status int
	}{
		{grant + spend, 0},
		{grant + refused + spend, statusSomeRefused},
		{grant + "x\n" + refused, statusUsage},
	} {
		s := newSession(t)
		out, stderr, status := s.run("apply", "--fail-on-error", write(t, dir, "in.jsonl", c.input))
		if status != c.status || stderr != "" || strings.Count(out, "\n") != strings.Count(c.input, "\n") {
			t.Errorf("%q: status %d, %s%s", c.input, status, out, stderr)
		}
	}
	s := newSession(t)
	in := write(t, dir, "in.jsonl", grant+refused+spend)
	if out, stderr, status := s.run("apply", "--fail-on-error", "--stop-on-error", in); status != statusUsage || out != "" || !strings.Contains(stderr, "--stop-on-error") {
		t.Errorf("both flags: status %d, %s%s", status, out, stderr)
	}
	if out, _, status := s.run("apply", "--stop-on-error", in); status != statusRefused || strings.Count(out, "\n") != 2 {
		t.Errorf("stopped: status %d, %s", status, out)
	}
}

// TestGroupAccess: a ledger that the group of its file may open is refused, with the way
// out, and opened by whoever takes it.
func TestGroupAccess(t *testing.T) {
	s := newSession(t)
	s.must("grant", "c", "10")
	if err := os.Chmod(s.db, 0o660); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(s.dir, "copy.db")
	for _, args := range [][]string{{"balance", "c"}, {"spend", "c", "1"}, {"verify"}, {"copy", "--from", s.db, "--to", to}, {"backup", filepath.Join(s.dir, "b.db")}, {"apply", "--db", s.db}} {
		if _, stderr, status := s.run(args...); status != statusTrouble || !strings.Contains(stderr, "or let its group in with --group-access") {
			t.Errorf("%v: status %d, %s", args, status, stderr)
		}
		s.must(append(args, "--group-access")...)
	}
	if err := os.Chmod(s.db, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"--group-access"}} {
		if _, stderr, status := s.run(append([]string{"balance", "c"}, more...)...); status != statusTrouble || strings.Contains(stderr, "let its group") {
			t.Errorf("open to all: status %d, %s", status, stderr)
		}
	}
	junk := write(t, s.dir, "junk", strings.Repeat("no ledger ", 1000))
	if err := os.Chmod(junk, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, _ := s.run("balance", "c", "--db", junk); strings.Contains(stderr, "chmod") || strings.Contains(stderr, "group") {
		t.Errorf("of a file that is no ledger: %s", stderr)
	}
}

// TestErrorsNameFilesThatPeopleKnow: a file that has a temporary name while it is made
// is called by the name it is to have.
func TestErrorsNameFilesThatPeopleKnow(t *testing.T) {
	s := newSession(t)
	s.must("grant", "c", "10")
	nowhere := filepath.Join(s.dir, "no", "such.db")
	for _, args := range [][]string{{"grant", "c", "1", "--db", nowhere}, {"backup", nowhere}, {"recover", s.db, nowhere}, {"copy", "--from", s.db, "--to", nowhere}} {
		if _, stderr, status := s.run(args...); status != statusTrouble || !strings.Contains(stderr, "no file can be made in "+filepath.Dir(nowhere)+": no such file or directory") || strings.Contains(stderr, "/.") {
			t.Errorf("%v: status %d, %s", args, status, stderr)
		}
	}
}
