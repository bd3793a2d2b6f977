package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"creditledger"
)

var lockCases = append(loadCasesToChange(),
	Case{"lock/commit", "After a conflict an account is loaded, changed and committed like any other, whether it is locked or not.", onLocking(lockCommit)},
	Case{"lock/release", "After Release another process changes the account; a second Release does nothing.", onLocking(lockRelease)},
	Case{"lock/alone", "An account that is locked for a commit that never comes is let go of.", onLocking(lockAlone)},
)

// patient bounds the wait for a locked account. Only a hang takes as long.
const patient = 20 * time.Second

// loadCasesToChange are the cases of Load for LoadToChange.
func loadCasesToChange() (cases []Case) {
	for _, c := range loadCases {
		check := c.Check
		cases = append(cases, Case{"lock/" + c.Name, "LoadToChange is Load. " + c.Rule, func(ctx context.Context, b Backend) error {
			s, err := b.New()
			if err != nil {
				return err
			}
			locking, ok := s.(creditledger.LockingStore)
			if !ok {
				return ErrNotApplicable
			}
			return check(ctx, Backend{New: func() (creditledger.Store, error) { return loadingToChange{locking}, nil }})
		}})
	}
	return cases
}

// loadingToChange is a store whose Load is LoadToChange.
type loadingToChange struct{ creditledger.LockingStore }

// Load implements creditledger.Store.
func (s loadingToChange) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	return s.LoadToChange(ctx, id, have)
}

// onLocking makes a Check of a function that needs one store opened by two processes, and
// an account that both know. The first process was late before, so its store is about to
// lock the account, if it ever does.
func onLocking(check func(ctx context.Context, first, second creditledger.LockingStore, b *book) error) func(context.Context, Backend) error {
	return func(ctx context.Context, backend Backend) error {
		s, err := backend.New()
		if err != nil {
			return err
		}
		first, ok := s.(creditledger.LockingStore)
		if !ok || backend.Beside == nil {
			return ErrNotApplicable
		}
		beside, err := backend.Beside(s)
		if err != nil {
			return fmt.Errorf("opening it beside: %w", err)
		}
		ctx, cancel := context.WithTimeout(ctx, patient)
		defer cancel()
		b := &book{id: plain}
		if err := b.commit(ctx, first, b.next(1, created(sampleBlock(1)))); err != nil {
			return err
		}
		late := b.next(1)
		if err := b.commit(ctx, beside, b.next(1)); err != nil {
			return err
		}
		if err := conflict(first.Commit(ctx, []creditledger.Change{late}), []creditledger.AccountID{b.id}, nil); err != nil {
			return err
		}
		return check(ctx, first, beside.(creditledger.LockingStore), b)
	}
}

// loadToChange loads an account for a decision, and compares.
func (b *book) loadToChange(ctx context.Context, s creditledger.LockingStore) error {
	return b.verifyState(ctx, loadingToChange{s})
}

func lockCommit(ctx context.Context, first, second creditledger.LockingStore, b *book) error {
	for i, s := range []creditledger.LockingStore{first, second, first, first, second, second, first} {
		if err := errors.Join(b.loadToChange(ctx, s), b.commit(ctx, s, b.next(1))); err != nil {
			return fmt.Errorf("change %d: %w", i+1, err)
		}
	}
	return verifyAll(ctx, first, b)
}

func lockRelease(ctx context.Context, first, second creditledger.LockingStore, b *book) error {
	for range 3 {
		if err := b.loadToChange(ctx, first); err != nil {
			return err
		}
		first.Release(b.id)
		first.Release(b.id)
		if err := errors.Join(b.loadToChange(ctx, second), b.commit(ctx, second, b.next(1))); err != nil {
			return fmt.Errorf("another process, after Release: %w", err)
		}
	}
	first.Release(creditledger.AccountID{Customer: "never seen", Currency: "credits"})
	return b.commit(ctx, first, b.next(1))
}

func lockAlone(ctx context.Context, first, second creditledger.LockingStore, b *book) error {
	if err := b.loadToChange(ctx, first); err != nil {
		return err
	}
	if err := errors.Join(b.loadToChange(ctx, second), b.commit(ctx, second, b.next(1))); err != nil {
		return fmt.Errorf("another process, while the first one does nothing: %w", err)
	}
	return b.commit(ctx, first, b.next(1))
}
