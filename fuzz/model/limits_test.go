package model_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// start is 2026-01-01.
var start = cl.InstantOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

// person asks one account for things.
type person struct {
	*testing.T
	a model.Account
	q model.Request
	n int
}

func newPerson(t *testing.T) *person {
	return &person{T: t, a: model.Account{ID: cl.AccountID{Customer: "c", Currency: "credits"}, Repay: cl.RepayFirst}, q: model.Request{Clock: start, Zone: time.UTC}}
}

// ask asks for something; kind is that of the refusal, empty for none.
func (p *person) ask(op model.Operation, kind string) *model.Result {
	p.Helper()
	p.n++
	p.q.Op, p.q.Key, p.q.IDs = op, cl.Key(fmt.Sprint("k", p.n)), []string{fmt.Sprint("made", p.n), fmt.Sprint("also made", p.n)}
	r, _, err := p.a.Ask(p.q)
	got := ""
	if err != nil {
		got = err.(*model.Refusal).Kind
	}
	if got != kind {
		p.Errorf("%+v: %v, not %q", op, err, kind)
	}
	if err == nil {
		p.a.Accept(p.q, p.q.Key)
	}
	return r
}

func hold(id string, amount int64) model.SetAside {
	return model.SetAside{HoldID: id, Amount: big.NewRat(amount, 1), Overdraft: model.Reject}
}

func monthly(id string) model.Schedule {
	return model.Schedule{ScheduleID: id, Amount: big.NewRat(1, 1), Every: model.Span{Count: 1, Unit: "month"}}
}

// TestAtMostAThousandHolds: open holds count, and the clock says which are open.
func TestAtMostAThousandHolds(t *testing.T) {
	p := newPerson(t)
	p.a.Quick = true
	p.ask(cl.Increment{Amount: cl.AmountOf(2000)}, "")
	for i := range 1000 {
		p.ask(hold(fmt.Sprint("h", i), 1), "")
	}
	p.ask(hold("one more", 1), model.Constraint)
	p.ask(model.Release{HoldID: "h7"}, "")
	p.ask(hold("one more", 1), "")
	p.ask(hold("too many", 1), model.Constraint)
	p.q.Clock = start.Add(15 * time.Minute)
	p.ask(hold("after they lapsed", 1), "")
}

// TestAtMostAHundredSchedules: those with a grant to come count.
func TestAtMostAHundredSchedules(t *testing.T) {
	p := newPerson(t)
	p.a.Quick = true
	for i := range 100 {
		s := monthly(fmt.Sprint("s", i))
		s.Count = 2
		p.ask(s, "")
	}
	p.ask(monthly("one more"), model.Constraint)
	p.ask(model.EndSchedule{ScheduleID: "s3"}, "")
	p.ask(monthly("one more"), "")
	p.ask(monthly("too many"), model.Constraint)
	p.q.Clock = start.Add(32 * 24 * time.Hour) // the second of two periods was granted
	p.ask(monthly("after they ended"), "")
}

// TestAtMostSixtyFourAccounts stand in an act.
func TestAtMostSixtyFourAccounts(t *testing.T) {
	act := func(n int) error {
		a := &model.Act{Op: model.All{}, Clock: start}
		for i := range n {
			on := &model.Account{ID: cl.AccountID{Customer: fmt.Sprint("c", i), Currency: "credits"}, Repay: cl.RepayFirst}
			q := model.Request{Op: cl.Increment{Amount: cl.AmountOf(1)}, Zone: time.UTC, IDs: []string{"b"}}
			a.Parts = append(a.Parts, model.Part{On: on, Request: q}, model.Part{On: on, Request: model.Request{Op: cl.Decrement{Amount: cl.AmountOf(1)}}})
		}
		_, _, err := a.Do()
		return err
	}
	if err := act(64); err != nil {
		t.Error(err)
	}
	if err, is := act(65).(*model.Refusal); !is || err.Kind != model.Invalid {
		t.Error(err)
	}
}

// TestDeletedCustomer: what a deleted customer has can be ended; nothing new begins.
func TestDeletedCustomer(t *testing.T) {
	for _, c := range []struct {
		op   model.Operation
		kind string
	}{
		{model.Capture{HoldID: "h", Amount: big.NewRat(1, 1), Overdraft: model.StopAtZero}, ""},
		{model.Capture{HoldID: "h", Amount: big.NewRat(1, 1), Overdraft: model.StopAtZero, KeepOpen: true}, ""},
		{model.Release{HoldID: "h"}, ""},
		{model.EndSchedule{ScheduleID: "s"}, ""},
		{cl.Activation{BlockID: "unpaid"}, ""},
		{hold("g", 1), model.Constraint},
		{hold("g", 1000), model.Constraint},
		{hold("h", 1), model.Duplicate},
		{model.ExtendHold{HoldID: "h", Amount: big.NewRat(1, 1), Overdraft: model.Reject}, model.Constraint},
		{model.Reverse{Charge: "k3"}, model.Constraint},
		{model.Reverse{Charge: "nosuch"}, model.NotFound},
		{monthly("new"), model.Constraint},
		{model.ChangeSchedule{ScheduleID: "s", Amount: big.NewRat(2, 1)}, model.Constraint},
		{cl.Decrement{Amount: cl.AmountOf(1), UsageAt: start}, model.Constraint},
		{model.Batch{model.Release{HoldID: "h"}, cl.Decrement{Amount: cl.AmountOf(1)}}, model.Constraint},
	} {
		p := newPerson(t)
		p.ask(cl.Increment{Amount: cl.AmountOf(10), BlockID: "b"}, "")
		p.ask(cl.Increment{Amount: cl.AmountOf(10), BlockID: "unpaid", RequirePayment: true}, "")
		p.ask(cl.Decrement{Amount: cl.AmountOf(1)}, "")
		p.ask(hold("h", 5), "")
		p.ask(monthly("s"), "")
		p.q.Deleted = true
		p.ask(c.op, c.kind)
		p.q.Deleted, p.q.Foreign = false, true
		if p.ask(hold("foreign", 1), model.Constraint); c.kind == "" {
			p.ask(hold("h", 1), model.Duplicate)
		}
	}
}

// TestOwnSettings: how late usage may be, and how long a hold may last.
func TestOwnSettings(t *testing.T) {
	p := newPerson(t)
	p.a.Settlement, p.a.MaxHold = time.Hour, 10*time.Minute
	p.ask(cl.Increment{Amount: cl.AmountOf(10), BlockID: "b", EffectiveAt: cl.AtInstant(start.Add(-5 * time.Hour))}, "")
	late := func(d time.Duration) model.Operation {
		return cl.Decrement{Amount: cl.AmountOf(1), UsageAt: start.Add(-d)}
	}
	p.ask(late(time.Hour), "")
	p.ask(late(time.Hour+time.Microsecond), model.Constraint)
	p.ask(late(-time.Microsecond), model.Invalid)
	h := hold("h", 1)
	if r := p.ask(h, ""); r.Hold.Until != start.Add(10*time.Minute) {
		t.Errorf("a hold without an end lasts until %s", r.Hold.Until)
	}
	h.HoldID, h.Until = "longer", start.Add(10*time.Minute+time.Microsecond)
	p.ask(h, model.Invalid)
	p.q.Clock = start.Add(time.Minute)
	p.ask(model.ExtendHold{HoldID: "h", Amount: new(big.Rat), Overdraft: model.Reject, Until: start.Add(11 * time.Minute)}, model.Constraint)
}

// TestPastOfLatest: a period that a reader saw stays in what is told of the past, though it
// was passed over later.
func TestPastOfLatest(t *testing.T) {
	p := newPerson(t)
	s := monthly("s")
	s.CatchUp = "latest"
	p.ask(s, "")
	february, april := start.Add(40*24*time.Hour), start.Add(100*24*time.Hour)
	total := func(at cl.Instant) string { return model.Text(p.a.AsOf(at).Total(at)) }
	p.q.Clock = february
	if got := total(february); got != "1" {
		t.Errorf("in February a reader is told %s", got)
	}
	p.q.Clock = april
	p.ask(cl.Increment{Amount: cl.AmountOf(1)}, "")
	if n := len(p.a.Now().Blocks); n != 3 { // January's, April's, and that of the increment
		t.Errorf("%d blocks", n)
	}
	if got := total(february); got != "1" {
		t.Errorf("in April a reader is told %s of February", got)
	}
}

// TestSweepSettlesWhatItWrites: the clock may go back to the last thing that a sweep wrote,
// and no further.
func TestSweepSettlesWhatItWrites(t *testing.T) {
	p := newPerson(t)
	p.ask(cl.Increment{Amount: cl.AmountOf(10), ExpiresAt: cl.AtInstant(start.Add(5 * time.Minute)), Priority: 1}, "")
	p.ask(cl.Increment{Amount: cl.AmountOf(10)}, "")
	p.ask(hold("h", 4), "")
	if n := p.a.Sweep(start.Add(time.Hour)); n != 1 {
		t.Fatalf("%d entries", n)
	}
	p.q.Clock = start.Add(10 * time.Minute)
	if s := p.a.AsOf(p.a.Instant(p.q.Clock)); model.Text(s.Held(p.q.Clock)) != "4" {
		t.Errorf("ten minutes after it was made %s is held", model.Text(s.Held(p.q.Clock)))
	}
	r := p.ask(model.Capture{HoldID: "h", Amount: big.NewRat(1, 1), Overdraft: model.StopAtZero}, "")
	if r.Late || r.At != p.q.Clock {
		t.Errorf("a capture at %s, late: %v", r.At, r.Late)
	}
}
