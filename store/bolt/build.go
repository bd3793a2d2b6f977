package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The name of a file that is being made is "." with the name that it will get, then
// temporaryMark and digits. One that nobody has written to for as long as leftBehind will
// never be finished.
const (
	temporaryMark = ".creditledger-"
	leftBehind    = time.Hour
)

// build makes a new file: whole under a temporary name first, because bbolt's own
// first write leaves, if it is cut off, a file that can never be opened. fill is given
// the name of an empty file of mode 0600, and leaves it on the disk. A link rather
// than a rename puts it in place, so that it never replaces another file. What a process
// that was killed meanwhile left in the directory is removed by the next that builds there.
func build(path string, fill func(temporary string) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	dir := filepath.Dir(path)
	removeLeftovers(dir)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+temporaryMark+"*") // mode 0600
	if err != nil {
		return fmt.Errorf("no file can be made in %s: %w", dir, withoutPath(err))
	}
	temporary := f.Name()
	defer os.Remove(temporary)
	defer func() { err = underItsName(err, temporary, path) }()
	if err := f.Close(); err != nil {
		return err
	}
	if err := fill(temporary); err != nil {
		return err
	}
	if err := os.Link(temporary, path); errors.Is(err, fs.ErrExist) {
		return err
	} else if err != nil {
		// A file system without hard links.
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
		if err := os.Rename(temporary, path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// underItsName changes an error about a file with a temporary name: it names the file as it
// is going to be called.
func underItsName(err error, temporary, path string) error {
	var about *fs.PathError
	var link *os.LinkError
	if errors.As(err, &about) && about.Path == temporary {
		about.Path = path
	}
	if errors.As(err, &link) && link.Old == temporary {
		link.Old = path
	}
	return err
}

// withoutPath is the reason of an error about a file, which its caller names.
func withoutPath(err error) error {
	var about *fs.PathError
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}

// removeLeftovers removes temporary files that were left behind in a directory. If it
// cannot read the directory, or remove a file, the build goes on.
func removeLeftovers(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		i := strings.LastIndex(e.Name(), temporaryMark)
		if i < 1 || e.Name()[0] != '.' || strings.Trim(e.Name()[i+len(temporaryMark):], "0123456789") != "" {
			continue
		}
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > leftBehind {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
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
