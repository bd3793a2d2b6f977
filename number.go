package creditledger

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"slices"
	"strconv"
)

// The limits of an Amount. They fit together: brought to maxPlaces, an amount is a
// whole number below 10^38, and a sum of two is below 2^128. So everything below is
// exact in two words, and nothing ever has to round.
const (
	maxNumberText = 64 // bytes; looked at before anything else
	maxDigits     = 38
	maxPlaces     = 18 // digits after the point
	maxIntDigits  = 20 // digits before the point: |a| < 10^20
	maxExponent   = 64
)

// number is an Amount taken apart: ± coeff / 10^scale.
type number struct {
	coeff    u128
	scale    int
	negative bool
}

func (a *Amount) number() number {
	n := number{scale: int(-a.d.Exponent), negative: a.d.Negative}
	if a.d.Coeff.IsUint64() {
		n.coeff.lo = a.d.Coeff.Uint64()
		return n
	}
	for i, w := range a.d.Coeff.Bits() {
		if at := i * bits.UintSize; at < 64 {
			n.coeff.lo |= uint64(w) << at
		} else {
			n.coeff.hi |= uint64(w) << (at - 64)
		}
	}
	return n
}

// amount puts n together again. n is in range.
func (n number) amount() Amount {
	var a Amount
	if n.coeff.hi == 0 {
		a.d.Coeff.SetUint64(n.coeff.lo)
	} else {
		// Of all the ways into a coefficient of two words, this one never takes
		// it out of its inline place.
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], n.coeff.hi)
		binary.BigEndian.PutUint64(b[8:], n.coeff.lo)
		a.d.Coeff.SetBytes(b[:])
	}
	a.d.Negative = n.negative && n.coeff != (u128{})
	a.d.Exponent = -int32(n.scale)
	return a
}

func (n number) inRange() bool { return n.coeff.less(tooLarge.scaled(n.scale)) }

// stripped returns n without trailing zeros after the point.
func (n number) stripped() number {
	for n.scale > 0 && n.coeff.hi != 0 {
		q, r := n.coeff.divided(10)
		if r != 0 {
			return n
		}
		n.coeff = q
		n.scale--
	}
	for n.scale > 0 && n.coeff.lo%10 == 0 { // a constant divisor and one word: much faster
		n.coeff.lo /= 10
		n.scale--
	}
	return n
}

// append appends n with the digits it has. n is in range.
func (n number) append(dst []byte) []byte {
	const zeros = "0000000000000000000"
	var wide, narrow [2 * len(zeros)]byte
	high, low := n.coeff.divided(pow10[len(zeros)])
	digits := strconv.AppendUint(narrow[:0], low, 10)
	if high.lo != 0 {
		whole := strconv.AppendUint(wide[:0], high.lo, 10)
		whole = append(whole, zeros[len(digits):]...)
		digits = append(whole, digits...)
	}
	if n.negative {
		dst = append(dst, '-')
	}
	point := len(digits) - n.scale
	switch {
	case n.scale == 0:
		return append(dst, digits...)
	case point <= 0:
		dst = append(append(dst, "0."...), zeros[:-point]...)
		return append(dst, digits...)
	}
	dst = append(append(dst, digits[:point]...), '.')
	return append(dst, digits[point:]...)
}

// parseNumber takes a text apart, or says what is wrong with it. Nothing is computed
// that the length of the text or the size of the exponent could make expensive.
func parseNumber(s string) (n number, reason string) {
	if len(s) > maxNumberText {
		return number{}, "is longer than 64 characters"
	}
	const notANumber = "is not a decimal number such as 12.5"
	rest := s
	if rest != "" && rest[0] == '-' {
		n.negative, rest = true, rest[1:]
	}
	digits := 0
	intDigits := n.digits(rest, &digits)
	if intDigits == 0 || (intDigits > 1 && rest[0] == '0') {
		return number{}, notANumber
	}
	rest = rest[intDigits:]
	if rest != "" && rest[0] == '.' {
		n.scale = n.digits(rest[1:], &digits)
		if n.scale == 0 {
			return number{}, notANumber
		}
		rest = rest[1+n.scale:]
	}
	if rest != "" {
		exponent, ok := parseExponent(rest)
		if !ok {
			return number{}, notANumber
		}
		if exponent < -maxExponent || exponent > maxExponent {
			return number{}, "has an exponent that is out of range"
		}
		n.scale -= exponent
	}
	return n.limited(digits)
}

// digits reads the digits at the start of s into the coefficient and returns how
// many there are. significant counts those from the first that is not 0; beyond
// maxDigits the coefficient is meaningless.
func (n *number) digits(s string, significant *int) int {
	i := 0
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n.coeff = n.coeff.times(10).plus(u128{lo: uint64(s[i] - '0')})
		if *significant > 0 || s[i] != '0' {
			*significant++
		}
	}
	return i
}

// limited checks a number as written, whose scale may still be negative.
func (n number) limited(digits int) (number, string) {
	switch {
	case digits > maxDigits:
		return number{}, "has more than 38 digits"
	case n.scale > maxPlaces:
		return number{}, "has more than 18 digits after the point"
	case digits-n.scale > maxIntDigits && digits > 0:
		return number{}, "is too large: amounts are below 10^20 in absolute value"
	case digits == 0:
		n.negative = false
	}
	if n.scale < 0 {
		if digits > 0 { // so the zeros to add are fewer than maxIntDigits
			n.coeff = n.coeff.scaled(-n.scale)
		}
		n.scale = 0
	}
	return n, ""
}

// parseExponent reads e5, E-5, e+05. One that is far out of range stays so.
func parseExponent(s string) (int, bool) {
	if len(s) < 2 || (s[0] != 'e' && s[0] != 'E') {
		return 0, false
	}
	s = s[1:]
	sign := 1
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	v := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = min(v*10+int(c-'0'), 10*maxExponent)
	}
	return sign * v, s != ""
}

// textKept is how much of a text that is too long anyway is worth copying: enough
// for the message.
const textKept = 2 * maxNumberText

func boundedText(text []byte) string { return string(text[:min(len(text), textKept)]) }

// jsonNumberText returns the text of a JSON number or of the number in a JSON
// string. Anything else comes back as it is, and is no number.
func jsonNumberText(data []byte) string {
	const escaped = len(`\u0031`)
	if len(data) < 2 || data[0] != '"' || len(data) > 2+maxNumberText*escaped {
		return boundedText(data)
	}
	if inner := data[1 : len(data)-1]; data[len(data)-1] == '"' && !slices.Contains(inner, '\\') {
		return boundedText(inner)
	}
	var s string
	if json.Unmarshal(data, &s) != nil {
		return boundedText(data)
	}
	return s
}

// u128 is an unsigned integer of two words. Its arithmetic is exact below 2^128,
// which the limits above ensure, and wraps silently beyond.
type u128 struct{ hi, lo uint64 }

func (x u128) less(y u128) bool { return x.hi < y.hi || (x.hi == y.hi && x.lo < y.lo) }

func (x u128) compare(y u128) int {
	if x.hi != y.hi {
		return cmp.Compare(x.hi, y.hi)
	}
	return cmp.Compare(x.lo, y.lo)
}

func (x u128) plus(y u128) u128 {
	lo, carry := bits.Add64(x.lo, y.lo, 0)
	return u128{x.hi + y.hi + carry, lo}
}

func (x u128) minus(y u128) u128 {
	lo, borrow := bits.Sub64(x.lo, y.lo, 0)
	return u128{x.hi - y.hi - borrow, lo}
}

func (x u128) times(y uint64) u128 {
	hi, lo := bits.Mul64(x.lo, y)
	return u128{x.hi*y + hi, lo}
}

func (x u128) divided(y uint64) (q u128, r uint64) {
	q.hi, r = x.hi/y, x.hi%y
	q.lo, r = bits.Div64(r, x.lo, y)
	return q, r
}

// size is the number of bytes of x without leading zeros.
func (x u128) size() int {
	if x.hi != 0 {
		return 8 + (bits.Len64(x.hi)+7)/8
	}
	return (bits.Len64(x.lo) + 7) / 8
}

// byteAt is byte i of x, the least significant being 0.
func (x u128) byteAt(i int) byte {
	if i >= 8 {
		return byte(x.hi >> (8 * (i - 8)))
	}
	return byte(x.lo >> (8 * i))
}

// scaled returns x times 10^places.
func (x u128) scaled(places int) u128 { return x.times(pow10[places]) }

// tooLarge is 10^maxIntDigits, the first whole number that is no amount.
var tooLarge = u128{lo: pow10[maxIntDigits-1]}.times(10)

// pow10 reaches as far as a word does.
var pow10 = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}
