package bolt

import (
	"context"

	"creditledger"
	"creditledger/store/internal/changes"
)

var _ creditledger.ExclusiveStore = (*Store)(nil)

// Concurrency implements creditledger.OptimisticStore. Nobody else writes to the file,
// but each question costs a transaction, and a commit checks everything again. Commits
// follow one another, so the more accounts one has, the better.
func (s *Store) Concurrency() (commits, accounts int) { return 1, 1024 }

// Exclusive implements creditledger.ExclusiveStore: the file is locked.
func (s *Store) Exclusive() bool { return true }

// Load implements creditledger.Store. The tail can often tell without a transaction that an
// account is where the caller has it.
func (s *Store) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	if have == nil || !s.stands(id, have) {
		return s.reads.Load(ctx, id, have)
	}
	if err := changes.Enter(ctx, "load"); err != nil {
		return nil, err
	}
	return nil, s.refuses("load")
}

// stands reports whether the tail says that the account is where the caller has it. If it
// returns false, the caller has to look.
func (s *Store) stands(id creditledger.AccountID, have *creditledger.Head) bool {
	if !s.tailing.TryRLock() { // it is about to change
		return false
	}
	defer s.tailing.RUnlock()
	a := s.tail.account(id)
	return a != nil && changes.Known(have, &a.head)
}
