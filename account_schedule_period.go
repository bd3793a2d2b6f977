package creditledger

import "time"

// The periods of a schedule, as the calendar gives them when they are decided.

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

// after is the instant of the grant that follows on period k; none if there is none: the
// calendar, the end or the count has come.
func (s *schedule) after(k int64) Instant {
	next := s.calendar.at(k + 1)
	ended := s.last() != 0 && k >= s.last() || s.end != 0 && next >= s.end
	if ended || next == 0 || s.calendar.at(k+2) == 0 {
		return 0
	}
	return next
}

// begins is the beginning of period k: that of the calendar. Where clocks show its time twice,
// a schedule that starts at the second begins its first period there.
func (s *schedule) begins(k int64) Instant {
	if k == s.first && LocalTimeOf(s.start.Time(), s.calendar.zone) == s.calendar.anchor.plus(k-1, s.calendar.every) {
		return s.start
	}
	return s.calendar.at(k)
}

// upcoming is the next onset, as it is written at an instant: under CatchUpLatest periods
// that have ended by then are passed over. Where a zone skips a day, a period has no length,
// and gives way to the next one.
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

// passing is the onset of the last period that has ended by an instant. k is the first of
// them.
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

// share is what a period is granted: all of the amount, or of the first one, if it is to be
// prorated, a part.
func (s *schedule) share(t *onset) Amount {
	if t.Period != s.first || s.firstOf != FirstProrated || s.start <= t.Begin || t.Until <= s.start {
		return s.amount
	}
	return s.amount.prorated(s.start, t.Begin, t.Until, s.scale)
}
