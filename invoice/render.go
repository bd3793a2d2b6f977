package invoice

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"golang.org/x/text/language"

	"creditledger"
)

// row is a line of an invoice ready to be read.
type row struct {
	Item, Detail, Quantity, Price string
	Subtotal, Discount, Credits   string
	Net, Tax, Total               string
	Notes                         []string
}

// sheet is an invoice ready to be read.
type sheet struct {
	Title, Status   string
	Facts           [][2]string
	Rows            []row
	Sums            [][2]string
	Due             [2]string
	Payments, Notes [][2]string
	Memo            string
	Discounts       bool
	Credits         bool
	Taxes           bool
}

// sheet prepares an invoice for readers of a language.
func (inv *Invoice) sheet(tag language.Tag) *sheet {
	text := func(m Money) string { return m.Format(tag) }
	s := &sheet{Title: "Draft invoice", Status: string(inv.Status), Memo: inv.Memo}
	if inv.Number != "" {
		s.Title = "Invoice " + inv.Number
	}
	s.fact("Customer", inv.Customer)
	zone := inv.zone()
	for _, d := range []struct {
		name string
		at   creditledger.Instant
	}{{"Date", inv.InvoiceDate}, {"Due", inv.DueDate}, {"Paid", inv.PaidAt}, {"Voided", inv.VoidedAt}} {
		if d.at != 0 {
			s.fact(d.name, day(d.at, zone))
		}
	}
	if p := inv.Period; p != nil {
		s.fact("Period", span(p.Start, p.End, zone))
	}
	if unit := inv.pricingUnit(); unit != "" {
		s.fact("Prices", fmt.Sprintf("in %s at %s %s each", unit, formatNumber(inv.Period.Rate.String(), tag), inv.Currency))
	}
	s.fact("Reference", inv.ID)
	s.Discounts, s.Credits, s.Taxes = inv.Discount.Sign() != 0, inv.Credits.Sign() != 0, inv.Tax != nil
	for i := range inv.Lines {
		l := &inv.Lines[i]
		s.Discounts = s.Discounts || l.Discount.Sign() != 0
		s.Rows = append(s.Rows, l.row(tag, inv.priceUnit()))
	}
	sum := func(name string, m Money) { s.Sums = append(s.Sums, [2]string{name, text(m)}) }
	sum("Subtotal", inv.Subtotal)
	if s.Discounts {
		sum("Adjustments", inv.Discount.Neg())
	}
	if s.Credits {
		sum("Prepaid credits", inv.Credits.Neg())
	}
	sum("Net", inv.Net)
	if inv.Tax != nil {
		name := "Tax"
		if inv.TaxPercent != nil {
			name += " " + formatNumber(inv.TaxPercent.String(), tag) + "%"
		}
		sum(name, *inv.Tax)
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
	for _, p := range inv.Payments {
		s.Payments = append(s.Payments, [2]string{day(p.CreatedAt, zone) + " " + p.describe(), text(p.Amount)})
	}
	for _, n := range inv.CreditNotes {
		name := strings.TrimSpace(n.Number + " " + n.Reason)
		if n.VoidedAt != 0 {
			name += " (void)"
		}
		s.Notes = append(s.Notes, [2]string{name, text(n.Amount.Neg())})
	}
	return s
}

func (p *Payment) describe() string {
	words := []string{string(p.ChargeType)}
	for _, w := range []string{p.Provider, p.Note} {
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

func (l *Line) row(tag language.Tag, unit string) row {
	r := row{
		Item: l.ItemID, Detail: l.Description, Quantity: formatNumber(l.Quantity.String(), tag), Price: formatNumber(l.UnitPrice.String(), tag),
		Subtotal: l.Subtotal.Format(tag), Discount: l.Discount.Neg().Format(tag), Credits: l.Credits.Neg().Format(tag),
		Net: l.Net.Format(tag), Total: l.Total.Format(tag),
	}
	if l.Tax != nil {
		r.Tax = l.Tax.Format(tag)
	}
	if len(l.Tiers) > 0 {
		r.Price = string(l.TierMode)
		r.Notes = tierNotes(l.Tiers, tag)
	}
	for _, a := range l.Adjustments {
		note := strings.ReplaceAll(string(a.Kind), "_", " ") + " " + turned(a.Amount, tag) + " " + unit
		if a.Reason != "" {
			note += ": " + a.Reason
		}
		r.Notes = append(r.Notes, note)
	}
	return r
}

// turned is what an adjustment adds to a line, by the text of what it takes off.
func turned(amount string, tag language.Tag) string {
	switch rest, negative := strings.CutPrefix(amount, "-"); {
	case negative:
		return "+" + formatNumber(rest, tag)
	case strings.Trim(amount, "0.") == "":
		return formatNumber(amount, tag)
	}
	return "-" + formatNumber(amount, tag)
}

// tierNotes say what each tier costs.
func tierNotes(tiers []Tier, tag language.Tag) []string {
	notes := make([]string, 0, len(tiers))
	for _, t := range tiers {
		price := formatNumber(t.UnitPrice.String(), tag)
		switch {
		case len(tiers) == 1:
			notes = append(notes, "each: "+price)
		case t.UpTo.IsZero():
			notes = append(notes, "above: "+price)
		default:
			notes = append(notes, "up to "+formatNumber(t.UpTo.String(), tag)+": "+price)
		}
	}
	return notes
}

// WriteHTML writes an invoice as one page that needs nothing else, ready to be
// printed. Everything that came from outside is escaped.
func (s *Service) WriteHTML(w io.Writer, inv *Invoice) error {
	return page.Execute(w, inv.sheet(s.options.Locale))
}

var page = template.Must(template.New("invoice").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
@page { margin: 18mm 16mm; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 56rem; margin: 3rem auto; padding: 0 1.5rem; }
header { display: flex; align-items: center; justify-content: space-between; gap: 1rem; border-bottom: 2px solid #1b1f24; padding-bottom: .75rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
.status { border: 1px solid #57606a; border-radius: 1rem; padding: 0 .75rem; margin: 0; font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.5rem; margin: 1.25rem 0 2rem; }
dt { color: #57606a; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 600; font-size: .85rem; border-bottom: 1px solid #1b1f24; padding: .35rem .5rem; }
td { text-align: right; border-bottom: 1px solid #d0d7de; padding: .5rem; white-space: nowrap; vertical-align: top; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9rem; padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
td small { display: block; color: #57606a; line-height: 1.4; }
.sums { width: auto; margin: 1.25rem 0 0 auto; break-inside: avoid; }
.sums td { border: 0; padding: .15rem 0; } .sums td + td { padding-left: 3rem; }
.sums .due td { font-weight: 700; font-size: 1.1rem; border-top: 2px solid #1b1f24; padding-top: .4rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .25rem; break-after: avoid; } .memo { margin-top: 2rem; white-space: pre-line; overflow-wrap: anywhere; }
/* On a phone every line is a list: a table would lie outside the screen. */
@media screen and (max-width: 56rem) {
  body { margin: 1.5rem auto; padding: 0 1rem; }
  .lines thead { display: none; }
  .lines, .lines tbody, .lines tr, .lines td { display: block; }
  .lines tr { border-bottom: 1px solid #d0d7de; padding: .6rem 0; }
  .lines tr:first-child { border-top: 1px solid #1b1f24; }
  .lines td { border: 0; padding: .1rem 0; display: flex; justify-content: space-between; gap: 1rem; white-space: normal; }
  .lines td:first-child { display: block; font-weight: 600; }
  .lines td:first-child small { font-weight: 400; }
  .lines td::before { content: attr(data-name); color: #57606a; }
  .lines td:first-child::before { content: none; }
  .sums { width: 100%; }
}
@media print { html { font-size: 12px; } body { font-size: 9.5pt; line-height: 1.4; margin: 0; padding: 0; max-width: none; } tr { break-inside: avoid; } }
</style>
</head>
<body>
<header>
<h1>{{.Title}}</h1>
<p class="status">{{.Status}}</p>
</header>
<dl>{{range .Facts}}
<dt>{{index . 0}}</dt><dd>{{index . 1}}</dd>{{end}}
</dl>
{{$s := .}}<table class="lines">
<thead><tr><th scope="col">Item</th><th scope="col">Quantity</th><th scope="col">Price</th><th scope="col">Subtotal</th>
{{- if .Discounts}}<th scope="col">Adjusted</th>{{end}}{{if .Credits}}<th scope="col">Credits</th>{{end}}
{{- if or .Discounts .Credits}}<th scope="col">Net</th>{{end}}{{if .Taxes}}<th scope="col">Tax</th><th scope="col">Total</th>{{end}}</tr></thead>
<tbody>{{range .Rows}}
<tr><td>{{.Item}}{{if .Detail}}<small>{{.Detail}}</small>{{end}}{{range .Notes}}<small>{{.}}</small>{{end}}</td><td data-name="Quantity">{{.Quantity}}</td><td data-name="Price">{{.Price}}</td><td data-name="Subtotal">{{.Subtotal}}</td>
{{- if $s.Discounts}}<td data-name="Adjusted">{{.Discount}}</td>{{end}}{{if $s.Credits}}<td data-name="Credits">{{.Credits}}</td>{{end}}
{{- if or $s.Discounts $s.Credits}}<td data-name="Net">{{.Net}}</td>{{end}}{{if $s.Taxes}}<td data-name="Tax">{{.Tax}}</td><td data-name="Total">{{.Total}}</td>{{end}}</tr>{{end}}
</tbody>
</table>
<table class="sums">
<tbody>{{range .Sums}}
<tr><td>{{index . 0}}</td><td>{{index . 1}}</td></tr>{{end}}
<tr class="due"><td>{{index .Due 0}}</td><td>{{index .Due 1}}</td></tr>
</tbody>
</table>
{{- if .Payments}}
<h2>Payments</h2>
<table><tbody>{{range .Payments}}
<tr><td>{{index . 0}}</td><td>{{index . 1}}</td></tr>{{end}}
</tbody></table>{{end}}
{{- if .Notes}}
<h2>Credit notes</h2>
<table><tbody>{{range .Notes}}
<tr><td>{{index . 0}}</td><td>{{index . 1}}</td></tr>{{end}}
</tbody></table>{{end}}
{{- if .Memo}}
<p class="memo">{{.Memo}}</p>{{end}}
</body>
</html>
`))
