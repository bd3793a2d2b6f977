package fuzz

import (
	"fmt"
	"math/big"
	"time"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// schedule draws a schedule, mostly under a new id.
func (g *generator) schedule() cl.Operation {
	op := cl.Schedule{
		ScheduleID: g.newSchedule(), Amount: g.amount(), Every: oneOf(g, "every", periods...), First: oneOf(g, "first", cl.FirstFull, cl.FirstFull, cl.FirstProrated, cl.FirstSkip),
		Scale: oneOf(g, "scale", 0, 0, 2, 8, 18), Filters: oneOf(g, "filters", itemFilters...), Priority: oneOf[int32](g, "priority", 0, 0, 0, 1, -1),
	}
	if g.chance(4, "zone") {
		op.Timezone = oneOf(g, "timezone", zones...)
	}
	if g.below(3, "anchor") > 0 {
		op.Anchor = g.calendar(-60)
	}
	if g.chance(5, "start") {
		op.Start = g.calendar(0)
	}
	switch g.below(6, "end") {
	case 4:
		op.End = g.calendar(20)
	case 5:
		op.Count = 1 + g.below(4, "count")
	}
	op.Expires = g.life()
	if !op.Expires.IsNever() && g.below(3, "rolls over") > 0 {
		op.Rollover = g.rollover()
	}
	if g.chance(4, "latest") {
		op.CatchUp = cl.CatchUpLatest
	}
	if cost := oneOf(g, "cost", costs...); cost != "" {
		op.CostBasis = cl.MustCostBasis(cost)
	}
	if g.chance(4, "source") {
		op.Source = cl.GrantsFrom(oneOf(g, "source", cl.SourceManual, cl.SourceTopUp))
	}
	op.RequirePayment = g.chance(8, "pending")
	op.Description, op.Metadata = g.note()
	return op
}

var periods = []cl.Interval{
	{Count: 1, Unit: cl.IntervalDay}, {Count: 1, Unit: cl.IntervalMonth}, {Count: 1, Unit: cl.IntervalDay}, {Count: 1, Unit: cl.IntervalWeek},
	{Count: 2, Unit: cl.IntervalDay}, {Count: 1, Unit: cl.IntervalYear}, {Count: 3, Unit: cl.IntervalMonth},
}

// newSchedule is an id that no schedule and no block has, or rarely one that some has.
func (g *generator) newSchedule() string {
	if g.chance(10, "used schedule") && len(g.state.Plans) > 0 {
		return oneOf(g, "plan", g.state.Plans...).ScheduleID
	}
	g.m.fresh++
	id := fmt.Sprintf("s%d", g.m.fresh)
	g.planned = append(g.planned, id)
	return id
}

// calendar draws a point of the calendar within some days from now: a day, a local
// date-time or an instant.
func (g *generator) calendar(from int) cl.CalendarTime {
	if n := len(g.state.Plans); n > 0 && g.chance(4, "with another") { // two fall due together
		p := g.state.Plans[g.below(n, "plan")]
		if at := p.Next(); at != 0 && from < 0 {
			return cl.Exactly(p.Period(p.FirstK).Time())
		}
	}
	at := g.at.Time().AddDate(0, 0, from+g.below(70, "days"))
	if g.chance(3, "end of month") {
		at = time.Date(at.Year(), at.Month(), 31, at.Hour(), at.Minute(), 0, 0, time.UTC)
	}
	switch g.below(4, "calendar") {
	case 0:
		return cl.OnDay(cl.DateOf(at.Year(), at.Month(), at.Day()))
	case 1, 2:
		clock := oneOf(g, "clock", 2*time.Hour+30*time.Minute, 90*time.Minute, 0, 12*time.Hour+time.Microsecond, 30*time.Minute)
		at = time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC).Add(clock)
		return cl.Local(cl.LocalTimeOf(at, time.UTC))
	}
	return cl.Exactly(at)
}

func (g *generator) life() cl.GrantExpiry {
	switch g.below(8, "life") {
	case 6:
		return cl.ExpiresNever()
	case 7:
		return cl.ExpiresAfter(oneOf(g, "after", periods[:5]...))
	}
	return cl.GrantExpiry{}
}

func (g *generator) rollover() cl.Rollover {
	r := cl.Rollover{Percent: oneOf(g, "percent", cl.AmountOf(100), cl.AmountOf(100), cl.AmountOf(50), cl.MustAmount("33.333333333333333333")), MaxTimes: 1 + g.below(3, "times"), Expires: g.life()}
	if g.chance(3, "max") {
		r.Max = g.amount()
	}
	return r
}

// plan draws a schedule that there is, mostly an active one, or rarely one that there is not.
func (g *generator) plan() string {
	if g.chance(24, "unknown schedule") {
		return "nope"
	}
	if len(g.planned) > 0 && g.chance(3, "of this batch") {
		return oneOf(g, "planned", g.planned...)
	}
	var all, active []string
	for _, p := range g.state.Plans {
		if all = append(all, p.ScheduleID); p.Next() != 0 {
			active = append(active, p.ScheduleID)
		}
	}
	if len(active) > 0 && g.below(6, "any schedule") < 5 {
		all = active
	}
	if len(all) == 0 {
		return "nope"
	}
	return all[len(all)-1-g.below(len(all), "schedule")]
}

func (g *generator) changeSchedule() cl.Operation {
	op := cl.ChangeSchedule{ScheduleID: g.plan(), When: oneOf(g, "when", cl.ChangeNow, cl.ChangeNext)}
	if g.below(4, "amount") > 0 {
		op.Amount = g.amount()
		if p := g.state.PlanOf(op.ScheduleID); p != nil {
			op.Amount = g.amount(p.Amount, new(big.Rat).Mul(p.Amount, big.NewRat(3, 1)), p.Level)
		}
	}
	if g.chance(4, "rollover") {
		r := g.rollover()
		if g.chance(4, "no more") {
			r = cl.Rollover{}
		}
		op.Rollover = &r
	}
	if g.chance(5, "expires") {
		if e := g.life(); !e.IsNever() || op.Rollover == nil || op.Rollover.IsZero() {
			op.Expires = &e
		}
	}
	if g.chance(5, "metadata") || op.Amount.IsZero() && op.Rollover == nil && op.Expires == nil {
		one := "1"
		op.Metadata = oneOf(g, "merged", map[string]*string{"a": &one}, map[string]*string{"a": nil}, map[string]*string{"x": &one, "record_id": nil})
	}
	if g.chance(3, "note") {
		op.Description = "more"
	}
	return op
}

func (g *generator) endSchedule() cl.Operation {
	op := cl.EndSchedule{ScheduleID: g.plan(), VoidBlocks: g.below(3, "void") > 0}
	if op.VoidBlocks && g.chance(3, "refund") {
		op.VoidReason = cl.VoidRefund
	}
	op.Description, op.Metadata = g.note()
	return op
}

// grants tells whether the account has a schedule with a grant to come.
func (g *generator) grants() (n int) {
	for _, p := range g.state.Plans {
		if p.Next() != 0 {
			n++
		}
	}
	return n
}

// falling is when a schedule grants, or an instant beside it; 0 for never.
func (g *generator) falling() cl.Instant {
	var at []cl.Instant
	for _, p := range g.state.Plans {
		if next := p.Next(); next > g.at && next < g.at.Add(100*24*time.Hour) {
			at = append(at, next)
		}
	}
	if len(at) == 0 {
		return 0
	}
	next := oneOf(g, "falls due", at...)
	return oneOf(g, "beside", next, next, next-1, next.Add(time.Hour), next.Add(-time.Hour))
}

// schedules compares the list of schedules.
func (m *machine) schedules(g *generator) {
	want := ""
	for _, p := range g.state.Plans {
		want += wantedPlan(p)
	}
	for _, s := range m.systems {
		list, err := s.ledger.Schedules(m.ctx, g.on.id)
		got := ""
		for i := range list {
			got += scheduleText(&list[i])
		}
		if err != nil || got != want {
			g.t.Fatalf("%s: schedules of %s at %s: %v%s", s.name, g.on.id, g.at, err, difference(got, want))
		}
	}
}

func scheduleText(s *cl.ScheduleInfo) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("\n  schedule %s %s: %s every %s from %s in %s, %d granted, next %s", s.ID, s.State, s.Amount, s.Every, s.Anchor, s.Timezone, s.Granted, s.NextDue)
}

func wantedPlan(p *model.Plan) string {
	if p == nil {
		return ""
	}
	every := fmt.Sprintf("%d %ss", p.Every.Count, p.Every.Unit)
	if p.Every.Count == 1 {
		every = "1 " + p.Every.Unit
	}
	return fmt.Sprintf("\n  schedule %s %s: %s every %s from %s in %s, %d granted, next %s", p.ScheduleID, p.State(), model.Text(p.Amount), every, p.Wall, p.Zone, p.Granted, p.Next())
}

// spoilOnSchedule is spoil of an operation on a schedule, with the n-th fault.
func (g *generator) spoilOnSchedule(op cl.Operation, n int) cl.Operation {
	switch op := op.(type) {
	case cl.Schedule:
		faults := []func(){
			func() { op.ScheduleID = "a/b" },
			func() { op.Amount = cl.Amount{} },
			func() { op.Every.Count = 1001 },
			func() { op.Every.Unit = 9 },
			func() { op.Count, op.End = 2, cl.Exactly(g.at.Time().AddDate(1, 0, 0)) },
			func() { op.Scale = 19 },
			func() {
				op.Rollover, op.Expires = cl.Rollover{Percent: cl.AmountOf(100), MaxTimes: 1}, cl.ExpiresNever()
			},
			func() { op.Timezone = "Nowhere/At_All" },
			func() { op.Start = cl.Exactly(g.at.Time().Add(-time.Hour)) },
			func() { op.Anchor, op.Count = cl.OnDay(0), 0 },
			func() {
				op.Rollover, op.Expires = cl.Rollover{Percent: cl.AmountOf(101), MaxTimes: 1}, cl.GrantExpiry{}
			},
			func() { op.CatchUp = 7 },
		}
		faults[n+g.below(2, "of schedules")*4]()
		return op
	case cl.ChangeSchedule:
		faults := []func(){
			func() { op.ScheduleID = "" },
			func() { op.Amount = cl.AmountOf(-1) },
			func() { op = cl.ChangeSchedule{ScheduleID: op.ScheduleID} },
			func() { op.When = 5 },
		}
		faults[n%4]()
		return op
	case cl.EndSchedule:
		faults := []func(){func() { op.ScheduleID = "" }, func() { op.VoidBlocks, op.VoidReason = false, cl.VoidRefund }, func() { op.VoidBlocks, op.VoidReason = true, "gift" }}
		faults[n%3]()
		return op
	}
	return nil
}

// alterOnSchedule is alter for operations on schedules.
func (g *generator) alterOnSchedule(op cl.Operation, n int, other cl.Amount) cl.Operation {
	switch op := op.(type) {
	case cl.Schedule:
		switch n {
		case 4:
			op.Amount = other
		case 5:
			op.Every.Count++
		case 6:
			op.Anchor = g.calendar(-60)
		case 7:
			op.Rollover = g.rollover()
		case 8:
			op.Timezone = oneOf(g, "timezone", zones...)
		case 9:
			op.First, op.Scale = oneOf(g, "first", cl.FirstFull, cl.FirstProrated, cl.FirstSkip), op.Scale^1
		case 10:
			op.Priority, op.RequirePayment = op.Priority+1, !op.RequirePayment
		case 11:
			op.CatchUp = oneOf(g, "catch up", cl.CatchUpAll, cl.CatchUpLatest)
		}
		return op
	case cl.ChangeSchedule:
		switch n {
		case 6:
			op.Amount = other
		case 7:
			r := g.rollover()
			op.Rollover = &r
		case 8:
			op.When = oneOf(g, "when", cl.ChangeNow, cl.ChangeNext)
		case 9:
			op.Description += "x"
		}
		return op
	case cl.EndSchedule:
		switch n {
		case 7:
			op.VoidBlocks, op.VoidReason = !op.VoidBlocks, ""
		case 8:
			op.Description += "x"
		}
		return op
	}
	return op
}

// changeText shows a change of a schedule with what its fields point to.
func changeText(op cl.ChangeSchedule) string {
	rollover, expires, metadata := "", "", map[string]string{}
	if op.Rollover != nil {
		rollover = fmt.Sprintf("%+v", *op.Rollover)
	}
	if op.Expires != nil {
		expires = op.Expires.String()
	}
	for k, v := range op.Metadata {
		if metadata[k] = "null"; v != nil {
			metadata[k] = fmt.Sprintf("%q", *v)
		}
	}
	return fmt.Sprintf("change of %s: %s %s %s %s %q %v %v", op.ScheduleID, op.Amount, rollover, expires, op.When, op.Description, metadata, op.ClearMetadata)
}
