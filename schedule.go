package creditledger

import "time"

// GrantExpiry says when what a schedule grants, or carries, expires. The zero value is
// the end of its period.
type GrantExpiry struct {
	never bool
	after Interval
}

// ExpiresNever lets grants live for ever.
func ExpiresNever() GrantExpiry { return GrantExpiry{never: true} }

// ExpiresAfter lets each grant live for v, counted in the schedule's zone from the instant
// of the grant.
func ExpiresAfter(v Interval) GrantExpiry { return GrantExpiry{after: v} }

// IsNever reports whether grants live for ever.
func (e GrantExpiry) IsNever() bool { return e.never }

// After returns how long a grant lives; the zero Interval when it expires with its period
// or never.
func (e GrantExpiry) After() Interval { return e.after }

// String returns "period_end", "never", or the interval in words.
func (e GrantExpiry) String() string {
	switch {
	case e.never:
		return "never"
	case e.after.IsZero():
		return "period_end"
	}
	return e.after.String()
}

func (e GrantExpiry) check(field string) error {
	if e.after.IsZero() {
		return nil
	}
	return e.after.check(field)
}

// of is the expiry of a grant, or a carry, at an instant in a period that ends at end; none
// if it never expires, or only after the end of the calendar.
func (e GrantExpiry) of(at, end Instant, zone *time.Location) Instant {
	switch {
	case e.never:
		return 0
	case e.after.IsZero():
		return end
	}
	return e.after.after(at, zone)
}

// Rollover says what of a schedule's expiring credits is carried into the period that
// begins then. The zero Rollover carries nothing.
type Rollover struct {
	Percent  Amount      // 0 to 100 of what a block has free, cut to the schedule's scale
	Max      Amount      // what carried credits may add up to; 0: no bound
	MaxTimes int         // how often the same credits may be carried, from 1; 0: never
	Expires  GrantExpiry // of carried credits; default: with the period
}

// IsZero reports whether nothing is carried.
func (r Rollover) IsZero() bool { return r == Rollover{} }

var hundred = AmountOf(100)

func (r *Rollover) check() error {
	switch {
	case r.IsZero():
		return nil
	case r.Percent.Sign() < 0 || r.Percent.Cmp(hundred) > 0:
		return invalid("rollover", "percent %s is not between 0 and 100", r.Percent)
	case r.Max.Sign() < 0:
		return invalid("rollover", "max %s is negative", r.Max)
	case r.MaxTimes < 1 || r.MaxTimes > MaxInterval:
		return invalid("rollover", "max_times %d is not between 1 and %d", r.MaxTimes, MaxInterval)
	}
	return r.Expires.check("rollover")
}

// ScheduleState tells whether a schedule still grants.
type ScheduleState uint8

// The states of a schedule.
const (
	ScheduleActive ScheduleState = iota // a grant is to come
	ScheduleEnded                       // by hand, or because no grant is to come
)

// String returns the name used in operations files.
func (s ScheduleState) String() string { return name(scheduleStateNames, s) }

// MarshalText gives the name.
func (s ScheduleState) MarshalText() ([]byte, error) {
	return marshalName(scheduleStateNames, ScheduleActive, "state", s)
}

// UnmarshalText reads what MarshalText writes.
func (s *ScheduleState) UnmarshalText(text []byte) error {
	return unmarshalName(s, scheduleStateNames, ScheduleActive, "state", text)
}

var scheduleStateNames = []string{"active", "ended"}

// ScheduleInfo is a schedule as it was at some instant. It is the caller's own.
// Rule: docs/semantics/schedules.md.
type ScheduleInfo struct {
	ID       string
	Amount   Amount    // credits, of the next grant
	Anchor   LocalTime // in its zone
	Every    Interval
	Timezone string
	NextDue  Instant // of the next grant; none when it has ended
	Granted  int64   // periods that were granted so far
	State    ScheduleState
}
