package fuzz_test

import (
	"context"
	"maps"
	"slices"
	"sync"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/store/memory"
)

// lockingBackend is a store in memory that locks accounts before decisions.
var lockingBackend = fuzz.Backend{Name: "locking", New: func(string) func() (cl.Store, error) {
	s := &lockingMemory{Store: memory.New(), locks: map[cl.AccountID]bool{}}
	return func() (cl.Store, error) { return s, nil }
}}

// lockingMemory notes which accounts are locked: from LoadToChange to a Commit that is done,
// or to Release.
type lockingMemory struct {
	cl.Store
	mu    sync.Mutex
	locks map[cl.AccountID]bool
}

func (s *lockingMemory) Concurrency() (commits, accounts int) { return 2, 100 }

func (s *lockingMemory) LoadToChange(ctx context.Context, id cl.AccountID, have *cl.Head) (*cl.State, error) {
	s.mu.Lock()
	s.locks[id] = true
	s.mu.Unlock()
	return s.Load(ctx, id, have)
}

func (s *lockingMemory) Release(id cl.AccountID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.locks, id)
}

func (s *lockingMemory) Commit(ctx context.Context, changes []cl.Change) error {
	err := s.Store.Commit(ctx, changes)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range changes {
		if err == nil {
			delete(s.locks, changes[i].Account)
		}
	}
	return err
}

// locked lists the accounts that are locked.
func (s *lockingMemory) locked() []cl.AccountID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.locks), cl.AccountID.Compare)
}
