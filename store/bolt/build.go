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

// A file that is being made has a temporary name: ".", the final name, temporaryMark, and
// digits. A temporary file that nobody has written to for leftBehind will never be
// finished.
const (
	temporaryMark = ".creditledger-"
	leftBehind    = time.Hour
)

// build makes a new file. It makes the whole file under a temporary name first, because
// bbolt's own first write, if it is cut off, leaves a file that can never be opened. fill
// gets the name of an empty file of mode 0600, and has to sync what it writes. A link
// rather than a rename gives the file its name, so that it never replaces another. If the
// process is killed meanwhile, the next build in the directory removes what it left.
func build(path string, fill func(temporary string) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if err := leftLog(path, mark{}, false); err != nil {
		return err
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

// underItsName changes an error about a temporary file, so that it gives the final name.
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

// withoutPath returns the reason in an error about a file, because its caller names the
// file.
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
		return nil // this system cannot sync directories
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
