package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
)

// Restore makes a new ledger file at path of what Backup wrote. The file appears only
// once it is whole, on the disk and examined as Open does; Ledger.VerifyAll proves
// what is in it. An existing file is never replaced: that is an error that matches
// fs.ErrExist. Damage is an error that matches creditledger.ErrCorrupt.
func Restore(ctx context.Context, from io.Reader, path string) error {
	err := build(path, func(temporary string) error {
		f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, stoppable{ctx, from})
		if err == nil {
			err = f.Sync()
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		s, err := Open(temporary, &Options{ReadOnly: true})
		if err != nil {
			return err
		}
		return s.Close()
	})
	if err != nil {
		return fmt.Errorf("restore ledger %s: %w", path, err)
	}
	return nil
}

// stoppable is a reader that ends with its context.
type stoppable struct {
	ctx context.Context
	io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// create makes a new ledger. If another process did so meanwhile, the caller opens that
// one.
func create(path string) error {
	if err := build(path, initialize); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// initialize makes the empty file at path a ledger without accounts, on disk.
func initialize(path string) error {
	err, _ := guarded(path, func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistArrayType})
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
