package invoice

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"creditledger"
)

// january is usage of 30 and 50 credits in January, billed at 0.10 a credit.
func january() Usage {
	return Usage{
		Account: credits, Rate: basis("0.10"),
		Start: creditledger.On(creditledger.DateOf(2026, 1, 1)), End: creditledger.On(creditledger.DateOf(2026, 2, 1)),
		Lines: []LineInput{
			{ItemID: "api", PriceID: "p_api", Quantity: amount("30"), UnitPrice: basis("1")},
			{ItemID: "storage", PriceID: "p_storage", Quantity: amount("25"), UnitPrice: basis("2")},
			{ItemID: "seats", PriceID: "p_seats", Quantity: amount("10"), UnitPrice: basis("1"), InAdvance: true},
		},
		Terms: Terms{AutoCollection: Yes(), NetTerms: Days(0)},
	}
}

var february = time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)

// Credits pay what they can per line; the rest is due.
func TestClosePeriod(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount("20"), BlockID: "api", Filters: []creditledger.Filter{{Values: []string{"api"}}}})
		w.grant(creditledger.Increment{Amount: amount("40"), BlockID: "all"})
		w.now = february
		a, err := w.ClosePeriod(w.ctx, january(), "jan")
		inv := w.must(a, err)
		// 30 api: 20 + 10; 50 storage: the 30 left; seats draw nothing. 20 + 10 credits are due.
		var got []string
		for _, l := range inv.Lines {
			got = append(got, l.Subtotal.Decimal()+"-"+l.Credits.Decimal()+"="+l.Net.Decimal())
		}
		if s := strings.Join(got, " "); s != "3.00-3.00=0.00 5.00-3.00=2.00 1.00-0.00=1.00" || inv.AmountDue.String() != "3.00 USD" {
			t.Errorf("lines %s, due %s", s, inv.AmountDue)
		}
		if inv.InvoiceDate.String() != "2026-02-01T00:00:00Z" || inv.Source != Subscription || w.total(credits) != "0" {
			t.Errorf("date %s, source %s, total %s", inv.InvoiceDate, inv.Source, w.total(credits))
		}
		page, err := w.ledger.Entries(w.ctx, credits, creditledger.EntriesQuery{Type: creditledger.EntryDecrement, Ascending: true})
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		for i, e := range page.Entries {
			got = append(got, e.ItemID+" "+e.PriceID+" "+e.Block.ID+" "+e.Amount.String())
			if e.InvoiceID != inv.ID || inv.Period.Draws[i].EntryID != e.ID {
				t.Errorf("entry %d: %+v", i, e)
			}
		}
		if s := strings.Join(got, ", "); s != "api p_api api 20, api p_api all 10, storage p_storage all 30" {
			t.Errorf("entries: %s", s)
		}
		w.tick()
		again, err := w.ClosePeriod(w.ctx, january(), "jan")
		if got := w.must(again, err); !again.Replayed || got.ID != inv.ID || w.total(credits) != "0" {
			t.Errorf("closed twice: %+v", again)
		}
		w.prove()
	})
}

// The credits that were there at the end of the period pay for it: what became effective
// or was paid for later does not, wherever it stands in the drawdown order, and however it
// was moved; when a grant was recorded does not matter, and what lapsed since still pays.
func TestLateCredits(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount("5"), BlockID: "early 1", Priority: 1})
		w.grant(creditledger.Increment{Amount: amount("50"), BlockID: "early 2", Priority: 3})
		w.grant(creditledger.Increment{Amount: amount("7"), BlockID: "early, lapsed", Priority: 3, ExpiresAt: creditledger.At(february)})
		w.grant(creditledger.Increment{Amount: amount("1000"), BlockID: "paid for late", Priority: -1, RequirePayment: true})
		w.now = february
		w.do(creditledger.Activation{BlockID: "paid for late"})
		w.grant(creditledger.Increment{Amount: amount("1000"), BlockID: "late, first", Priority: 0})
		w.grant(creditledger.Increment{Amount: amount("1000"), BlockID: "late, between", Priority: 2})
		w.grant(creditledger.Increment{Amount: amount("1000"), BlockID: "later, backdated", Priority: 9, EffectiveAt: creditledger.At(start)})
		w.grant(creditledger.Increment{Amount: amount("1000"), BlockID: "late, last", Priority: 4})
		w.do(creditledger.ExpirationChange{BlockID: "early 2", Amount: amount("10"), Target: creditledger.At(february.AddDate(1, 0, 0)), NewBlockID: "moved"})
		w.tick()
		a, err := w.ClosePeriod(w.ctx, january(), "jan")
		inv := w.must(a, err)
		// 80 are asked for: 5, the 10 that moved and expire sooner, 40, the 7 that lapsed, and 18 backdated.
		if inv.Credits.String() != "8.00 USD" || inv.AmountDue.String() != "1.00 USD" || w.total(credits) != "4982" {
			t.Errorf("credits %s, due %s, total %s", inv.Credits, inv.AmountDue, w.total(credits))
		}
		for _, d := range inv.Period.Draws {
			if strings.HasPrefix(d.BlockID, "late,") || d.BlockID == "paid for late" {
				t.Errorf("drew %s from %s", d.Amount, d.BlockID)
			}
		}
		w.prove()
		w.tick()
		voided := w.must(w.Void(w.ctx, inv.ID, "", "v"))
		if w.total(credits) != "5055" || voided.Period.Lost.String() != "7" {
			t.Errorf("after the void: %s, lost %s", w.total(credits), voided.Period.Lost)
		}
		w.prove()
	})
}

// A debt elsewhere in the account lowers what may be drawn.
func TestCloseWithDebt(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.do(creditledger.Decrement{Amount: amount("40")})
		w.grant(creditledger.Increment{Amount: amount("60"), BlockID: "b", Repay: creditledger.RepayNever})
		w.now = february
		a, err := w.ClosePeriod(w.ctx, january(), "jan")
		if inv := w.must(a, err); inv.Credits.String() != "2.00 USD" || w.total(credits) != "0" {
			t.Errorf("credits %s, total %s", inv.Credits, w.total(credits))
		}
		w.prove()
	})
}

// Voiding gives credits back to the very blocks, last drawn first; what goes to one that
// expired meanwhile lapses again.
func TestVoidPeriod(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount("20"), BlockID: "short", ExpiresAt: creditledger.At(february.AddDate(0, 0, 5))})
		w.grant(creditledger.Increment{Amount: amount("40"), BlockID: "long"})
		if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(t, "1.50", "USD")}, "gift"); err != nil {
			t.Fatal(err)
		}
		w.now = february
		inv := w.must(w.ClosePeriod(w.ctx, january(), "jan"))
		if inv.AmountDue.String() != "1.50 USD" || inv.Balance.String() != "1.50 USD" || w.owns() != "0.00" {
			t.Errorf("due %s, balance applied %s, left %s", inv.AmountDue, inv.Balance, w.owns())
		}
		w.now = february.AddDate(0, 0, 10)
		inv = w.must(w.Void(w.ctx, inv.ID, "", "v"))
		if w.total(credits) != "40" || inv.Period.Lost.String() != "20" || w.owns() != "1.50" {
			t.Errorf("total %s, lost %s, balance %s", w.total(credits), inv.Period.Lost, w.owns())
		}
		page, err := w.ledger.Entries(w.ctx, credits, creditledger.EntriesQuery{Type: creditledger.EntryAmendment, Ascending: true})
		if err != nil || len(page.Entries) != 3 || page.Entries[0].Amount.String() != "30" || page.Entries[1].Amount.String() != "10" || page.Entries[2].Block.ID != "short" {
			t.Errorf("amendments: %+v, %v", page.Entries, err)
		}
		w.prove()
	})
}

// What credits and the balance covered is paid at once and can be voided all the
// same: no money was paid for it.
func TestVoidCovered(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount("500"), BlockID: "b"})
		if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(t, "9", "USD")}, "gift"); err != nil {
			t.Fatal(err)
		}
		w.now = february
		inv := w.must(w.ClosePeriod(w.ctx, january(), "jan"))
		if inv.Status != Paid || inv.Total.String() != "1.00 USD" || w.total(credits) != "420" || w.owns() != "8.00" {
			t.Errorf("%s, total %s, credits %s, balance %s", inv.Status, inv.Total, w.total(credits), w.owns())
		}
		w.tick()
		inv = w.must(w.Void(w.ctx, inv.ID, "", "v"))
		if inv.Status != Void || w.total(credits) != "500" || w.owns() != "9.00" {
			t.Errorf("%s, credits %s, balance %s", inv.Status, w.total(credits), w.owns())
		}
		w.prove()
	})
}

func TestCloseRefused(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.now = february
		for _, c := range []struct {
			kind error
			text string
			edit func(*Usage)
		}{
			{creditledger.ErrInvalid, "start: is missing", func(u *Usage) { u.Start = creditledger.When{} }},
			{creditledger.ErrInvalid, "end: is missing", func(u *Usage) { u.End = creditledger.When{} }},
			{creditledger.ErrInvalid, "is not after the start", func(u *Usage) { u.End = u.Start }},
			{creditledger.ErrConstraint, "is not over", func(u *Usage) { u.End = creditledger.At(february.Add(time.Second)) }},
			{creditledger.ErrInvalid, "conversion_rate: is missing", func(u *Usage) { u.Rate = creditledger.CostBasis{} }},
			{creditledger.ErrInvalid, "goes with a pricing unit only", func(u *Usage) { u.Account.Currency = "USD" }},
			{creditledger.ErrInvalid, "there are 0 lines", func(u *Usage) { u.Lines = nil }},
			{creditledger.ErrInvalid, "source", func(u *Usage) { u.Source = "x" }},
			{creditledger.ErrInvalid, "auto_collection", func(u *Usage) { u.Terms.AutoCollection = nil }},
		} {
			u := january()
			c.edit(&u)
			w.refused(c.kind, c.text, func() error { _, err := w.ClosePeriod(w.ctx, u, "k"); return err })
		}
	})
}

// Usage in the customer's own currency, with more places than cents.
func TestCloseInDollars(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		dollars := creditledger.AccountID{Customer: "cus", Currency: "USD"}
		if _, err := w.ledger.Do(w.ctx, dollars, creditledger.Increment{Amount: amount("100")}, ""); err != nil {
			t.Fatal(err)
		}
		w.now = february
		u := january()
		u.Account, u.Rate, u.Lines = dollars, creditledger.CostBasis{}, nil
		for i := range 81 {
			u.Lines = append(u.Lines, LineInput{ItemID: fmt.Sprint("item ", i), Quantity: amount("1"), UnitPrice: basis("284.8457")})
		}
		// 81 × 284.8457 = 23,072.5017, and the last line makes the overage exact.
		u.Lines[80].UnitPrice = basis("284.8736")
		inv := w.must(w.ClosePeriod(w.ctx, u, "jan"))
		if inv.Subtotal.Decimal() != "23072.53" || inv.Credits.Decimal() != "100.00" || inv.AmountDue.Decimal() != "22972.53" {
			t.Errorf("subtotal %s, credits %s, due %s", inv.Subtotal, inv.Credits, inv.AmountDue)
		}
		w.prove()
	})
}
