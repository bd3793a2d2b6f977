//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"testing"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/store/bolt"
)

func init() { roles["full"] = fullChild }

// fullChild works until the file may not grow, again and again, and then with room.
func fullChild(c child) error {
	signal.Ignore(syscall.SIGXFSZ)
	room := func(bytes uint64) error {
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
			limit = 1 << 40
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
				if !errors.Is(err, creditledger.ErrOutcomeUnknown) {
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
	if err == nil && !v.OK {
		err = v.Violation
	}
	return err
}

// TestDiskFull: when the file may not grow, commits fail and nothing else; the ledger
// is opened and verified while it is full, and used again when there is room.
func TestDiskFull(t *testing.T) {
	run := results.Start(t, "disk full")
	run.Set("seed", *seeded)
	const length = 120
	dir := scratch(t)
	var sum tally
	sizes := 4
	if *issue {
		sizes = 16
	}
	for n := range sizes {
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
