// Package u128 computes with unsigned integers of two machine words.
package u128

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// Uint is an unsigned integer of two words. Its arithmetic is exact below 2^128 and
// wraps silently beyond: the caller keeps within.
type Uint struct{ Hi, Lo uint64 }

// Less reports whether x < y.
func (x Uint) Less(y Uint) bool { return x.Hi < y.Hi || (x.Hi == y.Hi && x.Lo < y.Lo) }

// Plus returns x + y.
func (x Uint) Plus(y Uint) Uint {
	lo, carry := bits.Add64(x.Lo, y.Lo, 0)
	return Uint{x.Hi + y.Hi + carry, lo}
}

// Times returns x times y.
func (x Uint) Times(y uint64) Uint {
	hi, lo := bits.Mul64(x.Lo, y)
	return Uint{x.Hi*y + hi, lo}
}

// DividedBy returns the quotient of x and y, and the rest. It panics when y is 0.
func (x Uint) DividedBy(y uint64) (q Uint, r uint64) {
	q.Hi, r = x.Hi/y, x.Hi%y
	q.Lo, r = bits.Div64(r, x.Lo, y)
	return q, r
}

// Size is the number of bytes of x without leading zeros.
func (x Uint) Size() int {
	if x.Hi != 0 {
		return 8 + (bits.Len64(x.Hi)+7)/8
	}
	return (bits.Len64(x.Lo) + 7) / 8
}

// ByteAt is byte i of x, the least significant being 0.
func (x Uint) ByteAt(i int) byte {
	if i >= 8 {
		return byte(x.Hi >> (8 * (i - 8)))
	}
	return byte(x.Lo >> (8 * i))
}

// Scaled returns x times 10^places.
func (x Uint) Scaled(places int) Uint { return x.Times(Pow10[places]) }

// Big returns x for arithmetic that two words cannot hold.
func (x Uint) Big() *big.Int {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], x.Hi)
	binary.BigEndian.PutUint64(b[8:], x.Lo)
	return new(big.Int).SetBytes(b[:])
}

// Pow10 holds the powers of ten that fit into a word.
var Pow10 = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}
