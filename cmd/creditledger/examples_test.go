package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"creditledger/store/postgres/pgtest"
)

// Every example of every help text and of every page is run as a person would run it:
// pasted into a shell, in an empty directory. Those of one help text, or of one page,
// are run in their order.

// shell runs a script with the command in the path, and returns what it printed.
// The database that examples name is a private one.
type shell struct {
	dir  string
	env  []string
	give func(script string) string // puts in the private database
}

const (
	exampleDatabase = "db.example/billing"
	exampleService  = "billing"
)

// exampleURL is how examples reach their database, in which role ever.
var exampleURL = regexp.MustCompile(`postgres://[a-z_]+@` + regexp.QuoteMeta(exampleDatabase) + `(\?)?`)

func newShell(t *testing.T, script string) *shell {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, bin := t.TempDir(), t.TempDir()
	write(t, bin, "creditledger", "#!/bin/sh\nexec '"+self+"' \"$@\"\n")
	if err := os.Chmod(filepath.Join(bin, "creditledger"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &shell{dir: dir, env: append(os.Environ(), "CREDITLEDGER_TEST_MAIN=1", "PATH="+bin+":"+os.Getenv("PATH"))}
	s.give = func(script string) string { return script }
	if strings.Contains(script, exampleDatabase) || strings.Contains(script, "service="+exampleService) {
		s.withDatabase(t)
	}
	return s
}

// withDatabase has the shell reach a private database under the name of the examples'.
func (s *shell) withDatabase(t *testing.T) {
	t.Helper()
	var host, user, name string
	for _, pair := range strings.Fields(pgtest.Database(t)) {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "host":
			host = value
		case "user":
			user = value
		case "database":
			name = value
		}
	}
	services := write(t, t.TempDir(), "services", fmt.Sprintf("[%s]\nhost=%s\nuser=%s\ndbname=%s\n", exampleService, host, user, name))
	s.env = append(s.env, "PGSERVICEFILE="+services)
	s.give = func(script string) string {
		return exampleURL.ReplaceAllStringFunc(script, func(url string) string {
			private := fmt.Sprintf("postgres://%s@/%s?host=%s", user, name, host)
			if strings.HasSuffix(url, "?") {
				return private + "&"
			}
			return private
		})
	}
}

func (s *shell) run(t *testing.T, script, stdout string) (out []byte, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-eu")
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.Stdin = strings.NewReader(s.give(script))
	var b, e strings.Builder
	cmd.Stdout, cmd.Stderr = &b, &e
	if stdout != "" {
		f, err := os.OpenFile(stdout, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd.Stdout = f
	}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return []byte(b.String()), e.String(), cmd.ProcessState.ExitCode()
}

func needsShell(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash to paste examples into")
	}
}

// allHelp lists every subcommand with the examples of its help.
func allHelp() map[string]string {
	root := (&app{out: os.Stdout, err: os.Stderr}).rootCommand()
	list := map[string]string{"creditledger": root.Example}
	eachSubcommand(root, func(name string, cmd *cobra.Command) { list[name] = cmd.Example })
	return list
}

// TestExamplesOfHelp: what help shows works in an empty directory.
func TestExamplesOfHelp(t *testing.T) {
	needsShell(t)
	for name, script := range allHelp() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, stderr, status := newShell(t, script).run(t, script, ""); status != 0 || stderr != "" {
				t.Errorf("status %d, %s in\n%s", status, stderr, script)
			}
			if name != "creditledger" && !strings.Contains(strings.ReplaceAll(script, "\\\n", ""), "creditledger "+name) {
				t.Errorf("no example of it:\n%s", script)
			}
		})
	}
}

// lastCommand cuts an example into its last command line and what goes before.
func lastCommand(script string) (before, last string) {
	lines := strings.SplitAfter(script, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], "  creditledger ") || strings.HasPrefix(lines[i], "  cat ") {
			return strings.Join(lines[:i], ""), regexp.MustCompile(` > \S+`).ReplaceAllString(strings.Join(lines[i:], ""), "")
		}
	}
	return "", script
}

// TestAnswersThatCannotBePrinted: whatever a command prints, a full disk behind its
// output ends it with status 1 and one line that says so.
func TestAnswersThatCannotBePrinted(t *testing.T) {
	needsShell(t)
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip(err)
	}
	for name, script := range allHelp() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, script)
			before, last := lastCommand(script)
			if _, stderr, status := s.run(t, before, ""); status != 0 {
				t.Fatalf("status %d, %s", status, stderr)
			}
			_, stderr, status := s.run(t, last, full)
			if status != statusTrouble || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "the output could not be written: ") || !strings.Contains(stderr, "give the command again") {
				t.Errorf("%s: status %d, %s", last, status, stderr)
			}
		})
	}
}

// block is a block of code of a page.
type block struct {
	page, label, given, text string
	line                     int
}

var fence = regexp.MustCompile("^```([a-z]*)$")

// blocksOf returns the blocks of code of a page. A comment <!-- given: … --> in front of
// one says what has to be there: commands that are run first.
func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	var open *block
	given := ""
	for i, line := range strings.Split(string(text), "\n") {
		label := fence.FindStringSubmatch(line)
		switch {
		case open != nil && line == "```":
			list = append(list, *open)
			open, given = nil, ""
		case open != nil:
			open.text += line + "\n"
		case label != nil:
			open = &block{page: filepath.Base(page), label: label[1], given: given, line: i + 1}
		case strings.HasPrefix(line, "<!-- given: "):
			given = strings.TrimSuffix(strings.TrimPrefix(line, "<!-- given: "), " -->") + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block does not end", page, open.line)
	}
	return list
}

// pages are all pages of the documentation.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"../../README.md", "../../SECURITY.md"}
	docs, err := filepath.Glob("../../docs/*.md")
	parts, partsErr := filepath.Glob("../../docs/*/*.md")
	if err != nil || partsErr != nil || len(docs) == 0 || len(parts) == 0 {
		t.Fatal(docs, parts, err, partsErr)
	}
	return append(append(list, docs...), parts...)
}

// TestExamplesOfPages: the shell examples of the pages work, those of one page one after
// another, and its Go examples are parts of programs that the tests compile.
func TestExamplesOfPages(t *testing.T) {
	needsShell(t)
	for _, page := range pages(t) {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			var script strings.Builder
			for _, b := range blocksOf(t, page) {
				switch b.label {
				case "sh":
					script.WriteString(b.given + b.text)
				case "go":
					checkGo(t, b)
				case "sql", "text", "json": // sql: store/postgres runs it; json: below
				default:
					t.Errorf("%s:%d: a block that nobody knows: label it sh, go, sql, json, or text for what is no example", page, b.line)
				}
			}
			if script.Len() == 0 {
				return
			}
			s := newShell(t, script.String())
			if _, stderr, status := s.run(t, inCheckout(script.String()), ""); status != 0 || stderr != "" {
				t.Errorf("status %d, %s in\n%s", status, stderr, script.String())
			}
		})
	}
}

// inCheckout leaves the lines out that are about a checkout and its tests: CI types them.
func inCheckout(script string) string {
	var kept []string
	for line := range strings.Lines(script) {
		if !strings.HasPrefix(line, "go ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// checkGo makes sure that a Go example is part of what the tests compile or run.
// The whole program of README.md is no part: .ci/run makes it as the page says, and runs it.
func checkGo(t *testing.T, b block) {
	t.Helper()
	if b.page == "README.md" && strings.HasPrefix(b.text, "package main\n") {
		return
	}
	sources, err := filepath.Glob("../../*example*_test.go")
	more, moreErr := filepath.Glob("../../*/*example*_test.go")
	most, mostErr := filepath.Glob("../../store/*/*example*_test.go")
	if err != nil || moreErr != nil || mostErr != nil {
		t.Fatal(err, moreErr, mostErr)
	}
	want := strings.Join(strings.Fields(b.text), " ")
	for _, path := range append(append(sources, more...), most...) {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.Join(strings.Fields(string(source)), " "), want) {
			return
		}
	}
	t.Errorf("%s:%d: the Go example is no part of an Example of the tests", b.page, b.line)
}

// TestAnswersOfPages: the answers that docs/operations/answers.md shows are those that its
// examples get.
func TestAnswersOfPages(t *testing.T) {
	s := newSession(t)
	var input string
	checked := 0
	for _, b := range blocksOf(t, "../../docs/operations/answers.md") {
		if b.label != "json" {
			continue
		}
		if strings.HasPrefix(b.text, `{"op":`) {
			input = b.text
			continue
		}
		if !strings.HasPrefix(b.text, `{"line":`) {
			continue
		}
		answers := s.must("apply", "--clock", "manual", write(t, s.dir, "in.jsonl", input))
		shown := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(b.text)), "…", `[^"]+`)
		if !regexp.MustCompile(`(?m)^` + shown + `$`).MatchString(answers) {
			t.Errorf("docs/operations/answers.md:%d: no such answer in\n%s", b.line, answers)
		}
		checked++
	}
	if checked == 0 {
		t.Error("docs/operations/answers.md shows no answer")
	}
}

// TestMoneyOfPages: money is written as the pages show it.
func TestMoneyOfPages(t *testing.T) {
	s := newSession(t)
	checked := 0
	for _, page := range pages(t) {
		for _, b := range blocksOf(t, page) {
			if b.label != "json" {
				continue
			}
			for _, shown := range regexp.MustCompile(`\{"amount":[0-9]+,[^}]*"text":"([^"]+) ([A-Z]+)"\}`).FindAllStringSubmatch(b.text, -1) {
				amount, currency := shown[1], shown[2]
				got := s.must("customer-balance", "c"+fmt.Sprint(checked), "--add", amount, "--invoice-currency", currency, "--json")
				if !strings.Contains(got, shown[0]) {
					t.Errorf("%s:%d: %s is not in %s", page, b.line, shown[0], got)
				}
				checked++
			}
		}
	}
	if checked == 0 {
		t.Error("the pages show no money")
	}
}
