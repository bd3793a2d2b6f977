package invoice

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/cockroachdb/apd/v3"

	"creditledger"
)

// CreditsPay says what prepaid credits pay for.
type CreditsPay string

// What prepaid credits pay for.
const (
	CreditsPayNet   CreditsPay = "net"   // the prices: what they pay for is not taxed any more
	CreditsPayTotal CreditsPay = "total" // the prices and their tax, as money does
)

func (c CreditsPay) check() error {
	switch c {
	case "", CreditsPayNet, CreditsPayTotal:
		return nil
	}
	return invalid("credits_pay", "%q is not %s or %s", clip(string(c)), CreditsPayNet, CreditsPayTotal)
}

// cellRules marks invoices whose cells apportion made. Those of earlier releases, which
// rounded credits by themselves, have no mark.
const cellRules = 2

// line begins a line of an invoice: everything but its money.
func (l *priced) line() Line {
	in := &l.in
	return Line{
		ID: in.ID, ItemID: in.ItemID, PriceID: in.PriceID, Description: in.Description, Quantity: in.Quantity, UnitPrice: in.UnitPrice,
		Tiers: in.Tiers, TierMode: in.TierMode, InAdvance: in.InAdvance, TaxPercent: in.TaxPercent, Adjustments: l.applied, Drawn: l.drawn,
	}
}

// rate is how many whole units of the currency one of the prices' is: 1, but for a pricing
// unit.
func (inv *Invoice) rate() creditledger.Amount {
	if p := inv.Period; p != nil && p.Rate.IsSet() {
		return p.Rate.Amount()
	}
	return creditledger.AmountOf(1)
}

// minor is an exact amount of the prices in minor units.
func (inv *Invoice) minor(d *apd.Decimal) (*big.Rat, error) {
	digits, err := digitsOf(inv.Currency)
	if err != nil {
		return nil, err
	}
	res := scaled(d, int32(digits))
	return res.Mul(res, scaled(decimalOf(inv.rate()), 0)), nil
}

// figures are the exact money of the lines, up to what is taxed, from what they say of
// themselves.
func (inv *Invoice) figures() ([]figures, error) {
	res := make([]figures, len(inv.Lines))
	for i := range inv.Lines {
		l := &inv.Lines[i]
		cost, err := (&LineInput{UnitPrice: l.UnitPrice, Tiers: l.Tiers, TierMode: l.TierMode}).cost(decimalOf(l.Quantity))
		if err != nil {
			return nil, err
		}
		less := new(apd.Decimal)
		for _, a := range l.Adjustments {
			by, _, err := apd.NewFromString(a.Amount)
			if err == nil {
				_, err = exact.Add(less, less, by)
			}
			if err != nil {
				return nil, invalid("lines", "line %q is adjusted by %q: %v", clip(l.ItemID), clip(a.Amount), err)
			}
		}
		var paid apd.Decimal
		if inv.CreditsPay != CreditsPayTotal {
			paid = *decimalOf(l.Drawn)
		}
		f := &res[i]
		for c, d := range []*apd.Decimal{inSubtotal: cost, inDiscount: less, inCredits: &paid} {
			if f[c], err = inv.minor(d); err != nil {
				return nil, err
			}
		}
		f[inNet] = new(big.Rat).Sub(f[inSubtotal], f[inDiscount])
		f[inNet].Sub(f[inNet], f[inCredits])
	}
	return res, nil
}

// apportion gives the lines their money up to what is taxed. Their taxes are not known then.
func (inv *Invoice) apportion() error {
	exact, err := inv.figures()
	if err != nil {
		return err
	}
	inv.Rounding = cellRules
	for i, row := range apportion(exact, totalsOf(exact)) {
		l := &inv.Lines[i]
		for c, m := range []*Money{inSubtotal: &l.Subtotal, inDiscount: &l.Discount, inCredits: &l.Credits, inNet: &l.Net} {
			if *m, err = minorMoney(row[c], inv.Currency); err != nil {
				return err
			}
		}
		l.Tax, l.Total = nil, l.Net
	}
	return nil
}

// minorMoney is a whole number of minor units.
func minorMoney(n *big.Int, currency string) (Money, error) {
	if !n.IsInt64() || n.CmpAbs(big.NewInt(maxMinor)) > 0 {
		return Money{}, invalid("amount", "is beyond 18 digits of the minor unit")
	}
	return MinorMoney(n.Int64(), currency)
}

// payTotal takes what credits pay off totals, tax included. What remains is rounded once.
func (inv *Invoice) payTotal() error {
	if inv.CreditsPay != CreditsPayTotal {
		return nil
	}
	all, rest := new(big.Rat), new(big.Rat)
	shares := make([]*big.Rat, len(inv.Lines))
	for i := range inv.Lines {
		n, err := inv.Lines[i].Total.Minor()
		if err == nil {
			shares[i], err = inv.minor(decimalOf(inv.Lines[i].Drawn))
		}
		if err != nil {
			return err
		}
		all.Add(all, big.NewRat(n, 1))
		rest.Add(rest, new(big.Rat).Sub(big.NewRat(n, 1), shares[i]))
	}
	paid := new(big.Int).Sub(all.Num(), roundWhole(rest))
	for i, part := range largestRemainder(shares, paid) {
		l := &inv.Lines[i]
		var err error
		if l.Credits, err = minorMoney(part, inv.Currency); err == nil {
			l.Total, err = l.Total.Sub(l.Credits)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkCells proves that the lines show what becomes of their quantities, prices,
// adjustments, credits and, where it is known, rate of tax.
func (inv *Invoice) checkCells() error {
	if inv.Rounding == 0 {
		return nil
	}
	again := *inv
	again.Lines = slices.Clone(inv.Lines)
	if err := inOrder(again.apportion, func() error { return again.taxAgain(inv) }, again.payTotal); err != nil {
		return err
	}
	for i := range inv.Lines {
		a, b := &inv.Lines[i], &again.Lines[i]
		for _, f := range []struct {
			name         string
			have, should Money
		}{{"subtotal", a.Subtotal, b.Subtotal}, {"discount", a.Discount, b.Discount}, {"credits", a.Credits, b.Credits}, {"net", a.Net, b.Net}, {"total", a.Total, b.Total}} {
			if c, err := f.have.Cmp(f.should); err != nil || c != 0 {
				return fmt.Errorf("line %q: the %s is %s, not %s", clip(a.ItemID), f.name, f.have, f.should)
			}
		}
	}
	return nil
}
