package bolt

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"go.etcd.io/bbolt"
)

// SetFoldEvery changes how many log records are kept unfolded at most.
func SetFoldEvery(s *Store, records int) { s.foldEvery = records }

// SetFoldSize changes how many bytes what is kept unfolded may take up.
func SetFoldSize(s *Store, bytes int) { s.foldSize = bytes }

// Unfolded returns how many log records are unfolded now.
func Unfolded(s *Store) int { return s.tail.records }

// Occupy keeps a joined store's calls waiting until release is called.
func Occupy(j *Joined) (release func()) {
	j.turn <- struct{}{}
	return func() { <-j.turn }
}

// UnfoldedSize returns what they take up, as the store counts it.
func UnfoldedSize(s *Store) int { return s.tail.size }

// Build makes a file as all new files are made.
func Build(path string, fill func(temporary string) error) error { return build(path, fill) }

// HoldTables makes the tables look as if they were being folded.
func HoldTables(s *Store) (release func()) {
	s.folding <- struct{}{}
	return s.endFold
}

// Engage makes a log file with halves of so many bytes at once, which commits go into from the
// next one on.
func Engage(t testing.TB, s *Store, half int64) {
	t.Helper()
	s.logSize = 4096 + 2*half
	if err := s.makeLog(); err != nil {
		t.Fatal(err)
	}
}

// EngageIfNone is Engage where no log file was left behind.
func EngageIfNone(t testing.TB, s *Store, half int64) {
	t.Helper()
	if s.log == nil {
		Engage(t, s, half)
	}
}

// CrashedCopy copies a ledger that is open, as a crash would leave it, into a single file: what
// is in the log file and not folded stands in the log of the database, as older releases left
// it there.
func CrashedCopy(t testing.TB, s *Store, to string) {
	t.Helper()
	s.folding <- struct{}{} // nobody folds
	defer s.endFold()
	for _, suffix := range []string{"", logSuffix} {
		data, err := os.ReadFile(s.path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, data, 0o600)
		}
		if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			t.Fatal(err)
		}
	}
	db, err := bbolt.Open(to, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		v, err := openView(tx)
		if err != nil {
			return err
		}
		m, err := v.mark()
		if err != nil || !m.inUse {
			return err
		}
		f, err := openLog(t.Context(), to, m, Options{ReadOnly: true})
		if err != nil {
			return err
		}
		defer f.Close()
		turns, err := readLog(f, m)
		if err != nil {
			return err
		}
		folded, err := v.folded()
		if err != nil {
			return err
		}
		tail := newTail(folded, 0)
		for _, turn := range turns {
			for _, f := range turn.Frames {
				rows, _ := parsePutRows(f.Payload)
				tail.take(rows)
			}
		}
		w := newWriter(v)
		w.unwritten(tail)
		m.inUse = false
		w.mark(m)
		return w.flush()
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(to + logSuffix)
}

// InLog reports whether commits go into a log file.
func InLog(s *Store) bool { return s.log != nil }

// HoldTail keeps readers from the tail.
func HoldTail(s *Store) (release func()) {
	_ = s.pauseKeys()
	s.tailing.Lock()
	return func() {
		s.tailing.Unlock()
		s.keyReader.resume()
	}
}

// HoldWriter keeps commits waiting.
func HoldWriter(s *Store) (release func()) {
	s.writer <- struct{}{}
	return func() { <-s.writer }
}
