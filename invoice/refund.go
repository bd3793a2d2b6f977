package invoice

import (
	"context"

	"creditledger"
)

// TakeBack asks sold credits back for a refund.
type TakeBack struct {
	Invoice string              `json:"invoice_id"`
	Credits creditledger.Amount `json:"credits"` // positive, at most what was bought and not taken back yet
	// PaidBack says that the money went back to the customer outside, such as by a
	// chargeback, as far as it was paid there. Otherwise it goes to the customer balance.
	PaidBack bool   `json:"paid_back,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// Refund takes credits of a paid purchase back: what is unspent is voided for a refund, and
// a credit note gives their price back, tax included. The price of those that had been
// spent already is owed: the customer balance falls by it. Void, note and balance commit together.
func (s *Service) Refund(ctx context.Context, b TakeBack, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "refund", b.Invoice, key, b, func(t *tx, inv *Invoice) (*Answer, error) {
		res := &Answer{Invoice: inv}
		return res, t.takeBack(inv, b, res)
	})
}

func (t *tx) takeBack(inv *Invoice, b TakeBack, res *Answer) error {
	switch {
	case b.Credits.Sign() <= 0:
		return invalid("credits", "%s is not positive", b.Credits)
	case inv.Purchase == nil:
		return constraint("%s is not for credits that were bought", inv.name())
	case inv.Status != Paid:
		return inv.refuse("be refunded")
	}
	if err := checkText("reason", b.Reason, maxReason); err != nil {
		return err
	}
	spent, err := t.takeCredits(inv, b.Credits, b.Reason, res)
	if err != nil {
		return err
	}
	amount, owed, err := inv.refundOf(b.Credits, spent)
	if err != nil {
		return err
	}
	if inv.Purchase.TakenBack, err = inv.Purchase.TakenBack.Add(b.Credits); err != nil {
		return err
	}
	effect, err := t.payBack(inv, b, amount)
	if err != nil {
		return err
	}
	if _, err := t.addNote(inv, CreditNote{Amount: amount, Effect: effect, Reason: b.Reason, TakenBack: b.Credits, Spent: spent, Owed: owed}, ""); err != nil {
		return err
	}
	if err := t.moveBalance(owed.Neg(), Movement{Action: ShortfallOwed, Invoice: inv.ID, Description: b.Reason}); err != nil {
		return err
	}
	return inv.settle()
}

// payBack gives the price of credits that are taken back to the customer balance. When the
// money went back outside, it gives only what nobody had paid there.
func (t *tx) payBack(inv *Invoice, b TakeBack, amount Money) (NoteEffect, error) {
	rest, effect := amount, ToBalance
	if b.PaidBack && inv.AmountPaid.Sign() > 0 {
		back := inv.AmountPaid
		if amount.amount.Cmp(&back.amount) < 0 {
			back = amount
		}
		inv.Payments = append(inv.Payments, Payment{
			ID: idFrom("pay_", inv.ID, string(t.call.key)), Status: PaymentPaid, Amount: back.Neg(), ChargeType: Refund,
			Note: b.Reason, CreatedAt: t.now, EndedAt: t.now,
		})
		effect = PaidBackByHand
		var err error
		if rest, err = rest.Sub(back); err != nil {
			return effect, err
		}
	}
	return effect, t.toBalance(inv, rest, CreditNoteApplied)
}

// takeCredits takes sold credits back wherever they are, and tells how many of them had been
// used: what is unspent goes first, then what lapsed, then what was voided by hand, and then
// the capacity of what was drawn, so that a reversal does not give that back.
func (t *tx) takeCredits(inv *Invoice, credits creditledger.Amount, reason string, res *Answer) (spent creditledger.Amount, err error) {
	p := inv.Purchase
	left, err := p.Amount.Sub(p.TakenBack)
	if err != nil {
		return spent, err
	}
	if credits.Cmp(left) > 0 {
		return spent, constraint("%s sold %s credits that were not taken back yet, less than %s", inv.name(), left, credits)
	}
	l, err := t.lotOf(inv)
	if err != nil {
		return spent, err
	}
	plan, err := l.taking(p, credits, left)
	if err == nil && plan.spent.Sign() > 0 {
		err = t.noteSold(inv, l)
	}
	if err != nil {
		return spent, err
	}
	if plan.rest.Sign() > 0 {
		return spent, constraint("%s of the credits of %s are held: capture or release them first", plan.rest, inv.name())
	}
	if p.RefilledBack, err = p.RefilledBack.Add(plan.refilled); err != nil {
		return spent, err
	}
	first := len(t.parts)
	for i := range l.blocks {
		if plan.amounts[i].IsZero() || l.blocks[i].deleted {
			continue
		}
		op := creditledger.Void{BlockID: l.blocks[i].id, Amount: plan.amounts[i], Lapsed: l.blocks[i].expired, Reason: creditledger.VoidRefund, Description: reason}
		err := t.takes(&l.blocks[i], op, func(r []creditledger.Result) { res.Entries = append(res.Entries, r[0].Entries...) })
		if err != nil {
			return spent, err
		}
	}
	t.beginsAt(first, func() { res.Entries = nil })
	return plan.spent, nil
}

// taking is how so many credits of a lot are taken back.
type taking struct {
	amounts         []creditledger.Amount // of each block
	rest            creditledger.Amount   // what cannot be taken
	spent, refilled creditledger.Amount   // of them, what was used; and of that, what repaid debts
}

// taking plans to take credits of a purchase back, of which so many were not taken back yet.
func (l *lot) taking(p *Bought, credits, left creditledger.Amount) (*taking, error) {
	plan := &taking{amounts: make([]creditledger.Amount, len(l.blocks)), rest: credits}
	for _, of := range []func(*lotBlock) creditledger.Amount{(*lotBlock).unspent, (*lotBlock).expiredOf} {
		if _, err := plan.take(l, of); err != nil {
			return nil, err
		}
	}
	known, err := l.total(func(b *lotBlock) creditledger.Amount {
		if b.deleted {
			return b.drawn
		}
		return b.capacity
	})
	if err != nil {
		return nil, err
	}
	refilled, err := l.refilled.Sub(p.RefilledBack)
	if err != nil {
		return nil, err
	}
	voided, err := without(left, known, refilled) // by hand, or gone with its customer: it was not used
	if err != nil {
		return nil, err
	}
	if _, err := plan.lower(voided); err != nil {
		return nil, err
	}
	if plan.spent, err = plan.take(l, (*lotBlock).closable); err != nil {
		return nil, err
	}
	if plan.refilled, err = plan.lower(refilled); err != nil {
		return nil, err
	}
	plan.spent, err = plan.spent.Add(plan.refilled)
	return plan, err
}

// unspent and expiredOf are what a block holds and has lapsed, and can be taken of it.
func (b *lotBlock) unspent() creditledger.Amount   { return b.ofLiving(b.free) }
func (b *lotBlock) expiredOf() creditledger.Amount { return b.ofLiving(b.lapsed) }

func (b *lotBlock) ofLiving(a creditledger.Amount) creditledger.Amount {
	if b.deleted {
		return creditledger.Amount{}
	}
	return a
}

// closable is what was drawn of a block and can be closed: while something of it is held,
// nothing.
func (b *lotBlock) closable() creditledger.Amount {
	if b.held.Sign() > 0 && !b.expired {
		return creditledger.Amount{}
	}
	return b.drawn
}

// take takes something of each block, as far as anything is still to be taken.
func (p *taking) take(l *lot, of func(*lotBlock) creditledger.Amount) (sum creditledger.Amount, err error) {
	for i := range l.blocks {
		taken, err := p.lower(of(&l.blocks[i]))
		if err != nil {
			return sum, err
		}
		if p.amounts[i], err = p.amounts[i].Add(taken); err != nil {
			return sum, err
		}
		if sum, err = sum.Add(taken); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// lower lowers what is still to be taken by so much at most.
func (p *taking) lower(by creditledger.Amount) (lowered creditledger.Amount, err error) {
	if by.Sign() <= 0 {
		return lowered, nil
	}
	lowered = smaller(by, p.rest)
	p.rest, err = p.rest.Sub(lowered)
	return lowered, err
}

// refundOf is the price of credits that are taken back, tax included, and what of it is owed
// because they had been used.
func (inv *Invoice) refundOf(credits, spent creditledger.Amount) (amount, owed Money, err error) {
	before := inv.Purchase.TakenBack
	after, err := before.Add(credits)
	if err != nil {
		return amount, owed, err
	}
	if amount, err = inv.priceOf(before, after); err != nil {
		return amount, owed, err
	}
	left, err := inv.Total.Sub(inv.Credited)
	if err != nil {
		return amount, owed, err
	}
	if amount.amount.Cmp(&left.amount) > 0 {
		amount = left
	}
	owed, err = inv.owedFor(spent, after, amount)
	return amount, owed, err
}

// owedFor is the price of the last so many of the credits that were taken back up to some
// number, and at most what was given for them.
func (inv *Invoice) owedFor(spent, after creditledger.Amount, most Money) (Money, error) {
	unspent, err := after.Sub(spent)
	if err != nil {
		return Money{}, err
	}
	owed, err := inv.priceOf(unspent, after)
	if err == nil && owed.amount.Cmp(&most.amount) > 0 {
		owed = most
	}
	return owed, err
}

// priceOf is what the bought credits between the from-th and the to-th cost: a share of the
// price that is left, net and tax apart. So taking everything back in parts gives all of it,
// to the last minor unit.
func (inv *Invoice) priceOf(from, to creditledger.Amount) (Money, error) {
	net, tax, err := inv.priceLeft()
	if err != nil {
		return Money{}, err
	}
	price := zeroOf(inv.Currency)
	for _, of := range []Money{net, tax} {
		low, err := inv.share(of, from)
		if err != nil {
			return Money{}, err
		}
		high, err := inv.share(of, to)
		if err != nil {
			return Money{}, err
		}
		if high, err = high.Sub(low); err == nil {
			price, err = price.Add(high)
		}
		if err != nil {
			return Money{}, err
		}
	}
	return price, nil
}

// share is the price of so many of the bought credits.
func (inv *Invoice) share(price Money, credits creditledger.Amount) (Money, error) {
	r := scaled(&price.amount, 0)
	r.Mul(r, scaled(decimalOf(credits), 0))
	return roundRat(r.Quo(r, scaled(decimalOf(inv.Purchase.Amount), 0)), inv.Currency)
}

// priceLeft is the price of all credits, less the credit notes that took none back.
func (inv *Invoice) priceLeft() (net, tax Money, err error) {
	noted := zeroOf(inv.Currency)
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.VoidedAt == 0 && n.TakenBack.IsZero() && err == nil {
			noted, err = noted.Add(n.Amount)
		}
	}
	if tax = zeroOf(inv.Currency); inv.Tax != nil {
		tax = *inv.Tax
	}
	if err != nil || inv.Total.Sign() == 0 {
		return inv.Net, tax, err
	}
	r := scaled(&noted.amount, 0)
	r.Mul(r, scaled(&tax.amount, 0))
	of, err := roundRat(r.Quo(r, scaled(&inv.Total.amount, 0)), inv.Currency)
	if err != nil {
		return net, tax, err
	}
	if tax, err = tax.Sub(of); err != nil {
		return net, tax, err
	}
	if net, err = inv.Total.Sub(noted); err == nil {
		net, err = net.Sub(tax)
	}
	return net, tax, err
}
