package creditledger

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// parseInstantCases are the cases of TestParseInstant.
var parseInstantCases = []struct{ rule, text, want string }{
	{"whole seconds", "2022-05-05T17:17:06Z", "2022-05-05T17:17:06Z"},
	{"an offset east", "2022-05-05T17:17:06+05:45", "2022-05-05T11:32:06Z"},
	{"an offset west", "2022-05-05T17:17:06-08:00", "2022-05-06T01:17:06Z"},
	{"an offset of zero", "2022-05-05T17:17:06+00:00", "2022-05-05T17:17:06Z"},
	{"an unknown offset", "2022-05-05T17:17:06-00:00", "2022-05-05T17:17:06Z"},
	{"the largest offset", "2022-05-05T23:59:59+23:59", "2022-05-05T00:00:59Z"},
	{"tenths", "2022-05-05T17:17:06.5Z", "2022-05-05T17:17:06.5Z"},
	{"microseconds", "2022-05-05T17:17:06.000001Z", "2022-05-05T17:17:06.000001Z"},
	{"nanoseconds are cut, not rounded", "2022-05-05T17:17:06.000001999Z", "2022-05-05T17:17:06.000001Z"},
	{"the last nanosecond of a second", "2022-05-05T17:17:06.999999999Z", "2022-05-05T17:17:06.999999Z"},
	{"digits beyond the nanosecond", "2022-05-05T17:17:06.123456789012345Z", "2022-05-05T17:17:06.123456Z"},
	{"fractions before 1970 are cut downwards in time", "1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"},
	{"midnight", "2022-05-05T00:00:00Z", "2022-05-05T00:00:00Z"},
	{"a leap day", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
	{"1970", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
	{"where nanoseconds in 64 bits end", "2262-04-11T23:47:16.854775808Z", "2262-04-11T23:47:16.854775Z"},
	{"beyond", "2300-01-01T00:00:00Z", "2300-01-01T00:00:00Z"},
	{"the first instant", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
	{"the last instant", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
	{"the last nanosecond", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"},
	{"in range by its offset only", "9999-12-31T23:59:59+00:01", "9999-12-31T23:58:59Z"},
	{"the length limit", "2022-05-05T17:17:06." + strings.Repeat("1", 43) + "Z", "2022-05-05T17:17:06.111111Z"},

	{"nothing", "", ""},
	{"a date", "2022-05-05", ""},
	{"a space for T", "2022-05-05 17:17:06Z", ""},
	{"a small t", "2022-05-05t17:17:06Z", ""},
	{"a small z", "2022-05-05T17:17:06z", ""},
	{"no zone", "2022-05-05T17:17:06", ""},
	{"no seconds", "2022-05-05T17:17Z", ""},
	{"one digit of an hour", "2022-05-05T7:17:06Z", ""},
	{"one digit of a month", "2022-5-05T17:17:06Z", ""},
	{"a comma", "2022-05-05T17:17:06,5Z", ""},
	{"a fraction and no zone", "2022-05-05T17:17:06.5", ""},
	{"a point without digits", "2022-05-05T17:17:06.Z", ""},
	{"24 o'clock", "2022-05-05T24:00:00Z", ""},
	{"minute 60", "2022-05-05T17:60:00Z", ""},
	{"a leap second", "2016-12-31T23:59:60Z", ""},
	{"a day that does not exist", "2023-02-29T00:00:00Z", ""},
	{"month 0", "2023-00-01T00:00:00Z", ""},
	{"month 13", "2023-13-01T00:00:00Z", ""},
	{"day 0", "2023-01-00T00:00:00Z", ""},
	{"day 32", "2023-01-32T00:00:00Z", ""},
	{"year 0", "0000-01-01T00:00:00Z", ""},
	{"year 10000", "10000-01-01T00:00:00Z", ""},
	{"a negative year", "-001-01-01T00:00:00Z", ""},
	{"a plus before the year", "+2022-01-01T00:00:00Z", ""},
	{"before the first instant by its offset", "0001-01-01T00:00:00+00:01", ""},
	{"after the last instant by its offset", "9999-12-31T23:59:59-00:01", ""},
	{"an offset of 24 hours", "2022-05-05T17:17:06+24:00", ""},
	{"an offset of 60 minutes", "2022-05-05T17:17:06+01:60", ""},
	{"an offset without a colon", "2022-05-05T17:17:06+0100", ""},
	{"an offset without minutes", "2022-05-05T17:17:06+01", ""},
	{"an offset with seconds", "2022-05-05T17:17:06+01:00:00", ""},
	{"an offset with signs inside", "2022-05-05T17:17:06+-1:00", ""},
	{"a zone name", "2022-05-05T17:17:06UTC", ""},
	{"text after it", "2022-05-05T17:17:06Z ", ""},
	{"text before it", " 2022-05-05T17:17:06Z", ""},
	{"other digits", "２022-05-05T17:17:06Z", ""},
	{"signs among the digits", "2022-05-05T+7:17:06Z", ""},
	{"over the length limit", "2022-05-05T17:17:06." + strings.Repeat("1", 44) + "Z", ""},
	{"a million characters", strings.Repeat("2", 1e6), ""},
	{"a zero byte", "2022-05-05T17:17:06Z\x00", ""},
}

func TestParseInstant(t *testing.T) {
	for _, c := range parseInstantCases {
		t.Run(c.rule, func(t *testing.T) {
			got, err := ParseInstant(c.text)
			if c.want == "" {
				var invalid *InvalidError
				if !errors.As(err, &invalid) || got != 0 || len(err.Error()) > 400 {
					t.Errorf("ParseInstant(%s) = %s, %v, want an InvalidError", quote(c.text), got, err)
				}
				return
			}
			if err != nil || got.String() != c.want || !got.Valid() || got.IsZero() {
				t.Errorf("ParseInstant(%q) = %s, %v, want %s", c.text, got, err, c.want)
			}
		})
	}
}

func TestInstantOf(t *testing.T) {
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	zone := time.FixedZone("x", 14*3600)
	for _, c := range []struct {
		rule  string
		time  time.Time
		want  Instant
		valid bool
	}{
		{"the first instant is 1, as 0 is none", first, 1, true},
		{"the zero time is the first instant, not none", time.Time{}, 1, true},
		{"a nanosecond before the first", first.Add(-1), invalidInstant, false},
		{"the last", last, lastInstant, true},
		{"a nanosecond after the last", last.Add(1), invalidInstant, false},
		{"a microsecond", first.Add(1999), 2, true},
		{"zones do not matter", first.In(zone), 1, true},
		{"the ends of time.Time", time.Unix(math.MaxInt64, 0), invalidInstant, false},
		{"the other end", time.Unix(math.MinInt64, 0), invalidInstant, false},
		{"the year 10000", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), invalidInstant, false},
		{"the year 0", time.Date(0, 12, 31, 23, 59, 59, 0, time.UTC), invalidInstant, false},
	} {
		if got := InstantOf(c.time); got != c.want || got.Valid() != c.valid {
			t.Errorf("%s: %d, valid %t", c.rule, got, got.Valid())
		}
	}
	now := time.Now() // with a monotonic reading, in a local zone
	if got := InstantOf(now).Time(); !got.Equal(now.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Errorf("%s is %s", now, got)
	}
}

func TestInstantForms(t *testing.T) {
	if !Instant(0).IsZero() || Instant(1).IsZero() || !Instant(0).Valid() || Instant(-1).Valid() || (lastInstant + 1).Valid() {
		t.Error("what is none and what is valid")
	}
	if got := Instant(0).Time(); !got.IsZero() {
		t.Errorf("none as a time is %s", got)
	}
	for i, want := range map[Instant]string{
		0: "never", 1: "0001-01-01T00:00:00Z", -1: "invalid instant", lastInstant + 1: "invalid instant", lastInstant: "9999-12-31T23:59:59.999999Z",
	} {
		if i.String() != want {
			t.Errorf("%d is shown as %s, want %s", i, i, want)
		}
	}
	for _, c := range []struct {
		rule string
		from Instant
		by   time.Duration
		want string
	}{
		{"forwards", when("2022-05-05"), time.Hour, "2022-05-05T01:00:00Z"},
		{"backwards", when("2022-05-05"), -time.Microsecond, "2022-05-04T23:59:59.999999Z"},
		{"less than a microsecond is cut", when("2022-05-05"), 999, "2022-05-05T00:00:00Z"},
		{"none stays none", 0, time.Hour, "never"},
		{"beyond the end", lastInstant, time.Microsecond, "invalid instant"},
		{"before the beginning", 1, -1, "invalid instant"},
		{"by nothing", lastInstant, 0, "9999-12-31T23:59:59.999999Z"},
	} {
		if got := c.from.Add(c.by).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
}

func TestInstantText(t *testing.T) {
	type record struct{ At, None Instant }
	data, err := json.Marshal(record{At: when("2022-05-05")})
	if err != nil || string(data) != `{"At":"2022-05-05T00:00:00Z","None":""}` {
		t.Errorf("as JSON: %s, %v", data, err)
	}
	back := record{None: 7}
	if err := json.Unmarshal(data, &back); err != nil || back != (record{At: when("2022-05-05")}) {
		t.Errorf("read back: %+v, %v", back, err)
	}
	kept := Instant(7)
	if err := kept.UnmarshalText([]byte("2022-05-05")); !errors.Is(err, ErrInvalid) || kept != 7 {
		t.Errorf("a date: %v, %d", err, kept)
	}
}

func TestInstantProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := Instant(rapid.Int64Range(1, int64(lastInstant)).Draw(t, "instant"))
		j := Instant(rapid.Int64Range(1, int64(lastInstant)).Draw(t, "another"))
		if got := InstantOf(i.Time()); got != i {
			t.Fatalf("through time.Time %d became %d", i, got)
		}
		if got, err := ParseInstant(i.String()); err != nil || got != i {
			t.Fatalf("through text %d became %d, %v", i, got, err)
		}
		if (i < j) != i.Time().Before(j.Time()) {
			t.Fatalf("%d and %d are in another order as times", i, j)
		}
	})
}

// TestStatus: an entry is committed once the grace period is over, from that instant on.
func TestStatus(t *testing.T) {
	at, hour := when("2026-01-01"), Instant(time.Hour/time.Microsecond)
	for _, c := range []struct {
		rule  string
		now   Instant
		grace Instant
		want  EntryStatus
	}{
		{"no grace period: at once", at, 0, EntryCommitted},
		{"a microsecond before it is over", at + 3_599_999_999, hour, EntryPending},
		{"when it is over", at + 3_600_000_000, hour, EntryCommitted},
		{"after", at + 3_600_000_001, hour, EntryCommitted},
		{"at its beginning", at, hour, EntryPending},
		{"a microsecond", at, 1, EntryPending},
	} {
		if got := statusAt(at, c.now, c.grace); got != c.want {
			t.Errorf("%s: %s", c.rule, got)
		}
	}
	if got := statusAt(lastInstant, lastInstant, hour); got != EntryPending {
		t.Errorf("a grace period beyond the end of time: %s", got)
	}
}
