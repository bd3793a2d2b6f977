package creditledger

import (
	"slices"
	"strings"
	"testing"
)

func TestMatches(t *testing.T) {
	in := func(f FilterField, values ...string) Filter {
		return Filter{Field: f, Operator: FilterIncludes, Values: values}
	}
	out := func(f FilterField, values ...string) Filter {
		return Filter{Field: f, Operator: FilterExcludes, Values: values}
	}
	api := Charge{ItemID: "api"}
	for _, c := range []struct {
		rule    string
		filters []Filter
		charge  Charge
		want    bool
	}{
		{"no filter lets everything through", nil, api, true},
		{"no filter lets an empty charge through", nil, Charge{}, true},
		{"includes a listed value", []Filter{in(FilterFieldItem, "api")}, api, true},
		{"includes one of several", []Filter{in(FilterFieldItem, "disk", "api")}, api, true},
		{"includes another value", []Filter{in(FilterFieldItem, "disk")}, api, false},
		{"values are compared whole", []Filter{in(FilterFieldItem, "apis", "ap")}, api, false},
		{"case counts", []Filter{in(FilterFieldItem, "API")}, api, false},
		{"a charge without the field does not match includes", []Filter{in(FilterFieldItem, "api")}, Charge{}, false},
		{"not even an empty value", []Filter{in(FilterFieldItem, "")}, Charge{}, false},
		{"excludes a listed value", []Filter{out(FilterFieldItem, "api")}, api, false},
		{"excludes one of several", []Filter{out(FilterFieldItem, "disk", "api")}, api, false},
		{"excludes another value", []Filter{out(FilterFieldItem, "disk")}, api, true},
		{"a charge without the field matches excludes", []Filter{out(FilterFieldItem, "api")}, Charge{}, true},
		{"even of an empty value", []Filter{out(FilterFieldItem, "")}, Charge{}, true},
		{"several filters must all match: both do", []Filter{in(FilterFieldItem, "api"), out(FilterFieldItem, "disk")}, api, true},
		{"several filters must all match: the first does not", []Filter{in(FilterFieldItem, "disk"), out(FilterFieldItem, "cpu")}, api, false},
		{"several filters must all match: the last does not", []Filter{in(FilterFieldItem, "api"), out(FilterFieldItem, "api")}, api, false},
		{"price", []Filter{in(FilterFieldPrice, "p1")}, Charge{PriceID: "p1"}, true},
		{"price is not item", []Filter{in(FilterFieldPrice, "p1")}, Charge{ItemID: "p1"}, false},
		{"price type", []Filter{in(FilterFieldPriceType, "usage")}, Charge{PriceType: "usage"}, true},
		{"currency", []Filter{in(FilterFieldCurrency, "USD")}, Charge{Currency: "USD"}, true},
		{"pricing unit", []Filter{in(FilterFieldPricingUnit, "u")}, Charge{PricingUnitID: "u"}, true},
		{"price type is not pricing unit", []Filter{in(FilterFieldPriceType, "u")}, Charge{PricingUnitID: "u"}, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := Block{Filters: c.filters}
			if got := b.Matches(c.charge); got != c.want {
				t.Errorf("matches: %t", got)
			}
		})
	}
}

func TestSameFilters(t *testing.T) {
	one := []Filter{{Values: []string{"a", "b"}}, {Operator: FilterExcludes, Values: []string{"c"}}}
	for _, c := range []struct {
		rule  string
		other []Filter
		want  bool
	}{
		{"the same", []Filter{{Values: []string{"a", "b"}}, {Operator: FilterExcludes, Values: []string{"c"}}}, true},
		{"in another order", []Filter{one[1], one[0]}, false},
		{"values in another order", []Filter{{Values: []string{"b", "a"}}, one[1]}, false},
		{"one less", one[:1], false},
		{"a value less", []Filter{{Values: []string{"a"}}, one[1]}, false},
		{"another operator", []Filter{{Operator: FilterExcludes, Values: one[0].Values}, one[1]}, false},
		{"another field", []Filter{{Field: FilterFieldPrice, Values: one[0].Values}, one[1]}, false},
		{"none", nil, false},
	} {
		if got := sameFilters(one, c.other); got != c.want {
			t.Errorf("%s: %t", c.rule, got)
		}
	}
	if !sameFilters(nil, []Filter{}) {
		t.Error("none and empty differ")
	}
}

func TestFilters(t *testing.T) {
	values := func(n int) []string { return slices.Repeat([]string{"v"}, n) }
	many := func(filters, each int) []Filter { return slices.Repeat([]Filter{{Values: values(each)}}, filters) }
	for _, c := range []struct {
		rule    string
		filters []Filter
		ok      bool
	}{
		{"none", nil, true},
		{"one", many(1, 1), true},
		{"as many as there may be", many(MaxFilters, 1), true},
		{"one more", many(MaxFilters+1, 1), false},
		{"as many values as there may be", many(1, MaxFilterValues), true},
		{"a value more", many(1, MaxFilterValues+1), false},
		{"as many values over all", many(MaxFilters, MaxFilterValues/MaxFilters), true},
		{"a value more over all", append(many(1, MaxFilterValues), many(1, 1)...), false},
		{"no values", []Filter{{}}, false},
		{"no values in the second", append(many(1, 1), Filter{Operator: FilterExcludes}), false},
		{"excludes", []Filter{{Operator: FilterExcludes, Values: values(1)}}, true},
		{"an unknown operator", []Filter{{Operator: 2, Values: values(1)}}, false},
		{"by price", []Filter{{Field: FilterFieldPrice, Values: values(1)}}, false},
		{"by price type", []Filter{{Field: FilterFieldPriceType, Values: values(1)}}, false},
		{"by currency", []Filter{{Field: FilterFieldCurrency, Values: values(1)}}, false},
		{"by pricing unit", []Filter{{Field: FilterFieldPricingUnit, Values: values(1)}}, false},
		{"by something unknown", []Filter{{Field: 9, Values: values(1)}}, false},
		{"an empty value", []Filter{{Values: []string{""}}}, false},
		{"a value too long", []Filter{{Values: []string{"a", strings.Repeat("v", MaxID+1)}}}, false},
		{"a value as long as it may be", []Filter{{Values: []string{strings.Repeat("v", MaxID)}}}, true},
		{"a value that is not UTF-8", []Filter{{Values: []string{"\xff"}}}, false},
		{"a value with a control character", []Filter{{Values: []string{"a\x1b"}}}, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			op := grant("A", "1")
			op.Filters = c.filters
			if err := op.check(); c.ok && err != nil {
				t.Error(err)
			} else if !c.ok {
				checkField(t, err, "filters")
			}
		})
	}
}
