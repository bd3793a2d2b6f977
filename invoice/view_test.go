package invoice

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

// Every figure of an invoice for display is a View, in all its parts.
func TestInvoiceView(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := workedBill(w)
	inv = w.must(w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "cards", ChargeType: Recurring}, "s"))
	inv = w.must(w.PaymentFailed(w.ctx, inv.ID, inv.Payments[0].ID, FailedReason{Code: "card_declined"}, "f"))
	inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "4.20", "USD")}, "n"))
	view, err := inv.View(language.German)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(`"(\w+)":"-?[0-9.]+ [A-Z]{3}"`)
	for _, found := range plain.FindAllStringSubmatch(string(text), -1) {
		if found[1] != "text" {
			t.Errorf("%s is plain text: %s", found[1], found[0])
		}
	}
	for _, want := range []string{
		`"amount_due":{"amount":8498,"amount_formatted":"84,98` + "\u00a0" + `$","currency":"USD","currency_symbol":"$","text":"84.98 USD"}`,
		`"tax":{"amount":698,`, `"total":{"amount":3921,`, `"owed":{"amount":0,`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	// 9 figures and the tax of the invoice, 6 of each of 3 lines, a payment, 4 of a note.
	if n := strings.Count(string(text), `"currency_symbol"`); n != 10+3*6+1+4 {
		t.Errorf("%d figures", n)
	}
}
