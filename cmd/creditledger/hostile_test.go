package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"creditledger/fuzz/testsize"
)

// Every argument and every flag of every subcommand is given every hostile text. The
// subcommands and flags are those that the command has, so a new one is tried without
// a word.

// hostileCommands are acceptable arguments of every subcommand.
var hostileCommands = map[string][]string{
	"grant": {"c", "1"}, "spend": {"c", "1"}, "extend": {"c", "b", "2031-01-01"}, "void": {"c", "b", "1"}, "amend": {"c", "b", "1"}, "activate": {"c", "p"},
	"customer set": {"c"}, "customer show": {"c"}, "customer list": {}, "balance": {"c"}, "blocks": {"c"}, "entries": {"c"}, "explain": {"c", "1"},
	"sweep": {}, "verify": {"c"}, "reverse": {"c", "spent"},
	"hold": {"c", "new", "1"}, "capture": {"c", "h", "1"}, "release": {"c", "h"}, "holds": {"c"}, "transfer": {"c", "d", "1"},
	"schedule make": {"c", "s", "1"}, "schedule change": {"c", "plan"}, "schedule end": {"c", "plan"}, "schedules": {"c"},
}

// notTried are subcommands about files, which have tests of their own, and those that
// take nothing.
var notTried = []string{"apply", "backup", "demo", "help", "completion", "customer", "recover", "close-period"}

var hostileTexts = []string{
	"", "-", "--", "-1", "-0", "00", "5.", "0x10", "١٢", "1e5", "1E-1000000000", "NaN", strings.Repeat("9", 1e5), "2147483648", "9223372036854775808", "0.0000000000000000001",
	"2026-02-29", "9999-12-31", "10000-01-01", "never", "../UTC", "Local", "UTC\x00", "\u202edrow", "\xff\xfe", "\x1b[2J\x1b[31m", "a\r\nb", "../../etc/passwd", "'; DROP TABLE x; --", "$(id)", "%s%n", "=", "a=b",
	strings.Repeat("a", 256), strings.Repeat("k", 41) + "=v",
}

// hostilePlain are arguments for a subcommand that is not in the list: one x for each
// word in capitals of its usage line.
func hostilePlain(cmd *cobra.Command) []string {
	var args []string
	if cmd.HasSubCommands() || strings.Contains(cmd.Use, "FILE") {
		return nil
	}
	for _, word := range strings.Fields(cmd.Use)[1:] {
		if strings.ToUpper(word) == word && !strings.HasPrefix(word, "[") {
			args = append(args, "x")
		}
	}
	return args
}

// eachSubcommand walks the command's leaves.
func eachSubcommand(root *cobra.Command, f func(name string, cmd *cobra.Command)) {
	for _, c := range root.Commands() {
		f(strings.TrimPrefix(c.CommandPath(), "creditledger "), c)
		eachSubcommand(c, f)
	}
}

func TestHostileArguments(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of runs")
	}
	tried := 0
	probe := &app{in: strings.NewReader(""), out: new(bytes.Buffer), err: new(bytes.Buffer)}
	eachSubcommand(probe.rootCommand(), func(name string, cmd *cobra.Command) {
		first, _, _ := strings.Cut(name, " ")
		args, known := hostileCommands[name]
		if !known { // its own tests know what it accepts
			args = hostilePlain(cmd)
			if slices.Contains(notTried, first) && name != "customer set" || args == nil {
				return
			}
		}
		line := append(strings.Fields(name), args...)
		h := newHostileSession(t)
		for _, text := range hostileTexts {
			for i := range args {
				changed := slices.Clone(line)
				changed[len(changed)-len(args)+i] = text
				if tried++; testsize.Picks(tried) {
					h.try(t, slices.Insert(changed, len(changed)-len(args), "--"))
				}
			}
			cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Name == "db" || f.Name == "help" || f.Name == "since" && first == "verify" {
					return
				}
				if tried++; testsize.Picks(tried) {
					args := append(slices.Clone(line), "--"+f.Name+"="+text)
					stderr, status := h.try(t, args)
					namesFlags(t, cmd, args, stderr, status)
				}
			})
		}
		h.must("verify")
	})
	t.Logf("%d hostile command lines", tried/testsize.Stride())
}

// hostileSession is a session with a ledger in it.
type hostileSession struct {
	*session
	file string
}

func newHostileSession(t *testing.T) hostileSession {
	h := hostileSession{session: newSession(t)}
	if dir, err := os.MkdirTemp("/dev/shm", "hostile-"); err == nil { // thousands of commits, none of which has to last
		t.Cleanup(func() { os.RemoveAll(dir) })
		h.dir = dir
	}
	h.file = filepath.Join(h.dir, "credits.db")
	h.db = h.file
	h.must("grant", "c", "100", "--block-id", "b")
	h.must("spend", "c", "10", "--key", "spent")
	h.must("hold", "c", "h", "30")
	h.must("grant", "c", "5", "--block-id", "p", "--require-payment")
	h.must("customer", "set", "c")
	h.must("schedule", "make", "c", "plan", "3", "--every", "month")
	return h
}

// blamed is what an error says is wrong.
var blamed = regexp.MustCompile(`invalid ([^ :]+)`)

// namesFlags makes sure that what an error says is wrong is a flag or an argument of the
// command line, under its name there: one that was not given is not to blame, unless it
// is missing, and nobody has seen the keys of operations files.
func namesFlags(t *testing.T, cmd *cobra.Command, args []string, stderr string, status int) {
	t.Helper()
	found := blamed.FindStringSubmatch(stderr)
	if status != statusUsage || found == nil || strings.Contains(cmd.Use, "FILE") {
		return
	}
	name, isFlag := strings.CutPrefix(found[1], "--")
	known := isFlag && (cmd.Flags().Lookup(name) != nil || name == "json" || name == "quiet" || name == "precise") || strings.Contains(cmd.Use, name) || name == "argument"
	given := !isFlag || strings.Contains(strings.Join(args, " "), "--"+name) || strings.Contains(stderr, "missing") || strings.Contains(stderr, "give --")
	if !known || !given {
		t.Errorf("%.300q: %.300s", args, stderr)
	}
}

// try runs a command line. What is refused says so on one plain line and leaves the
// file as it is; what is done prints plain text.
func (h hostileSession) try(t *testing.T, args []string) (stderr string, status int) {
	t.Helper()
	before, err := os.Stat(h.file)
	if err != nil {
		t.Fatal(err)
	}
	about := fmt.Sprintf("%.300q", args)
	stdout, stderr, status := h.run(args...)
	if status != 0 && status != statusUsage && status != statusRefused {
		t.Errorf("%s: status %d, %s", about, status, stderr)
	}
	if (status == 0) != (stderr == "") || status != 0 && (strings.Count(stderr, "\n") != 1 || len(stderr) > 1000) {
		t.Errorf("%s: status %d, and it says %.1100q", about, status, stderr)
	}
	for _, text := range []string{stdout, stderr} {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || 0x80 <= r && r < 0xa0 }) {
			t.Errorf("%s prints control characters: %.500q", about, text)
		}
	}
	if !utf8.ValidString(stdout) || !utf8.ValidString(stderr) {
		t.Errorf("%s prints what is no text: %.500q%.500q", about, stdout, stderr)
	}
	if status == 0 {
		return stderr, status
	}
	if after, err := os.Stat(h.file); err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("%s: status %d, and the file changed (%v)", about, status, err)
	}
	return stderr, status
}

// TestHostileFiles: what is no ledger file is refused by every subcommand that takes
// one, on one line, at once, and is not touched.
func TestHostileFiles(t *testing.T) {
	s := newSession(t)
	make := func(name string, make func(path string) error) string {
		path := filepath.Join(s.dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := make("whole.db", func(path string) error { s.must("grant", "c", "1", "--db", path); return nil })
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	writer := func(data []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, data, 0o600) }
	}
	paths := []string{
		make("directory", func(path string) error { return os.Mkdir(path, 0o700) }),
		make("link.db", func(path string) error { return os.Symlink(whole, path) }),
		make("dangling.db", func(path string) error { return os.Symlink(filepath.Join(s.dir, "nowhere"), path) }),
		make("loop.db", func(path string) error { return os.Symlink(path, path) }),
		make("fifo", func(path string) error { return syscall.Mkfifo(path, 0o600) }),
		make("text.db", writer([]byte(strings.Repeat("not a ledger\n", 1000)))),
		make("short.db", writer(data[:100])),
		make("cut.db", writer(data[:9000])),
		make("wide.db", func(path string) error { return os.WriteFile(path, data, 0o600) }),
		"/dev/null", "/dev/zero", "/proc/self/mem", filepath.Join(s.dir, "no", "such", "directory.db"), filepath.Join(whole, "below.db"),
		filepath.Join(s.dir, "nul\x00.db"), filepath.Join(s.dir, strings.Repeat("n", 300)), s.dir + "/", ".", "/",
	}
	if err := os.Chmod(filepath.Join(s.dir, "wide.db"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		before := tree(t, s.dir)
		for _, args := range [][]string{{"balance", "c"}, {"grant", "c", "1"}, {"spend", "c", "1"}, {"verify"}, {"sweep"}, {"customer", "set", "c"}, {"apply"}} {
			args = append(args, "--db", path)
			type outcome struct {
				stderr string
				status int
			}
			done := make1[outcome]()
			go func() {
				_, stderr, status := s.run(args...)
				done <- outcome{stderr, status}
			}()
			select {
			case o := <-done:
				if o.status != statusTrouble || strings.Count(o.stderr, "\n") != 1 || len(o.stderr) > 1000 {
					t.Errorf("%.200q: status %d, %.1100q", args, o.status, o.stderr)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%q hangs", args)
			}
		}
		if after := tree(t, s.dir); after != before {
			t.Errorf("%.200q: the directory was\n%s\nand is\n%s", path, before, after)
		}
	}
	if out := s.must("balance", "c", "--db", whole, "--json"); !strings.Contains(out, `"balance":"1"`) {
		t.Error(out)
	}
}

// make1 makes a channel with room for one.
func make1[T any]() chan T { return make(chan T, 1) }

// tree shows a directory: names, modes, sizes.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && path != dir {
			fmt.Fprintln(&b, strings.TrimPrefix(path, dir), info.Mode(), info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHostileNamesArePrinted: names that could spoil a terminal or a log are escaped
// in what is printed for people, and whole in JSON.
func TestHostileNamesArePrinted(t *testing.T) {
	s := newSession(t)
	for _, id := range []string{"\u202edrow", "\u00e9", "e\u0301", "a,b;c", "\"quoted\"", "tab\u00a0space"} {
		s.must("grant", id, "1", "--block-id", id)
		out := s.must("blocks", id, "--json")
		var answer struct{ Blocks []struct{ ID string } }
		if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Blocks) != 1 || answer.Blocks[0].ID != id {
			t.Errorf("%q: %s, %v", id, out, err)
		}
	}
}
