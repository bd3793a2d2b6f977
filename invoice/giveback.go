package invoice

import (
	"errors"
	"maps"
	"slices"

	"creditledger"
)

// What a period drew is one charge of the ledger. Whoever takes it back reverses that charge,
// never the blocks: so no draw goes back twice, whatever room other charges have made.
// Rule: docs/invoices.md, "Closing a period".

// giveBack takes back what is left of what a period drew, and tells how much that is. What its blocks cannot take any
// more because it was sold, used and refunded is not owed any longer either.
func (t *tx) giveBack(inv *Invoice, why string) (left creditledger.Amount, err error) {
	p := inv.Period
	if t.customer.DeletedAt != 0 {
		return left, nil // nobody can use them, and the ledger takes no more operations on that account
	}
	drawn, err := t.drawn(p)
	for i := 0; err == nil && i < len(drawn); i++ {
		left, err = left.Add(drawn[i].Left)
	}
	if err != nil || left.IsZero() {
		return left, err
	}
	reverse := creditledger.Reverse{Charge: p.Charge, Amount: left, Description: why}
	would, err := t.wouldDo(p.Account, append(t.operations(p.Account), reverse))
	if err != nil {
		return left, err
	}
	plan := would[len(would)-1]
	lost, err := lostOf(drawn, &plan)
	if err == nil {
		err = t.owesLess(p.Account, lost)
	}
	if err != nil {
		return left, err
	}
	before := p.Lost
	err = t.ask(p.Account, []creditledger.Operation{reverse}, func(r []creditledger.Result) error {
		if !tookBackAs(plan, r[0]) {
			return errAgain
		}
		gone, err := r[0].Lapsed.Add(r[0].Lost)
		if err == nil {
			p.Lost, err = before.Add(gone)
		}
		return err
	})
	return left, firstError(err, t.takeReturned(p.Account, plan.Entries))
}

// lostOf is what each block could not take of what a reversal took back. What is left of the
// entries is lowered by that.
func lostOf(drawn []creditledger.Drawn, r *creditledger.Result) (map[string]creditledger.Amount, error) {
	back := map[uint64]creditledger.Amount{}
	rest, err := r.Reversed, error(nil)
	for i := range r.Entries {
		if e := &r.Entries[i]; e.Reverses != 0 && err == nil {
			back[e.Reverses], err = back[e.Reverses].Add(e.Amount)
		}
	}
	lost := map[string]creditledger.Amount{}
	for i := range drawn {
		d := &drawn[i]
		taken := smaller(rest, d.Left)
		gone, fail := without(taken, back[d.Entry])
		if err = errors.Join(err, fail); err == nil && gone.Sign() > 0 {
			lost[d.BlockID], err = lost[d.BlockID].Add(gone)
		}
		if err == nil {
			rest, err = rest.Sub(taken)
		}
		if err == nil {
			d.Left, err = d.Left.Sub(taken)
		}
	}
	return lost, err
}

// owesLess lowers what refunds and voids of purchases put down as owed for used credits: so
// much of their use was taken back, and is lost.
func (t *tx) owesLess(on Account, lost map[string]creditledger.Amount) error {
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		inv, err := t.soldAs(on, id)
		if err != nil || inv == nil || inv.Purchase == nil {
			if err != nil {
				return err
			}
			continue
		}
		credits, err := inv.closedUse(lost[id])
		if err == nil {
			err = t.lowerOwed(inv, credits)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// soldBlock says of a block which sale its credits are of. Blocks that the purchase or changes
// of their expiry made say so themselves; those that transfers made do not.
type soldBlock struct {
	Invoice string `json:"invoice_id"`
}

func soldKey(on Account, block string) string {
	return on.Customer + separator + on.Currency + separator + block
}

// soldAs is the invoice of the sale that a block is of, as far as it was taken back; nil when
// there is none.
func (t *tx) soldAs(on Account, block string) (*Invoice, error) {
	b, err := t.s.ledger.Block(t.ctx, on.id(), block)
	if err != nil {
		return nil, err
	}
	id := b.InvoiceID
	if id == "" {
		sold, err := read[soldBlock](t, kindSold, soldKey(on, block))
		if err != nil || sold == nil {
			return nil, err
		}
		id = sold.Invoice
	}
	return read[Invoice](t, kindInvoice, id)
}

// noteSold notes where used credits of a sale are that is taken back.
func (t *tx) noteSold(inv *Invoice, l *lot) error {
	for i := range l.blocks {
		b := &l.blocks[i]
		if b.invoice != "" || b.drawn.IsZero() {
			continue
		}
		key := soldKey(accountOf(b.on), b.id)
		sold, err := read[soldBlock](t, kindSold, key)
		if err != nil {
			return err
		}
		if sold == nil {
			t.put(kindSold, key, &soldBlock{Invoice: inv.ID})
		}
	}
	return nil
}

// closedUse is what of lost credits refunds had found used and closed, as earlier releases did:
// else they are lost for another reason, such as an amendment. A void closes everything.
func (inv *Invoice) closedUse(lost creditledger.Amount) (creditledger.Amount, error) {
	if inv.Status == Void {
		return lost, nil
	}
	var spent creditledger.Amount
	var err error
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.VoidedAt == 0 && err == nil {
			spent, err = spent.Add(n.Spent)
		}
	}
	if err != nil {
		return spent, err
	}
	closed, err := without(spent, inv.Purchase.RefilledBack, inv.Purchase.UsedBack)
	return smaller(lost, closed), err
}

// lowerOwed takes some of a purchase's credits off what was found used, of the first refund
// first, and gives back what was owed for them. The first refund would have taken them unused,
// had they been given back before it: so each refund is left with the use that it would have
// found, and owes the price of just that.
func (t *tx) lowerOwed(inv *Invoice, credits creditledger.Amount) error {
	after := creditledger.Amount{}
	for i := range inv.CreditNotes {
		n := &inv.CreditNotes[i]
		if n.VoidedAt != 0 || n.TakenBack.IsZero() {
			continue
		}
		var err error
		if after, err = after.Add(n.TakenBack); err != nil {
			return err
		}
		use := smaller(credits, n.Spent)
		if use.Sign() <= 0 {
			continue
		}
		if n.Spent, err = n.Spent.Sub(use); err == nil {
			credits, err = credits.Sub(use)
		}
		if err != nil {
			return err
		}
		owed, err := inv.owedFor(n, after)
		if err == nil {
			err = t.returnOwed(inv, &n.Owed, owed)
		}
		if err != nil {
			return err
		}
	}
	return t.usedLess(inv, credits)
}

// usedLess lowers what a voided purchase reports as used and never paid.
func (t *tx) usedLess(inv *Invoice, credits creditledger.Amount) error {
	u := inv.UnpaidUse
	if u == nil || credits.Sign() <= 0 {
		return nil
	}
	rest, err := u.Credits.Sub(smaller(credits, u.Credits))
	if err != nil {
		return err
	}
	price, err := inv.priceOf(inv.Total, creditledger.Amount{}, rest)
	if err != nil {
		return err
	}
	less := *u
	less.Credits = rest
	if u.Owed {
		err = t.returnOwed(inv, &less.Amount, price)
	} else {
		less.Amount, err = price, nil
		t.changed(inv)
	}
	if inv.UnpaidUse = &less; rest.IsZero() {
		inv.UnpaidUse = nil
	}
	return err
}

// returnOwed gives back to the customer balance what is not owed any more.
func (t *tx) returnOwed(inv *Invoice, was *Money, is Money) error {
	back, err := was.Sub(is)
	if err != nil {
		return err
	}
	t.changed(inv)
	*was = is
	return t.moveBalanceOf(inv.Customer, back, Movement{Action: ShortfallReturned, Invoice: inv.ID})
}

// drawn is what a period drew, and what is left of that to take back.
func (t *tx) drawn(p *Period) (drawn []creditledger.Drawn, err error) {
	if len(p.Draws) == 0 {
		return nil, nil
	}
	if p.Charge == "" {
		if p.Charge, err = t.chargeOf(p); err != nil {
			return nil, err
		}
	}
	return t.s.ledger.Drawn(t.ctx, p.Account.id(), creditledger.Reverse{Charge: p.Charge})
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
