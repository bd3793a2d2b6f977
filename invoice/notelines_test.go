package invoice

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"creditledger"
)

// twoRates is an issued invoice of two lines, 50.00 at 20% and 30.00 at 5%.
func twoRates(w *world) *Invoice {
	w.customer(nil)
	d := draft()
	d.Adjustments = nil
	d.Lines = []LineInput{unit("5", "10"), unit("1", "30")}
	twenty, five := amount("20"), amount("5")
	d.Lines[0].TaxPercent, d.Lines[1].TaxPercent = &twenty, &five
	d.Lines[0].Description, d.Lines[1].ItemID = "API calls", "seats"
	inv := w.must(w.CreateDraft(w.ctx, d, "d"))
	return w.must(w.Issue(w.ctx, inv.ID, "i"))
}

// A credit note for lines takes net and tax off each at its own rate, and no more than there is.
func TestNotesOfLines(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		inv := twoRates(w)
		note := func(key creditledger.Key, lines ...NoteLineInput) CreditNote {
			t.Helper()
			inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Lines: lines, Reason: "slow"}, key))
			w.prove()
			return inv.CreditNotes[len(inv.CreditNotes)-1]
		}
		usd := func(text string) Money { return money(t, text, "USD") }
		n := note("n1", NoteLineInput{"1", usd("12.00")}, NoteLineInput{"2", usd("10.50")})
		got := fmt.Sprint(n.Amount, n.Net, *n.Tax, n.Lines[0].Net, *n.Lines[0].Tax, n.Lines[1].Net, *n.Lines[1].Tax)
		if want := "22.50 USD 20.00 USD 2.50 USD 10.00 USD 2.00 USD 10.00 USD 0.50 USD"; got != want {
			t.Errorf("%s, not %s", got, want)
		}
		w.refused(creditledger.ErrConstraint, `line "2" of invoice INV-000001 can be credited by 21.00 USD at most, not 21.01 USD`, func() error {
			_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Lines: []NoteLineInput{{"2", usd("21.01")}}}, "n2")
			return err
		})
		w.refused(creditledger.ErrInvalid, "is not what the lines add up to", func() error {
			_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: usd("2"), Lines: []NoteLineInput{{"2", usd("1")}}}, "n3")
			return err
		})
		w.refused(creditledger.ErrNotFound, `line "3" not found`, func() error {
			_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Lines: []NoteLineInput{{"3", usd("1")}}}, "n4")
			return err
		})
		n = note("n5", NoteLineInput{"2", usd("21.00")})
		if got := fmt.Sprint(n.Net, *n.Tax); got != "20.00 USD 1.00 USD" {
			t.Errorf("the rest of the line: %s", got)
		}
		rest := w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: inv.AmountDue}, "n6"))
		if n := rest.CreditNotes[2]; rest.Status != Paid || fmt.Sprint(n.Net, *n.Tax) != "40.00 USD 8.00 USD" {
			t.Errorf("the rest of the invoice: %s, %s and %s", rest.Status, n.Net, n.Tax)
		}
		w.prove()
	})
}

// Whatever notes an invoice has, once all of it is credited so is all of its tax, to the cent;
// 1.00 and 0.19 of tax in parts are 0.33 + 0.06, 0.34 + 0.07, 0.33 + 0.06.
func TestNotesAddUp(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	r, _ := random(t)
	for i := range 60 {
		w.customer(nil)
		d := draft()
		d.Adjustments, d.Lines = nil, nil
		for range 1 + r.IntN(4) {
			rate := amount(fmt.Sprint(r.IntN(30)))
			l := unit(fmt.Sprint(1+r.IntN(9)), fmt.Sprintf("%d.%02d", r.IntN(9), 1+r.IntN(99)))
			l.TaxPercent = &rate
			d.Lines = append(d.Lines, l)
		}
		inv := w.must(w.CreateDraft(w.ctx, d, creditledger.Key(fmt.Sprint("d", i))))
		inv = w.must(w.Issue(w.ctx, inv.ID, creditledger.Key(fmt.Sprint("i", i))))
		for n := 0; inv.AmountDue.Sign() > 0; n++ {
			inv = w.must(w.IssueCreditNote(w.ctx, w.somePart(r, inv, n), creditledger.Key(fmt.Sprint("n", i, "-", n))))
		}
		amount, net, tax, err := inv.noted("")
		if err != nil || !same(amount, inv.Total) || !same(net, inv.Net) || !same(tax, *inv.Tax) {
			t.Errorf("%s, %s, %s are credited of %s, %s, %s (%v)", amount, net, tax, inv.Total, inv.Net, inv.Tax, err)
		}
	}
	w.prove()
}

// somePart is a note of a random part of what is left of a line, or of the invoice.
func (w *world) somePart(r *rand.Rand, inv *Invoice, n int) NoteInput {
	in := NoteInput{Invoice: inv.ID}
	part := func(of Money) Money {
		minor, err := of.Minor()
		if err != nil {
			w.t.Fatal(err)
		}
		if n < 20 {
			minor = 1 + r.Int64N(minor)
		}
		m, err := MinorMoney(minor, inv.Currency)
		if err != nil {
			w.t.Fatal(err)
		}
		return m
	}
	l := &inv.Lines[r.IntN(len(inv.Lines))]
	if left, err := inv.lineLeft(l.ID, l); err == nil && left.Sign() > 0 && r.IntN(2) == 0 {
		if m := part(left); m.amount.Cmp(&inv.AmountDue.amount) <= 0 {
			in.Lines = []NoteLineInput{{l.ID, m}}
			return in
		}
	}
	in.Amount = part(inv.AmountDue)
	return in
}

// A credit note has a page of its own, which says who is credited how much of what, with its tax.
func TestNotePages(t *testing.T) {
	w := newWorld(t, onMemory, &Options{Name: "Acme Ltd"})
	inv := twoRates(w)
	inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{
		Invoice: inv.ID, Reason: "<slow> answers", Lines: []NoteLineInput{{"1", money(t, "12.00", "USD")}},
	}, "n1"))
	inv = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "20.00", "USD")}, "n2"))
	var text, html bytes.Buffer
	for _, number := range []string{"INV-000001-CN1", "INV-000001-CN2"} {
		if err := w.WriteNoteText(&text, inv, number); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "note.txt", text.Bytes())
	if err := w.WriteNoteHTML(&html, inv, inv.CreditNotes[0].ID); err != nil {
		t.Fatal(err)
	}
	golden(t, "note.html", html.Bytes())
	if strings.Contains(html.String(), "<slow>") {
		t.Error("a reason is not escaped")
	}
	if err := w.WriteNoteText(&text, inv, "nope"); err == nil {
		t.Error("a note that is not there")
	}
}
