package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Commit implements creditledger.Store. All changes go into one bbolt transaction:
// two fdatasyncs, however many there are. It refuses with a FileError, and writes
// nothing, when the path no longer names the open file.
func (s *Store) Commit(ctx context.Context, list []creditledger.Change) error {
	if err := changes.Enter(ctx, "commit"); err != nil {
		return err
	}
	if err := changes.Check(list); err != nil {
		return err
	}
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-ctx.Done():
		return changes.Enter(ctx, "commit")
	case <-s.closing:
	}
	if err := s.enter("commit"); err != nil {
		return err
	}
	defer s.leave()
	if s.readOnly {
		return fmt.Errorf("commit: ledger %s was opened %w", s.path, creditledger.ErrReadOnly)
	}
	if err := sameFile(s.path, s.info); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if len(list) == 0 {
		return nil
	}
	return s.write(list)
}

// write makes one transaction of the changes. Until its Commit begins nothing can
// have reached the file; once it has begun, an error says nothing about that.
func (s *Store) write(list []creditledger.Change) error {
	var tx *bbolt.Tx
	err, panicked := guarded("commit", func() error {
		var err error
		if tx, err = s.db.Begin(true); err != nil {
			return err
		}
		return apply(tx, list)
	})
	if err != nil {
		if !panicked && tx != nil {
			_, panicked = guarded("rollback", tx.Rollback)
		}
		if panicked {
			s.poisoned(err, true)
		}
		return err
	}
	if err, panicked = guarded("commit", tx.Commit); err != nil {
		s.poisoned(err, panicked)
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit to %s: %w", s.path, err)}
	}
	return nil
}

func apply(tx *bbolt.Tx, list []creditledger.Change) error {
	v, err := openView(tx)
	if err != nil {
		return err
	}
	found, err := v.compare(list)
	if err != nil {
		return err
	}
	return v.write(list, found)
}
