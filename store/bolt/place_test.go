package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
)

// filled makes a ledger file with some history and returns what it holds.
func filled(t *testing.T, path string) []byte {
	t.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
	for i := range 50 {
		var op creditledger.Operation = creditledger.Increment{Amount: creditledger.AmountOf(100)}
		if i%3 == 2 {
			op = creditledger.Decrement{Amount: creditledger.AmountOf(150)}
		}
		on := creditledger.AccountID{Customer: []string{"ann", "bob"}[i%2]}
		if _, err := l.Do(context.Background(), on, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	want := content(t, s)
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return want
}

// A ledger is backed up, restored, verified and appended to, and compacted; whatever
// goes wrong, nothing appears under the new name.
func TestRestoreAndCompact(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	want := filled(t, path)
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()

	restored := filepath.Join(dir, "restored.db")
	if err := bolt.Restore(ctx, bytes.NewReader(backup), restored); err != nil {
		t.Fatal(err)
	}
	compareFile(t, restored, want, 0)
	compacted := filepath.Join(dir, "compacted.db")
	if err := bolt.Compact(restored, compacted); err != nil {
		t.Fatal(err)
	}
	compareFile(t, compacted, want, 0)

	if err := bolt.Restore(ctx, bytes.NewReader(backup), restored); !errors.Is(err, fs.ErrExist) {
		t.Errorf("restore over a file: %v", err)
	}
	if err := bolt.Compact(path, compacted); !errors.Is(err, fs.ErrExist) {
		t.Errorf("compact over a file: %v", err)
	}
	nowhere := filepath.Join(dir, "nowhere.db")
	if err := bolt.Restore(ctx, bytes.NewReader(backup[:5*os.Getpagesize()]), nowhere); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("restore of a part of a backup: %v", err)
	}
	ended, end := context.WithCancel(ctx)
	end()
	if err := bolt.Restore(ended, bytes.NewReader(backup), nowhere); !errors.Is(err, context.Canceled) {
		t.Errorf("restore after the end: %v", err)
	}
	if err := bolt.Compact(filepath.Join(dir, "missing.db"), nowhere); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("compact of nothing: %v", err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".*new*"))
	if err != nil || len(names) != 3 || len(hidden) != 0 {
		t.Errorf("the directory has %v %v, %v", names, hidden, err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}
