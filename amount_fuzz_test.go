package creditledger

import (
	"bytes"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// FuzzParseAmount compares the parser, both what it accepts and what it makes of it,
// with a model made of a regular expression and math/big.
func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{
		"0", "-0", "0.00", "12.5", "-3", "1e2", "10e-18", "10e-19", "0.1e1", "0e5", "0e65", "1e19", "1e20", "1E+003", widest, "-" + widest,
		"100000000000000000000", "18446744073709551616", "", "+1", "00", ".5", "5.", "1_000", "0x10", "1e", "NaN", "1e1000000000",
		strings.Repeat("9", 39), "0." + strings.Repeat("0", 58) + "1e50", "99999999999999999999999999999999999999e-18",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		want, accepted := modelNumber(s)
		if accepted != (err == nil) {
			t.Fatalf("ParseAmount(%q): %s, %v; the model accepts it: %t", s, a, err, accepted)
		}
		cost, err := ParseCostBasis(s)
		if plain := accepted && want.Sign() >= 0 && !strings.ContainsAny(s, "eE"); plain != (err == nil) {
			t.Fatalf("ParseCostBasis(%q): %s, %v; the model accepts it: %t", s, cost, err, plain)
		}
		if !accepted {
			checkInvalidNumber(t, errOf(ParseAmount(s)), "amount", "")
			return
		}
		if ratOf(a).Cmp(want) != 0 {
			t.Fatalf("ParseAmount(%q) = %s, want %s", s, a, want.FloatString(maxPlaces))
		}
		if err == nil && cost.String() != strings.TrimPrefix(s, "-") {
			t.Fatalf("cost basis %q came back as %q", s, cost)
		}
		again, err := ParseAmount(a.String())
		if err != nil || again.String() != a.String() || again.Cmp(a) != 0 {
			t.Fatalf("%q printed as %s, which is %s, %v", s, a, again, err)
		}
		data := appendAmount(nil, a)
		back, rest, reason := readAmount(string(data))
		if reason != "" || len(rest) > 0 || back.Cmp(a) != 0 || !bytes.Equal(data, appendAmount(nil, again)) {
			t.Fatalf("%q as bytes %x came back as %s, %s", s, data, back, reason)
		}
		checkAmountForm(t, a)
		checkAmountForm(t, back)
	})
}

// FuzzAmountBytes checks that the readers accept the canonical bytes only.
func FuzzAmountBytes(f *testing.F) {
	for _, s := range []string{"0", "1", "-1.5", "0.20", "100", smallest, widest, "-" + widest, "18446744073709551615", "18446744073709551616"} {
		f.Add(appendAmount(nil, MustAmount(s)))
		f.Add(appendCostBasis(nil, MustCostBasis(strings.TrimPrefix(s, "-"))))
	}
	for _, s := range []string{"", "\x40\x00", "\x80", "\x60\x01\x01", "\x41\x01\x0a", "\x40\x02\x00\x01", "\x52\x10" + strings.Repeat("\xff", 16)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, rest, reason := readAmount(string(data)); reason == "" {
			read := data[:len(data)-len(rest)]
			if again := appendAmount(nil, a); !bytes.Equal(again, read) {
				t.Fatalf("%x is %s, whose bytes are %x", read, a, again)
			}
			if _, ok := modelNumber(a.String()); !ok {
				t.Fatalf("%x is %s, which is no amount", read, a)
			}
			checkAmountForm(t, a)
		}
		if c, rest, reason := readCostBasis(string(data)); reason == "" {
			read := data[:len(data)-len(rest)]
			if again := appendCostBasis(nil, c); !bytes.Equal(again, read) {
				t.Fatalf("%x is cost %s, whose bytes are %x", read, c, again)
			}
			if again, err := ParseCostBasis(c.String()); err != nil || again != c {
				t.Fatalf("%x is cost %s, which reads as %s, %v", read, c, again, err)
			}
		}
	})
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$`)

// modelNumber says which texts are amounts, and which ones, in as few words as the
// rule has.
func modelNumber(s string) (*big.Rat, bool) {
	m := jsonNumber.FindStringSubmatch(s)
	if len(s) > 64 || m == nil {
		return nil, false
	}
	whole, fraction, exponent := m[1], m[2], 0
	if m[3] != "" {
		var err error
		if exponent, err = strconv.Atoi(m[3]); err != nil || exponent < -64 || exponent > 64 {
			return nil, false
		}
	}
	r, ok := new(big.Rat).SetString(s)
	digits := len(strings.TrimLeft(whole+fraction, "0"))
	if !ok || digits > 38 || len(fraction)-exponent > 18 {
		return nil, false
	}
	limit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil))
	return r, new(big.Rat).Abs(r).Cmp(limit) < 0
}
