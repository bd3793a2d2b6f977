package invoice

import (
	"context"

	"creditledger"
)

// ApplyBalance pays an open invoice with the customer's balance: with an amount, or by default
// with as much as is due and is there. It is refused while a payment is under way, and where the
// credits that wait for the payment have expired.
func (s *Service) ApplyBalance(ctx context.Context, invoice string, amount Money, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "apply_balance", invoice, key, ask{"invoice_id": invoice, "amount": amount}, func(t *tx, inv *Invoice) (*Answer, error) {
		b, err := t.balanceOf(inv.Customer, inv.Currency)
		if err != nil {
			return nil, err
		}
		most := lessMoney(b.Amount, inv.AmountDue)
		if amount.IsNone() {
			amount = most
		}
		over, err := amount.Cmp(most)
		switch {
		case err != nil:
			return nil, err
		case !inv.open():
			return nil, inv.refuse("be paid")
		case inv.pending() != nil:
			return nil, constraint("%s has a payment under way, %s", inv.name(), inv.pending().ID)
		case b.Amount.Sign() <= 0:
			return nil, constraint("customer %q has %s with the seller: nothing can be applied", clip(inv.Customer), b.Amount)
		case over > 0:
			return nil, constraint("%s can be applied to %s at most, not %s", most, inv.name(), amount)
		}
		if err := wholePositive("amount", amount); err != nil {
			return nil, err
		}
		if why, err := t.cannotPay(inv); err != nil || why != "" {
			return nil, firstError(err, constraint("%s cannot be paid: %s", inv.name(), why))
		}
		t.changed(inv)
		if err := t.toBalance(inv, amount.Neg(), AppliedToInvoice); err != nil {
			return nil, err
		}
		return &Answer{Invoice: inv}, t.paid(inv)
	})
}

// Payout is money of a customer balance that was paid to the customer.
type Payout struct {
	Customer    string `json:"customer_id"`
	Amount      Money  `json:"amount"`               // positive, at most the balance in its currency
	OutsideID   string `json:"outside_id,omitempty"` // what it is called there; told of twice, it counts once
	Description string `json:"description,omitempty"`
}

// PayOut records that money of a customer balance was paid to the customer, in any currency
// that it stands in, also after the customer was deleted.
func (s *Service) PayOut(ctx context.Context, p Payout, key creditledger.Key) (*BalanceAnswer, error) {
	c := &call{op: "payout", customer: p.Customer, key: key, request: p}
	return write(ctx, s, c, func(t *tx) (*BalanceAnswer, error) {
		err := firstError(wholePositive("amount", p.Amount), checkText("outside_id", p.OutsideID, creditledger.MaxID),
			checkText("description", p.Description, creditledger.MaxDescription))
		if err != nil {
			return nil, err
		}
		known, err := t.paidOutAs(&p)
		if known != nil || err != nil {
			return known, err
		}
		b, err := t.balance(p.Amount.currency)
		if err != nil {
			return nil, err
		}
		if b.Amount.amount.Cmp(&p.Amount.amount) < 0 {
			return nil, constraint("customer %q has %s with the seller, less than %s", clip(p.Customer), b.Amount, p.Amount)
		}
		if err := t.moveBalance(p.Amount.Neg(), Movement{Action: PaidOut, Description: p.Description, OutsideID: p.OutsideID}); err != nil {
			return nil, err
		}
		return t.moved(p.Customer, p.Amount.currency)
	})
}

// paidOutAs is the answer about the payout that was told of under an outside id before; nil when
// none was. It reads the transactions of that balance, which are few beside how rarely money is
// paid out. Of two such calls at once, the second is decided afresh: both write the balance.
func (t *tx) paidOutAs(p *Payout) (*BalanceAnswer, error) {
	for after := uint64(0); p.OutsideID != ""; {
		page, err := t.s.Movements(t.ctx, p.Customer, p.Amount.currency, after, recordsPage)
		if err != nil {
			return nil, err
		}
		for i := range page {
			m := &page[i]
			if after = m.Number; m.Action != PaidOut || m.OutsideID != p.OutsideID {
				continue
			}
			if !same(m.Amount, p.Amount) {
				return nil, constraint("a payout of %s to customer %q was told of under %q before, not one of %s", m.Amount, clip(p.Customer), clip(p.OutsideID), p.Amount)
			}
			return &BalanceAnswer{Movement: *m, Replayed: true}, nil
		}
		if len(page) < recordsPage {
			break
		}
	}
	return nil, nil
}

// moved is the answer about the transaction that a call made.
func (t *tx) moved(customer, currency string) (*BalanceAnswer, error) {
	now, err := t.balanceOf(customer, currency)
	if err != nil {
		return nil, err
	}
	m, err := read[Movement](t, kindMovement, movementKey(customer, currency, now.Last))
	if err != nil {
		return nil, err
	}
	return &BalanceAnswer{Movement: *m}, nil
}
