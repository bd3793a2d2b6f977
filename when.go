package creditledger

import (
	"fmt"
	"time"
)

// When is a point in time as a caller gives it: an exact instant (At), a date that
// means the first instant of that local day in the customer's time zone (On), the
// explicit Never, or nothing at all (the zero value, which stands for the field's
// default).
type When struct {
	date    Date
	instant Instant
	never   bool
}

// At is the exact instant t, cut to microseconds.
func At(t time.Time) When { return When{instant: InstantOf(t)} }

// AtInstant is the exact instant i; none gives the zero When.
func AtInstant(i Instant) When { return When{instant: i} }

// On is the first instant of a date in the customer's time zone. A date that does
// not exist gives a When that every operation refuses.
func On(d Date) When {
	if !d.exists() {
		return When{instant: invalidInstant}
	}
	return When{date: d}
}

// Never is the explicit "does not expire".
func Never() When { return When{never: true} }

// ParseWhen reads a date (YYYY-MM-DD) or an RFC 3339 date-time.
func ParseWhen(s string) (When, error) {
	if d, ok := parseDate(s); ok {
		return On(d), nil
	}
	i, err := ParseInstant(s)
	if err != nil {
		return When{}, &InvalidError{Field: "date", Reason: fmt.Sprintf("%s is neither a date YYYY-MM-DD, such as 2030-12-31, nor an RFC 3339 date-time, such as 2030-12-31T15:04:05Z", quote(s))}
	}
	return AtInstant(i), nil
}

// IsZero reports whether nothing was given.
func (w When) IsZero() bool { return w == When{} }

// IsNever reports whether w is the explicit Never.
func (w When) IsNever() bool { return w.never }

// Date returns the bare date of w, zero when it has none.
func (w When) Date() Date { return w.date }

// Instant returns the exact instant of w: the one given, or for a bare date the one
// it was resolved to when the operation was decided. None before that.
func (w When) Instant() Instant { return w.instant }

// String returns w as it was given.
func (w When) String() string {
	switch {
	case w.never:
		return "never"
	case w.date != 0:
		return w.date.String()
	case w.instant == 0:
		return ""
	}
	return w.instant.String()
}

// MarshalText returns w as it was given: a date, an RFC 3339 date-time, "never", or
// nothing for the zero When. What a date was resolved to is not part of it. A When that
// operations refuse is an InvalidError.
func (w When) MarshalText() ([]byte, error) {
	if err := checkWhen("date", w); err != nil {
		return nil, err
	}
	return []byte(w.String()), nil
}

// UnmarshalText reads what MarshalText writes. On an error w stays as it was.
func (w *When) UnmarshalText(text []byte) error {
	switch string(text) {
	case "":
		*w = When{}
		return nil
	case "never":
		*w = Never()
		return nil
	}
	read, err := ParseWhen(boundedText(text))
	if err == nil {
		*w = read
	}
	return err
}

// resolve sets the instant of a bare date in zone. It returns anything else unchanged.
func (w When) resolve(zone *time.Location) When {
	if w.date != 0 {
		w.instant = w.date.FirstInstant(zone)
	}
	return w
}

// same reports whether two callers meant the same: dates as dates, instants as
// instants. What a date was resolved to does not count.
func (w When) same(o When) bool {
	if w.date != 0 || o.date != 0 {
		return w.date == o.date
	}
	return w == o
}

func (w When) valid() bool { return w.instant.Valid() }

func checkWhen(field string, w When) error {
	if !w.valid() {
		return invalid(field, "is a date that does not exist or is outside the years 0001 to 9999")
	}
	return nil
}
