package invoice

import (
	"creditledger"
)

// A lot is what a purchase sold, wherever its credits are by now: in blocks of another
// expiry, in other accounts. What became of it is known from the ledger's history. Of the
// capacity of a block, what it does not hold and has not lapsed was drawn, less what was
// given back. Rule: docs/invoices.md, "Selling credits".

// lot is a purchase's credits.
type lot struct {
	blocks   []lotBlock
	refilled creditledger.Amount // what repaid debts when it was sold
}

// lotBlock is a block of a lot as it is now.
type lotBlock struct {
	on                        creditledger.AccountID
	id, invoice               string // as the block says itself
	capacity                  creditledger.Amount
	free, held, lapsed, drawn creditledger.Amount // which add up to the capacity
	pending                   bool                // waits for payment
	activated, expires        creditledger.Instant
	expired                   bool
	deleted                   bool // its customer was: nothing of it is used any more
}

// lotOf finds what became of a purchase.
func (t *tx) lotOf(inv *Invoice) (*lot, error) {
	p := inv.Purchase
	if p.BlockID == "" {
		return &lot{refilled: p.Amount}, nil
	}
	l := &lot{}
	seen := map[creditledger.AccountID]map[string]bool{}
	next := []creditledger.Move{{To: p.Account.id(), ToBlockID: p.BlockID}}
	for first := true; len(next) > 0; first = false {
		on := next[0].To
		if seen[on] == nil {
			seen[on] = map[string]bool{}
		}
		var here []string // blocks that credits left
		var later []creditledger.Move
		for _, m := range next {
			if m.To != on {
				later = append(later, m)
				continue
			}
			if seen[on][m.ToBlockID] {
				continue
			}
			seen[on][m.ToBlockID] = true
			b, err := t.lotBlock(on, m.ToBlockID, l)
			if err != nil {
				return nil, err
			}
			if first {
				if l.refilled, err = p.Amount.Sub(b.Initial); err != nil {
					return nil, err
				}
			}
			if b.Capacity.Cmp(b.Initial) < 0 {
				here = append(here, b.ID)
			}
		}
		next = later
		if len(here) > 0 {
			moves, err := t.s.ledger.Moves(t.ctx, on, here...)
			if err != nil {
				return nil, err
			}
			next = append(next, moves...)
		}
	}
	return l, nil
}

// lotBlock reads a block and adds it to the lot.
func (t *tx) lotBlock(on creditledger.AccountID, id string, l *lot) (creditledger.Block, error) {
	b, err := t.s.ledger.Block(t.ctx, on, id)
	if err != nil {
		return b, err
	}
	now, err := t.at(accountOf(on))
	if err != nil {
		return b, err
	}
	customer, _, err := t.s.customer(t.ctx, on.Customer)
	if err != nil {
		return b, err
	}
	part := lotBlock{
		on: on, id: id, invoice: b.InvoiceID, capacity: b.Capacity, held: b.Held, lapsed: b.Lapsed, deleted: customer.DeletedAt != 0,
		pending: b.Status == creditledger.BlockPendingPayment, activated: b.ActivatedAt, expires: b.ExpiresAt, expired: b.Expired(now),
	}
	balance := b.Balance
	if balance.Sign() < 0 {
		balance = creditledger.Amount{}
	}
	if part.free, err = balance.Sub(b.Held); err == nil && part.expired { // which nobody may have written yet
		part.lapsed, err = part.lapsed.Add(part.free)
		part.free = creditledger.Amount{}
	}
	if err == nil {
		part.drawn, err = without(part.capacity, part.free, part.held, part.lapsed)
	}
	if err == nil {
		err = t.afterParts(&part)
	}
	l.blocks = append(l.blocks, part)
	return b, err
}

// afterParts makes a block what it will be once what the call asked for so far is done: a
// change may void a bill, and then the sale that it drew from.
func (t *tx) afterParts(b *lotBlock) error {
	batch := t.operations(accountOf(b.on))
	if len(batch) == 0 {
		return nil
	}
	results, err := t.wouldDo(accountOf(b.on), batch)
	if err != nil {
		return err
	}
	move := func(from, to *creditledger.Amount, amount creditledger.Amount) {
		if err == nil {
			*from, err = from.Sub(amount)
		}
		if err == nil {
			*to, err = to.Add(amount)
		}
	}
	for i := range results {
		for j := range results[i].Entries {
			switch e := &results[i].Entries[j]; {
			case e.Block.ID != b.id:
			case e.Type == creditledger.EntryAmendment:
				move(&b.drawn, &b.free, e.Amount)
			case e.Type == creditledger.EntryCreditBlockExpiry:
				move(&b.free, &b.lapsed, e.Amount)
			case e.Type == creditledger.EntryDecrement:
				move(&b.free, &b.drawn, e.Amount)
			}
		}
	}
	return err
}

// without returns an amount less others.
func without(a creditledger.Amount, others ...creditledger.Amount) (creditledger.Amount, error) {
	var err error
	for _, o := range others {
		if err == nil {
			a, err = a.Sub(o)
		}
	}
	return a, err
}

func smaller(a, b creditledger.Amount) creditledger.Amount {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}

// total adds up one figure over the blocks of a lot.
func (l *lot) total(of func(*lotBlock) creditledger.Amount) (sum creditledger.Amount, err error) {
	for i := range l.blocks {
		if sum, err = sum.Add(of(&l.blocks[i])); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// closing closes all that a lot can still give: no charge, no late usage and no reversal
// finds any of it afterwards. It returns what had been drawn of it.
func (t *tx) closing(l *lot, description string, decided func([]creditledger.Result)) (used creditledger.Amount, err error) {
	for i := range l.blocks {
		b := &l.blocks[i]
		if used, err = used.Add(b.drawn); err != nil {
			return used, err
		}
		if b.capacity.Sign() <= 0 || b.deleted {
			continue
		}
		op := creditledger.Void{BlockID: b.id, Amount: b.capacity, Lapsed: true, Description: description}
		if err := t.takes(b, op, decided); err != nil {
			return used, err
		}
	}
	return used, nil
}

// takes asks for a void of a block of a lot, as it was planned: if the block has changed
// since, everything is planned anew.
func (t *tx) takes(b *lotBlock, op creditledger.Void, decided func([]creditledger.Result)) error {
	holds, err := b.free.Add(b.held)
	if err != nil {
		return err
	}
	return t.ask(accountOf(b.on), []creditledger.Operation{op}, func(r []creditledger.Result) error {
		if len(r[0].Entries) == 0 || r[0].Entries[0].Amount.Cmp(holds) != 0 {
			return errAgain
		}
		decided(r)
		return nil
	})
}
