package invoice

import (
	"cmp"
	"context"
	"fmt"

	"creditledger"
)

// Chargeback tells that the bank took money back that had been paid.
type Chargeback struct {
	Invoice string `json:"invoice_id"`
	Amount  Money  `json:"amount"` // positive, at most what was paid and not paid back
	// Credits are taken back of a purchase too, where they are; by default none.
	Credits creditledger.Amount `json:"credits,omitzero"`
	Reason  string              `json:"reason,omitempty"`
}

// ChargeBack records a chargeback of any paid invoice: a payment of so much less. Credits are
// taken back only as many as are named, and stand for their price; what of them was used is
// owed. What is left of the amount is taken of what credit notes of the invoice had given to
// the customer balance, below zero if need be; a credit note is written for what is then lacking.
func (s *Service) ChargeBack(ctx context.Context, c Chargeback, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "chargeback", c.Invoice, key, c, func(t *tx, inv *Invoice) (*Answer, error) {
		res := &Answer{Invoice: inv}
		return res, t.chargeBack(inv, c, res)
	})
}

func (t *tx) chargeBack(inv *Invoice, c Chargeback, res *Answer) error {
	_, err := c.Amount.Minor()
	switch {
	case err != nil:
		return err
	case c.Amount.Sign() <= 0:
		return invalid("amount", "%s is not positive", c.Amount)
	case c.Credits.Sign() < 0:
		return invalid("credits", "%s is negative", c.Credits)
	case inv.Status != Paid && inv.Status != Void:
		return inv.refuse("be charged back")
	case c.Credits.Sign() > 0 && inv.Purchase == nil:
		return constraint("%s is not for credits that were bought", inv.name())
	}
	if err := checkText("reason", c.Reason, maxReason); err != nil {
		return err
	}
	if over, err := c.Amount.Cmp(inv.AmountPaid); err != nil || over > 0 {
		return firstError(err, constraint("%s was paid %s, less than %s", inv.name(), inv.AmountPaid, c.Amount))
	}
	if len(inv.Payments) >= maxPayments {
		return constraint("%s has %d payment attempts", inv.name(), len(inv.Payments))
	}
	inv.Payments = append(inv.Payments, Payment{
		ID: idFrom("pay_", inv.ID, string(t.call.key)), Status: PaymentPaid, Amount: c.Amount.Neg(), ChargeType: Refund,
		Note: c.Reason, FromBalance: zeroOf(inv.Currency), CreatedAt: t.now, EndedAt: t.now,
	})
	t.changed(inv)
	if c.Credits.Sign() > 0 && inv.Status == Paid { // a void took all of them back
		if err := t.clawBack(inv, &c, res); err != nil {
			return err
		}
	}
	if err := t.bearMore(inv, c.Amount, c.Reason); err != nil {
		return err
	}
	return inv.settle()
}

// clawBack takes the credits back that a chargeback names. Their price is a part of what the
// bank took, which is lowered by it; what the bank did not take of it goes to the customer
// balance.
func (t *tx) clawBack(inv *Invoice, c *Chargeback, res *Answer) (err error) {
	n := CreditNote{Effect: PaidBackByHand, Reason: c.Reason, TakenBack: c.Credits}
	if n.Spent, err = t.takeCredits(inv, c.Credits, c.Reason, res); err != nil {
		return err
	}
	if n.Amount, n.Price, err = inv.refundOf(c.Credits); err != nil {
		return err
	}
	taken := lessMoney(n.Amount, c.Amount)
	rest, err := n.Amount.Sub(taken)
	if err == nil {
		c.Amount, err = c.Amount.Sub(taken)
	}
	if err != nil {
		return err
	}
	if rest.Sign() > 0 {
		n.ToBalance = rest
	}
	if err := t.bear(inv, rest, n.Amount); err != nil {
		return err
	}
	return firstError(t.toBalance(inv, rest, CreditNoteApplied), t.addRefund(inv, n))
}

// lacking reports whether a note stands for money that a bank took and nothing else covers.
func (n *CreditNote) lacking() bool { return n.Effect == PaidBackByHand && n.TakenBack.IsZero() }

// creditable is what notes can still credit of an invoice: those that only stand for what a
// bank took give way to them.
func (inv *Invoice) creditable() (Money, error) {
	b, err := inv.borne()
	if err != nil {
		return Money{}, err
	}
	return inv.Total.Sub(b.noted)
}

// borne is how what banks took of an invoice is borne.
type borne struct {
	balance Money // by the customer balance, where the invoice's money had gone
	lacking Money // by notes of what lacks
	given   Money // what notes and payments above what was due gave to the customer balance
	noted   Money // other notes
}

func (inv *Invoice) borne() (b borne, err error) {
	zero := zeroOf(inv.Currency)
	b = borne{zero, zero, zero, zero}
	add := func(to *Money, m Money) {
		if err == nil && !m.IsNone() {
			*to, err = to.Add(m)
		}
	}
	for i := range inv.CreditNotes {
		n := &inv.CreditNotes[i]
		switch {
		case n.VoidedAt != 0:
		case n.lacking():
			add(&b.lacking, n.Amount)
		default:
			add(&b.noted, n.Amount)
			add(&b.given, n.ToBalance)
			if n.Effect == ToBalance {
				add(&b.given, n.Amount)
			}
		}
	}
	for i := range inv.Payments {
		add(&b.balance, inv.Payments[i].FromBalance)
		add(&b.given, inv.Payments[i].ToBalance)
	}
	return b, err
}

// bear lets the customer balance bear what banks took, as far as the invoice's money went
// there, before a note credits some and gives some of that to the balance. Notes of what then
// lacks bear the rest. It goes by what there is, not by what came first.
func (t *tx) bear(inv *Invoice, given, noted Money) error {
	return t.bears(inv, given, noted, zeroOf(inv.Currency), "")
}

// bearMore is bear for money that a bank takes now.
func (t *tx) bearMore(inv *Invoice, taken Money, reason string) error {
	zero := zeroOf(inv.Currency)
	return t.bears(inv, zero, zero, taken, reason)
}

func (t *tx) bears(inv *Invoice, given, noted, taken Money, reason string) error {
	b, err := inv.borne()
	sum := func(ms ...Money) Money {
		s := zeroOf(inv.Currency)
		for _, m := range ms {
			if err == nil {
				s, err = s.Add(m)
			}
		}
		return s
	}
	all := sum(b.balance, b.lacking, taken)
	if err != nil || all.Sign() == 0 {
		return err
	}
	fromBalance := all
	if inv.Status != Void {
		room := sum(inv.Total, b.noted.Neg(), noted.Neg()) // for notes of what lacks
		fromBalance = lessMoney(sum(b.given, given), all).atLeast(sum(all, room.Neg()))
	}
	more, lacking := sum(fromBalance, b.balance.Neg()), sum(all, fromBalance.Neg())
	if err != nil {
		return err
	}
	if err := t.fromBalance(inv, more); err != nil {
		return err
	}
	return t.lack(inv, b.lacking, lacking, reason)
}

// fromBalance lets the customer balance bear more of what banks took, or less.
func (t *tx) fromBalance(inv *Invoice, more Money) error {
	rest := more
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if more.Sign() < 0 {
			p = &inv.Payments[len(inv.Payments)-1-i]
		}
		if p.FromBalance.IsNone() {
			continue
		}
		bears, err := p.FromBalance.Add(rest)
		if err != nil {
			return err
		}
		bears = bears.atMost(p.Amount.Neg()).atLeast(zeroOf(inv.Currency))
		changed, err := bears.Sub(p.FromBalance)
		if err == nil {
			rest, err = rest.Sub(changed)
		}
		if err != nil {
			return err
		}
		p.FromBalance = bears
	}
	if more.Sign() != 0 {
		t.changed(inv)
	}
	return t.toBalance(inv, more.Neg(), ChargedBack)
}

// lack makes the notes of what lacks as much as does. What is too much is voided, the last
// note first, and a new note is for what is then too little.
func (t *tx) lack(inv *Invoice, have, want Money, reason string) error {
	for i := len(inv.CreditNotes) - 1; i >= 0 && have.amount.Cmp(&want.amount) > 0; i-- {
		n := &inv.CreditNotes[i]
		if n.VoidedAt != 0 || !n.lacking() {
			continue
		}
		var err error
		if have, err = have.Sub(n.Amount); err != nil {
			return err
		}
		n.VoidedAt, reason = t.now, cmp.Or(reason, n.Reason)
		t.changed(inv)
	}
	more, err := want.Sub(have)
	if err == nil && more.Sign() > 0 {
		_, err = t.addNote(inv, CreditNote{Amount: more, Effect: PaidBackByHand, Reason: reason, Owed: zeroOf(inv.Currency)}, fmt.Sprint("lacks ", len(inv.CreditNotes)))
	}
	if err != nil {
		return err
	}
	return inv.settle()
}

// lessMoney is the smaller of two amounts of one currency.
func lessMoney(a, b Money) Money {
	if b.amount.Cmp(&a.amount) < 0 {
		return b
	}
	return a
}
