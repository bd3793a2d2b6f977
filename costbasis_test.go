package creditledger

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseCostBasis(t *testing.T) {
	for _, c := range []struct{ rule, text, want, reason string }{
		{"the digits come back as given", "0.20", "0.20", ""},
		{"a whole number", "3", "3", ""},
		{"zeros only", "0.000", "0.000", ""},
		{"zero is a cost basis", "0", "0", ""},
		{"minus zero is zero", "-0", "0", ""},
		{"minus zero keeps its digits", "-0.00", "0.00", ""},
		{"18 places", "0.000000000000000001", "0.000000000000000001", ""},
		{"18 places of zeros", "1.000000000000000000", "1.000000000000000000", ""},
		{"19 places", "0.0000000000000000000", "", manyPlaces},
		{"the largest", widest, widest, ""},
		{"10^20", "100000000000000000000", "", overTheTop},
		{"39 digits", strings.Repeat("9", 39), "", manyDigits},
		{"an exponent is refused, since its digits could not come back", "1e2", "", "has an exponent"},
		{"an upper-case exponent too", "1E0", "", "has an exponent"},
		{"an exponent of zero too", "0e0", "", "has an exponent"},
		{"below zero", "-0.01", "", "is negative"},
		{"nothing", "", "", notDecimal},
		{"a million digits", strings.Repeat("1", 1e6), "", tooLong},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := ParseCostBasis(c.text)
			if c.reason != "" {
				checkInvalidNumber(t, err, "per_unit_cost_basis", c.reason)
				if got != (CostBasis{}) {
					t.Errorf("got %s with an error", got)
				}
				return
			}
			if err != nil || !got.IsSet() || got.String() != c.want || got.Amount().Cmp(MustAmount(c.want)) != 0 {
				t.Errorf("ParseCostBasis(%q) = %v, %v, want %s", c.text, got, err, c.want)
			}
			checkAmountForm(t, got.Amount())
		})
	}
}

func TestCostBasisNone(t *testing.T) {
	var none CostBasis
	if none.IsSet() || none.String() != "" || !none.Amount().IsZero() {
		t.Errorf("the zero value is %q, set %t, amount %s", none, none.IsSet(), none.Amount())
	}
	data, err := json.Marshal(struct{ C CostBasis }{})
	if err != nil || string(data) != `{"C":null}` {
		t.Errorf("as JSON: %s, %v", data, err)
	}
}

func TestCostBasisCmp(t *testing.T) {
	none, zero := CostBasis{}, MustCostBasis("0.00")
	short, long, more := MustCostBasis("0.2"), MustCostBasis("0.200"), MustCostBasis("0.21")
	for _, c := range []struct {
		rule string
		a, b CostBasis
		cmp  int
		same bool
	}{
		{"none and none", none, none, 0, true},
		{"none counts as 0 and yet is not 0", none, zero, 0, false},
		{"0 and 0.00", MustCostBasis("0"), zero, 0, true},
		{"none is less than any cost", none, short, -1, false},
		{"0.2 and 0.200 are one number", short, long, 0, true},
		{"0.2 and 0.21", short, more, -1, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if c.a.Cmp(c.b) != c.cmp || c.b.Cmp(c.a) != -c.cmp || c.a.same(c.b) != c.same || c.b.same(c.a) != c.same {
				t.Errorf("Cmp %d and %d, same %t", c.a.Cmp(c.b), c.b.Cmp(c.a), c.a.same(c.b))
			}
		})
	}
}

func TestMustCostBasisPanics(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, ErrInvalid) {
			t.Errorf("panicked with %v", err)
		}
	}()
	MustCostBasis("-1")
}

func TestCostBasisJSON(t *testing.T) {
	for _, c := range []struct{ rule, json, want, back string }{
		{"a string keeps its digits", `"0.20"`, "0.20", `"0.20"`},
		{"a number token keeps its digits", `0.20`, "0.20", `"0.20"`},
		{"null is none", `null`, "", `null`},
		{"an escaped string is the same string", `"0\u002e2"`, "0.2", `"0.2"`},
		{"an exponent", `2e-1`, "refused", ""},
		{"a negative number", `-0.2`, "refused", ""},
		{"an empty string is not none", `""`, "refused", ""},
		{"the string null is not none", `"null"`, "refused", ""},
		{"false", `false`, "refused", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			v := struct{ C CostBasis }{MustCostBasis("7.0")}
			err := json.Unmarshal([]byte(`{"C":`+c.json+`}`), &v)
			if c.want == "refused" {
				checkInvalidNumber(t, err, "per_unit_cost_basis", "")
				c.want, c.back = "7.0", `"7.0"` // untouched
			} else if err != nil {
				t.Fatal(err)
			}
			back, err := json.Marshal(v.C)
			if v.C.String() != c.want || string(back) != c.back || err != nil {
				t.Errorf("got %s, back as %s, %v", v.C, back, err)
			}
		})
	}
}

func TestCostBasisBytes(t *testing.T) {
	for _, c := range []struct{ rule, text, bytes string }{
		{"zero", "0", "\x40\x00"},
		{"zero with places", "0.00", "\x42\x00"},
		{"a trailing zero is kept", "0.20", "\x42\x01\x14"},
		{"the same number in other digits", "0.2", "\x41\x01\x02"},
		{"the widest", widest, "\x52\x10\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x3f\xff\xff\xff\xff"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			cost := MustCostBasis(c.text)
			if got := appendCostBasis([]byte("in front"), cost); string(got) != "in front"+c.bytes {
				t.Errorf("bytes %x", got)
			}
			got, rest, err := readCostBasis(c.bytes + "behind")
			if err != "" || string(rest) != "behind" || got != cost {
				t.Errorf("read %s, rest %q, %s", got, rest, err)
			}
			for i := range c.bytes {
				if got, _, err := readCostBasis(c.bytes[:i]); err == "" || got != (CostBasis{}) {
					t.Errorf("the first %d bytes alone give %s, %s", i, got, err)
				}
			}
		})
	}
	for _, c := range []struct{ rule, bytes string }{
		{"the zero of an amount", "\x00"},
		{"a negative cost", "\xc1\x01\x02"},
		{"minus zero", "\xc0\x00"},
		{"bit 5 set", "\x62\x01\x14"},
		{"scale 19", "\x53\x01\x01"},
		{"zero with a byte", "\x40\x01\x00"},
		{"a leading zero byte", "\x42\x02\x00\x14"},
		{"10^20", "\x40\x09\x05\x6b\xc7\x5e\x2d\x63\x10\x00\x00"},
		{"17 bytes", "\x52\x11" + strings.Repeat("\x01", 17)},
	} {
		t.Run(c.rule+" is refused", func(t *testing.T) {
			if got, rest, err := readCostBasis(c.bytes); err == "" || len(rest) > 0 || got != (CostBasis{}) {
				t.Errorf("read %s, rest %x, error %q", got, rest, err)
			}
		})
	}
}

// Every form of a cost basis brings its digits back.
func TestCostBasisFormsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?`).Draw(t, "text")
		cost := MustCostBasis(text)
		data := mustValue(json.Marshal(cost))
		var byJSON, byToken CostBasis
		if err := errors.Join(json.Unmarshal(data, &byJSON), json.Unmarshal([]byte(text), &byToken)); err != nil {
			t.Fatal(err)
		}
		byBytes, rest, err := readCostBasis(string(appendCostBasis(nil, cost)))
		if err != "" || len(rest) > 0 {
			t.Fatalf("%s in bytes: %s, %d left", text, err, len(rest))
		}
		for _, got := range []CostBasis{cost, byJSON, byToken, byBytes} {
			if got.String() != text || !got.same(cost) {
				t.Fatalf("%s came back as %s", text, got)
			}
			checkAmountForm(t, got.Amount())
		}
	})
}

// The order of costs is that of their numbers, whatever their digits.
func TestCostBasisSort(t *testing.T) {
	costs := []CostBasis{MustCostBasis("10"), MustCostBasis("9.99"), MustCostBasis("0.30"), MustCostBasis("0.3"), {}, MustCostBasis("0.250")}
	slices.SortStableFunc(costs, CostBasis.Cmp)
	var got []string
	for _, c := range costs {
		got = append(got, c.String())
	}
	if want := []string{"", "0.250", "0.30", "0.3", "9.99", "10"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func readCostBasis(data string) (CostBasis, []byte, string) {
	r := reader{data: []byte(data)}
	c := r.costBasis()
	return c, r.data, r.err
}
