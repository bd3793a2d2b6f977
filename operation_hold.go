package creditledger

import (
	"fmt"
	"time"
)

// DefaultHold is how long a hold lasts that does not say until when, unless MaxHold is less.
const DefaultHold = 15 * time.Minute

// Hold sets credits aside for work whose cost is known at its end: nobody else can draw,
// hold, void or move them until they are captured or released, or the hold lapses. It
// writes no entry and moves no total. Rule: docs/semantics/holds.md.
type Hold struct {
	HoldID         string         // new in the account, and never free again
	Amount         Amount         // positive
	Until          Instant        // when it lapses; none: DefaultHold after the instant of the operation
	ItemID         string         // what it is for: filtered blocks that match it are held first
	PriceID        string         //
	Overdraft      Overdraft      // OverdraftReject by default; OverdraftStopAtZero holds what is available, which must be more than 0
	OverdraftLimit OverdraftLimit // with OverdraftAllow only
	Description    string
	Metadata       map[string]string

	lasts time.Duration // without Until; 0: DefaultHold
}

// ExtendHold sets more credits aside in an open hold, for longer, or both.
// Rule: docs/semantics/holds.md.
type ExtendHold struct {
	HoldID         string
	Amount         Amount         // more than it has; not negative
	Until          Instant        // none: as it is; not earlier than that
	Overdraft      Overdraft      // as in a Hold
	OverdraftLimit OverdraftLimit // with OverdraftAllow only
	Description    string
	Metadata       map[string]string
}

// Capture takes what was used out of a hold, less or more than it keeps. Without KeepOpen
// it closes the hold and sets the rest free. A capture of 0 is a release.
// Rule: docs/semantics/holds.md, "Capture, extend, release".
type Capture struct {
	HoldID         string
	Amount         Amount // not negative; positive with KeepOpen
	KeepOpen       bool   // the rest stays held
	Overdraft      Overdraft
	OverdraftLimit OverdraftLimit // with OverdraftAllow only
	AfterLapse     AfterLapse
	Description    string
	Metadata       map[string]string
}

// Release lets go of what a hold keeps. On a hold that is closed or has lapsed already it
// changes nothing, and its result names the state. Rule: docs/semantics/holds.md.
type Release struct {
	HoldID      string
	Description string
	Metadata    map[string]string
}

// AfterLapse says what a capture does whose hold has lapsed.
type AfterLapse uint8

// What a late capture does.
const (
	AfterLapseCharge AfterLapse = iota // charge as a decrement does, by the capture's overdraft policy
	AfterLapseRefuse                   // refuse with a HoldStateError
)

// String returns the name used in operations files.
func (l AfterLapse) String() string { return name(afterLapseNames, l) }

// ParseAfterLapse reads it by its name.
func ParseAfterLapse(text string) (AfterLapse, error) {
	return parseName(afterLapseNames, AfterLapseCharge, "after_lapse", text)
}

// MarshalText gives the name.
func (l AfterLapse) MarshalText() ([]byte, error) {
	return marshalName(afterLapseNames, AfterLapseCharge, "after_lapse", l)
}

// UnmarshalText reads what MarshalText writes.
func (l *AfterLapse) UnmarshalText(text []byte) error {
	return unmarshalName(l, afterLapseNames, AfterLapseCharge, "after_lapse", text)
}

var afterLapseNames = []string{"charge", "refuse"}

// Name returns "hold".
func (Hold) Name() string { return "hold" }

// Name returns "extend_hold".
func (ExtendHold) Name() string { return "extend_hold" }

// Name returns "capture".
func (Capture) Name() string { return "capture" }

// Name returns "release".
func (Release) Name() string { return "release" }

func (op Hold) check() error {
	return firstError(
		checkID("hold_id", op.HoldID),
		checkPositive(op.Amount),
		checkInstant("until", op.Until),
		checkOptionalID("item_id", op.ItemID),
		checkOptionalID("price_id", op.PriceID),
		checkOverdraft(op.Overdraft.or(OverdraftReject), op.OverdraftLimit),
		checkNote(op.Description, op.Metadata),
	)
}

func (op ExtendHold) check() error {
	return firstError(
		checkID("hold_id", op.HoldID),
		checkNotNegative(op.Amount),
		checkInstant("until", op.Until),
		checkOverdraft(op.Overdraft.or(OverdraftReject), op.OverdraftLimit),
		checkNote(op.Description, op.Metadata),
	)
}

func (op Capture) check() error {
	err := firstError(
		checkID("hold_id", op.HoldID),
		checkNotNegative(op.Amount),
		checkOverdraft(op.Overdraft.or(OverdraftStopAtZero), op.OverdraftLimit),
		checkNote(op.Description, op.Metadata),
	)
	switch {
	case err != nil:
		return err
	case op.KeepOpen && op.Amount.IsZero():
		return invalid("keep_open", "goes with an amount above 0")
	case int(op.AfterLapse) >= len(afterLapseNames):
		return invalid("after_lapse", "is not known")
	}
	return nil
}

func (op Release) check() error {
	return firstError(checkID("hold_id", op.HoldID), checkNote(op.Description, op.Metadata))
}

func checkNotNegative(a Amount) error {
	if a.Sign() < 0 {
		return invalid("amount", "%s is negative", a)
	}
	return nil
}

func checkInstant(field string, i Instant) error {
	if !i.Valid() {
		return invalid(field, "is outside the years 0001 to 9999")
	}
	return nil
}

// span is how long the hold lasts without Until.
func (op *Hold) span() time.Duration {
	if op.lasts != 0 {
		return op.lasts
	}
	return DefaultHold
}

// until is when the hold lapses that is made at an instant.
func (op *Hold) until(at Instant) Instant {
	if op.Until != 0 {
		return op.Until
	}
	return at + Instant(op.span()/time.Microsecond)
}

// checkUntil refuses what only the clock shows to be wrong about the end of a hold, and one
// that is too far away: at most longest, in microseconds; 0: however far, in a replay.
func checkUntil(op Operation, at, longest Instant) error {
	var until Instant
	switch op := op.(type) {
	case Hold:
		until = op.until(at)
	case ExtendHold:
		until = op.Until
	}
	switch {
	case until == 0:
		return nil
	case until <= at:
		return invalid("until", "%s has passed: it is %s", until, at)
	case !until.Valid():
		return invalid("until", "is outside the years 0001 to 9999")
	case longest != 0 && until > at+longest:
		return invalid("until", "%s is more than %s after now, %s", until, time.Duration(longest)*time.Microsecond, at)
	}
	return nil
}

// normaliseOnHold is normalise for an operation on a hold.
func normaliseOnHold(given Operation) Operation {
	switch op := given.(type) {
	case Hold:
		op.Overdraft, op.Metadata = op.Overdraft.or(OverdraftReject), cloneMetadata(op.Metadata)
		return op
	case ExtendHold:
		op.Overdraft, op.Metadata = op.Overdraft.or(OverdraftReject), cloneMetadata(op.Metadata)
		return op
	case Capture:
		op.Overdraft, op.Metadata = op.Overdraft.or(OverdraftStopAtZero), cloneMetadata(op.Metadata)
		return op
	}
	return given
}

// shortened gives holds that do not say until when a shorter default, if the settings do
// not let a hold last as long as DefaultHold. op is the ledger's own copy.
func shortened(op Operation, longest time.Duration) Operation {
	switch op := op.(type) {
	case Hold:
		if op.lasts = 0; op.Until == 0 && longest < DefaultHold {
			op.lasts = longest
		}
		return op
	case Batch:
		for i := range op {
			op[i] = shortened(op[i], longest)
		}
	}
	return op
}

// HoldStateError is an operation on a hold that needs an open one. It matches
// ErrConstraint.
type HoldStateError struct {
	HoldID string
	State  HoldState
}

func (e *HoldStateError) Error() string {
	switch e.State {
	case HoldLapsed:
		return fmt.Sprintf("hold %s has lapsed", quote(e.HoldID))
	case HoldOpen:
		return fmt.Sprintf("hold %s is open", quote(e.HoldID))
	}
	return fmt.Sprintf("hold %s is closed: it was %s", quote(e.HoldID), e.State)
}

// Is matches ErrConstraint.
func (e *HoldStateError) Is(target error) bool { return target == ErrConstraint }

// HeldError is an operation that would touch what holds keep of a block. It matches
// ErrConstraint.
type HeldError struct {
	Block string
	Free  Amount   // what of the block is not held
	Holds []string // the ids of the holds, in order
}

func (e *HeldError) Error() string {
	if len(e.Holds) == 1 {
		return fmt.Sprintf("block %s has %s free, the rest is held by %s: capture or release it first", quote(e.Block), e.Free, quote(e.Holds[0]))
	}
	return fmt.Sprintf("block %s has %s free, the rest is held by %s and %d others: capture or release them first", quote(e.Block), e.Free, quote(e.Holds[0]), len(e.Holds)-1)
}

// Is matches ErrConstraint.
func (e *HeldError) Is(target error) bool { return target == ErrConstraint }
