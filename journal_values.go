package creditledger

import (
	"encoding/binary"
	"maps"
	"slices"

	"creditledger/internal/u128"
)

// The canonical encoding: numbers as uvarints, texts and lists with their length in
// front, amounts as docs/format.md says, maps sorted by key. The same value always
// gives the same bytes, and a decoder accepts no other bytes for it.

// appendAmount appends the canonical form of a: 0 for zero; else a header (bit 7 the
// sign, bit 6 set, bits 0 to 4 the scale), the length of the coefficient, and the
// coefficient, big-endian. Equal numbers give equal bytes: no trailing zeros after
// the point, no leading zero bytes.
func appendAmount(dst []byte, a Amount) []byte {
	n := a.number()
	if n.coeff == (u128.Uint{}) {
		return append(dst, 0)
	}
	return n.appendBinary(dst)
}

const (
	amountMark     = 0x40
	amountNegative = 0x80
	amountScale    = 0x1f

	maxAmountBytes = 16
)

func (n number) appendBinary(dst []byte) []byte {
	header := amountMark | byte(n.scale)
	if n.negative {
		header |= amountNegative
	}
	size := n.coeff.Size()
	dst = append(dst, header, byte(size))
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, n.coeff.ByteAt(i))
	}
	return dst
}

// amount reads what appendAmount wrote and nothing else.
func (r *reader) amount() Amount {
	header := r.byte()
	if r.err != "" || header == 0 {
		return Amount{}
	}
	n := r.number(header)
	if r.err == "" && (n.coeff == (u128.Uint{}) || n.amount().number() != n) {
		r.fail("amount not canonical")
		return Amount{}
	}
	return n.amount()
}

// number reads what appendBinary wrote after the header.
func (r *reader) number(header byte) number {
	n := number{scale: int(header & amountScale), negative: header&amountNegative != 0}
	size := int(r.byte())
	digits := r.bytes(size)
	for _, b := range digits[:min(size, len(digits), maxAmountBytes)] {
		n.coeff = u128.Uint{Hi: n.coeff.Hi<<8 | n.coeff.Lo>>56, Lo: n.coeff.Lo<<8 | uint64(b)}
	}
	switch {
	case header&^(amountNegative|amountScale) != amountMark:
		r.fail("unknown form of amount %#x", header)
	case n.scale > maxPlaces || size > maxAmountBytes || !n.inRange():
		r.fail("amount out of range")
	case len(digits) > 0 && digits[0] == 0:
		r.fail("amount not canonical")
	}
	if r.err != "" {
		return number{}
	}
	return n
}

// appendCostBasis appends the canonical form of a cost basis that is set. It is that
// of an amount with the scale as given, which is part of what is kept.
func appendCostBasis(dst []byte, c CostBasis) []byte {
	return c.number().appendBinary(dst)
}

// costBasis reads what appendCostBasis wrote and nothing else.
func (r *reader) costBasis() CostBasis {
	n := r.number(r.byte())
	if r.err == "" && n.negative {
		r.fail("negative cost basis")
	}
	if r.err != "" {
		return CostBasis{}
	}
	return costBasisOf(n)
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

func (r *reader) instant() Instant {
	i := Instant(r.uvarint())
	if !i.Valid() {
		r.fail("instant out of range")
		return 0
	}
	return i
}

func appendInstant(dst []byte, i Instant) []byte { return binary.AppendUvarint(dst, uint64(i)) }

func (r *reader) seal() (s Seal) {
	copy(s[:], r.bytes(len(s)))
	return s
}

func appendVoid(dst []byte, op *Void) []byte {
	code := byte(opVoid)
	if op.Lapsed {
		code = opVoidLapsed
	}
	return appendText(appendAmount(appendText(append(dst, code), op.BlockID), op.Amount), op.Reason)
}
