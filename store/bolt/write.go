package bolt

import (
	"context"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Commit implements creditledger.Store. All changes go into one bbolt transaction:
// two fdatasyncs, however many there are. It refuses with a FileError, and writes
// nothing, when the path no longer names the open file or something else wrote to it.
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
	if err := s.owned(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return s.write(list)
}

// write puts the changes into one transaction. Before its Commit begins, nothing can have
// reached the file. After that, an error does not tell whether something has.
func (s *Store) write(list []creditledger.Change) error {
	if err := s.pauseKeys(); err != nil {
		return err
	}
	defer s.keyReader.resume()
	var tx *bbolt.Tx
	var next func()
	err, panicked := guarded("commit", func() error {
		var err error
		if tx, err = s.db.Begin(true); err != nil {
			return err
		}
		next, err = s.apply(tx, list)
		return err
	})
	if err != nil {
		s.tabling.Store(s.tail.tx)
		if !panicked && tx != nil {
			_, panicked = guarded("rollback", tx.Rollback)
		}
		if panicked {
			s.poisoned(err, true)
		}
		return err
	}
	id := uint64(tx.ID())
	if err, panicked = guarded("commit", tx.Commit); err != nil {
		s.poisoned(err, panicked)
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit to %s: %w", s.path, err)}
	}
	if err := s.committed(id); err != nil {
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit: %w", err)}
	}
	s.tailing.Lock()
	defer s.tailing.Unlock()
	next()
	return nil
}

// apply writes the changes into tx. If the tail would grow too large, it folds the tail
// with the changes. The function that it returns brings the tail up to date once tx is
// committed.
func (s *Store) apply(tx *bbolt.Tx, list []creditledger.Change) (next func(), err error) {
	v, err := openView(tx)
	if err != nil {
		return nil, err
	}
	v.tail = s.tail
	found, err := v.compare(list)
	if err != nil {
		return nil, err
	}
	a, err := v.append(s.tail, list, found)
	if err != nil {
		return nil, err
	}
	if !a.alien && !s.tail.full(list, s.foldEvery, s.foldSize) {
		add := func() { s.tail.addAll(list, found, a) }
		if !slices.ContainsFunc(list, func(c creditledger.Change) bool { return len(c.Documents)+len(c.Texts) > 0 }) {
			return add, nil
		}
		installed := s.begun(tx, s.tail)
		return func() { add(); installed() }, nil
	}
	t := newTail(a.begin, s.tail.acct)
	t.addAll(list, found, a)
	if err := v.fold(a.end, s.tail, t); err != nil {
		return nil, err
	}
	return s.begun(tx, newTail(a.end, t.acct)), nil
}

// begun tells readers that tx changes the tables. They could see these before tx is
// durable, so from its commit on they need the new tail, which the function that begun
// returns puts in place.
func (s *Store) begun(tx *bbolt.Tx, t *tail) func() {
	id := uint64(tx.ID())
	s.tabling.Store(id)
	return func() { t.tx, s.tail = id, t }
}

// foldAll folds what is left when the store is closed, so that opening it again has
// nothing to replay.
func (s *Store) foldAll() error {
	if s.readOnly || s.poison.Load() != nil || s.tail.records == 0 {
		return nil
	}
	if err := s.owned(); err != nil {
		return err
	}
	err, panicked := guarded("fold", func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			v, err := openView(tx)
			if err != nil {
				return err
			}
			end, err := v.logEnd()
			if err != nil {
				return err
			}
			return v.fold(end, s.tail)
		})
	})
	if panicked {
		s.panicked.Store(true)
	}
	return err
}
