package creditledger

import (
	"fmt"
	"slices"
)

// namedHold is a hold as a store keeps it.
type namedHold struct {
	id string
	storedHold
}

// readHold reads a hold's row.
func readHold(id AccountID, r *Row) (namedHold, error) {
	w, err := decodeHoldRow(r.Value)
	if err != nil {
		return namedHold{}, fmt.Errorf("hold %s of %s: %w", quote(r.Key), id, err)
	}
	return namedHold{id: r.Key, storedHold: w}, nil
}

// loadHolds loads the open holds among an account's rows, and notes on its blocks what
// they keep. It refuses rows that no sequence of operations could have left.
func (a *account) loadHolds(rows []Row, blocks []*block) error {
	var byNumber map[uint64]*block
	for i := range rows {
		if rows[i].Kind != RowHold {
			continue
		}
		if byNumber == nil {
			a.holds, byNumber = newHolds(), make(map[uint64]*block, len(blocks))
			for _, b := range blocks {
				byNumber[b.Number] = b
			}
		}
		n, err := readHold(a.id, &rows[i])
		if err != nil {
			return err
		}
		h, err := n.open(byNumber, a.head.LastAt)
		if err == nil && a.holds.byID[h.id] != nil {
			err = fmt.Errorf("it is there twice")
		}
		if err != nil {
			return &CorruptError{Where: "hold " + quote(n.id) + " of " + a.id.String(), Reason: err.Error()}
		}
		a.holds.byID[h.id] = h
		a.holds.weight += h.weight()
		a.holds.open = append(a.holds.open, h)
	}
	return nil
}

// open returns an open hold in the form that an account keeps.
func (n *namedHold) open(byNumber map[uint64]*block, lastAt Instant) (*hold, error) {
	switch {
	case n.state != HoldOpen:
		return nil, fmt.Errorf("it is %s, and listed as open", n.state)
	case n.until <= lastAt:
		return nil, fmt.Errorf("it lapsed %s, before the last record, and is listed as open", n.until)
	case n.unbacked.Sign() < 0 || n.captured.Sign() < 0:
		return nil, fmt.Errorf("it keeps %s that nothing covers, %s are captured", n.unbacked, n.captured)
	}
	h := n.atHand()
	kept := n.unbacked
	for _, s := range n.slices {
		b := byNumber[s.block]
		if b == nil {
			return nil, fmt.Errorf("it keeps %s of block number %d, which is not open", s.amount, s.block)
		}
		held, err := b.rare.held.Add(s.amount)
		if err == nil {
			kept, err = kept.Add(s.amount)
		}
		if err != nil {
			return nil, err
		}
		if s.amount.Sign() <= 0 || held.Cmp(b.Balance) > 0 || b.Status != BlockActive || b.EffectiveAt > lastAt {
			return nil, fmt.Errorf("it keeps %s of block %s, which holds %s", s.amount, quote(b.ID), b.Balance)
		}
		b.setHeld(held)
		h.slices = append(h.slices, slice{block: b, amount: s.amount})
	}
	kept, err := kept.Add(n.captured)
	if err != nil || kept.Cmp(n.amount) != 0 {
		return nil, fmt.Errorf("it keeps and has captured %s of %s", kept, n.amount)
	}
	return h, nil
}

// missingHolds lists the holds that an operation names and that are not in memory.
func (a *account) missingHolds(op Operation) (ids []string) {
	if a.head.Rows == 0 {
		return nil
	}
	return slices.DeleteFunc(namedHolds(op, nil), func(id string) bool { return a.findHold(id) != nil })
}

// admitHold loads a closed hold from its row. It ignores the row of an open hold: the
// stored account has changed since, and will be read again.
func (a *account) admitHold(r *Row) error {
	n, err := readHold(a.id, r)
	if err != nil || n.state == HoldOpen {
		return err
	}
	h := n.atHand()
	h.since = a.head.Version
	if a.holds == nil {
		a.holds = newHolds()
	}
	a.holds.keepClosed(h)
	return nil
}

// atHand returns a closed hold in the form that an account keeps. Of an open hold it
// lacks the slices.
func (n *namedHold) atHand() *hold {
	return &hold{
		id: n.id, createdAt: n.createdAt, itemID: n.itemID, priceID: n.priceID,
		holdState: holdState{
			state: n.state, until: n.until, amount: n.amount, captured: n.captured, unbacked: n.unbacked, last: n.last,
		},
	}
}

// openHolds returns the holds of an account that a store keeps as open. Those that lapsed
// since the last record are among them.
func (a *account) openHolds() (open []namedHold) {
	if a.holds == nil {
		return nil
	}
	for _, list := range [][]*hold{a.holds.open, a.holds.lapsed} {
		for _, h := range list {
			open = append(open, namedHold{id: h.id, storedHold: h.stored(&h.holdState)})
		}
	}
	return open
}
