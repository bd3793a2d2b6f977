package invoice

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"creditledger"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); it is now:\n%s", path, err, got)
	}
}

// workedBill is the bill of docs/invoices.md.
func workedBill(w *world) *Invoice {
	w.customer(nil)
	eight := amount("8")
	w.options.TaxPercent = &eight
	dollars := creditledger.AccountID{Customer: "cus", Currency: "USD"}
	w.tick()
	if _, err := w.ledger.Do(w.ctx, dollars, creditledger.Increment{Amount: amount("60"), BlockID: "prepaid"}, ""); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(w.t, "5", "USD")}, "gift"); err != nil {
		w.t.Fatal(err)
	}
	w.now = february
	u := january()
	u.Account, u.Rate = dollars, creditledger.CostBasis{}
	u.Terms.Memo = "Thank you <for> your \"business\" & trust."
	u.Lines = []LineInput{
		{ItemID: "calls", Description: "API calls", Quantity: amount("150000"), TierMode: Graduated, Tiers: []Tier{
			{UpTo: amount("100000"), UnitPrice: basis("0.0008")}, {UnitPrice: basis("0.00054")},
		}},
		{ItemID: "reports", Quantity: amount("9"), UnitPrice: basis("2.50"), Adjustments: []Adjustment{{Kind: Minimum, Value: amount("50"), Reason: "monthly minimum"}}},
		{ItemID: "seats", Description: "<b>three</b> seats", Quantity: amount("3"), UnitPrice: basis("0.333"), InAdvance: true},
	}
	u.Adjustments = []Adjustment{{Kind: PercentageDiscount, Value: amount("10"), Reason: "first year"}}
	return w.must(w.ClosePeriod(w.ctx, u, "jan"))
}

func TestRender(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := workedBill(w)
	w.tick()
	inv = w.must(w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "cards", ProviderID: "<script>", ChargeType: Recurring}, "s"))
	inv = w.must(w.PaymentFailed(w.ctx, inv.ID, "<script>", FailedReason{Code: "card_declined"}, "f"))
	inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "4.20", "USD"), Reason: "slow <answers>"}, "n"))
	w.prove()
	var text, html bytes.Buffer
	if err := w.WriteText(&text, inv); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHTML(&html, inv); err != nil {
		t.Fatal(err)
	}
	golden(t, "bill.txt", text.Bytes())
	golden(t, "bill.html", html.Bytes())
	for _, bad := range []string{"<b>three", "<script", "<for>", "<answers>", "http:", "https:", "src="} {
		if strings.Contains(html.String(), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

// The bill in the documentation is the one the code makes.
func TestWorkedBill(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := workedBill(w)
	var text bytes.Buffer
	if err := w.WriteText(&text, inv); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join("..", "docs", "invoices.md"))
	if err != nil || !bytes.Contains(doc, text.Bytes()) {
		t.Errorf("docs/invoices.md does not show the bill (%v):\n%s", err, text.String())
	}
}

// Wide letters take two columns, so that the columns of a table end together.
func TestAlign(t *testing.T) {
	var b strings.Builder
	align(&b, [][]string{{"東京", "1"}, {"abc", "22"}, {"e\u0301", "3"}}, 1)
	if got := b.String(); got != "  東京   1\n  abc   22\n  e\u0301      3\n" {
		t.Errorf("%q", got)
	}
}

// TestNotesNameTheirRate: the page of a credit note says at which rate its tax is, also where
// lines have rates of their own, and a note of the whole names them all.
func TestNotesNameTheirRate(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	rate := func(n string) *creditledger.Amount { a := amount(n); return &a }
	inv := w.must(w.CreateDraft(w.ctx, DraftInput{Customer: "cus", Terms: Terms{AutoCollection: Yes(), NetTerms: Days(3)}, Lines: []LineInput{
		{ID: "a", ItemID: "a", Quantity: amount("1"), UnitPrice: basis("100"), TaxPercent: rate("19")},
		{ID: "b", ItemID: "b", Quantity: amount("1"), UnitPrice: basis("100"), TaxPercent: rate("7")},
	}}, "draft"))
	w.must(w.Issue(w.ctx, inv.ID, "issue"))
	w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Lines: []NoteLineInput{{Line: "b", Amount: money(t, "10.70", "USD")}}}, "line"))
	inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "10", "USD")}, "all"))
	for i, want := range []string{"tax 7%", "tax as on the invoice: 19%, 7%"} {
		var text bytes.Buffer
		if err := w.WriteNoteText(&text, inv, inv.CreditNotes[i].ID); err != nil || !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in %s, %v", want, &text, err)
		}
	}
}
