package invoice

import (
	"math/big"
	"slices"
	"strconv"

	"creditledger"
)

// What a credit note is for: lines of its invoice, or all of it; net and tax apart.

// NoteLineInput asks to credit a line of an invoice.
type NoteLineInput struct {
	Line   string `json:"line_id"` // its id; its position from 1 where lines have none
	Amount Money  `json:"amount"`  // positive, tax included
}

// NoteLine is what a credit note takes off one line.
type NoteLine struct {
	Line   string `json:"line_id"`
	ItemID string `json:"item_id"`
	Amount Money  `json:"amount"` // net and tax
	Net    Money  `json:"net"`
	Tax    *Money `json:"tax,omitempty"` // absent: the tax of the invoice is not known
}

// line finds a line by its id, or by its position where it has none.
func (inv *Invoice) line(id string) *Line {
	i := slices.IndexFunc(inv.Lines, func(l Line) bool { return l.ID == id })
	if n, err := strconv.Atoi(id); i < 0 && err == nil && n > 0 && n <= len(inv.Lines) && inv.Lines[n-1].ID == "" {
		i = n - 1
	}
	if i < 0 {
		return nil
	}
	return &inv.Lines[i]
}

// noteLines are the lines that a note is asked for, and make its amount where it has none.
func (inv *Invoice) noteLines(n *NoteInput) (lines []NoteLine, err error) {
	sum := zeroOf(inv.Currency)
	asked := map[string]bool{}
	for _, in := range n.Lines {
		l := inv.line(in.Line)
		if l == nil {
			return nil, &creditledger.NotFoundError{Kind: "line", ID: in.Line}
		}
		if _, err := in.Amount.Minor(); err != nil {
			return nil, err
		}
		left, err := inv.lineLeft(in.Line, l)
		if err == nil {
			sum, err = sum.Add(in.Amount)
		}
		switch {
		case err != nil:
			return nil, err
		case asked[in.Line]:
			return nil, invalid("lines", "line %q is credited twice", clip(in.Line))
		case in.Amount.Sign() <= 0:
			return nil, invalid("lines", "%s of line %q is not positive", in.Amount, clip(in.Line))
		case in.Amount.amount.Cmp(&left.amount) > 0:
			return nil, constraint("line %q of %s can be credited by %s at most, not %s", clip(in.Line), inv.name(), left, in.Amount)
		}
		asked[in.Line] = true
		lines = append(lines, NoteLine{Line: in.Line, ItemID: l.ItemID, Amount: in.Amount})
	}
	switch {
	case n.Amount.IsNone() && (n.ReturnDraws || len(lines) > 0):
		n.Amount = sum
	case len(lines) > 0 && !same(n.Amount, sum):
		return nil, invalid("amount", "%s is not what the lines add up to, %s", n.Amount, sum)
	}
	return lines, nil
}

// noted adds up what notes that are not void credited of a line, or of all with the id "".
func (inv *Invoice) noted(line string) (amount, net, tax Money, err error) {
	amount, net, tax = zeroOf(inv.Currency), zeroOf(inv.Currency), zeroOf(inv.Currency)
	add := func(a, n Money, t *Money) {
		if n.IsNone() { // a note of an earlier release
			var of Money
			if of, err = inv.taxOfPart(a, inv.Tax, inv.Total); err == nil {
				t = &of
				n, err = a.Sub(of)
			}
		}
		for _, part := range []struct {
			to *Money
			m  Money
		}{{&amount, a}, {&net, n}} {
			if err == nil {
				*part.to, err = part.to.Add(part.m)
			}
		}
		if err == nil && t != nil {
			tax, err = tax.Add(*t)
		}
	}
	for i := range inv.CreditNotes {
		n := &inv.CreditNotes[i]
		if n.VoidedAt != 0 || err != nil {
			continue
		}
		if line == "" {
			add(n.Amount, n.Net, n.Tax)
			continue
		}
		for j := range n.Lines {
			if l := &n.Lines[j]; l.Line == line && err == nil {
				add(l.Amount, l.Net, l.Tax)
			}
		}
	}
	return amount, net, tax, err
}

// lineLeft is what of a line no note credited yet.
func (inv *Invoice) lineLeft(id string, l *Line) (Money, error) {
	before, _, _, err := inv.noted(id)
	if err != nil {
		return Money{}, err
	}
	return l.Total.Sub(before)
}

// taxOfPart is the tax in a part of a total, rounded once.
func (inv *Invoice) taxOfPart(part Money, tax *Money, total Money) (Money, error) {
	if tax == nil || total.Sign() == 0 {
		return zeroOf(inv.Currency), nil
	}
	r := scaled(&part.amount, 0)
	r.Mul(r, scaled(&tax.amount, 0))
	return roundRat(new(big.Rat).Quo(r, scaled(&total.amount, 0)), inv.Currency)
}

// divide tells net and tax of a note apart, line by line where it has lines. The tax is
// counted from the first note on, so that notes of the whole credit the whole tax: it is what
// the notes up to this one have in proportion, less what those before had. Where notes of
// lines and of the whole meet, what is left of the invoice goes before what is left of a line.
func (inv *Invoice) divide(n *CreditNote) error {
	if inv.Tax == nil {
		n.Net = n.Amount
		for i := range n.Lines {
			n.Lines[i].Net = n.Lines[i].Amount
		}
		return nil
	}
	whole, err := inv.leftOf("", inv.Net, *inv.Tax)
	if err != nil {
		return err
	}
	if len(n.Lines) == 0 {
		n.Net, n.Tax, err = whole.take(n.Amount, func() (Money, error) { return inv.taxUpTo("", n.Amount, *inv.Tax, inv.Total) })
		return err
	}
	n.Net = zeroOf(inv.Currency)
	for i := range n.Lines {
		l, of := &n.Lines[i], inv.line(n.Lines[i].Line)
		l.Net, l.Tax, err = whole.take(l.Amount, func() (Money, error) {
			tax, err := inv.taxUpTo(l.Line, l.Amount, *of.Tax, of.Total)
			if err != nil {
				return tax, err
			}
			own, err := inv.leftOf(l.Line, of.Net, *of.Tax)
			if err != nil {
				return tax, err
			}
			return own.bound(l.Amount, tax)
		})
		if err == nil {
			n.Net, err = n.Net.Add(l.Net)
		}
		if err != nil {
			return err
		}
	}
	tax, err := n.Amount.Sub(n.Net)
	n.Tax = &tax
	return err
}

// taxUpTo is the tax that a note of an amount of a line, or of the whole, would have in
// proportion after those that were before.
func (inv *Invoice) taxUpTo(line string, amount, tax, total Money) (Money, error) {
	before, _, taxed, err := inv.noted(line)
	if err != nil {
		return Money{}, err
	}
	upTo, err := before.Add(amount)
	if err != nil {
		return Money{}, err
	}
	of, err := inv.taxOfPart(upTo, &tax, total)
	if err != nil {
		return Money{}, err
	}
	return of.Sub(taxed)
}

// left is what no note credited yet.
type left struct{ net, tax Money }

func (inv *Invoice) leftOf(line string, net, tax Money) (l left, err error) {
	_, netted, taxed, err := inv.noted(line)
	if err == nil {
		l.net, err = net.Sub(netted)
	}
	if err == nil {
		l.tax, err = tax.Sub(taxed)
	}
	return l, err
}

// bound changes the tax of an amount so that neither net nor tax is more than is left of it, or
// below nothing.
func (l *left) bound(amount, tax Money) (Money, error) {
	least, err := amount.Sub(l.net)
	return tax.atMost(l.tax).atMost(amount).atLeast(least).atLeast(zeroOf(amount.currency)), err
}

// take takes an amount off what is left, with a tax as far as that is possible.
func (l *left) take(amount Money, tax func() (Money, error)) (Money, *Money, error) {
	of, err := tax()
	if err == nil {
		of, err = l.bound(amount, of)
	}
	if err != nil {
		return Money{}, nil, err
	}
	net, err := amount.Sub(of)
	if err == nil {
		l.net, err = l.net.Sub(net)
	}
	if err == nil {
		l.tax, err = l.tax.Sub(of)
	}
	return net, &of, err
}

// atMost is the smaller of two amounts of one currency.
func (m Money) atMost(limit Money) Money {
	if m.amount.Cmp(&limit.amount) > 0 {
		return limit
	}
	return m
}

// atLeast is the larger of two amounts of one currency.
func (m Money) atLeast(limit Money) Money {
	if m.amount.Cmp(&limit.amount) < 0 {
		return limit
	}
	return m
}

// checkDivided proves that net and tax of a note make its amount, and so do its lines, none of
// which credits more than there is.
func (inv *Invoice) checkDivided(n *CreditNote) error {
	wrong := func(format string, args ...any) error {
		return violation("credit note "+clip(n.Number), format, args...)
	}
	makes := func(amount, net Money, tax *Money) bool {
		sum := net
		var err error
		if tax != nil {
			sum, err = net.Add(*tax)
		}
		return err == nil && same(sum, amount) && net.Sign() >= 0 && (tax == nil || tax.Sign() >= 0)
	}
	if n.Net.IsNone() && len(n.Lines) == 0 {
		return nil // of an earlier release
	}
	if !makes(n.Amount, n.Net, n.Tax) {
		return wrong("%s is not its net %s and its tax", n.Amount, n.Net)
	}
	sum := zeroOf(inv.Currency)
	for i := range n.Lines {
		l := &n.Lines[i]
		of := inv.line(l.Line)
		if of == nil || of.ItemID != l.ItemID {
			return wrong("line %q, of %s, is not one of %s", clip(l.Line), clip(l.ItemID), inv.name())
		}
		left, err := inv.lineLeft(l.Line, of)
		if err == nil {
			sum, err = sum.Add(l.Amount)
		}
		if err != nil || left.Sign() < 0 || !makes(l.Amount, l.Net, l.Tax) {
			return wrong("line %q is credited by %s, net %s; of it %s are left (%v)", clip(l.Line), l.Amount, l.Net, left, err)
		}
	}
	if len(n.Lines) > 0 && !same(sum, n.Amount) {
		return wrong("%s is not what its lines add up to, %s", n.Amount, sum)
	}
	return nil
}
