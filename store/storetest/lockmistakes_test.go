package storetest_test

import (
	"errors"
	"sync"
	"time"

	"creditledger"
	"creditledger/store"
)

// locks are the accounts that the handles of one store keep others from.
type locks struct {
	mu   sync.Mutex
	held map[account]lock
}

type lock struct {
	by    *broken
	until time.Time
}

// lockFor is how long a sound store keeps an account locked for a commit.
const lockFor = 20 * time.Millisecond

// wait waits until nobody else has locked the account. It gives up long before the
// examination would.
func (l *locks) wait(by *broken, id account) error {
	for range 20 {
		l.mu.Lock()
		h := l.held[id]
		l.mu.Unlock()
		if h.by == nil || h.by == by && !by.waitsForItself || time.Now().After(h.until) {
			return nil
		}
		time.Sleep(lockFor / 4)
	}
	return errors.New("somebody keeps the account locked")
}

func (l *locks) set(id account, h lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[account]lock{}
	}
	l.held[id] = h
}

// LoadToChange implements creditledger.LockingStore.
func (b *broken) LoadToChange(ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
	if b.toChange != nil {
		return b.toChange(b.Store, ctx, id, have)
	}
	if err := b.locks.wait(b, id); err != nil {
		return nil, err
	}
	until := time.Now().Add(lockFor)
	if b.locksForEver {
		until = until.Add(time.Hour)
	}
	b.locks.set(id, lock{b, until})
	return b.Load(ctx, id, have)
}

// Release implements creditledger.LockingStore.
func (b *broken) Release(id account) {
	if b.keepsReleased {
		b.locks.set(id, lock{b, time.Now().Add(time.Hour)})
		return
	}
	b.locks.set(id, lock{})
}

// Concurrency implements creditledger.OptimisticStore.
func (b *broken) Concurrency() (commits, accounts int) { return 1, 1 }

// unlocked commits once nobody else has locked an account, and unlocks those of the commit.
func (b *broken) unlocked(list []change, commit func() error) error {
	if b.locks == nil {
		return commit()
	}
	for i := range list {
		if err := b.locks.wait(b, list[i].Account); err != nil {
			return err
		}
	}
	err := commit()
	for i := range list {
		if err == nil {
			b.locks.set(list[i].Account, lock{})
		}
	}
	return err
}

// beside is the same store once more.
func (b *broken) beside() *broken {
	other := *b
	return &other
}

var lockMistakes = []mistake{
	{"keeps an account locked that was released", "lock/release", func() *broken { return &broken{keepsReleased: true} }},
	{"keeps an account locked for ever", "lock/alone", func() *broken { return &broken{locksForEver: true} }},
	{"waits for its own lock", "lock/commit", func() *broken { return &broken{locksForEver: true, waitsForItself: true} }},
	{"loads nothing to change", "lock/load/unknown", func() *broken {
		return &broken{toChange: func(store.Store, ctxt, account, *creditledger.Head) (*creditledger.State, error) { return nil, nil }}
	}},
	{"loads no blocks to change", "lock/load/open", func() *broken {
		return &broken{toChange: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, have)
			if state != nil {
				state.Blocks = nil
			}
			return state, err
		}}
	}},
	{"takes a version for a seal when it loads to change", "lock/load/have", func() *broken {
		return &broken{toChange: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, nil)
			if err == nil && have != nil && have.Version > 0 && have.Version == state.Head.Version {
				return nil, nil
			}
			return state, err
		}}
	}},
}
