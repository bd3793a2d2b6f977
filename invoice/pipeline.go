package invoice

import (
	"github.com/cockroachdb/apd/v3"
)

// spreadPlaces is how fine an adjustment of the whole invoice is divided among lines.
const spreadPlaces = 12

// price takes lines from the quantity to the amount after all adjustments, exactly.
func price(inputs []LineInput, whole []Adjustment) ([]priced, error) {
	if err := checkLines(inputs, whole); err != nil {
		return nil, err
	}
	lines := make([]priced, len(inputs))
	for i := range inputs {
		l := &lines[i]
		l.in, l.quantity = inputs[i], decimalOf(inputs[i].Quantity)
		var err error
		if l.subtotal, err = l.in.cost(l.quantity); err != nil {
			return nil, err
		}
		l.amount = l.subtotal
	}
	for _, kind := range adjustmentOrder {
		for i := range lines {
			for _, a := range lines[i].in.Adjustments {
				if a.Kind != kind {
					continue
				}
				if err := lines[i].adjust(a, decimalOf(a.Value), false); err != nil {
					return nil, err
				}
			}
		}
		for _, a := range whole {
			if a.Kind != kind {
				continue
			}
			if err := adjustAll(lines, a); err != nil {
				return nil, err
			}
		}
	}
	for i := range lines {
		lines[i].owed = lines[i].amount
	}
	return lines, nil
}

// adjust applies an adjustment with a value of its own to one line.
func (l *priced) adjust(a Adjustment, value *apd.Decimal, spread bool) error {
	next := new(apd.Decimal)
	var err error
	switch a.Kind {
	case UsageDiscount:
		free := least(value, l.quantity)
		left := new(apd.Decimal)
		if _, err := exact.Sub(left, l.quantity, free); err != nil {
			return err
		}
		if next, err = l.in.cost(left); err != nil {
			return err
		}
		l.quantity = left
		// The amount so far is the price of the quantity: usage discounts come first.
	case AmountDiscount:
		_, err = exact.Sub(next, l.amount, least(value, l.amount))
	case PercentageDiscount:
		share := new(apd.Decimal)
		if _, err = exact.Mul(share, l.amount, value); err == nil {
			share.Exponent -= 2
			_, err = exact.Sub(next, l.amount, share)
		}
	case Minimum:
		next.Set(l.amount)
		if l.amount.Cmp(value) < 0 {
			next.Set(value)
		}
	case Maximum:
		next.Set(least(value, l.amount))
	}
	if err != nil {
		return err
	}
	return l.become(a, next, spread)
}

// become notes what an adjustment made of the line.
func (l *priced) become(a Adjustment, next *apd.Decimal, spread bool) error {
	change := new(apd.Decimal)
	if _, err := exact.Sub(change, l.amount, next); err != nil {
		return err
	}
	l.amount = next
	if change.IsZero() && spread {
		return nil
	}
	l.applied = append(l.applied, Applied{Kind: a.Kind, Reason: a.Reason, Spread: spread, Amount: plain(change)})
	return nil
}

// adjustAll applies an adjustment of the whole invoice: a percentage to every line,
// anything else divided among the lines in proportion to their amounts (a usage
// discount: to their quantities).
func adjustAll(lines []priced, a Adjustment) error {
	value := decimalOf(a.Value)
	weights := make([]*apd.Decimal, len(lines))
	for i := range lines {
		weights[i] = lines[i].amount
		if a.Kind == UsageDiscount {
			weights[i] = lines[i].quantity
		}
	}
	sum, err := sumOf(weights)
	if err != nil {
		return err
	}
	change := new(apd.Decimal) // to be taken off the lines
	switch {
	case a.Kind == PercentageDiscount:
		for i := range lines {
			if err := lines[i].adjust(a, value, true); err != nil {
				return err
			}
		}
		return nil
	case a.Kind == UsageDiscount || a.Kind == AmountDiscount:
		change.Set(least(value, sum))
	case a.Kind == Minimum && sum.Cmp(value) < 0, a.Kind == Maximum && sum.Cmp(value) > 0:
		if _, err := exact.Sub(change, sum, value); err != nil {
			return err
		}
	}
	if change.IsZero() {
		return nil
	}
	change.Reduce(change) // how it is written must not matter
	parts, err := spread(change, weights, max(spreadPlaces, -change.Exponent))
	if err != nil {
		return err
	}
	for i := range lines {
		if err := lines[i].take(a, parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// take takes a line's part of a spread adjustment off it.
func (l *priced) take(a Adjustment, part *apd.Decimal) error {
	if a.Kind == UsageDiscount {
		return l.adjust(a, part, true)
	}
	next := new(apd.Decimal)
	if _, err := exact.Sub(next, l.amount, part); err != nil {
		return err
	}
	if next.Sign() < 0 { // a part is rounded up by less than the last place of a spread
		next = new(apd.Decimal)
	}
	return l.become(a, next, true)
}

func least(a, b *apd.Decimal) *apd.Decimal {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}

// plain writes a decimal without exponent and trailing zeros.
func plain(d *apd.Decimal) string {
	var r apd.Decimal
	r.Reduce(d)
	if r.IsZero() {
		return "0"
	}
	return r.Text('f')
}
