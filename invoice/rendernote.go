package invoice

import (
	"io"
	"strings"

	"golang.org/x/text/language"

	"creditledger"
)

// Note finds a credit note of the invoice by its id or its number, nil when it has none such.
func (inv *Invoice) Note(ref string) *CreditNote {
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.ID == ref || n.Number == ref {
			return n
		}
	}
	return nil
}

// WriteNoteHTML writes a credit note of an invoice, by its id or its number, as WriteHTML does
// an invoice. A creditledger.NotFoundError says that the invoice has none such.
func (s *Service) WriteNoteHTML(w io.Writer, inv *Invoice, note string) error {
	n := inv.Note(note)
	if n == nil {
		return &creditledger.NotFoundError{Kind: "credit note", ID: note}
	}
	return page.Execute(w, inv.noteSheet(n, s.options.Locale))
}

// WriteNoteText writes a credit note of an invoice, by its id or its number, as WriteText does
// an invoice. A creditledger.NotFoundError says that the invoice has none such.
func (s *Service) WriteNoteText(w io.Writer, inv *Invoice, note string) error {
	n := inv.Note(note)
	if n == nil {
		return &creditledger.NotFoundError{Kind: "credit note", ID: note}
	}
	return inv.noteSheet(n, s.options.Locale).writeText(w)
}

// noteSheet prepares a credit note for readers of a language.
func (inv *Invoice) noteSheet(n *CreditNote, tag language.Tag) *sheet {
	s := &sheet{Title: "Credit note " + n.Number, Status: "issued", Says: inv.noteSays(n, tag)}
	if n.VoidedAt != 0 {
		s.Status = "void"
	}
	s.party("From", inv.SellerDetails)
	s.party("To", inv.CustomerDetails)
	zone := inv.zone()
	s.fact("Customer", inv.Customer)
	s.fact("Date", day(n.CreatedAt, zone))
	if n.VoidedAt != 0 {
		s.fact("Voided", day(n.VoidedAt, zone))
	}
	s.fact("Invoice", inv.Number+" of "+day(inv.InvoiceDate, zone))
	if n.Reason != "" {
		s.fact("Reason", n.Reason)
	}
	s.fact("Reference", n.ID)
	s.Columns = []column{{"Item", func(r *row) string { return r.Item }, 0}}
	if n.Tax != nil {
		s.Columns = append(s.Columns, column{"Net", func(r *row) string { return r.Net }, 0}, column{"Tax", func(r *row) string { return r.Tax }, 0})
	}
	s.Columns = append(s.Columns, column{"Total", func(r *row) string { return r.Total }, 0})
	s.Rows = inv.noteRows(n, tag)
	if n.Tax != nil {
		name := "Tax"
		if inv.TaxPercent != nil {
			name += " " + formatNumber(inv.TaxPercent.String(), tag) + "%"
		}
		s.Sums = [][2]string{{"Net", n.Net.Format(tag)}, {name, n.Tax.Format(tag)}}
	}
	s.Due = [2]string{"Credited", n.Amount.Format(tag)}
	return s
}

// noteSays tells who gives whom how much of what, and where it is now.
func (inv *Invoice) noteSays(n *CreditNote, tag language.Tag) string {
	if n.VoidedAt != 0 {
		return "Void. Nothing is credited."
	}
	buyer, seller := inv.names()
	where := map[NoteEffect]string{
		ReducedDue:     "It is taken off the amount due.",
		ToBalance:      "It was put on the customer balance.",
		PaidBackByHand: "It was paid back.",
	}[n.Effect]
	switch {
	case n.lacking():
		where = "It stands for money that was paid and taken back."
	case !n.ToBalance.IsNone():
		where = n.ToBalance.Format(tag) + " of it were put on the customer balance; the rest was paid back."
	}
	says := seller + " credits " + buyer + " " + n.Amount.Format(tag) + " of invoice " + inv.Number + ". " + where
	if n.Owed.Sign() > 0 {
		says += " Of the credits that were taken back some had been used; " + n.Owed.Format(tag) + " for them were taken off the customer balance."
	}
	return strings.ToUpper(says[:1]) + says[1:]
}

// noteRows are what a credit note is for.
func (inv *Invoice) noteRows(n *CreditNote, tag language.Tag) []*row {
	tax := func(m *Money) string {
		if m == nil {
			return ""
		}
		return m.Format(tag)
	}
	var rows []*row
	for i := range n.Lines {
		l := &n.Lines[i]
		r := &row{Item: l.ItemID, Net: l.Net.Format(tag), Tax: tax(l.Tax), Total: l.Amount.Format(tag)}
		if of := inv.line(l.Line); of != nil {
			r.Detail = of.Description
			if of.TaxPercent != nil && l.Tax != nil {
				r.Notes = append(r.Notes, "tax "+formatNumber(of.TaxPercent.String(), tag)+"%")
			}
		}
		rows = append(rows, r)
	}
	if len(rows) > 0 {
		return rows
	}
	r := &row{Item: "Invoice " + inv.Number, Net: n.Net.Format(tag), Tax: tax(n.Tax), Total: n.Amount.Format(tag)}
	if rates := inv.taxes(); n.Tax != nil && len(rates) > 1 {
		var names []string
		for _, t := range rates {
			names = append(names, formatNumber(t.percent.String(), tag)+"%")
		}
		r.Notes = append(r.Notes, "tax as on the invoice: "+strings.Join(names, ", "))
	}
	if !n.TakenBack.IsZero() {
		r.Notes = append(r.Notes, formatNumber(n.TakenBack.String(), tag)+" credits taken back")
	}
	if !n.DrawsReturned.IsZero() {
		r.Notes = append(r.Notes, formatNumber(n.DrawsReturned.String(), tag)+" credits given back")
	}
	return []*row{r}
}
