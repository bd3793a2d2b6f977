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
	stored := s.storedBlocks()
	for i := range blocks {
		if blocks[i].Number > stored {
			return s.behind()
		}
		s.account.admit(blocks[i])
	}
	return nil
}

// storedBlocks is how many blocks of the account the store is known to hold. Those after
// them are on their way, or another process made them.
func (s *slot) storedBlocks() uint64 {
	if f := s.find(func(f *flight) bool { return f.made != 0 }); f != nil {
		return f.made - 1
	}
	return s.account.head.Blocks
}

// storedVersion is the version of the account that the store is known to hold.
func (s *slot) storedVersion() uint64 {
	if f := s.find(func(*flight) bool { return true }); f != nil {
		return f.version
	}
	return s.account.head.Version
}

// behind asks to decide afresh, because the store has more of the account than is known
// here. What is on its way may be that; if another process wrote it, what is on its way
// does not arrive.
func (s *slot) behind() error { return &redecideError{flight: s.latest()} }

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
