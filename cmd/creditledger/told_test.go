package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"

	"creditledger"
)

// TestHintNamesWhatThereIs: what to do next is something the subcommand can do. One that
// takes no key is not told to repeat it with one.
func TestHintNamesWhatThereIs(t *testing.T) {
	a := &app{began: true}
	unknown := func(key creditledger.Key) error {
		return &creditledger.OutcomeUnknownError{Key: key, Err: context.Canceled}
	}
	if hint := a.hint(&cobra.Command{}, unknown("")); strings.Contains(hint, "--key") || !strings.Contains(hint, "same command again") {
		t.Errorf("without a key: %q", hint)
	}
	if hint := a.hint(&cobra.Command{}, unknown("k 1")); !strings.Contains(hint, `--key "k 1"`) {
		t.Errorf("with a key: %q", hint)
	}
	s := newSession(t)
	s.must("grant", "c", "1")
	taken := filepath.Join(s.dir, "taken.db")
	if err := os.WriteFile(taken, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"recover", s.db, taken}, statusUsage, "exists: choose another name"},
		{[]string{"invoice", "show", "nope"}, statusRefused, "see creditledger invoice list CUSTOMER"},
		{[]string{"change", "show", "nope"}, statusRefused, "see creditledger state CUSTOMER"},
		{[]string{"invoice", "fail", "i", "--payment", "p"}, statusUsage, "invalid --code: it is missing; see creditledger help invoice fail"},
		{[]string{"invoice", "fail", "i", "--code", "p"}, statusUsage, "invalid --payment: it is missing; see creditledger help invoice fail"},
		{[]string{"invoice", "credit", "i", "2"}, statusUsage, "such as 12.50 USD"},
		{[]string{"grant", "c", "5", "--expire", "2030-01-01"}, statusUsage, "did you mean --expires?"},
		{[]string{"grant", "c", "5", "--Key", "k"}, statusUsage, "did you mean --key?"},
		{[]string{"balance", "c", "--dbx", "k"}, statusUsage, "did you mean --db?"},
		{[]string{"balance", "c", "--zzz", "k"}, statusUsage, "unknown flag: --zzz; see"},
		{[]string{"nope"}, statusUsage, `unknown command "nope"; see`},
		{[]string{"apply", "--stop-on-error", "--fail-on-error", os.DevNull}, statusUsage, "--fail-on-error: it does not go with --stop-on-error"},
		{[]string{"reverse", "c"}, statusUsage, "invalid CHARGE: it is missing: name the charge by its key, or one of its entries with --entry; see creditledger help reverse"},
		{[]string{"reverse", "c", "k", "--entry", "1"}, statusUsage, "invalid --entry: it does not go with CHARGE"},
		{[]string{"reverse", "c", "--entry", "0"}, statusUsage, "invalid --entry 0: entries are numbered from 1"},
		{[]string{"migrate", "--db", "host=/none dbname=d", "--buckets", "0"}, statusUsage, "invalid --buckets: 0 is not at least 1"},
	} {
		_, stderr, status := s.run(c.args...)
		if status != c.status || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: status %d, %s", c.args, status, stderr)
		}
	}
	if out := s.must("explain", "nobody", "3"); !strings.HasPrefix(out, "No blocks.\n") {
		t.Errorf("explain of an account without blocks: %q", out)
	}
	if out := s.must("--version"); !strings.HasPrefix(out, "creditledger ") || strings.Count(out, "\n") != 1 {
		t.Errorf("--version: %q", out)
	}
}

// TestErrorsAreSentences: an error that the ledger words as what its field is, and one of a
// command that is stopped or finds no place for its files, say who does what, and what to
// do next.
func TestErrorsAreSentences(t *testing.T) {
	s := newSession(t)
	s.must("grant", "c", "1")
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(&signalError{syscall.SIGINT})
	t.Setenv("TMPDIR", filepath.Join(s.dir, "none"))
	for _, c := range []struct {
		ctx    context.Context
		args   []string
		status int
		says   string
	}{
		{t.Context(), []string{"entries", "c", "--cursor", "x"}, statusUsage, "invalid --cursor: it is not one of this ledger's; give the one that the page before ended with, or none for the first page"},
		{t.Context(), []string{"grant", "c", "5", "--description", "\xff"}, statusUsage, "invalid --description: it is not valid UTF-8"},
		{stopped, []string{"grant", "c", "5"}, 130, "increment 5 on c/credits: interrupted; give the command again"},
		{stopped, []string{"balance", "c"}, 130, "interrupted; give the command again"},
		{t.Context(), []string{"demo"}, statusTrouble, "the demo finds no place for its ledger file: stat " + filepath.Join(s.dir, "none") + ": no such file or directory; set TMPDIR to a directory that you may write to"},
	} {
		if _, stderr, status := s.runUntil(c.ctx, c.args...); status != c.status || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: status %d, %s", c.args, status, stderr)
		}
	}
}

// TestOutputEndsAtItsFirstError: what comes after a gap is not written, and whoever writes on
// is told the first error.
func TestOutputEndsAtItsFirstError(t *testing.T) {
	var to failingOnce
	out := &output{to: &to}
	for i := range 3 {
		if _, err := fmt.Fprint(out, i); !errors.Is(err, os.ErrClosed) || err != out.err {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if to.text != "" {
		t.Errorf("%q was written after an error", to.text)
	}
}

// failingOnce is a writer whose first write fails.
type failingOnce struct {
	failed bool
	text   string
}

func (w *failingOnce) Write(p []byte) (int, error) {
	if !w.failed {
		w.failed = true
		return 0, &os.PathError{Op: "write", Path: "x", Err: os.ErrClosed}
	}
	w.text += string(p)
	return len(p), nil
}

// TestRepeatsAreTold: whatever is repeated under its key says so, to people and to
// programs, and answers what it answered first.
func TestRepeatsAreTold(t *testing.T) {
	s := newSession(t)
	proposal := filepath.Join(s.dir, "proposal.json")
	if err := os.WriteFile(proposal, []byte(`{"change_id":"ch","expires_at":"2030-01-01","operations":[{"op":"increment","amount":"5"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("customer", "set", "c", "--currency", "USD")
	for i, args := range [][]string{
		{"customer-balance", "c", "--add", "5"}, {"customer-balance", "c", "--take", "2"},
		{"change", "propose", "c", proposal}, {"change", "apply", "ch"},
	} {
		args = append(args, "--key", string(rune('a'+i)))
		first := s.must(append(args, "--json")...)
		again := s.must(append(args, "--json")...)
		if !strings.Contains(first, `"replayed":false`) || again != strings.Replace(first, `"replayed":false`, `"replayed":true`, 1) {
			t.Errorf("%q:\n%s%s", args, first, again)
		}
		if out := s.must(args...); !strings.HasPrefix(out, "Done before under this key") {
			t.Errorf("%q: %s", args, out)
		}
	}
}

// TestDemoLeavesNothing: also when nobody reads its story to the end.
func TestDemoLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	cmd := command(t, t.TempDir(), "demo")
	cmd.Env = append(cmd.Environ(), "TMPDIR="+temporary)
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in.Close() // so that the first write ends the process
	cmd.Stdout = out
	err = cmd.Run()
	out.Close()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Errorf("the end of its output went unnoticed: %v", err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("it leaves behind: %v, %v", left, err)
	}
}

// TestWideNumbersFit: a table fits 80 columns with the widest numbers that there are.
func TestWideNumbersFit(t *testing.T) {
	s := newSession(t)
	const most = "12345678901234567890.123456789012345678"
	s.must("grant", "c", most, "--cost-basis", "0.123456789012345678", "--expires", "2030-01-01T00:00:01Z", "--block-id", "a-block-of-20-letters", "--item", "api")
	s.must("spend", "c", "0.000000000000000001", "--item", "api")
	for _, args := range [][]string{{"balance", "c", "--item", "api"}, {"blocks", "c"}, {"entries", "c"}, {"explain", "c", "7", "--item", "api"}} {
		out := s.must(args...)
		for line := range strings.Lines(out) {
			if w := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); w > screen {
				t.Errorf("%q: %d columns: %s", args, w, line)
			}
		}
		if !strings.Contains(out, "12345678901234567890.123456789012345677") {
			t.Errorf("%q lost a number:\n%s", args, out)
		}
	}
	var whole bytes.Buffer
	table := (&app{}).newTable("A", ".+B")
	table.add("x", "1")
	table.write(&whole)
	if whole.String() != "  A  B\n  x  1\n" {
		t.Errorf("a table that fits has its columns side by side: %q", whole.String())
	}
}
