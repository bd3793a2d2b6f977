package invoice

import (
	"fmt"
	"testing"
	"time"

	"creditledger"
)

// TestClosings: the rows CL-1 to CL-6 of the rules for closing a period.
func TestClosings(t *testing.T) {
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	on := func(day int) creditledger.When { return creditledger.On(creditledger.DateOf(2026, 1, day)) }
	line := func(n string, from, to creditledger.When) LineInput {
		return LineInput{ItemID: "api", Quantity: amount(n), UnitPrice: basis("1"), UsageFrom: from, UsageTo: to}
	}
	var none creditledger.When
	grant := func(id, n string, expires, effective time.Time) creditledger.Increment {
		op := creditledger.Increment{BlockID: id, Amount: amount(n), EffectiveAt: creditledger.At(at(1, 1))}
		if !expires.IsZero() {
			op.ExpiresAt = creditledger.At(expires)
		}
		if !effective.IsZero() {
			op.EffectiveAt = creditledger.At(effective)
		}
		return op
	}
	for _, c := range []struct {
		rule    string
		granted time.Time
		grants  []creditledger.Increment
		closed  time.Time
		sweep   bool
		lines   []LineInput
		draws   string
		due     string
		left    string
	}{
		{"CL-1", at(1, 2), []creditledger.Increment{grant("A", "100", at(2, 1), time.Time{})}, at(2, 1), false, []LineInput{line("80", none, none)}, "A 80", "0.00", "A 0, 20 lapsed"},
		{"CL-2, not swept", at(1, 2), []creditledger.Increment{grant("A", "100", at(2, 1), time.Time{})}, at(2, 20), false, []LineInput{line("80", none, none)}, "A 80", "0.00", "A 0, 20 lapsed"},
		{"CL-2, swept", at(1, 2), []creditledger.Increment{grant("A", "100", at(2, 1), time.Time{})}, at(2, 20), true, []LineInput{line("80", none, none)}, "A 80", "0.00", "A 0, 20 lapsed"},
		{"CL-3", at(1, 2), []creditledger.Increment{grant("A", "100", at(2, 1), time.Time{}), grant("B", "50", time.Time{}, time.Time{})}, at(2, 3), false, []LineInput{line("130", none, none)}, "A 100 B 30", "0.00", "A 0, 0 lapsed; B 20, 0 lapsed"},
		{"CL-4, by day", at(1, 2), []creditledger.Increment{grant("A", "100", at(1, 15), time.Time{}), grant("B", "50", time.Time{}, time.Time{})}, at(2, 3), false,
			[]LineInput{line("60", on(10), on(11)), line("70", on(20), on(21))}, "A 60 B 50", "20.00", "A 0, 40 lapsed; B 0, 0 lapsed"},
		{"CL-4, as a lump", at(1, 2), []creditledger.Increment{grant("A", "100", at(1, 15), time.Time{}), grant("B", "50", time.Time{}, time.Time{})}, at(2, 3), false,
			[]LineInput{line("130", none, none)}, "B 50", "80.00", "A 0, 100 lapsed; B 0, 0 lapsed"},
		{"CL-5", at(2, 2), []creditledger.Increment{grant("A", "100", time.Time{}, at(1, 1))}, at(2, 2), false, []LineInput{line("80", none, none)}, "A 80", "0.00", "A 20, 0 lapsed"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w := newWorld(t, onMemory, nil)
			w.customer(nil)
			w.now = c.granted
			for _, g := range c.grants {
				w.do(g)
			}
			if c.closed.After(w.now) {
				w.now = c.closed
			}
			if c.sweep {
				if _, err := w.ledger.Sweep(w.ctx); err != nil {
					t.Fatal(err)
				}
			}
			u := january()
			u.Rate, u.Lines = basis("1"), c.lines
			inv := w.must(w.ClosePeriod(w.ctx, u, "jan"))
			draws := ""
			for _, d := range inv.Period.Draws {
				draws += fmt.Sprintf(" %s %s", d.BlockID, d.Amount)
			}
			left := ""
			for _, g := range c.grants {
				b, err := w.ledger.Block(w.ctx, credits, g.BlockID)
				if err != nil {
					t.Fatal(err)
				}
				left += fmt.Sprintf("; %s %s, %s lapsed", b.ID, b.Balance, b.Lapsed)
			}
			if draws != " "+c.draws || inv.AmountDue.Decimal() != c.due || left[2:] != c.left {
				t.Errorf("drew%s, due %s, left %s", draws, inv.AmountDue, left[2:])
			}
			w.prove()
		})
	}
}

// TestVoidedAndBilledAgain is CL-6: January's bill of 40 is paid by credits that expired on
// 02-15; voided on 02-20 and billed again for 30, it is paid by what came back and lapsed.
func TestVoidedAndBilledAgain(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	w.grant(creditledger.Increment{Amount: amount("40"), BlockID: "A", ExpiresAt: creditledger.At(time.Date(2026, 2, 15, 0, 0, 0, 0, time.UTC))})
	w.now = february
	inv := w.closedOn("40")
	w.now = time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC)
	if voided := w.must(w.Void(w.ctx, inv.ID, "", "v")); voided.Period.Lost.String() != "40" {
		t.Errorf("lost %s", voided.Period.Lost)
	}
	w.tick()
	u := january()
	u.Lines = []LineInput{{ItemID: "api", Quantity: amount("30"), UnitPrice: basis("1")}}
	again := w.must(w.ClosePeriod(w.ctx, u, "again"))
	b, err := w.ledger.Block(w.ctx, credits, "A")
	if err != nil || again.AmountDue.Sign() != 0 || len(again.Period.Draws) != 1 || b.Lapsed.String() != "10" {
		t.Errorf("due %s, draws %+v, %s lapsed, %v", again.AmountDue, again.Period.Draws, b.Lapsed, err)
	}
	w.prove()
}

// TestClosingInTime: a period is closed from its end until the first usage of its lines lies
// the settlement window back, inclusive; a later one is refused and names the line.
func TestClosingInTime(t *testing.T) {
	last := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC).Add(creditledger.DefaultSettlement - time.Microsecond)
	for _, c := range []struct {
		at     time.Time
		usage  creditledger.When
		refuse string
	}{
		{last, creditledger.When{}, ""},
		{last.Add(time.Microsecond), creditledger.When{}, "line 1, of api"},
		{last, creditledger.On(creditledger.DateOf(2026, 1, 31)), "line 1, of api"},
	} {
		w := newWorld(t, onMemory, nil)
		w.customer(nil)
		w.now = c.at
		u := january()
		u.Lines[0].UsageTo = c.usage
		if c.refuse == "" {
			w.must(w.ClosePeriod(w.ctx, u, "k"))
			continue
		}
		w.refused(creditledger.ErrConstraint, c.refuse, func() error { _, err := w.ClosePeriod(w.ctx, u, "k"); return err })
	}
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	w.now = february
	for _, c := range []struct{ from, to creditledger.When }{
		{creditledger.On(creditledger.DateOf(2025, 12, 31)), creditledger.When{}},
		{creditledger.When{}, creditledger.On(creditledger.DateOf(2026, 2, 2))},
		{creditledger.On(creditledger.DateOf(2026, 1, 9)), creditledger.On(creditledger.DateOf(2026, 1, 9))},
		{creditledger.Never(), creditledger.When{}},
	} {
		u := january()
		u.Lines[0].UsageFrom, u.Lines[0].UsageTo = c.from, c.to
		w.refused(creditledger.ErrInvalid, "usage_", func() error { _, err := w.ClosePeriod(w.ctx, u, "k"); return err })
	}
}

// TestPeriodsDoNotOverlap: two periods of one account and source do not, unless the second
// says that it is a supplement; the refusal names the invoice that stands there.
func TestPeriodsDoNotOverlap(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.now = february
		jan := w.must(w.ClosePeriod(w.ctx, january(), "jan"))
		day := func(m time.Month, d int) creditledger.When { return creditledger.On(creditledger.DateOf(2026, m, d)) }
		n := 0
		try := func(from, to creditledger.When, edit func(*Usage)) error {
			n++
			w.tick()
			u := january()
			u.Start, u.End = from, to
			if edit != nil {
				edit(&u)
			}
			_, err := w.ClosePeriod(w.ctx, u, creditledger.Key(fmt.Sprint("k", n)))
			return err
		}
		for _, c := range [][2]creditledger.When{{day(1, 1), day(2, 1)}, {day(1, 31), day(2, 2)}, {creditledger.On(creditledger.DateOf(2025, 12, 1)), day(1, 2)}, {day(1, 10), day(1, 11)}} {
			w.refused(creditledger.ErrConstraint, "overlaps with invoice INV-000001", func() error { return try(c[0], c[1], nil) })
		}
		for _, edit := range []func(*Usage){
			func(u *Usage) { u.Supplement = true },
			func(u *Usage) { u.Source = Partial },
			func(u *Usage) { u.Account.Currency = "points" },
		} {
			if err := try(day(1, 10), day(1, 11), edit); err != nil {
				t.Error(err)
			}
		}
		if err := firstError(try(day(2, 1), day(2, 2), nil), try(creditledger.On(creditledger.DateOf(2025, 12, 31)), day(1, 1), nil)); err != nil {
			t.Errorf("beside it: %v", err)
		}
		w.tick()
		w.must(w.Void(w.ctx, jan.ID, "", "v"))
		w.refused(creditledger.ErrConstraint, "overlaps with invoice INV-000002", func() error { return try(day(1, 1), day(2, 1), nil) })
		if err := try(day(1, 12), day(2, 1), nil); err != nil {
			t.Errorf("where a void one was: %v", err)
		}
		w.prove()
	})
}
