package creditledger_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"creditledger"
	"creditledger/store/memory"
)

// faulty is a store in memory that a test can hold up, make fail and count.
type faulty struct {
	creditledger.Store

	mu      sync.Mutex
	batches []string                                                                          // what was stored, one text for each commit: "cus_1/credits 2, …"
	commit  func(ctx context.Context, changes []creditledger.Change, next func() error) error // instead of Commit
	read    func(ctx context.Context, what string, id creditledger.AccountID) error           // before a read
}

func newFaulty() *faulty { return &faulty{Store: memory.New()} }

// onCommit sets what happens instead of a commit; nil: nothing else.
func (s *faulty) onCommit(f func(ctx context.Context, changes []creditledger.Change, next func() error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commit = f
}

func (s *faulty) onRead(f func(ctx context.Context, what string, id creditledger.AccountID) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = f
}

// committed returns the accounts of each commit that was stored, each with the number
// of its records.
func (s *faulty) committed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches)
}

func batchText(changes []creditledger.Change) string {
	var parts []string
	for i := range changes {
		parts = append(parts, fmt.Sprintf("%s %d", changes[i].Account.Customer, len(changes[i].Journal)))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func (s *faulty) Commit(ctx context.Context, changes []creditledger.Change) error {
	s.mu.Lock()
	f := s.commit
	s.mu.Unlock()
	next := func() error {
		err := s.Store.Commit(ctx, changes)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			s.batches = append(s.batches, batchText(changes))
		}
		return err
	}
	if f != nil {
		return f(ctx, changes, next)
	}
	return next()
}

func (s *faulty) reading(ctx context.Context, what string, id creditledger.AccountID) error {
	s.mu.Lock()
	f := s.read
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(ctx, what, id)
}

func (s *faulty) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	if err := s.reading(ctx, "load", id); err != nil {
		return nil, err
	}
	if have == nil {
		if err := s.reading(ctx, "load whole", id); err != nil {
			return nil, err
		}
	}
	return s.Store.Load(ctx, id, have)
}

func (s *faulty) Block(ctx context.Context, id creditledger.AccountID, blockID string) (creditledger.Block, error) {
	if err := s.reading(ctx, "block", id); err != nil {
		return creditledger.Block{}, err
	}
	return s.Store.Block(ctx, id, blockID)
}

func (s *faulty) BlocksByID(ctx context.Context, id creditledger.AccountID, blockIDs []string) ([]creditledger.Block, error) {
	if err := s.reading(ctx, "block", id); err != nil {
		return nil, err
	}
	return s.Store.BlocksByID(ctx, id, blockIDs)
}

func (s *faulty) Blocks(ctx context.Context, id creditledger.AccountID, from uint64, limit int) ([]creditledger.Block, error) {
	if err := s.reading(ctx, "blocks", id); err != nil {
		return nil, err
	}
	return s.Store.Blocks(ctx, id, from, limit)
}

func (s *faulty) BlocksByNumber(ctx context.Context, id creditledger.AccountID, numbers []uint64) ([]creditledger.Block, error) {
	if err := s.reading(ctx, "blocks by number", id); err != nil {
		return nil, err
	}
	return s.Store.BlocksByNumber(ctx, id, numbers)
}

func (s *faulty) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	if err := s.reading(ctx, "journal", id); err != nil {
		return nil, err
	}
	return s.Store.Journal(ctx, id, from, limit, reverse)
}

func (s *faulty) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (uint64, error) {
	if err := s.reading(ctx, "key", id); err != nil {
		return 0, err
	}
	return s.Store.KeySeq(ctx, id, key)
}

func (s *faulty) RowsByKey(ctx context.Context, id creditledger.AccountID, kind creditledger.RowKind, keys []string) ([]creditledger.Row, error) {
	if err := s.reading(ctx, "rows by key", id); err != nil {
		return nil, err
	}
	return s.Store.RowsByKey(ctx, id, kind, keys)
}

func (s *faulty) Rows(ctx context.Context, id creditledger.AccountID, kind creditledger.RowKind, after string, limit int) ([]creditledger.Row, error) {
	if err := s.reading(ctx, "rows", id); err != nil {
		return nil, err
	}
	return s.Store.Rows(ctx, id, kind, after, limit)
}

func (s *faulty) Due(ctx context.Context, by creditledger.Instant, after creditledger.DueAccount, limit int) ([]creditledger.DueAccount, error) {
	if err := s.reading(ctx, "due", creditledger.AccountID{}); err != nil {
		return nil, err
	}
	return s.Store.Due(ctx, by, after, limit)
}

func (s *faulty) Accounts(ctx context.Context, after creditledger.AccountID, limit int) ([]creditledger.AccountID, error) {
	if err := s.reading(ctx, "accounts", creditledger.AccountID{}); err != nil {
		return nil, err
	}
	return s.Store.Accounts(ctx, after, limit)
}

func (s *faulty) Document(ctx context.Context, id creditledger.DocumentID) (creditledger.Document, error) {
	if err := s.reading(ctx, "record", creditledger.AccountID{}); err != nil {
		return creditledger.Document{}, err
	}
	return s.Store.Document(ctx, id)
}

func (s *faulty) Documents(ctx context.Context, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
	if err := s.reading(ctx, "records", creditledger.AccountID{}); err != nil {
		return nil, err
	}
	return s.Store.Documents(ctx, kind, prefix, after, limit)
}

// gate stops commits before they reach the store.
type gate struct {
	arrived chan string       // a commit has come, with these accounts
	verdict chan func() error // what becomes of it; nil: it is stored
}

// shut puts a gate before the store's commits.
func (s *faulty) shut() *gate {
	g := &gate{arrived: make(chan string, 100), verdict: make(chan func() error)}
	s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
		g.arrived <- batchText(changes)
		if f := <-g.verdict; f != nil {
			return f()
		}
		return next()
	})
	return g
}

// pass lets the commit at the gate through; fail refuses it.
func (g *gate) pass()          { g.verdict <- nil }
func (g *gate) fail(err error) { g.verdict <- func() error { return err } }
