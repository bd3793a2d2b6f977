package invoice

import (
	"context"

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
	case inv.Status != Paid:
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
	given, err := inv.takenFromNotes(&c)
	if err != nil {
		return err
	}
	lacking, err := c.Amount.Sub(given)
	if err != nil {
		return err
	}
	if len(inv.Payments) >= maxPayments {
		return constraint("%s has %d payment attempts", inv.name(), len(inv.Payments))
	}
	inv.Payments = append(inv.Payments, Payment{
		ID: idFrom("pay_", inv.ID, string(t.call.key)), Status: PaymentPaid, Amount: c.Amount.Neg(), ChargeType: Refund,
		Note: c.Reason, FromBalance: given, CreatedAt: t.now, EndedAt: t.now,
	})
	t.changed(inv)
	if err := t.toBalance(inv, given.Neg(), ChargedBack); err != nil {
		return err
	}
	note := CreditNote{Amount: lacking, Effect: PaidBackByHand, Reason: c.Reason, TakenBack: c.Credits, Owed: zeroOf(inv.Currency)}
	if c.Credits.Sign() > 0 {
		if note.Spent, err = t.takeCredits(inv, c.Credits, c.Reason, res); err != nil {
			return err
		}
		if inv.Purchase.TakenBack, err = inv.Purchase.TakenBack.Add(c.Credits); err != nil {
			return err
		}
		if note.Owed, err = inv.owedFor(note.Spent, inv.Purchase.TakenBack, lacking); err != nil {
			return err
		}
		if err := t.moveBalance(note.Owed.Neg(), Movement{Action: ShortfallOwed, Invoice: inv.ID, Description: c.Reason}); err != nil {
			return err
		}
	}
	if lacking.Sign() > 0 || c.Credits.Sign() > 0 {
		if _, err := t.addNote(inv, note, ""); err != nil {
			return err
		}
	}
	return inv.settle()
}

// takenFromNotes is what of a chargeback is taken of the customer balance, where credit notes
// had put it: no more than the credits that are taken back leave.
func (inv *Invoice) takenFromNotes(c *Chargeback) (Money, error) {
	left := c.Amount
	if c.Credits.Sign() > 0 {
		after, err := inv.Purchase.TakenBack.Add(c.Credits)
		if err != nil {
			return left, err
		}
		price, err := inv.priceOf(inv.Purchase.TakenBack, after)
		if err == nil {
			left, err = left.Sub(lessMoney(price, left))
		}
		if err != nil {
			return left, err
		}
	}
	given, err := inv.givenByNotes()
	return lessMoney(given, left), err
}

// lessMoney is the smaller of two amounts of one currency.
func lessMoney(a, b Money) Money {
	if b.amount.Cmp(&a.amount) < 0 {
		return b
	}
	return a
}

// givenByNotes is what credit notes, and payments above what was due, gave to the customer
// balance and no chargeback took back from there.
func (inv *Invoice) givenByNotes() (Money, error) {
	given := zeroOf(inv.Currency)
	var err error
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.VoidedAt == 0 && n.Effect == ToBalance && err == nil {
			given, err = given.Add(n.Amount)
		}
	}
	for i := range inv.Payments {
		if p := &inv.Payments[i]; !p.FromBalance.IsNone() && err == nil {
			given, err = given.Sub(p.FromBalance)
		}
		if p := &inv.Payments[i]; !p.ToBalance.IsNone() && err == nil {
			given, err = given.Add(p.ToBalance)
		}
	}
	return given, err
}
