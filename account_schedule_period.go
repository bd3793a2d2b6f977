package creditledger

import "time"

// This file works out the periods of a schedule from the calendar, when they are decided.

// locate looks the schedule's time zone up, which the calendar needs.
func (s *schedule) locate() error {
	if s.calendar.zone != nil {
		return nil
	}
	zone, err := time.LoadLocation(s.zone)
	if err != nil {
		return &CorruptError{Where: "time zone of schedule " + quote(s.id), Reason: err.Error()}
	}
	s.calendar.zone = zone
	return nil
}

// after returns the instant of the grant that follows period k; none if the calendar, the
// schedule's end or its count allow no more.
func (s *schedule) after(k int64) Instant {
	next := s.calendar.at(k + 1)
	ended := s.last() != 0 && k >= s.last() || s.end != 0 && next >= s.end
	if ended || next == 0 || s.calendar.at(k+2) == 0 {
		return 0
	}
	return next
}

// begins returns the beginning of period k by the calendar. If clocks show that time
// twice and the schedule starts at the second, its first period begins there.
func (s *schedule) begins(k int64) Instant {
	if k == s.first && LocalTimeOf(s.start.Time(), s.calendar.zone) == s.calendar.anchor.plus(k-1, s.calendar.every) {
		return s.start
	}
	return s.calendar.at(k)
}

// upcoming returns the next onset, if it is written at the instant by. Under
// CatchUpLatest it passes over periods that have ended by then. It also passes over a
// period without length, which a zone that skips a day may have.
func (s *schedule) upcoming(by Instant) onset {
	k := s.period + 1
	if s.catchUp == CatchUpLatest && s.calendar.at(k+1) <= by {
		return s.passing(k, by)
	}
	for {
		t := onset{Period: k, Begin: s.begins(k), Until: s.calendar.at(k + 1), Next: s.after(k)}
		t.Expires = s.expires.of(s.next, t.Until, s.calendar.zone)
		t.Empty = t.Until <= s.next || t.Expires != 0 && t.Expires <= s.next || s.share(&t).IsZero()
		if !t.Empty || t.Next != s.next {
			return t
		}
		k++
	}
}

// passing returns the onset of the last period that has ended by an instant. Period k is
// the first of those that have.
func (s *schedule) passing(k int64, by Instant) onset {
	to := s.calendar.period(by) - 1
	if last := s.last(); last != 0 {
		to = min(to, last)
	}
	if s.end != 0 {
		to = min(to, s.calendar.period(s.end-1))
	}
	k = max(k, to)
	return onset{Period: k, Begin: s.calendar.at(k), Until: s.calendar.at(k + 1), Next: s.after(k), Empty: true}
}

// share returns what a period is granted: the whole amount, or a part of it in a first
// period that is prorated.
func (s *schedule) share(t *onset) Amount {
	if t.Period != s.first || s.firstOf != FirstProrated || s.start <= t.Begin || t.Until <= s.start {
		return s.amount
	}
	return s.amount.prorated(s.start, t.Begin, t.Until, s.scale)
}
