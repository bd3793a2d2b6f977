package creditledger

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyOnSchedule draws an operation on a schedule that can be written in JSON.
func anyOnSchedule(t *rapid.T, id string, amount Amount, description string, metadata map[string]string) Operation {
	id = strings.ReplaceAll(id, "/", "")
	lives := rapid.SampledFrom([]GrantExpiry{{}, ExpiresAfter(Interval{10, IntervalDay}), ExpiresAfter(Interval{1, IntervalYear})})
	rollovers := rapid.SampledFrom([]Rollover{
		{}, {Percent: AmountOf(100), MaxTimes: 1}, {Percent: MustAmount("33.3"), MaxTimes: 3, Max: AmountOf(250), Expires: ExpiresNever()},
	})
	times := rapid.SampledFrom([]CalendarTime{{}, OnDay(20260131), Local(mustValue(ParseLocalTime("2027-03-14T02:30:00.5"))), Exactly(when("2026-01-01").Time())})
	texts := map[string]*string{}
	for k, v := range metadata {
		texts[k] = &v
	}
	switch rapid.IntRange(0, 2).Draw(t, "operation") {
	case 0:
		op := Schedule{
			ScheduleID: id, Amount: amount, Anchor: times.Draw(t, "anchor"), Every: Interval{rapid.IntRange(1, MaxInterval).Draw(t, "count"), IntervalUnit(rapid.IntRange(1, 4).Draw(t, "unit"))},
			Timezone: rapid.SampledFrom([]string{"", "America/New_York"}).Draw(t, "zone"), Start: times.Draw(t, "start"), Expires: lives.Draw(t, "expires"),
			First: FirstPeriod(rapid.IntRange(0, 2).Draw(t, "first")), Scale: rapid.IntRange(0, maxPlaces).Draw(t, "scale"), Rollover: rollovers.Draw(t, "rollover"),
			CatchUp: CatchUp(rapid.IntRange(0, 1).Draw(t, "catch up")), Priority: rapid.Int32().Draw(t, "priority"), RequirePayment: rapid.Bool().Draw(t, "payment"),
			Description: description, Metadata: metadata,
		}
		if rapid.Bool().Draw(t, "ends") {
			op.End = times.Draw(t, "end")
		} else {
			op.Count = rapid.IntRange(0, 100).Draw(t, "periods")
		}
		if rapid.Bool().Draw(t, "from") {
			op.Source = GrantsFrom(Source(rapid.IntRange(0, 3).Draw(t, "source")))
		}
		return op
	case 1:
		op := ChangeSchedule{ScheduleID: id, Amount: amount, When: ChangeWhen(rapid.IntRange(0, 1).Draw(t, "when")), Description: description}
		switch rapid.IntRange(0, 2).Draw(t, "texts") {
		case 0:
			op.ClearMetadata = true
		case 1:
			if len(texts) > 0 {
				texts["gone"], op.Metadata = nil, texts
			}
		}
		if r := rollovers.Draw(t, "rollover"); !r.IsZero() {
			op.Rollover = &r
		}
		if e := lives.Draw(t, "expires"); rapid.Bool().Draw(t, "lives") {
			op.Expires = &e
		}
		return op
	}
	op := EndSchedule{ScheduleID: id, Description: description, Metadata: metadata}
	if op.VoidBlocks = rapid.Bool().Draw(t, "void"); op.VoidBlocks {
		op.VoidReason = rapid.SampledFrom([]string{"", VoidRefund}).Draw(t, "reason")
	}
	return op
}

// TestChecksOfSchedules: what the operation alone shows to be wrong is refused, with the
// field.
func TestChecksOfSchedules(t *testing.T) {
	month := Interval{1, IntervalMonth}
	valid := Schedule{ScheduleID: "p", Amount: AmountOf(1), Every: month}
	never, days := ExpiresNever(), ExpiresAfter(Interval{0, IntervalDay})
	carry := Rollover{Percent: AmountOf(100), MaxTimes: 1}
	set := func(change func(*Schedule)) Schedule { op := valid; change(&op); return op }
	for _, c := range []struct {
		op   Operation
		want string
	}{
		{valid, ""},
		{set(func(op *Schedule) { op.ScheduleID = strings.Repeat("a", MaxScheduleID+1) }), "schedule_id"},
		{set(func(op *Schedule) { op.ScheduleID = "a/b" }), "schedule_id"},
		{set(func(op *Schedule) { op.ScheduleID = "" }), "schedule_id"},
		{set(func(op *Schedule) { op.Amount = Amount{} }), "amount"},
		{set(func(op *Schedule) { op.Anchor = OnDay(20260230) }), "anchor"},
		{set(func(op *Schedule) { op.Start = CalendarTime{instant: invalidInstant} }), "start"},
		{set(func(op *Schedule) { op.End = CalendarTime{instant: invalidInstant} }), "end"},
		{set(func(op *Schedule) { op.Every = Interval{} }), "every"},
		{set(func(op *Schedule) { op.Every = Interval{1, 9} }), "every"},
		{set(func(op *Schedule) { op.Count = -1 }), "count"},
		{set(func(op *Schedule) { op.Count, op.End = 1, OnDay(20260131) }), "count"},
		{set(func(op *Schedule) { op.Scale = 19 }), "scale"},
		{set(func(op *Schedule) { op.Expires = days }), "expires"},
		{set(func(op *Schedule) { op.First = 3 }), "first"},
		{set(func(op *Schedule) { op.CatchUp = 2 }), "catch_up"},
		{set(func(op *Schedule) { op.Source = GrantsFrom(9) }), "source"},
		{set(func(op *Schedule) { op.Timezone = "Local" }), "timezone"},
		{set(func(op *Schedule) { op.Filters = make([]Filter, 1) }), "filters"},
		{set(func(op *Schedule) { op.Rollover = Rollover{Percent: AmountOf(101), MaxTimes: 1} }), "rollover"},
		{set(func(op *Schedule) { op.Rollover = Rollover{MaxTimes: 1, Max: AmountOf(-1)} }), "rollover"},
		{set(func(op *Schedule) { op.Rollover = Rollover{Percent: AmountOf(1)} }), "rollover"},
		{set(func(op *Schedule) { op.Rollover = Rollover{MaxTimes: 1, Expires: days} }), "rollover"},
		{set(func(op *Schedule) { op.Rollover, op.Expires = carry, never }), "rollover"},
		{ChangeSchedule{ScheduleID: "p"}, ""},
		{ChangeSchedule{ScheduleID: "p", ClearMetadata: true}, "none"},
		{ChangeSchedule{ScheduleID: "p", Amount: AmountOf(-1)}, "amount"},
		{ChangeSchedule{ScheduleID: "p", Amount: AmountOf(1), When: 2}, "when"},
		{ChangeSchedule{ScheduleID: "p", Rollover: &Rollover{MaxTimes: -1}}, "rollover"},
		{ChangeSchedule{ScheduleID: "p", Rollover: &carry, Expires: &never}, "rollover"},
		{ChangeSchedule{ScheduleID: "p", Expires: &days}, "expires"},
		{ChangeSchedule{ScheduleID: "p", Metadata: map[string]*string{"": nil}}, "metadata"},
		{EndSchedule{ScheduleID: "p", VoidReason: VoidRefund}, "void_reason"},
		{EndSchedule{ScheduleID: "p", VoidBlocks: true, VoidReason: "x"}, "void_reason"},
		{EndSchedule{ScheduleID: "p", VoidBlocks: true, VoidReason: VoidRefund}, "none"},
	} {
		err := checkOperation(c.op)
		switch _, change := c.op.(ChangeSchedule); {
		case c.want == "none" || c.want == "" && !change:
			if err != nil {
				t.Errorf("%+v: %v", c.op, err)
			}
		default:
			checkField(t, err, c.want)
		}
	}
	for _, op := range []Operation{fallenDue{}, begin{}, carry1()} {
		if err := op.check(); !errors.Is(err, ErrInvalid) || op.Name() == "" {
			t.Errorf("%s can be asked for: %v", op.Name(), err)
		}
	}
}

func carry1() Operation { return carry{} }

// TestChangesOfMetadata: a change is merged, a record knows how much was asked, and erased
// texts are not compared.
func TestChangesOfMetadata(t *testing.T) {
	v, w := "v", "w"
	asked := ChangeSchedule{ScheduleID: "p", Metadata: map[string]*string{"a": &v, "gone": nil}}
	recorded := ChangeSchedule{ScheduleID: "p", recorded: true, put: 1, removed: 1, merged: asked.merge(map[string]string{"gone": "x", "k": "1"})}
	if len(recorded.merged) != 2 || recorded.merged["a"] != "v" || recorded.merged["k"] != "1" {
		t.Errorf("merged: %v", recorded.merged)
	}
	cleared := ChangeSchedule{ClearMetadata: true}
	if got := cleared.merge(recorded.merged); got != nil {
		t.Errorf("cleared: %v", got)
	}
	if got := (&ChangeSchedule{}).merge(recorded.merged); len(got) != 2 {
		t.Errorf("unchanged: %v", got)
	}
	for _, c := range []struct {
		metadata map[string]*string
		want     string
	}{
		{asked.Metadata, ""}, {nil, "metadata"}, {map[string]*string{"a": &w, "gone": nil}, "metadata"},
		{map[string]*string{"a": &v, "k": nil}, "metadata"}, {map[string]*string{"a": &v}, "metadata"},
	} {
		other := ChangeSchedule{ScheduleID: "p", Metadata: c.metadata}
		if got := difference(recorded, other); got != c.want {
			t.Errorf("%v differs in %q", c.metadata, got)
		}
		erased := withText(recorded, "", nil)
		if got := difference(erased, withText(other, "", nil)); len(c.metadata) == 2 && got != "" {
			t.Errorf("erased texts are compared: %q", got)
		}
	}
}

// TestPartsOfSchedulesInJSON: the words are those of operations files, and others are refused.
func TestPartsOfSchedulesInJSON(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{`{}`, `{"percent":"100","max_times":1}`},
		{`{"percent":50,"max":"0"}`, `{"percent":"0","max_times":1}`},
		{`{"max":"250","max_times":2,"expires":"never"}`, `{"percent":"100","max":"250","max_times":2,"expires":"never"}`},
		{`null`, `null`},
		{`{"max_times":0}`, ""}, {`{"percent":101}`, ""}, {`{"many":1}`, ""}, {`{"expires":"soon"}`, ""}, {`{"expires":{"count":0,"unit":"day"}}`, ""}, {`{"expires":{"n":1}}`, ""},
	} {
		var r Rollover
		err := json.Unmarshal([]byte(c.given), &r)
		if data := mustValue(json.Marshal(r)); (err != nil) != (c.want == "") || err == nil && string(data) != c.want {
			t.Errorf("%s: %s, %v", c.given, data, err)
		}
	}
	for _, given := range []string{`{"op":"schedule","schedule_id":"p","amount":"1","every":{"count":1,"unit":"month"},"count":0}`,
		`{"op":"schedule","schedule_id":"p","amount":"1","every":{"count":1,"unit":"month"},"count":"x"}`,
		`{"op":"schedule","schedule_id":"p","amount":"1","every":{"count":1,"unit":"month"},"source":"x"}`} {
		if _, err := UnmarshalOperation([]byte(given)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", given, err)
		}
	}
	v := "v"
	if _, err := json.Marshal(ChangeSchedule{ScheduleID: "p", Rollover: &Rollover{}}); err == nil {
		t.Error("a change that ends the rollover was written, as one that leaves it as it is")
	}
	if _, err := json.Marshal(ChangeSchedule{ScheduleID: "p", ClearMetadata: true, Metadata: map[string]*string{"k": &v}}); err == nil {
		t.Error("what cannot be read back is written")
	}
	if err := new(ScheduleInfo).UnmarshalJSON([]byte(`{"granted":"x"}`)); err == nil {
		t.Error("a schedule that is none is read")
	}
	for e, want := range map[GrantExpiry]string{{}: "period_end", ExpiresNever(): "never", ExpiresAfter(Interval{2, IntervalWeek}): "2 weeks"} {
		if e.String() != want || e.IsNever() != (want == "never") || e.After().IsZero() == (want == "2 weeks") {
			t.Errorf("%s is called %s", want, e)
		}
	}
}

// TestCalendarTimes: a day, a local time and an instant are read as written.
func TestCalendarTimes(t *testing.T) {
	newYork := mustZone("America/New_York")
	for _, c := range []struct{ given, want, at string }{
		{"2026-01-31", "2026-01-31T00:00:00", "2026-01-31T05:00:00Z"},
		{"2026-01-31T12:30:00.5", "2026-01-31T12:30:00.5", "2026-01-31T17:30:00.5Z"},
		{"2026-01-31T12:30:00Z", "2026-01-31T12:30:00Z", "2026-01-31T12:30:00Z"},
		{"", "", ""},
	} {
		var read CalendarTime
		if err := read.UnmarshalText([]byte(c.given)); err != nil || read.String() != c.want || read.IsZero() != (c.given == "") {
			t.Errorf("%q is read as %s, %v", c.given, read, err)
		}
		if text, err := read.MarshalText(); err != nil || string(text) != c.want {
			t.Errorf("%q is written as %q, %v", c.given, text, err)
		}
		if c.at != "" && (read.in(newYork).String() != c.at || read.localIn(newYork).FirstInstant(newYork).String() != c.at) {
			t.Errorf("%q is at %s", c.given, read.in(newYork))
		}
		var local LocalTime
		if err := local.UnmarshalText([]byte(c.want)); (err != nil) != strings.HasSuffix(c.want, "Z") || err == nil && local.String() != c.want {
			t.Errorf("%q is read as the local time %s, %v", c.want, local, err)
		}
	}
	for _, given := range []string{"2026-02-30", "noon", "2026-01-31T25:00:00", "2026-01-31T12:30:00+99:00"} {
		if _, err := ParseCalendarTime(given); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", given, err)
		}
	}
	if _, err := OnDay(20260230).MarshalText(); err == nil {
		t.Error("a day that does not exist is written")
	}
	for _, c := range []struct {
		v              Interval
		from, to, zone string
	}{
		{Interval{10, IntervalDay}, "2026-03-01T12:00:00Z", "2026-03-11T11:00:00Z", "America/New_York"},
		{Interval{1, IntervalMonth}, "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "UTC"},
		{Interval{1, IntervalYear}, "9999-06-01T00:00:00Z", "never", "UTC"},
	} {
		if got := c.v.after(when(c.from), mustZone(c.zone)); got.String() != c.to {
			t.Errorf("%s after %s is %s", c.v, c.from, got)
		}
	}
	if d := Midnight(20260131).Date(); d != 20260131 {
		t.Errorf("the day is %s", d)
	}
}
