package creditledger

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

// scheduleHistory is an account with every operation on schedules and holds, and all that falls
// due of both.
func scheduleHistory(t *testing.T) *diary {
	point := func(text string) CalendarTime { return mustValue(ParseCalendarTime(text)) }
	silver, days := "silver", ExpiresAfter(Interval{10, IntervalDay})
	carry := Rollover{Percent: MustAmount("50"), Max: MustAmount("99.5"), MaxTimes: 2, Expires: days}
	d := newDiary(t)
	for _, step := range []struct {
		at string
		op Operation
	}{
		{"2026-01-10", Schedule{
			ScheduleID: "plan", Amount: AmountOf(1000), Anchor: point("2026-01-01"), Every: Interval{1, IntervalMonth}, Timezone: "Asia/Tokyo",
			End: point("2026-12-31T12:00:00"), First: FirstProrated, Scale: 2, Rollover: Rollover{Percent: AmountOf(100), MaxTimes: 1},
			CostBasis: MustCostBasis("0.01"), Priority: -3, Filters: []Filter{{Field: FilterFieldItem, Operator: FilterIncludes, Values: []string{"é"}}},
			Source: GrantsFrom(SourceTopUp), Description: "gold", Metadata: map[string]string{"tier": "gold"},
		}},
		{"2026-01-10", Schedule{
			ScheduleID: "free", Amount: AmountOf(5), Every: Interval{2, IntervalWeek}, Start: point("2026-01-20T00:00:00Z"), Count: 9,
			Expires: ExpiresNever(), First: FirstSkip, CatchUp: CatchUpLatest, RequirePayment: true,
		}},
		{"2026-01-15", Hold{HoldID: "h", Amount: AmountOf(30), ItemID: "é"}},
		{"2026-01-15T00:10:00Z", ExtendHold{HoldID: "h", Amount: AmountOf(10), Until: when("2026-01-15T12:00:00Z")}},
		{"2026-01-15T02:00:00Z", Batch{Capture{HoldID: "h", Amount: AmountOf(25)}, Hold{HoldID: "i", Amount: AmountOf(7), ItemID: "é"}}},
		{"2026-01-31T12:00:00Z", Hold{HoldID: "j", Amount: AmountOf(100), ItemID: "é", Overdraft: OverdraftAllow, Until: when("2026-02-01")}},
		{"2026-01-31T18:00:00Z", Release{HoldID: "j"}},
		{"2026-02-10", ChangeSchedule{ScheduleID: "plan", Amount: AmountOf(1500), Rollover: &carry, Expires: &days, When: ChangeNow, Metadata: map[string]*string{"tier": &silver, "gone": nil}, Description: "up"}},
		{"2026-03-20", ChangeSchedule{ScheduleID: "plan", ClearMetadata: true}},
		{"2026-04-20", EndSchedule{ScheduleID: "free", Description: "enough"}},
		{"2026-04-20", EndSchedule{ScheduleID: "plan", VoidBlocks: true, VoidReason: VoidRefund}},
	} {
		if _, err := d.do(step.at, step.op); err != nil {
			t.Fatalf("%s: %v", describe(step.op), err)
		}
	}
	return d
}

// TestGoldenSchedules: records of schedules and holds, of what falls due of both, and the rows of
// schedules, stay as they are; each reads back the same, and nothing else is read.
func TestGoldenSchedules(t *testing.T) {
	d := scheduleHistory(t)
	var names []string
	forms := map[string][]byte{}
	kinds := map[string]int{}
	for i, rec := range d.records {
		data := AppendRecord(nil, rec)
		var one [1]Operation
		for _, op := range operations(rec.Op, &one) {
			kinds[reflect.TypeOf(op).Name()]++
		}
		name := fmt.Sprintf("record %d, %s", i+1, rec.Op.Name())
		names, forms[name] = append(names, name), data
		if texts := appendTexts(nil, rec); texts != nil {
			names, forms[name+", texts"] = append(names, name+", texts"), texts
		}
		if SealOf(data) != d.seals[i] {
			t.Errorf("%s is written otherwise than it was", name)
		}
		checkRefused(t, data, decodeRecord, encodeRecord)
	}
	for _, kind := range []string{"Schedule", "ChangeSchedule", "EndSchedule", "Hold", "ExtendHold", "Capture", "Release", "begin", "carry", "expire"} {
		if kinds[kind] == 0 {
			t.Errorf("no record has a %s: %v", kind, kinds)
		}
	}
	rows := newDiary(t)
	for _, n := range []int{1, 2, len(d.records)} {
		rows.a = d.before(n)
		for _, id := range []string{"plan", "free"} {
			s := rows.a.schedule(id)
			if s == nil {
				continue
			}
			row := appendScheduleRow(nil, s)
			name := fmt.Sprintf("row of %s after record %d", id, n)
			names, forms[name] = append(names, name), row
			back, err := readScheduleRow(rows.a.id, &Row{Kind: RowSchedule, Key: id, Value: row})
			if err != nil || !bytes.Equal(appendScheduleRow(nil, back), row) {
				t.Errorf("%s reads back as %+v, %v", name, back, err)
			}
		}
	}
	checkGolden(t, "schedules-v3.hex", names, forms)
}
