package creditledger

import (
	"bytes"
	"encoding/json"
)

// The parts of a schedule in the words of operations files.

// periods is a number of periods, which is not 0 if it is given.
type periods int

// UnmarshalJSON refuses 0, which means no end in a Schedule.
func (p *periods) UnmarshalJSON(data []byte) error {
	var n int
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	if n < 1 {
		return invalid("count", "%d is not positive", n)
	}
	*p = periods(n)
	return nil
}

// MarshalJSON writes "period_end", "never", or an interval.
func (e GrantExpiry) MarshalJSON() ([]byte, error) {
	switch {
	case e.never:
		return []byte(`"never"`), nil
	case e.after.IsZero():
		return []byte(`"period_end"`), nil
	}
	return json.Marshal(e.after)
}

// UnmarshalJSON reads what MarshalJSON writes. On an error e stays as it was.
func (e *GrantExpiry) UnmarshalJSON(data []byte) error {
	var word string
	if json.Unmarshal(data, &word) == nil {
		switch word {
		case "period_end":
			*e = GrantExpiry{}
			return nil
		case "never":
			*e = ExpiresNever()
			return nil
		}
		return invalid("expires", "%s is not period_end, never or an interval", quote(word))
	}
	var after Interval
	if err := readStrictly(data, &after); err != nil {
		return err
	}
	if err := after.check("expires"); err != nil {
		return err
	}
	*e = ExpiresAfter(after)
	return nil
}

// rolloverJSON is a Rollover in the words of operations files.
type rolloverJSON struct {
	Percent  *Amount      `json:"percent,omitempty"`
	Max      *Amount      `json:"max,omitempty"`
	MaxTimes *int         `json:"max_times,omitempty"`
	Expires  *GrantExpiry `json:"expires,omitempty"`
}

// MarshalJSON writes an object; null for a Rollover that carries nothing.
func (r Rollover) MarshalJSON() ([]byte, error) {
	if r.IsZero() {
		return []byte("null"), nil
	}
	j := rolloverJSON{Percent: &r.Percent, MaxTimes: &r.MaxTimes}
	if !r.Max.IsZero() {
		j.Max = &r.Max
	}
	if r.Expires != (GrantExpiry{}) {
		j.Expires = &r.Expires
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes; what is left out is the default: 100
// percent, once, without a bound, until the period ends. On an error r stays as it was.
func (r *Rollover) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*r = Rollover{}
		return nil
	}
	var j rolloverJSON
	if err := readStrictly(data, &j); err != nil {
		return err
	}
	read := Rollover{Percent: hundred, MaxTimes: 1}
	if j.Percent != nil {
		read.Percent = *j.Percent
	}
	if j.MaxTimes != nil {
		if read.MaxTimes = *j.MaxTimes; read.MaxTimes < 1 {
			return invalid("rollover", "max_times %d is not positive", read.MaxTimes)
		}
	}
	if j.Expires != nil {
		read.Expires = *j.Expires
	}
	if j.Max != nil {
		if read.Max = *j.Max; read.Max.IsZero() { // nothing may be carried, and 0 means no bound
			read.Percent = Amount{}
		}
	}
	if err := read.check(); err != nil {
		return err
	}
	*r = read
	return nil
}

// readStrictly reads an object whose keys are all known.
func readStrictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

type scheduleObject struct {
	ID       string        `json:"id"`
	Amount   Amount        `json:"amount"`
	Anchor   LocalTime     `json:"anchor"`
	Every    Interval      `json:"every"`
	Timezone string        `json:"timezone"`
	NextDue  *Instant      `json:"next_due"`
	Granted  int64         `json:"granted"`
	State    ScheduleState `json:"state"`
}

// MarshalJSON writes the schedule in the words of operations files.
func (s ScheduleInfo) MarshalJSON() ([]byte, error) {
	return plainJSON(scheduleObject{
		ID: s.ID, Amount: s.Amount, Anchor: s.Anchor, Every: s.Every, Timezone: s.Timezone,
		NextDue: optional(s.NextDue), Granted: s.Granted, State: s.State,
	})
}

// UnmarshalJSON reads what MarshalJSON writes. On an error s stays as it was.
func (s *ScheduleInfo) UnmarshalJSON(data []byte) error {
	var o scheduleObject
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("schedule", err)
	}
	*s = ScheduleInfo{
		ID: o.ID, Amount: o.Amount, Anchor: o.Anchor, Every: o.Every, Timezone: o.Timezone,
		NextDue: orZero(o.NextDue), Granted: o.Granted, State: o.State,
	}
	return nil
}
