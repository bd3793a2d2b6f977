package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Snapshot implements creditledger.Store with a copy of the account.
func (s *Store) Snapshot(ctx context.Context, id creditledger.AccountID, f func(creditledger.Snapshot) error) error {
	var copied snapshot
	err := s.read(ctx, "snapshot", func() error {
		copied = s.copyOf(id)
		return nil
	})
	if err != nil {
		return err
	}
	return f(&copied)
}

func (s *Store) copyOf(id creditledger.AccountID) snapshot {
	a := s.accounts[id]
	if a == nil {
		return snapshot{id: id, account: newAccount()}
	}
	c := snapshot{id: id, account: &account{
		head: a.head, journal: a.journal.copied(), texts: maps.Clone(a.texts), blocks: slices.Clone(a.blocks), open: a.open.copied(),
		ids: maps.Clone(a.ids), keys: maps.Clone(a.keys), rows: a.rows.copied(),
	}}
	for i := range a.blocks {
		if b := &a.blocks[i]; !s.holders.has(holder{b.ID, id}) || a.expiry[b.ExpiresAt] == 0 {
			c.unfound = b.ID
		}
	}
	c.listed = s.order.has(id)
	c.due = a.head.NextDue == 0 || s.due.has(creditledger.DueAccount{At: a.head.NextDue, Account: id})
	return c
}

// snapshot is a copy of an account. Blocks and the bytes of records are never changed,
// only replaced.
type snapshot struct {
	*account
	id          creditledger.AccountID
	listed, due bool   // it is in the indexes of accounts and of due accounts, if it should be
	unfound     string // id of a block that is missing in an index

	sortedKeys []creditledger.Key
	sortedIDs  []string
}

// State implements creditledger.Snapshot.
func (s *snapshot) State(ctx context.Context) (*creditledger.State, error) {
	return s.state(), changes.Enter(ctx, "snapshot")
}

// Journal implements creditledger.Snapshot.
func (s *snapshot) Journal(ctx context.Context, from uint64, limit int) ([]creditledger.JournalRecord, error) {
	return s.records(from, limit, false), changes.Enter(ctx, "snapshot")
}

// Blocks implements creditledger.Snapshot.
func (s *snapshot) Blocks(ctx context.Context, from uint64, limit int) ([]creditledger.Block, error) {
	return s.blocksFrom(from, limit), changes.Enter(ctx, "snapshot")
}

// Keys implements creditledger.Snapshot.
func (s *snapshot) Keys(ctx context.Context, after creditledger.Key, limit int) (rows []creditledger.KeyedRecord, err error) {
	if s.sortedKeys == nil {
		s.sortedKeys = slices.Sorted(maps.Keys(s.keys))
	}
	for _, k := range behind(s.sortedKeys, after, limit) {
		rows = append(rows, creditledger.KeyedRecord{Key: k, Seq: s.keys[k]})
	}
	return rows, changes.Enter(ctx, "snapshot")
}

// Rows implements creditledger.Snapshot.
func (s *snapshot) Rows(ctx context.Context, kind creditledger.RowKind, after string, limit int) (rows []creditledger.StoredRow, err error) {
	return s.rows.after(changes.RowName{Kind: kind, Key: after}, limit), changes.Enter(ctx, "snapshot")
}

// BlockIDs implements creditledger.Snapshot.
func (s *snapshot) BlockIDs(ctx context.Context, after string, limit int) (rows []creditledger.NumberedBlock, err error) {
	if s.sortedIDs == nil {
		s.sortedIDs = slices.Sorted(maps.Keys(s.ids))
	}
	for _, id := range behind(s.sortedIDs, after, limit) {
		rows = append(rows, creditledger.NumberedBlock{ID: id, Number: s.ids[id]})
	}
	return rows, changes.Enter(ctx, "snapshot")
}

// behind returns up to limit of a sorted list that are greater than after.
func behind[T ~string](list []T, after T, limit int) []T {
	at, found := slices.BinarySearch(list, after)
	if found {
		at++
	}
	return list[at : at+max(0, min(limit, len(list)-at))]
}

// Check implements creditledger.Snapshot.
func (s *snapshot) Check(ctx context.Context) error {
	switch {
	case s.head.Version > 0 && !s.listed:
		return &creditledger.Violation{Account: s.id, Rule: "index", Detail: "the account is not listed"}
	case s.head.Version > 0 && !s.due:
		return &creditledger.Violation{Account: s.id, Rule: "index", Detail: fmt.Sprintf("it is not among those due, at %s", s.head.NextDue)}
	}
	if s.unfound != "" {
		return &creditledger.Violation{Account: s.id, Block: s.unfound, Rule: "index", Detail: "its id or its expiry does not lead to it"}
	}
	return changes.Enter(ctx, "snapshot")
}

// CheckStrays implements creditledger.Store.
func (s *Store) CheckStrays(ctx context.Context) error {
	return s.read(ctx, "check strays", func() error {
		for id := range s.order.from(creditledger.AccountID{}) {
			if a := s.accounts[id]; a == nil || a.head.Version == 0 {
				return &creditledger.Violation{Account: id, Rule: "index", Detail: "it is listed, and there is no such account"}
			}
		}
		for d := range s.due.from(creditledger.DueAccount{}) {
			if a := s.accounts[d.Account]; a == nil || a.head.NextDue != d.At {
				return &creditledger.Violation{Account: d.Account, Rule: "index", Detail: fmt.Sprintf("it is among those due, at %s, and should not be", d.At)}
			}
		}
		for h := range s.holders.from(holder{}) {
			if a := s.accounts[h.id]; a == nil || a.ids[h.block] == 0 {
				return &creditledger.Violation{Account: h.id, Block: h.block, Rule: "index", Detail: "the id leads to the account, which has no such block"}
			}
		}
		listed := 0
		for id := range s.ids.from(creditledger.DocumentID{}) {
			listed++
			if _, ok := s.records[id]; !ok {
				return &creditledger.Violation{Rule: "records", Detail: fmt.Sprintf("%s %q is listed and not there", id.Kind, id.Key)}
			}
		}
		if listed != len(s.records) {
			return &creditledger.Violation{Rule: "records", Detail: fmt.Sprintf("%d are listed of %d", listed, len(s.records))}
		}
		return nil
	})
}
