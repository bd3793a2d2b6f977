package bolt

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sort"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Snapshot implements creditledger.Store. No commit waits for it, unless the file has to
// grow beyond what is mapped of it.
func (r reads) Snapshot(ctx context.Context, id creditledger.AccountID, f func(creditledger.Snapshot) error) error {
	return r.aside(ctx, "snapshot", id, func(v view) error {
		at, err := v.accountPos(id)
		if err != nil {
			return err
		}
		return f(&snapshot{v: v, id: id, at: at})
	})
}

// snapshot is one account in a transaction. The tail takes precedence over the tables.
type snapshot struct {
	v  view
	id creditledger.AccountID
	at accountPos

	keys, ids []textRow // of the tail, sorted
}

// textRow is a row of a table of texts: of keys, or of ids of blocks.
type textRow struct {
	text   string
	number uint64
}

func sortedRows[K ~string](m map[K]uint64) []textRow {
	rows := make([]textRow, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		rows = append(rows, textRow{string(k), m[k]})
	}
	return rows
}

// State implements creditledger.Snapshot.
func (s *snapshot) State(ctx context.Context) (*creditledger.State, error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil {
		return nil, err
	}
	blocks, err := s.v.openBlocks(s.id, s.at.acct)
	if err != nil {
		return nil, err
	}
	rows, err := s.v.openRows(s.id, s.at)
	if err != nil {
		return nil, err
	}
	return &creditledger.State{Head: s.at.head, Blocks: blocks, Rows: rows}, nil
}

// Journal implements creditledger.Snapshot. The log can have a record behind the head
// only where no account leads to; CheckStrays counts those.
func (s *snapshot) Journal(ctx context.Context, from uint64, limit int) ([]creditledger.JournalRecord, error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil || s.at.acct == 0 || limit <= 0 {
		return nil, err
	}
	return s.v.page(s.id, s.at, from, limit, false)
}

// Blocks implements creditledger.Snapshot.
func (s *snapshot) Blocks(ctx context.Context, from uint64, limit int) ([]creditledger.Block, error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil || s.at.acct == 0 || limit <= 0 {
		return nil, err
	}
	numbers, err := s.v.blockNumbers(s.id, s.at.acct, from, limit)
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	return s.v.blocksOf(s.id, s.at.acct, numbers)
}

// Keys implements creditledger.Snapshot.
func (s *snapshot) Keys(ctx context.Context, after creditledger.Key, limit int) (keys []creditledger.KeyedRecord, err error) {
	if a := s.v.tail.account(s.id); a != nil && s.keys == nil {
		s.keys = sortedRows(a.keys)
	}
	rows, err := s.texts(ctx, bucketKeys, s.keys, string(after), limit)
	for _, row := range rows {
		keys = append(keys, creditledger.KeyedRecord{Key: creditledger.Key(row.text), Seq: row.number})
	}
	return keys, err
}

// BlockIDs implements creditledger.Snapshot.
func (s *snapshot) BlockIDs(ctx context.Context, after string, limit int) (ids []creditledger.NumberedBlock, err error) {
	if a := s.v.tail.account(s.id); a != nil && s.ids == nil {
		s.ids = sortedRows(a.ids)
	}
	rows, err := s.texts(ctx, bucketBlockIDs, s.ids, after, limit)
	for _, row := range rows {
		ids = append(ids, creditledger.NumberedBlock{ID: row.text, Number: row.number})
	}
	return ids, err
}

// texts returns up to limit rows behind a text, in order: those of the tail, and those of
// the tables that are not in the tail.
func (s *snapshot) texts(ctx context.Context, bucket []byte, recent []textRow, after string, limit int) (rows []textRow, err error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil || s.at.acct == 0 || limit <= 0 {
		return nil, err
	}
	b, err := s.v.bucket(bucket)
	if err != nil {
		return nil, err
	}
	recent = recent[sort.Search(len(recent), func(i int) bool { return recent[i].text > after }):]
	for k, value := range ascending(b, key(s.at.acct), textKey(s.at.acct, after)) {
		text := string(k[numberSize:])
		if text == after && after != "" {
			continue
		}
		for len(recent) > 0 && recent[0].text < text && len(rows) < limit {
			rows, recent = append(rows, recent[0]), recent[1:]
		}
		if len(rows) == limit {
			return rows, nil
		}
		row := textRow{text, 0}
		if len(recent) > 0 && recent[0].text == text {
			row, recent = recent[0], recent[1:]
		} else if len(value) == numberSize {
			row.number = binary.BigEndian.Uint64(value)
		}
		if row.number == 0 {
			return nil, corrupt(fmt.Sprintf("%s %q of %v", bucket, text, s.id), "not a number")
		}
		rows = append(rows, row)
	}
	return append(rows, recent[:min(len(recent), limit-len(rows))]...), nil
}

// Check implements creditledger.Snapshot.
func (s *snapshot) Check(ctx context.Context) error {
	if err := changes.Enter(ctx, "snapshot"); err != nil || s.at.acct == 0 {
		return err
	}
	if err := s.v.checkJournal(s.id, s.at); err != nil {
		return err
	}
	if err := s.v.checkOpen(s.id, s.at); err != nil {
		return err
	}
	if err := s.v.checkOpenRows(s.id, s.at); err != nil {
		return err
	}
	if err := s.v.checkFound(s.id, s.at.acct); err != nil {
		return err
	}
	return s.v.checkDue(s.id, s.at)
}
