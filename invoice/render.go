package invoice

import (
	"strings"
	"time"

	"golang.org/x/text/language"

	"creditledger"
)

// sheet is an invoice ready to be read.
type sheet struct {
	Title, Status   string
	Says            string // who owes whom how much by when
	Parties         []block
	Facts           [][2]string
	Columns         []column
	Rows            []*row
	Sums            [][2]string
	Due             [2]string
	Payments, Notes [][2]string
	Memo            string
}

// block is a name with lines below it.
type block struct {
	Name  string
	Lines []string
}

// party are the lines of a seller or a customer.
func (s *sheet) party(name string, p *Party) {
	if p == nil {
		return
	}
	b := block{Name: name}
	for _, text := range append(append([]string{p.Name}, strings.Split(p.Address, "\n")...), p.Email) {
		if text = strings.TrimSpace(text); text != "" {
			b.Lines = append(b.Lines, text)
		}
	}
	if p.TaxID != "" {
		b.Lines = append(b.Lines, "Tax id "+p.TaxID)
	}
	s.Parties = append(s.Parties, b)
}

// names are what the sentence on a document calls the customer and the seller.
func (inv *Invoice) names() (buyer, seller string) {
	buyer, seller = inv.Customer, "the seller"
	if p := inv.CustomerDetails; p != nil && p.Name != "" {
		buyer = p.Name
	}
	if p := inv.SellerDetails; p != nil && p.Name != "" {
		seller = p.Name
	}
	return buyer, seller
}

// says tells who owes whom how much by when.
func (inv *Invoice) says(tag language.Tag) string {
	buyer, seller := inv.names()
	switch {
	case inv.Status == Draft:
		return "A draft. Nothing is due before it is issued."
	case inv.Status == Void && inv.Purchase != nil && inv.Purchase.EndedUnpaid:
		return "Void, because it was not paid in time. Nothing is due."
	case inv.Status == Void:
		return "Void. Nothing is due."
	case inv.Status == Deleted:
		return "A draft that was deleted. Nothing is due."
	case inv.AmountDue.Sign() > 0:
		return buyer + " owes " + seller + " " + inv.AmountDue.Format(tag) + ", due by " + day(inv.DueDate, inv.zone()) + "."
	}
	return buyer + " owes " + seller + " nothing for this any more."
}

// sheet prepares an invoice for readers of a language.
func (inv *Invoice) sheet(tag language.Tag) *sheet {
	text := func(m Money) string { return m.Format(tag) }
	s := &sheet{Title: "Draft invoice", Status: string(inv.Status), Memo: inv.Memo}
	if inv.Number != "" {
		s.Title = "Invoice " + inv.Number
	}
	s.Says = inv.says(tag)
	s.party("From", inv.SellerDetails)
	s.party("To", inv.CustomerDetails)
	s.fact("Customer", inv.Customer)
	zone := inv.zone()
	for _, d := range []struct {
		name string
		at   creditledger.Instant
	}{{"Date", inv.InvoiceDate}, {"Due", inv.DueDate}, {"Paid", inv.PaidAt}, {"Voided", inv.VoidedAt}, {"Deleted", inv.DeletedAt}} {
		if d.at != 0 {
			s.fact(d.name, day(d.at, zone))
		}
	}
	if p := inv.Purchase; p != nil && p.EndsAt != 0 && inv.open() {
		s.fact("Pay by", day(p.EndsAt, zone)+p.EndsAt.Time().In(zone).Format(" 15:04")+", or the credits are not granted")
	}
	if p := inv.Period; p != nil {
		s.fact("Period", span(p.Start, p.End, zone))
	}
	if how := inv.howPriced(tag); how != "" {
		s.fact("Prices", how)
	}
	s.fact("Reference", inv.ID)
	s.Columns = inv.columns()
	for i := range inv.Lines {
		s.Rows = append(s.Rows, inv.Lines[i].row(tag, inv.priceUnit()))
	}
	sum := func(name string, m Money) { s.Sums = append(s.Sums, [2]string{name, text(m)}) }
	sum("Subtotal", inv.Subtotal)
	if inv.adjusted() {
		sum("Adjustments", inv.Discount.Neg())
	}
	credits := func() {
		if inv.Credits.Sign() != 0 {
			sum("Prepaid credits", inv.Credits.Neg())
		}
	}
	if inv.CreditsPay != CreditsPayTotal {
		credits()
	}
	sum("Net", inv.Net)
	for _, t := range inv.taxes() {
		sum(t.name(tag), t.tax)
	}
	if inv.CreditsPay == CreditsPayTotal {
		credits()
	}
	sum("Total", inv.Total)
	for _, part := range []struct {
		name string
		m    Money
	}{{"Customer balance", inv.Balance}, {"Credit notes", inv.Credited}, {"Paid", inv.AmountPaid}} {
		if part.m.Sign() != 0 {
			sum(part.name, part.m.Neg())
		}
	}
	s.Due = [2]string{"Amount due", text(inv.AmountDue)}
	s.settled(inv, tag)
	return s
}

// settled lists the payments and the credit notes.
func (s *sheet) settled(inv *Invoice, tag language.Tag) {
	for _, p := range inv.Payments {
		name, at := p.describe(), p.CreatedAt
		if p.ReceivedAt != 0 {
			at = p.ReceivedAt
		}
		if !p.ToBalance.IsNone() {
			name += ", " + p.ToBalance.Format(tag) + " of it to the customer balance"
		}
		s.Payments = append(s.Payments, [2]string{day(at, inv.zone()) + " " + name, p.Amount.Format(tag)})
	}
	for _, n := range inv.CreditNotes {
		name := strings.TrimSpace(n.Number + " " + n.Reason)
		if n.VoidedAt != 0 {
			name += " (void)"
		}
		s.Notes = append(s.Notes, [2]string{name, n.Amount.Neg().Format(tag)})
	}
}

func (p *Payment) describe() string {
	words := []string{string(p.ChargeType)}
	for _, w := range []string{p.Provider, p.OutsideID, p.Note} {
		if w != "" {
			words = append(words, w)
		}
	}
	words = append(words, string(p.Status))
	if p.Reason != nil {
		words = append(words, p.Reason.Code)
	}
	return strings.Join(words, ", ")
}

func (s *sheet) fact(name, value string) { s.Facts = append(s.Facts, [2]string{name, value}) }

// zone is where the days of the invoice are: those of the customer.
func (inv *Invoice) zone() *time.Location {
	zone, err := time.LoadLocation(inv.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// day is the calendar day of an instant.
func day(i creditledger.Instant, zone *time.Location) string {
	return i.Time().In(zone).Format(time.DateOnly)
}

// span is a period from its first day to its last, as people read one. A period that
// begins or ends within a day ends before an instant, and says so.
func span(start, end creditledger.Instant, zone *time.Location) string {
	from, to := start.Time().In(zone), end.Time().In(zone)
	before := to.Add(-time.Microsecond)
	if from.Add(-time.Microsecond).Day() != from.Day() && before.Day() != to.Day() {
		return from.Format(time.DateOnly) + " to " + before.Format(time.DateOnly)
	}
	const minute = "2006-01-02 15:04"
	return from.Format(minute) + " until before " + to.Format(minute)
}

// pricingUnit is the pricing unit of the prices; empty when they are in money.
func (inv *Invoice) pricingUnit() string {
	if inv.Period == nil || !inv.Period.Rate.IsSet() {
		return ""
	}
	return inv.Period.Account.Currency
}

// priceUnit is what the prices are in.
func (inv *Invoice) priceUnit() string {
	if unit := inv.pricingUnit(); unit != "" {
		return unit
	}
	return inv.Currency
}
