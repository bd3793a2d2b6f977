package creditledger

import (
	"encoding/hex"
	"maps"
	"strconv"
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

// generatedPrefix marks the keys that the ledger makes. They need no index: the key says
// where in the journal the record is that it stands for, and the record's id whether it
// is that one.
const generatedPrefix = "auto-"

const uuidText = 36 // bytes of a UUID as text

func generatedKey(seq uint64, id uuid.UUID) Key {
	const longest = len(generatedPrefix) + uuidText + len("-18446744073709551615")
	key := appendUUID(append(make([]byte, 0, longest), generatedPrefix...), id)
	return Key(strconv.AppendUint(append(key, '-'), seq, 10))
}

// isCallers reports whether a key is no generated one, or there is none.
func (k Key) isCallers() bool {
	_, _, generated := k.generated()
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

// generated takes a key that the ledger made apart.
func (k Key) generated() (seq uint64, id uuid.UUID, ok bool) {
	text, ok := strings.CutPrefix(string(k), generatedPrefix)
	if !ok || len(text) < uuidText+len("-1") {
		return 0, uuid.UUID{}, false
	}
	id, errID := uuid.Parse(text[:uuidText])
	seq, errSeq := strconv.ParseUint(text[uuidText+1:], 10, 64)
	return seq, id, errID == nil && errSeq == nil && id.Version() == 7 && seq > 0 && generatedKey(seq, id) == k
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
