package creditledger

import (
	"encoding/hex"
	"maps"
	"strings"

	"github.com/google/uuid"
)

// difference names the first field in which two normalised operations differ, in the
// order of docs/operations.md ("op" first, description and metadata last), and is
// empty when they ask for the same: amounts as numbers, instants as instants, dates
// as dates. Rule: docs/semantics.md, "Idempotency".
func difference(a, b Operation) string {
	if a.Name() != b.Name() {
		return "op"
	}
	switch a := a.(type) {
	case Increment:
		return incrementDifference(a, b.(Increment))
	case Decrement:
		return decrementDifference(a, b.(Decrement))
	case ExpirationChange:
		b := b.(ExpirationChange)
		return firstDifference(
			field{"block_id", a.BlockID == b.BlockID},
			field{"expiry_date", a.ExpiresAt.same(b.ExpiresAt)},
			field{"target_expiry_date", a.Target.same(b.Target)},
			field{"amount", a.Amount.Cmp(b.Amount) == 0},
			field{"new_block_id", a.NewBlockID == b.NewBlockID},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case Void:
		b := b.(Void)
		return firstDifference(
			field{"block_id", a.BlockID == b.BlockID},
			field{"amount", a.Amount.Cmp(b.Amount) == 0},
			field{"void_reason", a.Reason == b.Reason},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case Amendment:
		b := b.(Amendment)
		return firstDifference(
			field{"block_id", a.BlockID == b.BlockID},
			field{"amount", a.Amount.Cmp(b.Amount) == 0},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case Activation:
		b := b.(Activation)
		return firstDifference(
			field{"block_id", a.BlockID == b.BlockID},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case Batch:
		return batchDifference(a, b.(Batch))
	}
	return "op"
}

func incrementDifference(a, b Increment) string {
	return firstDifference(
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"block_id", a.BlockID == b.BlockID},
		field{"effective_date", a.EffectiveAt.same(b.EffectiveAt)},
		field{"expiry_date", a.ExpiresAt.same(b.ExpiresAt)},
		field{"per_unit_cost_basis", a.CostBasis.same(b.CostBasis)},
		field{"priority", a.Priority == b.Priority},
		field{"filters", sameFilters(a.Filters, b.Filters)},
		field{"source", a.Source == b.Source},
		field{"require_payment", a.RequirePayment == b.RequirePayment},
		field{"repay", a.Repay.same(b.Repay)},
		field{"invoice_id", a.InvoiceID == b.InvoiceID},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func decrementDifference(a, b Decrement) string {
	limitA, boundedA := a.Limit.Amount()
	limitB, boundedB := b.Limit.Amount()
	return firstDifference(
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"item_id", a.ItemID == b.ItemID},
		field{"price_id", a.PriceID == b.PriceID},
		field{"invoice_id", a.InvoiceID == b.InvoiceID},
		field{"overdraft", a.Overdraft == b.Overdraft},
		field{"overdraft_limit", boundedA == boundedB && limitA.Cmp(limitB) == 0},
		field{"eligible_before", a.EligibleBefore == b.EligibleBefore},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func batchDifference(a, b Batch) string {
	if len(a) != len(b) {
		return "operations"
	}
	for i := range a {
		if difference(a[i], b[i]) != "" {
			return "operations"
		}
	}
	return ""
}

type field struct {
	name string
	same bool
}

func firstDifference(fields ...field) string {
	for _, f := range fields {
		if !f.same {
			return f.name
		}
	}
	return ""
}

// generatedPrefix marks the keys that the ledger makes. They need no index: the
// record they stand for is found in the journal by its time.
const generatedPrefix = "auto-"

func generatedKey(id uuid.UUID) Key {
	return Key(appendUUID(append(make([]byte, 0, len(generatedPrefix)+36), generatedPrefix...), id))
}

// isCallers reports whether a key is no generated one, or there is none.
func (k Key) isCallers() bool {
	_, generated := generatedID(k)
	return !generated
}

// appendUUID appends the usual text of an id.
func appendUUID(dst []byte, id uuid.UUID) []byte {
	from := 0
	for _, to := range []int{4, 6, 8, 10, 16} {
		if from > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, id[from:to])
		from = to
	}
	return dst
}

// generatedID reads a key that the ledger made.
func generatedID(key Key) (uuid.UUID, bool) {
	text, ok := strings.CutPrefix(string(key), generatedPrefix)
	if !ok || len(text) != 36 {
		return uuid.UUID{}, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil && id.Version() == 7 && generatedKey(id) == key
}

// madeAt is the millisecond in a UUIDv7, as the earliest instant it can mean.
func madeAt(id uuid.UUID) Instant {
	ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	if ms == 0 {
		return 0 // before 1970 a UUIDv7 tells nothing
	}
	return Instant(ms*1000-epochSeconds*microsPerSecond) + 1
}

// newUUID makes a UUIDv7 from an instant and ten random bytes. An instant before 1970
// counts as 1970.
func newUUID(at Instant, random randomBits) uuid.UUID {
	ms := (int64(at-1) + epochSeconds*microsPerSecond) / 1000
	if ms < 0 {
		ms = 0
	}
	var id uuid.UUID
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	copy(id[6:], random[:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}
