package creditledger

import (
	"fmt"
	"strings"
	"time"
)

// Date is a calendar date without a time or a zone, packed as yyyymmdd. The zero
// value means "no date".
type Date int32

// DateOf returns the date of the given day. A day that does not exist (30 February)
// or a year outside 0001 to 9999 gives the zero Date.
func DateOf(year int, month time.Month, day int) Date {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if year < 1 || year > 9999 || t.Year() != year || t.Month() != month || t.Day() != day {
		return 0
	}
	return Date(year*10000 + int(month)*100 + day)
}

// Year returns the year of d.
func (d Date) Year() int { return int(d) / 10000 }

// Month returns the month of d.
func (d Date) Month() time.Month { return time.Month(int(d) / 100 % 100) }

// Day returns the day of the month of d.
func (d Date) Day() int { return int(d) % 100 }

// String returns YYYY-MM-DD.
func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year(), int(d.Month()), d.Day())
}

// MarshalText returns YYYY-MM-DD, and nothing for no date. A date that does not exist is
// an InvalidError.
func (d Date) MarshalText() ([]byte, error) {
	switch {
	case d == 0:
		return nil, nil
	case !d.exists():
		return nil, invalid("date", "is a day that does not exist")
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes. On an error d stays as it was.
func (d *Date) UnmarshalText(text []byte) error {
	read, ok := parseDate(boundedText(text))
	if !ok && len(text) > 0 {
		return invalid("date", "%s is not a date such as 2006-01-02", quote(boundedText(text)))
	}
	*d = read
	return nil
}

// exists reports whether d is a day of the years 0001 to 9999.
func (d Date) exists() bool { return d != 0 && DateOf(d.Year(), d.Month(), d.Day()) == d }

// FirstInstant returns the first instant of the local day d in zone: midnight, or
// where the clocks skip midnight (or the whole day) the first instant after the gap;
// where midnight happens twice, the first. The result is invalid beyond the ends of
// the calendar, and in a zone whose clocks change more often than any real one's.
// Rule: docs/semantics.md, "Dates".
func (d Date) FirstInstant(zone *time.Location) Instant {
	return firstInstant(time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC), zone)
}

// firstInstant returns the first instant at which a clock in zone shows the date and time
// of wall, or later if the zone skips that time.
func firstInstant(wall time.Time, zone *time.Location) Instant {
	// No zone is this far from UTC, so the instant comes after it.
	const reach = 36 * time.Hour
	// Real clocks change once or twice in the days looked at. Zone data comes from
	// outside the library, so what it says does not decide how long the search takes.
	const maxChanges = 64
	at := wall.Add(-reach).In(zone)
	for range maxChanges {
		_, offset := at.Zone()
		reached := wall.Add(-time.Duration(offset) * time.Second)
		if reached.Before(at) {
			reached = at
		}
		end := sameOffsetUntil(at)
		if end.IsZero() || reached.Before(end) {
			return InstantOf(reached)
		}
		at = end
	}
	return invalidInstant
}

// sameOffsetUntil returns an instant after at up to which the offset stays the same;
// the zero time when it does for ever.
//
// Package time works out what a zone's rule says year by year, in UTC. What ZoneBounds
// says of the next year may be wrong, and on the last day of a leap year it may end
// before it began (https://go.dev/issue/81583): the offset then stays until the year ends.
func sameOffsetUntil(at time.Time) time.Time {
	_, end := at.ZoneBounds()
	if end.IsZero() {
		return end
	}
	yearEnd := time.Date(at.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	if !end.After(at) || end.After(yearEnd) {
		return yearEnd.In(at.Location())
	}
	return end
}

// parseDate reads YYYY-MM-DD; a day that does not exist is refused.
func parseDate(s string) (Date, bool) {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	year, okY := digits(s[0:4], 9999)
	month, okM := digits(s[5:7], 12)
	day, okD := digits(s[8:10], 31)
	d := DateOf(year, time.Month(month), day)
	return d, okY && okM && okD && d != 0
}

// checkZone takes IANA names only. A machine's zone directory, and time.LoadLocation,
// know more: the empty name, Local and localtime are whatever this machine is set to,
// right/… counts leap seconds, posix/… repeats all others.
func checkZone(name string) error {
	area, _, _ := strings.Cut(name, "/")
	switch area {
	case "", "Local", "localtime", "posixrules", "posix", "right":
		return invalid("timezone", "%s is not an IANA time zone", quote(name))
	}
	if _, err := time.LoadLocation(name); err != nil {
		return invalid("timezone", "%s is not an IANA time zone", quote(name))
	}
	return nil
}
