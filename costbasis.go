package creditledger

import (
	"strings"

	"creditledger/internal/u128"
)

// CostBasis is what one credit of a block cost, in the invoicing currency: a decimal
// number ≥ 0 that keeps the digits it was given ("0.20" comes back as "0.20"). The
// zero value is none. It is a plain immutable value like Amount.
//
// Compare with Cmp, never with ==: 0.2 and 0.20 are the same cost in two forms.
// Rule: docs/semantics.md, "Numbers, times, names".
type CostBasis struct {
	amount Amount
	places int8 // as many digits after the point as were given
	set    bool
}

// ParseCostBasis reads what ParseAmount reads, except that it takes no exponent and
// nothing below 0.
func ParseCostBasis(s string) (CostBasis, error) {
	n, reason := parseNumber(s)
	switch {
	case reason != "":
	case strings.ContainsAny(s, "eE"):
		reason = "has an exponent"
	case n.negative:
		reason = "is negative"
	default:
		return costBasisOf(n), nil
	}
	return CostBasis{}, invalid("per_unit_cost_basis", "%s %s", quote(s), reason)
}

func costBasisOf(n number) CostBasis {
	return CostBasis{amount: n.amount(), places: int8(n.scale), set: true}
}

// number is the cost with the places that were given.
func (c CostBasis) number() number {
	coeff, _ := c.amount.magnitude().DividedBy(u128.Pow10[maxPlaces-c.places])
	return number{coeff: coeff, scale: int(c.places)}
}

// MustCostBasis is ParseCostBasis for constants and tests: it panics on an error.
func MustCostBasis(s string) CostBasis {
	c, err := ParseCostBasis(s)
	if err != nil {
		panic(err)
	}
	return c
}

// IsSet reports whether there is a cost basis.
func (c CostBasis) IsSet() bool { return c.set }

// Amount returns the cost as a number; 0 when there is none.
func (c CostBasis) Amount() Amount { return c.amount }

// Cmp compares the costs as numbers; none counts as 0.
func (c CostBasis) Cmp(o CostBasis) int { return c.amount.Cmp(o.amount) }

// same reports whether c and o say the same: unlike Cmp it tells none from 0.
func (c CostBasis) same(o CostBasis) bool { return c.set == o.set && c.Cmp(o) == 0 }

// String returns the digits that were given; nothing when there is none.
func (c CostBasis) String() string {
	if !c.set {
		return ""
	}
	var buf [maxNumberText]byte
	return string(c.number().append(buf[:0]))
}

// MarshalText returns what String returns.
func (c CostBasis) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseCostBasis reads; nothing is none. On an error c stays
// as it was.
func (c *CostBasis) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = CostBasis{}
		return nil
	}
	v, err := ParseCostBasis(boundedText(text))
	if err == nil {
		*c = v
	}
	return err
}

// MarshalJSON returns the digits that were given as a JSON string; null for none.
func (c CostBasis) MarshalJSON() ([]byte, error) {
	if !c.set {
		return []byte("null"), nil
	}
	dst := append(make([]byte, 0, maxNumberText), '"')
	return append(c.number().append(dst), '"'), nil
}

// UnmarshalJSON reads a JSON string or number by its decimal text; null is none. On
// an error c stays as it was.
func (c *CostBasis) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*c = CostBasis{}
		return nil
	}
	v, err := ParseCostBasis(jsonNumberText(data))
	if err == nil {
		*c = v
	}
	return err
}
