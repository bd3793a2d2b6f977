package creditledger

import (
	"context"
	"slices"
	"strings"
)

// fetch loads the blocks that an operation names.
func (s *slot) fetch(ctx context.Context, store Store, op Operation) error {
	if err := s.fetchExpiries(ctx, store, op); err != nil {
		return err
	}
	if err := s.fetchHolds(ctx, store, op); err != nil {
		return err
	}
	if err := s.fetchSchedules(ctx, store, op); err != nil {
		return err
	}
	var few [4]string
	ids := namedBlocks(op, few[:0])
	ids = slices.DeleteFunc(ids, func(id string) bool { return s.account.find(id) != nil })
	if len(ids) == 0 {
		return nil
	}
	blocks, err := store.BlocksByID(ctx, s.id, slices.Clone(ids)) // a copy, so that the array few stays on the stack
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

// storedBlocks returns how many blocks of the account the store is known to have. Later
// blocks are on their way to it, or another process made them.
func (s *slot) storedBlocks() uint64 {
	if f := s.find(func(f *flight) bool { return f.made != 0 }); f != nil {
		return f.made - 1
	}
	return s.account.head.Blocks
}

// storedVersion returns the version of the account that the store is known to have.
func (s *slot) storedVersion() uint64 {
	if f := s.find(func(*flight) bool { return true }); f != nil {
		return f.version
	}
	return s.account.head.Version
}

// behind returns an error that asks to decide afresh, because the store has more of the
// account than is known here. That may be what this ledger has on its way. If another
// process wrote it, what is on its way will not arrive.
func (s *slot) behind() error { return &redecideError{flight: s.latest()} }

// fetchExpiries asks the store for blocks with the expiries by which an operation names
// its sources, if no block in memory has them.
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

// fetchHolds loads the holds that an operation names.
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

// fetchSchedules loads the schedules that an operation names. It also asks whether blocks
// have ids that only the schedules that it makes may give.
func (s *slot) fetchSchedules(ctx context.Context, store Store, op Operation) error {
	if ids := s.account.missingSchedules(op); len(ids) > 0 {
		rows, err := store.RowsByKey(ctx, s.id, RowSchedule, ids)
		for i := 0; i < len(rows) && err == nil; i++ {
			err = s.account.admitSchedule(&rows[i])
		}
		if err != nil {
			return err
		}
	}
	var taken []string
	for _, id := range madeSchedules(op, nil) {
		if s.account.head.Blocks == 0 {
			break
		}
		below := id + "/"
		used, err := usesPrefix(ctx, store, s.id, below)
		if err != nil {
			return err
		}
		if used {
			taken = append(taken, below)
		}
	}
	s.account.reserve(taken)
	return nil
}

// usesPrefix reports whether a stored block's id begins with a prefix, which is not
// empty.
func usesPrefix(ctx context.Context, store Store, on AccountID, prefix string) (used bool, err error) {
	err = store.Snapshot(ctx, on, func(all Snapshot) error {
		used = false
		// Ids are listed in byte order. The list begins shortly before the ids with the
		// prefix.
		last := len(prefix) - 1
		after := prefix[:last] + string(prefix[last]-1) + "\U0010ffff"
		for {
			page, err := all.BlockIDs(ctx, after, MaxPage)
			if err != nil {
				return err
			}
			for _, row := range page {
				if row.ID >= prefix {
					used = strings.HasPrefix(row.ID, prefix)
					return nil
				}
				after = row.ID
			}
			if len(page) < MaxPage {
				return nil
			}
		}
	})
	return used, err
}
