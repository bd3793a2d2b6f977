package creditledger

import (
	"encoding/json"
	"time"
)

// Settings are what a ledger goes by where an operation does not say it. They are kept in
// the ledger, so that all programs that work on it agree. In Settings that are given, a
// zero field stands for its default. Rule: docs/semantics/settings.md.
type Settings struct {
	GracePeriod time.Duration // how long entries are pending before they are committed; 0 by default
	Repay       Repay         // of an Increment that does not say; RepayFirst by default
	Overdraft   Overdraft     // of a Decrement that does not say; OverdraftAllow by default
	Settlement  time.Duration // how late usage may be reported (Decrement.UsageAt); DefaultSettlement by default
	MaxHold     time.Duration // how long a hold may last, extensions included; DefaultMaxHold by default
}

// The windows of a ledger whose settings do not say otherwise, and the longest they may say.
const (
	DefaultSettlement = 60 * 24 * time.Hour
	DefaultMaxHold    = 24 * time.Hour
	MaxWindow         = 3660 * 24 * time.Hour
)

// defaultSettlement is DefaultSettlement in microseconds, as changes and records count.
const defaultSettlement = Instant(DefaultSettlement / time.Microsecond)

// withDefaults fills in what is not said.
func (s Settings) withDefaults() Settings {
	if s.Repay == RepayDefault {
		s.Repay = RepayFirst
	}
	s.Overdraft = s.Overdraft.or(OverdraftAllow)
	if s.Settlement == 0 {
		s.Settlement = DefaultSettlement
	}
	if s.MaxHold == 0 {
		s.MaxHold = DefaultMaxHold
	}
	return s
}

// windows are those of the settings, in microseconds.
func (s *Settings) windows() (grace, settlement, longest Instant) {
	const unit = time.Microsecond
	return Instant(s.GracePeriod / unit), Instant(s.Settlement / unit), Instant(s.MaxHold / unit)
}

// check refuses settings that no ledger can go by.
func (s *Settings) check() error {
	switch {
	case int(s.Repay) >= len(repayNames):
		return invalid("repay", "is not known")
	case int(s.Overdraft) >= len(overdraftNames):
		return invalid("overdraft", "is not known")
	}
	return firstError(
		checkWindow("grace_period", s.GracePeriod),
		checkWindow("settlement", s.Settlement),
		checkWindow("max_hold", s.MaxHold),
	)
}

func checkWindow(field string, d time.Duration) error {
	switch {
	case d < 0:
		return invalid(field, "%s is negative", d)
	case d > MaxWindow:
		return invalid(field, "%s is more than %d days", d, MaxWindow/(24*time.Hour))
	case d%time.Microsecond != 0:
		return invalid(field, "%s is no whole number of microseconds", d)
	}
	return nil
}

type settingsObject struct {
	GracePeriod jsonWindow `json:"grace_period"`
	Repay       Repay      `json:"repay"`
	Overdraft   Overdraft  `json:"overdraft"`
	Settlement  jsonWindow `json:"settlement"`
	MaxHold     jsonWindow `json:"max_hold"`
}

// MarshalJSON writes the settings as operations files answer them.
func (s Settings) MarshalJSON() ([]byte, error) {
	return json.Marshal(settingsObject{jsonWindow(s.GracePeriod), s.Repay, s.Overdraft, jsonWindow(s.Settlement), jsonWindow(s.MaxHold)})
}

// UnmarshalJSON reads what MarshalJSON writes. On an error s stays as it was.
func (s *Settings) UnmarshalJSON(data []byte) error {
	var o settingsObject
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("settings", err)
	}
	read := Settings{time.Duration(o.GracePeriod), o.Repay, o.Overdraft, time.Duration(o.Settlement), time.Duration(o.MaxHold)}
	if err := read.check(); err != nil {
		return err
	}
	*s = read
	return nil
}

// jsonWindow is a length of time in JSON: {"count": 60, "unit": "day"}.
type jsonWindow time.Duration

type windowObject struct {
	Count int64  `json:"count"`
	Unit  string `json:"unit"`
}

// windowUnits are the units that are always as long, longest first.
var windowUnits = []struct {
	name string
	unit time.Duration
}{
	{"week", 7 * 24 * time.Hour}, {"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute},
	{"second", time.Second}, {"millisecond", time.Millisecond}, {"microsecond", time.Microsecond},
}

// MarshalJSON writes the longest unit, up to days, that it is a whole number of.
func (w jsonWindow) MarshalJSON() ([]byte, error) {
	for _, u := range windowUnits[1:] {
		if d := time.Duration(w); d%u.unit == 0 && d != 0 {
			return json.Marshal(windowObject{int64(d / u.unit), u.name})
		}
	}
	return json.Marshal(windowObject{0, "second"})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (w *jsonWindow) UnmarshalJSON(data []byte) error {
	var o windowObject
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	for _, u := range windowUnits {
		if u.name != o.Unit {
			continue
		}
		if o.Count < 0 || o.Count > int64(MaxWindow/u.unit) {
			return invalid("settings", "%d times a %s is not between 0 and %d days", o.Count, o.Unit, MaxWindow/(24*time.Hour))
		}
		*w = jsonWindow(time.Duration(o.Count) * u.unit)
		return nil
	}
	return invalid("settings", "%s is not a unit of a fixed length", quote(o.Unit))
}
