package invoice

import (
	"errors"
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

// The tax is computed on the rounded nets of all lines of one rate, and rounded once; or it
// is taken out of prices that include it.
func TestTaxIsRoundedOncePerRate(t *testing.T) {
	rated := func(price, rate string) LineInput {
		in := unit("1", price)
		in.TaxPercent = percent(rate)
		return in
	}
	for _, c := range []struct {
		name     string
		included bool
		seller   *creditledger.Amount
		lines    []LineInput
		totals   string // net, tax, total
		cells    string
	}{
		{"one rate", false, percent("19"), []LineInput{unit("1", "0.03"), unit("1", "0.03"), unit("1", "0.03")}, "0.09 0.02 0.11",
			"0.03 0.00 0.00 0.03 0.01; 0.03 0.00 0.00 0.03 0.01; 0.03 0.00 0.00 0.03 0.00"},
		{"two rates", false, percent("19"), []LineInput{unit("1", "0.13"), rated("0.08", "7"), unit("1", "0.05")}, "0.26 0.04 0.30",
			"0.13 0.00 0.00 0.13 0.02; 0.08 0.00 0.00 0.08 0.01; 0.05 0.00 0.00 0.05 0.01"},
		{"on what is shown, not on fractions", false, percent("50"), []LineInput{unit("1", "0.014")}, "0.01 0.01 0.02", "0.01 0.00 0.00 0.01 0.01"},
		{"taken out", true, percent("20"), []LineInput{unit("1", "215.10")}, "179.25 35.85 215.10", "215.10 0.00 0.00 179.25 35.85"},
		{"taken out of several", true, percent("20"), []LineInput{unit("1", "0.10"), unit("1", "0.10")}, "0.17 0.03 0.20",
			"0.10 0.00 0.00 0.08 0.02; 0.10 0.00 0.00 0.09 0.01"},
		{"taken out by two rates", true, nil, []LineInput{rated("1.19", "19"), rated("1.07", "7")}, "2.00 0.26 2.26",
			"1.19 0.00 0.00 1.00 0.19; 1.07 0.00 0.00 1.00 0.07"},
		{"a rate of 0", true, nil, []LineInput{rated("1", "0")}, "1.00 0.00 1.00", "1.00 0.00 0.00 1.00 0.00"},
	} {
		ps, err := price(c.lines, nil)
		inv := &Invoice{ID: "inv", Currency: "USD", Status: Draft, PricesIncludeTax: c.included}
		bill := &tx{s: &Service{options: Options{TaxPercent: c.seller}}}
		if err := firstError(err, bill.fill(inv, ps), inv.Check()); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		totals := strings.Join([]string{inv.Net.Decimal(), inv.Tax.Decimal(), inv.Total.Decimal()}, " ")
		if totals != c.totals || cellsOf(inv) != c.cells {
			t.Errorf("%s: %s: %s\nwant %s: %s", c.name, totals, cellsOf(inv), c.totals, c.cells)
		}
	}
	ps, err := price([]LineInput{rated("1", "7"), unit("1", "1")}, nil)
	bill := &tx{s: &Service{}}
	if err := firstError(err, bill.fill(&Invoice{Currency: "USD"}, ps)); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("a rate on one line alone: %v", err)
	}
}

// A card of 50 pays the net, or the total with the tax, which stands on the invoice all the
// same; in a pricing unit too.
func TestWhatCreditsPay(t *testing.T) {
	dollars := creditledger.AccountID{Customer: "cus", Currency: "USD"}
	for _, c := range []struct {
		name     string
		pay      CreditsPay
		included bool
		card     string
		rate     string // of a pricing unit
		price    string
		want     string // credits, net, tax, total, due
		left     string
	}{
		{"net", "", false, "50", "", "34.90", "34.90 0.00 0.00 0.00", "15.1"},
		{"a part of the net", CreditsPayNet, false, "30", "", "34.90", "30.00 4.90 1.04 5.94", "0"},
		{"total", CreditsPayTotal, false, "50", "", "34.90", "42.34 34.90 7.44 0.00", "7.66"},
		{"a part of the total", CreditsPayTotal, false, "40", "", "34.90", "40.00 34.90 7.44 2.34", "0"},
		{"a part of a cent", CreditsPayTotal, false, "40.005", "", "34.90", "40.00 34.90 7.44 2.34", "0.005"},
		{"nothing", CreditsPayTotal, false, "0.001", "", "34.90", "0.00 34.90 7.44 42.34", "0.001"},
		{"total that includes tax", CreditsPayTotal, true, "50", "", "42.34", "42.34 34.90 7.44 0.00", "7.66"},
		{"prices that include tax", CreditsPayNet, true, "30", "", "42.34", "30.00 10.17 2.17 12.34", "0"},
		{"total in a unit", CreditsPayTotal, false, "5000", "0.01", "3490", "42.34 34.90 7.44 0.00", "766"},
		{"total in thirds of a unit", CreditsPayTotal, false, "20", "3", "10", "36.40 30.00 6.40 0.00", "7.866666666666666667"},
	} {
		w := newWorld(t, onMemory, &Options{TaxPercent: percent("21.32"), CreditsPay: c.pay, PricesIncludeTax: c.included})
		w.customer(nil)
		u := Usage{
			Account: dollars, Start: creditledger.At(start.Add(time.Hour)), End: creditledger.At(start.AddDate(0, 0, 1)), Terms: Terms{AutoCollection: Yes(), NetTerms: Days(30)},
			Lines: []LineInput{{ItemID: "api", Quantity: amount("1"), UnitPrice: basis(c.price)}},
		}
		if c.rate != "" {
			u.Account, u.Rate = credits, basis(c.rate)
		}
		if _, err := w.ledger.Do(w.ctx, u.Account, creditledger.Increment{Amount: amount(c.card)}, "card"); err != nil {
			t.Fatal(err)
		}
		w.now = start.AddDate(0, 0, 2)
		inv := w.must(w.ClosePeriod(w.ctx, u, "close"))
		got := strings.Join([]string{inv.Credits.Decimal(), inv.Net.Decimal(), inv.Tax.Decimal(), inv.AmountDue.Decimal()}, " ")
		if got != c.want || w.total(u.Account) != c.left || (inv.Status == Paid) != (inv.AmountDue.Sign() == 0) {
			t.Errorf("%s: %s, %s left, %s; want %s, %s left", c.name, got, w.total(u.Account), inv.Status, c.want, c.left)
		}
		w.prove()
	}
}

// An invoice says for itself what its prices include and what credits pay, whatever the
// seller's settings say by then.
func TestTermsOfTaxAreTheInvoices(t *testing.T) {
	w := newWorld(t, onMemory, &Options{TaxPercent: percent("20")})
	w.customer(nil)
	d := draft()
	d.Terms.PricesIncludeTax = Yes()
	inv := w.must(w.CreateDraft(w.ctx, d, "d"))
	if inv.Total.String() != "10.00 USD" || inv.Tax.String() != "1.67 USD" || inv.Net.String() != "8.33 USD" {
		t.Errorf("included: net %s, tax %s, total %s", inv.Net, inv.Tax, inv.Total)
	}
	w.options.PricesIncludeTax, w.options.TaxPercent = false, percent("10")
	inv = w.must(w.SetTax(w.ctx, inv.ID, []creditledger.Amount{amount("0.2"), amount("0.8")}, "t"))
	if inv.Total.String() != "10.00 USD" || inv.Tax.String() != "1.00 USD" || inv.TaxPercent != nil {
		t.Errorf("told: tax %s, total %s, rate %v", inv.Tax, inv.Total, inv.TaxPercent)
	}
	w.refused(creditledger.ErrInvalid, "is more than line", func() error {
		_, err := w.SetTax(w.ctx, inv.ID, []creditledger.Amount{amount("5"), amount("0")}, "t2")
		return err
	})
	d.Terms.CreditsPay = "gross"
	w.refused(creditledger.ErrInvalid, `"gross" is not net or total`, func() error { _, err := w.CreateDraft(w.ctx, d, "d2"); return err })
	w.prove()
}
