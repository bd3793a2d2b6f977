package creditledger

import "maps"

// Operations on schedules in the words of operations files, and when two ask the same.

func (op *Schedule) members() []member {
	return []member{
		{"schedule_id", &op.ScheduleID, op.ScheduleID == ""},
		{"amount", &op.Amount, op.Amount.IsZero()},
		{"anchor", &op.Anchor, op.Anchor.IsZero()},
		{"every", &op.Every, op.Every.IsZero()},
		{"timezone", &op.Timezone, op.Timezone == ""},
		{"start", &op.Start, op.Start.IsZero()},
		{"end", &op.End, op.End.IsZero()},
		{"count", (*periods)(&op.Count), op.Count == 0},
		{"expires", &op.Expires, op.Expires == GrantExpiry{}},
		{"first", &op.First, op.First == 0},
		{"scale", &op.Scale, op.Scale == 0},
		{"rollover", &op.Rollover, op.Rollover.IsZero()},
		{"catch_up", &op.CatchUp, op.CatchUp == 0},
		{"per_unit_cost_basis", &op.CostBasis, !op.CostBasis.IsSet()},
		{"priority", &op.Priority, op.Priority == 0},
		{"filters", &op.Filters, len(op.Filters) == 0},
		{"source", &op.Source, op.Source == GrantSource{}},
		{"require_payment", &op.RequirePayment, !op.RequirePayment},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

func (op *ChangeSchedule) members() []member {
	return []member{
		{"schedule_id", &op.ScheduleID, op.ScheduleID == ""},
		{"amount", &op.Amount, op.Amount.IsZero()},
		{"rollover", &op.Rollover, op.Rollover == nil},
		{"expires", &op.Expires, op.Expires == nil},
		{"when", &op.When, op.When == 0},
		{"description", &op.Description, op.Description == ""},
		{"metadata", &metadataChange{&op.Metadata, &op.ClearMetadata}, len(op.Metadata) == 0 && !op.ClearMetadata},
	}
}

func (op *EndSchedule) members() []member {
	return []member{
		{"schedule_id", &op.ScheduleID, op.ScheduleID == ""},
		{"void_blocks", &op.VoidBlocks, !op.VoidBlocks},
		{"void_reason", &op.VoidReason, op.VoidReason == ""},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

// MarshalJSON writes the operation in the words of operations files.
func (op Schedule) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Schedule) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files. Metadata that are
// cleared and then put cannot be written: null clears them.
func (op ChangeSchedule) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *ChangeSchedule) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op EndSchedule) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *EndSchedule) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// scheduleDifference is difference for schedules. Where nobody named the zone, any will do.
func scheduleDifference(a, b Schedule) string {
	return firstDifference(
		field{"schedule_id", a.ScheduleID == b.ScheduleID},
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"anchor", a.Anchor == b.Anchor},
		field{"every", a.Every == b.Every},
		field{"timezone", a.Timezone == b.Timezone || a.ownZone && b.ownZone},
		field{"start", a.Start == b.Start},
		field{"end", a.End == b.End},
		field{"count", a.Count == b.Count},
		field{"expires", a.Expires == b.Expires},
		field{"first", a.First == b.First},
		field{"scale", a.Scale == b.Scale},
		field{"rollover", a.Rollover == b.Rollover},
		field{"catch_up", a.CatchUp == b.CatchUp},
		field{"per_unit_cost_basis", a.CostBasis.same(b.CostBasis)},
		field{"priority", a.Priority == b.Priority},
		field{"filters", sameFilters(a.Filters, b.Filters)},
		field{"source", a.Source.Source() == b.Source.Source()},
		field{"require_payment", a.RequirePayment == b.RequirePayment},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func changeScheduleDifference(a, b ChangeSchedule) string {
	return firstDifference(
		field{"schedule_id", a.ScheduleID == b.ScheduleID},
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"rollover", sameValue(a.Rollover, b.Rollover)},
		field{"expires", sameValue(a.Expires, b.Expires)},
		field{"when", a.When == b.When},
		field{"description", a.Description == b.Description},
		field{"metadata", a.ClearMetadata == b.ClearMetadata && sameMerge(&a, &b)})
}

func endScheduleDifference(a, b EndSchedule) string {
	return firstDifference(
		field{"schedule_id", a.ScheduleID == b.ScheduleID},
		field{"void_blocks", a.VoidBlocks == b.VoidBlocks},
		field{"void_reason", a.VoidReason == b.VoidReason},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

// sameMerge reports whether two changes ask the same of a schedule's metadata. A record has
// what came of it, and how much was asked.
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

// sameValue reports whether both are nil, or the same value.
func sameValue[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}
