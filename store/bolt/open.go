package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"creditledger/internal/onelog"
)

// Open opens the ledger at path and creates it, readable by its owner only, if there
// is no such file. It is an error that matches creditledger.ErrLocked when another
// process has the file open (a LockedError), creditledger.ErrCorrupt when the file is damaged, not a
// ledger or of a later format, fs.ErrNotExist when ReadOnly finds no file, and a
// FileError when the path is a directory, a symbolic link, no regular file, or a ledger
// that is open to others than its owner (FileError.Mode says how; see GroupAccess).
//
// Opening reads all of the file that is in use. When the file is damaged so that the last
// commit may be missing, it is opened for reading only, with a warning.
func Open(path string, opts *Options) (*Store, error) {
	return OpenContext(context.Background(), path, opts)
}

// OpenContext is Open that ends with ctx, in whatever it waits for or reads.
func OpenContext(ctx context.Context, path string, opts *Options) (*Store, error) {
	s, err := open(ctx, path, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, o Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f, err := openFile(ctx, path, o)
	if errors.Is(err, fs.ErrNotExist) && !o.ReadOnly {
		if err := create(path); err != nil {
			return nil, err
		}
		f, err = openFile(ctx, path, o)
	}
	if err != nil {
		return nil, err
	}
	var warnings []string
	info, err := f.Stat()
	if err == nil {
		warnings, err = preflight(ctx, f, info.Size(), !o.ReadOnly)
	}
	if err == nil && !o.ReadOnly {
		err = onelog.Flush(f) // a process that died before its flush may have written what is found here
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	db, err := openDB(f, o)
	if err != nil {
		return nil, err
	}
	s := &Store{
		path: path, readOnly: o.ReadOnly, db: db, file: f, info: info, warnings: warnings,
		writer: make(chan struct{}, 1), closing: make(chan struct{}), broken: make(chan struct{}),
		tail: newTail(0, 0), foldEvery: foldEvery, foldSize: foldSize,
		folding: make(chan struct{}, 1), logAfter: logAfter, logSize: onelog.Size, newLog: newLog,
	}
	s.view, s.aside = s.read, s.readAside
	if err := s.settle(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.readOnly || s.log == nil {
		return s, nil
	}
	if s.tail.older != nil {
		s.folding <- struct{}{}
		s.foldBehind()
	} else if s.tail.early.records > 0 {
		err = s.turn(ctx) // what was cut off is gone on with
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// settle checks that the file is a ledger of a known layout and closed to others. It
// upgrades an older layout if it may write, and loads the tail.
func (s *Store) settle(ctx context.Context, o Options) error {
	old := false
	err := s.read(ctx, "check", func(v view) (err error) {
		if err = v.check(); err != nil {
			return err
		}
		if err = checkMode(s.path, s.info.Mode(), o.GroupAccess); err != nil {
			return err
		}
		if old, err = v.older(); err != nil {
			return err
		}
		return s.replay(ctx, v, o)
	})
	if err != nil {
		return err
	}
	if !old || s.readOnly {
		return s.stamp()
	}
	err, panicked := guarded("upgrade", func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			v, err := openView(tx)
			if err != nil {
				return err
			}
			return v.upgrade()
		})
	})
	if err != nil {
		s.poisoned(err, panicked)
		return err
	}
	return s.stamp()
}

// Warnings returns what Open found strange in the file and could still read. So far that
// is one thing: a damaged meta page. bbolt has two, and falls back on the older one if
// the newer is damaged. That takes the file back by one commit. A power cut in the middle
// of a commit looks like this, and loses nothing that was acknowledged. Damage to an
// acknowledged commit looks the same. Ledger.Verify with a Checkpoint kept elsewhere
// tells them apart. The next commit repairs the page.
func (s *Store) Warnings() []string { return slices.Clone(s.warnings) }

// openDB opens bbolt on f, which is locked. It closes f when it fails.
func openDB(f *os.File, o Options) (db *bbolt.DB, err error) {
	err, panicked := guarded("file", func() (err error) {
		db, err = bbolt.Open(f.Name(), 0o600, &bbolt.Options{
			Timeout:         max(o.LockTimeout, time.Millisecond),
			ReadOnly:        o.ReadOnly,
			InitialMmapSize: max(o.InitialMmapSize, 0),
			FreelistType:    bbolt.FreelistArrayType,
			NoStatistics:    true,
			OpenFile:        func(string, int, os.FileMode) (*os.File, error) { return f, nil },
		})
		return err
	})
	if panicked {
		unlock(f)
	}
	if err != nil {
		f.Close() // bbolt has closed f, unless it panicked
		return nil, openError(f.Name(), err)
	}
	return db, nil
}

func openError(path string, err error) error {
	for _, damage := range []error{berrors.ErrInvalid, berrors.ErrVersionMismatch, berrors.ErrChecksum} {
		if errors.Is(err, damage) {
			return corrupt("file", err.Error())
		}
	}
	if errors.Is(err, berrors.ErrTimeout) {
		return &LockedError{Path: path}
	}
	return err
}
