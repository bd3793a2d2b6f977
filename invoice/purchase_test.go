package invoice

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"creditledger"
)

// A purchase makes a block, an entry and an invoice that name one another.
func TestPurchase(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		zone := "America/Los_Angeles"
		w.customer(func(u *creditledger.CustomerUpdate) { u.Timezone = &zone })
		p := sale100()
		p.Terms.Memo, p.Terms.Metadata = "thanks", map[string]string{"order": "7"}
		a, err := w.Purchase(w.ctx, p, "k")
		inv := w.must(a, err)
		if inv.Status != Issued || inv.Number != "INV-000001" || inv.Total.String() != "20.00 USD" || inv.AmountDue.String() != "20.00 USD" || inv.Tax != nil {
			t.Errorf("invoice: %+v", inv)
		}
		// 10:00 UTC is 02:00 in Los Angeles; thirty days later it still is.
		if want := start.AddDate(0, 0, 30); inv.DueDate != creditledger.InstantOf(want) {
			t.Errorf("due %s, want %s", inv.DueDate, want)
		}
		b, err := w.ledger.Block(w.ctx, credits, a.BlockID)
		if err != nil || b.InvoiceID != inv.ID || b.CostBasis.String() != "0.20" || inv.Purchase.BlockID != b.ID {
			t.Errorf("block: %+v, %v", b, err)
		}
		if e := a.Entries[0]; len(e.CreatedInvoices) != 1 || e.CreatedInvoices[0] != inv.ID || e.IdempotencyKey != "k" {
			t.Errorf("entry: %+v", e)
		}
		l := inv.Lines[0]
		if l.ItemID != "Credits" || l.Quantity.String() != "100" || l.UnitPrice.String() != "0.20" {
			t.Errorf("line: %+v", l)
		}
		stored, err := w.Invoice(w.ctx, inv.ID)
		if err != nil || stored.Memo != "thanks" || stored.Metadata["order"] != "7" || !stored.AutoCollection {
			t.Errorf("stored: %+v, %v", stored, err)
		}
		w.prove()
	})
}

// Across a change of clocks the due date keeps the customer's time of day.
func TestDueDates(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		zone := "America/New_York"
		w.customer(func(u *creditledger.CustomerUpdate) { u.Timezone = &zone })
		w.now = time.Date(2026, 3, 7, 15, 0, 0, 0, time.UTC) // 10:00 in New York, a day before the change
		for i, c := range []struct {
			terms Terms
			want  string
		}{
			{Terms{NetTerms: Days(0)}, "2026-03-07T15:00:00Z"},
			{Terms{NetTerms: Days(1)}, "2026-03-08T14:00:00Z"},
			{Terms{NetTerms: Days(30)}, "2026-04-06T14:00:00Z"},
			{Terms{CustomDueDate: creditledger.On(creditledger.DateOf(2026, 3, 9))}, "2026-03-09T04:00:00Z"},
			{Terms{CustomDueDate: creditledger.On(creditledger.DateOf(2026, 3, 7))}, "2026-03-07T15:00:00Z"},
			{Terms{NetTerms: Days(2), InvoiceDate: creditledger.On(creditledger.DateOf(2026, 3, 1))}, "2026-03-03T05:00:00Z"},
		} {
			p := sale100()
			p.Increment.BlockID = fmt.Sprint("b", i)
			p.Terms = c.terms
			p.Terms.AutoCollection = No()
			w.tick()
			w.now = time.Date(2026, 3, 7, 15, 0, 0, 0, time.UTC)
			a, err := w.Purchase(w.ctx, p, creditledger.Key(fmt.Sprint(i)))
			if inv := w.must(a, err); inv.DueDate.String() != c.want {
				t.Errorf("%d: due %s, want %s", i, inv.DueDate, c.want)
			}
		}
	})
}

// Every violation has its own message, and nothing is written.
func TestPurchaseRefused(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		for _, c := range []struct {
			text string
			edit func(*Purchase)
		}{
			{"per_unit_cost_basis: is missing", func(p *Purchase) { p.Increment.CostBasis = creditledger.CostBasis{} }},
			{"amount: 0 is not positive", func(p *Purchase) { p.Increment.Amount = creditledger.Amount{} }},
			{"auto_collection: is missing", func(p *Purchase) { p.Terms.AutoCollection = nil }},
			{"give net_terms or custom_due_date", func(p *Purchase) { p.Terms.NetTerms = nil }},
			{"not both", func(p *Purchase) { p.Terms.CustomDueDate = creditledger.At(start.AddDate(1, 0, 0)) }},
			{"-1 days is negative", func(p *Purchase) { p.Terms.NetTerms = Days(-1) }},
			{"days are more than", func(p *Purchase) { p.Terms.NetTerms = Days(1_000_000) }},
			{"is before the invoice date", func(p *Purchase) {
				p.Terms.NetTerms, p.Terms.CustomDueDate = nil, creditledger.At(start.Add(-time.Hour))
			}},
			{"custom_due_date: cannot be never", func(p *Purchase) { p.Terms.NetTerms, p.Terms.CustomDueDate = nil, creditledger.Never() }},
			{"invoice_date: is a date that does not exist", func(p *Purchase) { p.Terms.InvoiceDate = creditledger.On(0) }},
			{"is made by the purchase", func(p *Purchase) { p.Increment.InvoiceID = "mine" }},
			{"belongs in the invoice settings", func(p *Purchase) { p.Increment.RequirePayment = true }},
			{"is not a currency of ISO 4217", func(p *Purchase) { p.Currency = "points" }},
			{"HRK was withdrawn from ISO 4217", func(p *Purchase) { p.Currency = "HRK" }},
			{"has no minor unit", func(p *Purchase) { p.Currency = "XAU" }},
			{"effective_date: cannot be never", func(p *Purchase) { p.Increment.EffectiveAt = creditledger.Never() }},
			{"expiry_date", func(p *Purchase) { p.Increment.ExpiresAt = creditledger.At(start.Add(-time.Hour)) }},
			{"previously_collected_amount: -1.00 USD is not positive", func(p *Purchase) { p.PreviouslyCollected = money(t, "-1", "USD") }},
			{"cannot mix EUR and USD", func(p *Purchase) { p.PreviouslyCollected = money(t, "1", "EUR") }},
			{"metadata: has an empty key", func(p *Purchase) { p.Terms.Metadata = map[string]string{"": "x"} }},
			{"memo: has control characters", func(p *Purchase) { p.Terms.Memo = "\x01" }},
		} {
			p := sale100()
			c.edit(&p)
			w.refused(creditledger.ErrInvalid, c.text, func() error { _, err := w.Purchase(w.ctx, p, "k"); return err })
		}
		w.refused(creditledger.ErrInvalid, "idempotency_key: is missing", func() error { _, err := w.Purchase(w.ctx, sale100(), ""); return err })
		p := sale100()
		p.Currency = "EUR"
		w.refused(creditledger.ErrConstraint, `purchase for customer "cus": customer "cus" is invoiced in USD, not EUR`, func() error { _, err := w.Purchase(w.ctx, p, "k"); return err })
		p = sale100()
		p.Account.Customer = "stranger"
		w.refused(creditledger.ErrInvalid, "has no invoicing currency", func() error { _, err := w.Purchase(w.ctx, p, "k"); return err })
		// No number was used up by any of them.
		a, err := w.Purchase(w.ctx, sale100(), "k")
		if inv := w.must(a, err); inv.Number != "INV-000001" {
			t.Errorf("number %s", inv.Number)
		}
	})
}

// The same key gives the first answer, another request is refused.
func TestPurchaseReplay(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		first, err := w.Purchase(w.ctx, sale100(), "k")
		inv := w.must(first, err)
		w.must(w.MarkPaid(w.ctx, inv.ID, "", "paid"))
		w.now = w.now.AddDate(0, 1, 0)
		p := sale100()
		p.Increment.Amount, p.Increment.CostBasis = amount("100.0"), basis("0.2")
		again, err := w.Purchase(w.ctx, p, "k")
		if got := w.must(again, err); !again.Replayed || got.ID != inv.ID || got.Status != Issued || again.BlockID != first.BlockID || len(again.Entries) != 1 {
			t.Errorf("replay: %+v", again)
		}
		p.Terms.Memo = "other"
		_, err = w.Purchase(w.ctx, p, "k")
		var mismatch *creditledger.IdempotencyMismatchError
		if !errors.As(err, &mismatch) || mismatch.Field != "memo" {
			t.Errorf("other request: %v", err)
		}
		_, err = w.MarkPaid(w.ctx, inv.ID, "", "k")
		if !errors.As(err, &mismatch) || mismatch.Field != "op" {
			t.Errorf("other call: %v", err)
		}
		if _, err := w.ledger.Do(w.ctx, credits, creditledger.Increment{Amount: amount("1")}, "direct"); err != nil {
			t.Fatal(err)
		}
		p = sale100()
		p.Increment.BlockID = "second"
		if _, err := w.Purchase(w.ctx, p, "direct"); !errors.As(err, &mismatch) {
			t.Errorf("a key the ledger knows: %v", err)
		}
	})
}

// With require_successful_payment the credits wait for the payment.
func TestRequirePayment(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		p := sale100()
		p.RequirePayment = true
		a, err := w.Purchase(w.ctx, p, "k")
		inv := w.must(a, err)
		if w.total(credits) != "0" {
			t.Errorf("total before payment: %s", w.total(credits))
		}
		w.tick()
		inv = w.must(w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ProviderID: "ch_1", ChargeType: Checkout}, "try"))
		w.refused(creditledger.ErrConstraint, "has a payment under way", func() error {
			_, err := w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ChargeType: Checkout}, "try2")
			return err
		})
		w.refused(creditledger.ErrConstraint, "has a payment under way", func() error { _, err := w.Void(w.ctx, inv.ID, "", "v"); return err })
		w.refused(creditledger.ErrConstraint, "has a payment under way", func() error { _, err := w.MarkPaid(w.ctx, inv.ID, "", "m"); return err })
		w.tick()
		inv = w.must(w.PaymentFailed(w.ctx, inv.ID, "ch_1", FailedReason{Code: "card_declined", DeclineCode: "insufficient_funds"}, "no"))
		if inv.PaymentFailedAt == 0 || inv.Payments[0].Reason.DeclineCode != "insufficient_funds" || inv.Status != Issued {
			t.Errorf("failed: %+v", inv.Payments)
		}
		w.must(w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ProviderID: "ch_2", ChargeType: Recurring}, "again"))
		w.tick()
		var wait sync.WaitGroup
		for _, key := range []creditledger.Key{"notice 1", "notice 2"} {
			wait.Go(func() {
				if a, err := w.PaymentSucceeded(w.ctx, inv.ID, "ch_2", key); err != nil || a.Invoice.Status != Paid {
					t.Errorf("%s: %v", key, err)
				}
			})
		}
		wait.Wait()
		inv = w.must(w.PaymentFailed(w.ctx, inv.ID, "ch_2", FailedReason{Code: "late"}, "late failure"))
		if inv.Status != Paid || inv.AmountPaid.String() != "20.00 USD" || inv.AmountDue.Sign() != 0 || w.total(credits) != "100" {
			t.Errorf("paid: %s, %s, total %s", inv.Status, inv.AmountPaid, w.total(credits))
		}
		b, err := w.ledger.Block(w.ctx, credits, "bought")
		if err != nil || b.ActivatedAt != inv.PaidAt {
			t.Errorf("active since %s, paid %s, %v", b.ActivatedAt, inv.PaidAt, err)
		}
		w.prove()
	})
}

// Two processes hear of the same payment at once.
func TestTwoNotices(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.store.delay = time.Millisecond
		for i := range 10 {
			p := sale100()
			p.RequirePayment, p.Increment.BlockID = true, fmt.Sprint("b", i)
			w.tick()
			a, err := w.Purchase(w.ctx, p, creditledger.Key(fmt.Sprint("k", i)))
			inv := w.must(a, err)
			w.tick()
			w.must(w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ProviderID: "ch", ChargeType: Checkout}, creditledger.Key(fmt.Sprint("s", i))))
			var wait sync.WaitGroup
			for n, s := range []*Service{New(w.ledger, nil), New(w.ledger, nil), New(w.ledger, nil)} {
				wait.Go(func() {
					if a, err := s.PaymentSucceeded(w.ctx, inv.ID, "ch", creditledger.Key(fmt.Sprint("notice ", i, n))); err != nil || a.Invoice.Status != Paid {
						t.Errorf("notice %d: %v", n, err)
					}
				})
			}
			wait.Wait()
		}
		if w.total(credits) != "1000" {
			t.Errorf("total %s", w.total(credits))
		}
		w.prove()
	})
}

// Nothing to pay is paid at once; so is what is marked as paid.
func TestPaidAtOnce(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		free := sale100()
		free.Increment.CostBasis, free.RequirePayment, free.Increment.BlockID = basis("0"), true, "free"
		a, err := w.Purchase(w.ctx, free, "free")
		if inv := w.must(a, err); inv.Status != Paid || w.total(credits) != "100" || len(inv.Payments) != 0 {
			t.Errorf("free: %s, total %s", inv.Status, w.total(credits))
		}
		w.tick()
		marked := sale100()
		marked.MarkAsPaid, marked.RequirePayment = true, true
		a, err = w.Purchase(w.ctx, marked, "marked")
		if inv := w.must(a, err); inv.Status != Paid || inv.AmountPaid.String() != "20.00 USD" || w.total(credits) != "200" {
			t.Errorf("marked: %+v", inv)
		}
		w.tick()
		if inv := w.must(w.Void(w.ctx, a.Invoice.ID, "", "v")); inv.Status != Void || w.total(credits) != "100" || w.owns() != "20.00" {
			t.Errorf("voided: %s, total %s, balance %s", inv.Status, w.total(credits), w.owns())
		}
		w.refused(creditledger.ErrConstraint, "invoice INV-000002 is void and cannot be voided", func() error { _, err := w.Void(w.ctx, a.Invoice.ID, "", "again"); return err })
		w.prove()
	})
}

// Under RepayFirst the invoice is for everything, whether a block is made or not.
func TestPurchaseRepays(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.do(creditledger.Decrement{Amount: amount("130")})
		w.tick()
		p := sale100()
		p.Increment.BlockID = ""
		a, err := w.Purchase(w.ctx, p, "k")
		inv := w.must(a, err)
		if a.BlockID != "" || inv.Total.String() != "20.00 USD" || len(a.Entries) != 1 || a.Entries[0].CreatedInvoices[0] != inv.ID || w.total(credits) != "-30" {
			t.Errorf("all of it repays: %+v, total %s", a, w.total(credits))
		}
		w.tick()
		p.Increment.BlockID = "rest"
		a, err = w.Purchase(w.ctx, p, "k2")
		inv = w.must(a, err)
		if len(a.Entries) != 2 || a.Entries[0].CreatedInvoices != nil || a.Entries[1].CreatedInvoices[0] != inv.ID || a.BlockID != "rest" || w.total(credits) != "70" {
			t.Errorf("some of it repays: %+v", a)
		}
		// What is left is voided, and the debt that it repaid is a debt again.
		w.tick()
		w.must(w.Void(w.ctx, inv.ID, "", "v"))
		if w.total(credits) != "-30" {
			t.Errorf("after the void: %s", w.total(credits))
		}
		w.prove()
	})
}

// Voiding the unpaid invoice voids what is left of the credits, wherever it went.
func TestVoidPurchase(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		for i, pending := range []bool{false, true} {
			p := sale100()
			p.RequirePayment, p.Increment.BlockID = pending, fmt.Sprint("bought", i)
			w.tick()
			a, err := w.Purchase(w.ctx, p, creditledger.Key(fmt.Sprint("k", i)))
			inv := w.must(a, err)
			if !pending {
				w.spend("40")
			}
			w.do(creditledger.ExpirationChange{BlockID: a.BlockID, Amount: amount("10"), Target: creditledger.At(start.AddDate(1, 0, 0))})
			w.tick()
			v, err := w.Void(w.ctx, inv.ID, "wrong order", creditledger.Key(fmt.Sprint("v", i)))
			inv = w.must(v, err)
			if inv.Status != Void || inv.AmountDue.Sign() != 0 || inv.VoidedAt == 0 || w.total(credits) != "0" || len(v.Entries) != 4 || inv.Memo != "wrong order" {
				t.Errorf("pending %v: %s, total %s, %d entries", pending, inv.Status, w.total(credits), len(v.Entries))
			}
			w.refused(creditledger.ErrConstraint, "is void and cannot be voided", func() error { _, err := w.Void(w.ctx, inv.ID, "", "v again"); return err })
			w.refused(creditledger.ErrConstraint, "is void and cannot be paid", func() error { _, err := w.MarkPaid(w.ctx, inv.ID, "", "m"); return err })
			w.refused(creditledger.ErrConstraint, "is void and cannot be paid", func() error {
				_, err := w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ChargeType: Checkout}, "s")
				return err
			})
			w.refused(creditledger.ErrConstraint, "is void and cannot be credited", func() error {
				_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "1", "USD")}, "n")
				return err
			})
		}
		w.prove()
	})
}
