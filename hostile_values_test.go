package creditledger_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"creditledger"
)

// verdict is what has to become of a hostile value.
type verdict int

const (
	wrong verdict = iota // refused as invalid, whatever the state
	fine                 // never invalid: accepted, or refused by the state
	open                 // either
)

type hostile struct {
	value any
	verdict
}

// longTexts are built once; their content does not matter.
var longTexts = []string{
	strings.Repeat("a", 256), strings.Repeat("é", 128), strings.Repeat("a", 2700), strings.Repeat("a", 32769), strings.Repeat("a", 1<<20), strings.Repeat("\xff", 1e7),
}

// brokenTexts are no texts that anything may hold.
var brokenTexts = []string{
	"\x00", "a\x00b", "\xff", "\xfe", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80", "\x1b[31mred\x1b[0m", "\x7f", "\u0085", "\u009b2J", "\b\b\b",
}

// oddTexts are texts like any other, each different from every other.
var oddTexts = []string{
	"a", "A", " a", "a ", " ", "\u00e9", "e\u0301", "\u202edrawkcab", "\u200b", "\ufeffa", "../../etc/passwd", "/", ".", "..", "a/b", "a/b/c", "a\\b", "%2e%2e%2f",
	"'; DROP TABLE ledger; --", "\" OR 1=1", "${jndi:ldap://x/a}", "{{.}}", "%s%n%d", "$(reboot)", "`id`", "-rf", "--", "null", "0", "NaN", "\ud7ff", "\U0010ffff", "\ufffd", "\u2028",
	"ａ", "ſ", "s", "K", "k", "İ", "i", "cus_1/credits", "credits", "😀", strings.Repeat("b", 255), strings.Repeat("é", 127),
}

func texts(field string) []hostile {
	var list []hostile
	for _, s := range longTexts {
		v := wrong
		if field == "Description" && len(s) <= creditledger.MaxDescription {
			v = fine
		}
		list = append(list, hostile{s, v})
	}
	for _, s := range brokenTexts {
		list = append(list, hostile{s, wrong})
	}
	for _, s := range []string{"a\nb", "a\r\nb", "\t"} {
		v := wrong
		if field == "Description" {
			v = fine
		}
		list = append(list, hostile{s, v})
	}
	for _, s := range oddTexts {
		v := fine
		if field == "Reason" {
			v = wrong
		}
		list = append(list, hostile{s, v})
	}
	return append(list, hostile{"", open})
}

func hostileAmounts() []hostile {
	return []hostile{
		{creditledger.Amount{}, open}, // all that remains, for an expiration change
		{amount("-1"), wrong},
		{amount("-0.000000000000000001"), wrong},
		{amount("-99999999999999999999.999999999999999999"), wrong},
		{amount("0.000000000000000001"), fine},
		{amount("0.10"), fine},
		{amount("9007199254740993"), fine},
		{creditledger.AmountOf(math.MaxInt64), fine},
		{creditledger.AmountOf(math.MinInt64), wrong},
		{amount("99999999999999999999.999999999999999999"), fine},
	}
}

func hostileTimes() []hostile {
	nowhere := time.FixedZone("LMT", 20*3600+17*60+33)
	list := []hostile{
		{creditledger.AtInstant(-1), wrong},
		{creditledger.AtInstant(math.MinInt64), wrong},
		{creditledger.AtInstant(math.MaxInt64), wrong},
		{creditledger.AtInstant(creditledger.EndOfTime + 1), wrong},
		{creditledger.At(time.Date(0, 12, 31, 23, 59, 59, 999_999_999, time.UTC)), wrong},
		{creditledger.At(time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)), wrong},
		{creditledger.At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), wrong},
		{creditledger.At(time.Unix(math.MaxInt64, 0)), wrong},
		{creditledger.At(time.Unix(math.MinInt64, 0)), wrong},
		{creditledger.On(0), wrong},
		{creditledger.On(-1), wrong},
		{creditledger.On(20260229), wrong},
		{creditledger.On(math.MaxInt32), wrong},
		{creditledger.On(math.MinInt32), wrong},
		{creditledger.When{}, open},
		{creditledger.Never(), open},
	}
	for _, year := range []int{1, 1969, 1970, 2025, 2026, 2038, 2262, 2263, 2300, 9999} {
		list = append(list, hostile{creditledger.At(time.Date(year, 12, 31, 23, 59, 59, 999_999_999, nowhere)), open},
			hostile{creditledger.On(creditledger.DateOf(year, 1, 1)), open}, hostile{creditledger.On(creditledger.DateOf(year, 12, 31)), open})
	}
	return append(list, hostile{creditledger.At(time.Now()), open}, hostile{creditledger.On(20280229), open})
}

func hostileFilters() []hostile {
	ok := creditledger.Filter{Operator: creditledger.FilterExcludes, Values: []string{"x"}}
	list := []hostile{
		{[]creditledger.Filter(nil), fine},
		{[]creditledger.Filter{}, fine},
		{[]creditledger.Filter{{}}, wrong},
		{[]creditledger.Filter{{Values: []string{}}}, wrong},
		{[]creditledger.Filter{{Values: []string{""}}}, wrong},
		{[]creditledger.Filter{ok, {Operator: 2, Values: []string{"x"}}}, wrong},
		{[]creditledger.Filter{{Operator: 255, Values: []string{"x"}}}, wrong},
		{[]creditledger.Filter{{Field: creditledger.FilterFieldPrice, Values: []string{"x"}}}, wrong},
		{[]creditledger.Filter{{Field: 255, Values: []string{"x"}}}, wrong},
		{slices.Repeat([]creditledger.Filter{ok}, creditledger.MaxFilters), fine},
		{slices.Repeat([]creditledger.Filter{ok}, creditledger.MaxFilters+1), wrong},
		{slices.Repeat([]creditledger.Filter{ok}, 1e6), wrong},
		{[]creditledger.Filter{{Values: slices.Repeat([]string{"x"}, creditledger.MaxFilterValues)}}, fine},
		{[]creditledger.Filter{{Values: slices.Repeat([]string{"x"}, creditledger.MaxFilterValues+1)}}, wrong},
		{[]creditledger.Filter{{Values: slices.Repeat([]string{"x"}, 1e6)}}, wrong},
	}
	for _, h := range texts("Values") {
		if s := h.value.(string); s != "" {
			list = append(list, hostile{[]creditledger.Filter{ok, {Values: []string{"x", s}}}, h.verdict})
		}
	}
	return list
}

func hostileMetadata() []hostile {
	many := func(n int) map[string]string {
		m := make(map[string]string, n)
		for i := range n {
			m[fmt.Sprint(i)] = ""
		}
		return m
	}
	list := []hostile{
		{map[string]string(nil), fine},
		{map[string]string{}, fine},
		{map[string]string{"": "x"}, wrong},
		{many(creditledger.MaxMetadataPairs), fine},
		{many(creditledger.MaxMetadataPairs + 1), wrong},
		{many(1e5), wrong},
		{map[string]string{strings.Repeat("k", creditledger.MaxMetadataKey): strings.Repeat("v", creditledger.MaxMetadataValue)}, fine},
		{map[string]string{strings.Repeat("k", creditledger.MaxMetadataKey+1): "v"}, wrong},
		{map[string]string{"k": strings.Repeat("v", creditledger.MaxMetadataValue+1)}, wrong},
		{map[string]string{"\u00e9": "NFC", "e\u0301": "NFD", "K": "Kelvin", "k": "small"}, fine},
	}
	for _, h := range texts("") {
		s := h.value.(string)
		value := h.verdict
		if len(s) > 255 && len(s) <= creditledger.MaxMetadataValue && value == wrong || s == "" {
			value = fine
		}
		list = append(list, hostile{map[string]string{"k": s}, value})
		if len(s) > creditledger.MaxMetadataKey || s == "" {
			value = wrong
		}
		list = append(list, hostile{map[string]string{s: "v", "z": "z"}, value})
	}
	return list
}

// hostileFor lists the hostile values of a field.
func hostileFor(t *testing.T, f reflect.StructField) []hostile {
	t.Helper()
	codes := func(known uint8, first verdict) []hostile {
		list := []hostile{{uint8(0), first}, {known, wrong}, {uint8(255), wrong}}
		for c := uint8(1); c < known; c++ {
			list = append(list, hostile{c, open})
		}
		return list
	}
	switch reflect.Zero(f.Type).Interface().(type) {
	case string, creditledger.Key:
		return texts(f.Name)
	case uint64: // an entry, beside a charge
		return []hostile{{uint64(0), fine}, {uint64(1), wrong}, {uint64(1) << 63, wrong}, {uint64(math.MaxUint64), wrong}}
	case creditledger.AfterLapse:
		return codes(2, fine)
	case bool:
		return []hostile{{true, fine}, {false, fine}}
	case int32:
		return []hostile{{int32(math.MinInt32), fine}, {int32(math.MaxInt32), fine}, {int32(0), fine}}
	case creditledger.Amount:
		return hostileAmounts()
	case creditledger.CostBasis:
		return []hostile{
			{creditledger.CostBasis{}, fine}, {creditledger.MustCostBasis("0"), fine}, {creditledger.MustCostBasis("0.000000000000000000"), fine},
			{creditledger.MustCostBasis("99999999999999999999.999999999999999999"), fine}, {creditledger.MustCostBasis("1.50"), fine},
		}
	case creditledger.OverdraftLimit:
		return []hostile{
			{creditledger.OverdraftLimit{}, fine}, {creditledger.OverdraftLimitOf(amount("0")), fine}, {creditledger.OverdraftLimitOf(amount("-1")), wrong},
			{creditledger.OverdraftLimitOf(amount("99999999999999999999.999999999999999999")), fine}, {creditledger.OverdraftLimitOf(amount("-0.000000000000000001")), wrong},
		}
	case creditledger.Instant: // goes with some policies only
		return []hostile{
			{creditledger.Instant(0), fine}, {creditledger.Instant(-1), wrong}, {creditledger.Instant(math.MinInt64), wrong}, {creditledger.Instant(math.MaxInt64), wrong},
			{creditledger.EndOfTime + 1, wrong}, {creditledger.EndOfTime, open}, {creditledger.Instant(1), open},
		}
	case creditledger.When:
		return hostileTimes()
	case []creditledger.Filter:
		return hostileFilters()
	case map[string]string:
		return hostileMetadata()
	case creditledger.Source:
		return codes(4, fine)
	case creditledger.Repay:
		return codes(3, fine)
	case creditledger.Overdraft:
		return codes(4, fine)
	}
	t.Fatalf("no hostile values are known for field %s, a %s", f.Name, f.Type)
	return nil
}

// hostileField lists values for a field of a query.
func hostileField(t *testing.T, f reflect.StructField) []any {
	t.Helper()
	var list []any
	switch f.Type.Kind() {
	case reflect.String:
		for _, s := range slices.Concat(longTexts, brokenTexts, oddTexts, []string{"\n", ""}) {
			list = append(list, s)
		}
	case reflect.Bool:
		return []any{true, false}
	case reflect.Int:
		return []any{-1, 0, 1, creditledger.MaxPage, creditledger.MaxPage + 1, 1 << 31, -1 << 31, math.MaxInt, math.MinInt}
	case reflect.Int64: // an Instant
		for _, i := range []creditledger.Instant{-1, 0, 1, math.MinInt64, math.MaxInt64, creditledger.EndOfTime, creditledger.EndOfTime + 1, instant("2026-01-01")} {
			list = append(list, i)
		}
	case reflect.Uint64:
		return []any{uint64(1), uint64(1) << 63, ^uint64(0)}
	case reflect.Uint8:
		for i := range 256 {
			list = append(list, uint8(i))
		}
	case reflect.Pointer:
		for _, s := range slices.Concat(longTexts, brokenTexts, oddTexts, []string{"", "Local", "../UTC", "/etc/passwd", "UTC\x00", "US/../UTC", "America/Nowhere"}) {
			list = append(list, &s)
		}
		return append(list, (*string)(nil))
	case reflect.Map:
		for _, h := range hostileMetadata() {
			m := map[string]*string{"gone": nil}
			for k, v := range h.value.(map[string]string) {
				m[k] = &v
			}
			list = append(list, m)
		}
	case reflect.Struct:
		switch f.Type {
		case reflect.TypeFor[creditledger.Amount]():
			for _, h := range hostileAmounts() {
				list = append(list, h.value)
			}
		case reflect.TypeFor[creditledger.Charge]():
			for _, s := range slices.Concat(longTexts, brokenTexts, oddTexts) {
				list = append(list, creditledger.Charge{ItemID: s, PriceID: s, PriceType: s, Currency: s, PricingUnitID: s})
			}
		}
	}
	if len(list) == 0 {
		t.Fatalf("no hostile values are known for field %s, a %s", f.Name, f.Type)
	}
	return list
}
