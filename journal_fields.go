package creditledger

import (
	"iter"
	"math"
)

// From record format 3 on, what only few records have stands in lists of tagged fields. A
// list begins with the number of fields. Then come the fields in the order of their tags,
// each a tag and a value. A field with a default value is left out, so that a record has
// one form only. An unknown tag is refused, because it may change what the record means.
// Rule: docs/format.md, "Fields".

// The tags of an operation's fields. They are never reused.
const (
	fieldTexts     = 1 // digest of its description and metadata
	fieldSchedules = 2 // ids, in an erasure
)

// The tags of a record's fields. They are never reused.
const (
	fieldWas        = 1 // seal of the record in an earlier format that it was copied from
	fieldForgets    = 2 // blocks remember nothing of the record, as in earlier formats
	fieldSettlement = 3 // for how many microseconds usage may be reported late
	fieldLapses     = 4 // holds that lapsed since the record before
	fieldAct        = 5 // the act that the record belongs to
	fieldGrace      = 6 // for how many microseconds the entries are pending
)

// The tags of a line's fields. They are never reused.
const (
	fieldReverses = 1 // the entry that it takes back
)

// The tags of a block's fields. They are never reused.
const (
	fieldPaid   = 1 // it waited for payment
	fieldLapsed = 2 // what it lost to its own expiry
	fieldRefill = 3 // what repaid its debt
)

// fieldList appends a list of fields.
type fieldList struct {
	dst  []byte
	at   int // place of the byte with the number of fields
	last byte
}

// beginFields begins a list, of no fields yet.
func beginFields(dst []byte) fieldList {
	return fieldList{dst: append(dst, 0), at: len(dst)}
}

// tag begins a field; its value is to be appended to dst. Tags ascend.
func (f *fieldList) tag(tag byte) {
	if tag <= f.last {
		panic("creditledger: fields out of order") // unreachable: the order stands in the code
	}
	f.dst[f.at]++
	f.dst, f.last = append(f.dst, tag), tag
}

// fields yields the tags of a list. Whoever ranges over them reads the value of each, and
// refuses those that it does not know with unknownField.
func (r *reader) fields() iter.Seq[byte] {
	return func(yield func(byte) bool) {
		n, last := r.byte(), byte(0)
		if n > math.MaxInt8 {
			r.fail("a list of %d fields", n)
		}
		for range n {
			tag := r.byte()
			if r.err == "" && tag <= last {
				r.fail("field %d out of order", tag)
			}
			if r.err != "" || !yield(tag) {
				return
			}
			last = tag
		}
	}
}

func (r *reader) unknownField(tag byte) {
	r.fail("field %d is not known to this release", tag)
}
