package creditledger

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"
)

// The three ways to a sum must agree: the ledger's, apd's own, and math/big's.
func TestAmountArithmeticProperty(t *testing.T) {
	exact := apd.Context{
		Precision:   60,
		MaxExponent: apd.MaxExponent,
		MinExponent: apd.MinExponent,
		Traps:       apd.DefaultTraps | apd.Inexact | apd.Rounded,
	}
	limit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil))
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawAmount(t, "a"), drawAmount(t, "b")
		before := [2]Amount{a, b}
		checkOp := func(name string, got Amount, err error, byApd apd.Decimal, byBig *big.Rat) {
			if new(big.Rat).Abs(byBig).Cmp(limit) >= 0 {
				if !errors.Is(err, ErrConstraint) || got != (Amount{}) {
					t.Fatalf("%s of %s and %s: %s, %v; want the limit", name, a, b, got, err)
				}
				return
			}
			if err != nil || apdOf(got).Cmp(&byApd) != 0 || ratOf(got).Cmp(byBig) != 0 {
				t.Fatalf("%s of %s and %s: %s, %v; apd says %s, math/big %s", name, a, b, got, err, &byApd, byBig)
			}
			checkAmountForm(t, got)
		}
		var sum, diff apd.Decimal
		if _, err := exact.Add(&sum, apdOf(a), apdOf(b)); err != nil {
			t.Fatal(err)
		}
		if _, err := exact.Sub(&diff, apdOf(a), apdOf(b)); err != nil {
			t.Fatal(err)
		}
		got, err := a.Add(b)
		checkOp("the sum", got, err, sum, new(big.Rat).Add(ratOf(a), ratOf(b)))
		got, err = a.Sub(b)
		checkOp("the difference", got, err, diff, new(big.Rat).Sub(ratOf(a), ratOf(b)))
		if got := a.Cmp(b); got != apdOf(a).Cmp(apdOf(b)) || (got == 0) != (a == b) || got != ratOf(a).Cmp(ratOf(b)) || got != -b.Cmp(a) {
			t.Fatalf("%s.Cmp(%s) = %d", a, b, got)
		}
		if before != [2]Amount{a, b} {
			t.Fatalf("%v became %s, %s", before, a, b)
		}
	})
}

// What goes out comes in again, and equal numbers have equal forms.
func TestAmountFormsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAmount(t, "a")
		text := a.String()
		if r, ok := new(big.Rat).SetString(text); !ok || r.Cmp(ratOf(a)) != 0 || text == "-0" || strings.ContainsAny(text, "eE+") {
			t.Fatalf("%#v prints as %s", a, text)
		}
		if strings.Contains(text, ".") && strings.HasSuffix(text, "0") {
			t.Fatalf("%s has trailing zeros", text)
		}
		data := mustValue(json.Marshal(a))
		column := mustValue(a.Value())
		byText, byJSON, byToken, byColumn := Amount{}, Amount{}, Amount{}, Amount{}
		for form, err := range map[string]error{
			"text":         byText.UnmarshalText(mustValue(a.MarshalText())),
			"JSON":         json.Unmarshal(data, &byJSON),
			"a JSON token": json.Unmarshal([]byte(text), &byToken),
			"a column":     byColumn.Scan(column),
		} {
			if err != nil {
				t.Fatalf("%s as %s: %v", a, form, err)
			}
		}
		byBytes, rest, err := readAmount(string(appendAmount(nil, a)))
		if err != "" || len(rest) > 0 {
			t.Fatalf("%s in bytes: %s, %d left", a, err, len(rest))
		}
		for _, got := range []Amount{MustAmount(text), byText, byJSON, byToken, byColumn, byBytes} {
			if got.Cmp(a) != 0 || got.String() != text {
				t.Fatalf("%s came back as %s", a, got)
			}
			checkAmountForm(t, got)
		}
		b := drawAmount(t, "b")
		if same := string(appendAmount(nil, a)) == string(appendAmount(nil, b)); same != (a.Cmp(b) == 0) {
			t.Fatalf("%s and %s: same bytes %t", a, b, same)
		}
	})
}

// drawAmount draws every width and scale, near zero, near the limits, near the ends
// of a word, and everyday numbers, each with the trailing zeros it happens to have.
func drawAmount(t *rapid.T, label string) Amount {
	scale := rapid.IntRange(0, maxPlaces).Draw(t, label+" scale")
	bound := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(maxIntDigits+scale)), nil)
	coeff := new(big.Int)
	switch rapid.IntRange(0, 4).Draw(t, label+" kind") {
	case 0: // any number of digits
		digits := rapid.StringMatching(`[0-9]{1,38}`).Draw(t, label)
		coeff.SetString(digits, 10)
		coeff.Mod(coeff, bound)
	case 1: // everyday
		coeff.SetInt64(rapid.Int64Range(0, 1_000_000_000).Draw(t, label))
	case 2: // round
		zeros := rapid.IntRange(0, maxIntDigits+scale-1).Draw(t, label+" zeros")
		coeff.Exp(big.NewInt(10), big.NewInt(int64(zeros)), nil)
	case 3: // near the end of a word
		coeff.SetUint64(rapid.Uint64Min(1<<64-20).Draw(t, label))
		coeff.Add(coeff, big.NewInt(10))
	case 4: // near the limit
		coeff.Sub(bound, big.NewInt(rapid.Int64Range(1, 20).Draw(t, label)))
	}
	text := coeff.String()
	if len(text) <= scale {
		text = strings.Repeat("0", scale+1-len(text)) + text
	}
	if scale > 0 {
		text = text[:len(text)-scale] + "." + text[len(text)-scale:]
	}
	if rapid.Bool().Draw(t, label+" negative") {
		text = "-" + text
	}
	return MustAmount(text)
}

// ratOf takes an Amount apart without any code of this package.
func ratOf(a Amount) *big.Rat {
	units := new(big.Int).Lsh(big.NewInt(a.hi), 64)
	units.Add(units, new(big.Int).SetUint64(a.lo))
	return new(big.Rat).SetFrac(units, big.NewInt(1e18))
}

// apdOf is an Amount as apd reads it.
func apdOf(a Amount) *apd.Decimal {
	d, _, err := apd.NewFromString(a.String())
	if err != nil {
		panic(err)
	}
	return d
}

// checkAmountForm checks what Amount promises about its inside.
func checkAmountForm(t rapid.TB, a Amount) {
	t.Helper()
	if limit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(maxIntDigits), nil)); new(big.Rat).Abs(ratOf(a)).Cmp(limit) >= 0 {
		t.Errorf("%v is beyond the limit", ratOf(a))
	}
}

func checkInvalidNumber(t *testing.T, err error, field, reason string) {
	t.Helper()
	var invalid *InvalidError
	if !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v, want an InvalidError", err)
	}
	if invalid.Field != field || !strings.Contains(invalid.Reason, reason) {
		t.Errorf("got %v, want %s: … %s …", err, field, reason)
	}
}

// checkAmountSum checks a + b and a - (-b), both ways round; an empty want is the limit.
func checkAmountSum(t *testing.T, a, b, want string) {
	t.Helper()
	x, y := MustAmount(a), MustAmount(b)
	type result struct {
		got Amount
		err error
	}
	sums := map[string]result{}
	for name, op := range map[string]func() (Amount, error){
		"a + b":    func() (Amount, error) { return x.Add(y) },
		"b + a":    func() (Amount, error) { return y.Add(x) },
		"a - (-b)": func() (Amount, error) { return x.Sub(y.Neg()) },
		"b - (-a)": func() (Amount, error) { return y.Sub(x.Neg()) },
	} {
		got, err := op()
		sums[name] = result{got, err}
	}
	for name, r := range sums {
		if want == "" {
			var constraint *ConstraintError
			if !errors.As(r.err, &constraint) || !errors.Is(r.err, ErrConstraint) || r.got != (Amount{}) {
				t.Errorf("%s of %s and %s: %s, %v; want a ConstraintError", name, a, b, r.got, r.err)
			}
			continue
		}
		if r.err != nil || r.got.String() != want {
			t.Errorf("%s of %s and %s: %s, %v; want %s", name, a, b, r.got, r.err, want)
		}
		checkAmountForm(t, r.got)
	}
}
