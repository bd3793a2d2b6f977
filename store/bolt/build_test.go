package bolt_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"creditledger/store/bolt"
)

// TestLeftoversAreRemoved: a process that was killed while it made a file leaves it under
// its temporary name; the next that makes one there removes it, and nothing else.
func TestLeftoversAreRemoved(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * time.Hour)
	for name, c := range map[string]struct {
		at   time.Time
		stay bool
	}{
		".backup-2026-11-29.db.creditledger-2718281828": {old, false},
		".ledger.db.creditledger-31415":                 {old, false},
		".ledger.db.creditledger-16180":                 {time.Now(), true}, // somebody may be at it
		"ledger.db.creditledger-31415":                  {old, true},
		".ledger.db.creditledger-notes":                 {old, true},
		".creditledger-1":                               {old, true},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("half a led"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, c.at, c.at); err != nil {
			t.Fatal(err)
		}
		made := filepath.Join(dir, "new"+name)
		mustClose(t, mustOpen(t, made, nil))
		if err := os.Remove(made); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(file); (err == nil) != c.stay {
			t.Errorf("%s is there: %t, want %t", name, err == nil, c.stay)
		}
	}
}

// TestTemporaryNamesAreThoseRemoved ties the name that a file is made under to the names
// that are removed.
func TestTemporaryNamesAreThoseRemoved(t *testing.T) {
	dir := t.TempDir()
	var name string
	bolt.Build(filepath.Join(dir, "ledger.db"), func(temporary string) error {
		name = temporary
		old := time.Now().Add(-2 * time.Hour)
		return os.Chtimes(temporary, old, old)
	})
	if err := os.Rename(filepath.Join(dir, "ledger.db"), name); err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustOpen(t, filepath.Join(dir, "other.db"), nil))
	if _, err := os.Lstat(name); err == nil {
		t.Errorf("%s was left", name)
	}
}
