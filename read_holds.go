package creditledger

import (
	"cmp"
	"context"
	"slices"
)

// Holds returns the open holds of an account, at most MaxOpenHolds, in the order in which
// they were made; those of one instant by their ids.
func (l *Ledger) Holds(ctx context.Context, on AccountID) ([]HoldInfo, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	var list []HoldInfo
	err = l.readDurable(ctx, on, func(s *slot, at Instant) error {
		list = nil
		if s.account.holds == nil {
			return nil
		}
		for _, h := range s.account.holds.open {
			list = append(list, *h.info(&h.holdState, at))
		}
		return nil
	})
	slices.SortFunc(list, func(a, b HoldInfo) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, err
}

// Hold returns one hold of the account by its id, in any state; a NotFoundError when the
// account never had it.
func (l *Ledger) Hold(ctx context.Context, on AccountID, id string) (HoldInfo, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return HoldInfo{}, err
	}
	defer l.leave()
	if err := checkID("hold_id", id); err != nil {
		return HoldInfo{}, err
	}
	var info *HoldInfo
	err = l.readDurable(ctx, on, func(s *slot, at Instant) error {
		if err := s.fetchHolds(ctx, l.store, Release{HoldID: id}); err != nil {
			return err
		}
		h := s.account.findHold(id)
		if h == nil {
			return &NotFoundError{Kind: "hold", ID: id}
		}
		info = h.info(&h.holdState, at)
		return nil
	})
	if err != nil {
		return HoldInfo{}, err
	}
	return *info, nil
}
