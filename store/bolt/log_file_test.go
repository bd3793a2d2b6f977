package bolt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
)

// inTwoFiles is a ledger whose last commits are in its log file, as a crash leaves it: 9
// records of an account.
func inTwoFiles(t *testing.T) (path string) {
	t.Helper()
	dir := t.TempDir()
	live, path := filepath.Join(dir, "live.db"), filepath.Join(dir, "crashed.db")
	s := mustOpen(t, live, nil)
	bolt.Engage(t, s, 1<<20)
	mustGrant(t, s, ann, 9)
	if !bolt.InLog(s) || bolt.Unfolded(s) < 8 {
		t.Fatalf("%d records are unfolded", bolt.Unfolded(s))
	}
	copyLive(t, s, live, path)
	mustClose(t, s)
	return path
}

// TestALedgerAtRestIsOneFile: Close ends the log file, also that of a ledger that a crash
// left, and a short life makes none.
func TestALedgerAtRestIsOneFile(t *testing.T) {
	path := inTwoFiles(t)
	mustClose(t, mustOpen(t, path, nil))
	if _, err := os.Stat(path + "-log"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log file: %v", err)
	}
	s := mustOpen(t, path, nil)
	wantVersion(t, s, ann, 9)
	mustGrantKey(t, s, 1)
	if _, err := os.Stat(path + "-log"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after one commit the log file: %v", err)
	}
}

// TestALogFileThatIsMissedIsTold of, as is one that is cut short, open to others, or left by another ledger.
func TestALogFileThatIsMissedIsToldOf(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(log string) error
		says string
	}{
		"missing":   {os.Remove, "is missing, and commits may be in it"},
		"cut short": {func(log string) error { return os.Truncate(log, 1<<20) }, "it was cut short"},
		"a link": {func(log string) error {
			return errors.Join(os.Rename(log, log+"2"), os.Symlink(log+"2", log))
		}, "is a symbolic link"},
		"open to others": {func(log string) error { return os.Chmod(log, 0o644) }, "is open to others"},
		"of zeros":       {func(log string) error { return os.WriteFile(log, make([]byte, 2<<20), 0o600) }, ""},
		"of another ledger": {func(log string) error {
			data, err := os.ReadFile(inTwoFiles(t) + "-log")
			return errors.Join(err, os.WriteFile(log, data, 0o600))
		}, "of another ledger, or of another copy"},
	} {
		path := inTwoFiles(t)
		if err := c.do(path + "-log"); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{false, true} {
			s, err := bolt.Open(path, &bolt.Options{ReadOnly: readOnly})
			if c.says == "" { // nothing shows that there were frames: a checkpoint does
				if err == nil {
					mustClose(t, s)
				}
				continue
			}
			var file *bolt.FileError
			if !errors.Is(err, creditledger.ErrCorrupt) && !errors.As(err, &file) || !bytes.Contains([]byte(err.Error()), []byte(c.says)) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestALogFileOfALaterStateIsNotRemoved: an older copy of the ledger file was put in the
// place of one that has commits in its log file.
func TestALogFileOfALaterStateIsNotRemoved(t *testing.T) {
	dir := t.TempDir()
	live, older, path := filepath.Join(dir, "live.db"), filepath.Join(dir, "older.db"), filepath.Join(dir, "crashed.db")
	s := mustOpen(t, live, nil)
	mustGrant(t, s, ann, 1)
	copyFile(t, live, older)
	bolt.Engage(t, s, 1<<20)
	mustGrant(t, s, bob, 5)
	copyLive(t, s, live, path)
	copyFile(t, older, path)
	_, err := bolt.Open(path, nil)
	wantFileError(t, err, path+"-log", "commits that are not of this ledger file")
	if _, err := os.Stat(path + "-log"); err != nil {
		t.Error(err)
	}
}

// TestCopiesTakeInTheLogFile: a backup of a ledger that is open, for writing or for reading
// only, and a compaction have what is in the log file, and are one file.
func TestCopiesTakeInTheLogFile(t *testing.T) {
	for name, copied := range map[string]func(t *testing.T, path, to string) error{
		"backup while open": func(t *testing.T, path, to string) error { return backup(t, mustOpen(t, path, nil), to) },
		"backup while reading": func(t *testing.T, path, to string) error {
			return backup(t, mustOpen(t, path, &bolt.Options{ReadOnly: true}), to)
		},
		"compact": func(_ *testing.T, path, to string) error { return bolt.Compact(path, to) },
		"compact in place": func(t *testing.T, path, to string) error {
			_, _, err := bolt.CompactInPlace(t.Context(), path, nil)
			return errors.Join(err, os.Rename(path, to))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := inTwoFiles(t)
			to := filepath.Join(t.TempDir(), "copy.db")
			if err := copied(t, path, to); err != nil {
				t.Fatal(err)
			}
			s := mustOpen(t, to, nil)
			wantVersion(t, s, ann, 9)
			l := creditledger.New(s, nil)
			if v, err := l.VerifyAll(t.Context(), nil); err != nil || v.Violation != nil {
				t.Error(v.Violation, err)
			}
		})
	}
}

func backup(t *testing.T, s *bolt.Store, to string) error {
	t.Helper()
	var data bytes.Buffer
	if _, err := s.Backup(t.Context(), &data); err != nil {
		return err
	}
	return bolt.Restore(t.Context(), &data, to)
}

// TestRecoverReadsTheLogFile, and says that nothing proves its end; without it, that
// something may be missing.
func TestRecoverReadsTheLogFile(t *testing.T) {
	for _, kept := range []bool{true, false} {
		path := inTwoFiles(t)
		if !kept {
			if err := os.Remove(path + "-log"); err != nil {
				t.Fatal(err)
			}
		}
		r, err := bolt.Recover(t.Context(), path, path+".new")
		if err != nil || r.Whole() || len(r.Accounts) != 1 || (r.Accounts[0].Recovered == 9) != kept {
			t.Errorf("log file kept %v: %+v, %v", kept, r, err)
		}
	}
}

// TestATornFoldIsGoneOnWith: whatever transaction of a fold was the last, the ledger is
// the same when it is opened again, for reading too.
func TestATornFoldIsGoneOnWith(t *testing.T) {
	dir := t.TempDir()
	live := filepath.Join(dir, "live.db")
	s := mustOpen(t, live, nil)
	bolt.Engage(t, s, 1<<20)
	for _, name := range []string{"ann", "bob", "cid"} {
		mustGrant(t, s, creditledger.AccountID{Customer: name, Currency: "credits"}, 3)
	}
	bolt.SetFoldEvery(s, 1)
	states := 0
	bolt.HookWrites(s, func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
		n, err := write(p, off)
		if off < 2*bolt.PageSize(s) { // one is over
			states++
			to := filepath.Join(dir, "torn.db")
			copyFile(t, live, to)
			copyFile(t, live+"-log", to+"-log")
			for _, readOnly := range []bool{true, false} {
				again, err := bolt.Open(to, &bolt.Options{ReadOnly: readOnly})
				if err != nil {
					t.Errorf("state %d, read only %v: %v", states, readOnly, err)
					continue
				}
				l := creditledger.New(again, nil)
				v, err := l.VerifyAll(t.Context(), nil)
				if err != nil || v.Violation != nil || v.Accounts != 3 {
					t.Errorf("state %d, read only %v: %+v, %v", states, readOnly, v, err)
				}
				mustClose(t, again)
			}
		}
		return n, err
	})
	mustGrantKey(t, s, 1)
	mustGrantKey(t, s, 2)
	mustClose(t, s)
	if states < 4 {
		t.Errorf("%d states", states)
	}
}
