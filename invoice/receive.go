package invoice

import (
	"context"
	"slices"

	"creditledger"
)

// Money that comes for an invoice is a fact, whenever it comes and however often. As much as
// is due pays the invoice; the rest is the customer's. Rule: docs/invoices/payments.md.

// Received is what a notice of a payment changed.
type Received struct {
	PaymentID string `json:"payment_id"`
	// Changed says that the notice changed something; one that repeats or contradicts what is
	// known does not, and is noted on the payment.
	Changed   bool   `json:"changed"`
	Applied   Money  `json:"applied"`          // to the invoice
	ToBalance Money  `json:"to_balance"`       // to the customer balance
	Reason    string `json:"reason,omitempty"` // why money went there
}

// PaymentSucceeded records that an attempt, named by its id or the provider's, was paid, also
// after it had failed: once nothing is due the invoice is paid and its block activated, in one
// commit. What is not due goes to the customer balance. A second notice of the same payment
// changes nothing, and is noted.
func (s *Service) PaymentSucceeded(ctx context.Context, invoice, payment string, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "payment_succeeded", invoice, key, ask{"invoice_id": invoice, "payment_id": payment}, func(t *tx, inv *Invoice) (*Answer, error) {
		p := inv.payment(payment)
		if p == nil {
			return nil, &creditledger.NotFoundError{Kind: "payment", ID: payment}
		}
		t.changed(inv)
		if p.Status == PaymentPaid {
			return &Answer{Invoice: inv, Received: t.repeated(inv, p)}, nil
		}
		told, err := t.receive(inv, p)
		return &Answer{Invoice: inv, Received: told}, err
	})
}

// repeated notes that a payment was told of once more.
func (t *tx) repeated(inv *Invoice, p *Payment) *Received {
	p.noted(Notice{At: t.now, Status: PaymentPaid})
	return &Received{PaymentID: p.ID, Applied: zeroOf(inv.Currency), ToBalance: zeroOf(inv.Currency)}
}

// Receipt is money that was taken elsewhere.
type Receipt struct {
	Amount     Money             // positive; the amount due by default
	ReceivedAt creditledger.When // not after now; default: now
	OutsideID  string            // what it is called there; told of twice, it counts once
	Note       string
}

// request is what makes two receipts the same.
func (r *Receipt) request(invoice string) ask {
	q := ask{"invoice_id": invoice, "note": r.Note}
	if !r.Amount.IsNone() {
		q["amount"] = r.Amount
	}
	if !r.ReceivedAt.IsZero() {
		q["received_at"] = r.ReceivedAt.String()
	}
	if r.OutsideID != "" {
		q["outside_id"] = r.OutsideID
	}
	return q
}

// MarkPaid is Receive of all that is due.
func (s *Service) MarkPaid(ctx context.Context, invoice, note string, key creditledger.Key) (*Answer, error) {
	return s.Receive(ctx, invoice, Receipt{Note: note}, key)
}

// Receive records money that was taken elsewhere for an invoice. Without an amount it is all
// that is due, and refused when nothing is, or a payment is under way. With one it counts
// whatever the invoice's status: what is not due goes to the customer balance.
func (s *Service) Receive(ctx context.Context, invoice string, r Receipt, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "mark_paid", invoice, key, r.request(invoice), func(t *tx, inv *Invoice) (*Answer, error) {
		at, err := t.received(inv, &r)
		if err != nil {
			return nil, err
		}
		t.changed(inv)
		if known := slices.IndexFunc(inv.Payments, func(p Payment) bool { return r.OutsideID != "" && p.OutsideID == r.OutsideID }); known >= 0 {
			p := &inv.Payments[known]
			if !r.Amount.IsNone() && !same(p.Amount, r.Amount) {
				return nil, constraint("%s was told of %s under %q before, not of %s", inv.name(), p.Amount, clip(r.OutsideID), r.Amount)
			}
			return &Answer{Invoice: inv, Received: t.repeated(inv, p)}, nil
		}
		told, err := t.payOutside(inv, Payment{Amount: r.Amount, Note: r.Note, ReceivedAt: at, OutsideID: r.OutsideID})
		return &Answer{Invoice: inv, Received: told}, err
	})
}

// received checks a receipt, and tells when it was.
func (t *tx) received(inv *Invoice, r *Receipt) (at creditledger.Instant, err error) {
	err = firstError(checkText("note", r.Note, maxReason), checkText("outside_id", r.OutsideID, creditledger.MaxID), checkWhen("received_at", r.ReceivedAt))
	if err != nil {
		return 0, err
	}
	if !r.ReceivedAt.IsZero() {
		if at = resolve(r.ReceivedAt, t.zone); at > t.now {
			return 0, invalid("received_at", "%s is after now, %s", at, t.now)
		}
	}
	switch {
	case inv.Status == Draft || inv.Status == Deleted:
		return 0, inv.refuse("be paid")
	case !r.Amount.IsNone():
		if r.Amount.currency != inv.Currency {
			return 0, &CurrencyError{A: r.Amount.currency, B: inv.Currency}
		}
		return at, wholePositive("amount", r.Amount)
	case inv.pending() != nil:
		return 0, constraint("%s has a payment under way, %s: say how much was paid elsewhere", inv.name(), inv.pending().ID)
	case !inv.open():
		return 0, inv.refuse("be paid")
	}
	return at, nil
}

// payOutside notes a payment taken elsewhere, by default of all that is due.
func (t *tx) payOutside(inv *Invoice, p Payment) (*Received, error) {
	if p.Amount.IsNone() {
		p.Amount = inv.AmountDue
	}
	p.Status, p.ChargeType = PaymentPending, External
	added, err := t.addPayment(inv, p)
	if err != nil {
		return nil, err
	}
	return t.receive(inv, added)
}

// receive counts the money of a payment: what is due pays the invoice, and what is not goes to
// the customer balance.
func (t *tx) receive(inv *Invoice, p *Payment) (*Received, error) {
	told := &Received{PaymentID: p.ID, Changed: true, Applied: zeroOf(inv.Currency), ToBalance: p.Amount}
	over, err := t.isOver(inv) // while an attempt was under way
	if err == nil && !over {
		told.Reason, err = t.cannotPay(inv)
	}
	if err != nil {
		return nil, err
	}
	if told.Reason == "" {
		told.Applied = lessMoney(inv.AmountDue, p.Amount)
		if told.ToBalance, err = p.Amount.Sub(told.Applied); err != nil {
			return nil, err
		}
		if told.ToBalance.Sign() > 0 {
			told.Reason = "more than was due"
		}
	}
	p.Status, p.EndedAt, p.Reason = PaymentPaid, t.now, nil
	if told.ToBalance.Sign() > 0 {
		p.ToBalance = told.ToBalance
		if inv.Balance, err = inv.Balance.Sub(told.ToBalance); err != nil {
			return nil, err
		}
		if err := t.moveBalanceOf(inv.Customer, told.ToBalance, Movement{Action: Overpaid, Invoice: inv.ID, Description: told.Reason}); err != nil {
			return nil, err
		}
		zero := zeroOf(inv.Currency)
		if err := t.bear(inv, zero, zero); err != nil {
			return nil, err
		}
	}
	if over {
		return told, inOrder(func() error { return t.payIfNothingDue(inv) }, func() error { return t.late(inv, told) })
	}
	return told, t.paid(inv)
}

// cannotPay says why money for an invoice pays nothing of it; nothing when it does.
func (t *tx) cannotPay(inv *Invoice) (string, error) {
	switch {
	case inv.Status == Void:
		return "the invoice is void", nil
	case !inv.open():
		return "the invoice was paid before", nil
	case inv.Purchase == nil || !inv.Purchase.RequirePayment || inv.Purchase.BlockID == "":
		return "", nil
	case t.customer.DeletedAt != 0:
		return "its customer was deleted: its credits cannot be activated any more", nil
	}
	l, err := t.lotOf(inv)
	if err != nil || slices.ContainsFunc(l.blocks, func(b lotBlock) bool { return b.waits() || !b.pending }) { // or they were given on trust
		return "", err
	}
	return "its credits cannot be activated any more", nil
}

// paid makes an invoice paid, and its block active, once nothing is due.
func (t *tx) paid(inv *Invoice) error {
	if err := t.payIfNothingDue(inv); err != nil {
		return err
	}
	return firstError(t.activate(inv), t.waitsNoMore(inv))
}
