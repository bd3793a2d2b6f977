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
		"missing":   {os.Remove, "is missing: the ledger was not closed"},
		"cut short": {func(log string) error { return os.Truncate(log, 1<<20) }, "it was cut short"},
		"a link": {func(log string) error {
			return errors.Join(os.Rename(log, log+"2"), os.Symlink(log+"2", log))
		}, "is not the log file of the ledger"},
		"open to others": {func(log string) error { return os.Chmod(log, 0o644) }, "is open to others"},
		"of zeros":       {func(log string) error { return os.WriteFile(log, make([]byte, 4096+2<<20), 0o600) }, "is another one than the ledger file has"},
		"of another ledger": {func(log string) error {
			data, err := os.ReadFile(inTwoFiles(t) + "-log")
			return errors.Join(err, os.WriteFile(log, data, 0o600))
		}, "is another one than the ledger file has"},
	} {
		path := inTwoFiles(t)
		if err := c.do(path + "-log"); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{false, true} {
			_, err := bolt.Open(path, &bolt.Options{ReadOnly: readOnly})
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
	_, err = bolt.Open(path, &bolt.Options{ReadOnly: true})
	wantFileError(t, err, path+"-log", "commits that are not of this ledger file")
	wantFileError(t, joined(t, path), path+"-log", "commits that are not of this ledger file")
	if err := os.Remove(path); err != nil { // nor is a new ledger begun beside it
		t.Fatal(err)
	}
	_, err = bolt.Open(path, nil)
	wantFileError(t, err, path+"-log", "commits that are not of this ledger file")
	_, missing := os.Stat(path)
	if _, err := os.Stat(path + "-log"); err != nil || !errors.Is(missing, os.ErrNotExist) {
		t.Error(err, missing)
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

// TestAFileOfThatNameIsSomebodys: a file that is no log is neither removed nor written over,
// and a log that another ledger has under that name by now is not removed.
func TestAFileOfThatNameIsSomebodys(t *testing.T) {
	dir := t.TempDir()
	other, path := filepath.Join(dir, "audit-log"), filepath.Join(dir, "audit")
	s := mustOpen(t, other, nil)
	mustGrant(t, s, bob, 3)
	mustClose(t, s)
	unchanged(t, other, func() {
		s := mustOpen(t, path, nil)
		mustGrant(t, s, ann, 50)
		mustClose(t, s)
	})

	moved := filepath.Join(dir, "moved")
	a := mustOpen(t, filepath.Join(dir, "a"), nil)
	bolt.Engage(t, a, 1<<20)
	mustGrant(t, a, ann, 3)
	if err := errors.Join(os.Rename(filepath.Join(dir, "a"), moved), os.Rename(filepath.Join(dir, "a-log"), moved+"-log")); err != nil {
		t.Fatal(err)
	}
	b := mustOpen(t, filepath.Join(dir, "a"), nil)
	bolt.Engage(t, b, 1<<20)
	mustGrant(t, b, bob, 3)
	_ = a.Close()
	mustGrantKey(t, b, 7)
	copyLive(t, b, filepath.Join(dir, "a"), filepath.Join(dir, "copy"))
	wantVersion(t, mustOpen(t, filepath.Join(dir, "copy"), nil), bob, 3)
	wantVersion(t, mustOpen(t, moved, nil), ann, 3)
}

// TestALogFileThatIsTakenAway while the ledger is open, or that something else writes to, costs
// nothing: the next commit brings all that was in it into the ledger file, and those that
// follow go there. What has the name by then is left alone.
func TestALogFileThatIsTakenAway(t *testing.T) {
	for name, do := range map[string]func(log string) error{
		"removed":      os.Remove,
		"moved":        func(log string) error { return os.Rename(log, log+"2") },
		"cut short":    func(log string) error { return os.Truncate(log, 100) },
		"another file": func(log string) error { return os.WriteFile(log, []byte("precious"), 0o600) },
		"of zeros":     func(log string) error { return writeOver(log, make([]byte, 4096+2<<20)) },
		"written over": func(log string) error { return writeOver(log, bytes.Repeat([]byte("backup"), 40000)) },
		"replaced": func(log string) error {
			return errors.Join(os.Rename(log, log+"2"), os.WriteFile(log, []byte("notes"), 0o644))
		},
		"a directory": func(log string) error { return errors.Join(os.Remove(log), os.Mkdir(log, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			live, killed := filepath.Join(dir, "live.db"), filepath.Join(dir, "killed.db")
			s := mustOpen(t, live, nil)
			bolt.Engage(t, s, 1<<20)
			mustGrant(t, s, ann, 5)
			if err := do(live + "-log"); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(live + "-log")
			mustGrantKey(t, s, 1)
			copyFile(t, live, killed)
			wantVersion(t, mustOpen(t, killed, nil), ann, 6)
			mustGrantKey(t, s, 2)
			mustClose(t, s)
			wantVersion(t, mustOpen(t, live, nil), ann, 7)
			after, _ := os.Lstat(live + "-log")
			theirs := name != "removed" && name != "moved"
			if theirs && (after == nil || !os.SameFile(before, after)) || !theirs && after != nil {
				t.Errorf("the log file was %v and is %v", before, after)
			}
		})
	}
}

func writeOver(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Close())
}

// TestAHugeLogFileCostsNothing: neither what the ledger file says of the size of its log file nor
// the size of one that is left there is believed.
func TestAHugeLogFileCostsNothing(t *testing.T) {
	path := inTwoFiles(t)
	if err := os.Truncate(path+"-log", 1<<40); err != nil {
		t.Skip(err)
	}
	_, err := bolt.Open(path, nil)
	wantError(t, err, creditledger.ErrCorrupt, "it was cut short or written to")
	r, err := bolt.Recover(t.Context(), path, path+".new")
	if err != nil || len(r.Accounts) != 1 || r.Accounts[0].Recovered != 9 {
		t.Errorf("recovered: %+v, %v", r, err)
	}
}

// TestNoByteOfWhatIsSaidOfTheLogFileIsBelieved when it is damaged: bbolt's pages have no
// checksum, and a log file taken for one that is not in use would be removed.
func TestNoByteOfWhatIsSaidOfTheLogFileIsBelieved(t *testing.T) {
	path := inTwoFiles(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + "-log")
	if err != nil {
		t.Fatal(err)
	}
	id := log[16:32] // behind the words that begin it
	size := 1 + 8 + 16 + 16 + 8
	for i := range size {
		damaged := bytes.Clone(data)
		places := 0
		for at := 0; ; {
			n := bytes.Index(data[at:], id)
			if n < 0 {
				break
			}
			damaged[at+n-9+i] ^= 1
			at += n + len(id)
			places++
		}
		if err := errors.Join(os.WriteFile(path, damaged, 0o600)); err != nil || places == 0 {
			t.Fatalf("%d places, %v", places, err)
		}
		unchanged(t, path+"-log", func() {
			_, err := bolt.Open(path, nil)
			wantError(t, err, creditledger.ErrCorrupt, "log file")
		})
		if i%16 == 0 {
			to := filepath.Join(t.TempDir(), "new.db")
			r, err := bolt.Recover(t.Context(), path, to)
			if err != nil || r.Whole() || len(r.Accounts) != 1 || r.Accounts[0].Recovered != 9 {
				t.Errorf("byte %d: recovered %+v, %v", i, r, err)
			}
		}
	}
}

// TestNoLedgerFileIsMadeBesideALogFileThatWaits for its own, nor in the place of one.
func TestNoLedgerFileIsMadeBesideALogFileThatWaits(t *testing.T) {
	path := inTwoFiles(t)
	waits := filepath.Join(t.TempDir(), "gone.db")
	if err := os.Rename(path+"-log", waits+"-log"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"CheckPlace": bolt.CheckPlace(waits),
		"Restore":    bolt.Restore(t.Context(), bytes.NewReader(nil), waits),
		"Open":       second(bolt.Open(waits, nil)),
		"Recover":    second(bolt.Recover(t.Context(), path, waits)),
	} {
		var about *bolt.FileError
		if !errors.As(err, &about) || about.Path != waits+"-log" {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantFileError(t, bolt.CheckPlace(waits+"-log"), waits+"-log", "is the log file of a ledger")
	if err := errors.Join(bolt.CheckPlace(path), bolt.CheckPlace(path+"new")); err != nil {
		t.Error(err)
	}
	other := filepath.Join(t.TempDir(), "open.db")
	mustOpen(t, other, nil)
	wantError(t, bolt.CheckPlace(other), creditledger.ErrLocked, "")
	if _, err := os.Lstat(waits); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestALedgerFileThatIsReplacedKeepsItsLogFile: a copy was put in the place of the ledger file
// while it was open. Close folds into a file without a name; the copy needs the log file.
func TestALedgerFileThatIsReplacedKeepsItsLogFile(t *testing.T) {
	path := path(t)
	s := mustOpen(t, path, nil)
	bolt.Engage(t, s, 1<<20)
	mustGrant(t, s, ann, 9)
	copyFile(t, path, path+"2")
	if err := os.Rename(path+"2", path); err != nil {
		t.Fatal(err)
	}
	wantFileError(t, grant(t, s, ann, "new"), path, "no longer names the open file")
	mustClose(t, s)
	wantVersion(t, mustOpen(t, path, nil), ann, 9)
}
