package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
)

// footers are the rules at the end of zone files. A rule answers for every year that the
// file does not list: from 2038 on in a fat file, from today on in a slim one.
var footers = []struct{ zone, rule string }{
	{"America/New_York", "EST5EDT,M3.2.0,M11.1.0"}, {"America/Los_Angeles", "PST8PDT,M3.2.0,M11.1.0"}, {"America/Santiago", "<-04>4<-03>,M9.1.6/24,M4.1.6/24"},
	{"America/Havana", "CST5CDT,M3.2.0/0,M11.1.0/1"}, {"America/Nuuk", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"}, {"America/Asuncion", "<-04>4<-03>,M10.1.0/0,M3.4.0/0"},
	{"America/St_Johns", "NST3:30NDT,M3.2.0,M11.1.0"}, {"Africa/Cairo", "EET-2EEST,M4.5.5/0,M10.5.4/24"}, {"Africa/Casablanca", "<+01>-1"}, {"Asia/Beirut", "EET-2EEST,M3.5.0/0,M10.5.0/0"},
	{"Asia/Gaza", "EET-2EEST,M3.4.4/50,M10.4.4/50"}, {"Asia/Jerusalem", "IST-2IDT,M3.4.4/26,M10.5.0"}, {"Asia/Kathmandu", "<+0545>-5:45"}, {"Asia/Tokyo", "JST-9"},
	{"Australia/Lord_Howe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"}, {"Australia/Sydney", "AEST-10AEDT,M10.1.0,M4.1.0/3"}, {"Europe/Dublin", "IST-1GMT0,M10.5.0,M3.5.0/1"},
	{"Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"}, {"Pacific/Chatham", "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45"}, {"Antarctica/Troll", "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3"},
}

// slimmest is a zone whose file lists nothing and ends with the rule.
func slimmest(t *testing.T, name, rule string) *time.Location {
	t.Helper()
	var file bytes.Buffer
	for range 2 { // the data for 32 bits, and then for 64
		file.WriteString("TZif2")
		file.Write(make([]byte, 15))
		for _, n := range []uint32{0, 0, 0, 0, 1, 4} { // one type, with a name of four bytes
			_ = binary.Write(&file, binary.BigEndian, n)
		}
		file.Write([]byte{0, 0, 0, 0, 0, 0})
		file.WriteString("LMT\x00")
	}
	file.WriteString("\n" + rule + "\n")
	zone, err := time.LoadLocationFromTZData(name, file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestDaysOfNinetyYears asks for the first instants of days of 2024 to 2113 in twenty
// zones, by the zone files of the system and by slim ones. The days are those around every
// New Year and every end of February, and some at random.
func TestDaysOfNinetyYears(t *testing.T) {
	run := results.Start(t, "days of ninety years in twenty zones, with fat and slim zone files")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	each := testsize.Of(3, 10, 366)
	for i, f := range footers {
		r := rand.New(rand.NewPCG(seed(t), uint64(i)))
		fat, err := time.LoadLocation(f.zone)
		if err != nil {
			t.Fatal(err)
		}
		for name, zone := range map[string]*time.Location{"fat": fat, "slim": slimmest(t, f.zone, f.rule)} {
			for year := 2024; year < 2114; year++ {
				for _, day := range daysOf(r, year, each) {
					if !beginsRight(t, day, zone) {
						t.Fatalf("%s, with a %s zone file", f.zone, name)
					}
					run.Count("days", 1)
				}
			}
		}
	}
}

// daysOf are days of a year: those at which calendars tend to go wrong, and some others.
func daysOf(r *rand.Rand, year, others int) []cl.Date {
	days := make([]cl.Date, 0, others+8)
	first := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, n := range []int{-2, -1, 0, 1, 58, 59, 60} {
		d := first.AddDate(0, 0, n)
		days = append(days, cl.DateOf(d.Year(), d.Month(), d.Day()))
	}
	for n := range others {
		if others < 366 {
			n = r.IntN(366)
		}
		d := first.AddDate(0, 0, n)
		days = append(days, cl.DateOf(d.Year(), d.Month(), d.Day()))
	}
	return days
}

// beginsRight reports whether a day begins at its first instant: that instant is of the
// day, or of a later one where the day does not exist, and none before it is.
func beginsRight(t *testing.T, day cl.Date, zone *time.Location) bool {
	t.Helper()
	answer := make(chan cl.Instant, 1)
	go func() { answer <- day.FirstInstant(zone) }()
	var got time.Time
	select {
	case at := <-answer:
		got = at.Time()
	case <-time.After(time.Minute):
		t.Errorf("the first instant of %s is looked for and not found in a minute", day)
		return false
	}
	reached := func(at time.Time) bool {
		y, m, d := at.In(zone).Date()
		return cl.DateOf(y, m, d) >= day
	}
	if !reached(got) || reached(got.Add(-time.Microsecond)) {
		t.Errorf("%s does not begin at %s", day, got.In(zone))
		return false
	}
	for at := got.Add(-time.Minute); got.Sub(at) < 3*time.Hour; at = at.Add(-15 * time.Minute) {
		if reached(at) {
			t.Errorf("%s has begun by %s, before %s", day, at.In(zone), got.In(zone))
			return false
		}
	}
	return true
}
