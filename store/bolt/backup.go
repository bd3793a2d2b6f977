package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Backup writes a snapshot of the whole file, other buckets included, that Open opens,
// while reads and commits go on. Unused pages are zeros in it, because they may hold what
// was erased. To keep it, write it to a new file of mode 0600, sync that, rename it into
// place and sync the directory.
//
// The file cannot reuse pages that the snapshot needs, so it grows by what is
// committed until Backup returns. Close ends a backup with creditledger.ErrClosed.
// Write of w must not wait for a Commit.
func (s *Store) Backup(ctx context.Context, w io.Writer) (int64, error) {
	if err := changes.Enter(ctx, "backup"); err != nil {
		return 0, err
	}
	if s.readOnly && s.mark.inUse {
		return s.backupFolded(ctx, w)
	}
	tx, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	// The transaction lives in a goroutine that writes to a pipe, never to w: it
	// ends when ctx does or Close begins, even if w blocks.
	from, to := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer s.leave()
		to.CloseWithError(s.snapshot(ctx, tx, to))
	}()
	go func() {
		select {
		case <-ctx.Done():
			to.CloseWithError(ctx.Err())
		case <-s.closing:
			to.CloseWithError(creditledger.ErrClosed)
		case <-ended:
		}
	}()
	defer func() {
		from.Close()
		<-ended
	}()
	n, err := io.Copy(w, stoppable{ctx, from})
	if err != nil {
		return n, fmt.Errorf("backup of %s: %w", s.path, err)
	}
	return n, nil
}

// backupFolded writes a copy of a ledger that is open for reading and has commits in its log
// file: they are folded into the copy.
func (s *Store) backupFolded(ctx context.Context, w io.Writer) (int64, error) {
	if err := s.enter("backup"); err != nil {
		return 0, err
	}
	defer s.leave()
	dir, err := os.MkdirTemp("", "creditledger-backup-*")
	if err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	defer os.RemoveAll(dir)
	between, folded := filepath.Join(dir, "copy.db"), filepath.Join(dir, "backup.db")
	if err := errors.Join(s.copyInto(between), s.foldInto(between, folded), ctx.Err()); err != nil {
		return 0, fmt.Errorf("backup of %s: %w", s.path, err)
	}
	f, err := os.Open(folded)
	if err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	defer f.Close()
	n, err := io.Copy(w, stoppable{ctx, f})
	if err != nil {
		return n, fmt.Errorf("backup of %s: %w", s.path, err)
	}
	return n, nil
}

// begin enters, and begins a transaction in which the tables have everything: what is in a
// log file is not in the pages that a backup copies.
func (s *Store) begin(ctx context.Context) (tx *bbolt.Tx, err error) {
	if err := s.foldMost(ctx); err != nil {
		return nil, err
	}
	if err := s.takeTurn(ctx, "backup"); err != nil {
		return nil, err
	}
	defer func() {
		<-s.writer
		if err != nil {
			s.leave()
		}
	}()
	if err := s.beginFold(ctx); err != nil {
		return nil, err
	}
	defer s.endFold()
	if err := s.retire(); err != nil {
		return nil, err
	}
	err, panicked := guarded("backup", func() error {
		tx, err = s.db.Begin(false)
		return err
	})
	if panicked {
		s.poisoned(err, true)
	}
	return tx, err
}

func (s *Store) snapshot(ctx context.Context, tx *bbolt.Tx, w io.Writer) error {
	err, panicked := guarded("backup", func() error {
		blank, err := s.blanking(ctx, tx, w)
		if err == nil {
			_, err = tx.WriteTo(blank)
		}
		return errors.Join(err, tx.Rollback())
	})
	if panicked {
		s.poisoned(err, true)
	}
	return err
}
