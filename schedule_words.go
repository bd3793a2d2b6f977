package creditledger

// What may be chosen of a schedule, by name.

// FirstPeriod says what a schedule grants that starts inside a period.
type FirstPeriod uint8

// What may be granted of the first period.
const (
	FirstFull     FirstPeriod = iota // all of it
	FirstProrated                    // the share of what remains of it, in elapsed time
	FirstSkip                        // nothing
)

// String returns the name used in operations files.
func (f FirstPeriod) String() string { return name(firstPeriodNames, f) }

// ParseFirstPeriod reads it by its name.
func ParseFirstPeriod(text string) (FirstPeriod, error) {
	return parseName(firstPeriodNames, FirstFull, "first", text)
}

// MarshalText gives the name.
func (f FirstPeriod) MarshalText() ([]byte, error) {
	return marshalName(firstPeriodNames, FirstFull, "first", f)
}

// UnmarshalText reads what MarshalText writes.
func (f *FirstPeriod) UnmarshalText(text []byte) error {
	return unmarshalName(f, firstPeriodNames, FirstFull, "first", text)
}

var firstPeriodNames = []string{"full", "prorated", "skip"}

// CatchUp says what is granted of periods that passed before anything was written.
type CatchUp uint8

// The ways to catch up.
const (
	CatchUpAll    CatchUp = iota // every period, with its own expiry and rollover at its own instant
	CatchUpLatest                // the current period only
)

// String returns the name used in operations files.
func (c CatchUp) String() string { return name(catchUpNames, c) }

// ParseCatchUp reads it by its name.
func ParseCatchUp(text string) (CatchUp, error) {
	return parseName(catchUpNames, CatchUpAll, "catch_up", text)
}

// MarshalText gives the name.
func (c CatchUp) MarshalText() ([]byte, error) {
	return marshalName(catchUpNames, CatchUpAll, "catch_up", c)
}

// UnmarshalText reads what MarshalText writes.
func (c *CatchUp) UnmarshalText(text []byte) error {
	return unmarshalName(c, catchUpNames, CatchUpAll, "catch_up", text)
}

var catchUpNames = []string{"all", "latest"}

// ChangeWhen says when a change of a schedule begins to count.
type ChangeWhen uint8

// The beginnings of a change.
const (
	ChangeNext ChangeWhen = iota // with the next period
	ChangeNow                    // at once: a larger amount grants the share of the difference for the rest of the period
)

// String returns the name used in operations files.
func (w ChangeWhen) String() string { return name(changeWhenNames, w) }

// ParseChangeWhen reads it by its name.
func ParseChangeWhen(text string) (ChangeWhen, error) {
	return parseName(changeWhenNames, ChangeNext, "when", text)
}

// MarshalText gives the name.
func (w ChangeWhen) MarshalText() ([]byte, error) {
	return marshalName(changeWhenNames, ChangeNext, "when", w)
}

// UnmarshalText reads what MarshalText writes.
func (w *ChangeWhen) UnmarshalText(text []byte) error {
	return unmarshalName(w, changeWhenNames, ChangeNext, "when", text)
}

var changeWhenNames = []string{"next", "now"}
