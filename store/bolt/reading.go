package bolt

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// read calls f with what is committed. Commits wait for it.
func (s *Store) read(ctx context.Context, op string, f func(view) error) error {
	return s.reading(ctx, op, nil, f)
}

// readAside calls f with the tables and one account's part of the tail. Nobody waits for
// it.
func (s *Store) readAside(ctx context.Context, op string, id creditledger.AccountID, f func(view) error) error {
	return s.reading(ctx, op, &id, f)
}

// seen calls f with what is committed, for the writer: it waits for nobody but those who
// change the tail.
func (s *Store) seen(op string, f func(view) error) error {
	s.tailing.RLock()
	defer s.tailing.RUnlock()
	err, panicked := guarded(op, func() error { return s.inView(f) })
	if panicked {
		s.poisoned(err, true)
	}
	return err
}

// inView calls f with the tables and the tail, which does not change meanwhile.
func (s *Store) inView(f func(view) error) (err error) {
	tx, err := s.beginRead()
	if err != nil {
		return err
	}
	defer func() {
		if ended := s.endRead(tx); err == nil {
			err = ended
		}
	}()
	v, err := openView(tx)
	if err != nil {
		return err
	}
	v.tail = s.tail
	return f(v)
}

// beginRead begins a transaction, and endRead ends it. Both take a lock of bbolt, which a commit
// that panics beside them, in a fold for example, holds for ever: so they wait for it only until
// that is known.
func (s *Store) beginRead() (*bbolt.Tx, error) {
	if s.committing.TryRLock() {
		defer s.committing.RUnlock()
		return s.db.Begin(false)
	}
	var tx *bbolt.Tx
	err := s.unlessBroken(func() (err error) {
		tx, err = s.db.Begin(false)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tx, nil
}

func (s *Store) endRead(tx *bbolt.Tx) error {
	if s.committing.TryRLock() {
		defer s.committing.RUnlock()
		return tx.Rollback()
	}
	return s.unlessBroken(tx.Rollback)
}

// unlessBroken waits for f to end, or for bbolt to be of no more use.
func (s *Store) unlessBroken(f func() error) error {
	ended := make(chan error, 1)
	go func() {
		err, panicked := guarded("read", f)
		if panicked {
			s.poisoned(err, true)
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-s.broken:
		return s.refuses("read")
	}
}

// reading is readAside, or read if there is no account.
func (s *Store) reading(ctx context.Context, op string, aside *creditledger.AccountID, f func(view) error) error {
	if err := changes.Enter(ctx, op); err != nil {
		return err
	}
	if err := s.enter(op); err != nil {
		return err
	}
	defer s.leave()
	for waited := 0; ; waited++ {
		busy, err := s.readOnce(op, aside, f)
		if !busy {
			return err
		}
		if why := s.poison.Load(); why != nil {
			return fmt.Errorf("%s: ledger %s: %w (%v)", op, s.path, creditledger.ErrPoisoned, *why)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		if waited < shortly {
			runtime.Gosched() // a new tail is being put in place
		} else {
			time.Sleep(20 * time.Microsecond) // the tables are on their way to the disk
		}
	}
}

// shortly is how often a read yields before it sleeps.
const shortly = 16

// readOnce calls f unless the tail is about to change; one that stands aside, and may look at
// all that there is, also unless the tables are half folded.
func (s *Store) readOnce(op string, aside *creditledger.AccountID, f func(view) error) (busy bool, err error) {
	folding := false
	if aside != nil {
		select {
		case s.folding <- struct{}{}:
			folding = true
		default:
			return true, nil
		}
	}
	if !s.tailing.TryRLock() {
		if folding {
			s.endFold()
		}
		return true, nil
	}
	held := true
	release := func() {
		if held {
			held = false
			s.tailing.RUnlock()
			if folding {
				s.endFold()
			}
		}
	}
	defer release()
	err, panicked := guarded(op, func() error {
		return s.inView(func(v view) error {
			if aside != nil {
				v.tail = v.tail.of(*aside)
				release()
			}
			return f(v)
		})
	})
	if panicked {
		s.poisoned(err, true)
	}
	return false, err
}
