package invoice

import (
	"fmt"
	"math/big"
)

// recompute_test.go works bills out a second time, by the words of docs/invoices.md alone
// and in fractions. It uses nothing of the package but what a caller gives and gets.

// fraction reads what a caller wrote.
func fraction(v interface{ String() string }) *big.Rat {
	r, ok := new(big.Rat).SetString(v.String())
	if !ok {
		return new(big.Rat)
	}
	return r
}

func less(a, b *big.Rat) *big.Rat {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}

func sub(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }
func mul(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
func sum(list []*big.Rat) *big.Rat {
	s := new(big.Rat)
	for _, r := range list {
		s.Add(s, r)
	}
	return s
}

// nearest rounds half away from zero.
func nearest(r *big.Rat) int64 {
	n := new(big.Int).Mul(r.Num(), big.NewInt(2))
	n.Add(n, new(big.Int).Mul(r.Denom(), big.NewInt(int64(r.Sign()))))
	return n.Quo(n, new(big.Int).Mul(r.Denom(), big.NewInt(2))).Int64()
}

// shared divides a whole number of units by largest remainder.
func shared(whole int64, exact []*big.Rat) []int64 {
	parts := make([]int64, len(exact))
	for i, e := range exact {
		parts[i] = new(big.Int).Div(e.Num(), e.Denom()).Int64()
		whole -= parts[i]
	}
	for ; whole > 0; whole-- {
		best := -1
		for i, e := range exact {
			if best < 0 || sub(e, big.NewRat(parts[i], 1)).Cmp(sub(exact[best], big.NewRat(parts[best], 1))) > 0 {
				best = i
			}
		}
		parts[best]++
	}
	return parts
}

// costs is what a quantity of a line costs.
func costs(l *LineInput, quantity *big.Rat) *big.Rat {
	if len(l.Tiers) == 0 {
		return mul(quantity, fraction(l.UnitPrice))
	}
	total, begin := new(big.Rat), new(big.Rat)
	for i, t := range l.Tiers {
		end := fraction(t.UpTo)
		if i == len(l.Tiers)-1 || quantity.Cmp(end) <= 0 {
			if l.TierMode == Volume {
				return mul(quantity, fraction(t.UnitPrice))
			}
			return total.Add(total, mul(sub(quantity, begin), fraction(t.UnitPrice)))
		}
		if l.TierMode == Graduated {
			total.Add(total, mul(sub(end, begin), fraction(t.UnitPrice)))
			begin = end
		}
	}
	return total
}

// work is a bill that is worked out: per line, in the unit of the prices.
type work struct {
	quantity, subtotal, after []*big.Rat
}

// worked takes the lines through the adjustments.
func worked(a *asked) *work {
	w := &work{}
	for i := range a.Lines {
		q := fraction(a.Lines[i].Quantity)
		c := costs(&a.Lines[i], q)
		w.quantity, w.subtotal, w.after = append(w.quantity, q), append(w.subtotal, c), append(w.after, c)
	}
	for _, kind := range []AdjustmentKind{UsageDiscount, AmountDiscount, PercentageDiscount, Minimum, Maximum} {
		for i := range a.Lines {
			for _, adj := range a.Lines[i].Adjustments {
				if adj.Kind == kind {
					w.adjust(a, i, kind, fraction(adj.Value))
				}
			}
		}
		for _, adj := range a.Adjustments {
			if adj.Kind == kind {
				w.adjustAll(a, kind, fraction(adj.Value))
			}
		}
	}
	return w
}

func (w *work) adjust(a *asked, i int, kind AdjustmentKind, value *big.Rat) {
	switch kind {
	case UsageDiscount:
		w.quantity[i] = sub(w.quantity[i], less(value, w.quantity[i]))
		w.after[i] = costs(&a.Lines[i], w.quantity[i])
	case AmountDiscount:
		w.after[i] = sub(w.after[i], less(value, w.after[i]))
	case PercentageDiscount:
		w.after[i] = mul(w.after[i], sub(big.NewRat(1, 1), mul(value, big.NewRat(1, 100))))
	case Minimum:
		if w.after[i].Cmp(value) < 0 {
			w.after[i] = value
		}
	case Maximum:
		w.after[i] = less(value, w.after[i])
	}
}

// adjustAll divides an adjustment of the whole invoice: to twelve places, or as many as it
// has itself.
func (w *work) adjustAll(a *asked, kind AdjustmentKind, value *big.Rat) {
	weights := w.after
	if kind == UsageDiscount {
		weights = w.quantity
	}
	all := sum(weights)
	off := new(big.Rat)
	switch {
	case kind == PercentageDiscount:
		for i := range w.after {
			w.adjust(a, i, kind, value)
		}
		return
	case kind == UsageDiscount || kind == AmountDiscount:
		off = less(value, all)
	case kind == Minimum && all.Cmp(value) < 0, kind == Maximum && all.Cmp(value) > 0:
		off = sub(all, value)
	}
	if off.Sign() == 0 {
		return
	}
	fine := big.NewRat(1_000_000_000_000, 1)
	for !mul(off, fine).IsInt() {
		fine.Mul(fine, big.NewRat(10, 1))
	}
	exact := make([]*big.Rat, len(weights))
	for i, weight := range weights {
		share := big.NewRat(1, int64(len(weights)))
		if all.Sign() > 0 {
			share = new(big.Rat).Quo(weight, all)
		}
		exact[i] = mul(mul(off, share), fine)
	}
	for i, part := range sharedBig(mul(off, fine).Num(), exact) {
		value := new(big.Rat).Quo(new(big.Rat).SetInt(part), fine)
		if kind == UsageDiscount {
			w.adjust(a, i, kind, value)
		} else if w.after[i] = sub(w.after[i], value); w.after[i].Sign() < 0 {
			w.after[i] = new(big.Rat)
		}
	}
}

// sharedBig is shared for numbers beyond 64 bits.
func sharedBig(whole *big.Int, exact []*big.Rat) []*big.Int {
	parts := make([]*big.Int, len(exact))
	rests := make([]*big.Rat, len(exact))
	left := new(big.Int).Set(whole)
	for i, e := range exact {
		parts[i] = new(big.Int).Div(e.Num(), e.Denom())
		rests[i] = sub(e, new(big.Rat).SetInt(parts[i]))
		left.Sub(left, parts[i])
	}
	for n := left.Int64(); n > 0; n-- {
		best := 0
		for i := range rests {
			if rests[i].Cmp(rests[best]) > 0 {
				best = i
			}
		}
		parts[best].Add(parts[best], big.NewInt(1))
		rests[best] = big.NewRat(-1, 1)
	}
	return parts
}

// sheet of figures: per line and in all, in minor units.
type result struct {
	rows  [][columns]int64 // subtotal, discount, credits, net; the net of prices with tax is gross
	tax   []int64
	total []int64
	drawn []*big.Rat
}

// recompute works a bill out.
func recompute(a *asked) *result {
	rate := big.NewRat(1, 1)
	if a.Rate.IsSet() {
		rate = fraction(a.Rate)
	}
	minor := mul(rate, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.digits)), nil)))
	w := worked(a)
	res := &result{drawn: make([]*big.Rat, len(a.Lines))}
	left := fraction(a.card)
	draw := func(i int, most *big.Rat) {
		most = cutTo18(most)
		if res.drawn[i] = new(big.Rat); !a.Lines[i].InAdvance {
			res.drawn[i] = less(most, left)
			left = sub(left, res.drawn[i])
		}
	}
	table := func(paid func(i int) *big.Rat) (lines []figures) {
		for i := range a.Lines {
			c := paid(i)
			lines = append(lines, figures{
				mul(w.subtotal[i], minor), mul(sub(w.subtotal[i], w.after[i]), minor), mul(c, minor), mul(sub(w.after[i], c), minor),
			})
		}
		return lines
	}
	byTotal := a.Terms.CreditsPay == CreditsPayTotal
	if !byTotal {
		for i := range a.Lines {
			draw(i, w.after[i])
		}
	}
	lines := table(func(i int) *big.Rat {
		if byTotal {
			return new(big.Rat)
		}
		return res.drawn[i]
	})
	res.rows, _ = searched(lines, roundedTotals(lines))
	res.taxed(a)
	if byTotal {
		before, rest, worth := int64(0), new(big.Rat), make([]*big.Rat, len(a.Lines))
		for i := range a.Lines {
			most := res.total[i]
			if units := mul(left, minor); units.Cmp(big.NewRat(most, 1)) < 0 && left.Cmp(cutTo18(new(big.Rat).Quo(big.NewRat(most, 1), minor))) < 0 {
				most = new(big.Int).Div(units.Num(), units.Denom()).Int64() // whole units alone
			}
			draw(i, new(big.Rat).Quo(big.NewRat(most, 1), minor))
			worth[i] = mul(res.drawn[i], minor)
			before += res.total[i]
			rest.Add(rest, sub(big.NewRat(res.total[i], 1), worth[i]))
		}
		for i, c := range shared(before-nearest(rest), worth) {
			res.rows[i][inCredits] = c
			res.total[i] -= c
		}
	}
	return res
}

func cutTo18(r *big.Rat) *big.Rat {
	fine := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
	n := mul(r, fine)
	return new(big.Rat).Quo(new(big.Rat).SetInt(new(big.Int).Div(n.Num(), n.Denom())), fine)
}

// roundedTotals rounds subtotal, what is left of it, and net; the rest lies between.
func roundedTotals(lines []figures) cells {
	var s, a, n []*big.Rat
	for _, f := range lines {
		s, a, n = append(s, f[inSubtotal]), append(a, sub(f[inSubtotal], f[inDiscount])), append(n, f[inNet])
	}
	sub, after, net := nearest(sum(s)), nearest(sum(a)), nearest(sum(n))
	return cells{big.NewInt(sub), big.NewInt(sub - after), big.NewInt(after - net), big.NewInt(net)}
}

// taxed adds the taxes, by rate.
func (res *result) taxed(a *asked) {
	res.tax, res.total = make([]int64, len(a.Lines)), make([]int64, len(a.Lines))
	for i := range a.Lines {
		res.total[i] = res.rows[i][inNet]
	}
	if a.seller == nil {
		return
	}
	rates := map[string][]int{}
	for i := range a.Lines {
		rate := a.seller
		if a.Lines[i].TaxPercent != nil {
			rate = a.Lines[i].TaxPercent
		}
		rates[rate.String()] = append(rates[rate.String()], i)
	}
	included := a.Terms.PricesIncludeTax != nil
	for rate, lines := range rates {
		r, _ := new(big.Rat).SetString(rate)
		base := big.NewRat(100, 1)
		if included {
			base.Add(base, r)
		}
		exact := make([]*big.Rat, len(lines))
		for k, i := range lines {
			exact[k] = mul(big.NewRat(res.rows[i][inNet], 1), new(big.Rat).Quo(r, base))
		}
		for k, tax := range shared(nearest(sum(exact)), exact) {
			i := lines[k]
			if res.tax[i] = tax; included {
				res.rows[i][inNet] -= tax
			} else {
				res.total[i] += tax
			}
		}
	}
}

// differences compares an invoice with what it should be.
func (res *result) differences(x *examination, inv *Invoice) (found []string) {
	differ := func(what string, m Money, want int64) {
		if got := x.minor(m); got != want {
			found = append(found, fmt.Sprintf("%s is %s, not %d", what, m, want))
		}
	}
	var all [columns + 2]int64
	for i := range inv.Lines {
		l := &inv.Lines[i]
		for c, m := range []Money{l.Subtotal, l.Discount, l.Credits, l.Net} {
			differ(fmt.Sprint("line ", i, " figure ", c), m, res.rows[i][c])
			all[c] += res.rows[i][c]
		}
		if l.Tax != nil {
			differ(fmt.Sprint("tax of line ", i), *l.Tax, res.tax[i])
		}
		differ(fmt.Sprint("total of line ", i), l.Total, res.total[i])
		if drawn := fraction(l.Drawn); drawn.Cmp(res.drawn[i]) != 0 {
			found = append(found, fmt.Sprintf("line %d drew %s, not %s", i, l.Drawn, res.drawn[i].FloatString(18)))
		}
		all[columns] += res.tax[i]
		all[columns+1] += res.total[i]
	}
	for c, m := range []Money{inv.Subtotal, inv.Discount, inv.Credits, inv.Net} {
		differ(fmt.Sprint("figure ", c), m, all[c])
	}
	if inv.Tax != nil {
		differ("tax", *inv.Tax, all[columns])
	}
	differ("total", inv.Total, all[columns+1])
	return found
}
