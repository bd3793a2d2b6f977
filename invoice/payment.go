package invoice

import (
	"context"

	"creditledger"
)

// PaymentStatus is where a payment attempt stands.
type PaymentStatus string

// The statuses of a payment attempt: pending → paid or failed.
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
	// FromBalance is what a chargeback took of the customer balance, where credit notes had
	// put it; no money in all other payments.
	FromBalance Money `json:"from_balance,omitzero"`
}

// Attempt is a payment that begins.
type Attempt struct {
	// Amount is the amount due, which is the default: an attempt pays all of it.
	Amount     Money      `json:"amount"`
	Provider   string     `json:"provider"`
	ProviderID string     `json:"provider_id"` // empty when the provider has named none yet
	ChargeType ChargeType `json:"charge_type"`
}

const maxPayments = 200

// ofInvoice carries out a call on an existing invoice. The invoice is checked and
// written if decide marks it.
func (s *Service) ofInvoice(ctx context.Context, op, id string, key creditledger.Key, request any, decide func(*tx, *Invoice) (*Answer, error)) (*Answer, error) {
	now, err := s.Invoice(ctx, id)
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

// payment finds an attempt by its id or the provider's.
func (inv *Invoice) payment(id string) *Payment {
	for i := range inv.Payments {
		if p := &inv.Payments[i]; p.ID == id || (p.ProviderID != "" && p.ProviderID == id) {
			return p
		}
	}
	return nil
}

// StartPayment begins an attempt to pay what is due. One is under way at a time.
func (s *Service) StartPayment(ctx context.Context, invoice string, a Attempt, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "start_payment", invoice, key, ask{"invoice_id": invoice, "payment": a}, func(t *tx, inv *Invoice) (*Answer, error) {
		amount := a.Amount
		if amount.IsNone() {
			amount = inv.AmountDue
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
		case c != 0:
			return nil, constraint("a payment of %s is not the amount due, %s", amount, inv.AmountDue)
		case len(inv.Payments) >= maxPayments:
			return nil, constraint("%s has %d payment attempts", inv.name(), len(inv.Payments))
		case a.ProviderID != "" && inv.payment(a.ProviderID) != nil:
			return nil, &creditledger.DuplicateError{Kind: "payment", ID: a.ProviderID}
		}
		if err := firstError(checkID("provider", a.Provider), checkText("provider_id", a.ProviderID, creditledger.MaxID)); err != nil {
			return nil, err
		}
		inv.Payments = append(inv.Payments, Payment{
			ID: idFrom("pay_", inv.ID, string(t.call.key)), Status: PaymentPending, Amount: amount,
			Provider: a.Provider, ProviderID: a.ProviderID, ChargeType: a.ChargeType, CreatedAt: t.now,
		})
		inv.PaymentStartedAt = t.now
		t.changed(inv)
		return &Answer{Invoice: inv}, nil
	})
}

// PaymentSucceeded records that an attempt, named by its id or the provider's, was
// paid: the invoice is paid and its block activated in one commit. A second notice of
// the same payment changes nothing.
func (s *Service) PaymentSucceeded(ctx context.Context, invoice, payment string, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "payment_succeeded", invoice, key, ask{"invoice_id": invoice, "payment_id": payment}, func(t *tx, inv *Invoice) (*Answer, error) {
		res := &Answer{Invoice: inv}
		p := inv.payment(payment)
		switch {
		case p == nil:
			return nil, &creditledger.NotFoundError{Kind: "payment", ID: payment}
		case p.Status == PaymentPaid:
			return res, nil
		case p.Status != PaymentPending:
			return nil, &StatusError{What: "payment " + p.ID, Status: string(p.Status), Move: "succeed"}
		}
		p.Status, p.EndedAt = PaymentPaid, t.now
		t.changed(inv)
		return res, t.paid(inv)
	})
}

// PaymentFailed records that an attempt failed. After a success it changes nothing, and
// neither does a second notice.
func (s *Service) PaymentFailed(ctx context.Context, invoice, payment string, why FailedReason, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "payment_failed", invoice, key, ask{"invoice_id": invoice, "payment_id": payment, "failed_reason": why}, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := firstError(checkID("failed_reason", why.Code), checkText("decline_code", why.DeclineCode, creditledger.MaxID)); err != nil {
			return nil, err
		}
		res := &Answer{Invoice: inv}
		p := inv.payment(payment)
		switch {
		case p == nil:
			return nil, &creditledger.NotFoundError{Kind: "payment", ID: payment}
		case p.Status != PaymentPending:
			return res, nil
		}
		p.Status, p.EndedAt, p.Reason = PaymentFailed, t.now, &why
		inv.PaymentFailedAt = t.now
		t.changed(inv)
		return res, nil
	})
}

// MarkPaid records that an invoice was paid elsewhere.
func (s *Service) MarkPaid(ctx context.Context, invoice, note string, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "mark_paid", invoice, key, ask{"invoice_id": invoice, "note": note}, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := checkText("note", note, maxReason); err != nil {
			return nil, err
		}
		if p := inv.pending(); p != nil {
			return nil, constraint("%s has a payment under way, %s", inv.name(), p.ID)
		}
		if !inv.open() {
			return nil, inv.refuse("be paid")
		}
		t.changed(inv)
		if err := t.payOutside(inv, note); err != nil {
			return nil, err
		}
		return &Answer{Invoice: inv}, t.activate(inv)
	})
}

// payOutside notes a payment taken elsewhere of all that is due.
func (t *tx) payOutside(inv *Invoice, note string) error {
	inv.Payments = append(inv.Payments, Payment{
		ID: idFrom("pay_", inv.ID, string(t.call.key)), Status: PaymentPaid, Amount: inv.AmountDue,
		ChargeType: External, Note: note, CreatedAt: t.now, EndedAt: t.now,
	})
	return t.payIfNothingDue(inv)
}

// paid makes an invoice paid, and its block active, once nothing is due.
func (t *tx) paid(inv *Invoice) error {
	if err := t.payIfNothingDue(inv); err != nil {
		return err
	}
	return t.activate(inv)
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
		if bl := &l.blocks[i]; bl.pending && !bl.expired {
			batch = append(batch, creditledger.Activation{BlockID: bl.id, Description: "paid: " + inv.name()})
		}
	}
	return t.ask(b.Account, batch, nil)
}
