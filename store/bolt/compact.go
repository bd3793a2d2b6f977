package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// compactBatch is how many bytes go into one transaction of a compaction.
const compactBatch = 4 << 20

// Compact copies the ledger file at from, which nobody may have open, to a new file
// at to without its free pages, other buckets included. The new file appears only
// once it is whole and on the disk, and never replaces another; to use it in the old
// one's place, verify it and rename it, or use CompactInPlace.
func Compact(from, to string) error {
	s, err := Open(from, &Options{ReadOnly: true, GroupAccess: true})
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	err = build(to, func(temporary string) error {
		if s.tail.nothing() && !s.mark.inUse {
			return s.copyInto(temporary)
		}
		// The tables still have what was overwritten since the last fold. It has to go,
		// too.
		between := temporary + "0"
		defer os.Remove(between)
		if err := s.copyInto(between); err != nil {
			return err
		}
		return s.foldInto(between, temporary)
	})
	if err = errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("compact ledger %s: %w", from, err)
	}
	return nil
}

// CompactInPlace writes a ledger file anew, with nothing in it but what is in use, and returns
// how many bytes it had before and has now. Whatever was erased or written over has left
// no byte in the new file. The old one is not overwritten on the disk: what the medium
// keeps of it is up to the file system. Nobody may have the file open.
//
// The new file is made beside the old one, and takes its place only once it is whole, on
// the disk, and opened and checked. When CompactInPlace returns an error, the old one is still
// there, unless the error is about the directory. A process that waits for the file while
// it is replaced is told so, with a FileError.
func CompactInPlace(ctx context.Context, path string, opts *Options) (before, after int64, err error) {
	before, after, err = inPlace(ctx, path, opts)
	if err != nil {
		return 0, 0, fmt.Errorf("compact ledger %s: %w", path, err)
	}
	return before, after, nil
}

func inPlace(ctx context.Context, path string, opts *Options) (before, after int64, err error) {
	if _, err := os.Lstat(path); err != nil {
		return 0, 0, withoutPath(err)
	}
	o := opts.withDefaults()
	o.ReadOnly = false
	s, err := open(ctx, path, o)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.foldForCopy(); err != nil {
		return 0, 0, err
	}
	dir := filepath.Dir(s.path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(s.path)+temporaryMark+"*") // mode 0600
	if err != nil {
		return 0, 0, fmt.Errorf("no file can be made in %s: %w", dir, withoutPath(err))
	}
	temporary := f.Name()
	defer os.Remove(temporary) // exists only after an error
	if err := errors.Join(f.Chmod(s.info.Mode().Perm()), f.Close(), s.copyInto(temporary), ctx.Err()); err != nil {
		return 0, 0, underItsName(err, temporary, s.path)
	}
	if err := opens(ctx, temporary, opts); err != nil {
		return 0, 0, underItsName(err, temporary, s.path)
	}
	info, err := os.Stat(temporary)
	if err != nil {
		return 0, 0, underItsName(err, temporary, s.path)
	}
	was, err := s.file.Stat()
	if err != nil {
		return 0, 0, err
	}
	if err := errors.Join(s.owned(), sameFile(s.path, s.info)); err != nil {
		return 0, 0, err
	}
	if err := os.Rename(temporary, s.path); err != nil {
		return 0, 0, err
	}
	s.info = info // so that Close knows that the log file is this ledger's
	return was.Size(), info.Size(), syncDir(dir)
}

// foldForCopy folds the tail of a file that will only be copied and closed.
func (s *Store) foldForCopy() error {
	s.folding <- struct{}{} // nobody else uses the store
	defer s.endFold()
	return s.retire()
}

// foldInto folds what is not in the tables into a copy of the database, and copies that.
func (s *Store) foldInto(between, to string) error {
	err, _ := guarded("compact", func() error {
		db, err := bbolt.Open(between, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistArrayType})
		if err != nil {
			return err
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			v, err := openView(tx)
			if err != nil {
				return err
			}
			return v.wholeFold(s.tail, mark{}) // the copy has no log file
		})
		if err == nil {
			folded := &Store{db: db}
			err = folded.copyInto(to)
		}
		return errors.Join(err, db.Close())
	})
	return err
}

// copyInto copies all that is in use into an empty file.
func (s *Store) copyInto(path string) error {
	err, _ := guarded("compact", func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistArrayType})
		if err != nil {
			return err
		}
		err = bbolt.Compact(db, s.db, compactBatch)
		if err == nil {
			err = db.Sync()
		}
		return errors.Join(err, db.Close())
	})
	return err
}

// opens makes sure that a file is a ledger.
func opens(ctx context.Context, path string, opts *Options) error {
	o := opts.withDefaults()
	o.ReadOnly = true
	s, err := open(ctx, path, o)
	if err != nil {
		return err
	}
	return s.Close()
}
