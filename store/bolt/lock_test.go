package bolt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
)

// TestNoTwoWriteOneLogFile: a copy was put in the place of a ledger file that is open. It has a
// lock of its own, and the same log file.
func TestNoTwoWriteOneLogFile(t *testing.T) {
	for name, grants := range map[string]int{"with commits": 9, "with one half begun": 0} {
		path := path(t)
		s := mustOpen(t, path, nil)
		bolt.Engage(t, s, 1<<20)
		mustGrant(t, s, ann, 1+grants)
		copyFile(t, path, path+"2")
		if err := os.Rename(path+"2", path); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path + "-log")
		if err != nil {
			t.Fatal(err)
		}
		for way, err := range map[string]error{
			"opened":    tried(path, bolt.Options{LockTimeout: -1}),
			"read only": tried(path, bolt.Options{LockTimeout: -1, ReadOnly: true}),
			"joined":    joined(t, path),
			"recovered": second(bolt.Recover(t.Context(), path, filepath.Join(t.TempDir(), "recovered.db"))),
		} {
			wantLocked(t, name+", "+way, err, path+"-log")
		}
		if after, err := os.ReadFile(path + "-log"); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the log file was written to (%v)", name, err)
		}
		mustClose(t, s)
		wantVersion(t, mustOpen(t, path, nil), ann, uint64(1+grants))
	}
}

// TestALogFileInWaitIsLocked: a closed copy was put in the place of a ledger file that is open, whose log file is
// not in use yet.
func TestALogFileInWaitIsLocked(t *testing.T) {
	path := path(t)
	s := mustOpen(t, path, nil)
	mustGrant(t, s, ann, 1)
	bolt.Engage(t, s, 1<<20)
	copyFile(t, path, path+"2")
	if err := os.Rename(path+"2", path); err != nil {
		t.Fatal(err)
	}
	wantLocked(t, "opened", tried(path, bolt.Options{LockTimeout: -1}), path+"-log")
	mustClose(t, s)
	wantVersion(t, mustOpen(t, path, nil), ann, 1)
	if _, err := os.Stat(path + "-log"); !errors.Is(err, os.ErrNotExist) {
		t.Error("the log file that nobody has is still there: ", err)
	}
}

// wantLocked: the error names the file, and its holder where the system tells.
func wantLocked(t *testing.T, name string, err error, path string) {
	t.Helper()
	var locked *bolt.LockedError
	if !errors.As(err, &locked) || locked.Path != path || !errors.Is(err, creditledger.ErrLocked) {
		t.Errorf("%s: %v", name, err)
	} else if runtime.GOOS == "linux" && locked.Process != os.Getpid() {
		t.Errorf("%s: held by process %d", name, locked.Process)
	}
}

// tried opens a ledger and closes it.
func tried(path string, o bolt.Options) error {
	s, err := bolt.Open(path, &o)
	if err == nil {
		err = s.Close()
	}
	return err
}
