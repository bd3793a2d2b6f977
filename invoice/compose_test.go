package invoice

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"creditledger"
)

// TestChargeback: paid 100, note 40 to the balance, the bank takes 100: payments 0, notes 40
// and 60, balance 40 → 0. Credits go only if they are named.
func TestChargeback(t *testing.T) {
	for _, c := range []struct {
		name, note, amount, credits string
		spent, adjust               string
		balance, notes, left        string
	}{
		{name: "after a note", note: "40", amount: "100", balance: "0.00", notes: "[40.00 60.00]", left: "100"},
		{name: "in part, less than the note", note: "40", amount: "30", balance: "10.00", notes: "[40.00]", left: "100"},
		{name: "without a note", amount: "100", balance: "0.00", notes: "[100.00]", left: "100"},
		{name: "the note was used meanwhile", note: "40", amount: "100", adjust: "-40", balance: "-40.00", notes: "[40.00 60.00]", left: "100"},
		{name: "with credits", amount: "100", credits: "100", balance: "0.00", notes: "[100.00]", left: "0"},
		{name: "with credits that were used", amount: "100", credits: "100", spent: "30", balance: "-30.00", notes: "[100.00]", left: "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, onMemory, nil)
			inv := w.sold(paid)
			if c.note != "" {
				w.tick()
				w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, c.note, "USD")}, "note"))
			}
			if c.spent != "" {
				w.spend(c.spent)
			}
			if c.adjust != "" {
				w.tick()
				if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceDecrement, Amount: money(t, c.adjust[1:], "USD")}, "adjust"); err != nil {
					t.Fatal(err)
				}
			}
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
			if inv.Status != Paid || w.owns() != c.balance || fmt.Sprint(notes) != c.notes || w.total(credits) != c.left {
				t.Errorf("%s: balance %s, notes %s, %s credits", inv.Status, w.owns(), notes, w.total(credits))
			}
			w.refused(creditledger.ErrConstraint, "less than", func() error {
				_, err := w.ChargeBack(w.ctx, Chargeback{Invoice: inv.ID, Amount: money(t, "100.01", "USD")}, "more")
				return err
			})
			w.prove()
		})
	}
}

// TestChargebackOfAPeriod: an invoice of a period that was paid is charged back too.
func TestChargebackOfAPeriod(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	w.now = february
	inv := w.closedOn("40")
	w.tick()
	w.must(w.MarkPaid(w.ctx, inv.ID, "", "paid"))
	w.tick()
	inv = w.must(w.ChargeBack(w.ctx, Chargeback{Invoice: inv.ID, Amount: money(t, "4", "USD")}, "bank"))
	if inv.AmountPaid.Sign() != 0 || inv.Credited.String() != "4.00 USD" || inv.Status != Paid {
		t.Errorf("paid %s, credited %s, %s", inv.AmountPaid, inv.Credited, inv.Status)
	}
	w.prove()
}

// TestNoteReturnsDraws: a bill that credits paid in part is taken back by a note: 79 credits
// and 1.00 come back as 79 credits and 1.00, once.
func TestNoteReturnsDraws(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	w.grant(creditledger.Increment{Amount: amount("79"), BlockID: "b"})
	w.now = february
	u := january()
	u.Rate, u.Lines = basis("1"), []LineInput{{ItemID: "api", Quantity: amount("80"), UnitPrice: basis("1")}}
	inv := w.must(w.ClosePeriod(w.ctx, u, "jan"))
	w.tick()
	w.must(w.MarkPaid(w.ctx, inv.ID, "", "paid"))
	w.tick()
	inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "1", "USD"), ReturnDraws: true}, "note"))
	if n := inv.CreditNotes[0]; w.total(credits) != "79" || w.owns() != "1.00" || n.DrawsReturned.String() != "79" {
		t.Errorf("%s credits, balance %s, note %+v", w.total(credits), w.owns(), n)
	}
	w.refused(creditledger.ErrConstraint, "bill them again", func() error {
		_, err := w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[0].ID}, "no")
		return err
	})
	w.tick()
	w.must(w.Void(w.ctx, inv.ID, "", "v"))
	if w.total(credits) != "79" || w.owns() != "1.00" {
		t.Errorf("after the void: %s credits, balance %s", w.total(credits), w.owns())
	}
	w.prove()
}

// undone is what is left once a sale and the bill that used it were undone.
func (w *world) undone() string {
	w.t.Helper()
	page, err := w.ledger.Blocks(w.ctx, credits, creditledger.BlocksQuery{All: true, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	text := "balance " + w.owns()
	for _, b := range page.Blocks {
		text += fmt.Sprintf("; %s %s/%s, %s lapsed", b.ID, b.Balance, b.Capacity, b.Lapsed)
	}
	return text
}

// TestOrderOfUndoing: whatever undoes a sale and whatever undoes the bill that used it give
// the same end in either order: the money that is owed, the balance, the blocks.
func TestOrderOfUndoing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		number := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(rt, name) }
		used, other := number("used", 1, 90), number("other", 0, 10)
		expires := rapid.Bool().Draw(rt, "expires")
		note := number("note", 0, 30)
		sale := rapid.SampledFrom([]string{"void", "void, owed", "refund", "refunds", "chargeback"}).Draw(rt, "of the sale")
		bill := rapid.SampledFrom([]string{"void", "note"}).Draw(rt, "of the bill")
		tax := rapid.SampledFrom([]string{"0", "19"}).Draw(rt, "tax")
		var ends [2]string
		for i := range ends {
			percent := amount(tax)
			w := newWorld(t, onMemory, &Options{TaxPercent: &percent})
			inv := w.sold(func(p *Purchase) {
				paid(p)
				if expires {
					p.Increment.ExpiresAt = creditledger.At(february.Add(time.Hour))
				}
			})
			if note > 0 {
				w.tick()
				w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, fmt.Sprint(note), "USD")}, "note"))
			}
			w.now = february
			jan := w.closedOn(fmt.Sprint(used))
			if other > 0 {
				w.spend(fmt.Sprint(other))
			}
			w.now = february.Add(2 * time.Hour)
			undoSale := func() {
				w.tick()
				switch sale {
				case "void", "void, owed":
					w.must(w.VoidWith(w.ctx, inv.ID, Voiding{OweUse: sale != "void"}, "void sale"))
				case "refund":
					w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("100")}, "r"))
				case "refunds":
					for n, c := range []string{"30", "30", "40"} {
						w.tick()
						w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount(c)}, creditledger.Key(fmt.Sprint("r", n))))
					}
				case "chargeback":
					w.must(w.ChargeBack(w.ctx, Chargeback{Invoice: inv.ID, Amount: inv.AmountPaid, Credits: amount("100")}, "bank"))
				}
			}
			undoBill := func() {
				w.tick()
				if bill == "void" {
					w.must(w.Void(w.ctx, jan.ID, "", "void bill"))
					return
				}
				w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: jan.ID, ReturnDraws: true}, "note bill"))
			}
			if i == 0 {
				undoSale()
				w.prove()
				undoBill()
			} else {
				undoBill()
				w.prove()
				undoSale()
			}
			w.prove()
			ends[i] = w.undone()
			w.close()
		}
		if ends[0] != ends[1] {
			rt.Errorf("sale first: %s\nbill first: %s", ends[0], ends[1])
		}
	})
}

// TestChargebackOfADebt: an invoice of 100 that a debt of 30 was added to was paid 130. Once the bank
// takes all of that, the debt is a debt again, and no more than the invoice is credited.
func TestChargebackOfADebt(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	debt := BalanceChange{Customer: "cus", Type: BalanceDecrement, Amount: money(t, "30", "USD")}
	if _, err := w.AdjustBalance(w.ctx, debt, "debt"); err != nil {
		t.Fatal(err)
	}
	inv := w.sold(paid)
	if inv.AmountPaid.Decimal() != "130.00" {
		t.Fatalf("paid %s", inv.AmountPaid)
	}
	w.tick()
	inv = w.must(w.ChargeBack(w.ctx, Chargeback{Invoice: inv.ID, Amount: money(t, "130", "USD")}, "bank"))
	if w.owns() != "-30.00" || inv.Credited.Decimal() != "100.00" {
		t.Errorf("balance %s, credited %s", w.owns(), inv.Credited)
	}
	w.prove()
}
