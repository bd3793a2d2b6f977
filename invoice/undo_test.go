package invoice

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"creditledger"
)

var friend = creditledger.AccountID{Customer: "friend", Currency: "credits"}

// soldOn sells 100 credits at 1.00 under the key "sale".
func (w *world) sold(edit func(*Purchase)) *Invoice {
	w.t.Helper()
	w.customer(nil)
	p := sale100()
	p.Increment.CostBasis = basis("1")
	if edit != nil {
		edit(&p)
	}
	return w.must(w.Purchase(w.ctx, p, "sale"))
}

func paid(p *Purchase) { p.MarkAsPaid = true }

func (w *world) send(from, to creditledger.AccountID, n string) {
	w.t.Helper()
	w.tick()
	if _, err := w.ledger.Transfer(w.ctx, creditledger.Transfer{From: from, To: to, Amount: amount(n)}, ""); err != nil {
		w.t.Fatal(err)
	}
}

// TestVoidFollowsTransfers: what an unpaid purchase sold is closed in whatever account it
// is by now, and what was used of it there is reported.
func TestVoidFollowsTransfers(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		inv := w.sold(nil)
		third := creditledger.AccountID{Customer: "third", Currency: "credits"}
		w.send(credits, friend, "60")
		w.send(friend, third, "20")
		w.send(third, credits, "5")
		w.tick()
		if _, err := w.ledger.Do(w.ctx, friend, creditledger.Decrement{Amount: amount("10")}, "used"); err != nil {
			t.Fatal(err)
		}
		w.tick()
		voided := w.must(w.VoidWith(w.ctx, inv.ID, Voiding{OweUse: true}, "v"))
		for _, id := range []creditledger.AccountID{credits, friend, third} {
			if w.total(id) != "0" {
				t.Errorf("%s has %s", id, w.total(id))
			}
		}
		if u := voided.UnpaidUse; u == nil || u.Credits.String() != "10" || u.Amount.String() != "10.00 USD" || !u.Owed || w.owns() != "-10.00" {
			t.Errorf("unpaid use %+v, balance %s", u, w.owns())
		}
		w.tick()
		if r, err := w.ledger.Do(w.ctx, friend, creditledger.Reverse{Charge: "used"}, ""); err != nil || r.Lost.String() != "10" || w.total(friend) != "0" {
			t.Errorf("%+v, %v", r, err)
		}
		w.prove()
	})
}

// TestVoidClosesWhatLapsed: usage that is reported late draws nothing of a purchase that
// lapsed and was voided, whether it had been swept or not.
func TestVoidClosesWhatLapsed(t *testing.T) {
	for _, swept := range []bool{false, true} {
		w := newWorld(t, onMemory, nil)
		inv := w.sold(func(p *Purchase) { p.Increment.ExpiresAt = creditledger.At(february) })
		w.spend("30")
		w.now = february.Add(time.Hour)
		if swept {
			if _, err := w.ledger.Sweep(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		voided := w.must(w.Void(w.ctx, inv.ID, "", "v"))
		if u := voided.UnpaidUse; u == nil || u.Credits.String() != "30" || u.Owed || w.owns() != "0.00" {
			t.Errorf("unpaid use %+v, balance %s", u, w.owns())
		}
		late := creditledger.Decrement{Amount: amount("50"), Overdraft: creditledger.OverdraftStopAtZero, UsageAt: creditledger.InstantOf(february.Add(-time.Hour))}
		if r, err := w.ledger.Do(w.ctx, credits, late, ""); err != nil || r.Overage.String() != "50" {
			t.Errorf("swept %t: late usage drew %+v, %v", swept, r, err)
		}
		w.prove()
	}
}

// TestVoidMakesDebtsAgain: −60, buy 100 unpaid, void: −60; what other credits are there pays
// the debt first.
func TestVoidMakesDebtsAgain(t *testing.T) {
	for _, c := range []struct{ other, total string }{{"", "-60"}, {"45", "-15"}} {
		w := newWorld(t, onMemory, nil)
		w.do(creditledger.Decrement{Amount: amount("60")})
		inv := w.sold(nil)
		if c.other != "" {
			w.grant(creditledger.Increment{Amount: amount(c.other)})
		}
		w.tick()
		voided := w.must(w.Void(w.ctx, inv.ID, "", "v"))
		if w.total(credits) != c.total || voided.UnpaidUse != nil {
			t.Errorf("total %s, not %s; %+v", w.total(credits), c.total, voided.UnpaidUse)
		}
		w.prove()
	}
}

// TestVoidReturnsMoney: voiding an invoice that took payments moves them to the customer
// balance, and its credit notes are void with it.
func TestVoidReturnsMoney(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.sold(paid)
	w.tick()
	w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "40", "USD")}, "note"))
	w.spend("10")
	w.tick()
	w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("95")}, "refund")) // 5 of them used
	if w.owns() != "94.00" {                                                            // 40 + 57 − 3
		t.Errorf("balance %s", w.owns())
	}
	w.tick()
	voided := w.must(w.VoidWith(w.ctx, inv.ID, Voiding{OweUse: true}, "v"))
	for _, n := range voided.CreditNotes {
		if n.VoidedAt == 0 {
			t.Errorf("%s is not void", n.Number)
		}
	}
	if w.owns() != "90.00" || w.total(credits) != "0" || voided.UnpaidUse.Credits.String() != "10" {
		t.Errorf("balance %s, credits %s, unpaid use %+v", w.owns(), w.total(credits), voided.UnpaidUse)
	}
	w.prove()
}

// TestRefundGoesByWhatWasDrawn: credits that were voided by hand, that lapsed or that went
// to another account are not used; what was drawn is, less what was given back.
func TestRefundGoesByWhatWasDrawn(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*world)
		owed string
	}{
		{"voided by hand", func(w *world) { w.do(creditledger.Void{BlockID: "bought", Amount: amount("40")}) }, "0.00 USD"},
		{"drawn", func(w *world) { w.spend("40") }, "40.00 USD"},
		{"drawn and voided", func(w *world) { w.spend("40"); w.do(creditledger.Void{BlockID: "bought", Amount: amount("60")}) }, "40.00 USD"},
		{"given back", func(w *world) { w.spend("40"); w.do(creditledger.Reverse{Entry: 2, Amount: amount("25")}) }, "15.00 USD"},
		{"lapsed", func(w *world) { w.spend("40"); w.now = february }, "40.00 USD"},
		{"sent", func(w *world) { w.send(credits, friend, "70") }, "0.00 USD"},
		{"moved", func(w *world) {
			w.do(creditledger.ExpirationChange{BlockID: "bought", Amount: amount("70"), Target: creditledger.Never(), NewBlockID: "moved"})
			w.spend("10")
		}, "10.00 USD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, onMemory, nil)
			inv := w.sold(func(p *Purchase) { paid(p); p.Increment.ExpiresAt = creditledger.At(february) })
			c.do(w)
			w.tick()
			inv = w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("100")}, "r"))
			if n := inv.CreditNotes[0]; n.Owed.String() != c.owed || n.Amount.String() != "100.00 USD" || w.total(credits) != "0" || w.total(friend) != "0" {
				t.Errorf("%s owed of %s; %s and %s left", n.Owed, n.Amount, w.total(credits), w.total(friend))
			}
			late := creditledger.Decrement{Amount: amount("1"), Overdraft: creditledger.OverdraftReject, UsageAt: creditledger.InstantOf(start)}
			if _, err := w.ledger.Do(w.ctx, credits, late, ""); !errors.Is(err, creditledger.ErrInsufficientCredits) {
				t.Errorf("late usage draws what was refunded: %v", err)
			}
			w.prove()
		})
	}
}

// TestRefundsOfThePriceThatIsLeft: sold at 100.00, note 40: 50 and 50 credits are 30.00 and
// 30.00. Net and tax are each divided by themselves: 1.00 + 0.19 in thirds.
func TestRefundsOfThePriceThatIsLeft(t *testing.T) {
	for _, c := range []struct {
		credits, price, tax, note string
		parts                     []string
		want                      string
	}{
		{"100", "1", "", "40", []string{"50", "50"}, "[30.00 30.00]"},
		{"3", "0.33333333", "19", "", []string{"1", "1", "1"}, "[0.39 0.41 0.39]"},
	} {
		opts := &Options{}
		if c.tax != "" {
			percent := amount(c.tax)
			opts.TaxPercent = &percent
		}
		w := newWorld(t, onMemory, opts)
		inv := w.sold(func(p *Purchase) {
			paid(p)
			p.Increment.Amount, p.Increment.CostBasis = amount(c.credits), basis(c.price)
		})
		if c.note != "" {
			w.tick()
			w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, c.note, "USD")}, "note"))
		}
		var got []string
		for i, n := range c.parts {
			w.tick()
			inv = w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount(n)}, creditledger.Key(fmt.Sprint("r", i))))
			got = append(got, inv.CreditNotes[len(inv.CreditNotes)-1].Amount.Decimal())
		}
		if fmt.Sprint(got) != c.want || !same(inv.Credited, inv.Total) {
			t.Errorf("%v, not %s; %s of %s", got, c.want, inv.Credited, inv.Total)
		}
		w.prove()
	}
}
