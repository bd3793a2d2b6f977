package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
)

// refusesAll checks that a poisoned store does no more work, and that it closes.
func refusesAll(t *testing.T, s *bolt.Store) {
	t.Helper()
	_, err := s.Load(t.Context(), ann, nil)
	wantError(t, err, creditledger.ErrPoisoned, "reopen")
	_, err = s.Backup(t.Context(), failing{})
	wantError(t, err, creditledger.ErrPoisoned, "reopen")
	err = s.Commit(t.Context(), []creditledger.Change{{Account: ann, Version: 1, Head: creditledger.Head{Version: 1}}})
	wantError(t, err, creditledger.ErrPoisoned, "reopen")
	if errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("%v: nothing was written, which is not unknown", err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Errorf("Close: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Close does not return")
	}
	_, err = s.Load(t.Context(), ann, nil)
	wantError(t, err, creditledger.ErrClosed, "closed")
}

// TestOutcomeUnknown makes the n-th write of a commit fail, for every n until the
// commit has no such write: before and after it was done, and with a panic.
func TestOutcomeUnknown(t *testing.T) {
	broken := errors.New("input/output error")
	for name, fail := range map[string]func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error){
		"not written": func(func([]byte, int64) (int, error), []byte, int64) (int, error) { return 0, broken },
		"torn": func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
			const some = 40 // ends within a meta page's meta
			write(p[:some], off)
			return some, broken
		},
		"written": func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
			write(p, off)
			return len(p), broken
		},
		"panics": func(func([]byte, int64) (int, error), []byte, int64) (int, error) { panic(broken) },
	} {
		t.Run(name, func(t *testing.T) {
			seen := make(map[uint64]int) // version after reopening
			for n := 1; ; n++ {
				version, reached := outcome(t, n, fail)
				if !reached {
					break
				}
				seen[version]++
			}
			if seen[1] == 0 || seen[1]+seen[2] < 2 {
				t.Errorf("versions after a failed commit: %v", seen)
			}
			if name == "written" && seen[2] != 1 {
				t.Errorf("versions after a failed commit: %v, want one that is there all the same", seen)
			}
			if name != "written" && seen[2] != 0 {
				t.Errorf("versions after a failed commit: %v, want none that is there", seen)
			}
		})
	}
}

// outcome makes the n-th write of a second commit fail, and returns the version that
// the file has when it is opened again.
func outcome(t *testing.T, n int, fail func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error)) (after uint64, reached bool) {
	t.Helper()
	path := path(t)
	s := mustOpen(t, path, nil)
	mustGrant(t, s, ann, 1)
	writes := 0
	bolt.HookWrites(s, func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
		if writes++; writes == n {
			return fail(write, p, off)
		}
		return write(p, off)
	})
	err := grant(t, s, ann, "second")
	if writes < n {
		if err != nil {
			t.Errorf("without a fault: %v", err)
		}
		return 0, false
	}
	wantError(t, err, creditledger.ErrOutcomeUnknown, path)
	var unknown *creditledger.OutcomeUnknownError
	if !errors.As(err, &unknown) || unknown.Key != "second" {
		t.Errorf("error %#v, want the key to retry with", err)
	}
	refusesAll(t, s)

	// Reopened, the same key tells what happened, and happens once.
	s = mustOpen(t, path, &bolt.Options{LockTimeout: -1})
	after = version(t, s, ann)
	if err := grant(t, s, ann, "second"); err != nil {
		t.Errorf("write %d, then again with the key: %v", n, err)
	}
	wantVersion(t, s, ann, 2)
	mustClose(t, s)
	return after, true
}

// TestDamagedWhileOpen damages the file under an open store: an error, no crash, and
// Close returns and gives the lock back.
func TestDamagedWhileOpen(t *testing.T) {
	for name, damage := range map[string]func(path string, page int64) error{
		"zeroed": func(path string, page int64) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt(make([]byte, info.Size()-2*page), 2*page)
			return errors.Join(err, f.Close())
		},
		"cut short": func(path string, page int64) error { return os.Truncate(path, 2*page) },
	} {
		t.Run(name, func(t *testing.T) {
			path := path(t)
			s := mustOpen(t, path, nil)
			mustGrant(t, s, ann, 10)
			if err := damage(path, bolt.PageSize(s)); err != nil {
				t.Fatal(err)
			}
			_, err := s.Accounts(t.Context(), creditledger.AccountID{}, 10)
			if name == "zeroed" && err == nil {
				_, err = s.Document(t.Context(), creditledger.DocumentID{Kind: "k", Key: "k"})
			}
			wantError(t, err, creditledger.ErrCorrupt, "corrupt")
			refusesAll(t, s)
			_, err = bolt.Open(path, &bolt.Options{LockTimeout: -1})
			wantError(t, err, creditledger.ErrCorrupt, path)
		})
	}
}

// TestAPanicInAFoldHangsNobody: bbolt keeps a lock when it panics while it writes a meta page.
// Those who read and commit beside a fold are told, and Close comes to its end.
func TestAPanicInAFoldHangsNobody(t *testing.T) {
	for _, what := range []string{"read", "commit"} {
		s := mustOpen(t, path(t), nil)
		bolt.Engage(t, s, 1<<20)
		mustGrant(t, s, ann, 5)
		bolt.SetFoldEvery(s, 1)
		reached, wait := make(chan struct{}), make(chan struct{})
		bolt.HookWrites(s, func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
			if off < 2*bolt.PageSize(s) {
				close(reached)
				<-wait
				panic("injected")
			}
			return write(p, off)
		})
		mustGrantKey(t, s, 1)
		<-reached // the fold is in the middle of its first commit
		done := make(chan error, 1)
		go func() {
			if what == "commit" {
				done <- grant(t, s, ann, "beside")
				return
			}
			_, err := s.Load(context.Background(), bob, nil)
			done <- err
		}()
		waiting(t, 1)
		close(wait)
		select {
		case err := <-done:
			wantError(t, err, creditledger.ErrPoisoned, "")
		case <-time.After(time.Minute):
			t.Fatalf("a %s hangs", what)
		}
		_ = s.Close()
	}
}

// waiting waits until so many goroutines wait to begin a transaction.
func waiting(t *testing.T, n int) {
	t.Helper()
	for range 100_000 {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if bytes.Count(stacks, []byte("bbolt.(*DB).beginTx")) >= n {
			return
		}
		runtime.Gosched()
	}
	t.Fatal("nobody waits")
}
