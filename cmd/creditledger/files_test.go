package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"creditledger/store/transfer"
)

func TestBackup(t *testing.T) {
	s := newSession(t)
	s.must("grant", "c", "10", "--block-id", "b")
	copyPath := filepath.Join(s.dir, "copy.db")
	if out := s.must("backup", copyPath); !strings.HasPrefix(out, copyPath+": ") {
		t.Error(out)
	}
	s.must("spend", "c", "1")
	if out := s.must("balance", "c", "--db", copyPath, "--json"); !strings.Contains(out, `"balance":"10"`) {
		t.Error("the copy:", out)
	}
	if out := s.must("verify", "--db", copyPath, "--json"); !strings.Contains(out, `"ok":true`) {
		t.Error("the copy:", out)
	}
	info, err := os.Stat(copyPath)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error("mode of the copy:", info.Mode(), err)
	}

	// An existing file is left alone, whatever it is.
	for _, path := range []string{copyPath, filepath.Join(s.dir, "credits.db"), s.dir} {
		if _, stderr, status := s.run("backup", path); status != statusUsage || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, %s", path, status, stderr)
		}
	}
	if _, _, status := s.run("backup", "--force", filepath.Join(s.dir, "credits.db")); status != statusUsage {
		t.Error("the ledger replaced itself")
	}
	if out := s.must("backup", "--force", "--json", copyPath); !strings.HasPrefix(out, `{"op":"backup","file":`) {
		t.Error(out)
	}
	if out := s.must("balance", "c", "--db", copyPath, "--json"); !strings.Contains(out, `"balance":"9"`) {
		t.Error("the new copy:", out)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(s.dir, ".*backup*"))
	if err != nil || len(files) != 2 || len(hidden) != 0 {
		t.Errorf("files left: %v %v", files, hidden)
	}
}

// TestReadingMakesNoFile: neither reading commands nor a preview create or change the
// ledger file.
func TestReadingMakesNoFile(t *testing.T) {
	s := newSession(t)
	reads := [][]string{
		{"balance", "c"}, {"blocks", "c"}, {"entries", "c"}, {"explain", "c", "1"}, {"verify"}, {"verify", "c"},
		{"customer", "show", "c"}, {"spend", "c", "1", "--preview"}, {"grant", "c", "1", "--preview"}, {"backup", filepath.Join(s.dir, "x")},
	}
	for _, args := range reads {
		if _, stderr, status := s.run(args...); status != statusTrouble || !strings.Contains(stderr, "there is no ledger file") {
			t.Errorf("%v: status %d, %s", args, status, stderr)
		}
	}
	if files, err := os.ReadDir(s.dir); err != nil || len(files) != 0 {
		t.Fatalf("files: %v %v", files, err)
	}
	s.must("customer", "set", "c")
	s.must("grant", "c", "1", "--expires", "2000-02-01")
	if err := s.clock.Set(s.clock.Instant().Add(60 * 24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "credits.db")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	for _, args := range reads {
		s.must(args...)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Error("reading changed the file", err)
	}
}

// TestVerifyTellsOfDamage: a touched file ends with status 4 and says so on one line.
func TestVerifyTellsOfDamage(t *testing.T) {
	s := newSession(t)
	s.must("grant", "c", "10", "--block-id", "b", "--description", "a recognisable text")
	path := filepath.Join(s.dir, "credits.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	touched := bytes.ReplaceAll(data, []byte("a recognisable text"), []byte("another thing there"))
	if bytes.Equal(touched, data) {
		t.Fatal("the text is not in the file")
	}
	if err := os.WriteFile(path, touched, 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, status := s.run("verify", "--json")
	if status != statusDamaged || !strings.Contains(stdout, `"ok":false`) || !strings.Contains(stdout, `"violation":"`) ||
		!strings.Contains(stderr, "the ledger is not whole") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

// TestProgress: a bar appears after a while, and not for short work.
func TestProgress(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name  string
		begin time.Time
		seen  bool
	}{{"short work", time.Now(), false}, {"long work", long, true}} {
		var screen bytes.Buffer
		b := newBar(&screen, c.begin, "", 100, true)
		in := b.reader(strings.NewReader(strings.Repeat("x", 100)))
		if _, err := in.Read(make([]byte, 50)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(screen.String(), "50%") != c.seen || b.done() != c.seen {
			t.Errorf("%s shows %q", c.name, screen.String())
		}
	}
	var screen bytes.Buffer
	counting := newBar(&screen, long, "records replayed", -1, false)
	counting.count(1000)
	counting.done()
	if !strings.Contains(screen.String(), "records replayed") || !strings.Contains(screen.String(), "1000") {
		t.Errorf("counting shows %q", screen.String())
	}

	screen.Reset()
	copying := newBar(&screen, long, "looking at both", 1, false)
	copying.copied(transfer.Progress{AllAccounts: 1})
	for range 2 {
		copying.copied(transfer.Progress{AllAccounts: 3, AllJournal: 1000, Arrived: 250, Journal: 250})
		time.Sleep(200 * time.Millisecond) // a bar is drawn ten times a second at most
	}
	if got := screen.String(); !strings.Contains(got, "records of 3 accounts") || !strings.Contains(got, "25%") || !strings.Contains(got, "(250/1000") {
		t.Errorf("a copy shows %q", got)
	}

	a := &app{out: &screen, err: &screen}
	if hidden := a.countBar("records"); hidden.shown != nil || hidden.done() {
		t.Error("a bar without a terminal")
	}
	f, err := os.Open("files_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if hidden := a.fileBar(f); hidden.shown != nil || hidden.reader(f) != f {
		t.Error("a bar without a terminal")
	}
}

// TestHelp: every command has help with an example, and completion works.
func TestHelp(t *testing.T) {
	s := newSession(t)
	root := (&app{out: &bytes.Buffer{}, err: &bytes.Buffer{}}).rootCommand()
	for _, cmd := range root.Commands() {
		if cmd.Example == "" || cmd.Short == "" || cmd.Long == "" {
			t.Errorf("%s: no example, or nothing about it", cmd.Name())
		}
		if out := s.must("help", cmd.Name()); !strings.Contains(out, "Examples:") || !strings.Contains(out, "Usage:") {
			t.Errorf("help %s:\n%s", cmd.Name(), out)
		}
	}
	eachSubcommand(root, func(name string, cmd *cobra.Command) {
		if cmd.Example == "" || cmd.Short == "" {
			t.Errorf("%s: no example, or nothing about it", name)
		}
	})
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := s.must("completion", shell); len(out) < 1000 {
			t.Errorf("completion %s: %s", shell, out)
		}
	}
	if out := s.must("__complete", "apply", "--clock", ""); !strings.Contains(out, "manual") {
		t.Error(out)
	}
	if out := s.must(); !strings.Contains(out, "creditledger demo") {
		t.Error(out)
	}
}
