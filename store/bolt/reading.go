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
		stale, err := s.readOnce(op, aside, f)
		if !stale {
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
			time.Sleep(20 * time.Microsecond) // a commit is being written to the disk
		}
	}
}

// shortly is how often a read yields before it sleeps.
const shortly = 16

// readOnce calls f, unless the transaction is newer than the tail or the tail is about to
// change.
func (s *Store) readOnce(op string, aside *creditledger.AccountID, f func(view) error) (stale bool, err error) {
	if !s.tailing.TryRLock() {
		return true, nil
	}
	held := true
	release := func() {
		if held {
			held = false
			s.tailing.RUnlock()
		}
	}
	defer release()
	err, panicked := guarded(op, func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			v, err := openView(tx)
			if err != nil {
				return err
			}
			v.tail = s.tail
			if last := s.tabling.Load(); last > v.tail.tx && uint64(tx.ID()) >= last {
				stale = true
				return nil
			}
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
	return stale, err
}
