package creditledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// diary is one account and all its records, each as the journal has it.
type diary struct {
	t       *testing.T
	a       *account
	ids     idSource
	records []*OpRecord
	seals   []Seal
}

func newDiary(t *testing.T) *diary {
	d := &diary{t: t, a: newReplayed(AccountID{"cus", "credits"})}
	d.ids.random = randomBytes(1)
	return d
}

// do decides an operation at an instant, and returns what everything wrote since the one
// before.
func (d *diary) do(at string, op Operation) (lines []string, err error) {
	d.t.Helper()
	usual := Settings{}.withDefaults()
	r := &request{account: d.a.id, op: normalise(op, &usual, time.UTC)}
	r.bits = mustValue(d.ids.draw())
	dec := &decision{request: r, account: d.a, expiries: 100, settlement: defaultSettlement, longest: Instant(DefaultMaxHold / time.Microsecond), at: when(at)}
	if err := dec.decide(); err != nil {
		return nil, err
	}
	for _, s := range dec.records {
		rec := mustValue(DecodeRecord(s.bytes))
		if err := rec.ReadTexts(s.texts); err != nil {
			d.t.Fatal(err)
		}
		d.records, d.seals = append(d.records, rec), append(d.seals, SealOf(s.bytes))
		for i := range rec.Effects {
			for _, l := range rec.Effects[i].Lines {
				lines = append(lines, fmt.Sprint(l.At.String()[:10], " ", l.Type, " ", l.Amount, " ", l.Starting, "→", l.Ending))
			}
		}
	}
	return lines, nil
}

// before is the account as it was before the n-th record.
func (d *diary) before(n int) *account {
	d.t.Helper()
	a := newReplayed(d.a.id)
	for i := range n {
		if _, err := replay(a, d.records[i], d.seals[i], nil, newChange); err != nil {
			d.t.Fatalf("record %d: %v", i+1, err)
		}
	}
	return a
}

func monthlyOf(change func(*Schedule)) Schedule {
	op := Schedule{ScheduleID: "p", Amount: AmountOf(100), Every: Interval{1, IntervalMonth}}
	if change != nil {
		change(&op)
	}
	return op
}

// TestScheduleRules: what is written for a schedule, and when.
func TestScheduleRules(t *testing.T) {
	day := func(text string) CalendarTime { return mustValue(ParseCalendarTime(text)) }
	for _, c := range []struct {
		rule string
		op   Schedule
		at   string // of a decrement of 1, after the schedule was made on 1 January
		want string
	}{
		{"all that was missed, each at its own instant", monthlyOf(nil), "2026-03-15",
			"2026-02-01 credit_block_expiry 100 100→0; 2026-02-01 increment 100 0→100; 2026-03-01 credit_block_expiry 100 100→0; 2026-03-01 increment 100 0→100"},
		{"the latest only", monthlyOf(func(op *Schedule) { op.CatchUp = CatchUpLatest }), "2026-04-15",
			"2026-02-01 credit_block_expiry 100 100→0; 2026-04-01 increment 100 0→100"},
		{"the latest, as it begins", monthlyOf(func(op *Schedule) { op.CatchUp = CatchUpLatest }), "2026-03-01",
			"2026-02-01 credit_block_expiry 100 100→0; 2026-03-01 increment 100 0→100"},
		{"the latest, of so many", monthlyOf(func(op *Schedule) { op.CatchUp, op.Count = CatchUpLatest, 3 }), "2026-06-15",
			"2026-02-01 credit_block_expiry 100 100→0"},
		{"the latest, up to an end", monthlyOf(func(op *Schedule) { op.CatchUp, op.End = CatchUpLatest, day("2026-04-15") }), "2026-06-15",
			"2026-02-01 credit_block_expiry 100 100→0"},
		{"what is passed over carries nothing", monthlyOf(func(op *Schedule) {
			op.CatchUp, op.Rollover = CatchUpLatest, Rollover{Percent: AmountOf(100), MaxTimes: 1}
		}), "2026-04-15",
			"2026-02-01 credit_block_expiry 100 100→0; 2026-04-01 increment 100 0→100"},
		{"the latest, next month", monthlyOf(func(op *Schedule) {
			op.CatchUp, op.Rollover = CatchUpLatest, Rollover{Percent: AmountOf(50), MaxTimes: 1}
		}), "2026-02-15",
			"2026-02-01 expiration_change 50 100→100; 2026-02-01 credit_block_expiry 50 100→50; 2026-02-01 increment 100 50→150"},
		{"a start to come", monthlyOf(func(op *Schedule) { op.Start, op.First = day("2026-01-17T00:00:00"), FirstProrated; op.Scale = 2 }), "2026-01-20", ""},
		{"a while after each grant", monthlyOf(func(op *Schedule) { op.Expires = ExpiresAfter(Interval{10, IntervalDay}) }), "2026-02-15",
			"2026-01-11 credit_block_expiry 100 100→0; 2026-02-01 increment 100 0→100; 2026-02-11 credit_block_expiry 100 100→0"},
		{"carried beyond the period", monthlyOf(func(op *Schedule) {
			op.Rollover = Rollover{Percent: AmountOf(100), MaxTimes: 1, Max: AmountOf(150), Expires: ExpiresNever()}
		}), "2026-03-15",
			"2026-02-01 expiration_change 100 100→100; 2026-02-01 increment 100 100→200; 2026-03-01 expiration_change 50 200→200; 2026-03-01 credit_block_expiry 50 200→150; 2026-03-01 increment 100 150→250"},
		{"so many", monthlyOf(func(op *Schedule) { op.Count, op.Expires = 2, ExpiresNever() }), "2026-12-15", "2026-02-01 increment 100 100→200"},
		{"up to an end, exclusive", monthlyOf(func(op *Schedule) { op.End, op.Expires = day("2026-03-01"), ExpiresNever() }), "2026-12-15", "2026-02-01 increment 100 100→200"},
		{"the end of the calendar", monthlyOf(func(op *Schedule) { op.Every, op.Expires = Interval{1000, IntervalYear}, ExpiresNever() }), "9999-12-01",
			"3026-01-01 increment 100 100→200; 4026-01-01 increment 100 200→300; 5026-01-01 increment 100 300→400; 6026-01-01 increment 100 400→500; 7026-01-01 increment 100 500→600; 8026-01-01 increment 100 600→700"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := newDiary(t)
			mustValue(d.do(start, c.op))
			lines := mustValue(d.do(c.at, Decrement{Amount: AmountOf(1), Overdraft: OverdraftAllow}))
			if got := strings.Join(lines[:len(lines)-1], "; "); got != c.want && c.want != "" {
				t.Errorf("%s\nnot\n%s", got, c.want)
			}
			if c.want == "" && !strings.HasPrefix(strings.Join(lines, "; "), "2026-01-17 increment 48.38 0→48.38; ") {
				t.Errorf("%s", lines)
			}
			d.before(len(d.records))
			if s := d.a.schedule("p"); s == nil || d.a.head.NextDue != 0 && s.next != 0 && d.a.head.NextDue > s.next {
				t.Errorf("next due %s, the schedule's %+v", d.a.head.NextDue, s)
			}
		})
	}
}

// TestRefusedSchedules: what the state of the account, or the clock, refuses.
func TestRefusedSchedules(t *testing.T) {
	d := newDiary(t)
	mustValue(d.do(start, Increment{Amount: AmountOf(1), BlockID: "own/1"}))
	mustValue(d.do(start, monthlyOf(func(op *Schedule) { op.Metadata = map[string]string{"k": "v"} })))
	mustValue(d.do(start, monthlyOf(func(op *Schedule) { op.ScheduleID, op.Count = "once", 1 })))
	past, late := mustValue(ParseCalendarTime("2025-12-31")), mustValue(ParseCalendarTime("2026-02-01"))
	many := map[string]*string{}
	for i := range MaxMetadataPairs {
		text := "x"
		many[fmt.Sprint(i)] = &text
	}
	for _, c := range []struct {
		op   Operation
		want error
	}{
		{monthlyOf(nil), ErrDuplicate},
		{monthlyOf(func(op *Schedule) { op.ScheduleID = "own" }), ErrDuplicate},
		{monthlyOf(func(op *Schedule) { op.ScheduleID, op.Start = "q", past }), ErrInvalid},
		{monthlyOf(func(op *Schedule) {
			op.ScheduleID, op.Start, op.Anchor = "q", mustValue(ParseCalendarTime("2026-01-15")), late
		}), ErrInvalid},
		{monthlyOf(func(op *Schedule) { op.ScheduleID, op.End = "q", past }), ErrInvalid},
		{Increment{Amount: AmountOf(1), BlockID: "p/77"}, ErrDuplicate},
		{Increment{Amount: AmountOf(1), BlockID: "once/77"}, ErrDuplicate},
		{ExpirationChange{BlockID: "own/1", Target: Never(), NewBlockID: "p/x"}, ErrDuplicate},
		{ChangeSchedule{ScheduleID: "none", Amount: AmountOf(1)}, ErrNotFound},
		{ChangeSchedule{ScheduleID: "once", Amount: AmountOf(1)}, ErrConstraint},
		{ChangeSchedule{ScheduleID: "p", Metadata: many}, ErrInvalid},
		{EndSchedule{ScheduleID: "none"}, ErrNotFound},
		{EndSchedule{ScheduleID: "once"}, ErrConstraint},
	} {
		if _, err := d.do(start, c.op); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.op, err, c.want)
		}
	}
	if _, err := d.do(start, monthlyOf(func(op *Schedule) { op.ScheduleID, op.Anchor, op.Start = "q", past, past })); !strings.Contains(fmt.Sprint(err), "has passed") {
		t.Fatalf("a start in the past: %v", err)
	}
	for i := range MaxSchedules {
		_, err := d.do(start, monthlyOf(func(op *Schedule) { op.ScheduleID = fmt.Sprint("s", i) }))
		if full := i == MaxSchedules-1; full != errors.Is(err, ErrConstraint) {
			t.Fatalf("schedule %d: %v", i+2, err)
		}
	}
}

// TestTopUps: up and down again is no gain; a top-up lives as the schedule says by now.
func TestTopUps(t *testing.T) {
	d := newDiary(t)
	mustValue(d.do(start, monthlyOf(nil)))
	days := ExpiresAfter(Interval{3, IntervalDay})
	for _, c := range []struct {
		amount int64
		want   string
	}{{162, "2026-01-16 increment 31 100→131"}, {50, ""}, {162, ""}, {224, "2026-01-16 increment 31 131→162"}} {
		op := ChangeSchedule{ScheduleID: "p", Amount: AmountOf(c.amount), When: ChangeNow, Expires: &days}
		if lines := mustValue(d.do("2026-01-16T12:00:00Z", op)); strings.Join(lines, "; ") != c.want {
			t.Errorf("%d: %s", c.amount, lines)
		}
	}
	b := d.a.find("p/1+2")
	if b == nil || b.ExpiresAt != when("2026-01-19T12:00:00Z") {
		t.Errorf("the second top-up is %+v", b)
	}
	if root, n := carriedFrom("p/1+2/r3"); root != "p/1+2" || n != 3 {
		t.Errorf("%s, %d", root, n)
	}
	d.before(len(d.records))
}

// TestTamperedDue: a record of what fell due that says anything else than what fell due is a
// violation.
func TestTamperedDue(t *testing.T) {
	for _, c := range []struct {
		tamper string
		do     func(rec *OpRecord, ops fallenDue)
	}{
		{"nothing is carried", func(rec *OpRecord, ops fallenDue) { rec.Op, rec.Effects = ops[1:], rec.Effects[1:] }},
		{"another block is carried", func(rec *OpRecord, ops fallenDue) { c := ops[0].(carry); c.Block++; ops[0] = c }},
		{"another schedule carries", func(rec *OpRecord, ops fallenDue) { c := ops[0].(carry); c.ScheduleID = "q"; ops[0] = c }},
		{"nothing expires", func(rec *OpRecord, ops fallenDue) {
			rec.Op, rec.Effects = fallenDue{ops[0], ops[2]}, []Effect{rec.Effects[0], rec.Effects[2]}
		}},
		{"more expires", func(rec *OpRecord, ops fallenDue) { rec.Effects[1].Lines[0].Amount = AmountOf(51) }},
		{"nothing is granted", func(rec *OpRecord, ops fallenDue) { rec.Op, rec.Effects = ops[:2], rec.Effects[:2] }},
		{"something is left out behind it", func(rec *OpRecord, ops fallenDue) {
			rec.Op, rec.Effects = append(ops, expire{}), append(rec.Effects, Effect{})
		}},
		{"nothing expires twice", func(rec *OpRecord, ops fallenDue) {
			rec.Op, rec.Effects = fallenDue{ops[0], ops[1], expire{}}, append(rec.Effects[:2:2], Effect{Lines: rec.Effects[1].Lines})
		}},
		{"a due period is passed over", func(rec *OpRecord, ops fallenDue) {
			b := ops[2].(begin)
			b.Empty = true
			rec.Op, rec.Effects = fallenDue{b}, []Effect{{}}
		}},
		{"an unknown schedule begins", func(rec *OpRecord, ops fallenDue) {
			b := ops[2].(begin)
			b.ScheduleID, b.Empty = "q", true
			rec.Op, rec.Effects = append(fallenDue{b}, ops...), append([]Effect{{}}, rec.Effects...)
		}},
		{"a period of before", func(rec *OpRecord, ops fallenDue) { b := ops[2].(begin); b.Period = 1; ops[2] = b }},
		{"it ends before it begins", func(rec *OpRecord, ops fallenDue) { b := ops[2].(begin); b.Until = b.Begin - 1; ops[2] = b }},
		{"the next is before it", func(rec *OpRecord, ops fallenDue) { b := ops[2].(begin); b.Next = b.Begin - 1; ops[2] = b }},
		{"another cost basis", func(rec *OpRecord, ops fallenDue) { b := ops[2].(begin); b.CostBasis = MustCostBasis("1"); ops[2] = b }},
		{"another schedule grants", func(rec *OpRecord, ops fallenDue) { b := ops[2].(begin); b.ScheduleID = "q"; ops[2] = b }},
		{"a key", func(rec *OpRecord, ops fallenDue) { rec.Key = "k" }},
		{"later", func(rec *OpRecord, ops fallenDue) { rec.At++ }},
		{"only what expires", func(rec *OpRecord, ops fallenDue) {
			rec.Op, rec.Effects = expire{}, []Effect{{Lines: rec.Effects[1].Lines}}
		}},
		{"what is to be carried expires", func(rec *OpRecord, ops fallenDue) {
			all := rec.Effects[1].Lines[0]
			all.Amount, all.Starting, all.Ending = AmountOf(100), AmountOf(100), Amount{}
			rec.Op, rec.Effects = expire{}, []Effect{{Lines: []Line{all}}}
		}},
		{"only what expires, later", func(rec *OpRecord, ops fallenDue) {
			rec.At++
			rec.Op, rec.Effects = expire{}, []Effect{{Lines: rec.Effects[1].Lines}}
		}},
		{"an operation before it", func(rec *OpRecord, ops fallenDue) { rec.Op, rec.Effects = spend("1"), rec.Effects[:1] }},
	} {
		t.Run(c.tamper, func(t *testing.T) {
			d := newDiary(t)
			mustValue(d.do(start, monthlyOf(func(op *Schedule) { op.Rollover, op.Count = Rollover{Percent: AmountOf(50), MaxTimes: 1}, 9 })))
			mustValue(d.do("2026-02-15", spend("1")))
			rec, ok := d.records[1].Op.(fallenDue)
			if !ok || len(rec) != 3 {
				t.Fatalf("%+v", d.records[1])
			}
			a := d.before(1)
			c.do(d.records[1], rec)
			var broken *Violation
			if _, err := replay(a, d.records[1], d.seals[1], nil, newChange); !errors.As(err, &broken) {
				t.Errorf("nobody notices: %v", err)
			}
		})
	}
}

// TestTamperedDates: the dates that a schedule worked out when it was made are the record's own,
// as the rules about time zones change; what is wrong under any rules is a violation.
func TestTamperedDates(t *testing.T) {
	later := func(op *Schedule) { op.Start = mustValue(ParseCalendarTime("2026-02-01T00:00:00Z")) }
	skips := func(op *Schedule) {
		op.Anchor, op.First = mustValue(ParseCalendarTime("2025-12-15")), FirstSkip
	}
	ends := func(op *Schedule) { op.End = mustValue(ParseCalendarTime("2026-06-01T00:00:00Z")) }
	for _, c := range []struct {
		tamper string
		given  func(*Schedule)
		do     func(d *scheduleDates, at Instant)
	}{
		{"it starts before it was made", later, func(d *scheduleDates, at Instant) { d.start = at - 1 }},
		{"it starts when nobody said", later, func(d *scheduleDates, at Instant) { d.start++; d.next++ }},
		{"it grants before it was made", later, func(d *scheduleDates, at Instant) { d.next = at - 1 }},
		{"it grants before it starts", later, func(d *scheduleDates, at Instant) { d.next = d.start - 1 }},
		{"it grants after it starts", later, func(d *scheduleDates, at Instant) { d.next = d.start + 1 }},
		{"it starts in no period", later, func(d *scheduleDates, at Instant) { d.first, d.period = 0, -1 }},
		{"a period is left out", later, func(d *scheduleDates, at Instant) { d.period++ }},
		{"it has no anchor", later, func(d *scheduleDates, at Instant) { d.anchor = LocalTime{} }},
		{"it ends, and nobody said", later, func(d *scheduleDates, at Instant) { d.end = d.start + 1 }},
		{"it ends when nobody said", ends, func(d *scheduleDates, at Instant) { d.end++ }},
		{"it ends before it starts", ends, func(d *scheduleDates, at Instant) { d.end = d.start }},
		{"what is skipped is granted twice", skips, func(d *scheduleDates, at Instant) { d.period -= 2 }},
		{"what comes after it was skipped", skips, func(d *scheduleDates, at Instant) { d.period++ }},
		{"the next comes before it starts", skips, func(d *scheduleDates, at Instant) { d.next = d.start - 1 }},
	} {
		t.Run(c.tamper, func(t *testing.T) {
			d := newDiary(t)
			mustValue(d.do(start, monthlyOf(c.given)))
			rec := d.records[0]
			e := rec.Effects[0].schedule
			c.do(e.dates, rec.At)
			e.info.NextDue, e.info.Anchor = e.dates.next, e.dates.anchor
			var broken *Violation
			if _, err := replay(d.before(0), rec, d.seals[0], nil, newChange); !errors.As(err, &broken) {
				t.Errorf("nobody notices: %v", err)
			}
		})
	}
}

// TestStartWhereClocksShowATimeTwice: periods begin at the first of two instants that show the
// anchor's time. A schedule that is made, or anchored, at the second begins its first period
// there, and has all of it.
func TestStartWhereClocksShowATimeTwice(t *testing.T) {
	point := func(text string) CalendarTime { return mustValue(ParseCalendarTime(text)) }
	const granted = "2027-11-07 increment 100 0→100"
	for _, c := range []struct {
		rule, made string
		anchor     string
		start      string
		first      FirstPeriod
		want, next string
	}{
		{"at the first", "2027-11-07T08:30:00Z", "", "", FirstProrated, granted, "2027-11-08T09:30:00Z"},
		{"at the second, all of it", "2027-11-07T09:30:00Z", "", "", FirstProrated, granted, "2027-11-08T09:30:00Z"},
		{"at the second, it is not skipped", "2027-11-07T09:30:00Z", "", "", FirstSkip, granted, "2027-11-08T09:30:00Z"},
		{"between the two", "2027-11-07T09:00:00Z", "2027-11-07T01:30:00", "", FirstProrated, "2027-11-07 increment 98 0→98", "2027-11-08T09:30:00Z"},
		{"behind the second", "2027-11-07T09:45:00Z", "2027-11-07T01:30:00", "", FirstSkip, "", "2027-11-08T09:30:00Z"},
		{"anchored at the second, made before", "2027-11-07T08:00:00Z", "2027-11-07T09:30:00Z", "", FirstProrated, "", "2027-11-07T09:30:00Z"},
		{"started at the second", "2027-11-07T08:00:00Z", "2027-11-06T08:30:00Z", "2027-11-07T09:30:00Z", FirstSkip, "", "2027-11-07T09:30:00Z"},
		{"the day before", "2027-11-07T08:00:00Z", "2027-11-06T08:30:00Z", "", FirstSkip, "", "2027-11-07T08:30:00Z"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			op := Schedule{ScheduleID: "p", Amount: AmountOf(100), Every: Interval{1, IntervalDay}, Timezone: "America/Los_Angeles", First: c.first}
			if c.anchor != "" {
				op.Anchor = point(c.anchor)
			}
			if c.start != "" {
				op.Start = point(c.start)
			}
			d := newDiary(t)
			lines := strings.Join(mustValue(d.do(c.made, op)), "; ")
			if s := d.a.schedule("p"); lines != c.want || s.next != when(c.next) {
				t.Errorf("%q, the next %s; want %q, %s", lines, s.next, c.want, c.next)
			}
			d.before(len(d.records))
		})
	}
	d := newDiary(t)
	early := Schedule{ScheduleID: "p", Amount: AmountOf(100), Every: Interval{1, IntervalDay}, Timezone: "America/Los_Angeles", Anchor: point("2027-11-07T09:30:00Z"), Start: point("2027-11-07T08:30:00Z")}
	if _, err := d.do("2027-11-07T08:00:00Z", early); !errors.Is(err, ErrInvalid) {
		t.Errorf("a start before the anchor: %v", err)
	}
}
