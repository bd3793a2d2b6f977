// Package memory is a store that forgets everything when the process ends: for
// tests, for trying things out, and as the reference that says in the fewest words
// what a store does.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"creditledger"
	"creditledger/store"
	"creditledger/store/internal/changes"
)

// Store keeps everything in maps. It shares no memory with its callers. Make one
// with New.
type Store struct {
	mu       sync.RWMutex
	closed   bool
	accounts map[creditledger.AccountID]*account
	order    sorted[creditledger.AccountID] // of accounts
	due      sorted[creditledger.DueAccount]
	holders  sorted[holder]
	records  map[creditledger.DocumentID]creditledger.Document
	ids      sorted[creditledger.DocumentID] // of records
}

var _ store.Store = (*Store)(nil)

// holder is an account that has a block with an id.
type holder struct {
	block string
	id    creditledger.AccountID
}

// New returns an empty store.
func New() *Store {
	return &Store{
		accounts: make(map[creditledger.AccountID]*account),
		order:    sorted[creditledger.AccountID]{compare: creditledger.AccountID.Compare},
		due:      sorted[creditledger.DueAccount]{compare: creditledger.DueAccount.Compare},
		holders: sorted[holder]{compare: func(a, b holder) int {
			return cmp.Or(cmp.Compare(a.block, b.block), a.id.Compare(b.id))
		}},
		records: make(map[creditledger.DocumentID]creditledger.Document),
		ids: sorted[creditledger.DocumentID]{compare: func(a, b creditledger.DocumentID) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
		}},
	}
}

// Close makes every further call return ErrClosed and lets go of what is stored.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.accounts, s.records = nil, nil
	s.order.chunks, s.due.chunks, s.holders.chunks, s.ids.chunks = nil, nil, nil, nil
	return nil
}

// Commit implements creditledger.Store. The outcome is never unknown.
func (s *Store) Commit(ctx context.Context, list []creditledger.Change) error {
	if err := changes.Enter(ctx, "commit"); err != nil {
		return err
	}
	if err := changes.Check(list); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("commit: %w", creditledger.ErrClosed)
	}
	if err := s.compare(list); err != nil {
		return err
	}
	for i := range list {
		s.apply(&list[i])
	}
	return nil
}

// compare returns a ConflictError naming everything that moved.
func (s *Store) compare(list []creditledger.Change) error {
	var accounts []creditledger.AccountID
	var records []creditledger.DocumentID
	for i := range list {
		c := &list[i]
		if c.Account != (creditledger.AccountID{}) {
			if same, err := s.accounts[c.Account].compare(c); err != nil {
				return err
			} else if !same {
				accounts = append(accounts, c.Account)
			}
		}
		for j := range c.Documents {
			put := &c.Documents[j]
			if stored := s.records[put.DocumentID]; !changes.Follows(put, &stored) {
				records = append(records, put.DocumentID)
			}
		}
	}
	if len(accounts)+len(records) > 0 {
		return &creditledger.ConflictError{Accounts: accounts, Documents: records}
	}
	return nil
}

// apply cannot fail: everything that could was checked for all changes.
func (s *Store) apply(c *creditledger.Change) {
	for _, put := range c.Documents {
		if put.Expect == 0 {
			s.ids.insert(put.DocumentID)
		}
		s.records[put.DocumentID] = creditledger.Document{
			DocumentID: put.DocumentID, Version: put.Next(), Value: bytesOf(put.Value),
		}
	}
	if c.Account == (creditledger.AccountID{}) {
		return
	}
	a := s.accounts[c.Account]
	if a == nil {
		a = newAccount()
		s.accounts[c.Account] = a
		s.order.insert(c.Account)
	}
	if a.head.NextDue != c.Head.NextDue {
		if a.head.NextDue != 0 {
			s.due.remove(creditledger.DueAccount{At: a.head.NextDue, Account: c.Account})
		}
		if c.Head.NextDue != 0 {
			s.due.insert(creditledger.DueAccount{At: c.Head.NextDue, Account: c.Account})
		}
	}
	for i := range c.Blocks {
		if b := &c.Blocks[i]; b.New {
			s.holders.insert(holder{b.ID, c.Account})
		}
	}
	a.apply(c)
}

// bytesOf copies b; an empty value reads back empty, not nil.
func bytesOf(b []byte) []byte { return append([]byte{}, b...) }
