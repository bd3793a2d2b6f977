package creditledger

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPeriodsAreCountedFromTheAnchor(t *testing.T) {
	cases := []struct {
		name, zone, anchor string
		every              Interval
		begin              []string // of periods 1, 2, …
	}{
		{"the 31st", "UTC", "2026-01-31T00:00:00", Interval{1, IntervalMonth},
			[]string{"2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z"}},
		{"the 31st in New York", "America/New_York", "2026-01-31T00:00:00", Interval{1, IntervalMonth},
			[]string{"2026-01-31T05:00:00Z", "2026-02-28T05:00:00Z", "2026-03-31T04:00:00Z", "2026-04-30T04:00:00Z"}},
		{"29 February", "UTC", "2024-02-29T12:00:00", Interval{1, IntervalYear},
			[]string{"2024-02-29T12:00:00Z", "2025-02-28T12:00:00Z", "2026-02-28T12:00:00Z", "2027-02-28T12:00:00Z", "2028-02-29T12:00:00Z"}},
		{"a time that the clocks skip", "America/Los_Angeles", "2027-03-13T02:30:00", Interval{1, IntervalDay},
			[]string{"2027-03-13T10:30:00Z", "2027-03-14T10:00:00Z", "2027-03-15T09:30:00Z"}},
		{"a time that happens twice", "America/Los_Angeles", "2027-11-06T01:30:00", Interval{1, IntervalDay},
			[]string{"2027-11-06T08:30:00Z", "2027-11-07T08:30:00Z", "2027-11-08T09:30:00Z"}},
		{"a day that is skipped", "Pacific/Apia", "2011-12-29T00:00:00", Interval{1, IntervalDay},
			[]string{"2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"}},
		{"two weeks", "UTC", "2026-12-25T06:07:08.000009", Interval{2, IntervalWeek},
			[]string{"2026-12-25T06:07:08.000009Z", "2027-01-08T06:07:08.000009Z"}},
		{"the end of the calendar", "UTC", "9999-11-15T00:00:00", Interval{1, IntervalMonth},
			[]string{"9999-11-15T00:00:00Z", "9999-12-15T00:00:00Z", "never"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			r := recurrence{anchor: mustValue(ParseLocalTime(c.anchor)), every: c.every, zone: zone}
			for i, want := range c.begin {
				if got := r.at(int64(i) + 1); got.String() != want {
					t.Errorf("period %d begins %s, not %s", i+1, got, want)
				}
			}
		})
	}
}

// period is the inverse of at, in any zone and from any anchor.
func TestAnInstantIsInOnePeriod(t *testing.T) {
	zones := []string{"UTC", "America/Los_Angeles", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		anchor := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "anchor"), 0)
		r := recurrence{
			anchor: LocalTimeOf(anchor, zone), zone: zone,
			every: Interval{rapid.IntRange(1, 40).Draw(t, "count"), IntervalUnit(rapid.IntRange(1, 4).Draw(t, "unit"))},
		}
		at := InstantOf(anchor.Add(time.Duration(rapid.Int64Range(-1e6, 1e9).Draw(t, "later")) * time.Second))
		k := r.period(at)
		if k > 0 && r.at(k) > at {
			t.Fatalf("%s is in period %d, which begins %s", at, k, r.at(k))
		}
		if next := r.at(k + 1); next != 0 && next <= at {
			t.Fatalf("%s is in period %d, and the next begins %s", at, k, next)
		}
		if k > 1 && r.at(k) < r.at(k-1) {
			t.Fatalf("period %d begins before period %d", k, k-1)
		}
	})
}

func TestIntervalsAreBounded(t *testing.T) {
	for _, v := range []Interval{{}, {0, IntervalDay}, {-1, IntervalDay}, {MaxInterval + 1, IntervalDay}, {1, 0}, {1, 5}} {
		if v.check("every") == nil {
			t.Errorf("%v is let through", v)
		}
	}
	for unit := IntervalDay; unit <= IntervalYear; unit++ {
		if err := (Interval{MaxInterval, unit}).check("every"); err != nil {
			t.Error(err)
		}
	}
}

func TestLocalTimesAreReadAsWritten(t *testing.T) {
	for _, s := range []string{"2026-01-31T05:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "2024-02-29T12:30:00.5"} {
		if got := mustValue(ParseLocalTime(s)).String(); got != s {
			t.Errorf("%s was read as %s", s, got)
		}
	}
	for _, s := range []string{"", "2026-01-31", "2026-01-31T05:00:00Z", "2026-02-30T00:00:00", "2026-01-31 05:00:00", "2026-01-31T24:00:00", "2026-01-31T05:00:00+01:00"} {
		if l, err := ParseLocalTime(s); err == nil {
			t.Errorf("%q was read as %s", s, l)
		}
	}
}
