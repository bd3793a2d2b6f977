package invoice

import (
	"context"

	"creditledger"
)

// Voiding says how an invoice is voided.
type Voiding struct {
	Memo string
	// OweUse puts the price of credits that were used and never paid on the customer
	// balance, as owed. By default it is only reported: Invoice.UnpaidUse.
	OweUse bool
}

// UnpaidUse is what was used of the credits of a purchase that was voided, and its price.
type UnpaidUse struct {
	Credits creditledger.Amount `json:"credits"`
	Amount  Money               `json:"amount"`
	// Owed says that the price was put on the customer balance, as owed.
	Owed bool `json:"owed,omitempty"`
}

// Void is VoidWith without choices but a memo.
func (s *Service) Void(ctx context.Context, invoice, memo string, key creditledger.Key) (*Answer, error) {
	return s.VoidWith(ctx, invoice, Voiding{Memo: memo}, key)
}

// VoidWith voids an invoice and its credit notes; what was paid for it and what was applied
// to it of the customer balance goes to that balance. What a period drew goes back to where
// it came from. What a purchase sold is closed, wherever it is: no charge, no usage that is
// reported late and no reversal finds any of it any more; debts that it repaid are debts
// again; what was used of it is reported. All of that is one commit.
func (s *Service) VoidWith(ctx context.Context, invoice string, v Voiding, key creditledger.Key) (*Answer, error) {
	request := ask{"invoice_id": invoice, "memo": v.Memo}
	if v.OweUse {
		request["owe_unpaid_use"] = true
	}
	return s.ofInvoice(ctx, "void_invoice", invoice, key, request, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := checkText("memo", v.Memo, creditledger.MaxDescription); err != nil {
			return nil, err
		}
		if p := inv.pending(); p != nil {
			return nil, constraint("%s has a payment under way, %s", inv.name(), p.ID)
		}
		res := &Answer{Invoice: inv}
		return res, t.void(inv, v, res)
	})
}

// void works out everything that voiding an invoice does.
func (t *tx) void(inv *Invoice, v Voiding, res *Answer) error {
	if err := inv.move(Void, "be voided", t.now); err != nil {
		return err
	}
	t.changed(inv)
	if v.Memo != "" {
		inv.Memo = v.Memo
	}
	if err := firstError(t.waitsNoMore(inv), t.returnMoney(inv)); err != nil {
		return err
	}
	return t.release(inv, v, res)
}

// release closes what an invoice sold, and gives back what it drew.
func (t *tx) release(inv *Invoice, v Voiding, res *Answer) error {
	switch {
	case inv.Purchase != nil:
		return t.voidBought(inv, v, res)
	case inv.Period != nil:
		_, err := t.giveBack(inv, "voided: "+inv.name())
		return err
	}
	return nil
}

// returnMoney gives an invoice's money to the customer balance: what was paid, what credit
// notes gave and were owed is taken back, and what was applied of the balance returns.
func (t *tx) returnMoney(inv *Invoice) error {
	applied, paid := inv.Balance, inv.AmountPaid
	if err := t.toBalance(inv, paid, PaymentReturned); err != nil {
		return err
	}
	for i := range inv.CreditNotes {
		n := &inv.CreditNotes[i]
		if n.VoidedAt != 0 {
			continue
		}
		n.VoidedAt = t.now
		if n.Effect == ToBalance {
			if err := t.toBalance(inv, n.Amount.Neg(), CreditNoteVoided); err != nil {
				return err
			}
			var err error
			if applied, err = applied.Add(n.Amount); err != nil {
				return err
			}
		}
		if err := t.moveBalance(n.Owed, Movement{Action: ShortfallReturned, Invoice: inv.ID}); err != nil {
			return err
		}
	}
	if err := t.toBalance(inv, applied, ReturnedFromVoid); err != nil {
		return err
	}
	return inv.settle()
}

// voidBought closes what a purchase sold, makes the debts again that it repaid, and reports
// what was used.
func (t *tx) voidBought(inv *Invoice, v Voiding, res *Answer) error {
	l, err := t.lotOf(inv)
	if err != nil {
		return err
	}
	res.Entries = nil
	first := len(t.parts)
	note := func(r []creditledger.Result) {
		res.Entries = append(res.Entries, r[0].Entries...)
	}
	if err := t.noteSold(inv, l); err != nil {
		return err
	}
	used, err := t.closing(l, "voided: "+inv.name(), note)
	if err != nil {
		return err
	}
	if again := l.refilled; again.Sign() > 0 && t.customer.DeletedAt == 0 {
		owes := creditledger.Decrement{Amount: again, InvoiceID: inv.ID, Overdraft: creditledger.OverdraftAllow, Description: "voided: " + inv.name()}
		err := t.ask(inv.Purchase.Account, []creditledger.Operation{owes}, func(r []creditledger.Result) error { note(r); return nil })
		if err != nil {
			return err
		}
	}
	t.beginsAt(first, func() { res.Entries = nil })
	if used, err = used.Add(inv.Purchase.usedBefore(inv)); err != nil {
		return err
	}
	inv.Purchase.UsedBack = creditledger.Amount{} // it is closed with the rest
	return t.reportUse(inv, used, v.OweUse)
}

// reportUse notes what was used of a voided purchase, and what of its price is owed.
func (t *tx) reportUse(inv *Invoice, used creditledger.Amount, owed bool) error {
	if used.Sign() <= 0 {
		return nil
	}
	price, err := inv.priceOf(inv.Total, creditledger.Amount{}, used)
	if err != nil {
		return err
	}
	inv.UnpaidUse = &UnpaidUse{Credits: used, Amount: price, Owed: owed}
	if !owed {
		return nil
	}
	return t.moveBalance(price.Neg(), Movement{Action: ShortfallOwed, Invoice: inv.ID})
}

// usedBefore is what refunds found used of what they took back and closed; repaid debts, and
// what still stands in the capacity of blocks, are left out.
func (b *Bought) usedBefore(inv *Invoice) (used creditledger.Amount) {
	for i := range inv.CreditNotes {
		n := &inv.CreditNotes[i]
		if sum, err := used.Add(n.Spent); err == nil {
			used = sum
		}
	}
	if rest, err := without(used, b.RefilledBack, b.UsedBack); err == nil && rest.Sign() > 0 {
		return rest
	}
	return creditledger.Amount{}
}
