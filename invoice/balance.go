package invoice

import (
	"cmp"
	"context"
	"fmt"

	"creditledger"
)

// MovementType is the direction of a customer balance transaction.
type MovementType string

// The directions.
const (
	BalanceIncrement MovementType = "increment" // the customer has more with the seller
	BalanceDecrement MovementType = "decrement" // less
)

// Action is why a customer balance moved.
type Action string

// The reasons.
const (
	AppliedToInvoice     Action = "applied_to_invoice"
	ReturnedFromVoid     Action = "return_from_voiding"
	CreditNoteApplied    Action = "credit_note_applied"
	CreditNoteVoided     Action = "credit_note_voided"
	ShortfallOwed        Action = "shortfall_owed"
	ShortfallReturned    Action = "shortfall_returned" // of what was owed, because it is not any more
	ChargedBack          Action = "charged_back"       // what a credit note had given, once the bank took the payment
	PaymentReturned      Action = "payment_returned"   // of an invoice that was voided
	Overpaid             Action = "overpaid"           // money for an invoice that was not due; the description says why
	PaidOut              Action = "paid_out"           // to the customer
	PreviouslyCollected  Action = "previously_collected"
	ProratedRefund       Action = "prorated_refund"
	ManualAdjustment     Action = "manual_adjustment"
	ProratedRefundRevert Action = "revert_prorated_refund"
)

// manualActions are those a caller may give to AdjustBalance.
var manualActions = map[Action]bool{ManualAdjustment: true, ProratedRefund: true, ProratedRefundRevert: true}

// Movement is one transaction of a customer balance. They are only ever appended.
type Movement struct {
	Number      uint64               `json:"number"` // from 1, dense per customer and currency
	CreatedAt   creditledger.Instant `json:"created_at"`
	Type        MovementType         `json:"type"`
	Amount      Money                `json:"amount"` // never negative
	Starting    Money                `json:"starting_balance"`
	Ending      Money                `json:"ending_balance"`
	Action      Action               `json:"action"`
	Description string               `json:"description,omitempty"`
	Invoice     string               `json:"invoice_id,omitempty"`
	OutsideID   string               `json:"outside_id,omitempty"` // of a payout
}

// CustomerBalance is money a customer has with the seller; when it is negative the
// customer owes it. It is applied to the next invoice, after tax, and never mixes
// with credits.
type CustomerBalance struct {
	Amount Money  `json:"amount"`
	Last   uint64 `json:"last"` // number of the last transaction
}

func balanceKey(customer, currency string) string { return customer + separator + currency }

// Balance returns a customer's balance in a currency. A balance that never moved is zero.
func (s *Service) Balance(ctx context.Context, customer, currency string) (CustomerBalance, error) {
	if _, err := digitsOf(currency); err != nil {
		return CustomerBalance{}, err
	}
	if err := checkID("customer_id", customer); err != nil {
		return CustomerBalance{}, err
	}
	now, err := s.customerNow(ctx, customer)
	if err != nil {
		return CustomerBalance{}, err
	}
	if now != nil {
		b, err := now.balanceOf(customer, currency)
		if err != nil {
			return CustomerBalance{}, err
		}
		return *b, nil
	}
	b, err := fetch[CustomerBalance](ctx, s, kindBalance, balanceKey(customer, currency), "customer balance")
	if isNotFound(err) {
		return CustomerBalance{Amount: zeroOf(currency)}, nil
	}
	if err != nil {
		return CustomerBalance{}, err
	}
	return *b, nil
}

// Movements returns up to limit transactions of a customer balance, oldest first,
// after the one with that number.
func (s *Service) Movements(ctx context.Context, customer, currency string, after uint64, limit int) ([]Movement, error) {
	if err := checkID("customer_id", customer); err != nil {
		return nil, err
	}
	if _, err := digitsOf(currency); err != nil {
		return nil, err
	}
	prefix := balanceKey(customer, currency) + separator
	from := ""
	if after > 0 {
		from = movementKey(customer, currency, after)
	}
	recs, err := s.ledger.Documents(ctx, kindMovement, prefix, from, limit)
	if err != nil {
		return nil, err
	}
	res := make([]Movement, len(recs))
	for i := range recs {
		if err := decode(&recs[i], &res[i]); err != nil {
			return nil, err
		}
		after = res[i].Number
	}
	now, err := s.customerNow(ctx, customer)
	if now == nil || err != nil {
		return res, err
	}
	for len(res) < limit { // what moves by time and is not written yet
		m, err := read[Movement](now, kindMovement, movementKey(customer, currency, after+1))
		if m == nil || err != nil {
			return res, err
		}
		res, after = append(res, *m), m.Number
	}
	return res, nil
}

func movementKey(customer, currency string, n uint64) string {
	return fmt.Sprintf("%s%s%020d", balanceKey(customer, currency), separator, n)
}

// balance reads the customer's balance for this call.
func (t *tx) balance(currency string) (*CustomerBalance, error) {
	return t.balanceOf(t.call.customer, currency)
}

func (t *tx) balanceOf(customer, currency string) (*CustomerBalance, error) {
	b, err := read[CustomerBalance](t, kindBalance, balanceKey(customer, currency))
	if b == nil && err == nil {
		b = &CustomerBalance{Amount: zeroOf(currency)}
	}
	return b, err
}

// moveBalance adds change to the customer's balance, or takes it off when it is
// negative. Nothing moves nothing.
func (t *tx) moveBalance(change Money, why Movement) error {
	return t.moveBalanceOf(t.call.customer, change, why)
}

func (t *tx) moveBalanceOf(customer string, change Money, why Movement) error {
	if change.Sign() == 0 {
		return nil
	}
	b, err := t.balanceOf(customer, change.currency)
	if err != nil {
		return err
	}
	why.Number, why.CreatedAt, why.Starting = b.Last+1, t.now, b.Amount
	why.Description = cmp.Or(why.Description, t.about)
	why.Type, why.Amount = BalanceIncrement, change
	if change.Sign() < 0 {
		why.Type, why.Amount = BalanceDecrement, change.Neg()
	}
	next, err := b.Amount.Add(change)
	if err == nil {
		next, err = next.Round()
	}
	if err != nil {
		return err
	}
	why.Ending = next
	b.Amount, b.Last = next, why.Number
	t.put(kindBalance, balanceKey(customer, change.currency), b)
	t.put(kindMovement, movementKey(customer, change.currency, why.Number), &why)
	return nil
}

// applyBalance takes what the customer has off an invoice, and adds what the customer
// owes. An invoice that asks for nothing is left alone.
func (t *tx) applyBalance(inv *Invoice) error {
	b, err := t.balance(inv.Currency)
	if err != nil || inv.Total.Sign() <= 0 {
		return err
	}
	applied := b.Amount
	if c, err := applied.Cmp(inv.Total); err != nil {
		return err
	} else if c > 0 {
		applied = inv.Total
	}
	inv.Balance = applied
	if err := t.moveBalance(applied.Neg(), Movement{Action: AppliedToInvoice, Invoice: inv.ID}); err != nil {
		return err
	}
	return inv.settle()
}

// toBalance moves money of an invoice to the customer's balance.
func (t *tx) toBalance(inv *Invoice, amount Money, action Action) error {
	var err error
	if inv.Balance, err = inv.Balance.Sub(amount); err != nil {
		return err
	}
	return t.moveBalance(amount, Movement{Action: action, Invoice: inv.ID})
}

// BalanceChange moves a customer balance by hand.
type BalanceChange struct {
	Customer    string       `json:"customer_id"`
	Type        MovementType `json:"type"`
	Amount      Money        `json:"amount"` // positive, whole minor units
	Action      Action       `json:"action"` // manual_adjustment when empty, prorated_refund or its revert
	Description string       `json:"description,omitempty"`
}

// BalanceAnswer is what a change of a customer balance did.
type BalanceAnswer struct {
	Movement Movement `json:"transaction"`
	Replayed bool     `json:"-"`
}

func (a *BalanceAnswer) replay() { a.Replayed = true }

// AdjustBalance moves a customer's balance by hand.
func (s *Service) AdjustBalance(ctx context.Context, b BalanceChange, key creditledger.Key) (*BalanceAnswer, error) {
	b.Action = cmp.Or(b.Action, ManualAdjustment)
	c := &call{op: "customer_balance", customer: b.Customer, key: key, request: b}
	return write(ctx, s, c, func(t *tx) (*BalanceAnswer, error) {
		change := b.Amount
		_, err := b.Amount.Minor()
		switch {
		case err != nil:
			return nil, err
		case b.Amount.Sign() <= 0:
			return nil, invalid("amount", "%s is not positive", b.Amount)
		case b.Type == BalanceDecrement:
			change = change.Neg()
		case b.Type != BalanceIncrement:
			return nil, invalid("type", "%q is not %s or %s", clip(string(b.Type)), BalanceIncrement, BalanceDecrement)
		}
		if !manualActions[b.Action] {
			return nil, invalid("action", "%q cannot be given by hand", clip(string(b.Action)))
		}
		if err := firstError(checkText("description", b.Description, creditledger.MaxDescription), t.payable(b.Amount.currency)); err != nil {
			return nil, err
		}
		if err := t.moveBalance(change, Movement{Action: b.Action, Description: b.Description}); err != nil {
			return nil, err
		}
		return t.moved(b.Customer, b.Amount.currency)
	})
}

// payable refuses a currency that is not the customer's invoicing currency.
func (t *tx) payable(currency string) error {
	if c := t.customer.Currency; c != "" && c != currency {
		return constraint("customer %q is invoiced in %s, not %s", clip(t.customer.ID), c, currency)
	}
	return nil
}
