package opsfile

import (
	"strconv"

	"creditledger"
)

// Operations on schedules.

func readSchedule(f *fields) creditledger.Operation {
	op := creditledger.Schedule{
		ScheduleID: f.requiredID("schedule_id"),
		Amount:     f.requiredAmount("amount"),
		Anchor:     f.calendarTime("anchor"),
		Every:      f.every("every"),
		Timezone:   f.id("timezone"),
		Start:      f.calendarTime("start"),
		End:        f.calendarTime("end"),
		Count:      int(f.integer("count", 1, maxPeriods)),
	}
	if expires := f.lifetime("expires"); expires != nil {
		op.Expires = *expires
	}
	op.First = word(f, "first", creditledger.ParseFirstPeriod)
	op.Scale = int(f.integer("scale", 0, 18))
	if rollover := f.rollover("rollover"); rollover != nil {
		op.Rollover = *rollover
	}
	op.CatchUp = word(f, "catch_up", creditledger.ParseCatchUp)
	op.CostBasis = f.costBasis("per_unit_cost_basis")
	op.Priority = f.priority()
	op.Filters = f.filters("filters")
	if source := word(f, "source", parseGiven(creditledger.ParseSource)); source != nil {
		op.Source = creditledger.GrantsFrom(*source)
	}
	op.RequirePayment = f.flag("require_payment")
	op.Description = f.description()
	op.Metadata = f.metadata("metadata")
	return op
}

// maxPeriods is more than there are days in the years 0001 to 9999.
const maxPeriods = 9999 * 366

// parseGiven makes a parser whose result is nil if the key is absent.
func parseGiven[T any](parse func(string) (T, error)) func(string) (*T, error) {
	return func(text string) (*T, error) {
		v, err := parse(text)
		return &v, err
	}
}

func readChangeSchedule(f *fields) creditledger.Operation {
	op := creditledger.ChangeSchedule{
		ScheduleID:  f.requiredID("schedule_id"),
		Amount:      f.positive("amount"),
		Rollover:    f.rollover("rollover"),
		Expires:     f.lifetime("expires"),
		When:        word(f, "when", creditledger.ParseChangeWhen),
		Description: f.description(),
	}
	v, given := f.find("metadata")
	if op.ClearMetadata = given && v.kind == kindNull; !op.ClearMetadata {
		op.Metadata = f.metadataUpdate("metadata")
	}
	return op
}

func readEndSchedule(f *fields) creditledger.Operation {
	op := creditledger.EndSchedule{
		ScheduleID:  f.requiredID("schedule_id"),
		VoidBlocks:  f.flag("void_blocks"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
	reason, given := f.text("void_reason")
	if given && reason == "" {
		f.refuse("void_reason", "is empty")
	}
	op.VoidReason = reason
	return op
}

func readSchedules(f *fields, r *Request) {
	r.account(f)
	r.Args = Schedules{}
}

// calendarTime returns a date, a local date-time or an instant, the zero value if absent.
func (f *fields) calendarTime(key string) creditledger.CalendarTime {
	return word(f, key, creditledger.ParseCalendarTime)
}

// every returns how long a period is. It must be given.
func (f *fields) every(key string) creditledger.Interval {
	f.require(key)
	v, ok := f.take(key, kindObject)
	if !ok {
		return creditledger.Interval{}
	}
	return f.interval(key, v)
}

// interval reads {count, unit}.
func (f *fields) interval(key string, v value) creditledger.Interval {
	inner := f.inside(key, v.members)
	inner.require("count")
	inner.require("unit")
	i := creditledger.Interval{
		Count: int(inner.integer("count", 1, creditledger.MaxInterval)),
		Unit:  word(inner, "unit", creditledger.ParseIntervalUnit),
	}
	f.adopt(inner)
	return i
}

// lifetime returns how long credits live: "period_end", "never" or an interval; nil when
// absent.
func (f *fields) lifetime(key string) *creditledger.GrantExpiry {
	v, ok := f.take(key, kindString, kindObject)
	var expires creditledger.GrantExpiry
	switch {
	case !ok:
		return nil
	case v.kind == kindObject:
		expires = creditledger.ExpiresAfter(f.interval(key, v))
	case v.text == "never":
		expires = creditledger.ExpiresNever()
	case v.text != "period_end":
		f.refuse(key, "%s is not period_end, never or an interval", strconv.QuoteToASCII(shorten(v.text)))
	}
	return &expires
}

// rollover returns what is carried of a period's credits, nil when absent. What is left out
// is the default.
func (f *fields) rollover(key string) *creditledger.Rollover {
	v, ok := f.take(key, kindObject)
	if !ok {
		return nil
	}
	inner := f.inside(key, v.members)
	r := creditledger.Rollover{Percent: creditledger.AmountOf(100), MaxTimes: 1}
	if percent, ok := inner.amount("percent"); ok {
		r.Percent = percent
	}
	most, bounded := inner.amount("max")
	if n := inner.integer("max_times", 1, creditledger.MaxInterval); n != 0 {
		r.MaxTimes = int(n)
	}
	if expires := inner.lifetime("expires"); expires != nil {
		r.Expires = *expires
	}
	if r.Max = most; bounded && most.IsZero() { // 0 means that nothing may be carried
		r.Percent = creditledger.Amount{}
	}
	f.adopt(inner)
	return &r
}
