package invoice

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"golang.org/x/text/language"

	"creditledger"
)

// exact computes without rounding; half rounds half away from zero.
var (
	exact = apd.Context{MaxExponent: 1000, MinExponent: -1000, Traps: apd.DefaultTraps}
	half  = apd.Context{Precision: 300, MaxExponent: 1000, MinExponent: -1000, Rounding: apd.RoundHalfUp,
		Traps: apd.DefaultTraps &^ (apd.Inexact | apd.Rounded)}
)

// maxMinor bounds what stands on an invoice: 18 digits of minor units.
const maxMinor = 999_999_999_999_999_999

// Money is an exact decimal number of a currency of ISO 4217. Only Round rounds. It is a
// plain immutable value. Different currencies never mix: an attempt to mix them is a
// CurrencyError. Compare with Cmp, never with ==: 3 USD and 3.00 USD are the same money in
// two forms.
type Money struct {
	amount   apd.Decimal // in whole units of the currency, such as dollars
	currency string
}

// CurrencyError is an attempt to mix two currencies.
type CurrencyError struct{ A, B string }

func (e *CurrencyError) Error() string {
	return fmt.Sprintf("cannot mix %s and %s", named(e.A), named(e.B))
}

// Is matches creditledger.ErrInvalid.
func (e *CurrencyError) Is(target error) bool { return target == creditledger.ErrInvalid }

func named(currency string) string {
	if currency == "" {
		return "no currency"
	}
	return currency
}

// NewMoney returns amount whole units (dollars, not cents) of a currency. It may have
// more digits than the currency's minor unit.
func NewMoney(amount creditledger.Amount, currency string) (Money, error) {
	if _, err := digitsOf(currency); err != nil {
		return Money{}, err
	}
	return Money{amount: *decimalOf(amount), currency: currency}, nil
}

// ParseMoney reads a decimal number of whole units, as creditledger.ParseAmount does.
func ParseMoney(amount, currency string) (Money, error) {
	a, err := creditledger.ParseAmount(amount)
	if err != nil {
		return Money{}, err
	}
	return NewMoney(a, currency)
}

// MinorMoney returns n minor units (cents) of a currency.
func MinorMoney(n int64, currency string) (Money, error) {
	digits, err := digitsOf(currency)
	if err != nil {
		return Money{}, err
	}
	return Money{amount: *apd.New(n, -int32(digits)), currency: currency}, nil
}

// zeroOf is nothing of a currency that is known to be one.
func zeroOf(currency string) Money { return Money{currency: currency} }

// Currency returns the ISO 4217 code.
func (m Money) Currency() string { return m.currency }

// Sign returns -1, 0 or 1.
func (m Money) Sign() int { return m.amount.Sign() }

// IsNone reports whether m is the zero Money, which has no currency.
func (m Money) IsNone() bool { return m.currency == "" }

// Add returns m + o.
func (m Money) Add(o Money) (Money, error) {
	return m.with(o, func(r *apd.Decimal) error { _, err := exact.Add(r, &m.amount, &o.amount); return err })
}

// Sub returns m − o.
func (m Money) Sub(o Money) (Money, error) {
	return m.with(o, func(r *apd.Decimal) error { _, err := exact.Sub(r, &m.amount, &o.amount); return err })
}

func (m Money) with(o Money, compute func(*apd.Decimal) error) (Money, error) {
	if m.currency != o.currency {
		return Money{}, &CurrencyError{A: m.currency, B: o.currency}
	}
	res := Money{currency: m.currency}
	err := compute(&res.amount)
	return res, err
}

// Mul returns m × a, exactly.
func (m Money) Mul(a creditledger.Amount) (Money, error) {
	res := Money{currency: m.currency}
	_, err := exact.Mul(&res.amount, &m.amount, decimalOf(a))
	return res, err
}

// Neg returns −m.
func (m Money) Neg() Money {
	res := Money{currency: m.currency}
	res.amount.Set(&m.amount)
	res.amount.Negative = !m.amount.Negative && !m.amount.IsZero()
	return res
}

// Cmp compares two amounts of one currency: -1, 0 or 1.
func (m Money) Cmp(o Money) (int, error) {
	if m.currency != o.currency {
		return 0, &CurrencyError{A: m.currency, B: o.currency}
	}
	return m.amount.Cmp(&o.amount), nil
}

// Round returns m in whole minor units, half away from zero. It refuses more than 18 digits
// of minor units.
func (m Money) Round() (Money, error) {
	digits, err := digitsOf(m.currency)
	if err != nil {
		return Money{}, err
	}
	res := Money{currency: m.currency}
	if _, err := half.Quantize(&res.amount, &m.amount, -int32(digits)); err != nil {
		return Money{}, err
	}
	if res.amount.IsZero() {
		res.amount.Negative = false
	}
	if !res.amount.Coeff.IsInt64() || res.amount.Coeff.Int64() > maxMinor {
		return Money{}, invalid("amount", "%s is beyond 18 digits of the minor unit", m)
	}
	return res, nil
}

// Minor returns m in minor units (cents). It refuses a fraction of a minor unit: round
// first.
func (m Money) Minor() (int64, error) {
	r, err := m.Round()
	if err != nil {
		return 0, err
	}
	if r.amount.Cmp(&m.amount) != 0 {
		return 0, invalid("amount", "%s has a fraction of the minor unit", m)
	}
	n := r.amount.Coeff.Int64()
	if r.amount.Negative {
		n = -n
	}
	return n, nil
}

// Decimal returns m in whole units, plainly, with the digits of the minor unit and
// more when it has more.
func (m Money) Decimal() string {
	digits, _ := digitsOf(m.currency)
	var d apd.Decimal
	d.Reduce(&m.amount)
	if d.Exponent > -int32(digits) {
		if _, err := exactQuantize(&d, &d, -int32(digits)); err != nil {
			return m.amount.Text('f')
		}
	}
	if d.IsZero() {
		d.Negative = false
	}
	return d.Text('f')
}

// String returns the decimal and the code: "12.50 USD".
func (m Money) String() string {
	if m.currency == "" {
		return m.amount.Text('f')
	}
	return m.Decimal() + " " + m.currency
}

// Amount returns m in whole units as the ledger writes numbers. It is a ConstraintError
// when m has more digits than an Amount holds.
func (m Money) Amount() (creditledger.Amount, error) { return amountOf(&m.amount) }

// Format writes m for readers of a language, such as $107.00 or 107,00 €.
func (m Money) Format(tag language.Tag) string { return formatPlain(m.Decimal(), m.currency, tag) }

// MarshalText returns what String returns; nothing for no Money at all.
func (m Money) MarshalText() ([]byte, error) {
	if m.currency == "" {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (m *Money) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = Money{}
		return nil
	}
	number, code, ok := strings.Cut(string(text), " ")
	if !ok || len(number) > 64 {
		return invalid("amount", "%q is not an amount and a currency, such as 12.50 USD", clip(string(text)))
	}
	v, err := ParseMoney(number, code)
	if err == nil {
		*m = v
	}
	return err
}
