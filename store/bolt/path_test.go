//go:build unix

package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"creditledger"
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
			if took := time.Since(start); took > time.Minute {
				t.Errorf("%s took %v", path, took)
			}
		}
	}
	if _, err := os.Lstat(in("nowhere")); err == nil {
		t.Error("a ledger was made at the end of a dangling link")
	}
	// A link on the way is no concern of ours.
	mustClose(t, mustOpen(t, filepath.Join(in("to directory"), "good.db"), nil))

}

// TestModeOfALedger opens a ledger that others than its owner may use.
func TestModeOfALedger(t *testing.T) {
	good := path(t)
	mustClose(t, mustOpen(t, good, nil))
	for _, c := range []struct {
		mode  os.FileMode
		group bool
		says  string // empty: it is opened
	}{
		{0o600, false, ""}, {0o600, true, ""}, {0o660, true, ""}, {0o640, true, ""},
		{0o660, false, "chmod 600"}, {0o640, false, "chmod 600"}, {0o620, false, "chmod 600"}, {0o644, false, "chmod 600"},
		{0o604, false, "chmod 600"}, {0o601, false, "chmod 600"}, {0o664, true, "chmod 660"}, {0o662, true, "chmod 660"},
	} {
		if err := os.Chmod(good, c.mode); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{false, true} {
			s, err := bolt.Open(good, &bolt.Options{GroupAccess: c.group, ReadOnly: readOnly, LockTimeout: -1})
			if c.says == "" {
				if err != nil {
					t.Errorf("mode %o, group %t: %v", c.mode, c.group, err)
				} else {
					mustClose(t, s)
				}
				continue
			}
			wantFileError(t, err, good, c.says)
			var e *bolt.FileError
			if errors.As(err, &e) && e.Mode != c.mode {
				t.Errorf("the error says mode %o of a file of mode %o", e.Mode, c.mode)
			}
		}
	}
}

// TestNobodyIsToldToChangeTheModeOfSomethingElse: what is in a file is looked at first.
func TestNobodyIsToldToChangeTheModeOfSomethingElse(t *testing.T) {
	text, other := path(t), path(t)
	if err := os.WriteFile(text, []byte("root:x:0:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	database(t, other, nil, nil)
	for _, file := range []string{text, other} {
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		unchanged(t, file, func() {
			_, err := bolt.Open(file, nil)
			wantError(t, err, creditledger.ErrCorrupt, file)
			if strings.Contains(err.Error(), "chmod") {
				t.Error(err)
			}
		})
	}
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
