package u128

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"creditledger/fuzz/testseed"
)

// TestUintAgreesWithBig: below 2^128 every result is that of math/big.
func TestUintAgreesWithBig(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 0))
	words := func() Uint { return Uint{Hi: r.Uint64() >> (1 + r.UintN(63)), Lo: r.Uint64() >> r.UintN(64)} }
	if got := (Uint{Hi: 1, Lo: 2}).Big(); got.String() != "18446744073709551618" {
		t.Fatalf("2^64 + 2 is %v", got)
	}
	for range 10_000 {
		x, y, small := words(), words(), 1+r.Uint64N(1<<r.UintN(40))
		if got := x.Plus(y).Big(); got.Cmp(new(big.Int).Add(x.Big(), y.Big())) != 0 {
			t.Fatalf("%v + %v = %v", x, y, got)
		}
		if got := x.Less(y); got != (x.Big().Cmp(y.Big()) < 0) {
			t.Fatalf("%v < %v: %t", x, y, got)
		}
		want := new(big.Int).Mul(x.Big(), new(big.Int).SetUint64(small))
		if got := x.Times(small).Big(); want.BitLen() <= 128 && got.Cmp(want) != 0 {
			t.Fatalf("%v × %d = %v", x, small, got)
		}
		q, rest := x.DividedBy(small)
		wantQ, wantRest := new(big.Int).QuoRem(x.Big(), new(big.Int).SetUint64(small), new(big.Int))
		if q.Big().Cmp(wantQ) != 0 || rest != wantRest.Uint64() {
			t.Fatalf("%v / %d = %v, rest %d", x, small, q, rest)
		}
		bytes := x.Big().Bytes()
		if x.Size() != len(bytes) {
			t.Fatalf("%v has %d bytes, want %d", x, x.Size(), len(bytes))
		}
		for i := range bytes {
			if x.ByteAt(i) != bytes[len(bytes)-1-i] {
				t.Fatalf("byte %d of %v is %d", i, x, x.ByteAt(i))
			}
		}
	}
}

func TestPowersOfTen(t *testing.T) {
	one := Uint{Lo: 1}
	for places, want := range Pow10 {
		if got := one.Scaled(places); got != (Uint{Lo: want}) || places > 0 && want != 10*Pow10[places-1] {
			t.Errorf("10^%d is %v", places, got)
		}
	}
}
