package invoice

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"creditledger"
)

// unitBill is a bill of usage that is priced in credits, for a seller in German.
func unitBill(w *world) *Invoice {
	w.customer(nil)
	eight := amount("8")
	w.options.TaxPercent, w.options.Locale = &eight, language.German
	w.now = february
	u := january()
	u.Account, u.Rate, u.Currency = creditledger.AccountID{Customer: "cus", Currency: "credits"}, basis("0.01"), "USD"
	u.Lines = []LineInput{{ItemID: "api", Description: "Calls of the interface", Quantity: amount("10700"), UnitPrice: basis("1")}}
	u.Adjustments = []Adjustment{{Kind: PercentageDiscount, Value: amount("10"), Reason: "first year"}}
	return w.must(w.ClosePeriod(w.ctx, u, "jan"))
}

func rendered(w *world, inv *Invoice) (text, page string) {
	w.t.Helper()
	var t, h bytes.Buffer
	if err := firstError(w.WriteText(&t, inv), w.WriteHTML(&h, inv)); err != nil {
		w.t.Fatal(err)
	}
	return t.String(), h.String()
}

// tags are what a page has beside words.
var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

// TestInvoicesNameTheirUnits: whoever reads an invoice knows what unit a price and an
// adjustment are in, what a unit costs, which days it is about and at which rate it is
// taxed.
func TestInvoicesNameTheirUnits(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	text, page := rendered(w, unitBill(w))
	words := html.UnescapeString(tags.ReplaceAllString(page, " "))
	for _, want := range []string{"in credits at 0,01 USD each", "percentage discount -1.070 credits: first year", "-10,70\u00a0$", "2026-01-01 to 2026-01-31", "Tax 8%"} {
		if !strings.Contains(text, want) || !strings.Contains(words, want) {
			t.Errorf("%q is not in\n%s%s", want, text, words)
		}
	}
	if !strings.Contains(page, `<html lang="en">`) {
		t.Error("English words are declared to be of another language")
	}
}

// TestBothFormsSayTheSame: what one form of an invoice says the other says too.
func TestBothFormsSayTheSame(t *testing.T) {
	for _, bill := range []func(*world) *Invoice{workedBill, unitBill} {
		w := newWorld(t, onMemory, nil)
		text, page := rendered(w, bill(w))
		words := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
		short := words(text)
		for _, part := range regexp.MustCompile(`(?s)<(td|dd|dt|small|p|h1)[^>]*>([^<]+)`).FindAllStringSubmatch(page, -1) {
			if want := words(html.UnescapeString(part[2])); !strings.Contains(short, want) {
				t.Errorf("%q is on the page and not in\n%s", want, text)
			}
		}
	}
}

// TestLinesFitAPhone: on a phone the columns of the lines are a list, each with its name.
func TestLinesFitAPhone(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	_, page := rendered(w, workedBill(w))
	heads := regexp.MustCompile(`<th scope="col">([^<]+)</th>`).FindAllStringSubmatch(page, -1)
	rows := regexp.MustCompile(`(?s)<table class="lines">.*?<tbody>(.*?)</tbody>`).FindStringSubmatch(page)[1]
	for _, row := range strings.Split(strings.TrimSpace(rows), "\n") {
		names := regexp.MustCompile(`<td data-name="([^"]+)">`).FindAllStringSubmatch(row, -1)
		if len(names) != len(heads)-1 {
			t.Fatalf("%d names, %d columns", len(names), len(heads))
		}
		for i, name := range names {
			if name[1] != heads[i+1][1] {
				t.Errorf("a cell is called %s in column %s", name[1], heads[i+1][1])
			}
		}
	}
	if !strings.Contains(page, "content: attr(data-name)") || strings.Contains(page, "overflow-x") {
		t.Error("the names are not shown, or something lies outside the screen")
	}
}

// TestPeriodsAreReadAsTheyAre: a period of whole days is shown by its first and last day,
// another one by instants, the end being outside, in every zone.
func TestPeriodsAreReadAsTheyAre(t *testing.T) {
	for _, c := range []struct{ zone, start, end, want string }{
		{"UTC", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-01-01 to 2026-01-31"},
		{"UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-01 to 2026-01-01"},
		{"America/Los_Angeles", "2026-03-01T08:00:00Z", "2026-04-01T07:00:00Z", "2026-03-01 to 2026-03-31"},
		{"America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", "2018-11-04 to 2018-11-04"}, // begins at 1:00, the first instant
		{"UTC", "2026-01-01T12:00:00Z", "2026-02-01T00:00:00Z", "2026-01-01 12:00 until before 2026-02-01 00:00"},
		{"UTC", "2026-01-01T00:00:00Z", "2026-02-01T12:00:00Z", "2026-01-01 00:00 until before 2026-02-01 12:00"},
	} {
		zone, err := time.LoadLocation(c.zone)
		start, startErr := creditledger.ParseInstant(c.start)
		end, endErr := creditledger.ParseInstant(c.end)
		if err := firstError(err, startErr, endErr); err != nil {
			t.Fatal(err)
		}
		if got := span(start, end, zone); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.start, c.end, got, c.want)
		}
	}
}

// TestRateOfTaxIsTheOneAppliedToAllLines: an invoice whose taxes are told line by line
// has no rate, and a rate of the past stays.
func TestRateOfTaxIsTheOneAppliedToAllLines(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := unitBill(w)
	nine := amount("9")
	w.options.TaxPercent = &nine
	if inv, err := w.Invoice(w.ctx, inv.ID); err != nil || inv.TaxPercent == nil || inv.TaxPercent.String() != "8" {
		t.Error(inv, err)
	}
	draft := w.must(w.CreateDraft(w.ctx, DraftInput{Customer: "cus", Currency: "USD", Terms: Terms{AutoCollection: No(), NetTerms: Days(1)},
		Lines: []LineInput{{ItemID: "a", Quantity: amount("1"), UnitPrice: basis("10")}}}, "draft"))
	if draft.TaxPercent == nil || draft.TaxPercent.String() != "9" {
		t.Error(draft.TaxPercent)
	}
	if draft = w.must(w.SetTax(w.ctx, draft.ID, []creditledger.Amount{amount("1")}, "tax")); draft.TaxPercent != nil {
		t.Error(draft.TaxPercent)
	}
}
