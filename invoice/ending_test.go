package invoice

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"creditledger"
)

// act is a step of a story about one invoice.
type act func(*world, *Invoice, creditledger.Key) (*Answer, error)

func begins(n string) act {
	return func(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
		a := Attempt{Provider: "cards", ProviderID: "a", ChargeType: Checkout}
		if n != "" {
			a.Amount = money(w.t, n, "USD")
		}
		return w.StartPayment(w.ctx, inv.ID, a, k)
	}
}

func succeeds(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
	return w.PaymentSucceeded(w.ctx, inv.ID, "a", k)
}

func fails(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
	return w.PaymentFailed(w.ctx, inv.ID, "a", FailedReason{Code: "declined"}, k)
}

func takes(n string) act {
	return func(w *world, inv *Invoice, k creditledger.Key) (*Answer, error) {
		return w.Receive(w.ctx, inv.ID, Receipt{Amount: money(w.t, n, "USD")}, k)
	}
}

func sweeps(w *world, inv *Invoice, _ creditledger.Key) (*Answer, error) {
	_, err := w.Sweep(w.ctx, "")
	return &Answer{Invoice: inv}, err
}

func nothing(w *world, inv *Invoice, _ creditledger.Key) (*Answer, error) {
	return &Answer{Invoice: inv}, nil
}

// trusts gives the credits though nothing was paid.
func trusts(w *world, inv *Invoice, _ creditledger.Key) (*Answer, error) {
	w.do(creditledger.Activation{BlockID: "bought"})
	return &Answer{Invoice: inv}, nil
}

// at is a step at midnight of a day of January, or at an hour of it.
type at struct {
	day, hour int
	do        act
}

func (a at) time() time.Time { return time.Date(2026, 1, a.day, a.hour, 0, 0, 0, time.UTC) }

// standing is how an invoice, the customer balance and the credits stand, read from the service.
func (w *world) standing(id string) string {
	w.t.Helper()
	inv, err := w.Invoice(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	s := fmt.Sprintf("%s due %s paid %s credited %s; balance %s, credits %s", inv.Status, inv.AmountDue.Decimal(), inv.AmountPaid.Decimal(), inv.Credited.Decimal(), w.owns(), w.total(credits))
	if inv.VoidedAt != 0 {
		s += "; void " + inv.VoidedAt.Time().Format("01-02 15")
	}
	return s
}

// TestUnpaidPurchaseEnds: a purchase that waits for its payment ends when its credits expire,
// 01-10, or at its deadline, unless an attempt is under way; each story ends the same whether
// somebody swept, and whether the service was opened again.
func TestUnpaidPurchaseEnds(t *testing.T) {
	const gone = "void due 0.00 paid 0.00 credited 0.00; balance 0.00, credits 0; void "
	deadline := func(p *Purchase) { p.PaymentDeadline = creditledger.On(creditledger.DateOf(2026, 1, 5)) }
	shift := func(p *Purchase) { p.ShiftExpiry = true }
	for _, c := range []struct {
		name  string
		terms func(*Purchase)
		steps []at
		want  string
	}{
		{"before", nil, []at{{9, 23, nothing}}, "issued due 100.00 paid 0.00 credited 0.00; balance 0.00, credits 0"},
		{"at its expiry", nil, []at{{10, 0, nothing}}, gone + "01-10 00"},
		{"later", nil, []at{{20, 0, nothing}}, gone + "01-10 00"},
		{"at its deadline", deadline, []at{{5, 0, nothing}}, gone + "01-05 00"},
		{"its deadline is after its expiry", func(p *Purchase) { p.PaymentDeadline = creditledger.On(creditledger.DateOf(2026, 1, 15)) }, []at{{20, 0, nothing}}, gone + "01-10 00"},
		{"paid before", deadline, []at{{4, 23, takes("100")}, {5, 0, nothing}}, "paid due 0.00 paid 100.00 credited 0.00; balance 0.00, credits 100"},
		{"a part was paid", deadline, []at{{4, 0, takes("60")}, {6, 0, nothing}}, "void due 0.00 paid 60.00 credited 0.00; balance 60.00, credits 0; void 01-05 00"},
		{"paid after", nil, []at{{11, 0, takes("100")}}, "void due 0.00 paid 100.00 credited 0.00; balance 100.00, credits 0; void 01-10 00"},
		{"paid after, shifting", shift, []at{{11, 0, takes("100")}}, "void due 0.00 paid 100.00 credited 0.00; balance 100.00, credits 0; void 01-10 00"},
		{"an attempt under way", nil, []at{{9, 0, begins("")}, {12, 0, nothing}}, "issued due 100.00 paid 0.00 credited 0.00; balance 0.00, credits 0"},
		{"an attempt under way, a part was paid", nil, []at{{8, 0, takes("60")}, {9, 0, begins("")}, {12, 0, nothing}}, "issued due 40.00 paid 60.00 credited 0.00; balance 0.00, credits 0"},
		{"it fails", nil, []at{{9, 0, begins("")}, {12, 0, fails}}, gone + "01-12 00"},
		{"it fails before", nil, []at{{8, 0, begins("")}, {9, 0, fails}, {12, 0, nothing}}, gone + "01-10 00"},
		{"it fails, then succeeds", nil, []at{{9, 0, begins("")}, {12, 0, fails}, {13, 0, succeeds}}, "void due 0.00 paid 100.00 credited 0.00; balance 100.00, credits 0; void 01-12 00"},
		{"it succeeds", nil, []at{{9, 0, begins("")}, {11, 0, succeeds}}, "paid due 0.00 paid 100.00 credited 100.00; balance 100.00, credits 0"},
		{"it succeeds after the deadline", deadline, []at{{4, 0, begins("")}, {6, 0, succeeds}}, "paid due 0.00 paid 100.00 credited 100.00; balance 100.00, credits 0"},
		{"it succeeds, shifting", shift, []at{{9, 0, begins("")}, {11, 0, succeeds}, {19, 23, nothing}}, "paid due 0.00 paid 100.00 credited 0.00; balance 0.00, credits 100"},
		{"shifted, and over", shift, []at{{9, 0, begins("")}, {11, 0, succeeds}, {20, 0, nothing}}, "paid due 0.00 paid 100.00 credited 0.00; balance 0.00, credits 0"},
		{"it succeeds after the deadline, shifting", func(p *Purchase) { deadline(p); shift(p) }, []at{{4, 0, begins("")}, {6, 0, succeeds}, {14, 23, nothing}}, "paid due 0.00 paid 100.00 credited 0.00; balance 0.00, credits 100"},
		{"a part of it succeeds", shift, []at{{9, 0, begins("40")}, {11, 0, succeeds}}, "void due 0.00 paid 40.00 credited 0.00; balance 40.00, credits 0; void 01-11 00"},
		{"a part before, the rest succeeds", nil, []at{{8, 0, takes("60")}, {9, 0, begins("")}, {11, 0, succeeds}}, "paid due 0.00 paid 100.00 credited 100.00; balance 100.00, credits 0"},
		{"paid elsewhere while an attempt is under way", nil, []at{{9, 0, begins("")}, {12, 0, takes("100")}}, "paid due 0.00 paid 100.00 credited 100.00; balance 100.00, credits 0"},
		{"the same, and then the attempt fails", nil, []at{{9, 0, begins("")}, {12, 0, takes("100")}, {13, 0, fails}}, "paid due 0.00 paid 100.00 credited 100.00; balance 100.00, credits 0"},
		{"the same, and then it succeeds", nil, []at{{9, 0, begins("")}, {12, 0, takes("100")}, {13, 0, succeeds}}, "paid due 0.00 paid 200.00 credited 100.00; balance 200.00, credits 0"},
		{"paid elsewhere while an attempt is under way, shifting", shift, []at{{9, 0, begins("")}, {12, 0, takes("100")}, {13, 0, fails}}, "paid due 0.00 paid 100.00 credited 0.00; balance 0.00, credits 100"},
		{"paid elsewhere after the deadline while an attempt is under way", deadline, []at{{4, 0, begins("")}, {6, 0, takes("100")}}, "paid due 0.00 paid 100.00 credited 100.00; balance 100.00, credits 0"},
		{"given on trust while an attempt is under way", func(p *Purchase) { deadline(p); shift(p) }, []at{{4, 0, begins("")}, {6, 0, trusts}, {7, 0, succeeds}}, "paid due 0.00 paid 100.00 credited 0.00; balance 0.00, credits 100"},
		{"given on trust, then paid", nil, []at{{4, 0, trusts}, {12, 0, takes("100")}}, "paid due 0.00 paid 100.00 credited 0.00; balance 0.00, credits 0"},
		{"given on trust while an attempt is under way that fails", deadline, []at{{4, 0, begins("")}, {6, 0, trusts}, {7, 0, fails}}, "issued due 100.00 paid 0.00 credited 0.00; balance 0.00, credits 100"},
		{"more than all, under way", nil, []at{{9, 0, begins("")}, {11, 0, takes("30")}, {12, 0, succeeds}}, "paid due 0.00 paid 130.00 credited 100.00; balance 130.00, credits 0"},
	} {
		for _, swept := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, ", swept ", swept), func(t *testing.T) {
				w := newWorld(t, onMemory, nil)
				inv := w.soldIn(1, c.terms)
				for i, s := range c.steps {
					w.now = s.time()
					if swept {
						if _, err := sweeps(w, inv, ""); err != nil {
							t.Fatal(err)
						}
					}
					w.prove()
					if _, err := s.do(w, inv, creditledger.Key(fmt.Sprint("step ", i))); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
					w.prove()
				}
				if got := w.standing(inv.ID); got != c.want {
					t.Errorf("\n%s\n%s", got, c.want)
				}
				if _, err := sweeps(w, inv, ""); err != nil {
					t.Fatal(err)
				}
				w.restart()
				w.prove()
				if got := w.standing(inv.ID); got != c.want {
					t.Errorf("opened again:\n%s\n%s", got, c.want)
				}
			})
		}
	}
}

// soldIn is 100 credits at 1.00 that wait for their payment, from 01-01 to 01-10.
func (w *world) soldIn(day int, edit func(*Purchase)) *Invoice {
	w.t.Helper()
	w.now = time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
	return w.sold(func(p *Purchase) {
		p.RequirePayment = true
		p.Increment.ExpiresAt = creditledger.On(creditledger.DateOf(2026, 1, 10))
		if edit != nil {
			edit(p)
		}
	})
}

// TestShiftedExpiry: a purchase whose attempt succeeds after its credits expired has them
// granted anew with shift_expiry: the same amount, price and length, from then, whose parent is
// the block that expired. What had been voided of that is not granted.
func TestShiftedExpiry(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.soldIn(1, func(p *Purchase) {
		p.ShiftExpiry = true
		p.Increment.Priority, p.Increment.Metadata = 3, map[string]string{"a": "1"}
		p.Increment.Filters = []creditledger.Filter{{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterIncludes, Values: []string{"calls"}}}
	})
	w.do(creditledger.Void{BlockID: "bought", Amount: amount("30")})
	w.now = at{9, 0, nil}.time()
	w.must(begins("")(w, inv, "begin"))
	w.now = at{11, 0, nil}.time()
	a, err := succeeds(w, inv, "ok")
	paid := w.must(a, err)
	if a.Received.Reason != "" || a.Received.Applied.Decimal() != "100.00" || paid.Purchase.ParentBlockID != "bought" || paid.Purchase.BlockID == "bought" {
		t.Errorf("%+v %+v", a.Received, paid.Purchase)
	}
	b, err := w.ledger.Block(w.ctx, credits, paid.Purchase.BlockID)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(b.EffectiveAt, b.ExpiresAt, b.Initial, b.Balance, b.CostBasis, b.Priority, len(b.Filters), b.Metadata, b.InvoiceID == inv.ID, b.Status); got != "2026-01-11T00:00:00Z 2026-01-20T00:00:00Z 100 70 1 3 1 map[a:1] true active" {
		t.Error(got)
	}
	w.prove()
	w.tick()
	w.must(w.Void(w.ctx, inv.ID, "", "void"))
	if w.total(credits) != "0" || w.owns() != "100.00" {
		t.Errorf("void: %s credits, balance %s", w.total(credits), w.owns())
	}
	w.prove()
}

// TestShiftedLength: what begins anew is as long as what expired, in calendar days of the
// customer, also where a clock was changed in between.
func TestShiftedLength(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][4]string{
		{"2026-01-01T00:00", "2026-01-10T00:00", "2026-01-11T00:00", "2026-01-20T00:00"},
		{"2026-03-01T00:00", "2026-04-01T00:00", "2026-04-02T15:00", "2026-05-03T15:00"},
		{"2026-03-01T00:00", "2026-03-10T12:00", "2026-03-25T06:00", "2026-04-03T18:00"},
		{"2026-03-28T12:00", "2026-03-29T11:00", "2026-06-01T00:00", "2026-06-01T22:00"}, // a day of 23 hours
		{"2026-01-01T00:00", "2026-01-01T06:00", "2026-01-02T20:00", "2026-01-03T02:00"},
	} {
		var at [4]time.Time
		for i, text := range c {
			if at[i], err = time.ParseInLocation("2006-01-02T15:04", text, berlin); err != nil {
				t.Fatal(err)
			}
		}
		if got := shifted(at[0].UTC(), at[1].UTC(), at[2].UTC(), berlin); !got.Equal(at[3]) {
			t.Errorf("%v: %s", c, got)
		}
	}
}

// TestEndsAreSeenEverywhere: what ended by time is seen by all that reads, in a preview and by
// the next call on the customer, as of when it ended, although nobody wrote it.
func TestEndsAreSeenEverywhere(t *testing.T) {
	sold := func(t *testing.T) (*world, *Invoice) {
		w := newWorld(t, onMemory, nil)
		inv := w.soldIn(1, nil)
		w.now = at{2, 0, nil}.time()
		w.must(takes("60")(w, inv, "part"))
		w.now = at{20, 0, nil}.time()
		return w, inv
	}
	w, inv := sold(t)
	before := w.dump()
	st, err := w.State(w.ctx, "cus")
	if err != nil || len(st.Open) != 0 || len(st.Balances) != 1 || st.Balances[0].Amount.Decimal() != "60.00" {
		t.Errorf("state: %+v, %v", st, err)
	}
	moves, err := w.Movements(w.ctx, "cus", "USD", 0, 10)
	if err != nil || len(moves) != 1 || moves[0].Action != PaymentReturned || moves[0].CreatedAt.String() != "2026-01-10T00:00:00Z" {
		t.Errorf("transactions: %+v, %v", moves, err)
	}
	for _, customer := range []string{"", "cus"} {
		for status, want := range map[Status]int{Issued: 0, Void: 1} {
			page, err := w.Invoices(w.ctx, ListQuery{Customer: customer, Status: status})
			if err != nil || len(page.Invoices) != want {
				t.Errorf("list of %q, %s: %d, %v", customer, status, len(page.Invoices), err)
			}
		}
	}
	next := sale100()
	next.Increment.BlockID = "next"
	p, err := w.Preview().Purchase(w.ctx, next, "")
	if err != nil || p.Invoice.Balance.Decimal() != "20.00" || p.Invoice.Status != Paid {
		t.Errorf("preview: %+v, %v", p, err)
	}
	if after := w.dump(); after != before {
		t.Error("reading wrote something")
	}
	if got := w.must(w.Purchase(w.ctx, next, "next")); got.Balance.Decimal() != "20.00" || got.Status != Paid {
		t.Errorf("next: %+v", got)
	}
	if stored := w.must(&Answer{Invoice: inv}, nil); stored.Status != Issued {
		t.Error("the answer before is another one now")
	}
	now, err := w.stored(w.ctx, inv.ID)
	if err != nil || now.Status != Void || now.VoidedAt.String() != "2026-01-10T00:00:00Z" || !now.Purchase.EndedUnpaid {
		t.Errorf("stored: %+v, %v", now, err)
	}
	w.prove()

	w, inv = sold(t)
	w.refused(creditledger.ErrConstraint, "is void", func() error {
		_, err := w.Preview().StartPayment(w.ctx, inv.ID, Attempt{Provider: "p", ChargeType: Checkout}, "")
		return err
	})
	for i := range 2 { // a sweep writes it, once
		if n, err := w.Sweep(w.ctx, "cus"); err != nil || n != 1-i {
			t.Errorf("swept %d, %v", n, err)
		}
	}
	w.prove()
}

// TestExpiryChangesWhileWaiting: a purchase ends when its credits would expire by now, whatever
// their expiry was when they were sold; it does not end once somebody gave them on trust.
func TestExpiryChangesWhileWaiting(t *testing.T) {
	moved := func(day int) creditledger.Operation {
		return creditledger.ExpirationChange{BlockID: "bought", Target: creditledger.On(creditledger.DateOf(2026, 1, day))}
	}
	for _, c := range []struct {
		name string
		op   creditledger.Operation
		want string // on 01-20
		day  int    // of the operation; 0: that of the sale
	}{
		{"later", moved(25), "issued due 100.00 paid 0.00 credited 0.00; balance 0.00, credits 0", 0},
		{"later, and over", moved(15), "void due 0.00 paid 0.00 credited 0.00; balance 0.00, credits 0; void 01-15 00", 0},
		{"sooner", moved(5), "void due 0.00 paid 0.00 credited 0.00; balance 0.00, credits 0; void 01-05 00", 0},
		{"a part later", creditledger.ExpirationChange{BlockID: "bought", Amount: amount("40"), Target: creditledger.On(creditledger.DateOf(2026, 1, 16))},
			"void due 0.00 paid 0.00 credited 0.00; balance 0.00, credits 0; void 01-16 00", 0},
		{"on trust", creditledger.Activation{BlockID: "bought"}, "issued due 100.00 paid 0.00 credited 0.00; balance 0.00, credits 0", 0},
		{"after its deadline", creditledger.Activation{BlockID: "bought"}, "void due 0.00 paid 0.00 credited 0.00; balance 0.00, credits 0; void 01-08 00", 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, onMemory, nil)
			inv := w.soldIn(1, func(p *Purchase) {
				if strings.Contains(c.name, "trust") || c.day > 0 {
					p.PaymentDeadline = creditledger.On(creditledger.DateOf(2026, 1, 8))
				}
			})
			if c.day > 0 {
				w.now = at{c.day, 0, nil}.time()
			}
			w.do(c.op)
			w.now = at{20, 0, nil}.time()
			if got := w.standing(inv.ID); got != c.want {
				t.Errorf("\n%s\n%s", got, c.want)
			}
			w.prove()
			w.tick()
			if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "other", Type: BalanceIncrement, Amount: money(t, "1", "USD")}, "b"); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Sweep(w.ctx, ""); err != nil {
				t.Fatal(err)
			}
			if got := w.standing(inv.ID); got != c.want {
				t.Errorf("after a call:\n%s\n%s", got, c.want)
			}
			w.prove()
		})
	}
}

// TestDeadlinesThatCannotBe: a deadline goes with a payment that is waited for, and lies ahead.
func TestDeadlinesThatCannotBe(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	day := func(d int) creditledger.When { return creditledger.On(creditledger.DateOf(2026, 1, d)) }
	for text, edit := range map[string]func(*Purchase){
		"invoice_settings.payment_deadline: goes with":     func(p *Purchase) { p.RequirePayment, p.PaymentDeadline = false, day(20) },
		"invoice_settings.shift_expiry: goes with":         func(p *Purchase) { p.RequirePayment, p.ShiftExpiry = false, true },
		"invoice_settings.payment_deadline: 2026-01-15T00": func(p *Purchase) { p.PaymentDeadline = day(15) },
		"invoice_settings.payment_deadline: never":         func(p *Purchase) { p.PaymentDeadline = creditledger.Never() },
		"invoice_settings.payment_deadline":                func(p *Purchase) { p.PaymentDeadline = creditledger.On(creditledger.DateOf(2026, 2, 30)) },
	} {
		p := sale100()
		p.RequirePayment = true
		edit(&p)
		w.refused(creditledger.ErrInvalid, text, func() error { _, err := w.Purchase(w.ctx, p, "k"); return err })
	}
	p := sale100()
	p.RequirePayment, p.PaymentDeadline = true, day(16)
	w.must(w.Purchase(w.ctx, p, "k"))
	p.PaymentDeadline = day(17)
	w.refused(creditledger.ErrIdempotencyMismatch, "payment_deadline", func() error { _, err := w.Purchase(w.ctx, p, "k"); return err })
}
