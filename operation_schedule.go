package creditledger

import (
	"maps"
	"strings"
	"time"
)

// Schedule grants credits again and again, at the beginning of each period of the
// calendar, without a job: what is due is written before the account's next operation or
// by a sweep, and reads see it by the clock. The block of period k has the id
// "<schedule_id>/<k>". Rule: docs/semantics/schedules.md.
type Schedule struct {
	ScheduleID     string       // 1 to MaxScheduleID bytes without a slash, never free again
	Amount         Amount       // credits of each period, positive
	Anchor         CalendarTime // what periods are counted from; default: the instant of the operation
	Every          Interval     // the length of a period
	Timezone       string       // IANA name; default: the customer's, as it is now
	Start          CalendarTime // default: the later of the anchor and now; neither before the anchor nor before now
	End            CalendarTime // no grant at or after it; default: none. Not with Count
	Count          int          // of periods, those passed over included; 0: no end
	Expires        GrantExpiry  // default: with its period
	First          FirstPeriod  // what a start inside a period grants; default: all of it
	Scale          int          // digits after the point that shares are cut to, 0 to 18
	Rollover       Rollover     // default: nothing is carried
	CatchUp        CatchUp      // what is granted of periods that passed unwritten; default: all
	CostBasis      CostBasis
	Priority       int32
	Filters        []Filter
	Source         GrantSource // default: SourceAllocation
	RequirePayment bool        // each block waits for Activation
	Description    string
	Metadata       map[string]string

	// In the ledger's own copy.
	zone    *time.Location // of Timezone; nil in a record
	ownZone bool           // nobody named the zone: it is the customer's
	repay   Repay          // the ledger's rule
}

// GrantSource is the source of what a schedule grants: a Source that was chosen, or none.
type GrantSource struct {
	source Source
	chosen bool
}

// GrantsFrom chooses a source.
func GrantsFrom(s Source) GrantSource { return GrantSource{source: s, chosen: true} }

// Source returns the source that was chosen, SourceAllocation when none was.
func (g GrantSource) Source() Source {
	if g.chosen {
		return g.source
	}
	return SourceAllocation
}

// MarshalText gives the source's name.
func (g GrantSource) MarshalText() ([]byte, error) { return g.Source().MarshalText() }

// UnmarshalText reads what MarshalText writes.
func (g *GrantSource) UnmarshalText(text []byte) error {
	var s Source
	if err := s.UnmarshalText(text); err != nil {
		return err
	}
	*g = GrantsFrom(s)
	return nil
}

// MaxScheduleID bounds the bytes of a schedule's id.
const MaxScheduleID = 200

// ChangeSchedule changes what a schedule grants from its next period on. Something has to
// be changed. Rule: docs/semantics/schedules.md, "Change and end".
type ChangeSchedule struct {
	ScheduleID    string
	Amount        Amount             // zero: as it is
	Rollover      *Rollover          // nil: as it is
	Expires       *GrantExpiry       // nil: as it is
	When          ChangeWhen         // ChangeNow: a larger amount grants the share of the difference for the rest of the period
	Description   string             // of what a change at once grants
	Metadata      map[string]*string // merged; a nil value removes its key
	ClearMetadata bool               // forget all metadata first

	// In a record, which keeps the metadata of the schedule after the change, and how
	// many pairs were put and removed.
	merged       map[string]string
	put, removed int
	recorded     bool // it was read from a record
}

// EndSchedule ends a schedule: nothing more is granted or carried. What its blocks still
// hold lives on, or is voided. Rule: docs/semantics/schedules.md, "Change and end".
type EndSchedule struct {
	ScheduleID  string
	VoidBlocks  bool   // of its granted and carried blocks, what is free
	VoidReason  string // "refund" or empty; with VoidBlocks only
	Description string
	Metadata    map[string]string
}

// Name returns "schedule".
func (Schedule) Name() string { return "schedule" }

// Name returns "change_schedule".
func (ChangeSchedule) Name() string { return "change_schedule" }

// Name returns "end_schedule".
func (EndSchedule) Name() string { return "end_schedule" }

func (op Schedule) check() error {
	err := firstError(
		checkScheduleID(op.ScheduleID),
		checkPositive(op.Amount),
		op.Anchor.check("anchor"),
		op.Every.check("every"),
		op.Start.check("start"),
		op.End.check("end"),
		op.Expires.check("expires"),
		op.Rollover.check(),
		checkFilters(op.Filters),
		checkNote(op.Description, op.Metadata),
	)
	switch {
	case err != nil:
		return err
	case op.Count < 0 || op.Count > maxPeriods:
		return invalid("count", "%d is not between 1 and %d", op.Count, maxPeriods)
	case op.Count != 0 && !op.End.IsZero():
		return invalid("count", "goes without an end: give one of them")
	case op.Scale < 0 || op.Scale > maxPlaces:
		return invalid("scale", "%d is not between 0 and %d", op.Scale, maxPlaces)
	case !op.Rollover.IsZero() && op.Expires.IsNever():
		return invalid("rollover", "goes with grants that expire")
	case int(op.First) >= len(firstPeriodNames):
		return invalid("first", "is not known")
	case int(op.CatchUp) >= len(catchUpNames):
		return invalid("catch_up", "is not known")
	case int(op.Source.source) >= len(sourceNames):
		return invalid("source", "is not known")
	case op.Timezone != "" && op.repay == RepayDefault: // in a record the zone was checked before
		return checkZone(op.Timezone)
	}
	return nil
}

func checkScheduleID(id string) error {
	switch {
	case len(id) > MaxScheduleID:
		return invalid("schedule_id", "has %d bytes, more than %d", len(id), MaxScheduleID)
	case strings.Contains(id, "/"):
		return invalid("schedule_id", "%s has a slash, which separates the id from the number of a period", quote(id))
	}
	return checkID("schedule_id", id)
}

func (op ChangeSchedule) check() error {
	err := firstError(checkScheduleID(op.ScheduleID), checkDescription(op.Description), checkMetadata(op.merged))
	if err == nil && op.Rollover != nil {
		err = op.Rollover.check()
	}
	if err == nil && op.Expires != nil {
		err = op.Expires.check("expires")
	}
	given := map[string]string{}
	for k, v := range op.Metadata {
		if given[k] = ""; v != nil {
			given[k] = *v
		}
	}
	if err == nil {
		err = checkMetadata(given)
	}
	switch {
	case err != nil:
		return err
	case op.Amount.Sign() < 0:
		return invalid("amount", "%s is not positive", op.Amount)
	case int(op.When) >= len(changeWhenNames):
		return invalid("when", "is not known")
	case op.Amount.IsZero() && op.Rollover == nil && op.Expires == nil && !op.changesMetadata():
		return invalid("", "nothing is to be changed: give amount, rollover, expires or metadata")
	case op.Rollover != nil && !op.Rollover.IsZero() && op.Expires != nil && op.Expires.IsNever():
		return invalid("rollover", "goes with grants that expire")
	}
	return nil
}

// changesMetadata reports whether metadata is to be changed, in a record too.
func (op *ChangeSchedule) changesMetadata() bool {
	return len(op.Metadata) > 0 || op.ClearMetadata || op.put+op.removed > 0
}

// counts is how many pairs of metadata are put and removed.
func (op *ChangeSchedule) counts() (put, removed int) {
	put, removed = op.put, op.removed
	for _, v := range op.Metadata {
		if v == nil {
			removed++
		} else {
			put++
		}
	}
	return put, removed
}

// merge returns a schedule's metadata after the change.
func (op *ChangeSchedule) merge(was map[string]string) map[string]string {
	if op.Metadata == nil && !op.ClearMetadata {
		return was
	}
	now := maps.Clone(was)
	if op.ClearMetadata || now == nil {
		now = map[string]string{}
	}
	for k, v := range op.Metadata {
		if v == nil {
			delete(now, k)
		} else {
			now[k] = *v
		}
	}
	if len(now) == 0 {
		return nil
	}
	return now
}

// sameMerge reports whether two changes ask for the same change of metadata. One of them
// may come from a record, which has the outcome and the number of pairs put and removed.
func sameMerge(a, b *ChangeSchedule) bool {
	if b.recorded {
		a, b = b, a
	}
	if !a.recorded || b.recorded {
		return maps.EqualFunc(a.Metadata, b.Metadata, sameValue[string])
	}
	put, removed := b.counts()
	if put != a.put || removed != a.removed {
		return false
	}
	for k, v := range b.Metadata {
		if is, there := a.merged[k]; there != (v != nil) || v != nil && is != *v {
			return false
		}
	}
	return true
}

func (op EndSchedule) check() error {
	switch {
	case op.VoidReason != "" && !op.VoidBlocks:
		return invalid("void_reason", "goes with void_blocks only")
	case op.VoidReason != "" && op.VoidReason != VoidRefund:
		return invalid("void_reason", "%s is not %s", quote(op.VoidReason), VoidRefund)
	}
	return firstError(checkScheduleID(op.ScheduleID), checkNote(op.Description, op.Metadata))
}

// normaliseOnSchedule is normalise for an operation on a schedule.
func normaliseOnSchedule(given Operation, repay Repay, zone *time.Location) Operation {
	switch op := given.(type) {
	case Schedule:
		op.repay = repay
		if op.Timezone == "" && zone != nil {
			op.Timezone, op.zone, op.ownZone = zone.String(), zone, true
		} else if op.zone == nil {
			op.zone, _ = time.LoadLocation(op.Timezone) // the check has loaded it before
		}
		op.Source = GrantsFrom(op.Source.Source())
		op.Filters, op.Metadata = cloneFilters(op.Filters), cloneMetadata(op.Metadata)
		return op
	case ChangeSchedule:
		op.Rollover, op.Expires = cloned(op.Rollover), cloned(op.Expires)
		if len(op.Metadata) == 0 {
			op.Metadata = nil
		}
		op.Metadata = maps.Clone(op.Metadata)
		for k, v := range op.Metadata {
			op.Metadata[k] = cloned(v)
		}
		return op
	}
	return given
}

// cloned returns a pointer to a copy of what p points to.
func cloned[T any](p *T) *T {
	if p == nil {
		return nil
	}
	own := *p
	return &own
}
