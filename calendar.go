package creditledger

import "time"

// CalendarTime is a point of the calendar as a caller gives it: what a clock in the
// schedule's zone shows (Local), a day's midnight there (OnDay), or an exact instant
// (Exactly). The zero value is none, and stands for the field's default.
// Rule: docs/semantics/schedules.md.
type CalendarTime struct {
	local   LocalTime
	instant Instant
}

// Local is what a clock in the schedule's zone shows.
func Local(l LocalTime) CalendarTime { return CalendarTime{local: l} }

// OnDay is a day's midnight in the schedule's zone. A date that does not exist gives a
// CalendarTime that every operation refuses.
func OnDay(d Date) CalendarTime {
	if !d.exists() {
		return CalendarTime{instant: invalidInstant}
	}
	return Local(Midnight(d))
}

// Exactly is an instant, cut to microseconds.
func Exactly(t time.Time) CalendarTime { return CalendarTime{instant: InstantOf(t)} }

// ParseCalendarTime reads a date (YYYY-MM-DD), a local date-time without an offset, or an
// RFC 3339 date-time.
func ParseCalendarTime(s string) (CalendarTime, error) {
	if d, ok := parseDate(s); ok {
		return OnDay(d), nil
	}
	if l, err := ParseLocalTime(s); err == nil {
		return Local(l), nil
	}
	i, err := ParseInstant(s)
	if err != nil {
		return CalendarTime{}, invalid("time", "%s is neither a date such as 2030-12-31, nor a local date-time such as 2030-12-31T15:04:05, nor an RFC 3339 date-time such as 2030-12-31T15:04:05Z", quote(s))
	}
	return CalendarTime{instant: i}, nil
}

// IsZero reports whether nothing was given.
func (c CalendarTime) IsZero() bool { return c == CalendarTime{} }

// String returns c as it was given, a date as its midnight.
func (c CalendarTime) String() string {
	switch {
	case !c.local.IsZero():
		return c.local.String()
	case c.instant != 0:
		return c.instant.String()
	}
	return ""
}

// MarshalText returns what String returns. A CalendarTime that operations refuse is an
// InvalidError.
func (c CalendarTime) MarshalText() ([]byte, error) {
	if err := c.check("time"); err != nil {
		return nil, err
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads what ParseCalendarTime reads; nothing is none. On an error c stays
// as it was.
func (c *CalendarTime) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = CalendarTime{}
		return nil
	}
	read, err := ParseCalendarTime(boundedText(text))
	if err == nil {
		*c = read
	}
	return err
}

func (c CalendarTime) check(field string) error {
	if !c.instant.Valid() {
		return invalid(field, "is a date that does not exist or is outside the years 0001 to 9999")
	}
	return nil
}

// in returns the instant of c in a zone; none if nothing was given. It is invalid beyond
// the ends of the calendar.
func (c CalendarTime) in(zone *time.Location) Instant {
	if c.local.IsZero() {
		return c.instant
	}
	return c.local.FirstInstant(zone)
}

// localIn returns what a clock in zone shows at c; none if nothing was given.
func (c CalendarTime) localIn(zone *time.Location) LocalTime {
	if c.instant == 0 {
		return c.local
	}
	return LocalTimeOf(c.instant.Time(), zone)
}
