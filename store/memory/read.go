package memory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"creditledger"
	"creditledger/store/internal/changes"
)

// read calls f under the read lock, unless ctx is over or the store closed.
func (s *Store) read(ctx context.Context, op string, f func() error) error {
	if err := changes.Enter(ctx, op); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return fmt.Errorf("%s: %w", op, creditledger.ErrClosed)
	}
	return f()
}

// Load implements creditledger.Store.
func (s *Store) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	var state *creditledger.State
	err := s.read(ctx, "load", func() error {
		a := s.accounts[id]
		if a == nil {
			state = &creditledger.State{}
			return nil
		}
		if changes.Known(have, &a.head) {
			return nil
		}
		state = a.state()
		return nil
	})
	return state, err
}

func (a *account) state() *creditledger.State {
	state := &creditledger.State{Head: a.head}
	for number := range a.open.from(0) {
		at, _ := a.find(number)
		state.Blocks = append(state.Blocks, changes.CloneBlock(a.blocks[at].Block))
	}
	state.Rows = a.rows.listed()
	return state
}

// Block implements creditledger.Store.
func (s *Store) Block(ctx context.Context, id creditledger.AccountID, blockID string) (block creditledger.Block, err error) {
	err = s.read(ctx, "block", func() error {
		if a := s.accounts[id]; a != nil {
			if number, ok := a.ids[blockID]; ok {
				at, _ := a.find(number)
				block = changes.CloneBlock(a.blocks[at].Block)
				return nil
			}
		}
		return &creditledger.NotFoundError{Kind: "block", ID: blockID}
	})
	return block, err
}

// BlocksByID implements creditledger.Store.
func (s *Store) BlocksByID(ctx context.Context, id creditledger.AccountID, blockIDs []string) (blocks []creditledger.Block, err error) {
	err = s.read(ctx, "blocks by id", func() error {
		a := s.accounts[id]
		if a == nil {
			return nil
		}
		for _, blockID := range blockIDs {
			if number, ok := a.ids[blockID]; ok {
				at, _ := a.find(number)
				blocks = append(blocks, changes.CloneBlock(a.blocks[at].Block))
			}
		}
		return nil
	})
	return blocks, err
}

// Blocks implements creditledger.Store.
func (s *Store) Blocks(ctx context.Context, id creditledger.AccountID, from uint64, limit int) (blocks []creditledger.Block, err error) {
	err = s.read(ctx, "blocks", func() error {
		if a := s.accounts[id]; a != nil {
			blocks = a.blocksFrom(from, limit)
		}
		return nil
	})
	return blocks, err
}

func (a *account) blocksFrom(from uint64, limit int) (blocks []creditledger.Block) {
	at, _ := a.find(from)
	for ; at < len(a.blocks) && len(blocks) < limit; at++ {
		blocks = append(blocks, changes.CloneBlock(a.blocks[at].Block))
	}
	return blocks
}

// BlocksByNumber implements creditledger.Store.
func (s *Store) BlocksByNumber(ctx context.Context, id creditledger.AccountID, numbers []uint64) ([]creditledger.Block, error) {
	var blocks []creditledger.Block
	err := s.read(ctx, "blocks by number", func() error {
		a := s.accounts[id]
		if a == nil {
			a = &account{}
		}
		for _, number := range numbers {
			at, found := a.find(number)
			if !found {
				return &creditledger.NotFoundError{Kind: "block", ID: strconv.FormatUint(number, 10)}
			}
			blocks = append(blocks, changes.CloneBlock(a.blocks[at].Block))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return blocks, nil
}

// Journal implements creditledger.Store.
func (s *Store) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	var records []creditledger.JournalRecord
	err := s.read(ctx, "journal", func() error {
		if a := s.accounts[id]; a != nil {
			records = a.records(from, limit, reverse)
		}
		return nil
	})
	return records, err
}

func (a *account) records(from uint64, limit int, reverse bool) (records []creditledger.JournalRecord) {
	if limit <= 0 {
		return nil
	}
	last := a.journal.len()
	low, high := max(from, 1)-1, last // records low+1 to high
	if reverse {
		low, high = 0, min(from, last)
		low = high - min(high, uint64(limit))
	} else if low = min(low, last); high-low > uint64(limit) {
		high = low + uint64(limit)
	}
	for seq := low + 1; seq <= high; seq++ {
		records = append(records, creditledger.JournalRecord{Seq: seq, Bytes: bytesOf(a.journal.record(seq)), Texts: slices.Clone(a.texts[seq])})
	}
	if reverse {
		slices.Reverse(records)
	}
	return records
}

// KeySeq implements creditledger.Store.
func (s *Store) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (seq uint64, err error) {
	err = s.read(ctx, "idempotency key", func() error {
		if a := s.accounts[id]; a != nil {
			seq = a.keys[key]
		}
		return nil
	})
	return seq, err
}

// RowsByKey implements creditledger.Store.
func (s *Store) RowsByKey(ctx context.Context, id creditledger.AccountID, kind creditledger.RowKind, keys []string) (rows []creditledger.Row, err error) {
	err = s.read(ctx, "rows by key", func() error {
		a := s.accounts[id]
		if a == nil {
			return nil
		}
		for _, key := range keys {
			if r, ok := a.rows.find(changes.RowName{Kind: kind, Key: key}); ok {
				rows = append(rows, changes.CloneRow(r.Row))
			}
		}
		return nil
	})
	return rows, err
}

// Rows implements creditledger.Store.
func (s *Store) Rows(ctx context.Context, id creditledger.AccountID, kind creditledger.RowKind, after string, limit int) (rows []creditledger.Row, err error) {
	err = s.read(ctx, "rows", func() error {
		a := s.accounts[id]
		if a == nil {
			return nil
		}
		for _, r := range a.rows.after(changes.RowName{Kind: kind, Key: after}, limit) {
			if r.Kind == kind {
				rows = append(rows, r.Row)
			}
		}
		return nil
	})
	return rows, err
}

// Due implements creditledger.Store.
func (s *Store) Due(ctx context.Context, by creditledger.Instant, after creditledger.DueAccount, limit int) (list []creditledger.DueAccount, err error) {
	err = s.read(ctx, "due accounts", func() error {
		if limit <= 0 {
			return nil
		}
		for d := range s.due.after(after) {
			if d.At > by {
				break
			}
			if list = append(list, d); len(list) == limit {
				break
			}
		}
		return nil
	})
	return list, err
}

// Accounts implements creditledger.Store.
func (s *Store) Accounts(ctx context.Context, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	err = s.read(ctx, "accounts", func() error {
		if limit <= 0 {
			return nil
		}
		for id := range s.order.after(after) {
			if ids = append(ids, id); len(ids) == limit {
				break
			}
		}
		return nil
	})
	return ids, err
}

// AccountsOfBlock implements creditledger.Store.
func (s *Store) AccountsOfBlock(ctx context.Context, blockID string, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	err = s.read(ctx, "accounts of a block", func() error {
		if limit <= 0 {
			return nil
		}
		for h := range s.holders.after(holder{blockID, after}) {
			if h.block != blockID {
				break
			}
			if ids = append(ids, h.id); len(ids) == limit {
				break
			}
		}
		return nil
	})
	return ids, err
}

// HasExpiry implements creditledger.Store.
func (s *Store) HasExpiry(ctx context.Context, id creditledger.AccountID, at creditledger.Instant) (has bool, err error) {
	err = s.read(ctx, "expiry", func() error {
		if a := s.accounts[id]; a != nil {
			has = a.expiry[at] > 0
		}
		return nil
	})
	return has, err
}

// Document implements creditledger.Store.
func (s *Store) Document(ctx context.Context, id creditledger.DocumentID) (record creditledger.Document, err error) {
	err = s.read(ctx, "record", func() error {
		stored, ok := s.records[id]
		if !ok {
			return &creditledger.NotFoundError{Kind: id.Kind, ID: id.Key}
		}
		record = stored
		record.Value = bytesOf(stored.Value)
		return nil
	})
	return record, err
}

// Documents implements creditledger.Store.
func (s *Store) Documents(ctx context.Context, kind, prefix, after string, limit int) (records []creditledger.Document, err error) {
	err = s.read(ctx, "records", func() error {
		if limit <= 0 {
			return nil
		}
		for id := range s.ids.from(creditledger.DocumentID{Kind: kind, Key: max(prefix, after)}) {
			if id.Kind != kind || !strings.HasPrefix(id.Key, prefix) {
				break
			}
			if id.Key == after {
				continue
			}
			record := s.records[id]
			record.Value = bytesOf(record.Value)
			if records = append(records, record); len(records) == limit {
				break
			}
		}
		return nil
	})
	return records, err
}

// Kinds implements store.Kinder.
func (s *Store) Kinds(ctx context.Context) (kinds []string, err error) {
	err = s.read(ctx, "kinds", func() error {
		for id := range s.ids.from(creditledger.DocumentID{}) {
			if len(kinds) == 0 || kinds[len(kinds)-1] != id.Kind {
				kinds = append(kinds, id.Kind)
			}
		}
		return nil
	})
	return kinds, err
}
