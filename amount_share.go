package creditledger

import (
	"encoding/binary"
	"math/big"

	"creditledger/internal/u128"
)

// share returns a × part ÷ whole, cut towards zero to places digits after the point
// (0 to maxPlaces). It rounds nothing else: the product is exact, however long. a is not
// negative, and part is between 0 and whole, which is positive.
func (a Amount) share(part, whole Amount, places int) Amount {
	product := new(big.Int).Mul(a.magnitude().Big(), part.magnitude().Big())
	product.Quo(product, whole.magnitude().Big())
	step := new(big.Int).SetUint64(u128.Pow10[maxPlaces-places])
	product.Quo(product, step).Mul(product, step)
	var b [16]byte
	product.FillBytes(b[:])
	return Amount{int64(binary.BigEndian.Uint64(b[:8])), binary.BigEndian.Uint64(b[8:])}
}

// prorated returns the share of a for the rest of a period: a × (end − from) ÷ (end −
// begin) in elapsed time, cut to places digits. from is in the period. Rule:
// docs/semantics/schedules.md.
func (a Amount) prorated(from, begin, end Instant, places int) Amount {
	return a.share(AmountOf(int64(end-from)), AmountOf(int64(end-begin)), places)
}
