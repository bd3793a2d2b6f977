package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"creditledger"
	_ "creditledger/fuzz/testmemory"
	"creditledger/store/bolt"
)

var ann = creditledger.AccountID{Customer: "ann", Currency: "credits"}

func path(t *testing.T) string { return filepath.Join(t.TempDir(), "ledger.db") }

func mustOpen(t *testing.T, path string, opts *bolt.Options) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustClose(t *testing.T, s *bolt.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// crashed is a file as a crash of an open ledger would leave it, in one piece.
func crashed(t *testing.T, s *bolt.Store) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "crashed.db")
	bolt.CrashedCopy(t, s, file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// grant commits one increment to an account through a ledger of its own, under a key.
func grant(t *testing.T, s creditledger.Store, id creditledger.AccountID, key creditledger.Key) error {
	t.Helper()
	l := creditledger.New(s, nil)
	_, err := l.Do(t.Context(), id, creditledger.Increment{Amount: creditledger.AmountOf(1)}, key)
	return errors.Join(err, l.Close())
}

func mustGrant(t *testing.T, s creditledger.Store, id creditledger.AccountID, times int) {
	t.Helper()
	for i := range times {
		if err := grant(t, s, id, creditledger.Key(fmt.Sprint(t.Name(), i))); err != nil {
			t.Fatal(err)
		}
	}
}

// version returns the version of an account, after it was proved sound.
func version(t *testing.T, s creditledger.Store, id creditledger.AccountID) uint64 {
	t.Helper()
	state, err := s.Load(t.Context(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	if state.Head.Version > 0 {
		l := creditledger.New(s, nil)
		defer l.Close()
		if _, err := l.Verify(t.Context(), id, nil); err != nil {
			t.Fatalf("%v does not verify: %v", id, err)
		}
	}
	return state.Head.Version
}

func wantVersion(t *testing.T, s creditledger.Store, id creditledger.AccountID, want uint64) {
	t.Helper()
	if got := version(t, s, id); got != want {
		t.Errorf("%v is at version %d, want %d", id, got, want)
	}
}

// wantError checks what an error matches and what it tells.
func wantError(t *testing.T, err, target error, says string) {
	t.Helper()
	if !errors.Is(err, target) || !strings.Contains(fmt.Sprint(err), says) {
		t.Errorf("error %v, want one that matches %q and says %q", err, target, says)
	}
}

func wantFileError(t *testing.T, err error, path, says string) {
	t.Helper()
	var e *bolt.FileError
	if !errors.As(err, &e) || e.Path != path || !strings.Contains(e.Error(), says) {
		t.Errorf("error %v, want a FileError about %s that says %q", err, path, says)
	}
}

// unchanged checks that what is at path stays byte for byte as it is while f runs.
func unchanged(t *testing.T, path string, f func()) {
	t.Helper()
	before, errBefore := os.ReadFile(path)
	f()
	after, errAfter := os.ReadFile(path)
	if !bytes.Equal(before, after) || fmt.Sprint(errBefore) != fmt.Sprint(errAfter) {
		t.Errorf("%s was changed: %d bytes, then %d (%v, %v)", path, len(before), len(after), errBefore, errAfter)
	}
}
