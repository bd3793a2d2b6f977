package invoice

import "creditledger"

// What a period drew is one charge of the ledger. Whoever takes it back reverses that charge,
// never the blocks: so no draw goes back twice, whatever room other charges have made.
// Rule: docs/invoices.md, "Closing a period".

// giveBack takes back what is left of what a period drew.
func (t *tx) giveBack(inv *Invoice) error {
	p := inv.Period
	left, err := t.leftOf(p)
	if err != nil || left.IsZero() {
		return err
	}
	lost := p.Lost
	reverse := creditledger.Reverse{Charge: p.Charge, Amount: left, Description: "voided: " + inv.name()}
	return t.ask(p.Account, []creditledger.Operation{reverse}, func(r []creditledger.Result) error {
		gone, err := r[0].Lapsed.Add(r[0].Lost)
		if err == nil {
			p.Lost, err = lost.Add(gone)
		}
		return err
	})
}

// leftOf is what is left to take back of what a period drew.
func (t *tx) leftOf(p *Period) (left creditledger.Amount, err error) {
	if len(p.Draws) == 0 {
		return left, nil
	}
	if p.Charge == "" {
		if p.Charge, err = t.chargeOf(p); err != nil {
			return left, err
		}
	}
	drawn, err := t.s.ledger.Drawn(t.ctx, p.Account.id(), p.Charge)
	if err != nil {
		return left, err
	}
	for i := range drawn {
		if left, err = left.Add(drawn[i].Left); err != nil {
			return left, err
		}
	}
	return left, nil
}

// chargeOf finds the key under which a period was closed that does not say it.
func (t *tx) chargeOf(p *Period) (creditledger.Key, error) {
	q := creditledger.EntriesQuery{Ascending: true, Limit: creditledger.MaxPage, Type: creditledger.EntryDecrement}
	for e, err := range t.s.ledger.AllEntries(t.ctx, p.Account.id(), q) {
		if err != nil {
			return "", err
		}
		if e.ID == p.Draws[0].EntryID {
			return e.IdempotencyKey, nil
		}
	}
	return "", &creditledger.NotFoundError{Kind: "entry", ID: p.Draws[0].EntryID}
}
