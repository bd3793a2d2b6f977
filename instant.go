package creditledger

import (
	"fmt"
	"strconv"
	"time"
)

// Instant is a point in time in UTC, in whole microseconds. It counts
// microseconds from the first instant of the year 1, plus one, so that the zero
// value means "none" (never, or not given) and instants compare with ==, < and >.
// Only the years 0001 to 9999 exist; Valid tells.
// Rule: docs/semantics.md, "Numbers, times, names".
type Instant int64

const (
	microsPerSecond = 1_000_000
	// epochSeconds is the Unix time of 0001-01-01T00:00:00Z.
	epochSeconds = -62135596800
	// endSeconds is the Unix time of 10000-01-01T00:00:00Z.
	endSeconds = 253402300800

	lastInstant    = Instant((endSeconds - epochSeconds) * microsPerSecond)
	invalidInstant = Instant(-1)
)

// InstantOf cuts t to microseconds. A time outside the years 0001 to 9999 (UTC)
// gives an Instant for which Valid is false; every operation refuses it.
func InstantOf(t time.Time) Instant {
	s := t.Unix()
	if s < epochSeconds || s >= endSeconds {
		return invalidInstant
	}
	return Instant((s-epochSeconds)*microsPerSecond+int64(t.Nanosecond()/1000)) + 1
}

// ParseInstant reads an RFC 3339 date-time strictly: upper-case T and Z, two
// digits everywhere, a point before the fraction. Digits beyond the
// microsecond are cut off.
func ParseInstant(s string) (Instant, error) {
	t, ok := parseRFC3339(s)
	if !ok {
		return 0, &InvalidError{Field: "instant", Reason: fmt.Sprintf("%s is not an RFC 3339 date-time, such as 2030-12-31T15:04:05Z", quote(s))}
	}
	i := InstantOf(t)
	if !i.Valid() {
		return 0, &InvalidError{Field: "instant", Reason: fmt.Sprintf("%s is outside the years 0001 to 9999", quote(s))}
	}
	return i, nil
}

// Valid reports whether i is none or an instant of the years 0001 to 9999.
func (i Instant) Valid() bool { return i >= 0 && i <= lastInstant }

// IsZero reports whether i is none.
func (i Instant) IsZero() bool { return i == 0 }

// Time returns i in UTC; the zero time.Time for none.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	n := int64(i - 1)
	return time.Unix(n/microsPerSecond+epochSeconds, n%microsPerSecond*1000).UTC()
}

// Add returns i moved by d, cut to microseconds. It is invalid when the result
// leaves the years 0001 to 9999; none stays none.
func (i Instant) Add(d time.Duration) Instant {
	if i == 0 {
		return 0
	}
	return InstantOf(i.Time().Add(d))
}

// String returns RFC 3339 in UTC with no more digits than needed; "never" for none.
func (i Instant) String() string {
	if i == 0 {
		return "never"
	}
	if !i.Valid() {
		return "invalid instant"
	}
	return i.Time().Format(time.RFC3339Nano)
}

// MarshalText gives the RFC 3339 form, and nothing for none. An instant that is not
// valid is an InvalidError.
func (i Instant) MarshalText() ([]byte, error) {
	if i == 0 {
		return nil, nil
	}
	if !i.Valid() {
		return nil, invalid("instant", "is outside the years 0001 to 9999")
	}
	return []byte(i.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (i *Instant) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*i = 0
		return nil
	}
	v, err := ParseInstant(string(text))
	if err != nil {
		return err
	}
	*i = v
	return nil
}

// parseRFC3339 is strict where time.Parse is lenient (one-digit hours, commas,
// offsets out of range).
func parseRFC3339(s string) (time.Time, bool) {
	const maxLength = 64
	if len(s) < len("2006-01-02T15:04:05Z") || len(s) > maxLength ||
		s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	date, ok := parseDate(s[:10])
	hour, okH := digits(s[11:13], 23)
	minute, okM := digits(s[14:16], 59)
	second, okS := digits(s[17:19], 59)
	if !ok || !okH || !okM || !okS {
		return time.Time{}, false
	}
	rest := s[19:]
	nanos := 0
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 1 {
			return time.Time{}, false
		}
		for i := 1; i <= 9; i++ {
			nanos *= 10
			if i < n {
				nanos += int(rest[i] - '0')
			}
		}
		rest = rest[n:]
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(date.Year(), date.Month(), date.Day(), hour, minute, second, nanos, time.UTC)
	return t.Add(-offset), true
}

// parseOffset reads Z or ±hh:mm.
func parseOffset(s string) (time.Duration, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || (s[0] != '+' && s[0] != '-') || s[3] != ':' {
		return 0, false
	}
	hours, okH := digits(s[1:3], 23)
	minutes, okM := digits(s[4:6], 59)
	if !okH || !okM {
		return 0, false
	}
	d := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		d = -d
	}
	return d, true
}

// digits reads a number of digits only, at most limit.
func digits(s string, limit int) (int, bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n <= limit
}
