package invoice

import (
	"math/big"

	"github.com/cockroachdb/apd/v3"

	"creditledger"
)

// TaxFunc tells the tax of each line of an invoice exactly, in whole units of the
// invoice's currency; nil when it is not known yet. It is asked with the lines
// complete up to their net. The sum is rounded once and allocated to the lines by
// largest remainder. It must not change the invoice nor call the Service.
type TaxFunc func(inv *Invoice) ([]creditledger.Amount, error)

// FlatTax returns a TaxFunc with one rate for every line, in percent of its net.
func FlatTax(percent creditledger.Amount) TaxFunc {
	return func(inv *Invoice) ([]creditledger.Amount, error) {
		taxes := make([]creditledger.Amount, len(inv.Lines))
		for i := range inv.Lines {
			share, err := inv.Lines[i].Net.Mul(percent)
			if err != nil {
				return nil, err
			}
			share.amount.Exponent -= 2
			if taxes[i], err = cut(&share.amount); err != nil {
				return nil, err
			}
		}
		return taxes, nil
	}
}

// setTax puts exact taxes on the lines. Without any, the taxes are not known.
func (inv *Invoice) setTax(taxes []creditledger.Amount) error {
	if taxes == nil {
		return nil
	}
	if len(taxes) != len(inv.Lines) {
		return invalid("tax", "there are %d taxes for %d lines", len(taxes), len(inv.Lines))
	}
	figures := make([]*apd.Decimal, len(taxes))
	for i, t := range taxes {
		if t.Sign() < 0 {
			return invalid("tax", "%s is negative", t)
		}
		figures[i] = decimalOf(t)
	}
	taxed, err := billing{currency: inv.Currency, rate: creditledger.AmountOf(1)}.column(figures, nil)
	if err != nil {
		return err
	}
	for i := range inv.Lines {
		l := &inv.Lines[i]
		l.Tax = &taxed.parts[i]
		if l.Total, err = l.Net.Add(taxed.parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// roundTo rounds exact figures so that they add up to a rounded total.
func roundTo(total Money, figures []*apd.Decimal, digits int32, caps []Money) ([]Money, error) {
	shares := make([]*big.Rat, len(figures))
	for i, f := range figures {
		shares[i] = scaled(f, digits)
	}
	var limits []*big.Int
	for _, c := range caps {
		n, err := c.Minor()
		if err != nil {
			return nil, err
		}
		limits = append(limits, big.NewInt(n))
	}
	whole, err := total.Minor()
	if err != nil {
		return nil, err
	}
	parts, err := largestRemainder(shares, big.NewInt(whole), limits)
	if err != nil {
		return nil, err
	}
	res := make([]Money, len(parts))
	for i, p := range parts {
		if res[i], err = MinorMoney(p.Int64(), total.currency); err != nil {
			return nil, err
		}
	}
	return res, nil
}
