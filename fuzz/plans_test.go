package fuzz_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

// deed is what a customer of a plan does at an instant. It is the same in every run.
type deed struct {
	at  time.Time
	on  cl.AccountID
	key cl.Key
	op  cl.Operation
}

// deeds is a run of the year, with its ledger, its clock and the answers.
type deeds struct {
	*cl.Ledger
	now     time.Time
	answers []string
}

var planYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// planner draws the deeds of one customer.
type planner struct {
	*rand.Rand
	on   cl.AccountID
	zone *time.Location
	list []deed
	keys []cl.Key // of charges
}

func (p *planner) add(at time.Time, name string, op cl.Operation) cl.Key {
	key := cl.Key(fmt.Sprint(name, "-", len(p.list)))
	p.list = append(p.list, deed{at: at, on: p.on, key: key, op: op})
	return key
}

// turn is an instant of the year: any, or one close to the beginning of a month or of a day
// on which the clocks change.
func (p *planner) turn() time.Time {
	at := planYear.Add(time.Duration(p.Int64N(int64(365 * 24 * time.Hour)))).Truncate(time.Microsecond)
	if p.IntN(3) == 0 {
		at = time.Date(2026, time.Month(1+p.IntN(12)), 1, 0, 0, 0, 0, p.zone)
		at = at.Add([]time.Duration{0, -time.Microsecond, time.Microsecond, -time.Hour, time.Hour, 150 * time.Minute, 24 * time.Hour, -24 * time.Hour}[p.IntN(8)])
	}
	return at
}

func (p *planner) of(most int64) cl.Amount { return cl.AmountOf(1 + p.Int64N(most)) }

// plan gives the customer a monthly plan that rolls over, and some of them a second one, by
// the week or day.
func (p *planner) plan() {
	anchor := cl.DateOf(2026, time.January, []int{1, 15, 31}[p.IntN(3)])
	at := planYear.Add(time.Duration(p.IntN(40)) * time.Hour)
	local := cl.LocalTimeOf(time.Date(anchor.Year(), anchor.Month(), anchor.Day(), 0, []int{0, 30, 150}[p.IntN(3)], 0, 0, time.UTC), time.UTC)
	op := cl.Schedule{ScheduleID: "plan", Amount: p.of(1000), Anchor: cl.Local(local), Every: cl.Interval{Count: 1, Unit: cl.IntervalMonth}, First: cl.FirstPeriod(p.IntN(3)), Description: "monthly", Scale: p.IntN(3)}
	op.Rollover = cl.Rollover{Percent: cl.AmountOf([]int64{100, 50, 33}[p.IntN(3)]), MaxTimes: 1 + p.IntN(2)}
	if p.IntN(3) == 0 {
		op.Rollover.Max = p.of(500)
	}
	p.add(at, "plan", op)
	if p.IntN(4) == 0 {
		every := cl.Interval{Count: 1, Unit: []cl.IntervalUnit{cl.IntervalWeek, cl.IntervalDay}[p.IntN(2)]}
		p.add(at.Add(time.Hour), "extra", cl.Schedule{ScheduleID: "extra", Amount: p.of(20), Every: every, Priority: -1})
	}
}

// use is something that the customer does in the year.
func (p *planner) use(n int) {
	at := p.turn()
	switch p.IntN(10) {
	default:
		policy := []cl.Overdraft{cl.OverdraftAllow, cl.OverdraftReject, cl.OverdraftStopAtZero}[p.IntN(3)]
		p.keys = append(p.keys, p.add(at, "use", cl.Decrement{Amount: p.of(200), Overdraft: policy}))
	case 4, 5:
		late := cl.InstantOf(at.Add(-time.Duration(1+p.IntN(72)) * time.Hour))
		p.keys = append(p.keys, p.add(at, "late", cl.Decrement{Amount: p.of(200), Overdraft: cl.OverdraftStopAtZero, UsageAt: late}))
	case 6, 7:
		id := fmt.Sprint("h", n)
		until := at.Add(time.Duration(1+p.IntN(23)) * time.Hour)
		p.add(at, "hold", cl.Hold{HoldID: id, Amount: p.of(300), Until: cl.InstantOf(until), Overdraft: cl.OverdraftStopAtZero})
		end := at.Add(time.Duration(p.IntN(26)) * time.Hour)
		switch p.IntN(3) {
		case 0:
			p.keys = append(p.keys, p.add(end, "capture", cl.Capture{HoldID: id, Amount: p.of(200), KeepOpen: p.IntN(2) == 0}))
		case 1:
			p.add(end, "release", cl.Release{HoldID: id})
		}
	case 8:
		if len(p.keys) > 0 {
			p.add(at, "back", cl.Reverse{Charge: p.keys[p.IntN(len(p.keys))]})
		}
	case 9:
		if p.IntN(2) == 0 {
			p.add(at, "change", cl.ChangeSchedule{ScheduleID: "plan", Amount: p.of(1000), When: cl.ChangeWhen(p.IntN(2))})
		} else {
			p.add(at, "grant", cl.Increment{Amount: p.of(300), BlockID: fmt.Sprint("b", n), ExpiresAt: cl.At(at.Add(time.Duration(1+p.IntN(400)) * time.Hour))})
		}
	}
}

// yearOfPlans are the deeds of customers in twenty time zones, in the order in which they are done.
func yearOfPlans(t *testing.T, seed uint64, customers, uses int) (all []deed, on []cl.AccountID) {
	for i := range customers {
		zone, err := time.LoadLocation(fuzzZones[i%len(fuzzZones)])
		if err != nil {
			t.Fatal(err)
		}
		p := &planner{Rand: rand.New(rand.NewPCG(seed, uint64(i))), on: cl.AccountID{Customer: fmt.Sprintf("cus_%04d", i), Currency: "credits"}, zone: zone}
		p.plan()
		for n := range uses {
			p.use(n)
		}
		all, on = append(all, p.list...), append(on, p.on)
	}
	slices.SortStableFunc(all, func(a, b deed) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.on.Customer, b.on.Customer))
	})
	return all, on
}

// run does the deeds, with a sweep at each of the instants of a list, which it asks for one
// after the other.
func (d *deeds) run(t *testing.T, all []deed, on []cl.AccountID, sweep func(after time.Time) time.Time) (sweeps int) {
	t.Helper()
	ctx := context.Background()
	d.now = planYear
	d.Ledger = cl.New(memory.New(), &cl.Options{Clock: func() time.Time { return d.now }})
	for i, id := range on {
		zone := fuzzZones[i%len(fuzzZones)]
		if _, err := d.PutCustomer(ctx, cl.CustomerUpdate{ID: id.Customer, Timezone: &zone}); err != nil {
			t.Fatal(err)
		}
	}
	next := sweep(planYear)
	sweepUntil := func(at time.Time) {
		for ; !next.After(at); next = sweep(next) {
			d.now = next
			if _, err := d.Sweep(ctx); err != nil {
				t.Fatal(err)
			}
			sweeps++
		}
	}
	for _, x := range all {
		sweepUntil(x.at)
		d.now = x.at
		_, err := d.Do(ctx, x.on, x.op, x.key)
		d.answers = append(d.answers, fmt.Sprintf("%s of %s at %s: %s", x.key, x.on, x.at, kindOf(err)))
	}
	end := planYear.AddDate(1, 1, 0)
	sweepUntil(end)
	d.now = end
	if _, err := d.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	return sweeps
}

// kindOf is the part of an error that has to be the same in every run.
func kindOf(err error) string {
	var lacking *cl.InsufficientCreditsError
	var back *cl.ReversalError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &lacking):
		return lacking.Error()
	case errors.As(err, &back):
		return back.Error()
	}
	for _, kind := range []error{cl.ErrInvalid, cl.ErrNotFound, cl.ErrDuplicate, cl.ErrConstraint} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "unexpected: " + err.Error()
}

// written are the entries of an account as bytes, without their ids and the ids of blocks
// that the ledger made: these are random.
func (d *deeds) written(t *testing.T, on cl.AccountID) (lines []string) {
	t.Helper()
	made := map[string]string{}
	for q := (cl.BlocksQuery{All: true, Limit: cl.MaxPage}); ; {
		page, err := d.Blocks(context.Background(), on, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Blocks {
			if made[b.ID] = b.ID; len(b.ID) == 36 {
				made[b.ID] = fmt.Sprint("block ", b.Number)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for q := (cl.EntriesQuery{Ascending: true, Limit: cl.MaxPage}); ; {
		page, err := d.Entries(context.Background(), on, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			e.ID, e.Block.ID, e.NewBlockID = "", made[e.Block.ID], made[e.NewBlockID]
			line, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return lines
		}
	}
}

// TestAYearOfPlans: a year of customers on monthly plans that roll over, with holds, usage
// that is reported late, charges taken back, changes of plan, and months that end where the
// clocks change. Whether a sweep comes every minute, never or at random, the entries are the
// same, byte for byte, and so is every answer.
func TestAYearOfPlans(t *testing.T) {
	customers, uses, every := 20, 30, 97*time.Minute
	switch {
	case testsize.Full():
		customers, uses, every = 1000, 60, time.Minute
	case testsize.Small() || testsize.Race:
		customers, uses, every = 6, 20, 13*time.Hour
	}
	s := seed(t)
	all, on := yearOfPlans(t, s, customers, uses)
	random := rand.New(rand.NewPCG(s, 1<<32))
	never := planYear.AddDate(100, 0, 0)
	run := results.Start(t, "a simulated year of plans")
	run.Set("seed", s)
	run.Set("customers", customers)
	run.Set("operations", len(all))
	var first []string
	answers := []string(nil)
	for _, way := range []struct {
		name  string
		sweep func(time.Time) time.Time
	}{
		{"none", func(time.Time) time.Time { return never }},
		{"steady", func(after time.Time) time.Time { return after.Add(every) }},
		{"random", func(after time.Time) time.Time {
			return after.Add(time.Duration(1 + random.Int64N(int64(60*time.Hour))))
		}},
	} {
		d := &deeds{}
		sweeps := d.run(t, all, on, way.sweep)
		run.Set("sweeps: "+way.name, sweeps)
		var lines []string
		for _, id := range on {
			lines = append(lines, d.written(t, id)...)
		}
		if v, err := d.VerifyAll(context.Background(), nil); err != nil || v.Violation != nil {
			t.Errorf("sweeps %s: verify: %v, %v", way.name, v.Violation, err)
		}
		if first == nil {
			first, answers = lines, d.answers
			run.Set("entries", len(lines))
		}
		if i := differs(lines, first); i >= 0 {
			t.Errorf("sweeps %s, entry %d of %d and %d:\n got %s\nwant %s", way.name, i, len(lines), len(first), at(lines, i), at(first, i))
		}
		if i := differs(d.answers, answers); i >= 0 {
			t.Errorf("sweeps %s, answer %d:\n got %s\nwant %s", way.name, i, at(d.answers, i), at(answers, i))
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	run.Set("differences", 0)
	kinds := map[string]int{}
	for _, line := range first {
		var e struct {
			Type string `json:"entry_type"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		kinds[e.Type]++
	}
	for _, kind := range []cl.EntryType{cl.EntryIncrement, cl.EntryDecrement, cl.EntryExpirationChange, cl.EntryCreditBlockExpiry, cl.EntryAmendment} {
		if kinds[kind.String()] < customers {
			t.Errorf("%d entries are a %s: the year has too few", kinds[kind.String()], kind)
		}
	}
}

// differs is where two lists begin to differ, -1 if they are the same.
func differs(got, want []string) int {
	for i := range max(len(got), len(want)) {
		if at(got, i) != at(want, i) {
			return i
		}
	}
	return -1
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "nothing"
}
