package creditledger

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// The canonical encoding: numbers as uvarints, texts and lists with their length in
// front, amounts as docs/format.md says, maps sorted by key. The same value always
// gives the same bytes, and a decoder accepts no other bytes for it.

const (
	headFormat  = 1
	blockFormat = 1
)

// AppendHead appends the binary form of h.
func AppendHead(dst []byte, h *Head) []byte {
	dst = append(dst, headFormat)
	dst = binary.AppendUvarint(dst, h.Version)
	dst = binary.AppendUvarint(dst, h.Entries)
	dst = binary.AppendUvarint(dst, h.Blocks)
	dst = binary.AppendUvarint(dst, uint64(h.LastAt))
	dst = binary.AppendUvarint(dst, uint64(h.NextDue))
	dst = appendAmount(dst, h.Total)
	return append(dst, h.Seal[:]...)
}

// DecodeHead reads what AppendHead wrote. It refuses anything else with a CorruptError.
func DecodeHead(data []byte) (Head, error) {
	r := reader{data: data}
	r.version(headFormat, headFormat)
	h := Head{
		Version: r.uvarint(),
		Entries: r.uvarint(),
		Blocks:  r.uvarint(),
		LastAt:  r.instant(),
		NextDue: r.instant(),
		Total:   r.amount(),
		Seal:    r.seal(),
	}
	return h, r.finish("head")
}

const (
	blockOverdraft = 1 << iota
	blockHasCostBasis
)

// AppendBlock appends the binary form of b.
func AppendBlock(dst []byte, b *Block) []byte {
	var flags byte
	if b.Overdraft {
		flags |= blockOverdraft
	}
	if b.CostBasis.IsSet() {
		flags |= blockHasCostBasis
	}
	dst = append(dst, blockFormat, flags, byte(b.Status), byte(b.Source))
	dst = appendText(dst, b.ID)
	dst = binary.AppendUvarint(dst, b.Number)
	dst = binary.AppendUvarint(dst, uint64(b.CreatedAt))
	dst = binary.AppendUvarint(dst, uint64(b.EffectiveAt))
	dst = binary.AppendUvarint(dst, uint64(b.ExpiresAt))
	dst = binary.AppendUvarint(dst, uint64(b.ActivatedAt))
	dst = appendAmount(dst, b.Initial)
	dst = appendAmount(dst, b.Balance)
	dst = appendAmount(dst, b.Capacity)
	if b.CostBasis.IsSet() {
		dst = appendCostBasis(dst, b.CostBasis)
	}
	dst = binary.AppendVarint(dst, int64(b.Priority))
	dst = appendFilters(dst, b.Filters)
	dst = appendText(dst, b.InvoiceID)
	dst = appendText(dst, b.ParentID)
	return appendMetadata(dst, b.Metadata)
}

// DecodeBlock reads what AppendBlock wrote. It refuses anything else with a CorruptError.
func DecodeBlock(data []byte) (Block, error) {
	r := reader{data: data}
	r.version(blockFormat, blockFormat)
	flags := r.byte()
	if flags&^(blockOverdraft|blockHasCostBasis) != 0 {
		r.fail("unknown flags")
	}
	b := Block{
		Overdraft:   flags&blockOverdraft != 0,
		Status:      BlockStatus(r.enum(blockStatusNames, 0)),
		Source:      Source(r.enum(sourceNames, 0)),
		ID:          r.text(),
		Number:      r.uvarint(),
		CreatedAt:   r.instant(),
		EffectiveAt: r.instant(),
		ExpiresAt:   r.instant(),
		ActivatedAt: r.instant(),
		Initial:     r.amount(),
		Balance:     r.amount(),
		Capacity:    r.amount(),
	}
	if flags&blockHasCostBasis != 0 {
		b.CostBasis = r.costBasis()
	}
	b.Priority = r.int32()
	b.Filters = r.filters()
	b.InvoiceID = r.text()
	b.ParentID = r.text()
	b.Metadata = r.metadata()
	return b, r.finish("block")
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendMetadata(dst []byte, m map[string]string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	if len(m) == 0 {
		return dst
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		dst = appendText(appendText(dst, k), m[k])
	}
	return dst
}

func appendFilters(dst []byte, filters []Filter) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(filters)))
	for _, f := range filters {
		dst = append(dst, byte(f.Field), byte(f.Operator))
		dst = binary.AppendUvarint(dst, uint64(len(f.Values)))
		for _, v := range f.Values {
			dst = appendText(dst, v)
		}
	}
	return dst
}

func appendWhen(dst []byte, w When) []byte {
	switch {
	case w.never:
		return append(dst, whenNever)
	case w.date != 0:
		dst = binary.AppendUvarint(append(dst, whenDate), uint64(w.date))
		return binary.AppendUvarint(dst, uint64(w.instant))
	case w.instant != 0:
		return binary.AppendUvarint(append(dst, whenInstant), uint64(w.instant))
	}
	return append(dst, whenAbsent)
}

const (
	whenAbsent = iota
	whenInstant
	whenDate
	whenNever
)

// reader takes a canonical encoding apart. After the first thing that is wrong every
// method returns zero values; finish tells.
type reader struct {
	data []byte
	err  string
}

func (r *reader) fail(format string, args ...any) {
	if r.err == "" {
		r.err = fmt.Sprintf(format, args...)
	}
	r.data = nil
}

// finish returns a CorruptError when anything was wrong or bytes are left.
func (r *reader) finish(what string) error {
	if r.err == "" && len(r.data) > 0 {
		r.fail("%d bytes too many", len(r.data))
	}
	if r.err != "" {
		return &CorruptError{Where: what, Reason: r.err}
	}
	return nil
}

// version reads a format, which is one of a range.
func (r *reader) version(first, last byte) byte {
	v := r.byte()
	if r.err == "" && (v < first || v > last) {
		r.fail("format version %d is not known to this release (it knows up to %d)", v, last)
	}
	return v
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.fail("ends too early")
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.data) {
		r.fail("ends too early")
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || (n > 1 && r.data[n-1] == 0) {
		r.fail("bad number")
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) int32() int32 {
	v, n := binary.Varint(r.data)
	if n <= 0 || (n > 1 && r.data[n-1] == 0) || int64(int32(v)) != v {
		r.fail("bad number")
		return 0
	}
	r.data = r.data[n:]
	return int32(v)
}

// count reads how many things follow, each at least one byte long.
func (r *reader) count() int {
	v := r.uvarint()
	if v > uint64(len(r.data)) {
		r.fail("ends too early")
		return 0
	}
	return int(v)
}

func (r *reader) text() string { return string(r.bytes(r.count())) }

// textLike is text that is probably the same as one at hand, and is that one then.
func (r *reader) textLike(likely string) string {
	if text := r.bytes(r.count()); string(text) != likely {
		return string(text)
	}
	return likely
}

func (r *reader) enum(names []string, first byte) byte {
	b := r.byte()
	if r.err == "" && (b < first || int(b) >= len(names)) {
		r.fail("unknown code %d", b)
		return 0
	}
	return b
}

func (r *reader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail("unknown code %d", b)
	}
	return b == 1
}

func (r *reader) instant() Instant {
	i := Instant(r.uvarint())
	if !i.Valid() {
		r.fail("instant out of range")
		return 0
	}
	return i
}

func (r *reader) seal() (s Seal) {
	copy(s[:], r.bytes(len(s)))
	return s
}

func (r *reader) when() When {
	switch r.byte() {
	case whenAbsent:
		return When{}
	case whenInstant:
		return When{instant: r.someInstant()}
	case whenDate:
		d := r.uvarint()
		if d > 99991231 || DateOf(Date(d).Year(), Date(d).Month(), Date(d).Day()) == 0 {
			r.fail("date out of range")
			return When{}
		}
		return When{date: Date(d), instant: r.someInstant()}
	case whenNever:
		return Never()
	}
	r.fail("unknown kind of date")
	return When{}
}

func (r *reader) someInstant() Instant {
	i := r.instant()
	if i == 0 {
		r.fail("instant missing")
	}
	return i
}

func (r *reader) metadata() map[string]string {
	n := r.count()
	if n == 0 {
		return nil
	}
	m := make(map[string]string, n)
	last := ""
	for i := range n {
		k := r.text()
		if r.err != "" {
			return nil
		}
		if i > 0 && k <= last {
			r.fail("metadata out of order")
			return nil
		}
		m[k], last = r.text(), k
	}
	return m
}

func (r *reader) filters() []Filter {
	n := r.count()
	if n == 0 {
		return nil
	}
	filters := make([]Filter, 0, n)
	for range n {
		f := Filter{
			Field:    FilterField(r.enum(filterFieldNames, 0)),
			Operator: FilterOperator(r.enum(filterOperatorNames, 0)),
		}
		f.Values = make([]string, r.count())
		for i := range f.Values {
			f.Values[i] = r.text()
		}
		if r.err != "" {
			return nil
		}
		filters = append(filters, f)
	}
	return filters
}

func appendInstant(dst []byte, i Instant) []byte { return binary.AppendUvarint(dst, uint64(i)) }
