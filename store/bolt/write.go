package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Commit implements creditledger.Store. All changes go into the log file in one write and one
// flush, or into one bbolt transaction: two flushes, however many there are. It refuses with
// a FileError, and writes nothing, when the path no longer names the open file or something
// else wrote to it.
func (s *Store) Commit(ctx context.Context, list []creditledger.Change) error {
	if err := changes.Enter(ctx, "commit"); err != nil {
		return err
	}
	if err := changes.Check(list); err != nil {
		return err
	}
	if err := s.takeTurn(ctx, "commit"); err != nil {
		return err
	}
	defer s.giveTurn()
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
	if s.log != nil {
		if done, err := s.writeToLog(ctx, list); done || err != nil {
			return err
		}
	}
	return s.writeToTables(ctx, list)
}

// takeTurn begins a call when it is the writer's turn, unless ctx ends before; giveTurn
// ends it.
func (s *Store) takeTurn(ctx context.Context, op string) error {
	select {
	case s.writer <- struct{}{}:
	case <-ctx.Done():
		return changes.Enter(ctx, op)
	case <-s.closing:
		return s.refuses(op)
	}
	err := s.enter(op)
	if err != nil {
		<-s.writer
	}
	return err
}

func (s *Store) giveTurn() {
	s.leave()
	<-s.writer
}

// writeToTables makes one transaction of the changes and of everything that is not in the
// tables yet. Before its Commit begins nothing can have reached the file; after that an error
// does not tell whether something has. So a short life of a store leaves no log file, and what
// does not fit into one has a place.
func (s *Store) writeToTables(ctx context.Context, list []creditledger.Change) error {
	if err := s.beginFold(ctx); err != nil {
		return err
	}
	defer s.endFold()
	if err := s.pauseKeys(); err != nil {
		return err
	}
	defer s.keyReader.resume()
	var tx *bbolt.Tx
	var end, acct uint64
	log, m := s.nextLog()
	err, panicked := guarded("commit", func() (err error) {
		if tx, err = s.db.Begin(true); err == nil {
			end, acct, err = s.apply(tx, list, m)
		}
		return err
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
	// Readers wait: they would see what is not durable yet, and of that only a part.
	s.tailing.Lock()
	defer s.tailing.Unlock()
	if err := s.commitTables(tx, "commit"); err != nil {
		return &creditledger.OutcomeUnknownError{Err: err}
	}
	s.tail = newTail(end, acct)
	s.began(log, m)
	return nil
}

// apply folds what is not in the tables, and writes the changes.
func (s *Store) apply(tx *bbolt.Tx, list []creditledger.Change, m mark) (end, acct uint64, err error) {
	v, err := openView(tx)
	if err != nil {
		return 0, 0, err
	}
	v.tail = s.tail
	found, err := v.compare(list)
	if err != nil {
		return 0, 0, err
	}
	rows, a, err := v.rows(list, found)
	if err != nil {
		return 0, 0, err
	}
	if err := v.foldAll(s.tail, a.begin); err != nil {
		return 0, 0, err
	}
	t := newTail(a.begin, s.tail.acct)
	t.addAll(list, found, a)
	w := newWriter(v)
	w.puts(rows, a.end)
	w.tail(t)
	w.folded(a.end, t.acct)
	if m.size > 0 {
		w.mark(m)
	}
	return a.end, t.acct, w.flush()
}

// folding is what commitTables does when nothing is acknowledged by it: the log has it all.
const folding = "fold"

// commitTables commits a transaction. After an error the store is of no more use, unless a fold
// has not come as far as a meta page: then the file is as it was, on a full disk for example.
func (s *Store) commitTables(tx *bbolt.Tx, what string) error {
	s.metaing.Lock()
	defer s.metaing.Unlock()
	id := uint64(tx.ID())
	s.committing.Lock()
	err, panicked := guarded(what, tx.Commit)
	if !panicked { // who waits to read otherwise waits until the store is known to be broken
		s.committing.Unlock()
	}
	if err != nil {
		if panicked || what != folding || s.touched() {
			s.poisoned(err, panicked)
		}
		return fmt.Errorf("%s to %s: %w", what, s.path, err)
	}
	if err := s.committed(id); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
