package invoice

import (
	"errors"
	"math/big"
	"testing"

	"golang.org/x/text/language"
	"pgregory.net/rapid"

	"creditledger"
)

func money(t testing.TB, amount, currency string) Money {
	t.Helper()
	m, err := ParseMoney(amount, currency)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMinorUnits(t *testing.T) {
	for code, want := range map[string]int{
		"USD": 2, "JPY": 0, "KWD": 3, "EUR": 2, "BHD": 3, "CLF": 4, "UYW": 4, "IQD": 3, "ISK": 0, "HUF": 2, "RSD": 2, "XCG": 2,
		"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0,
		"XAF": 0, "XOF": 0, "XPF": 0, "JOD": 3, "LYD": 3, "OMR": 3, "TND": 3, "COP": 2, "IDR": 2, "LBP": 2, "MGA": 2, "MRU": 2,
		"HRK": 2, "BGN": 2, // of old invoices
	} {
		if got, err := digitsOf(code); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", code, got, err, want)
		}
	}
	for _, code := range []string{"usd", "credits", "", "DEM", "XAU", "XXX"} {
		if _, err := ParseMoney("1", code); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%q: %v", code, err)
		}
	}
}

// Half a minor unit goes away from zero.
func TestRound(t *testing.T) {
	for _, c := range []struct{ in, currency, want string }{
		{"1.005", "USD", "1.01"}, {"-1.005", "USD", "-1.01"}, {"1.0049999", "USD", "1.00"}, {"1.5", "JPY", "2"},
		{"0.5", "JPY", "1"}, {"-0.4", "JPY", "0"}, {"1.0005", "KWD", "1.001"}, {"12", "KWD", "12.000"}, {"0.999", "USD", "1.00"},
	} {
		r, err := money(t, c.in, c.currency).Round()
		if err != nil || r.Decimal() != c.want {
			t.Errorf("%s %s: %s, %v, want %s", c.in, c.currency, r.Decimal(), err, c.want)
		}
	}
	if _, err := money(t, "12345678901234567890", "USD").Round(); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("too large: %v", err)
	}
	if _, err := money(t, "1.005", "USD").Minor(); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("a fraction of a cent: %v", err)
	}
}

func TestMixedCurrencies(t *testing.T) {
	a, b := money(t, "1", "USD"), money(t, "1", "EUR")
	var mixed *CurrencyError
	if _, err := a.Add(b); !errors.As(err, &mixed) || err.Error() != "cannot mix USD and EUR" {
		t.Errorf("add: %v", err)
	}
	if _, err := a.Sub(b); !errors.As(err, &mixed) {
		t.Errorf("sub: %v", err)
	}
	if _, err := a.Cmp(b); !errors.As(err, &mixed) {
		t.Errorf("cmp: %v", err)
	}
	if _, err := a.Add(Money{}); !errors.As(err, &mixed) {
		t.Errorf("no currency: %v", err)
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct{ amount, currency, locale, want string }{
		{"107", "USD", "en", "$107.00"}, {"1234567.5", "USD", "en", "$1,234,567.50"}, {"-5", "USD", "en", "-$5.00"},
		{"1234.5", "EUR", "de", "1.234,50\u00a0€"}, {"107", "USD", "en-CA", "US$107.00"}, {"12", "CHF", "en", "CHF\u00a012.00"},
		{"1500", "JPY", "ja", "￥1,500"}, {"1234567", "INR", "hi", "₹12,34,567.00"}, {"12", "KWD", "en", "KWD\u00a012.000"},
	} {
		if got := money(t, c.amount, c.currency).Format(language.MustParse(c.locale)); got != c.want {
			t.Errorf("%s %s in %s: %q, want %q", c.amount, c.currency, c.locale, got, c.want)
		}
	}
	v, err := money(t, "115.56", "USD").View(language.English)
	if err != nil || v != (View{Amount: 11556, AmountFormatted: "$115.56", Currency: "USD", CurrencySymbol: "$", Text: "115.56 USD"}) {
		t.Errorf("view: %+v, %v", v, err)
	}
}

func TestMoneyText(t *testing.T) {
	for _, c := range []struct{ amount, currency string }{{"12.5", "USD"}, {"-0.001", "KWD"}, {"0", "JPY"}, {"22972.5296", "USD"}} {
		m := money(t, c.amount, c.currency)
		text, err := m.MarshalText()
		var back Money
		if err == nil {
			err = back.UnmarshalText(text)
		}
		if err != nil || back.String() != m.String() {
			t.Errorf("%s %s: %s, %v", c.amount, c.currency, back, err)
		}
	}
	var m Money
	for _, text := range []string{"12.5", "x USD", "1 credits", "1  USD", "1e9999999999 USD"} {
		if err := m.UnmarshalText([]byte(text)); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Parts add up to the whole, and none is a minor unit or more from its exact share.
func TestAllocateProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		code := rapid.SampledFrom([]string{"USD", "JPY", "KWD"}).Draw(rt, "currency")
		minor := rapid.Int64Range(-1_000_000, 1_000_000_000).Draw(rt, "total")
		total, err := MinorMoney(minor, code)
		if err != nil {
			rt.Fatal(err)
		}
		raw := rapid.SliceOfN(rapid.Int64Range(0, 1_000_000), 1, 50).Draw(rt, "weights")
		weights := make([]creditledger.Amount, len(raw))
		var sum int64
		for i, w := range raw {
			weights[i] = creditledger.AmountOf(w)
			sum += w
		}
		parts, err := Allocate(total, weights)
		if err != nil {
			rt.Fatal(err)
		}
		var all int64
		for i, p := range parts {
			n, err := p.Minor()
			if err != nil {
				rt.Fatal(err)
			}
			all += n
			if sum == 0 {
				continue
			}
			exactShare := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(minor), big.NewInt(raw[i])), big.NewInt(sum))
			off := new(big.Rat).Sub(exactShare, new(big.Rat).SetInt64(n))
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				rt.Fatalf("part %d is %d, exactly %s", i, n, exactShare.FloatString(4))
			}
		}
		if all != minor {
			rt.Fatalf("the parts add up to %d, not %d", all, minor)
		}
	})
}

// Ties go to the earlier part.
func TestAllocateTies(t *testing.T) {
	parts, err := Allocate(money(t, "1.00", "USD"), []creditledger.Amount{creditledger.AmountOf(1), creditledger.AmountOf(1), creditledger.AmountOf(1)})
	if err != nil || parts[0].Decimal() != "0.34" || parts[1].Decimal() != "0.33" || parts[2].Decimal() != "0.33" {
		t.Errorf("%v, %v", parts, err)
	}
	if _, err := Allocate(money(t, "1.00", "USD"), nil); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("no parts: %v", err)
	}
	if _, err := Allocate(money(t, "1.001", "USD"), []creditledger.Amount{creditledger.AmountOf(1)}); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("not rounded: %v", err)
	}
}
