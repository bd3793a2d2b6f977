package model

import (
	"fmt"
	"strings"
	"sync"
	"time"

	cl "creditledger"
)

// Wall is what a clock on the wall shows.
type Wall struct {
	Year, Month, Day int
	Micros           int64 // of the day
}

// WallOf is what the clocks of a zone show at an instant.
func WallOf(at cl.Instant, zone *time.Location) Wall {
	t := at.Time().In(zone)
	hour, minute, second := t.Clock()
	return Wall{t.Year(), int(t.Month()), t.Day(), int64(hour*3600+minute*60+second)*1e6 + int64(t.Nanosecond()/1000)}
}

// String is a local date-time.
func (w Wall) String() string {
	s := w.Micros / 1e6
	text := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06d", w.Year, w.Month, w.Day, s/3600, s/60%60, s%60, w.Micros%1e6)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// before tells the order of two days and times.
func (w Wall) before(o Wall) bool {
	a, b := w.Year*10000+w.Month*100+w.Day, o.Year*10000+o.Month*100+o.Day
	return a < b || a == b && w.Micros < o.Micros
}

// exists tells whether a month has the day.
func (w Wall) exists() bool {
	switch w.Month {
	case 4, 6, 9, 11:
		return w.Day <= 30
	case 2:
		leap := w.Year%4 == 0 && (w.Year%100 != 0 || w.Year%400 == 0)
		return w.Day <= 28 || leap && w.Day == 29
	}
	return w.Day <= 31
}

func (w *Wall) nextDay() {
	if w.Day++; !w.exists() {
		w.Day = 1
		w.nextMonth()
	}
}

func (w *Wall) nextMonth() {
	if w.Month++; w.Month > 12 {
		w.Year, w.Month = w.Year+1, 1
	}
}

// Span is so many days, weeks, months or years.
type Span struct {
	Count int
	Unit  string
}

// after is the same time of day some spans later, one day or one month at a time. Where the
// month does not have the day, it is the last day of the month.
func (w Wall) after(times int, s Span) Wall {
	for range times * s.Count {
		switch s.Unit {
		case "day":
			w.nextDay()
		case "week":
			for range 7 {
				w.nextDay()
			}
		case "month":
			w.nextMonth()
		case "year":
			w.Year++
		}
		if w.Year > 9999 {
			break
		}
	}
	for !w.exists() {
		w.Day--
	}
	return w
}

var walls sync.Map // wallIn → cl.Instant

type wallIn struct {
	wall Wall
	zone string
}

// At is the first instant at which the clocks of a zone show this time or, where they skip
// it, a later one. It looks at every quarter of an hour, beginning well before, and then
// goes back second by second. It is 0 beyond the end of the calendar.
func (w Wall) At(zone *time.Location) cl.Instant {
	if w.Year > 9999 {
		return 0
	}
	key := wallIn{w, zone.String()}
	if i, ok := walls.Load(key); ok {
		return i.(cl.Instant)
	}
	reached := func(t time.Time) bool { return !WallOf(cl.InstantOf(t), zone).before(w) }
	t := time.Date(w.Year, time.Month(w.Month), w.Day, 0, 0, 0, 0, time.UTC).Add(time.Duration(w.Micros)*time.Microsecond - 16*time.Hour)
	for !reached(t) {
		t = t.Add(15 * time.Minute)
	}
	for reached(t.Add(-time.Second)) {
		t = t.Add(-time.Second)
	}
	if whole := t.Truncate(time.Second); reached(whole) {
		t = whole
	}
	i := cl.InstantOf(t)
	walls.Store(key, i)
	return i
}
