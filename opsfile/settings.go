package opsfile

import (
	"context"
	"math"
	"strconv"
	"time"

	"creditledger"
)

// Settings changes the ledger's settings that are given; without any it shows them.
type Settings struct {
	Replace     bool                   // what is stored, or lost, does not matter: what is not given gets its default
	GracePeriod *time.Duration         // nil: as it is
	Repay       creditledger.Repay     // none: as it is, like the others
	Overdraft   creditledger.Overdraft //
	Settlement  time.Duration
	MaxHold     time.Duration
}

func readSettings(f *fields, r *Request) {
	s := Settings{
		Replace:   f.flag("replace"),
		Repay:     word(f, "repay", creditledger.ParseRepay),
		Overdraft: word(f, "overdraft", creditledger.ParseOverdraft),
	}
	if d, given := f.window("grace_period"); given {
		s.GracePeriod = &d
	}
	s.Settlement, s.MaxHold = f.positiveWindow("settlement"), f.positiveWindow("max_hold")
	r.Args = s
}

// windowUnits are the units of time that are always as long.
var windowUnits = map[string]time.Duration{
	"week": 7 * 24 * time.Hour, "day": 24 * time.Hour, "hour": time.Hour, "minute": time.Minute,
	"second": time.Second, "millisecond": time.Millisecond, "microsecond": time.Microsecond,
}

// window returns a length of time, which is given as {count, unit}.
func (f *fields) window(key string) (d time.Duration, given bool) {
	v, ok := f.take(key, kindObject)
	if !ok {
		return 0, false
	}
	inner := f.inside(key, v.members)
	inner.require("count")
	inner.require("unit")
	count := inner.integer("count", 0, math.MaxInt64)
	name, _ := inner.text("unit")
	unit := windowUnits[name]
	switch {
	case unit == 0:
		inner.refuse("unit", "%s is not one of week, day, hour, minute, second, millisecond, microsecond", strconv.QuoteToASCII(shorten(name)))
	case count > int64(creditledger.MaxWindow/unit):
		inner.refuse("count", "%d is more than %d, for a %s", count, creditledger.MaxWindow/unit, name)
	}
	f.adopt(inner)
	return time.Duration(count) * unit, true
}

// positiveWindow returns a length of time that is not 0, and 0 when it is absent.
func (f *fields) positiveWindow(key string) time.Duration {
	d, given := f.window(key)
	if given && d == 0 {
		f.refuse(key, "is 0")
	}
	return d
}

func (s Settings) run(ctx context.Context, l *creditledger.Ledger) (creditledger.Settings, error) {
	switch {
	case s == Settings{}:
		return l.Settings(ctx)
	case s.Replace:
		var all creditledger.Settings
		s.change(&all)
		return l.ReplaceSettings(ctx, all)
	}
	return l.ChangeSettings(ctx, s.change)
}

func (s Settings) change(to *creditledger.Settings) {
	if s.GracePeriod != nil {
		to.GracePeriod = *s.GracePeriod
	}
	if s.Repay != creditledger.RepayDefault {
		to.Repay = s.Repay
	}
	if s.Overdraft != creditledger.OverdraftDefault {
		to.Overdraft = s.Overdraft
	}
	if s.Settlement != 0 {
		to.Settlement = s.Settlement
	}
	if s.MaxHold != 0 {
		to.MaxHold = s.MaxHold
	}
}
