package invoice

import (
	"context"

	"creditledger"
)

// PaymentStatus is where a payment attempt stands.
type PaymentStatus string

// The statuses of a payment attempt: pending → paid or failed, and failed → paid.
const (
	PaymentPending PaymentStatus = "pending"
	PaymentPaid    PaymentStatus = "paid"
	PaymentFailed  PaymentStatus = "failed"
)

// ChargeType is how a payment came about.
type ChargeType string

// The charge types. The first two are a caller's.
const (
	Checkout  ChargeType = "checkout"
	Recurring ChargeType = "recurring"
	External  ChargeType = "external" // taken elsewhere: MarkPaid
	Refund    ChargeType = "refund"   // money paid back outside; its amount is negative
)

// FailedReason is what a payment provider says of a failure.
type FailedReason struct {
	Code        string `json:"code"`
	DeclineCode string `json:"decline_code,omitempty"`
}

// Payment is one attempt to pay an invoice.
type Payment struct {
	ID         string               `json:"id"`
	Status     PaymentStatus        `json:"status"`
	Amount     Money                `json:"amount"`
	Provider   string               `json:"provider,omitempty"`
	ProviderID string               `json:"provider_id,omitempty"`
	ChargeType ChargeType           `json:"charge_type"`
	Note       string               `json:"note,omitempty"`
	CreatedAt  creditledger.Instant `json:"created_at"`
	EndedAt    creditledger.Instant `json:"ended_at,omitzero"`
	Reason     *FailedReason        `json:"failed_reason,omitempty"`
	// FromBalance is what a chargeback took of the customer balance, where credit notes and
	// payments above what was due had put it; no money in all other payments.
	FromBalance Money `json:"from_balance,omitzero"`
	// ToBalance is what of it went to the customer balance, because it was not due.
	ToBalance Money `json:"to_balance,omitzero"`
	// ReceivedAt and OutsideID are what MarkPaid was told: when the money came, and what it is
	// called there.
	ReceivedAt creditledger.Instant `json:"received_at,omitzero"`
	OutsideID  string               `json:"outside_id,omitempty"`
	// Notices are those that repeated what was known, or contradicted it, the first 20; Repeats
	// is how many there were.
	Notices []Notice `json:"notices,omitempty"`
	Repeats int      `json:"repeats,omitempty"`
}

// Notice is what somebody said of a payment that changed nothing.
type Notice struct {
	At     creditledger.Instant `json:"at"`
	Status PaymentStatus        `json:"status"`
	Reason *FailedReason        `json:"failed_reason,omitempty"`
}

const maxNotices = 20

// noted records a notice that changes nothing.
func (p *Payment) noted(n Notice) {
	if p.Repeats++; len(p.Notices) < maxNotices {
		p.Notices = append(p.Notices, n)
	}
}

// Attempt is a payment that begins.
type Attempt struct {
	Amount Money `json:"amount"` // positive, at most the amount due, which is the default

	Provider   string     `json:"provider"`
	ProviderID string     `json:"provider_id"` // empty when the provider has named none yet; several attempts may have one
	ChargeType ChargeType `json:"charge_type"`
}

const maxPayments = 200

// ofInvoice carries out a call on an existing invoice. The invoice is checked and
// written if decide marks it.
func (s *Service) ofInvoice(ctx context.Context, op, id string, key creditledger.Key, request any, decide func(*tx, *Invoice) (*Answer, error)) (*Answer, error) {
	now, err := s.stored(ctx, id)
	if err != nil {
		return nil, &Error{Op: op, Invoice: id, Err: err}
	}
	c := &call{op: op, customer: now.Customer, invoice: id, key: key, request: request}
	res, err := write(ctx, s, c, func(t *tx) (*Answer, error) {
		inv, err := read[Invoice](t, kindInvoice, id)
		if err != nil {
			return nil, err
		}
		res, err := decide(t, inv)
		if err != nil {
			return nil, err
		}
		return res, inv.ready()
	})
	if err != nil {
		return nil, err
	}
	return s.told(ctx, res, key)
}

// ask is what makes two calls on an invoice or a change the same: what is given, by its
// names.
type ask map[string]any

func (t *tx) changed(inv *Invoice) { t.put(kindInvoice, inv.ID, inv) }

// pending finds the payment that is under way.
func (inv *Invoice) pending() *Payment {
	for i := range inv.Payments {
		if inv.Payments[i].Status == PaymentPending {
			return &inv.Payments[i]
		}
	}
	return nil
}

// payment finds an attempt by its id or the provider's. Of several with one id of the
// provider, a notice is about the one that is under way, else the last: an earlier one that
// failed was tried again, and a success that is told of twice is no second payment. Its own id
// names that one.
func (inv *Invoice) payment(id string) (found *Payment) {
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if p.ID == id {
			return p
		}
		if p.ProviderID != "" && p.ProviderID == id && (found == nil || found.Status != PaymentPending) {
			found = p
		}
	}
	return found
}

// StartPayment begins an attempt to pay what is due, or a part of it. One is under way at a
// time.
func (s *Service) StartPayment(ctx context.Context, invoice string, a Attempt, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "start_payment", invoice, key, ask{"invoice_id": invoice, "payment": a}, func(t *tx, inv *Invoice) (*Answer, error) {
		amount := a.Amount
		if amount.IsNone() {
			amount = inv.AmountDue
		}
		if err := wholePositive("amount", amount); err != nil && inv.open() {
			return nil, err
		}
		c, err := amount.Cmp(inv.AmountDue)
		switch {
		case err != nil:
			return nil, err
		case a.ChargeType != Checkout && a.ChargeType != Recurring:
			return nil, invalid("charge_type", "%q is not %s or %s", clip(string(a.ChargeType)), Checkout, Recurring)
		case !inv.open():
			return nil, inv.refuse("be paid")
		case inv.pending() != nil:
			return nil, constraint("%s has a payment under way, %s", inv.name(), inv.pending().ID)
		case c > 0:
			return nil, constraint("a payment of %s is more than the amount due, %s", amount, inv.AmountDue)
		}
		if err := firstError(checkID("provider", a.Provider), checkText("provider_id", a.ProviderID, creditledger.MaxID)); err != nil {
			return nil, err
		}
		inv.PaymentStartedAt = t.now
		t.changed(inv)
		_, err = t.addPayment(inv, Payment{Status: PaymentPending, Amount: amount, Provider: a.Provider, ProviderID: a.ProviderID, ChargeType: a.ChargeType})
		return &Answer{Invoice: inv}, err
	})
}

// addPayment adds a payment that this call is about.
func (t *tx) addPayment(inv *Invoice, p Payment) (*Payment, error) {
	if len(inv.Payments) >= maxPayments {
		return nil, constraint("%s has %d payment attempts", inv.name(), len(inv.Payments))
	}
	p.ID, p.CreatedAt = idFrom("pay_", inv.ID, string(t.call.key)), t.now
	inv.Payments = append(inv.Payments, p)
	return &inv.Payments[len(inv.Payments)-1], nil
}

// wholePositive refuses money that is not positive, or has a fraction of the minor unit.
func wholePositive(field string, m Money) error {
	if _, err := m.Minor(); err != nil {
		return err
	}
	if m.Sign() <= 0 {
		return invalid(field, "%s is not positive", m)
	}
	return nil
}

// PaymentFailed records that an attempt failed. After a success it changes nothing, and
// neither does a second notice; both are noted.
func (s *Service) PaymentFailed(ctx context.Context, invoice, payment string, why FailedReason, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "payment_failed", invoice, key, ask{"invoice_id": invoice, "payment_id": payment, "failed_reason": why}, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := firstError(checkID("failed_reason", why.Code), checkText("decline_code", why.DeclineCode, creditledger.MaxID)); err != nil {
			return nil, err
		}
		p := inv.payment(payment)
		if p == nil {
			return nil, &creditledger.NotFoundError{Kind: "payment", ID: payment}
		}
		t.changed(inv)
		told := &Received{PaymentID: p.ID, Applied: zeroOf(inv.Currency), ToBalance: zeroOf(inv.Currency)}
		if p.Status == PaymentPending {
			p.Status, p.EndedAt, p.Reason = PaymentFailed, t.now, &why
			inv.PaymentFailedAt, told.Changed = t.now, true
			if over, err := t.isOver(inv); err != nil || over {
				return &Answer{Invoice: inv, Received: told}, firstError(err, t.late(inv, told))
			}
		} else {
			p.noted(Notice{At: t.now, Status: PaymentFailed, Reason: &why})
		}
		return &Answer{Invoice: inv, Received: told}, nil
	})
}

// activate asks the ledger to make the block active that waited for a paid invoice.
// A block that is active or gone by now, and that of a deleted customer, stays as it
// is: the payment is a fact all the same.
func (t *tx) activate(inv *Invoice) error {
	b := inv.Purchase
	if money, err := inv.AmountPaid.Add(inv.Balance); err != nil || money.Sign() <= 0 {
		return err // a credit note alone pays nothing
	}
	if inv.Status != Paid || b == nil || !b.RequirePayment || b.BlockID == "" || t.customer.DeletedAt != 0 {
		return nil
	}
	l, err := t.lotOf(inv)
	if err != nil {
		return err
	}
	var batch []creditledger.Operation
	for i := range l.blocks {
		if l.blocks[i].waits() {
			batch = append(batch, creditledger.Activation{BlockID: l.blocks[i].id, Description: "paid: " + inv.name()})
		}
	}
	return t.ask(b.Account, batch, nil)
}

// waits reports whether a block can be activated.
func (b *lotBlock) waits() bool { return b.pending && !b.expired }
