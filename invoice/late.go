package invoice

import (
	"time"

	"creditledger"
)

// expiredFirst is why the money of an attempt that succeeded after its purchase had ended goes
// to the customer balance.
const expiredFirst = "expired before payment"

// late is what becomes of a purchase that ended while an attempt to pay it was under way. Once
// it is paid in full, by that attempt or otherwise, its credits are granted anew or its money
// goes to the customer balance. If no attempt is left and it is not, it is void from now.
func (t *tx) late(inv *Invoice, told *Received) error {
	switch {
	case inv.open() && inv.pending() != nil:
		return nil
	case inv.open():
		return t.end(inv, t.now)
	}
	if err := t.waitsNoMore(inv); err != nil {
		return err
	}
	l, err := t.lotOf(inv)
	if err != nil {
		return err
	}
	left, err := l.total(func(b *lotBlock) creditledger.Amount { return b.capacity })
	if err != nil {
		return err
	}
	if _, err := t.closing(l, expiredFirst+": "+inv.name(), func([]creditledger.Result) {}); err != nil {
		return err
	}
	if inv.Purchase.ShiftExpiry && left.Sign() > 0 && t.customer.DeletedAt == 0 {
		return t.shift(inv, left)
	}
	return t.creditLate(inv, told)
}

// creditLate gives the money of an invoice whose credits are gone to the customer balance.
func (t *tx) creditLate(inv *Invoice, told *Received) error {
	amount, err := inv.Total.Sub(inv.Credited)
	if err != nil || amount.Sign() <= 0 {
		return err
	}
	if _, err := t.addNote(inv, CreditNote{Amount: amount, Effect: ToBalance, Reason: expiredFirst, Owed: zeroOf(inv.Currency)}, expiredFirst); err != nil {
		return err
	}
	if err := t.toBalance(inv, amount, CreditNoteApplied); err != nil {
		return err
	}
	told.Reason = expiredFirst
	if told.ToBalance, err = told.ToBalance.Add(amount); err != nil {
		return err
	}
	return inv.settle()
}

// shift grants the credits of a purchase anew that expired before they were paid: the same
// amount, price and length, from now. What of them had been voided is voided again.
func (t *tx) shift(inv *Invoice, left creditledger.Amount) error {
	p := inv.Purchase
	old, err := t.s.ledger.Block(t.ctx, p.Account.id(), p.BlockID)
	if err != nil {
		return err
	}
	grant := creditledger.Increment{
		Amount: old.Initial, BlockID: idFrom("blk_", inv.ID, old.ID), EffectiveAt: creditledger.AtInstant(t.now),
		CostBasis: old.CostBasis, Priority: old.Priority, Filters: old.Filters, Source: old.Source, Metadata: old.Metadata,
		Repay: creditledger.RepayNever, InvoiceID: inv.ID, Description: "paid late: " + inv.name(),
	}
	if old.ExpiresAt != 0 {
		until := creditledger.InstantOf(shifted(old.EffectiveAt.Time(), old.ExpiresAt.Time(), t.now.Time(), t.zone))
		if !until.Valid() {
			return constraint("%s: the credits granted anew would expire outside the calendar", inv.name())
		}
		grant.ExpiresAt = creditledger.AtInstant(until)
	}
	ops := []creditledger.Operation{grant}
	if gone, err := old.Initial.Sub(left); err != nil {
		return err
	} else if gone.Sign() > 0 {
		ops = append(ops, creditledger.Void{BlockID: grant.BlockID, Amount: gone, Description: grant.Description})
	}
	p.ParentBlockID, p.BlockID = p.BlockID, grant.BlockID
	return t.ask(p.Account, ops, nil)
}

// shifted is as long after begin as to is after from: so many calendar days in a zone, and
// what remains of one.
func shifted(from, to, begin time.Time, zone *time.Location) time.Time {
	from, begin = from.In(zone), begin.In(zone)
	days := int(to.Sub(from) / (24 * time.Hour))
	for from.AddDate(0, 0, days+1).Compare(to) <= 0 {
		days++
	}
	for days > 0 && from.AddDate(0, 0, days).After(to) {
		days--
	}
	return begin.AddDate(0, 0, days).Add(to.Sub(from.AddDate(0, 0, days)))
}
