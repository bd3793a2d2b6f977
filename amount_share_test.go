package creditledger

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"creditledger/internal/u128"
)

func TestProrating(t *testing.T) {
	parse := func(s string) Instant { return mustValue(ParseInstant(s)) }
	cases := []struct {
		from, begin, end string
		amount           string
		places           int
		want             string
	}{
		{"2026-01-20T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "100", 0, "38"},
		{"2026-01-20T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "100", 8, "38.70967741"},
		{"2026-01-16T12:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "100", 0, "50"},
		{"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "100", 0, "100"},
		{"2026-01-31T23:59:59.999999Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "100", 0, "0"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "99999999999999999999.999999999999999999", 18, "99999999999999999999.999999999999999999"},
	}
	for _, c := range cases {
		got := MustAmount(c.amount).prorated(parse(c.from), parse(c.begin), parse(c.end), c.places)
		if got.String() != c.want {
			t.Errorf("%s from %s to %s, %d places: %s, not %s", c.amount, c.from, c.end, c.places, got, c.want)
		}
	}
}

// A share is the exact quotient, cut, whatever the sizes.
func TestShareIsCutNotRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) Amount {
			digits := rapid.StringMatching(`[0-9]{1,20}(\.[0-9]{1,18})?`).Draw(t, label)
			n, reason := parseNumber(trimZeros(digits))
			if reason != "" {
				t.Skip(reason)
			}
			return n.amount()
		}
		a, part, whole := draw("amount"), draw("part"), draw("whole")
		if part.Cmp(whole) > 0 {
			part, whole = whole, part
		}
		if whole.IsZero() {
			t.Skip("nothing whole")
		}
		places := rapid.IntRange(0, maxPlaces).Draw(t, "places")
		got := a.share(part, whole, places)

		rat := func(a Amount) *big.Rat { r, _ := new(big.Rat).SetString(a.String()); return r }
		exact := new(big.Rat).Quo(new(big.Rat).Mul(rat(a), rat(part)), rat(whole))
		rest := new(big.Rat).Sub(exact, rat(got))
		unit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).SetUint64(u128.Pow10[places]))
		if rest.Sign() < 0 || rest.Cmp(unit) >= 0 || got.number().scale > places {
			t.Fatalf("%s × %s ÷ %s to %d places is %s", a, part, whole, places, got)
		}
	})
}

// trimZeros takes leading zeros away, which JSON does not allow.
func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' && s[1] != '.' {
		s = s[1:]
	}
	return s
}
