//go:build linux

package crash

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"creditledger/fuzz/testsize"
)

var seeded = flag.Uint64("seed", 1, "where the random choices begin")

// How many cases the tests try.
func kills() int   { return testsize.Of(24, 240, 2000) }
func randoms() int { return testsize.Of(4, 8, 100) }
func states() int  { return testsize.Of(240, 1200, 20_000) }
func cuts() int    { return testsize.Of(3, 6, 100) }
func damaged() int { return testsize.Of(66, 320, 1100) }

// child is what a child process is to do, in the variable childEnv.
type child struct {
	Role   string // kill, power, damage, full, open, sync
	Path   string
	Seed   uint64
	Steps  int
	From   int    // the first step to do
	Kill   int    // the write of bbolt to die at, 0: none
	How    string // before, torn or after that write
	Early  bool   // acknowledge before the commit
	Window int    // how many operations may be on their way at once
	NoSync bool
	Bytes  uint64 // file size limit
	Files  []string
}

const childEnv = "LEDGER_CRASH_CHILD"

var roles = map[string]func(child) error{}

func TestMain(m *testing.M) {
	flag.Parse()
	if text := os.Getenv(childEnv); text != "" {
		var c child
		err := json.Unmarshal([]byte(text), &c)
		if err == nil {
			err = roles[c.Role](c)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// command is a child process that has not begun.
func command(t *testing.T, c child) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// start begins a child process. What it says arrives in out, also if it dies.
func start(t *testing.T, c child) (cmd *exec.Cmd, out *bufio.Reader, stderr *os.File) {
	t.Helper()
	cmd = command(t, c)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if stderr, err = os.CreateTemp(t.TempDir(), "stderr"); err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(stdout), stderr
}

// said returns what a child wrote to its standard error.
func said(f *os.File) string {
	data, _ := io.ReadAll(io.NewSectionReader(f, 0, 4000))
	return string(data)
}

// scratch is a directory for files that only have to survive their process. It is in memory
// where the system has such a file system.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "creditledger-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// moveLedger moves a ledger to another directory, with the log file that is beside it.
func moveLedger(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-log"} {
		if _, err := os.Stat(from + suffix); suffix != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		copyFile(t, from+suffix, to+suffix)
		if err := os.Remove(from + suffix); err != nil {
			t.Fatal(err)
		}
	}
}

func removeLedger(path string) {
	_ = os.Remove(path)
	_ = os.Remove(path + "-log")
}

// fresh makes an empty ledger, in the place of one that is there, and returns its path.
func fresh(t testing.TB, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	_ = os.Remove(path + "-log")
	s := open(t, path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
