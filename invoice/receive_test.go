package invoice

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"creditledger"
)

// answered is what an answer says of an invoice and of the customer balance.
func (w *world) answered(a *Answer) string {
	inv := a.Invoice
	s := fmt.Sprintf("%s due %s paid %s", inv.Status, inv.AmountDue.Decimal(), inv.AmountPaid.Decimal())
	if r := a.Received; r != nil {
		s += fmt.Sprintf(", changed %t: %s and %s", r.Changed, r.Applied.Decimal(), r.ToBalance.Decimal())
		if r.Reason != "" {
			s += ", " + r.Reason
		}
	}
	return s + "; balance " + w.owns() + ", credits " + w.total(credits)
}

// TestPaymentsAsTheyCome: an invoice over 100 takes its money in parts, late, twice and too
// much; each notice is answered with what it changed.
func TestPaymentsAsTheyCome(t *testing.T) {
	start := func(provider, n string) func(*world, *Invoice, creditledger.Key) (*Answer, error) {
		return func(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
			a := Attempt{Provider: "cards", ProviderID: provider, ChargeType: Checkout}
			if n != "" {
				a.Amount = money(w.t, n, "USD")
			}
			return w.StartPayment(w.ctx, inv.ID, a, k)
		}
	}
	succeed := func(provider string) func(*world, *Invoice, creditledger.Key) (*Answer, error) {
		return func(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
			return w.PaymentSucceeded(w.ctx, inv.ID, provider, k)
		}
	}
	fail := func(provider string) func(*world, *Invoice, creditledger.Key) (*Answer, error) {
		return func(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
			return w.PaymentFailed(w.ctx, inv.ID, provider, FailedReason{Code: "declined"}, k)
		}
	}
	take := func(n, outside string) func(*world, *Invoice, creditledger.Key) (*Answer, error) {
		return func(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
			return w.Receive(w.ctx, inv.ID, Receipt{Amount: money(w.t, n, "USD"), OutsideID: outside}, k)
		}
	}
	void := func(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) { return w.Void(w.ctx, inv.ID, "", k) }
	first := func(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
		now, err := w.Invoice(w.ctx, inv.ID)
		if err != nil {
			return nil, err
		}
		return w.PaymentSucceeded(w.ctx, inv.ID, now.Payments[0].ID, k)
	}
	type steps []func(*world, *Invoice, creditledger.Key) (*Answer, error)
	for _, c := range []struct {
		name  string
		steps steps
		want  string // of the last
	}{
		{"in parts, first", steps{take("60", "")}, "issued due 40.00 paid 60.00, changed true: 60.00 and 0.00; balance 0.00, credits 0"},
		{"in parts", steps{take("60", ""), take("40", "")}, "paid due 0.00 paid 100.00, changed true: 40.00 and 0.00; balance 0.00, credits 100"},
		{"in parts by attempts", steps{start("a", "60"), succeed("a"), start("b", ""), succeed("b")}, "paid due 0.00 paid 100.00, changed true: 40.00 and 0.00; balance 0.00, credits 100"},
		{"above the due", steps{take("60", ""), take("70", "")}, "paid due 0.00 paid 130.00, changed true: 40.00 and 30.00, more than was due; balance 30.00, credits 100"},
		{"a second success", steps{take("100", ""), take("100", "")}, "paid due 0.00 paid 200.00, changed true: 0.00 and 100.00, the invoice was paid before; balance 100.00, credits 100"},
		{"failed, then paid", steps{start("a", ""), fail("a"), succeed("a")}, "paid due 0.00 paid 100.00, changed true: 100.00 and 0.00; balance 0.00, credits 100"},
		{"failed, retried, and told of twice", steps{start("a", ""), fail("a"), start("a", ""), succeed("a"), succeed("a")}, "paid due 0.00 paid 100.00, changed false: 0.00 and 0.00; balance 0.00, credits 100"},
		{"failed, retried, and both are paid", steps{start("a", ""), fail("a"), start("a", ""), succeed("a"), first}, "paid due 0.00 paid 200.00, changed true: 0.00 and 100.00, the invoice was paid before; balance 100.00, credits 100"},
		{"a part paid, a part failed, then paid", steps{start("a", "60"), succeed("a"), start("a", "40"), fail("a"), succeed("a")}, "paid due 0.00 paid 100.00, changed true: 40.00 and 0.00; balance 0.00, credits 100"},
		{"paid, told again", steps{start("a", ""), succeed("a"), succeed("a")}, "paid due 0.00 paid 100.00, changed false: 0.00 and 0.00; balance 0.00, credits 100"},
		{"paid, then told that it failed", steps{start("a", ""), succeed("a"), fail("a")}, "paid due 0.00 paid 100.00, changed false: 0.00 and 0.00; balance 0.00, credits 100"},
		{"failed twice", steps{start("a", ""), fail("a"), fail("a")}, "issued due 100.00 paid 0.00, changed false: 0.00 and 0.00; balance 0.00, credits 0"},
		{"a transfer beside an attempt", steps{start("a", ""), take("30", ""), succeed("a")}, "paid due 0.00 paid 130.00, changed true: 70.00 and 30.00, more than was due; balance 30.00, credits 100"},
		{"one transfer told of twice", steps{take("60", "t1"), take("60", "t1")}, "issued due 40.00 paid 60.00, changed false: 0.00 and 0.00; balance 0.00, credits 0"},
		{"void, then paid", steps{start("a", ""), fail("a"), void, succeed("a")}, "void due 0.00 paid 100.00, changed true: 0.00 and 100.00, the invoice is void; balance 100.00, credits 0"},
		{"in part, void, the rest", steps{take("60", ""), void, take("40", "")}, "void due 0.00 paid 100.00, changed true: 0.00 and 40.00, the invoice is void; balance 100.00, credits 0"},
		{"too late for the credits", steps{take("60", ""), func(w *world, inv *Invoice, _ creditledger.Key) (*Answer, error) {
			w.now = w.now.AddDate(0, 2, 0)
			return &Answer{Invoice: inv}, nil
		}, take("40", "")}, "void due 0.00 paid 100.00, changed true: 0.00 and 40.00, the invoice is void; balance 100.00, credits 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, onMemory, nil)
			inv := w.sold(func(p *Purchase) {
				p.RequirePayment, p.Increment.ExpiresAt = true, creditledger.At(w.now.AddDate(0, 1, 0))
			})
			var a *Answer
			for i, step := range c.steps {
				w.tick()
				key := creditledger.Key(fmt.Sprint("step ", i))
				var err error
				if a, err = step(w, inv, key); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				w.prove()
				if again, err := step(w, inv, key); err != nil || a.Received != nil && (!again.Replayed || w.answered(again) != w.answered(a)) {
					t.Errorf("step %d again: %+v, %v", i, again, err)
				}
			}
			if got := w.answered(a); got != c.want {
				t.Errorf("\n%s\n%s", got, c.want)
			}
			w.restart()
			w.prove()
		})
	}
}

// TestNoticesAreNoted: a notice that repeats or contradicts is recorded, with its reason, up
// to so many.
func TestNoticesAreNoted(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.sold(nil)
	w.must(w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ProviderID: "a", ChargeType: Checkout}, "s"))
	w.must(w.PaymentSucceeded(w.ctx, inv.ID, "a", "ok"))
	for i := range maxNotices + 3 {
		w.tick()
		inv = w.must(w.PaymentFailed(w.ctx, inv.ID, "a", FailedReason{Code: "late"}, creditledger.Key(fmt.Sprint("late ", i))))
	}
	p := inv.Payments[0]
	if p.Status != PaymentPaid || p.Reason != nil || len(p.Notices) != maxNotices || p.Repeats != maxNotices+3 || p.Notices[0].Reason.Code != "late" {
		t.Errorf("%+v", p)
	}
	w.prove()
}

// TestReceipts: money taken elsewhere has an amount, a date and an id of its own.
func TestReceipts(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.sold(nil)
	w.now = w.now.AddDate(0, 0, 5)
	yesterday := creditledger.On(creditledger.DateOf(2026, 1, 19))
	for text, r := range map[string]Receipt{
		"after now":              {Amount: money(t, "1", "USD"), ReceivedAt: creditledger.At(w.now.Add(time.Hour))},
		"not positive":           {Amount: money(t, "-1", "USD")},
		"fraction":               {Amount: money(t, "1.001", "USD")},
		"cannot mix EUR and USD": {Amount: money(t, "1", "EUR")},
	} {
		w.refused(creditledger.ErrInvalid, text, func() error { _, err := w.Receive(w.ctx, inv.ID, r, "no"); return err })
	}
	inv = w.must(w.Receive(w.ctx, inv.ID, Receipt{Amount: money(t, "60", "USD"), ReceivedAt: yesterday, OutsideID: "t1", Note: "wire"}, "wire"))
	if p := inv.Payments[0]; p.ReceivedAt.String() != "2026-01-19T00:00:00Z" || p.OutsideID != "t1" || p.ChargeType != External {
		t.Errorf("%+v", p)
	}
	w.refused(creditledger.ErrConstraint, "was told of 60.00 USD", func() error {
		_, err := w.Receive(w.ctx, inv.ID, Receipt{Amount: money(t, "40", "USD"), OutsideID: "t1"}, "other")
		return err
	})
	inv = w.must(w.MarkPaid(w.ctx, inv.ID, "", "rest"))
	if inv.Status != Paid || inv.Payments[1].Amount.String() != "40.00 USD" {
		t.Errorf("%s %+v", inv.Status, inv.Payments)
	}
	w.refused(creditledger.ErrConstraint, "is paid and cannot be paid", func() error { _, err := w.MarkPaid(w.ctx, inv.ID, "", "more"); return err })
	w.prove()
}

// TestBalanceIsApplied: an open invoice is paid with the customer's balance, in part or as far
// as it goes; credits that wait are active then.
func TestBalanceIsApplied(t *testing.T) {
	for _, c := range []struct{ has, amount, due, left, credits, refusal string }{
		{"30", "", "70.00", "0.00", "0", ""},
		{"130", "", "0.00", "30.00", "100", ""},
		{"130", "45", "55.00", "85.00", "0", ""},
		{"30", "31", "100.00", "30.00", "0", "30.00 USD can be applied"},
		{"130", "101", "100.00", "130.00", "0", "100.00 USD can be applied"},
		{"", "", "100.00", "0.00", "0", "nothing can be applied"},
	} {
		w := newWorld(t, onMemory, nil)
		inv := w.sold(func(p *Purchase) { p.RequirePayment = true })
		if c.has != "" {
			w.tick()
			if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(t, c.has, "USD")}, "has"); err != nil {
				t.Fatal(err)
			}
		}
		var amount Money
		if c.amount != "" {
			amount = money(t, c.amount, "USD")
		}
		apply := func() error { _, err := w.ApplyBalance(w.ctx, inv.ID, amount, "apply"); return err }
		if w.tick(); c.refusal != "" {
			w.refused(creditledger.ErrConstraint, c.refusal, apply)
		} else if err := apply(); err != nil {
			t.Error(err)
		}
		now, err := w.Invoice(w.ctx, inv.ID)
		if err != nil || now.AmountDue.Decimal() != c.due || w.owns() != c.left || w.total(credits) != c.credits {
			t.Errorf("%+v: due %s, balance %s, %s credits, %v", c, now.AmountDue, w.owns(), w.total(credits), err)
		}
		w.prove()
	}
}

// TestBalanceIsNotAppliedToWhatCannotBeHad: the balance pays no purchase whose credits expired
// while it waited for its payment.
func TestBalanceIsNotAppliedToWhatCannotBeHad(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.sold(func(p *Purchase) {
		p.RequirePayment, p.Increment.ExpiresAt = true, creditledger.At(w.now.AddDate(0, 1, 0))
	})
	w.now = w.now.AddDate(0, 2, 0)
	w.must(w.Receive(w.ctx, inv.ID, Receipt{Amount: money(t, "100", "USD")}, "late"))
	w.refused(creditledger.ErrConstraint, "is void and cannot be paid", func() error {
		_, err := w.ApplyBalance(w.ctx, inv.ID, Money{}, "apply")
		return err
	})
	if w.owns() != "100.00" {
		t.Error(w.owns())
	}
	w.prove()
}

// TestPayouts: a customer balance is paid out in any currency it stands in, once, no more than
// it is, and to a deleted customer too.
func TestPayouts(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		inv := w.sold(paid)
		w.tick()
		w.must(w.Receive(w.ctx, inv.ID, Receipt{Amount: money(t, "25", "USD")}, "twice"))
		out := Payout{Customer: "cus", Amount: money(t, "10", "USD"), OutsideID: "po_1", Description: "asked for"}
		for text, p := range map[string]Payout{
			"less than 25.01": {Customer: "cus", Amount: money(t, "25.01", "USD")}, "less than 1.00 EUR": {Customer: "cus", Amount: money(t, "1", "EUR")},
		} {
			w.refused(creditledger.ErrConstraint, text, func() error { _, err := w.PayOut(w.ctx, p, "no"); return err })
		}
		for range 2 {
			a, err := w.PayOut(w.ctx, out, "po")
			if err != nil || a.Movement.Action != PaidOut || a.Movement.OutsideID != "po_1" || a.Movement.Ending.String() != "15.00 USD" {
				t.Errorf("%+v, %v", a, err)
			}
		}
		if _, err := w.ledger.DeleteCustomer(w.ctx, "cus"); err != nil {
			t.Fatal(err)
		}
		w.tick()
		out.Amount, out.OutsideID = money(t, "15", "USD"), "po_2"
		{
			if _, err := w.PayOut(w.ctx, out, "po2"); err != nil || w.owns() != "0.00" {
				t.Errorf("%s, %v", w.owns(), err)
			}
		}
		w.prove()
	})
}

// TestChargebackOfTwoPayments: what was paid twice is taken of the balance, where it is.
func TestChargebackOfTwoPayments(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.sold(paid)
	w.tick()
	w.must(w.Receive(w.ctx, inv.ID, Receipt{Amount: money(t, "100", "USD")}, "twice"))
	w.tick()
	inv = w.must(w.ChargeBack(w.ctx, Chargeback{Invoice: inv.ID, Amount: money(t, "100", "USD")}, "bank"))
	if w.owns() != "0.00" || inv.AmountPaid.String() != "100.00 USD" || len(inv.CreditNotes) != 0 {
		t.Errorf("balance %s, %s, %+v", w.owns(), inv.AmountPaid, inv.CreditNotes)
	}
	w.tick()
	if w.must(w.Void(w.ctx, inv.ID, "", "v")); w.owns() != "100.00" {
		t.Errorf("balance %s", w.owns())
	}
	w.prove()
	var s *StatusError
	if _, err := w.StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ChargeType: Checkout}, "s"); !errors.As(err, &s) || !strings.Contains(err.Error(), "void") {
		t.Errorf("%v", err)
	}
}
