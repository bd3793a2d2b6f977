package bolt_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
)

// overwrite puts other bytes into a file that stays the same file, as "cat backup > file"
// does.
func overwrite(t *testing.T, path string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsWrittenIntoAForeignFile puts a backup, or another ledger, over a live one:
// no commit is acknowledged after that, none reaches the file, and none on Close.
func TestNothingIsWrittenIntoAForeignFile(t *testing.T) {
	for name, foreign := range map[string]func(t *testing.T, backup []byte) []byte{
		"an older backup": func(_ *testing.T, backup []byte) []byte { return backup },
		"a ledger of the same shape": func(t *testing.T, _ []byte) []byte {
			other := path(t)
			s := mustOpen(t, other, nil)
			mustGrant(t, s, ann, 5)
			mustClose(t, s)
			data, err := os.ReadFile(other)
			if err != nil {
				t.Fatal(err)
			}
			return data
		},
		"nothing": func(*testing.T, []byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			path := path(t)
			s := mustOpen(t, path, nil)
			mustGrant(t, s, ann, 2)
			var backup bytes.Buffer
			if _, err := s.Backup(t.Context(), &backup); err != nil {
				t.Fatal(err)
			}
			for _, key := range []creditledger.Key{"third", "fourth"} {
				if err := grant(t, s, ann, key); err != nil {
					t.Fatal(err)
				}
			}
			overwrite(t, path, foreign(t, backup.Bytes()))
			unchanged(t, path, func() {
				change := creditledger.Change{Documents: []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "k", Key: "k"}, Value: []byte("v")}}}
				err := s.Commit(t.Context(), []creditledger.Change{change})
				wantFileError(t, err, path, "written to by something else")
				if errors.Is(err, creditledger.ErrOutcomeUnknown) {
					t.Errorf("%v: nothing was written", err)
				}
				wantError(t, s.Commit(t.Context(), []creditledger.Change{change}), creditledger.ErrPoisoned, "something else")
				s.Close()
			})
		})
	}
}

// TestNothingIsFoldedIntoAForeignFile: Close writes too.
func TestNothingIsFoldedIntoAForeignFile(t *testing.T) {
	path := path(t)
	s := mustOpen(t, path, nil)
	bolt.Engage(t, s, 1<<20)
	mustGrant(t, s, ann, 2)
	var backup bytes.Buffer
	if _, err := s.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	mustGrant(t, s, creditledger.AccountID{Customer: "bob", Currency: "credits"}, 2)
	overwrite(t, path, backup.Bytes())
	unchanged(t, path, func() { wantFileError(t, s.Close(), path, "written to by something else") })
	_, err := bolt.Open(path, nil)
	wantFileError(t, err, path+"-log", "commits that are not of this ledger file")
	if err := os.Rename(path+"-log", path+"-log.kept"); err != nil {
		t.Fatal(err)
	}
	wantVersion(t, mustOpen(t, path, nil), ann, 2)
}

// TestACommitIntoAForeignFileIsNotAcknowledged puts a backup over the ledger in the middle
// of a commit, before each of its writes.
func TestACommitIntoAForeignFileIsNotAcknowledged(t *testing.T) {
	for n := 1; ; n++ {
		path := path(t)
		s := mustOpen(t, path, nil)
		mustGrant(t, s, ann, 2)
		var backup bytes.Buffer
		if _, err := s.Backup(t.Context(), &backup); err != nil {
			t.Fatal(err)
		}
		if err := grant(t, s, ann, "third"); err != nil {
			t.Fatal(err)
		}
		writes := 0
		bolt.HookWrites(s, func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
			if writes++; writes == n {
				overwrite(t, path, backup.Bytes())
			}
			return write(p, off)
		})
		err := grant(t, s, ann, "fourth")
		if writes < n {
			if err != nil {
				t.Errorf("without a backup over it: %v", err)
			}
			if n < 3 {
				t.Errorf("a commit has %d writes", writes)
			}
			return
		}
		if err == nil {
			t.Errorf("write %d: acknowledged", n)
		}
		err = s.Commit(t.Context(), []creditledger.Change{{Documents: []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "k", Key: "k"}, Value: []byte("v")}}}})
		wantError(t, err, creditledger.ErrPoisoned, "something else")
		s.Close()
	}
}

// TestRestoredBackupIsCommittedTo: a backup has its meta pages in the order of their
// commits, which a store that opens it must not take for damage, then or later.
func TestRestoredBackupIsCommittedTo(t *testing.T) {
	from := mustOpen(t, path(t), nil)
	for n := range uint64(4) {
		mustGrantKey(t, from, n)
		read, write := io.Pipe()
		go func() {
			_, err := from.Backup(t.Context(), write)
			write.CloseWithError(err)
		}()
		to := path(t)
		if err := bolt.Restore(t.Context(), read, to); err != nil {
			t.Fatal(err)
		}
		for m := range uint64(4) {
			s := mustOpen(t, to, nil)
			wantVersion(t, s, ann, n+1+m)
			mustGrantKey(t, s, n+1+m)
			mustClose(t, s)
		}
	}
}

func mustGrantKey(t *testing.T, s creditledger.Store, n uint64) {
	t.Helper()
	if err := grant(t, s, ann, creditledger.Key(rune('a'+n))); err != nil {
		t.Fatal(err)
	}
}
