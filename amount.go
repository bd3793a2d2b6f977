package creditledger

import (
	"cmp"
	"database/sql/driver"
	"math/bits"

	"github.com/cockroachdb/apd/v3"
)

// Amount is an exact decimal number: at most 38 significant digits, at most 18 of
// them after the point, and less than 10^20 in absolute value. No operation rounds;
// one that would leave the limits is an error. The zero value is 0. An Amount is a
// plain immutable value: copy it freely, use it from several goroutines.
//
// Compare with Cmp, never with ==: 0.2 and 0.20 are the same number in two forms.
// Rule: docs/semantics.md, "Numbers, times, names".
type Amount struct {
	// d is finite with an exponent from -maxPlaces to 0. Its coefficient is not
	// negative and below 10^38, which apd keeps inline: no allocation, and no
	// pointer that copies would share. A zero is never negative. The exponent is
	// the one that was given or computed; only output strips trailing zeros.
	d apd.Decimal
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
	if x, y, exponent, ok := oneWord(&a, &b); ok {
		if sum, negative, ok := sumWords(x, y, a.d.Negative, b.d.Negative); ok {
			return wordAmount(sum, negative, exponent), nil
		}
	}
	return addWide(a.number(), b.number(), b.d.Negative)
}

// Sub returns a - b. It is a ConstraintError when the difference is 10^20 or more in
// absolute value.
func (a Amount) Sub(b Amount) (Amount, error) {
	if x, y, exponent, ok := oneWord(&a, &b); ok {
		if sum, negative, ok := sumWords(x, y, a.d.Negative, !b.d.Negative); ok {
			return wordAmount(sum, negative, exponent), nil
		}
	}
	return addWide(a.number(), b.number(), !b.d.Negative)
}

// Neg returns -a.
func (a Amount) Neg() Amount {
	a.d.Negative = !a.d.Negative && !a.IsZero()
	return a
}

// Abs returns a without its sign.
func (a Amount) Abs() Amount {
	a.d.Negative = false
	return a
}

// Cmp compares the numbers: -1 when a < b, 0 when they are equal, 1 when a > b.
func (a Amount) Cmp(b Amount) int {
	sa, sb := a.Sign(), b.Sign()
	switch {
	case sa != sb && sa < sb:
		return -1
	case sa != sb:
		return 1
	case sa < 0:
		return compareAbs(&b, &a)
	}
	return compareAbs(&a, &b)
}

// Sign returns -1, 0 or 1.
func (a Amount) Sign() int {
	switch {
	case a.d.Negative:
		return -1
	case a.IsZero():
		return 0
	}
	return 1
}

// IsZero reports whether a is 0.
func (a Amount) IsZero() bool { return a.d.Coeff.Sign() == 0 }

// String returns a plainly: no exponent, no trailing zeros after the point.
func (a Amount) String() string {
	var buf [maxNumberText]byte
	return string(a.number().stripped().append(buf[:0]))
}

// AppendText appends what String returns (encoding.TextAppender).
func (a Amount) AppendText(dst []byte) ([]byte, error) {
	return a.number().stripped().append(dst), nil
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
	return append(a.number().stripped().append(dst), '"'), nil
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

// oneWord brings the coefficients of two amounts to the smaller of their exponents,
// if each fits one word then. Amounts of every day do.
func oneWord(a, b *Amount) (x, y uint64, exponent int32, ok bool) {
	if !a.d.Coeff.IsUint64() || !b.d.Coeff.IsUint64() {
		return 0, 0, 0, false
	}
	x, y = a.d.Coeff.Uint64(), b.d.Coeff.Uint64()
	var over uint64
	switch diff := a.d.Exponent - b.d.Exponent; {
	case diff > 0:
		over, x = bits.Mul64(x, pow10[diff])
	case diff < 0:
		over, y = bits.Mul64(y, pow10[-diff])
	}
	return x, y, min(a.d.Exponent, b.d.Exponent), over == 0
}

// sumWords returns ±x ± y, unless it is too large for a word.
func sumWords(x, y uint64, xNegative, yNegative bool) (sum uint64, negative, ok bool) {
	switch {
	case xNegative == yNegative:
		sum, carry := bits.Add64(x, y, 0)
		return sum, xNegative, carry == 0
	case x < y:
		return y - x, yNegative, true
	}
	return x - y, xNegative, true
}

// wordAmount is in range at every exponent: a word is below 10^20.
func wordAmount(coeff uint64, negative bool, exponent int32) (a Amount) {
	a.d.Coeff.SetUint64(coeff)
	a.d.Negative = negative && coeff != 0
	a.d.Exponent = exponent
	return a
}

// addWide returns a + |b|, or a - |b| when minus is set.
func addWide(a, b number, minus bool) (Amount, error) {
	scale := max(a.scale, b.scale)
	x, y := a.coeff.scaled(scale-a.scale), b.coeff.scaled(scale-b.scale)
	sum := number{scale: scale, negative: a.negative}
	switch {
	case a.negative == minus:
		sum.coeff = x.plus(y)
	case x.less(y):
		sum.coeff, sum.negative = y.minus(x), minus
	default:
		sum.coeff = x.minus(y)
	}
	if !sum.inRange() {
		return Amount{}, constraint("the result is beyond the limit: amounts are below 10^%d in absolute value", maxIntDigits)
	}
	return sum.amount(), nil
}

// compareAbs compares the absolute values.
func compareAbs(a, b *Amount) int {
	if x, y, _, ok := oneWord(a, b); ok {
		return cmp.Compare(x, y)
	}
	m, n := a.number(), b.number()
	scale := max(m.scale, n.scale)
	return m.coeff.scaled(scale - m.scale).compare(n.coeff.scaled(scale - n.scale))
}

// appendAmount appends the canonical form of a: 0 for zero; else a header (bit 7 the
// sign, bit 6 set, bits 0 to 4 the scale), the length of the coefficient, and the
// coefficient, big-endian. Equal numbers give equal bytes: no trailing zeros after
// the point, no leading zero bytes.
func appendAmount(dst []byte, a Amount) []byte {
	n := a.number().stripped()
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
	if r.err == "" && (n.coeff == (u128{}) || n.stripped() != n) {
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
