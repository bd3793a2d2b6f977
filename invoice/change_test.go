package invoice

import (
	"errors"
	"testing"
	"time"

	"creditledger"
)

func proposal() Proposal {
	return Proposal{
		Account: credits, ExpiresAt: creditledger.At(start.Add(time.Hour)), Description: "upgrade",
		Operations: []creditledger.Operation{
			creditledger.Increment{
				Amount: amount("10"), BlockID: "gift", ExpiresAt: creditledger.On(creditledger.DateOf(2027, 1, 1)), Priority: 2,
				Filters: []creditledger.Filter{{Operator: creditledger.FilterExcludes, Values: []string{"x"}}}, Metadata: map[string]string{"a": "b"},
			},
			creditledger.Decrement{Amount: amount("4"), ItemID: "fee", OverdraftLimit: creditledger.OverdraftLimitOf(amount("0"))},
		},
		Purchases: []Purchase{sale100()},
	}
}

func (w *world) change(a *ChangeAnswer, err error) *Change {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Change
}

// A change is previewed without a trace, then applied in one commit, once.
func TestChange(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		old := sale100()
		old.Increment.BlockID = "old"
		inv := w.must(w.Purchase(w.ctx, old, "old"))
		paid := sale100()
		paid.Increment.BlockID, paid.MarkAsPaid = "paid", true
		w.tick()
		other := w.must(w.Purchase(w.ctx, paid, "paid"))
		w.tick()
		p := proposal()
		p.VoidInvoices = []string{inv.ID}
		p.CreditNotes = []NoteInput{{Invoice: other.ID, Amount: money(t, "3", "USD"), Reason: "part used"}}
		ch := w.change(w.Propose(w.ctx, p, "c"))
		if ch.Status != ChangePending || w.total(credits) != "200" {
			t.Errorf("proposed: %+v, total %s", ch, w.total(credits))
		}
		w.refused(creditledger.ErrConstraint, "has a pending change, "+ch.ID, func() error { _, err := w.Propose(w.ctx, p, "c2"); return err })
		before := w.dump()
		w.tick()
		e, err := w.PreviewChange(w.ctx, ch.ID, Collected{})
		if err != nil {
			t.Fatal(err)
		}
		if len(e.InvoicesCreated) != 1 || e.InvoicesCreated[0].Total.String() != "20.00 USD" || len(e.InvoicesVoided) != 1 || len(e.NotesCreated) != 1 || len(e.Entries) != 5 || len(e.Blocks) != 2 {
			t.Errorf("preview: %+v", e)
		}
		if w.dump() != before {
			t.Error("a preview wrote something")
		}
		a, err := w.ApplyChange(w.ctx, ch.ID, Collected{Description: "agreed", PreviouslyCollected: money(t, "5", "USD")}, "apply")
		ch = w.change(a, err)
		made := ch.Effects.InvoicesCreated[0]
		if ch.Status != ChangeApplied || ch.Description != "agreed" || len(ch.Effects.Entries) != 5 || made.AmountDue.String() != "15.00 USD" || made.Change != ch.ID || made.Purchase.BlockID != "bought" {
			t.Errorf("applied: %+v", ch)
		}
		// 200 − 100 voided + 10 − 4 + 100
		if w.total(credits) != "206" || w.owns() != "3.00" {
			t.Errorf("total %s, balance %s", w.total(credits), w.owns())
		}
		moves, err := w.Movements(w.ctx, "cus", "USD", 0, 10)
		if err != nil || len(moves) == 0 {
			t.Fatal(moves, err)
		}
		for _, m := range moves {
			if m.Description != "agreed" {
				t.Errorf("transaction %d of the change says %q", m.Number, m.Description)
			}
		}
		b, err := w.ledger.Block(w.ctx, credits, "gift")
		if err != nil || b.Metadata["a"] != "b" || b.Priority != 2 || b.Filters[0].Operator != creditledger.FilterExcludes || b.ExpiresAt.String() != "2027-01-01T00:00:00Z" {
			t.Errorf("block: %+v, %v", b, err)
		}
		w.refused(creditledger.ErrConstraint, "is applied and cannot be applied", func() error { _, err := w.ApplyChange(w.ctx, ch.ID, Collected{}, "again"); return err })
		w.refused(creditledger.ErrConstraint, "is applied and cannot be cancelled", func() error { _, err := w.CancelChange(w.ctx, ch.ID, "cancel"); return err })
		if a, err := w.ApplyChange(w.ctx, ch.ID, Collected{Description: "agreed", PreviouslyCollected: money(t, "5", "USD")}, "apply"); err != nil || !a.Replayed {
			t.Errorf("the same key: %+v, %v", a, err)
		}
		w.prove()
	})
}

// Cancelled and expired changes do nothing any more.
func TestChangeEnds(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		ch := w.change(w.Propose(w.ctx, proposal(), "c"))
		w.tick()
		if ch = w.change(w.CancelChange(w.ctx, ch.ID, "cancel")); ch.Status != ChangeCancelled || ch.CancelledAt == 0 {
			t.Errorf("cancelled: %+v", ch)
		}
		w.refused(creditledger.ErrConstraint, "is cancelled and cannot be applied", func() error { _, err := w.ApplyChange(w.ctx, ch.ID, Collected{}, "a"); return err })
		ch = w.change(w.Propose(w.ctx, proposal(), "c2"))
		w.now = start.Add(time.Hour)
		got, err := w.Change(w.ctx, ch.ID)
		if err != nil || got.Status != ChangeCancelled || got.CancelledAt != ch.ExpiresAt {
			t.Errorf("expired: %+v, %v", got, err)
		}
		w.refused(creditledger.ErrConstraint, "is cancelled and cannot be applied", func() error { _, err := w.ApplyChange(w.ctx, ch.ID, Collected{}, "a"); return err })
		p := proposal()
		w.refused(creditledger.ErrInvalid, "has passed", func() error { _, err := w.Propose(w.ctx, p, "c3"); return err })
		p.ExpiresAt = creditledger.At(start.Add(2 * time.Hour))
		w.change(w.Propose(w.ctx, p, "c3"))
	})
}

// Applying decides afresh: what the account cannot give any more is refused, whole.
func TestChangeRefused(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount("50")})
		p := Proposal{Account: credits, ExpiresAt: creditledger.At(start.Add(time.Hour)), Operations: []creditledger.Operation{
			creditledger.Increment{Amount: amount("1")},
			creditledger.Decrement{Amount: amount("51"), Overdraft: creditledger.OverdraftReject},
		}}
		ch := w.change(w.Propose(w.ctx, p, "c"))
		w.spend("10")
		w.tick()
		w.refused(creditledger.ErrInsufficientCredits, "requested 51, available 41", func() error { _, err := w.ApplyChange(w.ctx, ch.ID, Collected{}, "a"); return err })
		w.refused(creditledger.ErrInsufficientCredits, "requested 51", func() error { _, err := w.PreviewChange(w.ctx, ch.ID, Collected{}); return err })
		w.grant(creditledger.Increment{Amount: amount("10")})
		w.tick()
		w.change(w.ApplyChange(w.ctx, ch.ID, Collected{}, "a"))
		for _, bad := range []Proposal{
			{Account: credits, ExpiresAt: p.ExpiresAt},
			{Account: credits, ExpiresAt: p.ExpiresAt, Operations: []creditledger.Operation{creditledger.Batch{}}},
			{Account: credits, Operations: p.Operations},
			{Account: credits, ExpiresAt: p.ExpiresAt, Purchases: []Purchase{{Account: creditledger.AccountID{Customer: "other"}}}},
		} {
			if _, err := w.Propose(w.ctx, bad, "bad"); !errors.Is(err, creditledger.ErrInvalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

// One call tells what a customer may use; a deleted one may read only.
func TestState(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		external := "crm-7"
		w.customer(func(u *creditledger.CustomerUpdate) { u.ExternalID = &external })
		soon := creditledger.At(start.AddDate(0, 0, 7))
		w.grant(creditledger.Increment{Amount: amount("5"), BlockID: "soon", ExpiresAt: soon})
		w.grant(creditledger.Increment{Amount: amount("5"), BlockID: "future", EffectiveAt: soon})
		p := sale100()
		p.RequirePayment = true
		w.tick()
		inv := w.must(w.Purchase(w.ctx, p, "k"))
		w.tick()
		later := proposal()
		later.Account.Currency, later.Purchases = "gems", nil
		ch := w.change(w.Propose(w.ctx, later, "c"))
		st, err := w.State(w.ctx, "cus")
		if err != nil || len(st.Accounts) != 2 {
			t.Fatalf("%+v, %v", st, err)
		}
		a := st.Accounts[0]
		if st.Customer.ExternalID != external || a.Total.String() != "5" || a.Available.String() != "5" || a.NextExpiry != soon.Instant() ||
			len(a.Eligible) != 1 || len(a.Pending) != 1 || a.Pending[0].ID != "bought" || a.Change != nil || len(st.Open) != 1 || st.Open[0].ID != inv.ID {
			t.Errorf("state: %+v", st)
		}
		if g := st.Accounts[1]; g.Account.Currency != "gems" || g.Change == nil || g.Change.ID != ch.ID {
			t.Errorf("pending change: %+v", g)
		}
		w.tick()
		w.must(w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ProviderID: "ch", ChargeType: Checkout}, "s"))
		if _, err := w.ledger.DeleteCustomer(w.ctx, "cus"); err != nil {
			t.Fatal(err)
		}
		for _, call := range []func() error{
			func() error { _, err := w.Purchase(w.ctx, sale100(), "d1"); return err },
			func() error { _, err := w.ClosePeriod(w.ctx, january(), "d2"); return err },
			func() error { _, err := w.ApplyChange(w.ctx, ch.ID, Collected{}, "d3"); return err },
			func() error { _, err := w.Propose(w.ctx, proposal(), "d4"); return err },
			func() error { _, err := w.CreateDraft(w.ctx, draft(), "d5"); return err },
		} {
			w.refused(creditledger.ErrConstraint, "was deleted", call)
		}
		// A payment is a fact all the same: it stands on the balance, as it can activate nothing.
		inv = w.must(w.PaymentSucceeded(w.ctx, inv.ID, "ch", "paid"))
		if st, err = w.State(w.ctx, "cus"); err != nil || st.Customer.DeletedAt == 0 || inv.Status != Issued || w.owns() != "20.00" || st.Accounts[0].Total.String() != "5" {
			t.Errorf("deleted: %+v, %v", st, err)
		}
	})
}
