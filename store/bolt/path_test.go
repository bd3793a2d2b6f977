//go:build unix

package bolt_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"creditledger/store/bolt"
)

// TestPath opens what is not, or should not be, a ledger's file.
func TestPath(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	mustClose(t, mustOpen(t, good, nil))
	in := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(in("directory"), 0o700))
	must(os.Symlink(good, in("link")))
	must(os.Symlink(in("nowhere"), in("dangling")))
	must(os.Symlink(dir, in("to directory")))
	must(syscall.Mkfifo(in("pipe"), 0o600))
	for path, says := range map[string]string{
		in("directory"):    "is a directory",
		in("link"):         "is a symbolic link",
		in("dangling"):     "is a symbolic link",
		in("to directory"): "is a symbolic link",
		in("pipe"):         "is not a regular file",
		os.DevNull:         "is not a regular file",
	} {
		for _, readOnly := range []bool{false, true} {
			start := time.Now()
			_, err := bolt.Open(path, &bolt.Options{ReadOnly: readOnly})
			wantFileError(t, err, path, says)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%s took %v", path, took)
			}
		}
	}
	if _, err := os.Lstat(in("nowhere")); err == nil {
		t.Error("a ledger was made at the end of a dangling link")
	}
	// A link on the way is no concern of ours.
	mustClose(t, mustOpen(t, filepath.Join(in("to directory"), "good.db"), nil))

	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660, 0o601, 0o620} {
		must(os.Chmod(good, mode))
		_, err := bolt.Open(good, nil)
		wantFileError(t, err, good, "chmod 600")
	}
	must(os.Chmod(good, 0o600))
	mustClose(t, mustOpen(t, good, nil))
}

// TestCreateMode makes a ledger whatever the process would allow others.
func TestCreateMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	path := path(t)
	mustOpen(t, path, nil)
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}
