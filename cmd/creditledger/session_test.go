package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"creditledger"
	"creditledger/opsfile"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A session is a file of command lines with what they print: "$ " begins a command
// line, "@ " moves the clock, "#" is a comment, anything else is output. Lines of
// stderr begin with "! ", and an exit status other than 0 is told in brackets.

type session struct {
	t     *testing.T
	dir   string
	clock opsfile.Clock
	ids   *rand.ChaCha8
	db    string // the ledger without --db, default a file in dir
}

func newSession(t *testing.T) *session {
	dir := t.TempDir()
	return &session{t: t, dir: dir, ids: rand.NewChaCha8([32]byte{}), db: filepath.Join(dir, "credits.db")}
}

// run executes a command line.
func (s *session) run(args ...string) (stdout, stderr string, status int) {
	return s.runUntil(context.Background(), args...)
}

// runUntil is run with a context.
func (s *session) runUntil(ctx context.Context, args ...string) (stdout, stderr string, status int) {
	var out, err bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &out, err: &err, clock: s.clock.Now, random: s.ids, defaultDB: s.db}
	status = a.run(ctx, args)
	return out.String(), err.String(), status
}

// must is run for a command line that has to succeed.
func (s *session) must(args ...string) string {
	s.t.Helper()
	out, err, status := s.run(args...)
	if status != 0 {
		s.t.Fatalf("%q: status %d, %s", args, status, err)
	}
	return out
}

func TestSessions(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.session")
	if err != nil || len(paths) == 0 {
		t.Fatal("no sessions", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, path, newSession(t).replay(string(want)))
		})
	}
}

// replay carries out the command lines of a session and returns it with what they
// print now.
func (s *session) replay(text string) string {
	var out strings.Builder
	output := false // lines that are output of a command before
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "$ "):
			fmt.Fprintln(&out, line)
			s.execute(&out, line)
			output = true
			continue
		case strings.HasPrefix(line, "@ "):
			at, err := creditledger.ParseInstant(line[2:])
			if err == nil {
				err = s.clock.Set(at)
			}
			if err != nil {
				s.t.Fatal(err)
			}
		case line == "" || strings.HasPrefix(line, "#"):
		case output:
			continue
		default:
			s.t.Fatalf("output without a command: %s", line)
		}
		output = false
		fmt.Fprintln(&out, line)
	}
	return out.String()
}

func (s *session) execute(out *strings.Builder, line string) {
	words := words(s.t, strings.TrimPrefix(line, "$ creditledger "))
	stdout, stderr, status := s.run(words...)
	for text := range strings.Lines(strings.ReplaceAll(stdout, s.dir, "DIR")) {
		out.WriteString(strings.TrimSuffix(text, "\n") + "\n")
	}
	for text := range strings.Lines(strings.ReplaceAll(stderr, s.dir, "DIR")) {
		out.WriteString("! " + strings.TrimSuffix(text, "\n") + "\n")
	}
	if status != 0 {
		fmt.Fprintf(out, "[status %d]\n", status)
	}
}

var wordPattern = regexp.MustCompile(`'[^']*'|[^\s']+`)

// words splits a command line the way a shell does, single quotes included.
func words(t *testing.T, line string) []string {
	t.Helper()
	var list []string
	for _, w := range wordPattern.FindAllString(line, -1) {
		list = append(list, strings.Trim(w, "'"))
	}
	return list
}

// golden compares with a golden file, or rewrites it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Fatalf("%s:%d:\n got %s\nwant %s", path, i+1, a, b)
		}
	}
}

func TestDemo(t *testing.T) {
	s := newSession(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	golden(t, "testdata/demo.golden", s.must("demo"))
	if first, second := s.must("demo"), s.must("demo"); first != second {
		t.Error("the demo does not tell the same story twice")
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("the demo leaves files behind: %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "credits.db")); err == nil {
		t.Error("the demo touched the ledger file")
	}
}
