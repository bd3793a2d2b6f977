package invoice

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"creditledger"
)

// TestLostDrawsAreNotOwed: what a reversal could not give back, because the sale that it was
// drawn from had been taken back, is not owed any longer: whoever takes the draw back,
// wherever the credits were drawn.
func TestLostDrawsAreNotOwed(t *testing.T) {
	for _, c := range []struct {
		name string
		use  func(*world) // uses 60 of the credits
		back func(*world) error
	}{
		{"reversed by key", func(w *world) { w.closedOn("60") }, func(w *world) error {
			_, err := w.Do(w.ctx, credits, creditledger.Reverse{Charge: "jan"}, "back")
			return err
		}},
		{"reversed by entry", func(w *world) { w.spend("60") }, func(w *world) error {
			_, err := w.Do(w.ctx, credits, creditledger.Reverse{Entry: 2}, "")
			return err
		}},
		{"reversed in parts, in a batch", func(w *world) { w.closedOn("60") }, func(w *world) error {
			_, err := w.Do(w.ctx, credits, creditledger.Batch{
				creditledger.Increment{Amount: amount("1"), BlockID: "gift"}, creditledger.Reverse{Charge: "jan", Amount: amount("20")},
				creditledger.Reverse{Charge: "jan"}, creditledger.Void{BlockID: "gift", Amount: amount("1")},
			}, "back")
			return err
		}},
		{"drawn by a friend", func(w *world) {
			w.send(credits, friend, "60")
			w.tick()
			if _, err := w.ledger.Do(w.ctx, friend, creditledger.Decrement{Amount: amount("60")}, "used"); err != nil {
				w.t.Fatal(err)
			}
		}, func(w *world) error {
			_, err := w.DoAll(w.ctx, []creditledger.AccountOperation{
				{Account: credits, Operation: creditledger.Increment{Amount: amount("5"), BlockID: "gift"}},
				{Account: friend, Operation: creditledger.Reverse{Charge: "used"}},
				{Account: credits, Operation: creditledger.Void{BlockID: "gift", Amount: amount("5")}},
			}, "back")
			return err
		}},
		{"billed after a round trip", func(w *world) {
			w.send(credits, friend, "100")
			w.send(friend, credits, "100")
			w.closedOn("60")
		}, func(w *world) error {
			inv, err := w.Invoices(w.ctx, ListQuery{Customer: "cus", Limit: 10})
			for _, inv := range inv.Invoices {
				if inv.Period != nil {
					_, err = w.Void(w.ctx, inv.ID, "", "v")
				}
			}
			return err
		}},
	} {
		for _, undo := range []string{"refund", "void"} {
			t.Run(c.name+", "+undo, func(t *testing.T) {
				w := newWorld(t, onMemory, nil)
				inv := w.sold(paid)
				w.now = start.AddDate(0, 0, 3)
				w.now = february
				c.use(w)
				w.tick()
				if undo == "refund" {
					w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("100")}, "r"))
				} else {
					w.must(w.VoidWith(w.ctx, inv.ID, Voiding{OweUse: true}, "void"))
				}
				if w.owns() != "40.00" {
					t.Fatalf("balance %s after the sale was undone", w.owns())
				}
				w.prove()
				w.tick()
				if err := c.back(w); err != nil {
					t.Fatal(err)
				}
				if w.owns() != "100.00" || w.total(credits) != "0" || w.total(friend) != "0" {
					t.Errorf("balance %s, %s and %s credits", w.owns(), w.total(credits), w.total(friend))
				}
				w.prove()
			})
		}
	}
}

// TestChargebackWithCredits: the price of the credits that are named is not taken of the
// customer balance as well.
func TestChargebackWithCredits(t *testing.T) {
	for _, c := range []struct{ refund, amount, credits, balance, left, notes string }{
		{"40", "40", "40", "40.00", "20", "[40.00 40.00]"},
		{"40", "100", "60", "0.00", "0", "[40.00 60.00]"},
		{"40", "60", "60", "40.00", "0", "[40.00 60.00]"},
		{"40", "50", "40", "30.00", "20", "[40.00 40.00]"},
		{"40", "10", "", "30.00", "60", "[40.00]"},
	} {
		w := newWorld(t, onMemory, nil)
		inv := w.sold(paid)
		w.tick()
		w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount(c.refund)}, "r"))
		w.tick()
		back := Chargeback{Invoice: inv.ID, Amount: money(t, c.amount, "USD")}
		if c.credits != "" {
			back.Credits = amount(c.credits)
		}
		inv = w.must(w.ChargeBack(w.ctx, back, "bank"))
		var notes []string
		for _, n := range inv.CreditNotes {
			notes = append(notes, n.Amount.Decimal())
		}
		if w.owns() != c.balance || w.total(credits) != c.left || fmt.Sprint(notes) != c.notes {
			t.Errorf("%+v: balance %s, %s credits, notes %v", c, w.owns(), w.total(credits), notes)
		}
		w.prove()
	}
}

// TestChangeVoidsABillAndItsSale: a change may void a bill and the sale that it drew from, in
// any order, with the same end.
func TestChangeVoidsABillAndItsSale(t *testing.T) {
	for _, expired := range []bool{false, true} {
		var ends []string
		for _, billFirst := range []bool{true, false} {
			w := newWorld(t, onMemory, nil)
			other := w.sold(paid)
			p := sale100()
			p.Increment.CostBasis, p.Increment.BlockID, p.MarkAsPaid = basis("1"), "more", true
			if expired {
				p.Increment.ExpiresAt = creditledger.At(february.Add(time.Minute))
			}
			w.tick()
			sale := w.must(w.Purchase(w.ctx, p, "sale2"))
			w.now = february
			bill := w.closedOn("90")
			w.now = february.Add(time.Hour)
			voids := []string{bill.ID, sale.ID, other.ID}
			if !billFirst {
				voids = []string{sale.ID, other.ID, bill.ID}
			}
			if _, err := w.Propose(w.ctx, Proposal{Account: credits, ID: "c", ExpiresAt: creditledger.At(w.now.Add(time.Hour)), VoidInvoices: voids}, "p"); err != nil {
				t.Fatal(err)
			}
			w.tick()
			if _, err := w.ApplyChange(w.ctx, "c", Collected{}, "a"); err != nil {
				t.Fatalf("expired %t, bill first %t: %v", expired, billFirst, err)
			}
			w.prove()
			ends = append(ends, w.owns()+" "+w.total(credits))
		}
		if ends[0] != ends[1] || ends[0] != "200.00 0" {
			t.Errorf("expired %t: %q", expired, ends)
		}
	}
}

// TestDebtsOfAVoidStand: the entry by which a void made a debt again cannot be taken back by
// hand, and the refusal says what it is.
func TestDebtsOfAVoidStand(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.do(creditledger.Decrement{Amount: amount("60")})
	inv := w.sold(nil)
	w.tick()
	w.must(w.Void(w.ctx, inv.ID, "", "v"))
	var own *OwnEntryError
	for _, op := range []creditledger.Operation{
		creditledger.Reverse{Charge: "v"}, creditledger.Reverse{Charge: "v", Amount: amount("1")}, creditledger.Reverse{Entry: 6},
		creditledger.Batch{creditledger.Increment{Amount: amount("1")}, creditledger.Reverse{Charge: "v"}},
	} {
		w.refused(creditledger.ErrConstraint, "INV-000001", func() error {
			_, err := w.Do(w.ctx, credits, op, "")
			if !errors.As(err, &own) || own.Invoice != inv.ID {
				t.Errorf("%T: %v", op, err)
			}
			return err
		})
	}
	if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation != nil {
		t.Errorf("%+v, %v", v.Violation, err)
	}
	// By the ledger itself it can be done, and is found.
	w.do(creditledger.Reverse{Charge: "v", Amount: amount("1")})
	if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation == nil {
		t.Errorf("%+v, %v", v.Violation, err)
	}
}

// TestTotalsArePaidInWholeUnits: credits that pay the total, tax included, are drawn in whole
// minor units, also when the balance is short of that.
func TestTotalsArePaidInWholeUnits(t *testing.T) {
	for _, c := range []struct{ grants, rate, drawn string }{
		{"12.345", "1", "12.34"}, {"0.009", "1", "0"}, {"100.999", "0.03", "100.666666666666666666"}, {"7", "0.013", "6.923076923076923076"},
	} {
		w := newWorld(t, onMemory, &Options{TaxPercent: percent("19"), CreditsPay: CreditsPayTotal})
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount(c.grants)})
		w.now = february
		u := january()
		u.Rate = basis(c.rate)
		for i := range u.Lines {
			u.Lines[i].Quantity = amount("2000.5")
		}
		inv := w.must(w.ClosePeriod(w.ctx, u, "jan"))
		var sum creditledger.Amount
		for _, d := range inv.Period.Draws {
			sum, _ = sum.Add(d.Amount)
		}
		if sum.String() != c.drawn {
			t.Errorf("of %s at %s %s were drawn, not %s", c.grants, c.rate, sum, c.drawn)
		}
		w.prove()
	}
}

// TestNothingIsNotReturned: a note that would return draws and has none to return is refused.
func TestNothingIsNotReturned(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	w.grant(creditledger.Increment{Amount: amount("100"), BlockID: "b"})
	w.now = february
	inv := w.closedOn("40")
	w.tick()
	w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, ReturnDraws: true}, "n"))
	w.tick()
	w.refused(creditledger.ErrConstraint, "nothing", func() error {
		_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, ReturnDraws: true}, "n2")
		return err
	})
}

// TestEntriesOfCorrections: the answers of a closing, of its void and of a note that returns
// draws have the entries that were written, given again too.
func TestEntriesOfCorrections(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	w.grant(creditledger.Increment{Amount: amount("100"), BlockID: "b"})
	w.now = february
	u := january()
	u.Lines = []LineInput{{ItemID: "api", Quantity: amount("40"), UnitPrice: basis("1")}}
	for range 2 {
		a, err := w.ClosePeriod(w.ctx, u, "jan")
		if err != nil || len(a.Entries) != 1 || a.Entries[0].Type != creditledger.EntryDecrement {
			t.Fatalf("%+v, %v", a, err)
		}
		w.tick()
		if a, err = w.Void(w.ctx, a.Invoice.ID, "", "v"); err != nil || len(a.Entries) != 1 || a.Entries[0].Type != creditledger.EntryAmendment {
			t.Fatalf("%+v, %v", a, err)
		}
	}
}
