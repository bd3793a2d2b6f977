package creditledger

import (
	"context"
	"slices"
)

// fetch puts the blocks that an operation names at hand.
func (s *slot) fetch(ctx context.Context, store Store, op Operation) error {
	if err := s.fetchExpiries(ctx, store, op); err != nil {
		return err
	}
	if err := s.fetchHolds(ctx, store, op); err != nil {
		return err
	}
	var few [4]string
	ids := namedBlocks(op, few[:0])
	ids = slices.DeleteFunc(ids, func(id string) bool { return s.account.find(id) != nil })
	if len(ids) == 0 {
		return nil
	}
	blocks, err := store.BlocksByID(ctx, s.id, slices.Clone(ids)) // a copy: few stays on the stack
	if err != nil {
		return err
	}
	for i := range blocks {
		s.account.admit(blocks[i])
	}
	return nil
}

// fetchExpiries finds out whether the account has blocks with the expiries by which an
// operation names its sources, if none of those at hand has.
func (s *slot) fetchExpiries(ctx context.Context, store Store, op Operation) error {
	a := s.account
	a.stored = a.stored[:0]
	for _, t := range namedExpiries(op, nil) {
		if b, _ := a.holding(t); b != nil || a.hasExpiry(t) {
			continue
		}
		has, err := store.HasExpiry(ctx, s.id, t)
		if err != nil {
			return err
		}
		if has {
			a.stored = append(a.stored, t)
		}
	}
	return nil
}

// fetchHolds puts the holds that an operation names at hand.
func (s *slot) fetchHolds(ctx context.Context, store Store, op Operation) error {
	ids := s.account.missingHolds(op)
	if len(ids) == 0 {
		return nil
	}
	rows, err := store.RowsByKey(ctx, s.id, RowHold, ids)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := s.account.admitHold(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}
