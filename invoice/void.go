package invoice

import (
	"context"

	"creditledger"
)

// Void voids an invoice that no money was paid for. What was bought and not spent yet is
// voided with it, pending or not; credits that a period drew are given back to the blocks
// that they came from; the customer balance is given back. All of that is one commit.
func (s *Service) Void(ctx context.Context, invoice, memo string, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "void_invoice", invoice, key, ask{"invoice_id": invoice, "memo": memo}, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := firstError(checkText("memo", memo, creditledger.MaxDescription), t.alive()); err != nil {
			return nil, err
		}
		if p := inv.pending(); p != nil {
			return nil, constraint("%s has a payment under way, %s", inv.name(), p.ID)
		}
		res := &Answer{Invoice: inv}
		return res, t.void(inv, memo, res)
	})
}

// unpaidFor reports whether an invoice is paid although nobody paid any money for it:
// credits and the customer balance covered it, or it asked for nothing.
func (inv *Invoice) unpaidFor() bool {
	for i := range inv.Payments {
		if inv.Payments[i].Status == PaymentPaid {
			return false
		}
	}
	return inv.Status == Paid
}

// void works out everything that voiding an invoice does.
func (t *tx) void(inv *Invoice, memo string, res *Answer) error {
	if inv.unpaidFor() {
		inv.Status = Issued
	}
	if err := inv.move(Void, "be voided", t.now); err != nil {
		return err
	}
	t.changed(inv)
	if memo != "" {
		inv.Memo = memo
	}
	if err := t.toBalance(inv, inv.Balance, ReturnedFromVoid); err != nil {
		return err
	}
	if err := inv.settle(); err != nil {
		return err
	}
	switch {
	case inv.Purchase != nil:
		return t.voidBought(inv, res)
	case inv.Period != nil:
		return t.giveBack(inv)
	}
	return nil
}

// voidBought voids what the blocks of a purchase still hold.
func (t *tx) voidBought(inv *Invoice, res *Answer) error {
	blocks, err := t.blocksOf(inv)
	if err != nil {
		return err
	}
	var batch []creditledger.Operation
	for i := range blocks {
		b := &blocks[i]
		if b.Balance.Sign() > 0 {
			batch = append(batch, creditledger.Void{BlockID: b.ID, Amount: b.Balance, Description: "voided: " + inv.name()})
		}
	}
	return t.ask(inv.Purchase.Account, batch, func(r []creditledger.Result) error {
		res.Entries = nil
		for i := range r {
			// The first entry of a void tells what the block held: no more and no less
			// than planned, or what was spent or moved meanwhile would be missed.
			if len(r[i].Entries) == 0 || r[i].Entries[0].Amount.Cmp(batch[i].(creditledger.Void).Amount) != 0 {
				return errAgain
			}
			res.Entries = append(res.Entries, r[i].Entries...)
		}
		return nil
	})
}
