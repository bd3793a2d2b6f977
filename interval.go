package creditledger

import (
	"fmt"
	"sort"
	"time"
)

// IntervalUnit is what an Interval counts.
type IntervalUnit uint8

// The units of an interval. Days, weeks, months and years are those of the calendar in
// the zone they are counted in: a day may have 23 or 25 hours.
const (
	IntervalDay IntervalUnit = 1 + iota
	IntervalWeek
	IntervalMonth
	IntervalYear
)

// String returns the name used in operations files.
func (u IntervalUnit) String() string { return name(intervalUnitNames, u) }

// ParseIntervalUnit reads a unit by its name.
func ParseIntervalUnit(text string) (IntervalUnit, error) {
	return parseName(intervalUnitNames, IntervalDay, "unit", text)
}

// MarshalText gives the name, and nothing for no unit.
func (u IntervalUnit) MarshalText() ([]byte, error) {
	return marshalName(intervalUnitNames, IntervalDay, "unit", u)
}

// UnmarshalText reads what MarshalText writes.
func (u *IntervalUnit) UnmarshalText(text []byte) error {
	return unmarshalName(u, intervalUnitNames, IntervalDay, "unit", text)
}

var intervalUnitNames = []string{"", "day", "week", "month", "year"}

// Interval is a stretch of the calendar: 1 to MaxInterval days, weeks, months or years.
// The zero Interval is none. Rule: docs/semantics/schedules.md.
type Interval struct {
	Count int          `json:"count"`
	Unit  IntervalUnit `json:"unit"`
}

// MaxInterval bounds the count of an Interval.
const MaxInterval = 1000

// IsZero reports whether v is none.
func (v Interval) IsZero() bool { return v == Interval{} }

// String returns v in words, such as "1 month" or "3 days".
func (v Interval) String() string {
	if v.Count == 1 {
		return "1 " + v.Unit.String()
	}
	return fmt.Sprintf("%d %ss", v.Count, v.Unit)
}

func (v Interval) check(field string) error {
	switch {
	case v.Count < 1 || v.Count > MaxInterval:
		return invalid(field, "counts %d units, not 1 to %d", v.Count, MaxInterval)
	case v.Unit < IntervalDay || int(v.Unit) >= len(intervalUnitNames):
		return invalid(field, "has a unit that is not known")
	}
	return nil
}

// LocalTime is a date and a time of day without a zone, in microseconds. The zero value
// is none.
type LocalTime struct {
	date  Date
	clock int64 // microseconds since midnight
}

// LocalTimeOf is t as a clock in zone shows it, cut to microseconds. It is none for a
// time outside the years 0001 to 9999.
func LocalTimeOf(t time.Time, zone *time.Location) LocalTime {
	t = t.In(zone)
	d := DateOf(t.Year(), t.Month(), t.Day())
	if d == 0 {
		return LocalTime{}
	}
	seconds := t.Hour()*3600 + t.Minute()*60 + t.Second()
	return LocalTime{date: d, clock: int64(seconds)*microsPerSecond + int64(t.Nanosecond()/1000)}
}

// Midnight is the beginning of a day.
func Midnight(d Date) LocalTime { return LocalTime{date: d} }

// ParseLocalTime reads YYYY-MM-DDTHH:MM:SS with an optional fraction and no offset.
func ParseLocalTime(s string) (LocalTime, error) {
	t, ok := parseRFC3339(s + "Z")
	if !ok {
		return LocalTime{}, invalid("time", "%s is not a local date-time such as 2030-12-31T15:04:05", quote(s))
	}
	return LocalTimeOf(t, time.UTC), nil
}

// IsZero reports whether l is none.
func (l LocalTime) IsZero() bool { return l.date == 0 }

// Date returns the day of l.
func (l LocalTime) Date() Date { return l.date }

// String returns YYYY-MM-DDTHH:MM:SS with no more digits than needed; nothing for none.
func (l LocalTime) String() string {
	if l.IsZero() {
		return ""
	}
	return l.wall().Format("2006-01-02T15:04:05.999999")
}

// MarshalText returns what String returns.
func (l LocalTime) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText writes. On an error l stays as it was.
func (l *LocalTime) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*l = LocalTime{}
		return nil
	}
	read, err := ParseLocalTime(boundedText(text))
	if err == nil {
		*l = read
	}
	return err
}

// wall returns l as a time in UTC.
func (l LocalTime) wall() time.Time {
	midnight := time.Date(l.date.Year(), l.date.Month(), l.date.Day(), 0, 0, 0, 0, time.UTC)
	return midnight.Add(time.Duration(l.clock) * time.Microsecond)
}

// FirstInstant returns the first instant at which a clock in zone shows l or later on that
// day: where the clocks skip l, the first instant after the gap; where they show it twice,
// the first. It is invalid where Date.FirstInstant is.
// Rule: docs/semantics.md, "Dates".
func (l LocalTime) FirstInstant(zone *time.Location) Instant { return firstInstant(l.wall(), zone) }

// plus returns l moved by n intervals: the same time of day, and a day that a month does
// not have is its last. It is none beyond the years 0001 to 9999.
func (l LocalTime) plus(n int64, v Interval) LocalTime {
	n *= int64(v.Count)
	const most = 9999 * 366
	if n < -most || n > most {
		return LocalTime{}
	}
	year, month, day := l.date.Year(), l.date.Month(), l.date.Day()
	switch v.Unit {
	case IntervalWeek, IntervalDay:
		if v.Unit == IntervalWeek {
			n *= 7
		}
		t := time.Date(year, month, day+int(n), 0, 0, 0, 0, time.UTC)
		return LocalTime{date: DateOf(t.Year(), t.Month(), t.Day()), clock: l.clock}.orNone()
	case IntervalYear:
		n *= 12
	}
	months := int64(year)*12 + int64(month-time.January) + n
	year, month = int(months/12), time.January+time.Month(months%12)
	lastDay := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return LocalTime{date: DateOf(year, month, min(day, lastDay)), clock: l.clock}.orNone()
}

func (l LocalTime) orNone() LocalTime {
	if l.date == 0 {
		return LocalTime{}
	}
	return l
}

// recurrence has instants that follow one another in steps of the calendar. Each is
// counted from the anchor and not from the one before, so that the 31st stays the 31st
// after a February.
type recurrence struct {
	anchor LocalTime
	every  Interval
	zone   *time.Location
}

// maxPeriods is larger than the number of days in the years 0001 to 9999.
const maxPeriods = 9999 * 366

// at returns the beginning of period k, which counts from 1; none when the calendar ends
// before it. Later periods never begin earlier, but several may begin at one instant, where
// a zone skips whole days.
func (r *recurrence) at(k int64) Instant {
	if k < 1 || k > maxPeriods {
		return 0
	}
	local := r.anchor.plus(k-1, r.every)
	if local.IsZero() {
		return 0
	}
	if i := local.FirstInstant(r.zone); i.Valid() {
		return i
	}
	return 0
}

// period returns the number of the period that t is in, the last of those that begin at
// or before it; 0 when t is before the first.
func (r *recurrence) period(t Instant) int64 {
	return int64(sort.Search(maxPeriods, func(i int) bool {
		at := r.at(int64(i) + 1)
		return at == 0 || at > t
	}))
}

// after returns the instant that is v after i, by the calendar of a zone; none beyond its
// end.
func (v Interval) after(i Instant, zone *time.Location) Instant {
	local := LocalTimeOf(i.Time(), zone).plus(1, v)
	if local.IsZero() {
		return 0
	}
	if next := local.FirstInstant(zone); next.Valid() {
		return next
	}
	return 0
}
