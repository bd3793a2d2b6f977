package fuzz_test

import (
	"context"
	"sync"

	cl "creditledger"
)

// meter is a store that counts what it is asked: calls, and the rows that they return
// or write. A hook runs before each call, and may end it with an error.
type meter struct {
	inner cl.Store
	hook  func(ctx context.Context, call string, on cl.AccountID) error

	mu          sync.Mutex
	calls, rows int
	loaded      int // of the rows, blocks that came with an account
	largest     int // the most blocks in one commit
}

// sharedMeter is a meter over an OptimisticStore.
type sharedMeter struct{ *meter }

func (sharedMeter) Concurrency() (commits, accounts int) { return 1, 64 }

// metered is a meter, as a store that is asked before each decision or as an
// OptimisticStore.
func metered(m *meter, shared bool) cl.Store {
	if shared {
		return sharedMeter{m}
	}
	return m
}

// reset begins to count anew.
func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls, m.rows, m.loaded, m.largest = 0, 0, 0, 0
}

func (m *meter) before(ctx context.Context, call string, on cl.AccountID) error {
	m.mu.Lock()
	m.calls++
	hook := m.hook
	m.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(ctx, call, on)
}

func (m *meter) count(rows int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows += rows
}

func (m *meter) Load(ctx context.Context, id cl.AccountID, have *cl.Head) (*cl.State, error) {
	if err := m.before(ctx, "Load", id); err != nil {
		return nil, err
	}
	state, err := m.inner.Load(ctx, id, have)
	if state != nil {
		m.count(len(state.Blocks))
		m.mu.Lock()
		m.loaded += len(state.Blocks)
		m.mu.Unlock()
	}
	return state, err
}

func (m *meter) Commit(ctx context.Context, changes []cl.Change) error {
	blocks := 0
	for i := range changes {
		if err := m.before(ctx, "Commit", changes[i].Account); err != nil {
			return err
		}
		m.count(len(changes[i].Blocks) + len(changes[i].Journal))
		blocks += len(changes[i].Blocks)
	}
	m.mu.Lock()
	m.largest = max(m.largest, blocks)
	m.mu.Unlock()
	return m.inner.Commit(ctx, changes)
}

func (m *meter) Block(ctx context.Context, id cl.AccountID, blockID string) (cl.Block, error) {
	if err := m.before(ctx, "Block", id); err != nil {
		return cl.Block{}, err
	}
	m.count(1)
	return m.inner.Block(ctx, id, blockID)
}

func (m *meter) BlocksByID(ctx context.Context, id cl.AccountID, blockIDs []string) ([]cl.Block, error) {
	if err := m.before(ctx, "BlocksByID", id); err != nil {
		return nil, err
	}
	blocks, err := m.inner.BlocksByID(ctx, id, blockIDs)
	m.count(len(blocks))
	return blocks, err
}

func (m *meter) Blocks(ctx context.Context, id cl.AccountID, from uint64, limit int) ([]cl.Block, error) {
	if err := m.before(ctx, "Blocks", id); err != nil {
		return nil, err
	}
	blocks, err := m.inner.Blocks(ctx, id, from, limit)
	m.count(len(blocks))
	return blocks, err
}

func (m *meter) BlocksByNumber(ctx context.Context, id cl.AccountID, numbers []uint64) ([]cl.Block, error) {
	if err := m.before(ctx, "BlocksByNumber", id); err != nil {
		return nil, err
	}
	m.count(len(numbers))
	return m.inner.BlocksByNumber(ctx, id, numbers)
}

func (m *meter) Journal(ctx context.Context, id cl.AccountID, from uint64, limit int, reverse bool) ([]cl.JournalRecord, error) {
	if err := m.before(ctx, "Journal", id); err != nil {
		return nil, err
	}
	records, err := m.inner.Journal(ctx, id, from, limit, reverse)
	m.count(len(records))
	return records, err
}

func (m *meter) AccountsOfBlock(ctx context.Context, blockID string, after cl.AccountID, limit int) ([]cl.AccountID, error) {
	if err := m.before(ctx, "AccountsOfBlock", cl.AccountID{}); err != nil {
		return nil, err
	}
	return m.inner.AccountsOfBlock(ctx, blockID, after, limit)
}

func (m *meter) HasExpiry(ctx context.Context, id cl.AccountID, at cl.Instant) (bool, error) {
	if err := m.before(ctx, "HasExpiry", id); err != nil {
		return false, err
	}
	return m.inner.HasExpiry(ctx, id, at)
}

func (m *meter) KeySeq(ctx context.Context, id cl.AccountID, key cl.Key) (uint64, error) {
	if err := m.before(ctx, "KeySeq", id); err != nil {
		return 0, err
	}
	return m.inner.KeySeq(ctx, id, key)
}

func (m *meter) RowsByKey(ctx context.Context, id cl.AccountID, kind cl.RowKind, keys []string) ([]cl.Row, error) {
	if err := m.before(ctx, "RowsByKey", id); err != nil {
		return nil, err
	}
	rows, err := m.inner.RowsByKey(ctx, id, kind, keys)
	m.count(len(rows))
	return rows, err
}

func (m *meter) Rows(ctx context.Context, id cl.AccountID, kind cl.RowKind, after string, limit int) ([]cl.Row, error) {
	if err := m.before(ctx, "Rows", id); err != nil {
		return nil, err
	}
	rows, err := m.inner.Rows(ctx, id, kind, after, limit)
	m.count(len(rows))
	return rows, err
}

func (m *meter) Due(ctx context.Context, by cl.Instant, after cl.DueAccount, limit int) ([]cl.DueAccount, error) {
	if err := m.before(ctx, "Due", cl.AccountID{}); err != nil {
		return nil, err
	}
	ids, err := m.inner.Due(ctx, by, after, limit)
	m.count(len(ids))
	return ids, err
}

func (m *meter) Accounts(ctx context.Context, after cl.AccountID, limit int) ([]cl.AccountID, error) {
	if err := m.before(ctx, "Accounts", cl.AccountID{}); err != nil {
		return nil, err
	}
	ids, err := m.inner.Accounts(ctx, after, limit)
	m.count(len(ids))
	return ids, err
}

func (m *meter) Document(ctx context.Context, id cl.DocumentID) (cl.Document, error) {
	if err := m.before(ctx, "Record", cl.AccountID{}); err != nil {
		return cl.Document{}, err
	}
	return m.inner.Document(ctx, id)
}

func (m *meter) Documents(ctx context.Context, kind, prefix, after string, limit int) ([]cl.Document, error) {
	if err := m.before(ctx, "Records", cl.AccountID{}); err != nil {
		return nil, err
	}
	records, err := m.inner.Documents(ctx, kind, prefix, after, limit)
	m.count(len(records))
	return records, err
}

func (m *meter) CheckStrays(ctx context.Context) error {
	if err := m.before(ctx, "CheckStrays", cl.AccountID{}); err != nil {
		return err
	}
	return m.inner.CheckStrays(ctx)
}

func (m *meter) Snapshot(ctx context.Context, id cl.AccountID, f func(cl.Snapshot) error) error {
	if err := m.before(ctx, "Snapshot", id); err != nil {
		return err
	}
	return m.inner.Snapshot(ctx, id, func(s cl.Snapshot) error { return f(meteredSnapshot{s, m}) })
}

// meteredSnapshot counts the rows that a snapshot shows.
type meteredSnapshot struct {
	cl.Snapshot
	m *meter
}

func (s meteredSnapshot) Journal(ctx context.Context, from uint64, limit int) ([]cl.JournalRecord, error) {
	rows, err := s.Snapshot.Journal(ctx, from, limit)
	s.m.count(len(rows))
	return rows, err
}

func (s meteredSnapshot) Blocks(ctx context.Context, from uint64, limit int) ([]cl.Block, error) {
	rows, err := s.Snapshot.Blocks(ctx, from, limit)
	s.m.count(len(rows))
	return rows, err
}

func (s meteredSnapshot) Keys(ctx context.Context, after cl.Key, limit int) ([]cl.KeyedRecord, error) {
	rows, err := s.Snapshot.Keys(ctx, after, limit)
	s.m.count(len(rows))
	return rows, err
}

func (s meteredSnapshot) BlockIDs(ctx context.Context, after string, limit int) ([]cl.NumberedBlock, error) {
	rows, err := s.Snapshot.BlockIDs(ctx, after, limit)
	s.m.count(len(rows))
	return rows, err
}
