package invoice

// waits proves that a purchase that waits for its payment is listed with when it ends, that it
// ends as its deadline and its block say, and that none ended that could not.
func (x *examiner) waits(inv *Invoice, seen *examined) error {
	p := inv.Purchase
	if p == nil {
		return nil
	}
	if p.EndedUnpaid && (inv.Status != Void || !p.RequirePayment) {
		return violation(inv.name(), "it is %s, and says that it ended unpaid", inv.Status)
	}
	if p.ParentBlockID != "" {
		return x.shifted(p, inv)
	}
	if p.EndsAt == 0 { // also those of earlier releases
		return nil
	}
	b, err := x.s.ledger.Block(x.ctx, p.Account.id(), p.BlockID)
	if err != nil && !isNotFound(err) {
		return err
	}
	if end := firstOf(p.PaymentDeadline, b.ExpiresAt); end != p.EndsAt {
		return violation(inv.name(), "it says that it ends %s unless it is paid, and its deadline and block that it does %s", p.EndsAt, end)
	}
	if inv.open() {
		seen.waiting[inv.ID] = p.EndsAt
	}
	return nil
}

// shifted proves that the block exists whose place another one took.
func (x *examiner) shifted(p *Bought, inv *Invoice) error {
	_, err := x.s.ledger.Block(x.ctx, p.Account.id(), p.ParentBlockID)
	if isNotFound(err) || err == nil && !p.ShiftExpiry {
		return violation(inv.name(), "block %s, whose place another one took, is not in the ledger, or nothing was to take it", clip(p.ParentBlockID))
	}
	return err
}

// listedWaiting proves that the list of a customer's purchases that wait is that of its invoices.
func (x *examiner) listedWaiting(customer string, seen *examined) error {
	var w waiting
	if _, err := x.recordOf(kindWaiting, customer, &w, seen); err != nil {
		return err
	}
	for _, p := range w.Purchases {
		if at, ok := seen.waiting[p.Invoice]; !ok || at != p.EndsAt {
			return violation("purchases of "+clip(customer)+" that wait for their payment", "%s is listed until %s, and its invoice does not say so", clip(p.Invoice), p.EndsAt)
		}
		delete(seen.waiting, p.Invoice)
	}
	for id := range seen.waiting {
		return violation("purchases of "+clip(customer)+" that wait for their payment", "%s is not listed", clip(id))
	}
	return nil
}
