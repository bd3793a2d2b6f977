package invoice

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"creditledger"
)

// A credit note reduces what is due before payment, and is the customer's after it.
func TestCreditNotes(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		inv := w.must(w.Purchase(w.ctx, sale100(), "k"))
		five := NoteInput{Invoice: inv.ID, Amount: money(t, "5", "USD"), Reason: "slow"}
		w.tick()
		inv = w.must(w.IssueCreditNote(w.ctx, five, "n1"))
		if inv.AmountDue.String() != "15.00 USD" || inv.CreditNotes[0].Number != "INV-000001-CN1" || w.owns() != "0.00" {
			t.Errorf("before payment: due %s, %+v", inv.AmountDue, inv.CreditNotes)
		}
		w.refused(creditledger.ErrConstraint, "can be credited by 15.00 USD at most, not 15.01 USD", func() error {
			_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "15.01", "USD")}, "n")
			return err
		})
		w.refused(creditledger.ErrInvalid, "is not positive", func() error {
			_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "0", "USD")}, "n")
			return err
		})
		w.refused(creditledger.ErrInvalid, "cannot mix EUR and USD", func() error {
			_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "1", "EUR")}, "n")
			return err
		})
		inv = w.must(w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[0].ID}, "vn1"))
		w.refused(creditledger.ErrConstraint, "is void and cannot be voided", func() error {
			_, err := w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[0].ID}, "vn again")
			return err
		})
		if inv.AmountDue.String() != "20.00 USD" {
			t.Errorf("due again: %s", inv.AmountDue)
		}
		w.must(w.IssueCreditNote(w.ctx, five, "n2"))
		inv = w.must(w.MarkPaid(w.ctx, inv.ID, "cash", "m"))
		w.refused(creditledger.ErrConstraint, "reduced what was due", func() error {
			_, err := w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[1].ID}, "vn2")
			return err
		})
		w.tick()
		inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "15", "USD")}, "n3"))
		if inv.AmountPaid.String() != "15.00 USD" || inv.Credited.String() != "20.00 USD" || w.owns() != "15.00" || inv.Status != Paid {
			t.Errorf("after payment: %+v, balance %s", inv, w.owns())
		}
		inv = w.must(w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[2].ID}, "vn3"))
		if w.owns() != "0.00" || inv.Credited.String() != "5.00 USD" {
			t.Errorf("voided after payment: balance %s", w.owns())
		}
		w.prove()
	})
}

// A note of all that is due pays the invoice; credits that wait for money go on waiting.
func TestCreditNoteOfEverything(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		p := sale100()
		p.RequirePayment = true
		inv := w.must(w.Purchase(w.ctx, p, "k"))
		w.tick()
		inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: inv.AmountDue}, "n"))
		if inv.Status != Paid || w.total(credits) != "0" {
			t.Errorf("%s, total %s", inv.Status, w.total(credits))
		}
	})
}

// A note is for an invoice, not for a debt from before that is asked for with it.
func TestCreditNoteOfADebt(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceDecrement, Amount: money(t, "12", "USD")}, "debt"); err != nil {
			t.Fatal(err)
		}
		w.tick()
		inv := w.must(w.Purchase(w.ctx, sale100(), "k"))
		if inv.AmountDue.String() != "32.00 USD" {
			t.Fatalf("due: %s", inv.AmountDue)
		}
		w.refused(creditledger.ErrConstraint, "can be credited by 20.00 USD at most, not 20.01 USD", func() error {
			_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "20.01", "USD")}, "n")
			return err
		})
		inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "20", "USD")}, "n"))
		if inv.AmountDue.String() != "12.00 USD" || inv.Status != Issued {
			t.Errorf("due %s, %s", inv.AmountDue, inv.Status)
		}
		w.prove()
	})
}

// What a void invoice gave back stays the customer's: its notes cannot be taken back.
func TestCreditNoteOfAVoidInvoice(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(t, "20", "USD")}, "gift"); err != nil {
			t.Fatal(err)
		}
		w.tick()
		inv := w.must(w.Purchase(w.ctx, sale100(), "k"))
		inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "5", "USD")}, "n"))
		inv = w.must(w.Void(w.ctx, inv.ID, "", "v"))
		if w.owns() != "20.00" {
			t.Errorf("balance %s", w.owns())
		}
		w.refused(creditledger.ErrConstraint, "is void and cannot have a credit note taken back", func() error {
			_, err := w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[0].ID}, "vn")
			return err
		})
		w.prove()
	})
}

// A credit note answers to its number, too.
func TestCreditNoteByNumber(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		inv := w.must(w.Purchase(w.ctx, sale100(), "k"))
		w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "5", "USD")}, "n"))
		inv = w.must(w.VoidCreditNote(w.ctx, NoteRef{inv.ID, "INV-000001-CN1"}, "vn"))
		if inv.CreditNotes[0].VoidedAt == 0 || inv.AmountDue.String() != "20.00 USD" {
			t.Errorf("due %s, %+v", inv.AmountDue, inv.CreditNotes)
		}
	})
}

// Spent credits that are taken back one by one cost in all what they cost at once.
func TestRefundOfSpentCreditsInParts(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		p := sale100()
		p.MarkAsPaid = true
		p.Increment.Amount, p.Increment.CostBasis = amount("3"), basis("0.3333")
		inv := w.must(w.Purchase(w.ctx, p, "k"))
		w.spend("3")
		for i := range 3 {
			w.tick()
			inv = w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("1")}, creditledger.Key(fmt.Sprint("r", i))))
			if n := inv.CreditNotes[i]; w.owns() != "0.00" || n.Owed.String() != n.Amount.String() {
				t.Errorf("part %d: balance %s, note of %s, owed %s", i+1, w.owns(), n.Amount, n.Owed)
			}
		}
		if inv.Credited.String() != "1.00 USD" {
			t.Errorf("credited %s", inv.Credited)
		}
		w.prove()
	})
}

// A refund voids what is unspent; what was spent is owed.
func TestRefund(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		p := sale100()
		p.MarkAsPaid = true
		inv := w.must(w.Purchase(w.ctx, p, "k"))
		w.spend("70")
		w.tick()
		a, err := w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("10")}, "r1")
		inv = w.must(a, err)
		if w.total(credits) != "20" || w.owns() != "2.00" || len(a.Entries) != 2 || a.Entries[1].VoidReason != "refund" {
			t.Errorf("10 unspent: total %s, balance %s, %+v", w.total(credits), w.owns(), a.Entries)
		}
		w.tick()
		inv = w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("90"), PaidBack: true, Reason: "chargeback"}, "r2"))
		n := inv.CreditNotes[1]
		// 20 were left; 70 spent credits at 0.20 are owed.
		if w.total(credits) != "0" || n.Spent.String() != "70" || n.Owed.String() != "14.00 USD" || n.Amount.String() != "18.00 USD" || w.owns() != "-12.00" {
			t.Errorf("90 of which 70 spent: total %s, note %+v, balance %s", w.total(credits), n, w.owns())
		}
		w.refused(creditledger.ErrConstraint, "sold 0 credits that were not taken back yet", func() error {
			_, err := w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("1")}, "r3")
			return err
		})
		w.refused(creditledger.ErrConstraint, "grant them again instead", func() error {
			_, err := w.VoidCreditNote(w.ctx, NoteRef{inv.ID, n.ID}, "vn")
			return err
		})
		// What is owed is asked for with the next invoice.
		w.tick()
		p.Increment.BlockID, p.MarkAsPaid = "next", false
		inv = w.must(w.Purchase(w.ctx, p, "k2"))
		if inv.AmountDue.String() != "32.00 USD" || inv.Balance.String() != "-12.00 USD" || w.owns() != "0.00" {
			t.Errorf("next invoice: due %s, balance %s", inv.AmountDue, inv.Balance)
		}
		w.refused(creditledger.ErrConstraint, "is issued and cannot be refunded", func() error {
			_, err := w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("1")}, "r4")
			return err
		})
		w.prove()
	})
}

// The balance is applied after tax, money collected before goes through it, and its
// transactions chain.
func TestCustomerBalance(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.options.TaxPercent = percent("8")
		if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(t, "25", "USD"), Action: ProratedRefund}, "b"); err != nil {
			t.Fatal(err)
		}
		w.tick()
		p := sale100()
		p.RequirePayment = true
		inv := w.must(w.Purchase(w.ctx, p, "k"))
		if inv.Tax.String() != "1.60 USD" || inv.Total.String() != "21.60 USD" || inv.Status != Paid || inv.Balance.String() != "21.60 USD" || w.owns() != "3.40" || w.total(credits) != "100" {
			t.Errorf("covered: %+v, balance %s", inv, w.owns())
		}
		w.tick()
		p.Increment.BlockID, p.PreviouslyCollected = "b2", money(t, "10", "USD")
		inv = w.must(w.Purchase(w.ctx, p, "k2"))
		if inv.AmountDue.String() != "8.20 USD" || w.owns() != "0.00" {
			t.Errorf("collected before: due %s, balance %s", inv.AmountDue, w.owns())
		}
		w.tick()
		w.must(w.Void(w.ctx, inv.ID, "", "v"))
		if w.owns() != "13.40" {
			t.Errorf("given back: %s", w.owns())
		}
		moves, err := w.Movements(w.ctx, "cus", "USD", 0, 100)
		if err != nil || len(moves) != 5 {
			t.Fatalf("%d transactions, %v", len(moves), err)
		}
		at := money(t, "0", "USD")
		for i, m := range moves {
			change := m.Amount
			if m.Type == BalanceDecrement {
				change = change.Neg()
			}
			end, err := at.Add(change)
			if err != nil || m.Starting.String() != at.String() || m.Ending.String() != end.String() || m.Number != uint64(i+1) || m.Amount.Sign() < 0 {
				t.Errorf("transaction %d: %+v, %v", i+1, m, err)
			}
			at = end
		}
		page, err := w.Movements(w.ctx, "cus", "USD", 3, 1)
		if err != nil || len(page) != 1 || page[0].Number != 4 || page[0].Action != AppliedToInvoice {
			t.Errorf("page: %+v, %v", page, err)
		}
		w.prove()
	})
}

func TestAdjustBalanceRefused(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		good := BalanceChange{Customer: "cus", Type: BalanceDecrement, Amount: money(t, "1", "USD")}
		for text, edit := range map[string]func(*BalanceChange){
			"is not positive":                func(b *BalanceChange) { b.Amount = money(t, "-1", "USD") },
			"a fraction of the minor unit":   func(b *BalanceChange) { b.Amount = money(t, "0.001", "USD") },
			"is not increment or decrement":  func(b *BalanceChange) { b.Type = "x" },
			"cannot be given by hand":        func(b *BalanceChange) { b.Action = AppliedToInvoice },
			"is invoiced in USD, not EUR":    func(b *BalanceChange) { b.Amount = money(t, "1", "EUR") },
			"description: has control chara": func(b *BalanceChange) { b.Description = "\x00" },
		} {
			b := good
			edit(&b)
			w.refused(errAny{}, text, func() error { _, err := w.AdjustBalance(w.ctx, b, "k"); return err })
		}
	})
}

// errAny is matched by refusals of either kind.
type errAny struct{}

func (errAny) Error() string { return "a refusal" }

func TestProration(t *testing.T) {
	d := creditledger.DateOf
	for _, c := range []struct {
		price               string
		start, end, change  creditledger.Date
		credit, percent     string
		remaining, totality int
	}{
		{"30", d(2026, 4, 1), d(2026, 5, 1), d(2026, 4, 16), "15.00", "50", 15, 30},
		{"100", d(2026, 1, 31), d(2026, 2, 28), d(2026, 2, 10), "64.29", "64.29", 18, 28},
		{"100", d(2026, 1, 1), d(2026, 1, 4), d(2026, 1, 3), "33.33", "33.33", 1, 3},
		{"0.01", d(2026, 1, 1), d(2026, 1, 3), d(2026, 1, 2), "0.01", "50", 1, 2},
		{"20", d(2024, 2, 1), d(2024, 3, 1), d(2024, 2, 1), "20.00", "100", 29, 29},
		{"20", d(2024, 2, 1), d(2024, 3, 1), d(2024, 3, 1), "0.00", "0", 0, 29},
	} {
		p, err := Prorate(money(t, c.price, "USD"), c.start, c.end, c.change)
		if err != nil || p.Credit.Decimal() != c.credit || p.DaysRemaining != c.remaining || p.DaysTotal != c.totality || p.Percent.String() != c.percent {
			t.Errorf("%s from %s to %s on %s: %+v, %v", c.price, c.start, c.end, c.change, p, err)
		}
	}
	for _, c := range [][3]creditledger.Date{{0, d(2026, 1, 2), d(2026, 1, 1)}, {d(2026, 1, 2), d(2026, 1, 2), d(2026, 1, 2)}, {d(2026, 1, 2), d(2026, 1, 5), d(2026, 1, 6)}} {
		if _, err := Prorate(money(t, "1", "USD"), c[0], c[1], c[2]); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// An anchor on the 31st falls on the last day of shorter months.
func TestAnchor(t *testing.T) {
	at, err := Anchor(31).In(2026, time.April)
	if err != nil || at != creditledger.DateOf(2026, 4, 30) {
		t.Errorf("April: %s, %v", at, err)
	}
	day := creditledger.DateOf(2024, 1, 30)
	for _, want := range []string{"2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"} {
		if day, err = Anchor(31).Next(day); err != nil || day.String() != want {
			t.Errorf("%s, %v, want %s", day, err, want)
		}
	}
	if next, err := Anchor(5).Next(creditledger.DateOf(2025, 12, 5)); err != nil || next.String() != "2026-01-05" {
		t.Errorf("over the year: %s, %v", next, err)
	}
	if _, err := Anchor(0).In(2026, 1); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("no day: %v", err)
	}
}
