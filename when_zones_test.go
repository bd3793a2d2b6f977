package creditledger

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
)

// hangs fails a test in which FirstInstant does not come back, and says for which day.
type hangs struct{ day atomic.Int32 }

func (h *hangs) watch(t *testing.T, zone *time.Location, run func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Minute):
		t.Fatalf("%s in %s does not come to an end", Date(h.day.Load()), zone)
	}
}

// dateFirstInstant finds the first instant of a day by package time, and leaves days
// with a change near their midnight to the slow search.
func dateFirstInstant(d Date, zone *time.Location) Instant {
	midnight := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone)
	_, before := midnight.Add(-4 * time.Hour).Zone()
	_, after := midnight.Add(4 * time.Hour).Zone()
	if before != after {
		return slowFirstInstant(d, zone)
	}
	return InstantOf(midnight)
}

// TestFirstInstantOfEveryDay: every day of 2024 to 2110, in zones read from slim and
// from fat files.
func TestFirstInstantOfEveryDay(t *testing.T) {
	t.Parallel()
	for _, made := range madeZones {
		for form, zone := range map[string]*time.Location{"slim": made.slim(), "fat": made.fat()} {
			t.Run(made.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				var h hangs
				h.watch(t, zone, func() {
					last := Instant(0)
					for day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() <= 2110; day = day.AddDate(0, 0, 1) {
						d := DateOf(day.Year(), day.Month(), day.Day())
						h.day.Store(int32(d))
						got := d.FirstInstant(zone)
						if want := dateFirstInstant(d, zone); got != want {
							t.Errorf("%s is %s, want %s", d, got, want)
						}
						if got <= last {
							t.Errorf("%s begins %s, the day before it %s", d, got, last)
						}
						last = got
					}
				})
			})
		}
	}
}

// TestFirstInstantOfAnyDay: random days of 90 years in zones as this machine has them,
// and in those with a rule for each year, also at both ends of the calendar.
func TestFirstInstantOfAnyDay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(testseed.Of(t), 0))
	var zones []*time.Location
	for _, name := range awkwardZones {
		zones = append(zones, mustZone(name))
	}
	for _, made := range madeZones {
		zones = append(zones, made.slim(), made.fat())
	}
	var h hangs
	for _, zone := range zones {
		h.watch(t, zone, func() {
			for range testsize.Of(30, 200, 5000) {
				day := time.Date(2020, 1, 1+random.IntN(90*365), 0, 0, 0, 0, time.UTC)
				years := []int{day.Year(), day.Year(), day.Year(), 1, 9999}
				d := DateOf(years[random.IntN(len(years))], day.Month(), min(day.Day(), 28))
				h.day.Store(int32(d))
				got, want := d.FirstInstant(zone), slowFirstInstant(d, zone)
				if got != want {
					t.Errorf("%s in %s is %s, want %s", d, zone, got, want)
				}
			}
		})
	}
}

// TestFirstInstantIsBounded: a zone file that says anything at all costs a bounded
// search, and a zone that nobody can follow gives no instant.
func TestFirstInstantIsBounded(t *testing.T) {
	t.Parallel()
	standing := madeZone{name: "standing", standard: -18000, summer: -14400}
	var h hangs
	for _, footer := range []string{
		"AAA5BBB,0/0,J365/25", "AAA5BBB,J1/0,J365/23", "AAA-14BBB,J365/23,J1/0", "AAA12BBB,365/167,0/-167", "AAA0BBB-24,J59/0,J60/0",
		"AAA0BBB0,0/0,0/0", "AAA-0:00:01BBB0,365/24,365/24", "AAA-167BBB167,M12.5.6/167,M1.1.0/-167",
	} {
		zone := mustLocation(footer, zoneFile(standing, 1, 0, footer))
		h.watch(t, zone, func() {
			for year := 2024; year <= 2110; year++ {
				for day := -7; day <= 7; day++ {
					at := time.Date(year, 1, day, 0, 0, 0, 0, time.UTC)
					d := DateOf(at.Year(), at.Month(), at.Day())
					h.day.Store(int32(d))
					d.FirstInstant(zone)
				}
			}
		})
	}
	for _, footer := range []string{"AAA5BBB,0/0,J365/25", "AAA5BBB,J1/0,J365/23"} { // changes on the days about New Year
		zone := mustLocation(footer, zoneFile(standing, 1, 0, footer))
		for year := 2023; year <= 2110; year++ {
			for day := -3; day <= 4; day++ {
				at := time.Date(year, 1, day, 0, 0, 0, 0, time.UTC)
				d := DateOf(at.Year(), at.Month(), at.Day())
				if got, want := d.FirstInstant(zone), slowFirstInstant(d, zone); got != want {
					t.Errorf("%s in %s is %s, want %s", d, zone, got, want)
				}
			}
		}
	}
}
