package invoice

import (
	"strings"
	"testing"
	"time"

	"creditledger"
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

// rewritten stores a record in another form.
func (w *world) rewritten(kind, key string, changes ...string) {
	w.t.Helper()
	id := creditledger.DocumentID{Kind: kind, Key: key}
	rec, err := w.ledger.Document(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	text := strings.NewReplacer(changes...).Replace(string(rec.Value))
	if err := w.ledger.PutDocuments(w.ctx, []creditledger.DocumentPut{{DocumentID: id, Expect: rec.Version, Prev: rec.Seal(), Value: []byte(text)}}); err != nil {
		w.t.Fatal(err)
	}
}

// paidInPart is a bill of 1.005 of which credits pay 0.3049.
func (w *world) paidInPart() *Invoice {
	w.t.Helper()
	w.customer(nil)
	on := creditledger.AccountID{Customer: "cus", Currency: "USD"}
	if _, err := w.ledger.Do(w.ctx, on, creditledger.Increment{Amount: amount("0.3049")}, "grant"); err != nil {
		w.t.Fatal(err)
	}
	w.now = start.AddDate(0, 0, 2)
	return w.must(w.ClosePeriod(w.ctx, Usage{
		Account: on, Start: creditledger.At(start.Add(time.Hour)), End: creditledger.At(start.AddDate(0, 0, 1)), Terms: Terms{AutoCollection: Yes(), NetTerms: Days(30)},
		Lines: []LineInput{{ItemID: "api", Quantity: amount("1"), UnitPrice: basis("1.005")}},
	}, "jan"))
}

// Invoices of earlier releases, which rounded what credits pay by itself, stay as they are.
func TestInvoicesOfEarlierReleases(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.paidInPart()
	w.rewritten(kindInvoice, inv.ID, `,"rounding":2`, ``, `"0.31 USD"`, `"0.30 USD"`, `"0.70 USD"`, `"0.71 USD"`)
	if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation != nil || v.Invoices != 1 {
		t.Errorf("verified: %+v, %v", v, err)
	}
	if old := w.must(w.MarkPaid(w.ctx, inv.ID, "", "paid")); old.Rounding != 0 || old.AmountPaid.String() != "0.71 USD" {
		t.Errorf("paid: %s, by rules %d", old.AmountPaid, old.Rounding)
	}
}

// What lines show follows from their quantities, prices, adjustments, credits and rate: it
// cannot be altered so that it adds up all the same.
func TestVerifyFindsCells(t *testing.T) {
	for name, changes := range map[string][]string{
		"the old rounding":        {`"0.31 USD"`, `"0.30 USD"`, `"0.70 USD"`, `"0.71 USD"`},
		"a cent of credits less":  {`"0.31 USD"`, `"0.29 USD"`, `"0.70 USD"`, `"0.72 USD"`},
		"another price":           {`"unit_price":"1.005"`, `"unit_price":"1.015"`},
		"another quantity":        {`"quantity":"1"`, `"quantity":"2"`},
		"an adjustment":           {`"discount"`, `"adjustments":[{"kind":"amount_discount","amount":"0.5"}],"discount"`},
		"an adjustment in words":  {`"discount"`, `"adjustments":[{"kind":"amount_discount","amount":"x"}],"discount"`},
		"no mark":                 {`,"rounding":2`, ``},
		"credits that pay totals": {`"currency"`, `"credits_pay":"total","currency"`},
	} {
		w := newWorld(t, onMemory, nil)
		inv := w.paidInPart()
		w.rewritten(kindInvoice, inv.ID, changes...)
		if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation == nil {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}
