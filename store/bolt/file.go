package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"go.etcd.io/bbolt"

	"creditledger"
)

// openFile opens a ledger's file, checks that it may be one, and locks it. What it
// returns is the one open file the store works with.
func openFile(path string, o Options) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := checkFile(path, info.Mode()); err != nil {
		return nil, err
	}
	flags := os.O_RDWR
	if o.ReadOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flags|openFlags, 0)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f, path, o); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkFile says why a file of that mode cannot be a ledger.
func checkFile(path string, mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return &FileError{path, "is a directory: name a file in it"}
	case mode&fs.ModeSymlink != 0:
		return &FileError{path, "is a symbolic link: name the file it points to"}
	case !mode.IsRegular():
		return &FileError{path, fmt.Sprintf("is not a regular file (%s)", mode.Type())}
	case mode.Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return &FileError{path, fmt.Sprintf("is open to others than its owner (mode %04o): chmod 600 it", mode.Perm())}
	}
	return nil
}

// lockFile locks f and makes sure that it still is what was checked and what the
// path names: it may have been replaced before it was opened, or while the lock was
// waited for.
func lockFile(f *os.File, path string, o Options) error {
	locked, err := lock(f, !o.ReadOnly, o.LockTimeout)
	if err != nil {
		return err
	}
	if !locked {
		return errLocked(path)
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := checkFile(path, info.Mode()); err != nil {
		return err
	}
	return sameFile(path, info)
}

func errLocked(path string) error {
	return fmt.Errorf("%s: %w (or open in this one already): close it there, or raise LockTimeout to wait longer",
		path, creditledger.ErrLocked)
}

// sameFile makes sure that the path names the open file and no other.
func sameFile(path string, open os.FileInfo) error {
	info, err := os.Lstat(path)
	if err != nil || !os.SameFile(info, open) {
		return &FileError{path, "no longer names the open file, it was moved, replaced or removed: put it back or reopen the ledger"}
	}
	return nil
}

// create makes a new ledger: whole under a temporary name first, because bbolt's own
// first write leaves, if it is cut off, a file that can never be opened. A link
// rather than a rename puts it in place, so that it never replaces what another
// process created meanwhile; that one's ledger is then the one to open.
func create(path string) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	temporary := f.Name()
	defer os.Remove(temporary)
	if err := f.Close(); err != nil {
		return err
	}
	if err := initialize(temporary); err != nil {
		return err
	}
	if err := os.Link(temporary, path); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		// A file system without hard links.
		if _, err := os.Lstat(path); err == nil {
			return nil
		}
		if err := os.Rename(temporary, path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// initialize makes the empty file at path a ledger without accounts, on disk.
func initialize(path string) error {
	err, _ := guarded(path, func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return err
		}
		err = db.Update(func(tx *bbolt.Tx) error { return makeBuckets(tx) })
		if err == nil {
			err = db.Sync()
		}
		return errors.Join(err, db.Close())
	})
	return err
}

// syncDir makes names in a directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such thing
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
