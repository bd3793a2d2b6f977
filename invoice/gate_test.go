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
		first               bool // the payment comes before the note
	}{
		{name: "all credited", note: "100", total: "0"},
		{name: "part credited, the rest paid", note: "40", paid: "60", total: "100"},
		{name: "part paid, the rest credited", note: "40", paid: "60", total: "100", first: true},
		{name: "part credited, the rest of the balance", balance: "60", note: "40", total: "100"},
		{name: "all of the balance", balance: "100", total: "100"},
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
			pay := func() {
				if c.paid != "" {
					w.tick()
					inv = w.must(w.Receive(w.ctx, inv.ID, Receipt{Amount: money(t, c.paid, "USD")}, "paid"))
				}
			}
			if c.first {
				pay()
			}
			if c.note != "" {
				w.tick()
				inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, c.note, "USD")}, "note"))
			}
			if !c.first {
				pay()
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

// TestGatedMoneyOfTheDeleted: money for credits that wait for it and whose customer was deleted
// pays nothing, as they cannot become active: it stands on the customer balance, and is paid out.
func TestGatedMoneyOfTheDeleted(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.sold(func(p *Purchase) { p.RequirePayment = true })
	w.tick()
	if _, err := w.ledger.DeleteCustomer(w.ctx, "cus"); err != nil {
		t.Fatal(err)
	}
	w.tick()
	a, err := w.Receive(w.ctx, inv.ID, Receipt{Amount: money(t, "100", "USD")}, "paid")
	inv = w.must(a, err)
	if inv.Status != Issued || w.owns() != "100.00" || a.Received.ToBalance.Decimal() != "100.00" || a.Received.Reason != "its customer was deleted: its credits cannot be activated any more" {
		t.Errorf("%s, balance %s, %+v", inv.Status, w.owns(), a.Received)
	}
	w.refused(creditledger.ErrConstraint, "its customer was deleted", func() error { _, err := w.ApplyBalance(w.ctx, inv.ID, Money{}, "apply"); return err })
	w.tick()
	w.must(w.Void(w.ctx, inv.ID, "", "void"))
	if _, err := w.PayOut(w.ctx, Payout{Customer: "cus", Amount: money(t, "100", "USD")}, "out"); err != nil || w.owns() != "0.00" {
		t.Errorf("balance %s, %v", w.owns(), err)
	}
	w.prove()
}

// TestPayoutsOfOneName: a payout that is told of twice under one id counts once; another amount
// under that id is refused.
func TestPayoutsOfOneName(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.sold(paid)
	w.tick()
	if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(t, "100", "USD")}, "balance"); err != nil {
		t.Fatal(err)
	}
	out := Payout{Customer: "cus", Amount: money(t, "40", "USD"), OutsideID: "wire 1"}
	for i, key := range []creditledger.Key{"first", "second"} {
		w.tick()
		a, err := w.PayOut(w.ctx, out, key)
		if err != nil || w.owns() != "60.00" || a.Movement.Number != 2 || a.Replayed != (i > 0) {
			t.Errorf("%s: balance %s, %+v, %v", key, w.owns(), a, err)
		}
	}
	other := out
	other.Amount = money(t, "41", "USD")
	w.refused(creditledger.ErrConstraint, `a payout of 40.00 USD to customer "cus" was told of under "wire 1" before`, func() error { _, err := w.PayOut(w.ctx, other, "third"); return err })
	out.OutsideID = "wire 2"
	w.tick()
	if _, err := w.PayOut(w.ctx, out, "fourth"); err != nil || w.owns() != "20.00" {
		t.Errorf("balance %s, %v", w.owns(), err)
	}
	w.prove()
}
