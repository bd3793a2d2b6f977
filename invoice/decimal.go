package invoice

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/cockroachdb/apd/v3"

	"creditledger"
)

// maxPlaces and maxDigits bound what the ledger takes as an amount.
const (
	maxPlaces = 18
	maxDigits = 38
)

// decimalOf is an amount as a number that can be multiplied.
func decimalOf(a creditledger.Amount) *apd.Decimal {
	d, _, err := apd.NewFromString(a.String())
	if err != nil { // an Amount is always a number
		return new(apd.Decimal)
	}
	return d
}

// amountOf is a number as an amount of the ledger; an error when it does not fit.
func amountOf(d *apd.Decimal) (creditledger.Amount, error) {
	var r apd.Decimal
	r.Reduce(d)
	a, err := creditledger.ParseAmount(r.Text('f'))
	if err != nil {
		return a, &creditledger.ConstraintError{Reason: fmt.Sprintf("%s has more digits than an amount of the ledger", r.Text('f'))}
	}
	return a, nil
}

// cut drops what lies beyond the places that the ledger keeps.
func cut(d *apd.Decimal) (creditledger.Amount, error) {
	ctx := half
	ctx.Rounding = apd.RoundDown
	var r apd.Decimal
	if _, err := ctx.Quantize(&r, d, -maxPlaces); err != nil {
		return creditledger.Amount{}, err
	}
	return amountOf(&r)
}

func exactQuantize(d, x *apd.Decimal, exponent int32) (apd.Condition, error) {
	return half.Quantize(d, x, exponent)
}

// sumOf adds decimals up, exactly.
func sumOf(parts []*apd.Decimal) (*apd.Decimal, error) {
	sum := new(apd.Decimal)
	for _, p := range parts {
		if _, err := exact.Add(sum, sum, p); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

// scaled returns d × 10^places.
func scaled(d *apd.Decimal, places int32) *big.Rat {
	r := new(big.Rat).SetInt(d.Coeff.MathBigInt())
	if d.Negative {
		r.Neg(r)
	}
	power := func(n int32) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
	}
	if e := d.Exponent + places; e >= 0 {
		r.Mul(r, power(e))
	} else {
		r.Quo(r, power(-e))
	}
	return r
}

// floor returns the largest whole number not above r.
func floor(r *big.Rat) *big.Int {
	return new(big.Int).Div(r.Num(), r.Denom()) // Euclidean: the floor for a positive denominator
}

// largestRemainder rounds shares to whole numbers that add up to total, which is a whole
// number as near to the sum of the shares as there is: each is cut first, then those with
// the largest remainders get one more, earlier shares first where they are equal.
func largestRemainder(shares []*big.Rat, total *big.Int) []*big.Int {
	parts := make([]*big.Int, len(shares))
	rests := make([]*big.Rat, len(shares))
	order := make([]int, len(shares))
	left := new(big.Int).Set(total)
	for i, s := range shares {
		parts[i], order[i] = floor(s), i
		rests[i] = new(big.Rat).Sub(s, new(big.Rat).SetInt(parts[i]))
		left.Sub(left, parts[i])
	}
	slices.SortStableFunc(order, func(a, b int) int { return rests[b].Cmp(rests[a]) })
	for _, i := range order[:left.Int64()] {
		parts[i].Add(parts[i], big.NewInt(1))
	}
	return parts
}

// spread divides total among weights in proportion, each part a whole number of
// 10^-places: equally when all weights are 0.
func spread(total *apd.Decimal, weights []*apd.Decimal, places int32) ([]*apd.Decimal, error) {
	whole := scaled(total, places)
	if !whole.IsInt() {
		return nil, fmt.Errorf("%s has more than %d places", total.Text('f'), places)
	}
	sum := new(big.Rat)
	ratios := make([]*big.Rat, len(weights))
	for i, w := range weights {
		ratios[i] = scaled(w, places)
		sum.Add(sum, ratios[i])
	}
	for i := range ratios {
		if sum.Sign() == 0 {
			ratios[i] = big.NewRat(1, int64(len(weights)))
		} else {
			ratios[i] = new(big.Rat).Quo(ratios[i], sum)
		}
		ratios[i].Mul(ratios[i], whole)
	}
	parts := largestRemainder(ratios, whole.Num())
	res := make([]*apd.Decimal, len(parts))
	for i, p := range parts {
		res[i] = new(apd.Decimal)
		res[i].Coeff.SetMathBigInt(new(big.Int).Abs(p))
		res[i].Negative = p.Sign() < 0
		res[i].Exponent = -places
	}
	return res, nil
}

// Allocate divides rounded money among weights in proportion by largest remainder,
// so that the parts add up to it to the last minor unit. Equal remainders go to the
// earlier part. Weights are not negative; when all are 0 the parts are equal.
func Allocate(total Money, weights []creditledger.Amount) ([]Money, error) {
	if _, err := total.Minor(); err != nil {
		return nil, err
	}
	if len(weights) == 0 {
		return nil, invalid("weights", "there is nothing to divide %s among", total)
	}
	digits, err := digitsOf(total.currency)
	if err != nil {
		return nil, err
	}
	ds := make([]*apd.Decimal, len(weights))
	for i, w := range weights {
		if w.Sign() < 0 {
			return nil, invalid("weights", "%s is negative", w)
		}
		ds[i] = decimalOf(w)
	}
	parts, err := spread(&total.amount, ds, int32(digits))
	if err != nil {
		return nil, err
	}
	res := make([]Money, len(parts))
	for i, p := range parts {
		res[i] = Money{amount: *p, currency: total.currency}
	}
	return res, nil
}
