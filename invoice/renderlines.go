package invoice

import (
	"fmt"
	"slices"
	"strings"

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

// column is a column of the lines.
type column struct {
	Name string
	Cell func(*row) string
	move int // the smaller, the sooner it goes below on a small screen; 0: it stays
}

// adjusted reports whether some line costs more or less than its subtotal.
func (inv *Invoice) adjusted() bool {
	for i := range inv.Lines {
		if inv.Lines[i].Discount.Sign() != 0 {
			return true
		}
	}
	return false
}

// howPriced is what the prices are in, and whether they include the tax.
func (inv *Invoice) howPriced(tag language.Tag) string {
	var parts []string
	if unit := inv.pricingUnit(); unit != "" {
		parts = append(parts, fmt.Sprintf("in %s at %s %s each", unit, formatNumber(inv.Period.Rate.String(), tag), inv.Currency))
	}
	if inv.PricesIncludeTax {
		parts = append(parts, "include tax")
	}
	return strings.Join(parts, ", ")
}

// columns leaves out what no line has.
func (inv *Invoice) columns() []column {
	credits := column{"Credits", func(r *row) string { return r.Credits }, 3}
	list := []column{
		{"Item", func(r *row) string { return r.Item }, 0}, {"Quantity", func(r *row) string { return r.Quantity }, 5},
		{"Price", func(r *row) string { return r.Price }, 1}, {"Subtotal", func(r *row) string { return r.Subtotal }, 4},
	}
	paid, total := inv.Credits.Sign() != 0, inv.CreditsPay == CreditsPayTotal
	if inv.adjusted() {
		list = append(list, column{"Adjusted", func(r *row) string { return r.Discount }, 2})
	}
	if paid && !total {
		list = append(list, credits)
	}
	if len(list) > 4 || inv.PricesIncludeTax && inv.Tax != nil {
		list = append(list, column{"Net", func(r *row) string { return r.Net }, 0})
	}
	if inv.Tax != nil {
		list = append(list, column{"Tax", func(r *row) string { return r.Tax }, 6})
	}
	if paid && total {
		list = append(list, credits)
	}
	if inv.Tax != nil || paid && total {
		list = append(list, column{"Total", func(r *row) string { return r.Total }, 0})
	}
	return list
}

func (l *Line) row(tag language.Tag, unit string) *row {
	r := &row{
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
	if l.TaxPercent != nil {
		r.Notes = append(r.Notes, "tax "+formatNumber(l.TaxPercent.String(), tag)+"%")
	}
	return r
}

// taxOf is the tax of all lines of one rate.
type taxOf struct {
	percent  *creditledger.Amount // nil: it was told, not computed
	net, tax Money
	whole    bool // no line has another rate
}

// taxes are the taxes of an invoice, in the order in which its lines have their rates; none
// when they are not known.
func (inv *Invoice) taxes() (list []taxOf) {
	if inv.Tax == nil {
		return nil
	}
	if len(inv.Lines) == 0 || inv.Lines[0].TaxPercent == nil {
		return []taxOf{{inv.TaxPercent, inv.Net, *inv.Tax, true}}
	}
	for i := range inv.Lines {
		l := &inv.Lines[i]
		at := slices.IndexFunc(list, func(t taxOf) bool { return sameRate(t.percent, l.TaxPercent) })
		if at < 0 {
			at, list = len(list), append(list, taxOf{percent: l.TaxPercent, net: zeroOf(inv.Currency), tax: zeroOf(inv.Currency)})
		}
		t := &list[at]
		t.net, _ = t.net.Add(l.Net) // of one currency, as Check proves
		t.tax, _ = t.tax.Add(*l.Tax)
	}
	return list
}

// name is what the row of the tax is called.
func (t *taxOf) name(tag language.Tag) string {
	name := "Tax"
	if t.percent != nil {
		name += " " + formatNumber(t.percent.String(), tag) + "%"
	}
	if !t.whole {
		name += " on " + t.net.Format(tag)
	}
	return name
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
