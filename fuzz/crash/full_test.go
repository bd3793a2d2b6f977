//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

func init() { roles["full"] = fullChild }

// fullChild works until the file may not grow, several times. Then it works with room
// again: under another limit, or after it has removed the files that took the room.
func fullChild(c child) error {
	signal.Ignore(syscall.SIGXFSZ)
	room := func(bytes uint64) error {
		if bytes > c.Bytes {
			for _, filler := range c.Files {
				if err := os.Remove(filler); err != nil {
					return err
				}
			}
		}
		var r syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
			return err
		}
		r.Cur = min(bytes, r.Max)
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r)
	}
	steps := script(c.Seed, c.Steps)
	next, failures := 0, 0
	for round := range 6 {
		limit := c.Bytes
		if round == 5 {
			limit = math.MaxInt64
		}
		if err := room(limit); err != nil {
			return err
		}
		// Without a large map bbolt grows the file in small steps.
		s, err := bolt.Open(c.Path, &bolt.Options{InitialMmapSize: -1})
		if err != nil {
			return fmt.Errorf("open in round %d: %w", round, err)
		}
		setFoldEvery(s, foldEvery)
		w := newWorld(s, steps)
		if err := verify(w.l); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		for ; next < len(steps); next++ {
			a, err := w.do(next)
			if err != nil && !refused(err) {
				if !errors.Is(err, creditledger.ErrOutcomeUnknown) && !strings.Contains(err.Error(), "nothing was written") {
					return fmt.Errorf("step %d: %w", next, err)
				}
				failures++
				break
			}
			if err == nil {
				fmt.Printf("a %d %s\n", next, a)
			} else {
				fmt.Printf("r %d\n", next)
			}
			fmt.Printf("s %d\n", next)
		}
		w.l.Close()
		if err := s.Close(); err != nil && round == 5 {
			return err
		}
	}
	if next < len(steps) {
		return fmt.Errorf("with room again it ended at step %d", next)
	}
	fmt.Printf("w %d\n", failures)
	return nil
}

func verify(l *creditledger.Ledger) error {
	v, err := l.VerifyAll(context.Background(), nil)
	if err == nil && v.Violation != nil {
		err = v.Violation
	}
	return err
}

// TestDiskFull: when the file may not grow, commits fail and nothing else does. The ledger
// can be opened and verified while the disk is full, and used again when there is room.
func TestDiskFull(t *testing.T) {
	run := results.Start(t, "disk full")
	run.Set("seed", *seeded)
	const length = 120
	dir := scratch(t)
	var sum tally
	for n := range testsize.Of(4, 4, 16) {
		seed, limit := *seeded+uint64(n), uint64(60_000+n*9_000)
		path := fresh(t, dir, fmt.Sprintf("full-%d.db", n))
		cmd, out, stderr := start(t, child{Role: "full", Path: path, Seed: seed, Steps: length, Bytes: limit})
		h := listen(out, nil)
		if err := cmd.Wait(); err != nil {
			t.Fatalf("limit %d: %v: %s", limit, err, said(stderr))
		}
		run.Count("failed commits", h.writes)
		for _, wrong := range examine(t, path, script(seed, length), h, 1, &sum) {
			t.Errorf("limit %d: %s", limit, wrong)
		}
	}
	run.Set("acknowledged", sum.acked)
	run.Set("acknowledged lost", sum.lost)
	if run.Get("failed commits") == 0 {
		t.Error("no commit failed: the limits are too wide")
	}
}

// TestFullFileSystem fills the file system under a ledger: one in memory, and an ext4
// on a loop device.
func TestFullFileSystem(t *testing.T) {
	run := results.Start(t, "file system full")
	run.Set("seed", *seeded)
	var sum tally
	const length = 120
	for n, kind := range []string{"tmpfs", "ext4"} {
		m := &machine{t: t, dir: filepath.Join(scratch(t), "mnt")}
		reason := ""
		if kind == "ext4" {
			m, reason = newMachine(t, "commit=1")
		} else if out, err := mountMemory(t, m.dir); err != nil {
			reason = "mount: " + out
		}
		run.Require("power", reason)
		for i := range 4 {
			filler, path := filepath.Join(m.dir, "filler"), filepath.Join(m.dir, fmt.Sprintf("full-%d.db", i))
			s := open(t, path)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			fill(t, filler, int64(15_000*i))
			seed := *seeded + uint64(10*n+i)
			cmd, out, stderr := start(t, child{Role: "full", Path: path, Seed: seed, Steps: length, Bytes: 1 << 40, Files: []string{filler}})
			h := listen(out, nil)
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%s: %v: %s", kind, err, said(stderr))
			}
			run.Count("failed commits", h.writes)
			if h.writes == 0 {
				t.Errorf("%s: no commit failed: there is too much room", kind)
			}
			for _, wrong := range examine(t, path, script(seed, length), h, 1, &sum) {
				t.Errorf("%s: %s", kind, wrong)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	run.Set("acknowledged", sum.acked)
	run.Set("acknowledged lost", sum.lost)
}

// mountMemory mounts a small file system in memory.
func mountMemory(t *testing.T, dir string) (string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=4m", "none", dir).CombinedOutput()
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	return strings.TrimSpace(string(out)), err
}

// fill writes a file until the file system is full, and gives so many bytes back.
func fill(t *testing.T, path string, left int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 1<<12)
	size := int64(0)
	for {
		n, err := f.Write(block)
		size += int64(n)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Truncate(max(0, size-left)), f.Sync()); err != nil {
		t.Fatal(err)
	}
}
