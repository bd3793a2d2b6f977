package creditledger

import (
	"cmp"
	"database/sql/driver"
	"math/bits"
)

// Amount is an exact decimal number: at most 38 significant digits, at most 18 of
// them after the point, and less than 10^20 in absolute value. No operation rounds;
// one that would leave the limits is an error. The zero value is 0. An Amount is a
// plain immutable value: copy it freely, use it from several goroutines. Equal
// numbers are equal values: 0.2 == 0.20.
// Rule: docs/semantics.md, "Numbers, times, names".
type Amount struct {
	// The number times 10^maxPlaces, in two's complement over both words. Its
	// absolute value is below 10^38, so a sum of two that leaves the limits is
	// still beyond them when it wraps.
	hi int64
	lo uint64
}

// ParseAmount reads a decimal number in the grammar of JSON: "12.5", "-3", "1e2".
// Digits and places are counted as written, after applying the exponent.
func ParseAmount(s string) (Amount, error) {
	n, reason := parseNumber(s)
	if reason != "" {
		return Amount{}, invalid("amount", "%s %s", quote(s), reason)
	}
	return n.amount(), nil
}

// MustAmount is ParseAmount for constants and tests: it panics on an error.
func MustAmount(s string) Amount {
	a, err := ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

// AmountOf returns n as an Amount.
func AmountOf(n int64) Amount {
	u := uint64(n)
	if n < 0 {
		u = -u
	}
	return number{coeff: u128{lo: u}, negative: n < 0}.amount()
}

// Add returns a + b. It is a ConstraintError when the sum is 10^20 or more in
// absolute value.
func (a Amount) Add(b Amount) (Amount, error) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return Amount{a.hi + b.hi + int64(carry), lo}.limited()
}

// Sub returns a - b. It is a ConstraintError when the difference is 10^20 or more in
// absolute value.
func (a Amount) Sub(b Amount) (Amount, error) {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	return Amount{a.hi - b.hi - int64(borrow), lo}.limited()
}

// limited refuses what is no amount any more.
func (a Amount) limited() (Amount, error) {
	if top := int64(tooLarge.hi); -top <= a.hi && a.hi < top || a.magnitude().less(tooLarge) {
		return a, nil
	}
	return Amount{}, constraint("the result is beyond the limit: amounts are below 10^%d in absolute value", maxIntDigits)
}

// Neg returns -a.
func (a Amount) Neg() Amount {
	lo, borrow := bits.Sub64(0, a.lo, 0)
	return Amount{-a.hi - int64(borrow), lo}
}

// Abs returns a without its sign.
func (a Amount) Abs() Amount {
	if a.hi < 0 {
		return a.Neg()
	}
	return a
}

// Cmp compares the numbers: -1 when a < b, 0 when they are equal, 1 when a > b.
func (a Amount) Cmp(b Amount) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

// Sign returns -1, 0 or 1.
func (a Amount) Sign() int {
	switch {
	case a.hi < 0:
		return -1
	case a.IsZero():
		return 0
	}
	return 1
}

// IsZero reports whether a is 0.
func (a Amount) IsZero() bool { return a.hi == 0 && a.lo == 0 }

// magnitude is the absolute value times 10^maxPlaces.
func (a Amount) magnitude() u128 {
	a = a.Abs()
	return u128{uint64(a.hi), a.lo}
}

// number takes a apart, with no more places than it needs.
func (a Amount) number() number {
	whole, rest := a.magnitude().divided(one)
	n := number{coeff: whole, negative: a.hi < 0}
	if rest == 0 {
		return n
	}
	n.scale = maxPlaces
	for rest%1e4 == 0 {
		rest, n.scale = rest/1e4, n.scale-4
	}
	for rest%10 == 0 {
		rest, n.scale = rest/10, n.scale-1
	}
	n.coeff = whole.scaled(n.scale).plus(u128{lo: rest})
	return n
}

// String returns a plainly: no exponent, no trailing zeros after the point.
func (a Amount) String() string {
	var buf [maxNumberText]byte
	return string(a.number().append(buf[:0]))
}

// AppendText appends what String returns (encoding.TextAppender).
func (a Amount) AppendText(dst []byte) ([]byte, error) {
	return a.number().append(dst), nil
}

// MarshalText returns what String returns.
func (a Amount) MarshalText() ([]byte, error) { return a.AppendText(nil) }

// UnmarshalText reads what ParseAmount reads. On an error a stays as it was.
func (a *Amount) UnmarshalText(text []byte) error {
	return a.set(ParseAmount(boundedText(text)))
}

// MarshalJSON returns a JSON string, so that no reader takes it through a float.
func (a Amount) MarshalJSON() ([]byte, error) {
	dst := append(make([]byte, 0, maxNumberText), '"')
	return append(a.number().append(dst), '"'), nil
}

// UnmarshalJSON reads a JSON string or number by its decimal text. null is refused.
// On an error a stays as it was.
func (a *Amount) UnmarshalJSON(data []byte) error {
	return a.set(ParseAmount(jsonNumberText(data)))
}

// Scan reads a column (sql.Scanner): text or an integer. NULL and floats are
// refused. On an error a stays as it was.
func (a *Amount) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return a.set(ParseAmount(v))
	case []byte:
		return a.UnmarshalText(v)
	case int64:
		*a = AmountOf(v)
		return nil
	case nil:
		return invalid("amount", "NULL is not a number")
	}
	return invalid("amount", "cannot be read from a %T", src)
}

func (a *Amount) set(v Amount, err error) error {
	if err == nil {
		*a = v
	}
	return err
}

// Value returns a as text (driver.Valuer).
func (a Amount) Value() (driver.Value, error) { return a.String(), nil }

func minAmount(a, b Amount) Amount {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}

// appendAmount appends the canonical form of a: 0 for zero; else a header (bit 7 the
// sign, bit 6 set, bits 0 to 4 the scale), the length of the coefficient, and the
// coefficient, big-endian. Equal numbers give equal bytes: no trailing zeros after
// the point, no leading zero bytes.
func appendAmount(dst []byte, a Amount) []byte {
	n := a.number()
	if n.coeff == (u128{}) {
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
	size := n.coeff.size()
	dst = append(dst, header, byte(size))
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, n.coeff.byteAt(i))
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
	if r.err == "" && (n.coeff == (u128{}) || n.amount().number() != n) {
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
		n.coeff = u128{n.coeff.hi<<8 | n.coeff.lo>>56, n.coeff.lo<<8 | uint64(b)}
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
