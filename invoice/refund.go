package invoice

import (
	"context"

	"creditledger"
)

// TakeBack asks sold credits back for a refund.
type TakeBack struct {
	Invoice string              `json:"invoice_id"`
	Credits creditledger.Amount `json:"credits"` // positive, at most what was bought and not taken back yet
	// PaidBack says that the money went back to the customer outside, such as to the card,
	// as far as it was paid there. What a bank took is a Chargeback. Otherwise it goes to the customer balance.
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
	n := CreditNote{Reason: b.Reason, TakenBack: b.Credits}
	var err error
	if n.Spent, err = t.takeCredits(inv, b.Credits, b.Reason, res); err != nil {
		return err
	}
	if n.Amount, n.Price, err = inv.refundOf(b.Credits); err != nil {
		return err
	}
	if err := t.payBack(inv, b, &n); err != nil {
		return err
	}
	return t.addRefund(inv, n)
}

// addRefund adds the note of credits that were taken back, and what is owed for those of them
// that had been used.
func (t *tx) addRefund(inv *Invoice, n CreditNote) (err error) {
	if inv.Purchase.TakenBack, err = inv.Purchase.TakenBack.Add(n.TakenBack); err != nil {
		return err
	}
	if n.Owed, err = inv.owedFor(&n, inv.Purchase.TakenBack); err != nil {
		return err
	}
	if _, err := t.addNote(inv, n, ""); err != nil {
		return err
	}
	if err := t.moveBalance(n.Owed.Neg(), Movement{Action: ShortfallOwed, Invoice: inv.ID, Description: n.Reason}); err != nil {
		return err
	}
	return inv.settle()
}

// payBack gives the price of credits that are taken back to the customer balance. When the
// money went back outside, it gives only what nobody had paid there.
func (t *tx) payBack(inv *Invoice, b TakeBack, n *CreditNote) error {
	rest := n.Amount
	n.Effect = ToBalance
	if b.PaidBack && inv.AmountPaid.Sign() > 0 {
		back := lessMoney(inv.AmountPaid, n.Amount)
		inv.Payments = append(inv.Payments, Payment{
			ID: idFrom("pay_", inv.ID, string(t.call.key)), Status: PaymentPaid, Amount: back.Neg(), ChargeType: Refund,
			Note: b.Reason, CreatedAt: t.now, EndedAt: t.now,
		})
		n.Effect = PaidBackByHand
		var err error
		if rest, err = rest.Sub(back); err != nil {
			return err
		}
		if rest.Sign() > 0 {
			n.ToBalance = rest
		}
	}
	if err := t.bear(inv, rest, n.Amount); err != nil {
		return err
	}
	return t.toBalance(inv, rest, CreditNoteApplied)
}

// takeCredits takes sold credits back wherever they are, and tells how many of them had been
// used: what is unspent goes first, then what lapsed, then what was voided by hand, and then
// what was drawn. The capacity of that stays open: if its use is taken back, it is taken then.
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
	returned, rest, err := t.planReturned(inv, l)
	if err != nil {
		return spent, err
	}
	plan, err := rest.taking(p, credits, left)
	if err == nil && plan.spent.Sign() > 0 {
		err = t.noteSold(inv, l)
	}
	if err != nil {
		return spent, err
	}
	if plan.rest.Sign() > 0 {
		return spent, constraint("%s of the credits of %s are held: capture or release them first", plan.rest, inv.name())
	}
	if p.RefilledBack, err = p.RefilledBack.Add(plan.refilled); err == nil {
		p.UsedBack, err = p.UsedBack.Add(plan.drawn)
	}
	for i := range l.blocks {
		if err == nil {
			plan.amounts[i], err = plan.amounts[i].Add(returned.amounts[i])
		}
	}
	if err != nil {
		return spent, err
	}
	return plan.spent, t.takePlanned(l, plan, reason, func(e []creditledger.Entry) { res.Entries = append(res.Entries, e...) }, func() { res.Entries = nil })
}

// takePlanned asks for the voids of a plan.
func (t *tx) takePlanned(l *lot, plan *taking, reason string, wrote func([]creditledger.Entry), begin func()) error {
	first := len(t.parts)
	for i := range l.blocks {
		if plan.amounts[i].IsZero() || l.blocks[i].deleted {
			continue
		}
		op := creditledger.Void{BlockID: l.blocks[i].id, Amount: plan.amounts[i], Lapsed: l.blocks[i].expired, Reason: creditledger.VoidRefund, Description: reason}
		if err := t.takes(&l.blocks[i], op, func(r []creditledger.Result) { wrote(r[0].Entries) }); err != nil {
			return err
		}
	}
	t.beginsAt(first, begin)
	return nil
}

// taking is how so many credits of a lot are taken back.
type taking struct {
	amounts  []creditledger.Amount // of each block
	rest     creditledger.Amount   // what cannot be taken
	spent    creditledger.Amount   // of them, what was used: both that follow
	drawn    creditledger.Amount   // what stands in the capacity of blocks
	refilled creditledger.Amount   // what repaid debts when it was sold
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
	if err == nil {
		known, err = known.Sub(p.UsedBack)
	}
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
	drawn, err := l.total(func(b *lotBlock) creditledger.Amount { return b.drawn })
	if err == nil {
		drawn, err = drawn.Sub(p.UsedBack)
	}
	if err == nil {
		plan.drawn, err = plan.lower(drawn)
	}
	if err == nil {
		plan.refilled, err = plan.lower(refilled)
	}
	if err == nil {
		plan.spent, err = plan.drawn.Add(plan.refilled)
	}
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
