package bolt

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// openFile opens a ledger's file, checks that it may be one, and locks it. What it
// returns is the one open file the store works with.
func openFile(ctx context.Context, path string, o Options) (*os.File, error) {
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
	if err := lockFile(ctx, f, path, o); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkFile says why a file of that type cannot be a ledger.
func checkFile(path string, mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return &FileError{Path: path, Reason: "is a directory: name a file in it"}
	case mode&fs.ModeSymlink != 0:
		return &FileError{Path: path, Reason: "is a symbolic link: name the file it points to"}
	case !mode.IsRegular():
		return &FileError{Path: path, Reason: fmt.Sprintf("is not a regular file (%s)", mode.Type())}
	}
	return nil
}

// checkMode refuses a ledger that others may read or write. It is called after the
// content was checked, so that nobody is told to change the mode of a file that is no
// ledger.
func checkMode(path string, mode fs.FileMode, group bool) error {
	others, allow := fs.FileMode(0o077), "chmod 600 it"
	if group {
		others, allow = 0o007, "chmod 660 it"
	}
	if mode.Perm()&others == 0 || runtime.GOOS == "windows" {
		return nil
	}
	return &FileError{path, fmt.Sprintf("is open to others than its owner (mode %04o): %s", mode.Perm(), allow), mode.Perm()}
}

// lockFile locks f, and checks that f is still the file that was checked and that the
// path names. It may have been replaced before it was opened, or while lockFile waited.
func lockFile(ctx context.Context, f *os.File, path string, o Options) error {
	if bboltLocksAlike {
		if locked, err := lock(ctx, f, !o.ReadOnly, o.LockTimeout); err != nil {
			return err
		} else if !locked {
			return &LockedError{Path: path, Process: holder(f)}
		}
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

// sameFile checks that the path names the open file.
func sameFile(path string, open os.FileInfo) error {
	info, err := os.Lstat(path)
	if err != nil || !os.SameFile(info, open) {
		return &FileError{Path: path, Reason: "no longer names the open file, it was moved, replaced or removed: put it back or reopen the ledger"}
	}
	return nil
}
