package model

import (
	"math/big"
	"strings"
	"sync"
	"time"

	cl "creditledger"
)

var tooMuch = rat("100000000000000000000")

func rat(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("model: not a number: " + text)
	}
	return r
}

// Rat reads an amount of the library by its text.
func Rat(a cl.Amount) *big.Rat { return rat(a.String()) }

// Text prints a number as the library should: plainly, without zeros at the end.
func Text(r *big.Rat) string {
	if r == nil {
		return "none"
	}
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(18), "0")
}

// Amount hands a number to the library by its text.
func Amount(r *big.Rat) cl.Amount { return cl.MustAmount(Text(r)) }

func least(x, y *big.Rat) *big.Rat {
	if x.Cmp(y) < 0 {
		return x
	}
	return y
}

func notNegative(x *big.Rat) *big.Rat {
	if x.Sign() < 0 {
		return new(big.Rat)
	}
	return x
}

var dates sync.Map // dateIn → cl.Instant

type dateIn struct {
	date cl.Date
	zone string
}

// FirstInstant finds the first instant of a local day: it looks at every quarter of an
// hour, beginning well before. Zones whose offset is no multiple of that need EverySecond.
func FirstInstant(d cl.Date, zone *time.Location) cl.Instant {
	key := dateIn{d, zone.String()}
	if i, ok := dates.Load(key); ok {
		return i.(cl.Instant)
	}
	i := search(d, zone, 15*time.Minute)
	dates.Store(key, i)
	return i
}

// EverySecond is FirstInstant for any zone, a thousand times slower.
func EverySecond(d cl.Date, zone *time.Location) cl.Instant { return search(d, zone, time.Second) }

func search(d cl.Date, zone *time.Location, step time.Duration) cl.Instant {
	want := d.Year()*10000 + int(d.Month())*100 + d.Day()
	// No zone was ever more than 15 hours and some minutes ahead.
	for t := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC).Add(-16 * time.Hour); ; t = t.Add(step) {
		year, month, day := t.In(zone).Date()
		if year*10000+int(month)*100+day >= want {
			return cl.InstantOf(t)
		}
	}
}
