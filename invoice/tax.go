package invoice

import (
	"math/big"

	"creditledger"
)

// TaxFunc tells the tax of each line of an invoice exactly, in whole units of the
// invoice's currency; nil when it is not known yet. It is asked with the lines
// complete up to their net, which holds the tax where prices include it. The sum is rounded
// once and allocated to the lines by largest remainder. It must not change the invoice nor
// call the Service.
type TaxFunc func(inv *Invoice) ([]creditledger.Amount, error)

// taxByRates computes the tax of every line by its rate, or by the seller's where it has
// none of its own. Without any rate, taxes are not known. One rate of all lines is kept on
// the invoice, different ones on the lines.
func (inv *Invoice) taxByRates(sellers *creditledger.Amount) error {
	rates, one := make([]*creditledger.Amount, len(inv.Lines)), true
	for i := range inv.Lines {
		if rates[i] = inv.Lines[i].TaxPercent; rates[i] == nil {
			rates[i] = sellers
		}
		one = one && sameRate(rates[i], rates[0])
	}
	if one && rates[0] == nil {
		return nil
	}
	for i, rate := range rates {
		if rate == nil {
			return invalid("tax_percent", "is missing on line %q, and the seller has none", clip(inv.Lines[i].ItemID))
		}
		if inv.Lines[i].TaxPercent = rate; one {
			inv.Lines[i].TaxPercent, inv.TaxPercent = nil, rate
		}
	}
	shares := make([]*big.Rat, len(rates))
	for i, rate := range rates {
		n, err := inv.Lines[i].Net.Minor()
		if err != nil {
			return err
		}
		percent, whole := scaled(decimalOf(*rate), 0), big.NewRat(100, 1)
		if inv.PricesIncludeTax {
			whole.Add(whole, percent)
		}
		shares[i] = percent.Mul(percent.Quo(percent, whole), big.NewRat(n, 1))
	}
	return inv.setTax(shares)
}

// taxExactly puts taxes that somebody else worked out on the lines.
func (inv *Invoice) taxExactly(taxes []creditledger.Amount) error {
	if len(taxes) != len(inv.Lines) {
		return invalid("tax", "there are %d taxes for %d lines", len(taxes), len(inv.Lines))
	}
	digits, err := digitsOf(inv.Currency)
	if err != nil {
		return err
	}
	shares := make([]*big.Rat, len(taxes))
	for i, t := range taxes {
		if t.Sign() < 0 {
			return invalid("tax", "%s is negative", t)
		}
		shares[i] = scaled(decimalOf(t), int32(digits))
		inv.Lines[i].TaxPercent = nil // these taxes need not follow from the rates
	}
	inv.TaxPercent = nil
	return inv.setTax(shares)
}

// taxAgain puts the taxes of another invoice on the same lines: by their rates if they have
// some, else as they are.
func (inv *Invoice) taxAgain(other *Invoice) error {
	switch {
	case len(other.Lines) == 0 || other.Lines[0].Tax == nil:
		return nil
	case other.TaxPercent != nil || other.Lines[0].TaxPercent != nil:
		return inv.taxByRates(other.TaxPercent)
	}
	shares := make([]*big.Rat, len(other.Lines))
	for i := range other.Lines {
		if other.Lines[i].Tax == nil {
			return invalid("tax", "line %q has none", clip(other.Lines[i].ItemID))
		}
		n, err := other.Lines[i].Tax.Minor()
		if err != nil {
			return err
		}
		shares[i] = big.NewRat(n, 1)
	}
	return inv.setTax(shares)
}

// setTax puts exact taxes, in minor units, on the lines. The taxes of all lines of one rate
// are rounded once, and divided among them by largest remainder. Where prices include the
// tax, it is taken out of them.
func (inv *Invoice) setTax(shares []*big.Rat) error {
	done := make([]bool, len(shares))
	for i := range shares {
		if done[i] {
			continue
		}
		var lines []int
		var parts []*big.Rat
		sum := new(big.Rat)
		for j := i; j < len(shares); j++ {
			if sameRate(inv.Lines[i].TaxPercent, inv.Lines[j].TaxPercent) {
				lines, parts, done[j] = append(lines, j), append(parts, shares[j]), true
				sum.Add(sum, shares[j])
			}
		}
		for k, part := range largestRemainder(parts, roundWhole(sum)) {
			tax, err := minorMoney(part, inv.Currency)
			if err == nil {
				err = inv.Lines[lines[k]].tax(tax, inv.PricesIncludeTax)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func sameRate(a, b *creditledger.Amount) bool {
	return a == b || a != nil && b != nil && a.Cmp(*b) == 0
}

// tax puts a tax on a line, or takes it out of its price.
func (l *Line) tax(tax Money, included bool) (err error) {
	l.Tax = &tax
	if included {
		if l.Net, err = l.Net.Sub(tax); err == nil && l.Net.Sign() < 0 {
			err = invalid("tax", "%s is more than line %q costs", tax, clip(l.ItemID))
		}
		return err
	}
	l.Total, err = l.Net.Add(tax)
	return err
}
