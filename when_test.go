package creditledger

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFirstInstant(t *testing.T) {
	for _, c := range []struct{ rule, zone, date, want string }{
		{"winter west", "America/Los_Angeles", "2022-12-28", "2022-12-28T08:00:00Z"},
		{"summer west", "America/Los_Angeles", "2022-05-02", "2022-05-02T07:00:00Z"},
		{"east", "Asia/Tokyo", "2022-05-02", "2022-05-01T15:00:00Z"},
		{"quarter hours", "Asia/Kathmandu", "2024-01-01", "2023-12-31T18:15:00Z"},
		{"the day clocks go forward", "America/New_York", "2024-03-10", "2024-03-10T05:00:00Z"},
		{"the day after", "America/New_York", "2024-03-11", "2024-03-11T04:00:00Z"},
		{"the day clocks go back", "America/New_York", "2024-11-03", "2024-11-03T04:00:00Z"},
		{"the day after that", "America/New_York", "2024-11-04", "2024-11-04T05:00:00Z"},
		{"midnight does not exist, Brazil", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"},
		{"midnight does not exist, Egypt", "Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"},
		{"midnight happens twice, Cuba: the first", "America/Havana", "2023-11-05", "2023-11-05T04:00:00Z"},
		{"midnight happens twice, a minute before the change", "America/St_Johns", "2009-11-01", "2009-11-01T02:30:00Z"},
		{"clocks go back at midnight to the day before", "America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"},
		{"a day that does not exist, Samoa", "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},
		{"the day after it is the same instant", "Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"the day before it", "Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z"},
		{"a day that does not exist, Marshall Islands", "Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00:00Z"},
		{"a day that does not exist, Kiribati", "Pacific/Kiritimati", "1994-12-31", "1994-12-31T10:00:00Z"},
		{"a day that does not exist, Philippines 1844", "Asia/Manila", "1844-12-31", "1844-12-31T15:56:08Z"},
		{"a day that happened twice, Alaska 1867: the first", "America/Juneau", "1867-10-18", "1867-10-17T08:57:41Z"},
		{"local mean time with seconds", "Europe/Amsterdam", "1850-01-01", "1849-12-31T23:40:28Z"},
		{"half an hour of summer", "Australia/Lord_Howe", "2024-10-06", "2024-10-05T13:30:00Z"},
		{"UTC", "UTC", "2024-02-29", "2024-02-29T00:00:00Z"},
		{"the furthest east", "Etc/GMT-14", "2024-01-01", "2023-12-31T10:00:00Z"},
		{"the furthest west", "Etc/GMT+12", "2024-01-01", "2024-01-01T12:00:00Z"},
		{"the first day there is", "UTC", "0001-01-01", "0001-01-01T00:00:00Z"},
		{"the last day there is", "America/Los_Angeles", "9999-12-31", "9999-12-31T08:00:00Z"},
		{"the first day, east: before the first instant", "Asia/Tokyo", "0001-01-01", "invalid instant"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d, ok := parseDate(c.date)
			if !ok {
				t.Fatalf("date %s", c.date)
			}
			if got := d.FirstInstant(mustZone(c.zone)); got.String() != c.want {
				t.Errorf("%s in %s is %s, want %s", c.date, c.zone, got, c.want)
			}
		})
	}
}

// awkwardZones have changes at or near midnight, skipped or repeated days, and
// offsets with seconds.
var awkwardZones = []string{
	"America/Sao_Paulo", "America/Havana", "America/St_Johns", "America/Asuncion", "America/Santiago", "America/Scoresbysund",
	"America/Juneau", "America/Los_Angeles", "Africa/Cairo", "Africa/Monrovia", "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza",
	"Asia/Amman", "Asia/Tehran", "Asia/Manila", "Asia/Kathmandu", "Atlantic/Azores", "Australia/Lord_Howe", "Europe/Dublin",
	"Europe/Amsterdam", "Pacific/Apia", "Pacific/Kwajalein", "Pacific/Kiritimati", "Pacific/Enderbury", "Pacific/Chatham", "Antarctica/Troll",
}

// slowFirstInstant finds the same by looking at every minute, then at every second.
func slowFirstInstant(d Date, zone *time.Location) Instant {
	midnight := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC).Unix()
	reached := func(at int64) bool {
		_, offset := time.Unix(at, 0).In(zone).Zone()
		return at+int64(offset) >= midnight
	}
	at := midnight - 17*3600 // no zone was ever further from UTC than 16 hours
	for !reached(at) {
		at += 60
	}
	for at -= 59; !reached(at); {
		at++
	}
	return InstantOf(time.Unix(at, 0))
}

// TestFirstInstantNearChanges compares with the slow search on the days around every
// change of a zone that happens within three hours of a midnight.
func TestFirstInstantNearChanges(t *testing.T) {
	compared := 0
	for _, name := range awkwardZones {
		zone := mustZone(name)
		end := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
		at := sameOffsetUntil(time.Date(1840, 1, 1, 0, 0, 0, 0, time.UTC).In(zone))
		for ; !at.IsZero() && at.Before(end); at = sameOffsetUntil(at) {
			before := at.Add(-time.Second)
			_, was := before.Zone()
			if _, is := at.Zone(); is == was {
				continue // the year ended
			}
			if h := (before.Hour() + 3) % 24; h >= 6 && before.Day() == at.Day() {
				continue
			}
			for days := -1; days <= 1; days++ {
				day := time.Date(at.Year(), at.Month(), at.Day()+days, 0, 0, 0, 0, time.UTC)
				d := DateOf(day.Year(), day.Month(), day.Day())
				compared++
				if got, want := d.FirstInstant(zone), slowFirstInstant(d, zone); got != want {
					t.Errorf("%s in %s is %s, want %s", d, name, got, want)
				}
			}
		}
	}
	if compared < 1000 {
		t.Errorf("only %d days were compared", compared)
	}
}

func TestFirstInstantProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := mustZone(rapid.SampledFrom(awkwardZones).Draw(t, "zone"))
		day := time.Unix(rapid.Int64Range(-4_100_000_000, 3_000_000_000).Draw(t, "day"), 0).UTC()
		d := DateOf(day.Year(), day.Month(), day.Day())
		got := d.FirstInstant(zone)
		if want := slowFirstInstant(d, zone); got != want {
			t.Fatalf("%s is %s, want %s", d, got, want)
		}
		next := day.AddDate(0, 0, 1)
		if DateOf(next.Year(), next.Month(), next.Day()).FirstInstant(zone) < got {
			t.Fatalf("the day after %s begins before it", d)
		}
	})
}

func TestDate(t *testing.T) {
	for _, c := range []struct {
		year, month, day int
		want             string
	}{
		{2024, 2, 29, "2024-02-29"}, {2023, 2, 29, ""}, {2000, 2, 29, "2000-02-29"}, {1900, 2, 29, ""},
		{2023, 4, 31, ""}, {2023, 12, 31, "2023-12-31"}, {2023, 13, 1, ""}, {2023, 0, 1, ""}, {2023, 1, 0, ""}, {2023, 1, 32, ""},
		{1, 1, 1, "0001-01-01"}, {0, 12, 31, ""}, {9999, 12, 31, "9999-12-31"}, {10000, 1, 1, ""}, {-1, 1, 1, ""}, {1 << 40, 1, 1, ""},
	} {
		d := DateOf(c.year, time.Month(c.month), c.day)
		if c.want == "" {
			if d != 0 {
				t.Errorf("%d-%d-%d is %s", c.year, c.month, c.day, d)
			}
			continue
		}
		if d.String() != c.want || d.Year() != c.year || int(d.Month()) != c.month || d.Day() != c.day {
			t.Errorf("%d-%d-%d is %s", c.year, c.month, c.day, d)
		}
	}
}

func TestParseWhen(t *testing.T) {
	for _, text := range []string{"2022-12-28", "0001-01-01", "9999-12-31", "2024-02-29"} {
		if w, err := ParseWhen(text); err != nil || w.String() != text || w.Date().String() != text || w.Instant() != 0 || w.IsZero() || w.IsNever() {
			t.Errorf("%s is %v, %v", text, w, err)
		}
	}
	if w, err := ParseWhen("2022-12-28T00:00:00+01:00"); err != nil || w.String() != "2022-12-27T23:00:00Z" || w.Date() != 0 || w.Instant() != when("2022-12-27T23:00:00Z") {
		t.Errorf("a date-time is %v, %v", w, err)
	}
	for _, text := range []string{
		"", " ", "never", "null", "2022-12-28 ", "2022-2-28", "22-12-28", "20221228", "2022-02-30", "2022-00-10", "2022-13-01", "2022-01-00",
		"0000-01-01", "10000-01-01", "-001-01-01", "2022/12/28", "2022-12-28T", "2022-12-28Z", "２０２２-12-28", "2022-1２-28", "2022-12-+8", "1e3-01-01",
	} {
		w, err := ParseWhen(text)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !w.IsZero() {
			t.Errorf("%q is %v, %v", text, w, err)
		}
	}
}

func TestWhenForms(t *testing.T) {
	noon := time.Date(2022, 5, 5, 12, 0, 0, 1999, time.UTC)
	date := DateOf(2022, 5, 5)
	for _, c := range []struct {
		rule                 string
		when                 When
		text                 string
		zero, never, invalid bool
	}{
		{"nothing", When{}, "", true, false, false},
		{"an instant, cut to microseconds", At(noon), "2022-05-05T12:00:00.000001Z", false, false, false},
		{"an instant as an Instant", AtInstant(InstantOf(noon)), "2022-05-05T12:00:00.000001Z", false, false, false},
		{"no instant is nothing", AtInstant(0), "", true, false, false},
		{"a date", On(date), "2022-05-05", false, false, false},
		{"never", Never(), "never", false, true, false},
		{"no date", On(0), "invalid instant", false, false, true},
		{"a time out of range", At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), "invalid instant", false, false, true},
		{"an instant out of range", AtInstant(lastInstant + 1), "invalid instant", false, false, true},
		{"a negative instant", AtInstant(-7), "invalid instant", false, false, true},
		{"a date that DateOf would not give", On(Date(20230230)), "invalid instant", false, false, true},
		{"a date of month 13", On(Date(20231301)), "invalid instant", false, false, true},
		{"a date without a year", On(Date(101)), "invalid instant", false, false, true},
		{"a date beyond the calendar", On(Date(100000101)), "invalid instant", false, false, true},
		{"a negative date", On(Date(-20230101)), "invalid instant", false, false, true},
	} {
		w := c.when
		if w.String() != c.text || w.IsZero() != c.zero || w.IsNever() != c.never || w.valid() == c.invalid {
			t.Errorf("%s: %q, zero %t, never %t, valid %t", c.rule, w, w.IsZero(), w.IsNever(), w.valid())
		}
	}
}

func TestWhenResolve(t *testing.T) {
	tokyo := mustZone("Asia/Tokyo")
	date := On(DateOf(2022, 5, 2)).resolve(tokyo)
	if date.Instant() != when("2022-05-01T15:00:00Z") || date.Date() != DateOf(2022, 5, 2) || date.String() != "2022-05-02" {
		t.Errorf("a date resolves to %s at %s", date, date.Instant())
	}
	for _, w := range []When{{}, Never(), AtInstant(7)} {
		if got := w.resolve(tokyo); got != w {
			t.Errorf("%v resolves to %v", w, got)
		}
	}
}

// TestWhenSame: what callers meant, not what it came to.
func TestWhenSame(t *testing.T) {
	tokyo, utc := mustZone("Asia/Tokyo"), time.UTC
	day := DateOf(2022, 5, 2)
	forms := []When{
		{}, Never(), On(day), On(DateOf(2022, 5, 3)), AtInstant(day.FirstInstant(utc)), AtInstant(day.FirstInstant(tokyo)),
	}
	for i, a := range forms {
		for j, b := range forms {
			if a.same(b) != (i == j) {
				t.Errorf("%q and %q: same %t", a, b, a.same(b))
			}
		}
	}
	if !On(day).resolve(tokyo).same(On(day).resolve(utc)) || !On(day).resolve(tokyo).same(On(day)) {
		t.Error("one date resolved in two zones is not the same date")
	}
	if On(day).resolve(utc).same(AtInstant(day.FirstInstant(utc))) {
		t.Error("a date is the same as its first instant")
	}
}

// TestOperationDates: dates of operations mean local days, and those that do not
// exist are refused, whoever made them up.
func TestOperationDates(t *testing.T) {
	for _, w := range []When{On(0), On(Date(20230230)), AtInstant(-1), At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))} {
		for name, op := range map[string]Operation{
			"effective_date":     Increment{Amount: AmountOf(1), EffectiveAt: w},
			"expiry_date":        Increment{Amount: AmountOf(1), ExpiresAt: w},
			"source expiry_date": ExpirationChange{BlockID: "A", ExpiresAt: w, Target: Never()},
			"target_expiry_date": ExpirationChange{BlockID: "A", Target: w},
		} {
			if err := op.check(); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s %s: %v", name, fmt.Sprint(w), err)
			}
		}
	}
	// The first day of the calendar begins before its first instant in Tokyo.
	early := On(DateOf(1, 1, 1)).resolve(mustZone("Asia/Tokyo"))
	for _, op := range []Operation{
		Increment{EffectiveAt: early}, Increment{ExpiresAt: early}, ExpirationChange{ExpiresAt: early}, ExpirationChange{Target: early},
	} {
		if err := checkClock(op, when(start)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", op, err)
		}
	}
}

func mustZone(name string) *time.Location { return mustValue(time.LoadLocation(name)) }
