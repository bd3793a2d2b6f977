package invoice

import (
	"fmt"
	"math/big"

	"creditledger"
)

// The examination of everything that is stored. It adds up in whole minor units what
// the invoices, the customer balances and the ledger say of one another, and shares no
// sum with the code it examines.

// prove examines the world.
func (w *world) prove() {
	w.t.Helper()
	for _, finding := range w.findings() {
		w.t.Error(finding)
	}
	if err := w.verified(); err != nil {
		w.t.Error(err)
	}
}

// verified holds Verify to having seen everything, and found nothing.
func (w *world) verified() error {
	v, err := w.Verify(w.ctx, nil)
	if err != nil || v.Violation != nil || int(v.Invoices) != len(w.records(kindInvoice)) || int(v.Transactions) != len(w.records(kindMovement)) {
		return fmt.Errorf("verified: %+v %w", v, err)
	}
	return nil
}

// examination collects what does not add up.
type examination struct {
	*world
	found []string
}

func (x *examination) expect(ok bool, format string, args ...any) {
	if !ok {
		x.found = append(x.found, fmt.Sprintf(format, args...))
	}
}

func (x *examination) minor(m Money) int64 {
	n, err := m.Minor()
	x.expect(err == nil, "%s is not in whole minor units: %v", m, err)
	return n
}

func (w *world) findings() []string {
	w.t.Helper()
	x := &examination{world: w}
	drawn := x.entries()
	applied := x.movements()
	numbers := map[string]bool{}
	for _, rec := range w.records(kindInvoice) {
		var inv Invoice
		x.decode(&rec, &inv)
		err := inv.Check()
		x.expect(err == nil, "%v", err)
		x.lines(&inv)
		x.isResolved(&inv, applied[inv.ID])
		x.drawn(&inv, drawn[inv.ID])
		if inv.Number != "" {
			x.expect(!numbers[inv.Number], "number %s stands twice", inv.Number)
			numbers[inv.Number] = true
		}
	}
	for n := range len(numbers) {
		x.expect(numbers[fmt.Sprintf("INV-%06d", n+1)], "number %d is missing", n+1)
	}
	return x.found
}

func (w *world) records(kind string) []creditledger.Document {
	w.t.Helper()
	recs, err := w.ledger.Documents(w.ctx, kind, "", "", creditledger.MaxPage)
	if err != nil {
		w.t.Fatal(err)
	}
	return recs
}

func (x *examination) decode(rec *creditledger.Document, v any) {
	if err := decode(rec, v); err != nil {
		x.t.Fatal(err)
	}
}

// entries verifies every account and adds up what was drawn for each invoice.
func (x *examination) entries() map[string]creditledger.Amount {
	drawn := map[string]creditledger.Amount{}
	ids, err := x.ledger.Accounts(x.ctx, creditledger.AccountID{}, 100)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, id := range ids {
		report, err := x.ledger.Verify(x.ctx, id, nil)
		x.expect(err == nil, "verify %s: %v %v", id, report, err)
		page, err := x.ledger.Entries(x.ctx, id, creditledger.EntriesQuery{Limit: 1000, Ascending: true, Type: creditledger.EntryDecrement})
		if err != nil {
			x.t.Fatal(err)
		}
		for _, e := range page.Entries {
			if drawn[e.InvoiceID], err = drawn[e.InvoiceID].Add(e.Amount); err != nil {
				x.t.Fatal(err)
			}
		}
	}
	return drawn
}

// movements proves the chain of each customer balance, and adds up what went from it
// to each invoice, less what came back.
func (x *examination) movements() map[string]int64 {
	applied, last := map[string]int64{}, map[string]Movement{}
	for _, rec := range x.records(kindMovement) {
		var m Movement
		x.decode(&rec, &m)
		balance := rec.Key[:len(rec.Key)-len(separator)-20]
		before := last[balance]
		change := x.minor(m.Amount)
		x.expect(change > 0, "a transaction of %s", m.Amount)
		if m.Type == BalanceDecrement {
			change = -change
		}
		start := int64(0)
		if before.Number > 0 {
			start = x.minor(before.Ending)
		}
		x.expect(m.Number == before.Number+1 && x.minor(m.Starting) == start && x.minor(m.Ending) == start+change,
			"transaction %d of %q, %s → %s by %s, follows %d at %d", m.Number, balance, m.Starting, m.Ending, m.Amount, before.Number, start)
		last[balance] = m
		switch m.Action {
		case AppliedToInvoice, ReturnedFromVoid, CreditNoteApplied, CreditNoteVoided, PaymentReturned, ChargedBack, Overpaid:
			applied[m.Invoice] -= change
		}
	}
	for _, rec := range x.records(kindBalance) {
		var b CustomerBalance
		x.decode(&rec, &b)
		m := last[rec.Key]
		x.expect(b.Last == m.Number && b.Amount.String() == m.Ending.String(), "balance %q is %s, its last transaction ends at %s", rec.Key, b.Amount, m.Ending)
	}
	return applied
}

// lines adds every column up.
func (x *examination) lines(inv *Invoice) {
	var subtotal, discount, credits, net, tax, total int64
	for i := range inv.Lines {
		l := &inv.Lines[i]
		x.expect((l.Tax == nil) == (inv.Tax == nil), "%s: line %d and the invoice differ on whether the tax is known", inv.name(), i)
		lineTax := int64(0)
		if l.Tax != nil {
			lineTax = x.minor(*l.Tax)
		}
		s, d, c, n, t := x.minor(l.Subtotal), x.minor(l.Discount), x.minor(l.Credits), x.minor(l.Net), x.minor(l.Total)
		base, paid := s-d-c, int64(0)
		if inv.CreditsPay == CreditsPayTotal {
			base, paid = s-d, c
		}
		if inv.PricesIncludeTax {
			base -= lineTax
		}
		x.expect(n == base && t == n+lineTax-paid, "%s: line %d does not add up: %d − %d − %d = %d, with tax %d", inv.name(), i, s, d, c, n, t)
		subtotal, discount, credits, net, tax, total = subtotal+s, discount+d, credits+c, net+n, tax+lineTax, total+t
	}
	for _, c := range []struct {
		name string
		m    Money
		sum  int64
	}{
		{"subtotal", inv.Subtotal, subtotal}, {"discount", inv.Discount, discount}, {"credits", inv.Credits, credits}, {"net", inv.Net, net}, {"total", inv.Total, total},
	} {
		x.expect(x.minor(c.m) == c.sum, "%s: the %s is %s, its lines add up to %d", inv.name(), c.name, c.m, c.sum)
	}
	x.expect(inv.Tax == nil || x.minor(*inv.Tax) == tax, "%s: the tax is %s, its lines add up to %d", inv.name(), inv.Tax, tax)
}

// isResolved proves Σ paid + Σ balance applied + Σ credit notes + due = total, with what
// the customer balance says was applied.
func (x *examination) isResolved(inv *Invoice, applied int64) {
	var paid, notes int64
	pending := 0
	for _, p := range inv.Payments {
		switch p.Status {
		case PaymentPaid:
			paid += x.minor(p.Amount)
		case PaymentPending:
			pending++
		}
	}
	for _, n := range inv.CreditNotes {
		if n.VoidedAt == 0 {
			notes += x.minor(n.Amount)
		}
	}
	due, total := x.minor(inv.AmountDue), x.minor(inv.Total)
	x.expect(paid >= 0, "%s: %d more went back than was paid", inv.name(), -paid)
	x.expect(x.minor(inv.Balance) == applied, "%s: %s of the balance is applied, the balance says %d", inv.name(), inv.Balance, applied)
	x.expect(pending <= 1, "%s: %d payments are under way", inv.name(), pending)
	switch inv.Status {
	case Void:
		x.expect(due == 0 && applied == -paid, "%s is void: due %d, applied %d, paid %d", inv.name(), due, applied, paid)
	case Deleted:
		x.expect(due == 0 && applied == 0 && paid == 0 && notes == 0, "%s is deleted: due %d, applied %d, paid %d, credited %d", inv.name(), due, applied, paid, notes)
	case Draft:
		x.expect(applied == 0 && paid == 0 && notes == 0, "%s: applied %d, paid %d, credited %d", inv.name(), applied, paid, notes)
	default:
		x.expect(paid+applied+notes+due == total, "%s: paid %d + balance %d + notes %d + due %d is not the total, %d", inv.name(), paid, applied, notes, due, total)
		x.expect((inv.Status == Paid) == (due == 0), "%s is %s with %d due", inv.name(), inv.Status, due)
	}
}

// drawn proves that the credits applied are those that the entries of the ledger draw.
func (x *examination) drawn(inv *Invoice, entries creditledger.Amount) {
	if inv.Period == nil {
		x.expect(inv.Credits.Sign() == 0 && (entries.IsZero() || inv.Status == Void), "%s: credits of %s are applied, the entries draw %s", inv.name(), inv.Credits, entries)
		return
	}
	byLine := map[int]creditledger.Amount{}
	for _, d := range inv.Period.Draws {
		sum, err := byLine[d.Line].Add(d.Amount)
		x.expect(err == nil, "%v", err)
		byLine[d.Line] = sum
		b, err := x.ledger.Block(x.ctx, inv.Period.Account.id(), d.BlockID)
		last := inv.Period.End - 1
		if to := inv.Lines[d.Line].UsageTo; to != 0 {
			last = to - 1
		}
		x.expect(err == nil && b.EffectiveAt <= last && !b.Expired(last) && (!b.Paid || b.ActivatedAt <= last), "%s: block %s paid for a period that ended %s, and was not there at its end, %v",
			inv.name(), d.BlockID, inv.Period.End, err)
	}
	var lines creditledger.Amount
	for i, l := range inv.Lines {
		x.expect(l.Drawn.Cmp(byLine[i]) == 0, "%s: line %d drew %s, its draws are %s", inv.name(), i, l.Drawn, byLine[i])
		lines, _ = lines.Add(l.Drawn)
	}
	x.expect(lines.Cmp(entries) == 0, "%s: its lines draw %s, the entries %s", inv.name(), lines, entries)
	worth, err := inv.minor(decimalOf(entries))
	if err != nil {
		x.t.Fatal(err)
	}
	off := worth.Sub(worth, big.NewRat(x.minor(inv.Credits), 1))
	x.expect(off.Abs(off).Cmp(big.NewRat(1, 1)) < 0, "%s: the entries draw %s, the credits applied are %s, a minor unit or more beside it", inv.name(), entries, inv.Credits)
}
