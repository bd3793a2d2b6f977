package invoice

import (
	"fmt"
	"testing"
	"time"

	"creditledger"
)

func draft() DraftInput {
	return DraftInput{
		Customer: "cus", Lines: []LineInput{unit("3", "0.333"), unit("1", "10")},
		Adjustments: []Adjustment{{Kind: AmountDiscount, Value: amount("1"), Reason: "welcome"}},
		Terms:       Terms{AutoCollection: No(), NetTerms: Days(14)},
	}
}

// A draft has no number; its tax is absent until it is told.
func TestDraft(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		inv := w.must(w.CreateDraft(w.ctx, draft(), "d"))
		if inv.Status != Draft || inv.Number != "" || inv.Tax != nil || inv.Total.String() != "10.00 USD" || inv.DueDate != 0 || inv.InvoiceDate != 0 {
			t.Errorf("draft: %+v", inv)
		}
		for text, call := range map[string]func() error{
			"is draft and cannot be paid":   func() error { _, err := w.MarkPaid(w.ctx, inv.ID, "", "m"); return err },
			"is draft and cannot be voided": func() error { _, err := w.Void(w.ctx, inv.ID, "", "v"); return err },
			"is draft and cannot be kept":   func() error { _, err := w.MarkSynced(w.ctx, inv.ID, "s"); return err },
			"is draft and cannot be credited": func() error {
				_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: inv.Total}, "n")
				return err
			},
		} {
			w.refused(creditledger.ErrConstraint, text, call)
		}
		w.refused(creditledger.ErrInvalid, "there are 1 taxes for 2 lines", func() error {
			_, err := w.SetTax(w.ctx, inv.ID, []creditledger.Amount{amount("1")}, "t")
			return err
		})
		inv = w.must(w.SetTax(w.ctx, inv.ID, []creditledger.Amount{amount("0.005"), amount("0.8")}, "t"))
		if inv.Tax.String() != "0.81 USD" || inv.Total.String() != "10.81 USD" {
			t.Errorf("taxed: %s, %s", inv.Tax, inv.Total)
		}
		w.now = w.now.AddDate(0, 0, 3)
		inv = w.must(w.Issue(w.ctx, inv.ID, "i"))
		if inv.Status != Issued || inv.Number != "INV-000001" || inv.InvoiceDate != creditledger.InstantOf(w.now) || inv.DueDate != creditledger.InstantOf(w.now.AddDate(0, 0, 14)) {
			t.Errorf("issued: %+v", inv)
		}
		w.refused(creditledger.ErrConstraint, "is issued and cannot be issued", func() error { _, err := w.Issue(w.ctx, inv.ID, "i2"); return err })
		w.refused(creditledger.ErrConstraint, "is issued and cannot be taxed", func() error { _, err := w.SetTax(w.ctx, inv.ID, nil, "t2"); return err })
		inv = w.must(w.MarkSynced(w.ctx, inv.ID, "s"))
		inv = w.must(w.MarkPaid(w.ctx, inv.ID, "told by the other system", "m"))
		w.refused(creditledger.ErrConstraint, "is paid and cannot be kept elsewhere", func() error { _, err := w.MarkSynced(w.ctx, inv.ID, "s2"); return err })
		w.prove()
	})
}

// A draft of nothing is paid the moment it is issued.
func TestDraftOfNothing(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		d := draft()
		d.Adjustments = []Adjustment{{Kind: PercentageDiscount, Value: amount("100")}}
		inv := w.must(w.CreateDraft(w.ctx, d, "d"))
		if inv = w.must(w.Issue(w.ctx, inv.ID, "i")); inv.Status != Paid || inv.Total.Sign() != 0 {
			t.Errorf("%s, %s", inv.Status, inv.Total)
		}
	})
}

// A draft that is due on a day can be issued on that day, and not after it; one that is
// due at an instant, not after that.
func TestDraftDueOnTheDay(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		today := dateIn(creditledger.InstantOf(w.now), time.UTC)
		for i, due := range []creditledger.When{creditledger.On(today), creditledger.On(today), creditledger.At(w.now.Add(time.Second))} {
			d := draft()
			d.Terms.NetTerms, d.Terms.CustomDueDate = nil, due
			inv := w.must(w.CreateDraft(w.ctx, d, creditledger.Key(fmt.Sprint("d", i))))
			issue := func() error { _, err := w.Issue(w.ctx, inv.ID, creditledger.Key(fmt.Sprint("i", i))); return err }
			switch i {
			case 0:
				if inv = w.must(w.Issue(w.ctx, inv.ID, "i")); inv.DueDate != inv.InvoiceDate {
					t.Errorf("due %s, issued %s", inv.DueDate, inv.InvoiceDate)
				}
			case 1:
				w.now = w.now.AddDate(0, 0, 1)
				w.refused(creditledger.ErrInvalid, "is before the invoice date", issue)
			case 2:
				w.now = w.now.Add(2 * time.Second)
				w.refused(creditledger.ErrInvalid, "is before the invoice date", issue)
			}
		}
	})
}

// Unknown invoices and those of a cut cursor are not found.
func TestNoSuchInvoice(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.refused(creditledger.ErrNotFound, `void_invoice "nope": invoice "nope" not found`, func() error { _, err := w.Void(w.ctx, "nope", "", "v"); return err })
		w.refused(creditledger.ErrNotFound, "not found", func() error { _, err := w.Change(w.ctx, "nope"); return err })
		w.refused(creditledger.ErrInvalid, "invoice_id: is missing", func() error { _, err := w.Invoice(w.ctx, ""); return err })
	})
}
