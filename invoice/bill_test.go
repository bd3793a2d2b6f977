package invoice

import (
	"strings"
	"testing"
)

// cellsOf writes the lines of an invoice as subtotal, discount, credits, net and tax.
func cellsOf(inv *Invoice) string {
	var lines []string
	for i := range inv.Lines {
		l := &inv.Lines[i]
		cells := []string{l.Subtotal.Decimal(), l.Discount.Decimal(), l.Credits.Decimal(), l.Net.Decimal()}
		if l.Tax != nil {
			cells = append(cells, l.Tax.Decimal())
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return strings.Join(lines, "; ")
}

// Subtotal, amount after adjustments and net are each rounded once; discount and credits are
// what lies between them.
func TestTotalsAreRoundedOnce(t *testing.T) {
	twenty := Adjustment{Kind: PercentageDiscount, Value: amount("20")}
	advance := unit("1", "0.006")
	advance.InAdvance = true
	for _, c := range []struct {
		name, currency string
		lines          []LineInput
		drawn          []string
		totals, cells  string
	}{
		{"half a yen", "JPY", []LineInput{unit("1", "100.5")}, []string{"30.49"}, "101 0 31 70", "101 0 31 70"},
		{"half a cent", "USD", []LineInput{unit("1", "1.005")}, []string{"0.3049"}, "1.01 0.00 0.31 0.70", "1.01 0.00 0.31 0.70"},
		{"no credits on a line in advance", "USD", []LineInput{advance, unit("1", "0.005")}, []string{"0", "0.005"},
			"0.01 0.00 0.00 0.01", "0.01 0.00 0.00 0.01; 0.00 0.00 0.00 0.00"},
		{"no discount where none was given", "USD", []LineInput{unit("1", "10.0045"), unit("1", "20.0055", twenty)}, nil,
			"30.01 4.00 0.00 26.01", "10.00 0.00 0.00 10.00; 20.01 4.00 0.00 16.01"},
		{"equal remainders: the earlier line", "USD", []LineInput{unit("1", "0.005"), unit("1", "0.005")}, nil,
			"0.01 0.00 0.00 0.01", "0.01 0.00 0.00 0.01; 0.00 0.00 0.00 0.00"},
		{"the largest remainder", "USD", []LineInput{unit("1", "0.004"), unit("1", "0.006")}, nil,
			"0.01 0.00 0.00 0.01", "0.00 0.00 0.00 0.00; 0.01 0.00 0.00 0.01"},
		{"a minimum makes dearer", "USD", []LineInput{unit("1", "0.004", Adjustment{Kind: Minimum, Value: amount("0.01")}), unit("1", "0.007")}, nil,
			"0.01 -0.01 0.00 0.02", "0.00 -0.01 0.00 0.01; 0.01 0.00 0.00 0.01"},
	} {
		inv := billed(t, c.currency, c.lines, nil, c.drawn, nil)
		totals := strings.Join([]string{inv.Subtotal.Decimal(), inv.Discount.Decimal(), inv.Credits.Decimal(), inv.Net.Decimal()}, " ")
		if totals != c.totals || cellsOf(inv) != c.cells {
			t.Errorf("%s: %s: %s\nwant %s: %s", c.name, totals, cellsOf(inv), c.totals, c.cells)
		}
	}
}
