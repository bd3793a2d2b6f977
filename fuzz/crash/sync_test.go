//go:build linux

package crash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

func init() { roles["sync"] = syncChild }

// syncChild carries out a script in one thread, so that strace can count its system calls.
// When an outcome is unknown it opens the ledger again, verifies it, looks whether the
// operation is there, and repeats it.
func syncChild(c child) error {
	runtime.LockOSThread()
	steps := script(c.Seed, c.Steps)
	var s *bolt.Store
	var w *world
	opened := func() (err error) {
		if s, err = bolt.Open(c.Path, nil); errors.Is(err, syscall.EIO) { // opening flushes, too
			s, err = bolt.Open(c.Path, nil)
		}
		if err == nil {
			setFoldEvery(s, foldEvery)
			w = newWorld(s, steps)
		}
		return err
	}
	if err := opened(); err != nil {
		return err
	}
	ctx := context.Background()
	for i := 0; i < len(steps); i++ {
		st := steps[i]
		w.now.Store(st.at.UnixNano())
		var err error
		if st.op != nil {
			_, err = w.l.Do(ctx, st.on, st.op, st.key) // commits by itself, in this thread
		} else {
			_, err = w.do(i)
		}
		switch {
		case err == nil || refused(err):
			continue
		case !errors.Is(err, creditledger.ErrOutcomeUnknown) && !errors.Is(err, creditledger.ErrPoisoned): // by a fold beside the commits
			return fmt.Errorf("step %d: %w", i, err)
		}
		if _, err := s.Load(ctx, normal(st.on), nil); !errors.Is(err, creditledger.ErrPoisoned) {
			return fmt.Errorf("step %d: a read after an unknown outcome: %w", i, err)
		}
		w.l.Close()
		if err := s.Close(); err != nil {
			return err
		}
		if err := opened(); err != nil {
			return err
		}
		if err := verify(w.l); errors.Is(err, creditledger.ErrPoisoned) { // by the fold of what was left
			i--
			continue
		} else if err != nil {
			return err
		}
		there, err := s.KeySeq(ctx, normal(st.on), st.key)
		if err != nil {
			return err
		}
		fmt.Printf("u %d %v\n", i, !st.sweeps() && there != 0)
		i-- // with the same key
	}
	err := errors.Join(w.l.Close(), s.Close())
	if errors.Is(err, syscall.EIO) { // the tables were not brought up to the log; the log has it all
		fmt.Printf("u %d false\n", len(steps))
		return nil
	}
	return err
}

// traced runs a child under strace, which lets one system call of it fail with EIO.
// It returns what the child said of unknown outcomes.
func traced(t *testing.T, c child, call string, n int) (unknown, visible int, err error) {
	t.Helper()
	cmd := command(t, c)
	inject := fmt.Sprintf("inject=%s:error=EIO:when=%d", call, n)
	cmd.Args = append([]string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", inject}, cmd.Args...)
	if cmd.Path, err = exec.LookPath("strace"); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "u ") {
			unknown++
			if strings.HasSuffix(lines.Text(), "true") {
				visible++
			}
		}
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return unknown, visible, err
}

// straceable says why strace cannot be used here; empty: it can.
func straceable() string {
	if _, err := exec.LookPath("strace"); err != nil {
		return err.Error()
	}
	if out, err := exec.Command("strace", "-qq", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		return fmt.Sprintf("strace: %v: %s", err, out)
	}
	return ""
}

// TestFailedSyncs makes the system itself report EIO for one fdatasync after another: for
// the one that follows the data, and for the one that follows the meta page, when the
// commit is there although it failed. Either way the outcome is unknown, and the same key
// has one effect.
func TestFailedSyncs(t *testing.T) {
	run := results.Start(t, "failed syncs: EIO from fdatasync")
	run.Set("seed", *seeded)
	run.Require("strace", straceable())
	dir := scratch(t)
	const length = 16
	steps := script(*seeded, length)
	want := expected(t, steps)
	stride := testsize.Of(7, 7, 1)
	run.Count("unknown and committed", 0)
	for n := 2; ; n += stride { // the first is that of opening
		path := fresh(t, dir, fmt.Sprintf("sync-%d.db", n))
		unknown, visible, err := traced(t, child{Role: "sync", Path: path, Seed: *seeded, Steps: length}, "fdatasync", n)
		if err != nil {
			t.Fatalf("fdatasync %d: %v", n, err)
		}
		s := open(t, path)
		w := newWorld(s, steps)
		verified(t, w.l, nil)
		if got := w.history(t); got != want {
			t.Errorf("fdatasync %d: the history is\n%s\nnot\n%s", n, got, want)
		}
		if err := errors.Join(w.l.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		run.Count("unknown and committed", visible)
		if unknown == 0 {
			break // the run has fewer
		}
		run.Count("faults", 1)
	}
	if run.Get("faults") < 3 || testsize.Full() && run.Get("unknown and committed") == 0 {
		t.Error("hardly any sync failed: the test sees nothing")
	}
}

// TestFailedSyncOfCreation: if the first syncs of a new ledger fail, there is no ledger,
// and the next attempt makes one.
func TestFailedSyncOfCreation(t *testing.T) {
	run := results.Start(t, "failed syncs of a new ledger")
	run.Require("strace", straceable())
	dir := scratch(t)
	for _, call := range []string{"fdatasync", "fsync"} {
		for n := 1; n <= 4; n++ {
			c := child{Role: "sync", Path: filepath.Join(dir, fmt.Sprintf("%s-%d.db", call, n)), Seed: *seeded}
			_, _, err := traced(t, c, call, n)
			run.Count("attempts", 1)
			if err != nil {
				run.Count("failed", 1)
			}
			s := open(t, c.Path) // whatever it left
			w := newWorld(s, nil)
			verified(t, w.l, nil)
			if err := errors.Join(w.l.Close(), s.Close()); err != nil {
				t.Error(err)
			}
		}
	}
	if run.Get("failed") == 0 {
		t.Error("no creation failed")
	}
}
