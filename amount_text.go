package creditledger

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"creditledger/internal/u128"
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

// number takes a apart, with no more places than it needs.
func (a Amount) number() number {
	whole, rest := a.magnitude().DividedBy(one)
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
	n.coeff = whole.Scaled(n.scale).Plus(u128.Uint{Lo: rest})
	return n
}

// number is an Amount as it is written: ± coeff / 10^scale.
type number struct {
	coeff    u128.Uint
	scale    int
	negative bool
}

// amount is n as an Amount. n is in range.
func (n number) amount() Amount {
	m := n.coeff.Scaled(maxPlaces - n.scale)
	a := Amount{int64(m.Hi), m.Lo}
	if n.negative {
		return a.Neg()
	}
	return a
}

func (n number) inRange() bool {
	return n.coeff.Less(u128.Uint{Lo: u128.Pow10[maxIntDigits-1]}.Times(10).Scaled(n.scale))
}

// append appends n with the digits it has. n is in range.
func (n number) append(dst []byte) []byte {
	if n.coeff.Hi != 0 {
		d := n.decimal()
		return d.Append(dst, 'f')
	}
	const zeros = "000000000000000000"
	var buf [len(zeros) + 2]byte
	digits := strconv.AppendUint(buf[:0], n.coeff.Lo, 10)
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

// decimal returns n as a decimal of apd, which reads and writes numbers of two words.
func (n number) decimal() (d apd.Decimal) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], n.coeff.Hi)
	binary.BigEndian.PutUint64(b[8:], n.coeff.Lo)
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

// parseEveryday reads a plain number of few digits, without apd.
func parseEveryday(s string) (n number, ok bool) {
	const few = 18
	if s != "" && s[0] == '-' {
		n.negative, s = true, s[1:]
	}
	point := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			n.coeff.Lo = n.coeff.Lo*10 + uint64(c-'0')
		case c == '.' && point == len(s):
			point = i
		default:
			return number{}, false
		}
	}
	n.scale = max(0, len(s)-point-1)
	n.negative = n.negative && n.coeff.Lo != 0
	leadingZero := point > 1 && s[0] == '0'
	return n, point > 0 && len(s) <= few && !leadingZero && point != len(s)-1
}

// isJSONNumber reports whether s is a number in the grammar of JSON.
func isJSONNumber(s string) bool {
	if s == "" || !json.Valid([]byte(s)) {
		return false
	}
	first, last := s[0], s[len(s)-1] // no white space around the number
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
	n.coeff = u128.Uint{Hi: binary.BigEndian.Uint64(b[:8]), Lo: binary.BigEndian.Uint64(b[8:])}
	n.negative = d.Negative && digits > 0
	switch {
	case scale >= 0:
		n.scale = scale
	case digits > 0: // the zeros to add are fewer than maxIntDigits
		n.coeff = n.coeff.Scaled(-scale)
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
