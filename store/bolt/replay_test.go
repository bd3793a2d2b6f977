package bolt_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
)

// logged makes two files with the same 140 records: one as a crash leaves it, with the
// last of them in the log alone, and one that was closed.
func logged(t *testing.T) (open, closed string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	open, closed = filepath.Join(dir, "open.db"), filepath.Join(dir, "closed.db")
	s := mustOpen(t, path, nil)
	bolt.Engage(t, s, 1<<20)
	bolt.SetFoldEvery(s, 100)
	indexed(t, s)
	if bolt.Unfolded(s) == 0 {
		t.Fatal("nothing was left unfolded")
	}
	bolt.CrashedCopy(t, s, open)
	mustClose(t, s)
	copyFile(t, path, closed)
	return open, closed
}

// notices reports whether opening a file or verifying all of it says that something is
// wrong, and what.
func notices(t *testing.T, path string) (bool, string) {
	t.Helper()
	s, err := bolt.Open(path, &bolt.Options{ReadOnly: true})
	if err != nil {
		return errors.Is(err, creditledger.ErrCorrupt), err.Error()
	}
	defer mustClose(t, s)
	l := creditledger.New(s, nil)
	defer l.Close()
	v, err := l.VerifyAll(t.Context(), nil)
	if err != nil {
		return errors.Is(err, creditledger.ErrCorrupt), err.Error()
	}
	return v.Violation != nil, fmt.Sprint(v.Violation)
}

// TestNoLogRecordCanBeLeftOut: whichever record of the log is gone, the last one too, or
// all that the tables do not have, that is noticed when the file is opened or verified.
func TestNoLogRecordCanBeLeftOut(t *testing.T) {
	open, closed := logged(t)
	leaveOut := func(from string, first, last uint64) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "planted.db")
		copyFile(t, from, file)
		plant(t, file, func(r rows) {
			for n := first; n <= last; n++ {
				r.delete("log", numbers(n))
			}
		})
		if noticed, says := notices(t, file); !noticed {
			t.Errorf("%s without records %d to %d: %s", filepath.Base(from), first, last, says)
		}
	}
	for _, from := range []string{open, closed} {
		for _, n := range []uint64{1, 2, 70, 71, 99, 100, 101, 102, 120, 139, 140} {
			leaveOut(from, n, n)
		}
		leaveOut(from, 101, 140)
		leaveOut(from, 120, 140)
		leaveOut(from, 1, 140)
	}
}

// TestNoLogRecordCanBeAdded: a record too many in the log, copied or moved there, is
// noticed wherever it stands.
func TestNoLogRecordCanBeAdded(t *testing.T) {
	open, closed := logged(t)
	for _, from := range []string{open, closed} {
		for _, c := range []struct {
			name  string
			plant func(rows)
		}{
			{"before the first", func(r rows) { r.put("log", numbers(0), r.get("log", numbers(1))) }},
			{"behind the last", func(r rows) { r.put("log", numbers(141), r.get("log", numbers(140))) }},
			{"far behind the last", func(r rows) { r.put("log", numbers(1<<40), r.get("log", numbers(140))) }},
			{"of a short number", func(r rows) { r.put("log", []byte("x"), r.get("log", numbers(1))) }},
			{"two that changed places", func(r rows) {
				a, b := r.get("log", numbers(120)), r.get("log", numbers(121))
				r.put("log", numbers(120), b)
				r.put("log", numbers(121), a)
			}},
			{"one moved behind the last", func(r rows) {
				row := r.get("log", numbers(130))
				r.delete("log", numbers(130))
				r.put("log", numbers(141), row)
			}},
		} {
			file := filepath.Join(t.TempDir(), "planted.db")
			copyFile(t, from, file)
			plant(t, file, c.plant)
			if noticed, says := notices(t, file); !noticed {
				t.Errorf("%s, a record %s: %s", filepath.Base(from), c.name, says)
			}
		}
	}
}

// TestAnAccountHasOneNumber: a record of the log under another account's number, or one
// of an account that has a number already, is refused.
func TestAnAccountHasOneNumber(t *testing.T) {
	open, _ := logged(t)
	for _, acct := range []byte{1, 3, 9} {
		file := filepath.Join(t.TempDir(), "planted.db")
		copyFile(t, open, file)
		plant(t, file, func(r rows) {
			row := append([]byte(nil), r.get("log", numbers(140))...)
			row[0] = acct
			r.put("log", numbers(140), row)
		})
		if _, err := bolt.Open(file, nil); !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("account number %d: %v", acct, err)
		}
	}
}
