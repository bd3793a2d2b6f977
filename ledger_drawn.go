package creditledger

import "context"

// Drawn is what one decrement entry of a charge drew.
type Drawn struct {
	Entry   uint64 // its sequence number
	BlockID string
	Amount  Amount
	Left    Amount // of it, what was not taken back yet: no more of it goes back by a Reverse
}

// Drawn lists what a charge drew, in the order of its entries, and what is left of that to
// take back. It is named by its key, the caller's or the one that the ledger made; a
// NotFoundError when the account has none that drew anything.
// Rule: docs/semantics/past.md, "Reverse".
func (l *Ledger) Drawn(ctx context.Context, on AccountID, charge Key) ([]Drawn, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if err := checkID("charge", string(charge)); err != nil {
		return nil, err
	}
	var list []Drawn
	err = l.readDurable(ctx, on, func(s *slot, _ Instant) error {
		var err error
		list, err = l.drawnBy(ctx, s, charge)
		return err
	})
	return list, err
}

func (l *Ledger) drawnBy(ctx context.Context, s *slot, key Key) ([]Drawn, error) {
	rec, err := l.chargeRecord(ctx, s, &Reverse{Charge: key})
	switch {
	case err != nil:
		return nil, err
	case rec == nil:
		return nil, &NotFoundError{Kind: "charge", ID: string(key)}
	case rec.Seq > s.storedVersion():
		return nil, s.behind()
	}
	a := s.account
	c, err := a.bring(rec, l.historyOf(ctx, s.id))
	if err != nil {
		return nil, err
	}
	if len(c.drawn) == 0 {
		return nil, &NotFoundError{Kind: "charge", ID: string(key)}
	}
	list := make([]Drawn, len(c.drawn))
	for i, d := range c.drawn {
		list[i] = Drawn{Entry: d.entry, BlockID: d.block.ID, Amount: d.amount, Left: a.leftOf(d)}
	}
	return list, nil
}
