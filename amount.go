package creditledger

import (
	"cmp"
	"math/bits"

	"creditledger/internal/u128"
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

// AmountOf returns n as an Amount.
func AmountOf(n int64) Amount {
	u := uint64(n)
	if n < 0 {
		u = -u
	}
	return number{coeff: u128.Uint{Lo: u}, negative: n < 0}.amount()
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

// limited refuses a result that is too large for an amount.
func (a Amount) limited() (Amount, error) {
	const top = 1e38 >> 64 // the upper word of tooLarge
	if -top <= a.hi && a.hi < top || a.magnitude().Less(tooLarge) {
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
func (a Amount) magnitude() u128.Uint {
	a = a.Abs()
	return u128.Uint{Hi: uint64(a.hi), Lo: a.lo}
}

func minAmount(a, b Amount) Amount {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}

func checkPositive(a Amount) error {
	if a.Sign() <= 0 {
		return invalid("amount", "%s is not positive", a)
	}
	return nil
}

// one is the amount 1, and tooLarge 10^maxIntDigits, the first number that is no amount:
// both times 10^maxPlaces.
const one = 1e18

var tooLarge = u128.Uint{Lo: u128.Pow10[maxIntDigits-1]}.Times(10).Scaled(maxPlaces)
