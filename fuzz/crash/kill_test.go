//go:build linux

package crash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/store/bolt"
)

func init() { roles["kill"] = killChild }

// killChild carries out a script, and says what it begins and what is acknowledged. It dies
// at one of the writes: before it, in the middle of it, or after it. Half way through it
// closes the file and opens it again.
func killChild(c child) error {
	var writes atomic.Int64
	opened := func() (*bolt.Store, error) {
		s, err := bolt.Open(c.Path, nil)
		if err != nil {
			return nil, err
		}
		setFoldEvery(s, foldEvery)
		db := database(s)
		hookWrites(s, c.NoSync, func(in file, orig writeAt, p []byte, off int64) (int, error) {
			if writes.Add(1) == int64(c.Kill) {
				cut := map[string]int{"before": 0, "torn": len(p) / 2, "after": len(p)}[c.How]
				if c.How == "torn" && in == ledgerFile && isMeta(db, off) {
					cut = 16 + 40 // in the middle of what the checksum covers
				}
				_, _ = orig(p[:cut], off)
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
			return orig(p, off)
		})
		return s, nil
	}
	steps := wideScript(c.Seed, c.Steps)
	for half := range 2 {
		s, err := opened()
		if err != nil {
			return err
		}
		w := newWorld(s, steps)
		from := max(c.From, half*c.Steps/2)
		if err := work(w, from, max(from, (half+1)*c.Steps/2), c); err != nil {
			return err
		}
		if err := errors.Join(w.l.Close(), s.Close()); err != nil {
			return err
		}
	}
	fmt.Printf("w %d\n", writes.Load())
	return nil
}

// work does some steps, as many of them at once as the window is wide.
func work(w *world, from, to int, c child) error {
	type pending struct {
		step int
		wait func() (string, error)
	}
	var queue []pending
	settle := func() error {
		for _, p := range queue {
			a, err := p.wait()
			if err != nil {
				return err
			}
			if !c.Early {
				fmt.Printf("a %d %s\n", p.step, a)
			}
		}
		queue = queue[:0]
		return nil
	}
	for i := from; i < to; i++ {
		fmt.Printf("s %d\n", i)
		wait, err := w.submit(i)
		switch {
		case err != nil && !refused(err):
			return err
		case err != nil:
			fmt.Printf("r %d\n", i)
			continue
		}
		if c.Early {
			fmt.Printf("a %d early\n", i)
		}
		queue = append(queue, pending{i, wait})
		if len(queue) >= c.Window {
			if err := settle(); err != nil {
				return err
			}
		}
	}
	return settle()
}

// heard is what a child said before it ended.
type heard struct {
	begun   int            // the last step it began, -1: none
	answers map[int]string // acknowledged
	refused map[int]bool
	writes  int // it ended by itself, after so many
}

func listen(out *bufio.Reader, upTo func(heard) bool) heard {
	h := heard{begun: -1, answers: map[int]string{}, refused: map[int]bool{}}
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			return h
		}
		var what, a string
		var n int
		_, _ = fmt.Sscan(line, &what, &n, &a)
		switch what {
		case "s":
			h.begun = n
		case "a":
			h.answers[n] = a
		case "r":
			h.refused[n] = true
		case "w":
			h.writes = n
		}
		if upTo != nil && upTo(h) {
			upTo = nil
		}
	}
}

// tally counts what the tests of acknowledged operations found.
type tally struct {
	mu                              sync.Mutex
	runs, acked, lost, bad, unacked int
}

// examine opens what a crash left, and compares it with what was acknowledged: nothing of
// that is missing or different, and nothing is there that was not begun. Then it repeats
// the script from the first step without an answer, which has to end where a run without a
// crash ends. It returns what is wrong.
func examine(t *testing.T, path string, steps []step, h heard, window int, sum *tally) (wrong []string) {
	t.Helper()
	problem := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	s := open(t, path)
	defer s.Close()
	setFoldEvery(s, foldEvery)
	w := newWorld(s, steps)
	verified(t, w.l, nil)
	ctx := context.Background()
	lost, unacked := 0, 0
	first := len(steps)                      // without an answer
	last := map[creditledger.AccountID]int{} // stored of the account
	for i, st := range steps {
		if st.sweeps() {
			if _, acked := h.answers[i]; !acked {
				first = min(first, i)
			}
			continue
		}
		seq, stored := uint64(0), 0
		for _, on := range st.accounts() {
			n, err := s.KeySeq(ctx, normal(on), st.key)
			if err != nil {
				t.Fatal(err)
			}
			if n != 0 {
				seq, stored, last[on] = n, stored+1, i
			}
		}
		if stored > 0 && stored < len(st.accounts()) {
			problem("step %d is stored on %d of its %d accounts", i, stored, len(st.accounts()))
		}
		_, acked := h.answers[i]
		switch {
		case acked && seq == 0:
			lost++
			problem("step %d was acknowledged and is lost", i)
		case seq != 0 && i > h.begun:
			problem("step %d is stored and was never begun", i)
		case seq != 0 && !acked:
			unacked++
		}
		if !acked && !h.refused[i] {
			first = min(first, i)
		}
	}
	if unacked > window {
		problem("%d steps are stored without an acknowledgement, %d were on their way", unacked, window)
	}
	for i := range steps {
		// A step that was refused before a stored one is not repeated: now it would be
		// asked after that one.
		before := func(on creditledger.AccountID) bool { return i < last[on] }
		if i < first && steps[i].sweeps() || h.refused[i] && (i < first || slices.ContainsFunc(steps[i].accounts(), before)) {
			continue
		}
		a, err := w.do(i)
		if err != nil && !refused(err) {
			t.Fatalf("step %d again: %v", i, err)
		}
		if want, acked := h.answers[i]; acked && !steps[i].sweeps() && a != want {
			problem("step %d was acknowledged as %s and is now %s (%v)", i, want, a, err)
		}
	}
	verified(t, w.l, nil)
	if got, want := w.history(t), expected(t, steps); got != want {
		problem("the history after the crash and a repetition differs from that without a crash:\n%s\nnot\n%s", got, want)
	}
	sum.mu.Lock()
	defer sum.mu.Unlock()
	sum.runs++
	sum.acked += len(h.answers)
	sum.lost += lost
	sum.unacked += unacked
	return wrong
}

// normal is the account as the store has it.
func normal(id creditledger.AccountID) creditledger.AccountID {
	if id.Currency == "" {
		id.Currency = creditledger.DefaultCurrency
	}
	return id
}

// died makes sure that a child was killed and did not end by itself.
func died(t *testing.T, cmd *exec.Cmd, stderr *os.File) {
	t.Helper()
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child was to be killed, and ended with %v: %s", err, said(stderr))
	}
}

// TestSelfKill kills the process at every write that bbolt makes: before the write, in the
// middle of it and after it. It does so for all writes of one seed, and then for those of
// the next.
func TestSelfKill(t *testing.T) {
	run := results.Start(t, "self-kill")
	run.Set("seed", *seeded)
	const length = 30
	dir := scratch(t)
	empty := fresh(t, dir, "empty.db")
	var sum tally
	for seed := *seeded; sum.runs < kills() && !t.Failed(); seed++ {
		path := filepath.Join(dir, fmt.Sprintf("count-%d.db", seed))
		copyFile(t, empty, path)
		c := child{Role: "kill", Path: path, Seed: seed, Steps: length, Window: 1}
		cmd, out, stderr := start(t, c)
		h := listen(out, nil)
		if err := cmd.Wait(); err != nil || h.writes < length {
			t.Fatalf("the child without a kill: %v, %d writes: %s", err, h.writes, said(stderr))
		}
		stride := max(1, 3*h.writes/(kills()-sum.runs))
		killAll(t, dir, empty, c, h.writes, stride, &sum)
		run.Set("writes of a run", h.writes)
	}
	run.Set("kills", sum.runs)
	run.Set("acknowledged", sum.acked)
	run.Set("acknowledged lost", sum.lost)
	run.Set("stored unacknowledged", sum.unacked)
}

// killAll kills before, in and after every stride-th write.
func killAll(t *testing.T, dir, empty string, c child, writes, stride int, sum *tally) {
	t.Helper()
	steps := wideScript(c.Seed, c.Steps)
	gate := make(chan struct{}, 2)
	var all sync.WaitGroup
	for k := 1; k <= writes && sum.count() < kills(); k += stride {
		for _, how := range []string{"before", "torn", "after"} {
			gate <- struct{}{}
			all.Go(func() {
				defer func() { <-gate }()
				name := fmt.Sprintf("seed %d, %s write %d", c.Seed, how, k)
				c := c
				c.Path = filepath.Join(dir, fmt.Sprintf("kill-%d-%d-%s.db", c.Seed, k, how))
				c.Kill, c.How = k, how
				defer removeLedger(c.Path)
				t.Run(name, func(t *testing.T) {
					copyFile(t, empty, c.Path)
					cmd, out, stderr := start(t, c)
					h := listen(out, nil)
					died(t, cmd, stderr)
					for _, wrong := range examine(t, c.Path, steps, h, c.Window, sum) {
						t.Error(wrong)
					}
				})
			})
		}
	}
	all.Wait()
}

func (s *tally) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs
}

// TestSelfKillControl: a process that acknowledges before it commits loses operations, and
// the examination says so.
func TestSelfKillControl(t *testing.T) {
	run := results.Start(t, "control of self-kill: acknowledged before the commit")
	var sum tally
	dir := scratch(t)
	found := 0
	for k := 10; k < 60; k += 10 {
		path := fresh(t, dir, fmt.Sprintf("early-%d.db", k))
		cmd, out, stderr := start(t, child{Role: "kill", Path: path, Seed: *seeded, Steps: 30, Kill: k, How: "before", Window: 1, Early: true})
		h := listen(out, nil)
		died(t, cmd, stderr)
		if wrong := examine(t, path, wideScript(*seeded, 30), h, 1, &sum); len(wrong) > 0 {
			found++
		}
	}
	run.Set("kills", sum.runs)
	run.Set("acknowledged", sum.acked)
	run.Set("acknowledged lost", sum.lost)
	if sum.lost == 0 || found == 0 {
		t.Error("the control lost nothing: the test cannot see a loss")
	}
}

// TestRandomKill kills from outside, at a random moment, with several operations on
// their way.
func TestRandomKill(t *testing.T) {
	run := results.Start(t, "kill from outside at random")
	run.Set("seed", *seeded)
	random := rand.New(rand.NewPCG(*seeded, 11))
	const length, window = 200, 4
	dir := scratch(t)
	var sum tally
	for n := range randoms() {
		seed := *seeded + uint64(n)
		path := fresh(t, dir, fmt.Sprintf("random-%d.db", n))
		cmd, out, stderr := start(t, child{Role: "kill", Path: path, Seed: seed, Steps: length, Window: window})
		after, wait := random.IntN(length), time.Duration(random.IntN(500))*time.Microsecond
		ended := false
		h := listen(out, func(h heard) bool {
			if h.begun < after {
				return false
			}
			time.Sleep(wait)
			ended = cmd.Process.Kill() != nil
			return true
		})
		if h.writes == 0 && !ended {
			died(t, cmd, stderr)
		} else {
			_ = cmd.Wait()
		}
		for _, wrong := range examine(t, path, wideScript(seed, length), h, window, &sum) {
			t.Errorf("seed %d: %s", seed, wrong)
		}
		removeLedger(path)
	}
	run.Set("kills", sum.runs)
	run.Set("acknowledged", sum.acked)
	run.Set("acknowledged lost", sum.lost)
	run.Set("stored unacknowledged", sum.unacked)
}
