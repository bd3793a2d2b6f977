package creditledger

import (
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// The widest amounts: 38 digits, 18 of them after the point.
const (
	widest      = "99999999999999999999.999999999999999999"
	nextWidest  = "99999999999999999999.999999999999999998"
	smallest    = "0.000000000000000001"
	notDecimal  = "is not a decimal number"
	manyDigits  = "more than 38 digits"
	manyPlaces  = "more than 18 digits after the point"
	tooLong     = "longer than 64 characters"
	overTheTop  = "too large"
	badExponent = "exponent that is out of range"
)

func TestParseAmount(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("0", n) }
	nines := func(n int) string { return strings.Repeat("9", n) }
	checkParse(t, []parseCase{
		{"a whole number", "100", "100", ""},
		{"a fraction", "14.28444999", "14.28444999", ""},
		{"trailing zeros are not printed", "12.500", "12.5", ""},
		{"zeros before the point stay", "1200", "1200", ""},
		{"a negative number", "-0.5", "-0.5", ""},
		{"zero", "0", "0", ""},
		{"zero with places", "0.000", "0", ""},
		{"minus zero is zero", "-0", "0", ""},
		{"minus zero with places is zero", "-0.00", "0", ""},
		{"minus zero with an exponent is zero", "-0e1", "0", ""},
		{"zero with an exponent", "0e5", "0", ""},
		{"zero with the largest exponent", "0e64", "0", ""},
		{"zero with too large an exponent", "0e65", "", badExponent},
		{"zero has places too", "0e-18", "0", ""},
		{"zero with too many places", "0e-19", "", manyPlaces},
		{"zeros with too many places", "0." + zeros(19), "", manyPlaces},

		{"the smallest amount", smallest, smallest, ""},
		{"a place more", "0.0000000000000000001", "", manyPlaces},
		{"a place more that is 0", "1." + zeros(19), "", manyPlaces},
		{"18 places that are 0", "1." + zeros(18), "1", ""},
		{"18 places by the exponent", "10e-18", "0.00000000000000001", ""},
		{"19 places by the exponent", "10e-19", "", manyPlaces},
		{"the largest amount", widest, widest, ""},
		{"the largest negative amount", "-" + widest, "-" + widest, ""},
		{"the largest whole number", nines(20), nines(20), ""},
		{"10^20", "1" + zeros(20), "", overTheTop},
		{"-10^20", "-1" + zeros(20), "", overTheTop},
		{"10^20 by a fraction and an exponent", "0.1e21", "", overTheTop},
		{"38 digits, too large", nines(38), "", overTheTop},
		{"39 digits", nines(39), "", manyDigits},
		{"39 digits that would be in range", nines(20) + "." + nines(19), "", manyDigits},
		{"38 digits brought into range", nines(38) + "e-18", widest, ""},
		{"39 digits brought into range", "1" + zeros(38) + "e-30", "", manyDigits},
		{"zeros in front are no digits", "0." + zeros(17) + "1", smallest, ""},
		{"2^64 - 1", "18446744073709551615", "18446744073709551615", ""},
		{"2^64", "18446744073709551616", "18446744073709551616", ""},

		{"64 characters", "0." + zeros(59) + "1e9", "", manyPlaces},
		{"64 characters, in range", "0." + zeros(58) + "1e50", "0.000000001", ""},
		{"65 characters", "0." + zeros(59) + "1e50", "", tooLong},
		{"a million digits", strings.Repeat("1", 1e6), "", tooLong},
		{"a number after a million spaces", strings.Repeat(" ", 1e6) + "1", "", tooLong},
	})
}

func TestParseAmountExponent(t *testing.T) {
	checkParse(t, []parseCase{
		{"an exponent is applied", "1e2", "100", ""},
		{"an upper-case exponent with a plus", "1.5E+3", "1500", ""},
		{"an exponent moves the point left", "125e-2", "1.25", ""},
		{"an exponent takes places away", "0.1e1", "1", ""},
		{"an exponent takes fewer places than there are", "0.125e1", "1.25", ""},
		{"an exponent with leading zeros", "1e0000002", "100", ""},
		{"an exponent of minus nothing", "1e-0", "1", ""},
		{"many zeros after the point that the exponent takes back", "0." + strings.Repeat("0", 50) + "1e40", "0.00000000001", ""},
		{"the last exponent that fits", "1e19", "10000000000000000000", ""},
		{"the first that does not", "1e20", "", overTheTop},
		{"the largest exponent", "1e64", "", overTheTop},
		{"an exponent beyond", "1e65", "", badExponent},
		{"the smallest exponent", "1e-64", "", manyPlaces},
		{"an exponent below", "1e-65", "", badExponent},
		{"an exponent whose text overflows", "1e18446744073709551618", "", badExponent},
	})
}

type parseCase struct{ rule, text, want, reason string }

func checkParse(t *testing.T, cases []parseCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			a, err := ParseAmount(c.text)
			if c.reason != "" {
				checkInvalidNumber(t, err, "amount", c.reason)
				if len(err.Error()) > 200 {
					t.Errorf("a message of %d bytes", len(err.Error()))
				}
				return
			}
			if err != nil || a.String() != c.want {
				t.Errorf("ParseAmount(%q) = %v, %v, want %s", c.text, a, err, c.want)
			}
			checkAmountForm(t, a)
		})
	}
}

// Every door refuses what is no number in the grammar of JSON, in the same way, and
// leaves its target alone.
func TestHostileNumbers(t *testing.T) {
	hostile := []string{
		"", " ", "+1", "+0", "00", "01", "-01", "-", "--1", "-+1", ".5", "-.5", "5.", "5.e1", "1..2", "1.2.3", ".", "e", "e5",
		"1e", "1e+", "1e-", "1e+-1", "1e1.5", "1e1e1", "1E", "1 e1", "1_000", "1,5", "1,000", "0x10", "0b1", "1f", "1d",
		"١٢", "１", "−1", "1\u200b", "1e1000000000", "1E-1000000000", "NaN", "nan", "sNaN", "Inf", "inf", "-Infinity", "Infinity",
		"1\x00", "\x001", " 1", "1 ", "1\n", "\t1", "\xff", "\ufeff1", "null", "true", "[1]", "{}", "1;", "'1'", "1\"", "\\u0031x", "1%", "$1",
		strings.Repeat("9", 39), "0." + strings.Repeat("0", 18) + "1", "100000000000000000000",
		strings.Repeat("1", 1e6), "1e" + strings.Repeat("9", 1e6), "1e" + strings.Repeat("0", 1e6), "0." + strings.Repeat("0", 1e6), strings.Repeat("-", 1e6),
	}
	for _, text := range hostile {
		kept := MustAmount("7.5")
		for door, err := range map[string]error{
			"ParseAmount":          errOf(ParseAmount(text)),
			"UnmarshalText":        kept.UnmarshalText([]byte(text)),
			"UnmarshalJSON":        kept.UnmarshalJSON([]byte(text)),
			"UnmarshalJSON string": kept.UnmarshalJSON([]byte(`"` + text + `"`)),
			"Scan string":          kept.Scan(text),
			"Scan bytes":           kept.Scan([]byte(text)),
		} {
			t.Run(door+" "+quote(text), func(t *testing.T) { checkInvalidNumber(t, err, "amount", "") })
		}
		keptCost := MustCostBasis("7.50")
		for door, err := range map[string]error{
			"ParseCostBasis":           errOf(ParseCostBasis(text)),
			"CostBasis.UnmarshalJSON ": keptCost.UnmarshalJSON([]byte(`"` + text + `"`)),
		} {
			t.Run(door+" "+quote(text), func(t *testing.T) { checkInvalidNumber(t, err, "per_unit_cost_basis", "") })
		}
		if kept.String() != "7.5" || keptCost.String() != "7.50" {
			t.Fatalf("%s: a refused text changed its target to %s, %s", quote(text), kept, keptCost)
		}
	}
}

// The examples of amounts that other systems got wrong.
func TestAmountExamples(t *testing.T) {
	t.Run("E10 increment 3 on a total of 1.472228333333333", func(t *testing.T) {
		checkAmountSum(t, "1.472228333333333", "3", "4.472228333333333")
	})
	t.Run("LA12 17.9699999999999988631316 is refused, not rounded", func(t *testing.T) {
		_, err := ParseAmount("17.9699999999999988631316")
		checkInvalidNumber(t, err, "amount", manyPlaces)
	})
	t.Run("LA13 100 less 14.28444999", func(t *testing.T) {
		checkAmountSum(t, "100", "-14.28444999", "85.71555001")
	})
	t.Run("RX1 1000000 less 100000 times 0.000001", func(t *testing.T) {
		total, one := AmountOf(1_000_000), MustAmount("0.000001")
		for range 100_000 {
			total = mustValue(total.Sub(one))
		}
		if total.String() != "999999.9" {
			t.Errorf("got %s, want 999999.9", total)
		}
	})
	t.Run("RX2 9007199254740993 less 1", func(t *testing.T) {
		checkAmountSum(t, "9007199254740993", "-1", "9007199254740992")
	})
	t.Run("0.1 and 0.2 are 0.3", func(t *testing.T) { checkAmountSum(t, "0.1", "0.2", "0.3") })
	t.Run("2^53 + 1 as a JSON number", func(t *testing.T) {
		var v struct{ A Amount }
		if err := json.Unmarshal([]byte(`{"A":9007199254740993}`), &v); err != nil || v.A.String() != "9007199254740993" {
			t.Errorf("got %s, %v", v.A, err)
		}
	})
}

func TestAmountSums(t *testing.T) {
	for _, c := range []struct{ rule, a, b, want string }{
		{"equal scales", "1.25", "2.50", "3.75"},
		{"different scales", "1000000", "0.000001", "1000000.000001"},
		{"to nothing", "0.20", "-0.2", "0"},
		{"nothing to nothing", "0", "0.00", "0"},
		{"signs cross", "1", "-2.5", "-1.5"},
		{"both negative", "-1", "-2.5", "-3.5"},
		{"one word and no more", "18446744073709551614", "1", "18446744073709551615"},
		{"a carry into the second word", "18446744073709551615", "1", "18446744073709551616"},
		{"a borrow from the second word", "18446744073709551616", "-1", "18446744073709551615"},
		{"two words less two words", "-18446744073709551616", "18446744073709551617", "1"},
		{"too wide for a word only once aligned", "19", "0.000000000000000001", "19.000000000000000001"},
		{"the smaller one too wide once aligned", "0.000000000000000001", "-19", "-18.999999999999999999"},
		{"widest to nothing", widest, "-" + widest, "0"},
		{"up to the limit", nextWidest, smallest, widest},
		{"up to the lower limit", "-" + nextWidest, "-" + smallest, "-" + widest},
		{"a whole number up to the limit", "99999999999999999998", "1", "99999999999999999999"},
		{"over the limit by the least", widest, smallest, ""},
		{"under the lower limit by the least", "-" + widest, "-" + smallest, ""},
		{"over the limit by one", "99999999999999999999", "1", ""},
		{"over the limit by much", widest, widest, ""},
		{"over the limit at scale 0, in two words", "50000000000000000000", "50000000000000000000", ""},
	} {
		t.Run(c.rule, func(t *testing.T) { checkAmountSum(t, c.a, c.b, c.want) })
	}
}

func TestAmountCmp(t *testing.T) {
	// Ascending; texts on one line are equal.
	lines := [][]string{
		{"-" + widest}, {"-" + nextWidest}, {"-19"}, {"-18.999999999999999999"}, {"-1", "-1.0"}, {"-" + smallest},
		{"0", "-0", "0.000", "0e5"}, {smallest}, {"0.2", "0.20", "2e-1"}, {"0.3"}, {"1", "1.000000000000000000"}, {"1.000000000000000001"},
		{"18.446744073709551615"}, {"18.446744073709551616"}, {"19", "19.000000000000000000"}, {"18446744073709551615"},
		{"18446744073709551616", "18446744073709551616.0"}, {nextWidest}, {widest},
	}
	sign := func(n int) int { return min(max(n, -1), 1) }
	for i, left := range lines {
		for j, right := range lines {
			for _, x := range left {
				for _, y := range right {
					if got := MustAmount(x).Cmp(MustAmount(y)); got != sign(i-j) {
						t.Errorf("%s.Cmp(%s) = %d", x, y, got)
					}
				}
			}
		}
	}
	if got := minAmount(AmountOf(2), MustAmount("1.5")); got.String() != "1.5" {
		t.Errorf("the smaller of 2 and 1.5 is %s", got)
	}
	if got := minAmount(AmountOf(-2), MustAmount("1.5")); got.String() != "-2" {
		t.Errorf("the smaller of -2 and 1.5 is %s", got)
	}
}

func TestAmountSigns(t *testing.T) {
	for _, c := range []struct {
		text, neg, abs string
		sign           int
	}{
		{"0", "0", "0", 0}, {"0.00", "0", "0", 0}, {"-0", "0", "0", 0},
		{"1.5", "-1.5", "1.5", 1}, {"-1.5", "1.5", "1.5", -1},
		{widest, "-" + widest, widest, 1}, {"-" + widest, widest, widest, -1},
	} {
		a := MustAmount(c.text)
		if a.Neg().String() != c.neg || a.Abs().String() != c.abs || a.Sign() != c.sign || a.IsZero() != (c.sign == 0) {
			t.Errorf("%s: neg %s, abs %s, sign %d, zero %t", c.text, a.Neg(), a.Abs(), a.Sign(), a.IsZero())
		}
		checkAmountForm(t, a.Neg())
		checkAmountForm(t, a.Abs())
		if want := MustAmount(c.text); a != want {
			t.Errorf("%s was changed to %s", c.text, a)
		}
	}
}

func TestAmountZeroValue(t *testing.T) {
	var a Amount
	if !a.IsZero() || a.String() != "0" || a.Cmp(MustAmount("0.0")) != 0 || mustValue(a.Add(AmountOf(1))).String() != "1" {
		t.Error("the zero value is not 0")
	}
}

func TestAmountOf(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 1: "1", -1: "-1", 100: "100", 1<<63 - 1: "9223372036854775807", -1 << 63: "-9223372036854775808",
	} {
		if got := AmountOf(n); got.String() != want {
			t.Errorf("AmountOf(%d) = %s", n, got)
		}
		checkAmountForm(t, AmountOf(n))
	}
}

func TestMustAmountPanics(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, ErrInvalid) {
			t.Errorf("panicked with %v", err)
		}
	}()
	MustAmount("1.")
}

// An Amount is as cheap as it promises, whatever its size.
func TestAmountAllocations(t *testing.T) {
	everyday, charge := MustAmount("123.456789"), MustAmount("0.20")
	wide, wider := MustAmount("-"+nextWidest), MustAmount(widest)
	million := strings.Repeat("9", 1e6)
	millionBytes := []byte(million)
	encoded := appendAmount(nil, wide)
	buf := make([]byte, 0, maxNumberText)
	var sink Amount
	for _, c := range []struct {
		what string
		most float64
		do   func()
	}{
		{"add and subtract everyday amounts", 0, func() { sink = mustValue(mustValue(everyday.Add(charge)).Sub(charge)) }},
		{"add 38 digits", 0, func() { sink = mustValue(wide.Add(wider)) }},
		{"subtract 38 digits", 0, func() { sink = mustValue(wide.Sub(charge.Neg())) }},
		{"copy 38 digits", 0, func() { c := wide; sink = c.Neg().Abs() }},
		{"compare 38 digits", 0, func() { _ = wide.Cmp(wide.Neg()) + wider.Cmp(charge) }},
		{"parse everyday amounts", 0, func() { sink = mustValue(ParseAmount("123.456789")) }},
		{"parse 38 digits", 4, func() { sink = mustValue(ParseAmount(widest)) }},
		{"print everyday amounts into a buffer", 0, func() { buf = mustValue(everyday.AppendText(buf[:0])) }},
		{"print everyday amounts", 1, func() { _ = everyday.String() }},
		{"print 38 digits", 4, func() { _ = wide.String() }},
		{"write bytes", 0, func() { buf = appendAmount(buf[:0], wide) }},
		{"read bytes", 0, func() { r := reader{data: encoded}; sink = r.amount() }},
		{"refuse a million digits", 8, func() { _, _ = ParseAmount(million) }},
		{"refuse a million bytes", 9, func() { _ = sink.UnmarshalText(millionBytes) }},
		{"refuse a million bytes of JSON", 9, func() { _ = sink.UnmarshalJSON(millionBytes) }},
		{"refuse an exponent of 10^9", 8, func() { _, _ = ParseAmount("1e1000000000") }},
	} {
		if got := testing.AllocsPerRun(100, c.do); got > c.most {
			t.Errorf("%s: %v allocations, at most %v expected", c.what, got, c.most)
		}
	}
	for _, text := range []string{million, "1e1000000000", "0." + million, `"` + million + `"`, `"` + strings.Repeat(`\u0031`, 1e6) + `"`} {
		data := []byte(text)
		if got := bytesPerRun(func() { _, _ = ParseAmount(text); _ = sink.UnmarshalJSON(data); _ = sink.Scan(data) }); got > 8<<10 {
			t.Errorf("refusing %s three times took %d bytes", quote(text), got)
		}
	}
}

// bytesPerRun is what do allocates, in bytes.
func bytesPerRun(do func()) uint64 {
	const runs = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		do()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

// mustValue is for what cannot fail in the test at hand.
func mustValue[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func errOf[T any](_ T, err error) error { return err }
