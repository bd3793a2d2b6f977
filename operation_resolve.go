package creditledger

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// normalise gives the ledger its own copy of an operation, with the ledger's settings
// filled in and the bare dates fixed in zone. A nil zone leaves dates alone.
func normalise(given Operation, s *Settings, zone *time.Location) Operation {
	when := func(w When) When {
		if zone == nil {
			return w
		}
		return w.resolve(zone)
	}
	switch op := given.(type) {
	case Increment:
		op.EffectiveAt, op.ExpiresAt = when(op.EffectiveAt), when(op.ExpiresAt)
		if op.ExpiresAt.IsNever() {
			op.ExpiresAt = When{}
		}
		if op.Repay == RepayDefault || op.Repay&repayBySetting != 0 {
			op.Repay = s.Repay | repayBySetting
		}
		op.Filters = cloneFilters(op.Filters)
		op.Metadata = cloneMetadata(op.Metadata)
		return op
	case Decrement:
		// If the setting is to allow, nothing has to be filled in, and no copy is made.
		if _, bounded := op.OverdraftLimit.Amount(); op.Overdraft.bySetting() && !bounded && op.Overdraft.or(OverdraftAllow) != s.Overdraft {
			op.Overdraft, op.Metadata = s.Overdraft|overdraftBySetting, cloneMetadata(op.Metadata)
			return op
		}
		if len(op.Metadata) > 0 {
			op.Metadata = cloneMetadata(op.Metadata)
			return op
		}
	case ExpirationChange:
		op.ExpiresAt, op.Target = when(op.ExpiresAt), when(op.Target)
		op.Metadata = cloneMetadata(op.Metadata)
		return op
	case Void, Amendment, Activation, Reverse, Release, EndSchedule:
		if description, metadata := textOf(op); len(metadata) > 0 {
			return withText(op, description, cloneMetadata(metadata))
		}
	case Hold, ExtendHold, Capture:
		return normaliseOnHold(op)
	case Schedule, ChangeSchedule:
		return normaliseOnSchedule(op, s.Repay, zone)
	case Batch:
		own := make(Batch, len(op))
		for i := range op {
			own[i] = normalise(op[i], s, zone)
		}
		return own
	}
	return given
}

// isPlainDecrement reports whether an operation is a decrement as most are, that asks for nothing
// but to draw now. It names nothing that has to be loaded, nothing about it depends on the
// clock, it has no texts, and a record of format 1 holds it. One answer stands for all of
// these, which would each be asked otherwise. An operation that is not plain takes all the
// steps, and a plain one finds nothing to do in them.
func isPlainDecrement(op Operation) bool {
	d, ok := op.(Decrement)
	return ok && d.UsageAt == 0 && d.eligibleBefore == 0 && d.Description == "" && len(d.Metadata) == 0
}

func cloneMetadata(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return maps.Clone(m)
}

func cloneFilters(filters []Filter) []Filter {
	if len(filters) == 0 {
		return nil
	}
	own := slices.Clone(filters)
	for i := range own {
		own[i].Values = slices.Clone(own[i].Values)
	}
	return own
}

// hasDates reports whether an operation has bare dates, or counts by the calendar, and so
// needs the customer's time zone.
func hasDates(op Operation) bool {
	switch op := op.(type) {
	case Increment:
		return op.EffectiveAt.date != 0 || op.ExpiresAt.date != 0
	case ExpirationChange:
		return op.ExpiresAt.date != 0 || op.Target.date != 0
	case Schedule:
		return op.Timezone == ""
	case Batch:
		return slices.ContainsFunc(op, hasDates)
	}
	return false
}

// namedBlocks lists the block ids that an operation mentions, existing or to be made.
func namedBlocks(op Operation, ids []string) []string {
	add := func(named ...string) {
		for _, id := range named {
			if id != "" {
				ids = append(ids, id)
			}
		}
	}
	switch op := op.(type) {
	case Increment:
		add(op.BlockID)
	case ExpirationChange:
		add(op.BlockID, op.NewBlockID)
	case Void:
		add(op.BlockID)
	case Amendment:
		add(op.BlockID)
	case Activation:
		add(op.BlockID)
	case send:
		add(op.BlockID)
	case erase:
		add(op.Blocks...)
	case Batch:
		for _, o := range op {
			ids = namedBlocks(o, ids)
		}
	}
	return ids
}

// namedExpiries lists the expiries by which an operation names blocks.
func namedExpiries(op Operation, expiries []Instant) []Instant {
	switch op := op.(type) {
	case ExpirationChange:
		if op.BlockID == "" {
			expiries = append(expiries, op.ExpiresAt.Instant())
		}
	case Batch:
		for _, o := range op {
			expiries = namedExpiries(o, expiries)
		}
	}
	return expiries
}

// namedHolds lists the ids of the holds that an operation mentions, existing or to be made.
func namedHolds(op Operation, ids []string) []string {
	switch op := op.(type) {
	case Hold:
		return append(ids, op.HoldID)
	case ExtendHold:
		return append(ids, op.HoldID)
	case Capture:
		return append(ids, op.HoldID)
	case Release:
		return append(ids, op.HoldID)
	case Batch:
		for _, o := range op {
			ids = namedHolds(o, ids)
		}
	}
	return ids
}

// namedSchedules lists the ids of the schedules that an operation mentions, existing or
// to be made. It adds the schedules that own the ids of the blocks that the operation
// makes.
func namedSchedules(op Operation, ids []string) []string {
	switch op := op.(type) {
	case Schedule:
		return append(ids, op.ScheduleID)
	case ChangeSchedule:
		return append(ids, op.ScheduleID)
	case EndSchedule:
		return append(ids, op.ScheduleID)
	case Increment:
		if id, _, slash := strings.Cut(op.BlockID, "/"); slash {
			ids = append(ids, id)
		}
	case ExpirationChange:
		if id, _, slash := strings.Cut(op.NewBlockID, "/"); slash {
			ids = append(ids, id)
		}
	case Batch:
		for _, o := range op {
			ids = namedSchedules(o, ids)
		}
	}
	return ids
}

// madeSchedules lists the ids of the schedules that an operation makes.
func madeSchedules(op Operation, ids []string) []string {
	switch op := op.(type) {
	case Schedule:
		ids = append(ids, op.ScheduleID)
	case Batch:
		for _, o := range op {
			ids = madeSchedules(o, ids)
		}
	}
	return ids
}

// operations returns the single operations of op. For a single operation it puts op into
// one.
func operations(op Operation, one *[1]Operation) []Operation {
	switch op := op.(type) {
	case Batch:
		return op
	case fallenDue:
		return op
	}
	one[0] = op
	return one[:]
}
