package invoice

import (
	"strings"
	"testing"

	"creditledger"
)

// An edit replaces, adds and removes lines by their ids, and what is not named stays.
func TestDraftsAreEdited(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		inv := w.must(w.CreateDraft(w.ctx, draft(), "d"))
		ids := func() (s string) {
			for _, l := range inv.Lines {
				s += l.ID + ":" + l.Quantity.String() + " "
			}
			return s + inv.Total.Decimal()
		}
		edit := func(key creditledger.Key, e DraftEdit) {
			t.Helper()
			e.Invoice = inv.ID
			inv = w.must(w.EditDraft(w.ctx, e, key))
			w.prove()
		}
		if got := ids(); got != "1:3 2:1 10.00" {
			t.Errorf("drafted: %s", got)
		}
		two := unit("2", "10")
		two.ID = "2"
		edit("e1", DraftEdit{Lines: []LineInput{two, unit("1", "5")}})
		if got := ids(); got != "1:3 2:2 3:1 25.00" {
			t.Errorf("a line replaced, one added: %s", got)
		}
		edit("e2", DraftEdit{RemoveLines: []string{"1"}, Lines: []LineInput{unit("4", "1")}})
		if got := ids(); got != "2:2 3:1 4:4 28.00" {
			t.Errorf("a line removed, one added: %s", got)
		}
		edit("e3", DraftEdit{Adjustments: []Adjustment{}})
		if got := ids(); got != "2:2 3:1 4:4 29.00" {
			t.Errorf("without adjustments: %s", got)
		}
		memo, yes := "thank you", "yes"
		edit("e4", DraftEdit{NetTerms: Days(3), Memo: &memo, Metadata: map[string]*string{"po": &yes}, AutoCollection: Yes()})
		edit("e5", DraftEdit{CustomDueDate: creditledger.On(creditledger.DateOf(2026, 3, 1)), Metadata: map[string]*string{"po": nil}})
		if inv.NetTerms != nil || inv.DueDate.String() != "2026-03-01T00:00:00Z" || inv.Memo != memo || len(inv.Metadata) != 0 || !inv.AutoCollection || ids() != "2:2 3:1 4:4 29.00" {
			t.Errorf("terms: %+v", inv)
		}
		inv = w.must(w.Issue(w.ctx, inv.ID, "i"))
		if inv.Drafted != nil || inv.Lines[0].ID != "2" || inv.Total.Decimal() != "29.00" {
			t.Errorf("issued: %+v", inv)
		}
		w.refused(creditledger.ErrConstraint, "is issued and cannot be edited", func() error {
			_, err := w.EditDraft(w.ctx, DraftEdit{Invoice: inv.ID, Memo: &memo}, "e6")
			return err
		})
		w.prove()
	})
}

// What an edit may not do leaves the draft as it is.
func TestEditsThatAreRefused(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	inv := w.must(w.CreateDraft(w.ctx, draft(), "d"))
	twice := unit("1", "1")
	twice.ID = "x"
	day := creditledger.On(creditledger.DateOf(2026, 3, 1))
	for text, e := range map[string]DraftEdit{
		`line "7" not found`:                 {RemoveLines: []string{"7"}},
		"there are 0 lines":                  {RemoveLines: []string{"1", "2"}},
		`two lines with the id "x"`:          {Lines: []LineInput{twice, unit("1", "1"), twice}, RemoveLines: []string{"1"}},
		"not both":                           {NetTerms: Days(1), CustomDueDate: day},
		"is negative":                        {NetTerms: Days(-1)},
		"usage_to: goes with a period only":  {Lines: []LineInput{{ItemID: "a", UnitPrice: basis("1"), UsageTo: day}}},
		`"nothing" is not a kind of adjustm`: {Adjustments: []Adjustment{{Kind: "nothing"}}},
	} {
		e.Invoice = inv.ID
		before := w.dump()
		if _, err := w.EditDraft(w.ctx, e, creditledger.Key(text)); err == nil {
			t.Errorf("%s: not refused", text)
		} else if w.dump() != before {
			t.Errorf("%s: it left a trace", text)
		} else if got := err.Error(); !strings.Contains(got, text) {
			t.Errorf("want %q, got %s", text, got)
		}
	}
}

// A deleted draft is not issued and not listed, and is there for who asks for its id, which is
// not free.
func TestDraftsAreDeleted(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		d := draft()
		d.Terms.InvoiceID = "inv_1"
		w.must(w.CreateDraft(w.ctx, d, "d"))
		if st, err := w.State(w.ctx, "cus"); err != nil || len(st.Drafts) != 1 {
			t.Errorf("drafts in the state: %v, %v", st, err)
		}
		inv := w.must(w.DeleteDraft(w.ctx, "inv_1", "x"))
		if inv.Status != Deleted || inv.DeletedAt == 0 || inv.AmountDue.Sign() != 0 {
			t.Errorf("deleted: %+v", inv)
		}
		if again, err := w.Invoice(w.ctx, "inv_1"); err != nil || again.Status != Deleted {
			t.Errorf("by its id: %v, %v", again, err)
		}
		for status, n := range map[Status]int{"": 0, Draft: 0, Deleted: 1} {
			if page, err := w.Invoices(w.ctx, ListQuery{Customer: "cus", Status: status}); err != nil || len(page.Invoices) != n {
				t.Errorf("%q lists %d invoices, %v", status, len(page.Invoices), err)
			}
		}
		if st, err := w.State(w.ctx, "cus"); err != nil || len(st.Drafts) != 0 {
			t.Errorf("drafts in the state: %v, %v", st, err)
		}
		for text, call := range map[string]func() error{
			"is deleted and cannot be issued":  func() error { _, err := w.Issue(w.ctx, "inv_1", "i"); return err },
			"is deleted and cannot be deleted": func() error { _, err := w.DeleteDraft(w.ctx, "inv_1", "x2"); return err },
			"is deleted and cannot be edited": func() error {
				_, err := w.EditDraft(w.ctx, DraftEdit{Invoice: "inv_1"}, "e")
				return err
			},
			`"inv_1" is already in use`: func() error { _, err := w.CreateDraft(w.ctx, d, "d2"); return err },
		} {
			if err := call(); err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("want %q, got %v", text, err)
			}
		}
		if inv := w.must(w.Purchase(w.ctx, sale100(), "p")); inv.Number != "INV-000001" {
			t.Errorf("the next number is %s", inv.Number)
		}
		w.prove()
	})
}
