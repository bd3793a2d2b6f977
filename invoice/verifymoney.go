package invoice

// What an invoice says that it gave to the customer balance, took from there and is owed there,
// the transactions say too, each for its own reason: so money that is moved from one reason to
// another is found.

// reasons are the actions that are compared, and the one that takes back what they did.
var reasons = map[Action]Action{Overpaid: Overpaid, ChargedBack: ChargedBack, ShortfallOwed: ShortfallOwed, ShortfallReturned: ShortfallOwed}

// moves adds a transaction of a balance up for the invoice that it names.
func (seen *examined) moves(m *Movement, change Money) (err error) {
	switch m.Action {
	case AppliedToInvoice, ReturnedFromVoid, CreditNoteApplied, CreditNoteVoided, PaymentReturned, ChargedBack, Overpaid:
		before, ok := seen.applied[m.Invoice]
		if !ok {
			before = zeroOf(change.currency)
		}
		if seen.applied[m.Invoice], err = before.Sub(change); err != nil {
			return err
		}
	}
	reason, ok := reasons[m.Action]
	if !ok {
		return nil
	}
	if seen.moved[m.Invoice] == nil {
		seen.moved[m.Invoice] = map[Action]Money{}
	}
	sum := seen.moved[m.Invoice][reason]
	if sum.IsNone() {
		sum = zeroOf(change.currency)
	}
	seen.moved[m.Invoice][reason], err = sum.Add(change)
	return err
}

// explains proves that an invoice's payments and notes are what moved the balance for it.
func (seen *examined) explains(inv *Invoice) error {
	says := map[Action]Money{}
	add := func(reason Action, m Money) error {
		sum := says[reason]
		if sum.IsNone() {
			sum = zeroOf(inv.Currency)
		}
		var err error
		says[reason], err = sum.Add(m)
		return err
	}
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if !p.ToBalance.IsNone() {
			if err := add(Overpaid, p.ToBalance); err != nil || p.Status != PaymentPaid || p.ToBalance.amount.Cmp(&p.Amount.amount) > 0 {
				return violation(inv.name(), "of payment %s over %s, which is %s, %s went to the customer balance", clip(p.ID), p.Amount, p.Status, p.ToBalance)
			}
		}
		if !p.FromBalance.IsNone() {
			if err := add(ChargedBack, p.FromBalance.Neg()); err != nil {
				return violation(inv.name(), "%v", err)
			}
		}
	}
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.VoidedAt == 0 && !n.Owed.IsNone() {
			if err := add(ShortfallOwed, n.Owed.Neg()); err != nil {
				return violation(inv.name(), "%v", err)
			}
		}
	}
	if u := inv.UnpaidUse; u != nil && u.Owed {
		if err := add(ShortfallOwed, u.Amount.Neg()); err != nil {
			return violation(inv.name(), "%v", err)
		}
	}
	for _, reason := range []Action{Overpaid, ChargedBack, ShortfallOwed} {
		said, moved := says[reason], seen.moved[inv.ID][reason]
		if said.Sign() != moved.Sign() || said.Sign() != 0 && !same(said, moved) {
			return violation(inv.name(), "%s: it says %s, the customer balance says %s", reason, said, moved)
		}
	}
	delete(seen.moved, inv.ID)
	return nil
}
