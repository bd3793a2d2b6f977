package creditledger

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
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

// number is an Amount as it is written: ± coeff / 10^scale.
type number struct {
	coeff    u128
	scale    int
	negative bool
}

// amount is n as an Amount. n is in range.
func (n number) amount() Amount {
	m := n.coeff.scaled(maxPlaces - n.scale)
	a := Amount{int64(m.hi), m.lo}
	if n.negative {
		return a.Neg()
	}
	return a
}

func (n number) inRange() bool {
	return n.coeff.less(u128{lo: pow10[maxIntDigits-1]}.times(10).scaled(n.scale))
}

// append appends n with the digits it has. n is in range.
func (n number) append(dst []byte) []byte {
	if n.coeff.hi != 0 {
		d := n.decimal()
		return d.Append(dst, 'f')
	}
	const zeros = "000000000000000000"
	var buf [len(zeros) + 2]byte
	digits := strconv.AppendUint(buf[:0], n.coeff.lo, 10)
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

// decimal is n for apd, which knows how to read and write what takes two words.
func (n number) decimal() (d apd.Decimal) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], n.coeff.hi)
	binary.BigEndian.PutUint64(b[8:], n.coeff.lo)
	d.Coeff.SetBytes(b[:])
	d.Negative, d.Exponent = n.negative, -int32(n.scale)
	return d
}

// parseNumber takes a text apart, or says what is wrong with it. Nothing is computed
// that the length of the text or the size of the exponent could make expensive.
func parseNumber(s string) (n number, reason string) {
	if len(s) > maxNumberText {
		return number{}, "is longer than 64 characters"
	}
	if n, ok := parseEveryday(s); ok {
		return n, ""
	}
	const notANumber = "is not a decimal number such as 12.5"
	if !isJSONNumber(s) {
		return number{}, notANumber
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(s[i+1:]); err != nil || exponent < -maxExponent || exponent > maxExponent {
			return number{}, "has an exponent that is out of range"
		}
		mantissa = s[:i]
	}
	var d apd.Decimal
	if _, _, err := d.SetString(mantissa); err != nil {
		return number{}, notANumber
	}
	return limited(&d, int(-d.Exponent)-exponent)
}

// parseEveryday reads a plain number of few digits.
func parseEveryday(s string) (n number, ok bool) {
	const few = 18
	if s != "" && s[0] == '-' {
		n.negative, s = true, s[1:]
	}
	point := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			n.coeff.lo = n.coeff.lo*10 + uint64(c-'0')
		case c == '.' && point == len(s):
			point = i
		default:
			return number{}, false
		}
	}
	n.scale = max(0, len(s)-point-1)
	n.negative = n.negative && n.coeff.lo != 0
	leadingZero := point > 1 && s[0] == '0'
	return n, point > 0 && len(s) <= few && !leadingZero && point != len(s)-1
}

// isJSONNumber reports whether s is a number in the grammar of JSON.
func isJSONNumber(s string) bool {
	if s == "" || !json.Valid([]byte(s)) {
		return false
	}
	first, last := s[0], s[len(s)-1] // no white space about it
	return (first == '-' || isDigit(first)) && isDigit(last)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// limited checks a number as written: d's coefficient, with scale digits after the
// point or, when it is negative, zeros before it.
func limited(d *apd.Decimal, scale int) (n number, reason string) {
	digits := 0
	if d.Coeff.Sign() != 0 {
		digits = int(d.NumDigits())
	}
	switch {
	case digits > maxDigits:
		return number{}, "has more than 38 digits"
	case scale > maxPlaces:
		return number{}, "has more than 18 digits after the point"
	case digits-scale > maxIntDigits && digits > 0:
		return number{}, "is too large: amounts are below 10^20 in absolute value"
	}
	var b [16]byte
	d.Coeff.FillBytes(b[:])
	n.coeff = u128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	n.negative = d.Negative && digits > 0
	switch {
	case scale >= 0:
		n.scale = scale
	case digits > 0: // so the zeros to add are fewer than maxIntDigits
		n.coeff = n.coeff.scaled(-scale)
	}
	return n, ""
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

func (x u128) plus(y u128) u128 {
	lo, carry := bits.Add64(x.lo, y.lo, 0)
	return u128{x.hi + y.hi + carry, lo}
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

// one is the amount 1, and tooLarge 10^maxIntDigits, the first that is none: both
// times 10^maxPlaces.
const one = 1e18

var tooLarge = u128{lo: pow10[maxIntDigits-1]}.times(10).scaled(maxPlaces)

// pow10 reaches as far as a word does.
var pow10 = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}
