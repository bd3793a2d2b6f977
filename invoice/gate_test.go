package invoice

import (
	"testing"

	"creditledger"
)

// TestPaymentMeansMoney: credits that wait for their payment become active by money alone,
// also if a note or the customer balance covers a part; a credit note does not activate them.
func TestPaymentMeansMoney(t *testing.T) {
	for _, c := range []struct {
		name                string
		balance, note, paid string
		total               string
	}{
		{"all credited", "", "100", "", "0"},
		{"part credited, the rest paid", "", "40", "60", "100"},
		{"part credited, the rest of the balance", "60", "40", "", "100"},
		{"all of the balance", "100", "", "", "100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, onMemory, nil)
			w.customer(nil)
			if c.balance != "" {
				if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(t, c.balance, "USD")}, "balance"); err != nil {
					t.Fatal(err)
				}
				w.tick()
			}
			inv := w.sold(func(p *Purchase) { p.RequirePayment = true })
			if c.note != "" {
				w.tick()
				inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, c.note, "USD")}, "note"))
			}
			if c.paid != "" {
				w.tick()
				inv = w.must(w.MarkPaid(w.ctx, inv.ID, "", "paid"))
			}
			if inv.Status != Paid || w.total(credits) != c.total {
				t.Errorf("%s, %s credits", inv.Status, w.total(credits))
			}
			w.prove()
		})
	}
}

// TestPriceThatRoundsToNothing: a purchase with a price of which nothing is left is refused,
// gated or not; one at a price of 0 is a gift and is active at once.
func TestPriceThatRoundsToNothing(t *testing.T) {
	for _, gated := range []bool{false, true} {
		w := newWorld(t, onMemory, nil)
		w.customer(nil)
		p := sale100()
		p.RequirePayment, p.Increment.CostBasis = gated, basis("0.00004")
		w.refused(creditledger.ErrConstraint, "rounds to nothing", func() error { _, err := w.Purchase(w.ctx, p, "k"); return err })
		p.Increment.CostBasis = basis("0")
		if inv := w.must(w.Purchase(w.ctx, p, "gift")); inv.Status != Paid || w.total(credits) != "100" {
			t.Errorf("gift: %s, %s credits", inv.Status, w.total(credits))
		}
	}
}
