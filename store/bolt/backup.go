package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"

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

// begin begins a call, and a transaction between two commits. In the middle of a commit
// the transaction could hold what later reads do not show yet.
func (s *Store) begin(ctx context.Context) (tx *bbolt.Tx, err error) {
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-ctx.Done():
		return nil, changes.Enter(ctx, "backup")
	case <-s.closing:
	}
	if err := s.enter("backup"); err != nil {
		return nil, err
	}
	err, panicked := guarded("backup", func() error {
		tx, err = s.db.Begin(false)
		return err
	})
	if panicked {
		s.poisoned(err, true)
	}
	if err != nil {
		s.leave()
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
