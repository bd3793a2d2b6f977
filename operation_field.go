package creditledger

import (
	"encoding/json"
	"fmt"
	"maps"
)

// field is a field of an operation, by its key in operations files. JSON, and the
// comparison of a retry with the first request, go by these fields alone.
type field struct {
	key   string
	value value
}

// value is what stands in a field.
type value interface {
	isDefault() bool // JSON leaves it out
	same(value) bool // the other value, of the same field in another operation, means the same
	json() any       // points to what encoding/json writes and reads
}

// of is a field whose values compare by themselves.
func of[T comparable](key string, at *T) field { return field{key, single[T]{at}} }

// single is a single value. If its type has a method same, that decides which values mean
// the same; otherwise equal ones do.
type single[T comparable] struct{ at *T }

func (o single[T]) isDefault() bool {
	var none T
	return *o.at == none
}

func (o single[T]) same(other value) bool {
	v, ok := other.(single[T])
	if !ok {
		return false
	}
	if own, ok := any(o.at).(interface{ same(T) bool }); ok {
		return own.same(*v.at)
	}
	return *o.at == *v.at
}

func (o single[T]) json() any { return o.at }

// always is a value that JSON writes even when it is the default.
type always[T comparable] struct{ single[T] }

func (always[T]) isDefault() bool { return false }

func (a always[T]) same(other value) bool {
	v, ok := other.(always[T])
	return ok && a.single.same(v.single)
}

// choice is a value that may be left out.
type choice[T comparable] struct{ at **T }

func (c choice[T]) isDefault() bool { return *c.at == nil }

func (c choice[T]) same(other value) bool {
	v, ok := other.(choice[T])
	return ok && sameValue(*c.at, *v.at)
}

func (c choice[T]) json() any { return c.at }

// sameValue reports whether both are nil, or the same value.
func sameValue[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// filterList are the filters of a grant.
type filterList []Filter

func (f *filterList) isDefault() bool { return len(*f) == 0 }

func (f *filterList) same(other value) bool {
	v, ok := other.(*filterList)
	return ok && sameFilters(*f, *v)
}

func (f *filterList) json() any { return (*[]Filter)(f) }

// pairs are metadata, where null is no pair at all.
type pairs map[string]string

func (p *pairs) isDefault() bool { return len(*p) == 0 }

func (p *pairs) same(other value) bool {
	v, ok := other.(*pairs)
	return ok && maps.Equal(*p, *v)
}

func (p *pairs) json() any { return p }

// UnmarshalJSON leaves out the pairs that are null.
func (p *pairs) UnmarshalJSON(data []byte) error {
	var given map[string]*string
	if err := json.Unmarshal(data, &given); err != nil {
		return err
	}
	for k, v := range given {
		if v == nil {
			continue
		}
		if *p == nil {
			*p = pairs{}
		}
		(*p)[k] = *v
	}
	return nil
}

// expiry is a When that may be null, which means never.
type expiry When

// MarshalJSON writes null for Never.
func (e *expiry) MarshalJSON() ([]byte, error) {
	if (*When)(e).IsNever() {
		return []byte("null"), nil
	}
	return json.Marshal((*When)(e))
}

// UnmarshalText reads a When.
func (e *expiry) UnmarshalText(text []byte) error { return (*When)(e).UnmarshalText(text) }

func (e *expiry) same(o expiry) bool { return (*When)(e).same(When(o)) }

// usageTime is when the usage of a decrement happened: at an instant, or before one in a
// record of format 2.
type usageTime Decrement

func (u *usageTime) isDefault() bool { return u.UsageAt == 0 }

func (u *usageTime) same(other value) bool {
	v, ok := other.(*usageTime)
	return ok && u.UsageAt == v.UsageAt && u.eligibleBefore == v.eligibleBefore
}

func (u *usageTime) json() any { return &u.UsageAt }

// zoneName is the time zone of a schedule. If neither caller named one, the zones of two
// requests mean the same.
type zoneName Schedule

func (z *zoneName) isDefault() bool { return z.Timezone == "" }

func (z *zoneName) same(other value) bool {
	v, ok := other.(*zoneName)
	return ok && (z.Timezone == v.Timezone || z.ownZone && v.ownZone)
}

func (z *zoneName) json() any { return &z.Timezone }

// metadataChange is the change of a schedule's metadata: an object whose nulls remove a key,
// or null, which clears all.
type metadataChange ChangeSchedule

func (m *metadataChange) isDefault() bool { return len(m.Metadata) == 0 && !m.ClearMetadata }

func (m *metadataChange) same(other value) bool {
	v, ok := other.(*metadataChange)
	return ok && m.ClearMetadata == v.ClearMetadata && sameMerge((*ChangeSchedule)(m), (*ChangeSchedule)(v))
}

func (m *metadataChange) json() any { return m }

// MarshalJSON writes null where all is cleared and nothing put.
func (m *metadataChange) MarshalJSON() ([]byte, error) {
	switch {
	case m.ClearMetadata && len(m.Metadata) > 0:
		return nil, invalid("metadata", "to clear them and to put some takes two changes")
	case m.ClearMetadata:
		return []byte("null"), nil
	}
	return json.Marshal(m.Metadata)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *metadataChange) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &m.Metadata) }

// operationList are the operations of a batch.
type operationList []Operation

func (*operationList) isDefault() bool { return false }

func (l *operationList) same(other value) bool {
	v, ok := other.(*operationList)
	if !ok || len(*l) != len(*v) {
		return false
	}
	for i := range *l {
		if difference((*l)[i], (*v)[i]) != "" {
			return false
		}
	}
	return true
}

func (l *operationList) json() any { return l }

// UnmarshalJSON reads a list of operations that are no batches.
func (l *operationList) UnmarshalJSON(data []byte) error {
	var given []json.RawMessage
	if err := json.Unmarshal(data, &given); err != nil {
		return err
	}
	if len(given) > MaxBatch {
		return invalid("operations", "has %d operations, more than %d", len(given), MaxBatch)
	}
	read := make(operationList, len(given))
	for i, data := range given {
		var named struct {
			Op string `json:"op"`
		}
		if json.Unmarshal(data, &named) == nil && named.Op == (Batch{}).Name() { // before it is read, which would go as deep as it does
			return invalid("operations", "operation %d is a batch inside a batch", i+1)
		}
		op, err := UnmarshalOperation(data)
		if err != nil {
			return fmt.Errorf("operation %d: %w", i+1, err)
		}
		read[i] = op
	}
	*l = read
	return nil
}
