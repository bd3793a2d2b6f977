//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

// fault makes one write of bbolt fail.
type fault struct {
	at     int    // the write, from 1
	how    string // before, torn, after: what is written first; panic
	mu     sync.Mutex
	writes int
	fired  atomic.Bool
}

func (f *fault) into(s *bolt.Store) {
	hookWrites(s, false, func(_ file, orig writeAt, p []byte, off int64) (int, error) {
		if !f.now() {
			return orig(p, off)
		}
		switch f.how {
		case "panic":
			panic("injected")
		case "torn":
			_, _ = orig(p[:len(p)/3], off)
		case "after":
			_, _ = orig(p, off)
		}
		return 0, syscall.EIO
	})
}

// now counts a write, and reports whether it is the one that fails.
func (f *fault) now() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if f.writes == f.at {
		f.fired.Store(true)
	}
	return f.writes == f.at
}

// through carries out a script with a fault. After the fault the outcome is unknown and the
// store refuses work. When it is opened again, the same key tells what happened.
func (f *fault) through(t *testing.T, path string, steps []step, run *results.Run) string {
	t.Helper()
	opened := func() (*bolt.Store, *world) {
		s := open(t, path)
		setFoldEvery(s, foldEvery)
		f.into(s)
		return s, newWorld(s, steps)
	}
	s, w := opened()
	for i := 0; i < len(steps); i++ {
		_, err := w.do(i)
		if err == nil || refused(err) {
			continue
		}
		var unknown *creditledger.OutcomeUnknownError
		switch {
		case f.fired.Load() && errors.Is(err, creditledger.ErrPoisoned): // a fold beside the commits has failed
			run.Count("failed folds", 1)
		case !f.fired.Load() || !errors.As(err, &unknown):
			t.Fatalf("step %d: %v", i, err)
		case !steps[i].sweeps() && unknown.Key != steps[i].key:
			t.Errorf("step %d: the key to repeat it with is %q", i, unknown.Key)
		default:
			run.Count("unknown outcomes", 1)
		}
		if _, err := w.do(i); !errors.Is(err, creditledger.ErrPoisoned) {
			t.Errorf("step %d: after an unknown outcome: %v", i, err)
		}
		if _, err := s.Load(context.Background(), normal(steps[i].on), nil); !errors.Is(err, creditledger.ErrPoisoned) {
			t.Errorf("step %d: a read after an unknown outcome: %v", i, err)
		}
		w.l.Close()
		if err := s.Close(); err != nil {
			t.Errorf("close after an unknown outcome: %v", err)
		}
		s, w = opened()
		verified(t, w.l, nil)
		if seq, err := s.KeySeq(context.Background(), normal(steps[i].on), steps[i].key); err == nil && seq != 0 {
			run.Count("unknown and committed", 1)
		}
		i-- // with the same key
	}
	err := errors.Join(w.l.Close(), s.Close())
	if err != nil && !f.fired.Load() {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	w = newWorld(s, steps)
	verified(t, w.l, nil)
	return w.history(t)
}

// TestFailedWrites fails every write of bbolt in turn: before it is made, in its
// middle, after it, and by a panic.
func TestFailedWrites(t *testing.T) {
	run := results.Start(t, "failed writes")
	run.Set("seed", *seeded)
	run.Count("unknown and committed", 0)
	dir := scratch(t)
	steps := script(*seeded, 24)
	want := expected(t, steps)
	stride := testsize.Of(5, 5, 1)
	for _, how := range []string{"before", "torn", "after", "panic"} {
		for at := 1; ; at += stride {
			f := &fault{at: at, how: how}
			path := fresh(t, dir, fmt.Sprintf("%s-%d.db", how, at))
			got := f.through(t, path, steps, run)
			if got != want {
				t.Errorf("write %d, %s: the history is\n%s\nnot\n%s", at, how, got, want)
			}
			if !f.fired.Load() {
				break
			}
			run.Count("faults", 1)
		}
	}
	if run.Get("unknown and committed") == 0 {
		t.Error("no commit failed after it was made: the retry by key was never needed")
	}
}

// TestFailedWritesControl: without a key, an operation of unknown outcome that is repeated
// happens twice.
func TestFailedWritesControl(t *testing.T) {
	run := results.Start(t, "control of failed writes: repeated without a key")
	path := fresh(t, scratch(t), "ledger.db")
	s := open(t, path)
	ctx := context.Background()
	grant := creditledger.Increment{Amount: creditledger.AmountOf(10)}
	on := creditledger.AccountID{Customer: "c"}
	armed := false
	hookWrites(s, false, func(_ file, orig writeAt, p []byte, off int64) (int, error) {
		n, err := orig(p, off)
		if armed && isMeta(database(s), off) {
			return n, syscall.EIO
		}
		return n, err
	})
	armed = true
	if _, err := creditledger.New(s, nil).Do(ctx, on, grant, ""); !errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Fatalf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	l := creditledger.New(s, nil)
	if _, err := l.Do(ctx, on, grant, ""); err != nil {
		t.Fatal(err)
	}
	b, err := l.Balance(ctx, on, creditledger.BalanceQuery{})
	run.Set("granted", 10)
	run.Set("balance", b.Total.String())
	if err != nil || b.Total.Cmp(creditledger.AmountOf(20)) != 0 {
		t.Errorf("the balance is %s (%v): the test cannot see a double effect", b.Total, err)
	}
}

// A panic inside a commit poisons the store, and closing it gives the lock back to
// this process and others.
func TestPanicReleasesTheLock(t *testing.T) {
	path := fresh(t, scratch(t), "ledger.db")
	s := open(t, path)
	(&fault{at: 1, how: "panic"}).into(s)
	w := newWorld(s, script(*seeded, 5))
	unknown := false
	for i := range 5 {
		if _, err := w.do(i); errors.Is(err, creditledger.ErrOutcomeUnknown) {
			unknown = true
		}
	}
	if !unknown {
		t.Fatal("the panic never came")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again := open(t, path)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// A panic while Close folds the tail, inside the locks of bbolt, must not make Close
// wait for ever.
func TestPanicInClose(t *testing.T) {
	for at := 1; ; at++ {
		path := fresh(t, scratch(t), "ledger.db")
		s := open(t, path)
		w := newWorld(s, script(*seeded, 10))
		for i := range 10 {
			if _, err := w.do(i); err != nil && !refused(err) {
				t.Fatal(err)
			}
		}
		f := &fault{at: at, how: "panic"}
		f.into(s)
		if err := s.Close(); (err != nil) != f.fired.Load() {
			t.Errorf("write %d: close: %v", at, err)
		}
		again := open(t, path)
		verified(t, creditledger.New(again, nil), nil)
		if err := again.Close(); err != nil {
			t.Error(err)
		}
		if !f.fired.Load() {
			return
		}
	}
}

func init() { roles["open"] = openChild }

// openChild says whether it can open a ledger.
func openChild(c child) error {
	s, err := bolt.Open(c.Path, &bolt.Options{ReadOnly: c.How == "read", LockTimeout: -1})
	switch {
	case errors.Is(err, creditledger.ErrLocked):
		fmt.Println("a 0 locked")
	case err != nil:
		return err
	default:
		fmt.Println("a 0 opened")
		return s.Close()
	}
	return nil
}

// A second process gets an error at once. It neither waits nor opens the ledger beside the
// first.
func TestSecondOpener(t *testing.T) {
	path := fresh(t, scratch(t), "ledger.db")
	ask := func(how, want string) {
		t.Helper()
		cmd, out, stderr := start(t, child{Role: "open", Path: path, How: how})
		h := listen(out, nil)
		if err := cmd.Wait(); err != nil || h.answers[0] != want {
			t.Errorf("%s: %q, want %q: %v %s", how, h.answers[0], want, err, said(stderr))
		}
	}
	s := open(t, path)
	ask("write", "locked")
	ask("read", "locked")
	if _, err := bolt.Open(filepath.Join(filepath.Dir(path), ".", filepath.Base(path)), &bolt.Options{LockTimeout: -1}); !errors.Is(err, creditledger.ErrLocked) {
		t.Errorf("in the same process: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ask("write", "opened")
	s, err := bolt.Open(path, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ask("read", "opened")
	ask("write", "locked")
}
