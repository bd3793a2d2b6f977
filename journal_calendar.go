package creditledger

import "encoding/binary"

// The bytes of intervals, and of what is counted in them.

func appendInterval(dst []byte, v Interval) []byte {
	dst = append(dst, byte(v.Unit))
	return binary.AppendUvarint(dst, uint64(v.Count))
}

func (r *reader) interval() Interval {
	v := Interval{Unit: IntervalUnit(r.enum(intervalUnitNames, 0)), Count: int(r.uint31())}
	if r.err == "" && !v.IsZero() && v.check("every") != nil {
		r.fail("interval out of range")
	}
	return v
}

// A grant's expiry is 0 (with its period), 1 (never), or 2 and an interval.
func appendGrantExpiry(dst []byte, e GrantExpiry) []byte {
	switch {
	case e.never:
		return append(dst, 1)
	case e.after.IsZero():
		return append(dst, 0)
	}
	return appendInterval(append(dst, 2), e.after)
}

func (r *reader) grantExpiry() GrantExpiry {
	switch r.byte() {
	case 0:
		return GrantExpiry{}
	case 1:
		return ExpiresNever()
	case 2:
		if v := r.interval(); !v.IsZero() {
			return ExpiresAfter(v)
		}
	}
	r.fail("unknown kind of expiry")
	return GrantExpiry{}
}

// A rollover is how often (0: none, and nothing follows), the percentage, the bound (0:
// none) and the expiry.
func appendRollover(dst []byte, v *Rollover) []byte {
	dst = binary.AppendUvarint(dst, uint64(v.MaxTimes))
	if v.IsZero() {
		return dst
	}
	dst = appendAmount(dst, v.Percent)
	dst = appendAmount(dst, v.Max)
	return appendGrantExpiry(dst, v.Expires)
}

func (r *reader) rollover() Rollover {
	v := Rollover{MaxTimes: int(r.uint31())}
	if v.MaxTimes == 0 {
		return v
	}
	v.Percent, v.Max, v.Expires = r.amount(), r.amount(), r.grantExpiry()
	return v
}

// A calendar time is 0 (none), 1 and an instant, or 2, the date as the number yyyymmdd and
// the time of day in microseconds.
func appendCalendarTime(dst []byte, c CalendarTime) []byte {
	switch {
	case c.instant != 0:
		return appendInstant(append(dst, 1), c.instant)
	case c.local.IsZero():
		return append(dst, 0)
	}
	return appendLocalTime(append(dst, 2), c.local)
}

func (r *reader) calendarTime() CalendarTime {
	switch r.byte() {
	case 0:
		return CalendarTime{}
	case 1:
		return CalendarTime{instant: r.someInstant()}
	case 2:
		if l := r.localTime(); !l.IsZero() {
			return CalendarTime{local: l}
		}
	}
	r.fail("unknown kind of time")
	return CalendarTime{}
}

func appendLocalTime(dst []byte, l LocalTime) []byte {
	dst = binary.AppendUvarint(dst, uint64(l.date))
	return binary.AppendUvarint(dst, uint64(l.clock))
}

func (r *reader) localTime() LocalTime {
	d, clock := r.uvarint(), r.uvarint()
	const day = 24 * 3600 * microsPerSecond
	if d > 99991231 || d != 0 && !Date(d).exists() || clock >= day || d == 0 && clock != 0 {
		r.fail("local time out of range")
		return LocalTime{}
	}
	return LocalTime{date: Date(d), clock: int64(clock)}
}

// period reads the number of a period.
func (r *reader) period() int64 {
	k := r.uvarint()
	if k > maxPeriods {
		r.fail("period out of range")
		return 0
	}
	return int64(k)
}

// uint31 reads a small number.
func (r *reader) uint31() uint32 {
	v := r.uvarint()
	if v > 1<<31-1 {
		r.fail("number out of range")
		return 0
	}
	return uint32(v)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
