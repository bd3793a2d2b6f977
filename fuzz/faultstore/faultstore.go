// Package faultstore wraps any store and makes one chosen call of it go wrong, so
// that a test can try every call of an operation in turn: the first, the second, and
// so on until the operation is over before its turn comes.
package faultstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	cl "creditledger"
)

// Kind is a way to go wrong.
type Kind int

// The ways to go wrong.
const (
	Fail     Kind = iota // an error, and nothing done
	Cancel               // the caller's context is cancelled, and the call goes on
	Panic                // a panic, and nothing done
	Unknown              // Commit: done, but the outcome is reported as unknown; any other call: as Fail
	Lost                 // Commit: not done, and the outcome is reported as unknown; any other call: as Fail
	Conflict             // Commit: as if somebody else had been faster; any other call: as Fail

	// These are what no store may do. They are for controls.

	Lie  // Commit: done, and reported as failed; any other call: as Fail
	Half // Commit: done without its keys, and reported as unknown; any other call: as Fail
)

// Kinds lists those that a store may come to.
var Kinds = []Kind{Fail, Cancel, Panic, Unknown, Lost, Conflict}

// String returns the kind in a word.
func (k Kind) String() string {
	return [...]string{"fail", "cancel", "panic", "unknown", "lost", "conflict", "lie", "half"}[k]
}

// ErrInjected is what a call that failed on purpose wraps.
var ErrInjected = errors.New("injected fault")

// Store is a store with a fault in it. It counts calls from 1.
type Store struct {
	inner cl.Store

	mu       sync.Mutex
	calls    int
	at       int // call to go wrong at; 0: none
	kind     Kind
	cancel   func()
	hit      string // the call that went wrong
	poisoned bool
}

var _ cl.Store = (*Store)(nil)

// Wrap returns a store that does what the inner one does until it is armed.
func Wrap(inner cl.Store) *Store { return &Store{inner: inner} }

// Arm starts to count anew and lets call number at go wrong. Cancel is the caller's.
func (s *Store) Arm(kind Kind, at int, cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.at, s.kind, s.cancel, s.hit = 0, at, kind, cancel, ""
}

// Hit names the call that went wrong, empty when none did since Arm.
func (s *Store) Hit() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hit
}

// before counts a call. It returns the error to answer with instead of calling the inner
// store. after says that the commit is to be done, and its outcome then reported as
// unknown.
func (s *Store) before(call string, commit bool) (after bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poisoned {
		return false, fmt.Errorf("%s: %w", call, cl.ErrPoisoned)
	}
	s.calls++
	if s.calls != s.at {
		return false, nil
	}
	s.hit = fmt.Sprintf("%s (call %d)", call, s.at)
	fault := fmt.Errorf("%s: %w", s.hit, ErrInjected)
	switch s.kind {
	case Cancel:
		s.cancel()
		return false, nil
	case Panic:
		panic(fault)
	case Unknown, Half:
		if commit {
			s.poisoned = true
			return true, nil
		}
	case Lie:
		return commit, map[bool]error{false: fault}[commit]
	case Lost:
		if commit {
			s.poisoned = true
			return false, &cl.OutcomeUnknownError{Err: fault}
		}
	}
	return false, fault
}

// Optimistic is a Store over an optimistic one, which the ledger asks as little as it can.
type Optimistic struct{ *Store }

// Concurrency implements creditledger.OptimisticStore.
func (s Optimistic) Concurrency() (commits, accounts int) {
	return s.inner.(cl.OptimisticStore).Concurrency()
}

// Exclusive implements creditledger.ExclusiveStore.
func (s Optimistic) Exclusive() bool {
	own, ok := s.inner.(cl.ExclusiveStore)
	return ok && own.Exclusive()
}

// Locking is a Store over one that locks accounts before decisions.
type Locking struct{ Optimistic }

// LoadToChange implements creditledger.LockingStore.
func (s Locking) LoadToChange(ctx context.Context, id cl.AccountID, have *cl.Head) (*cl.State, error) {
	if _, err := s.before("LoadToChange", false); err != nil {
		return nil, err
	}
	return s.inner.(cl.LockingStore).LoadToChange(ctx, id, have)
}

// Release implements creditledger.LockingStore. It cannot go wrong.
func (s Locking) Release(id cl.AccountID) { s.inner.(cl.LockingStore).Release(id) }

// Commit implements creditledger.Store.
func (s *Store) Commit(ctx context.Context, changes []cl.Change) error {
	after, err := s.before("Commit", true)
	if err != nil {
		if errors.Is(err, ErrInjected) && s.kind == Conflict {
			conflict := &cl.ConflictError{}
			for i := range changes {
				if changes[i].Account.Customer != "" {
					conflict.Accounts = append(conflict.Accounts, changes[i].Account)
				}
				for _, r := range changes[i].Documents {
					conflict.Documents = append(conflict.Documents, r.DocumentID)
				}
			}
			return conflict
		}
		return err
	}
	if after && s.kind == Half {
		changes = slices.Clone(changes)
		for i := range changes {
			changes[i].Keys = nil
		}
	}
	err = s.inner.Commit(ctx, changes)
	if after && err == nil && s.kind == Lie {
		return fmt.Errorf("%s: %w", s.Hit(), ErrInjected)
	}
	if after && err == nil {
		return &cl.OutcomeUnknownError{Err: fmt.Errorf("%s: %w", s.Hit(), ErrInjected)}
	}
	return err
}

// Load implements creditledger.Store.
func (s *Store) Load(ctx context.Context, id cl.AccountID, have *cl.Head) (*cl.State, error) {
	if _, err := s.before("Load", false); err != nil {
		return nil, err
	}
	return s.inner.Load(ctx, id, have)
}

// Block implements creditledger.Store.
func (s *Store) Block(ctx context.Context, id cl.AccountID, blockID string) (cl.Block, error) {
	if _, err := s.before("Block", false); err != nil {
		return cl.Block{}, err
	}
	return s.inner.Block(ctx, id, blockID)
}

// BlocksByID implements creditledger.Store.
func (s *Store) BlocksByID(ctx context.Context, id cl.AccountID, blockIDs []string) ([]cl.Block, error) {
	if _, err := s.before("BlocksByID", false); err != nil {
		return nil, err
	}
	return s.inner.BlocksByID(ctx, id, blockIDs)
}

// Blocks implements creditledger.Store.
func (s *Store) Blocks(ctx context.Context, id cl.AccountID, from uint64, limit int) ([]cl.Block, error) {
	if _, err := s.before("Blocks", false); err != nil {
		return nil, err
	}
	return s.inner.Blocks(ctx, id, from, limit)
}

// BlocksByNumber implements creditledger.Store.
func (s *Store) BlocksByNumber(ctx context.Context, id cl.AccountID, numbers []uint64) ([]cl.Block, error) {
	if _, err := s.before("BlocksByNumber", false); err != nil {
		return nil, err
	}
	return s.inner.BlocksByNumber(ctx, id, numbers)
}

// AccountsOfBlock implements creditledger.Store.
func (s *Store) AccountsOfBlock(ctx context.Context, blockID string, after cl.AccountID, limit int) ([]cl.AccountID, error) {
	if _, err := s.before("AccountsOfBlock", false); err != nil {
		return nil, err
	}
	return s.inner.AccountsOfBlock(ctx, blockID, after, limit)
}

// HasExpiry implements creditledger.Store.
func (s *Store) HasExpiry(ctx context.Context, id cl.AccountID, at cl.Instant) (bool, error) {
	if _, err := s.before("HasExpiry", false); err != nil {
		return false, err
	}
	return s.inner.HasExpiry(ctx, id, at)
}

// Journal implements creditledger.Store.
func (s *Store) Journal(ctx context.Context, id cl.AccountID, from uint64, limit int, reverse bool) ([]cl.JournalRecord, error) {
	if _, err := s.before("Journal", false); err != nil {
		return nil, err
	}
	return s.inner.Journal(ctx, id, from, limit, reverse)
}

// KeySeq implements creditledger.Store.
func (s *Store) KeySeq(ctx context.Context, id cl.AccountID, key cl.Key) (uint64, error) {
	if _, err := s.before("KeySeq", false); err != nil {
		return 0, err
	}
	return s.inner.KeySeq(ctx, id, key)
}

// RowsByKey implements creditledger.Store.
func (s *Store) RowsByKey(ctx context.Context, id cl.AccountID, kind cl.RowKind, keys []string) ([]cl.Row, error) {
	if _, err := s.before("RowsByKey", false); err != nil {
		return nil, err
	}
	return s.inner.RowsByKey(ctx, id, kind, keys)
}

// Rows implements creditledger.Store.
func (s *Store) Rows(ctx context.Context, id cl.AccountID, kind cl.RowKind, after string, limit int) ([]cl.Row, error) {
	if _, err := s.before("Rows", false); err != nil {
		return nil, err
	}
	return s.inner.Rows(ctx, id, kind, after, limit)
}

// Due implements creditledger.Store.
func (s *Store) Due(ctx context.Context, by cl.Instant, after cl.DueAccount, limit int) ([]cl.DueAccount, error) {
	if _, err := s.before("Due", false); err != nil {
		return nil, err
	}
	return s.inner.Due(ctx, by, after, limit)
}

// Accounts implements creditledger.Store.
func (s *Store) Accounts(ctx context.Context, after cl.AccountID, limit int) ([]cl.AccountID, error) {
	if _, err := s.before("Accounts", false); err != nil {
		return nil, err
	}
	return s.inner.Accounts(ctx, after, limit)
}

// Document implements creditledger.Store.
func (s *Store) Document(ctx context.Context, id cl.DocumentID) (cl.Document, error) {
	if _, err := s.before("Record", false); err != nil {
		return cl.Document{}, err
	}
	return s.inner.Document(ctx, id)
}

// Documents implements creditledger.Store.
func (s *Store) Documents(ctx context.Context, kind, prefix, after string, limit int) ([]cl.Document, error) {
	if _, err := s.before("Records", false); err != nil {
		return nil, err
	}
	return s.inner.Documents(ctx, kind, prefix, after, limit)
}

// Snapshot implements creditledger.Store.
func (s *Store) Snapshot(ctx context.Context, id cl.AccountID, f func(cl.Snapshot) error) error {
	if _, err := s.before("Snapshot", false); err != nil {
		return err
	}
	return s.inner.Snapshot(ctx, id, f)
}

// CheckStrays implements creditledger.Store.
func (s *Store) CheckStrays(ctx context.Context) error {
	if _, err := s.before("CheckStrays", false); err != nil {
		return err
	}
	return s.inner.CheckStrays(ctx)
}
