package creditledger

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEligible(t *testing.T) {
	const from, until = Instant(1000), Instant(2000)
	block := func(status BlockStatus, effective, expires Instant) Block {
		return Block{Status: status, EffectiveAt: effective, ExpiresAt: expires, ActivatedAt: effective}
	}
	for _, c := range []struct {
		rule  string
		block Block
		at    Instant
		want  bool
	}{
		{"just before it becomes effective", block(Active, from, until), from - 1, false},
		{"at the instant it becomes effective", block(Active, from, until), from, true},
		{"just after", block(Active, from, until), from + 1, true},
		{"just before its expiry", block(Active, from, until), until - 1, true},
		{"at its expiry, which is exclusive", block(Active, from, until), until, false},
		{"just after its expiry", block(Active, from, until), until + 1, false},
		{"without an expiry, for ever", block(Active, from, 0), lastInstant, true},
		{"without an expiry, not before it is effective", block(Active, from, 0), from - 1, false},
		{"for one microsecond only", block(Active, from, from+1), from, true},
		{"gone after one microsecond", block(Active, from, from+1), from + 1, false},
		{"never, when it expires as it becomes effective", block(Active, from, from), from, false},
		{"not while its invoice is unpaid", block(PendingPayment, from, until), from, false},
		{"not while unpaid, without an expiry", block(PendingPayment, from, 0), until, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := c.block.Eligible(c.at); got != c.want {
				t.Errorf("eligible at %d: %t", c.at, got)
			}
		})
	}
}

func TestExpired(t *testing.T) {
	for _, c := range []struct {
		rule        string
		expires, at Instant
		want        bool
	}{
		{"before", 2000, 1999, false},
		{"at the instant", 2000, 2000, true},
		{"after", 2000, 2001, true},
		{"never", 0, lastInstant, false},
	} {
		b := Block{ExpiresAt: c.expires}
		if got := b.Expired(c.at); got != c.want {
			t.Errorf("%s: %t", c.rule, got)
		}
	}
}

func TestTakesOverdraft(t *testing.T) {
	filters := []Filter{{Values: []string{"api"}}}
	for _, c := range []struct {
		rule  string
		block Block
		want  bool
	}{
		{"no expiry and no filter", Block{}, true},
		{"an overdraft block", Block{Overdraft: true}, true},
		{"an expiry would erase the debt", Block{ExpiresAt: 1}, false},
		{"a filter", Block{Filters: filters}, false},
		{"both", Block{ExpiresAt: 1, Filters: filters}, false},
	} {
		b := c.block.kept()
		if got := b.takesOverdraft(); got != c.want {
			t.Errorf("%s: %t", c.rule, got)
		}
	}
}

func TestMatches(t *testing.T) {
	in := func(f FilterField, values ...string) Filter {
		return Filter{Field: f, Operator: Includes, Values: values}
	}
	out := func(f FilterField, values ...string) Filter {
		return Filter{Field: f, Operator: Excludes, Values: values}
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
		{"includes a listed value", []Filter{in(FieldItem, "api")}, api, true},
		{"includes one of several", []Filter{in(FieldItem, "disk", "api")}, api, true},
		{"includes another value", []Filter{in(FieldItem, "disk")}, api, false},
		{"values are compared whole", []Filter{in(FieldItem, "apis", "ap")}, api, false},
		{"case counts", []Filter{in(FieldItem, "API")}, api, false},
		{"a charge without the field does not match includes", []Filter{in(FieldItem, "api")}, Charge{}, false},
		{"not even an empty value", []Filter{in(FieldItem, "")}, Charge{}, false},
		{"excludes a listed value", []Filter{out(FieldItem, "api")}, api, false},
		{"excludes one of several", []Filter{out(FieldItem, "disk", "api")}, api, false},
		{"excludes another value", []Filter{out(FieldItem, "disk")}, api, true},
		{"a charge without the field matches excludes", []Filter{out(FieldItem, "api")}, Charge{}, true},
		{"even of an empty value", []Filter{out(FieldItem, "")}, Charge{}, true},
		{"several filters must all match: both do", []Filter{in(FieldItem, "api"), out(FieldItem, "disk")}, api, true},
		{"several filters must all match: the first does not", []Filter{in(FieldItem, "disk"), out(FieldItem, "cpu")}, api, false},
		{"several filters must all match: the last does not", []Filter{in(FieldItem, "api"), out(FieldItem, "api")}, api, false},
		{"price", []Filter{in(FieldPrice, "p1")}, Charge{PriceID: "p1"}, true},
		{"price is not item", []Filter{in(FieldPrice, "p1")}, Charge{ItemID: "p1"}, false},
		{"price type", []Filter{in(FieldPriceType, "usage")}, Charge{PriceType: "usage"}, true},
		{"currency", []Filter{in(FieldCurrency, "USD")}, Charge{Currency: "USD"}, true},
		{"pricing unit", []Filter{in(FieldPricingUnit, "u")}, Charge{PricingUnitID: "u"}, true},
		{"price type is not pricing unit", []Filter{in(FieldPriceType, "u")}, Charge{PricingUnitID: "u"}, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := Block{Filters: c.filters}
			if got := b.Matches(c.charge); got != c.want {
				t.Errorf("matches: %t", got)
			}
		})
	}
}

// TestDrawdownOrder has one row for each key of the order, and for each the keys
// after it pointing the other way: a key decides before all later ones.
func TestDrawdownOrder(t *testing.T) {
	filters := []Filter{{Values: []string{"api"}}}
	base := Block{Number: 5, Priority: 3, ExpiresAt: 2000, CostBasis: MustCostBasis("0.20")}
	with := func(change func(*Block)) Block {
		b := base
		change(&b)
		return b
	}
	for _, c := range []struct {
		rule          string
		first, second Block
	}{
		{
			"the smaller priority, whatever else",
			with(func(b *Block) { b.Priority, b.ExpiresAt, b.CostBasis, b.Number = 2, 0, MustCostBasis("9"), 9 }),
			with(func(b *Block) { b.Filters, b.ExpiresAt, b.CostBasis, b.Number = filters, 1, CostBasis{}, 1 }),
		},
		{
			"negative priorities before 0",
			with(func(b *Block) { b.Priority = -1 }), with(func(b *Block) { b.Priority, b.Number = 0, 1 }),
		},
		{
			"the smallest and the largest priority there are",
			with(func(b *Block) { b.Priority = math.MinInt32 }), with(func(b *Block) { b.Priority, b.Number = math.MaxInt32, 1 }),
		},
		{
			"filtered before unfiltered, whatever follows",
			with(func(b *Block) { b.Filters, b.ExpiresAt, b.CostBasis, b.Number = filters, 0, MustCostBasis("9"), 9 }),
			with(func(b *Block) { b.ExpiresAt, b.CostBasis, b.Number = 1, CostBasis{}, 1 }),
		},
		{
			"the earlier expiry, whatever follows",
			with(func(b *Block) { b.ExpiresAt, b.CostBasis, b.Number = 1999, MustCostBasis("9"), 9 }),
			with(func(b *Block) { b.CostBasis, b.Number = CostBasis{}, 1 }),
		},
		{
			"never is last",
			with(func(b *Block) { b.ExpiresAt, b.Number = lastInstant, 9 }),
			with(func(b *Block) { b.ExpiresAt, b.CostBasis = 0, CostBasis{} }),
		},
		{
			"the first instant there is, too, is before never",
			with(func(b *Block) { b.ExpiresAt = 1 }), with(func(b *Block) { b.ExpiresAt, b.Number = 0, 1 }),
		},
		{
			"the smaller cost basis, whatever follows",
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("0.199"), 9 }), with(func(b *Block) { b.Number = 1 }),
		},
		{
			"cost bases are numbers, not text",
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("9"), 9 }),
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("10"), 1 }),
		},
		{
			"no cost basis is 0",
			with(func(b *Block) { b.CostBasis, b.Number = CostBasis{}, 9 }), with(func(b *Block) { b.Number = 1 }),
		},
		{
			"no cost basis and 0 are equal: creation decides",
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("0.00"), 1 }),
			with(func(b *Block) { b.CostBasis, b.Number = CostBasis{}, 2 }),
		},
		{
			"0.2 and 0.20 are equal: creation decides",
			with(func(b *Block) { b.Number = 1 }),
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("0.2"), 2 }),
		},
		{
			"which filters there are does not matter: creation decides",
			with(func(b *Block) { b.Filters, b.Number = filters, 1 }),
			with(func(b *Block) { b.Filters, b.Number = []Filter{filters[0], filters[0]}, 2 }),
		},
		{
			"the older block",
			with(func(b *Block) { b.Number = 1 }), with(func(b *Block) { b.Number = 2 }),
		},
		{
			"creation is a number, not text",
			with(func(b *Block) { b.Number = 9 }), with(func(b *Block) { b.Number = 10 }),
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if DrawdownOrder(&c.first, &c.second) != -1 || DrawdownOrder(&c.second, &c.first) != 1 {
				t.Errorf("order is %d and %d", DrawdownOrder(&c.first, &c.second), DrawdownOrder(&c.second, &c.first))
			}
		})
	}
	same := base
	if DrawdownOrder(&base, &same) != 0 {
		t.Error("a block is not equal to itself")
	}
	// What is no key must not move a block: not what it holds, nor when it was made.
	other := with(func(b *Block) {
		b.ID, b.Balance, b.Initial, b.CreatedAt, b.EffectiveAt = "x", MustAmount("-7"), MustAmount("9"), 77, 88
		b.Status, b.Source, b.Overdraft, b.Metadata = PendingPayment, TopUp, true, map[string]string{"k": "v"}
	})
	if DrawdownOrder(&base, &other) != 0 {
		t.Error("something that is no key of the order decides it")
	}
}

func TestDrawdownOrderIsTotalProperty(t *testing.T) {
	draw := func(t *rapid.T, label string) *Block {
		b := &Block{
			Number:    rapid.Uint64Range(1, 4).Draw(t, label+" number"),
			Priority:  rapid.Int32Range(-1, 1).Draw(t, label+" priority"),
			ExpiresAt: Instant(rapid.Int64Range(0, 2).Draw(t, label+" expiry")),
		}
		if basis := rapid.SampledFrom([]string{"", "0", "0.2", "0.20", "1"}).Draw(t, label+" basis"); basis != "" {
			b.CostBasis = MustCostBasis(basis)
		}
		if rapid.Bool().Draw(t, label+" filtered") {
			b.Filters = []Filter{{Values: []string{"api"}}}
		}
		return b
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw(t, "a"), draw(t, "b"), draw(t, "c")
		if DrawdownOrder(a, b) != -DrawdownOrder(b, a) {
			t.Fatalf("%+v and %+v: not the same from both sides", a, b)
		}
		if DrawdownOrder(a, b) <= 0 && DrawdownOrder(b, c) <= 0 && DrawdownOrder(a, c) > 0 {
			t.Fatalf("%+v, %+v, %+v: not transitive", a, b, c)
		}
		if DrawdownOrder(a, b) == 0 && a.Number != b.Number {
			t.Fatalf("two blocks in one place: %+v, %+v", a, b)
		}
		if kept := orderOnly(a); DrawdownOrder(a, kept) != 0 {
			t.Fatalf("%+v and what a cursor keeps of it, %+v, are not in one place", a, kept)
		}
	})
}

func TestSameFilters(t *testing.T) {
	one := []Filter{{Values: []string{"a", "b"}}, {Operator: Excludes, Values: []string{"c"}}}
	for _, c := range []struct {
		rule  string
		other []Filter
		want  bool
	}{
		{"the same", []Filter{{Values: []string{"a", "b"}}, {Operator: Excludes, Values: []string{"c"}}}, true},
		{"in another order", []Filter{one[1], one[0]}, false},
		{"values in another order", []Filter{{Values: []string{"b", "a"}}, one[1]}, false},
		{"one less", one[:1], false},
		{"a value less", []Filter{{Values: []string{"a"}}, one[1]}, false},
		{"another operator", []Filter{{Operator: Excludes, Values: one[0].Values}, one[1]}, false},
		{"another field", []Filter{{Field: FieldPrice, Values: one[0].Values}, one[1]}, false},
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

func TestAccountID(t *testing.T) {
	for _, c := range []struct {
		id   AccountID
		want string
	}{
		{AccountID{"cus_1", "credits"}, "cus_1/credits"},
		{AccountID{"a b", "USD"}, `"a b"/USD`},
		{AccountID{"a/b", "USD"}, `"a/b"/USD`},
		{AccountID{`a"b\`, "é"}, `"a\"b\\"/"é"`},
		{AccountID{"", ""}, `""/""`},
		{AccountID{"x\n\x1b[31m", "\xff"}, `"x\n\x1b[31m"/"\xff"`},
		{AccountID{strings.Repeat("a", 80), "c"}, strings.Repeat("a", 80) + "/c"},
		{AccountID{strings.Repeat("a", 81), "c"}, `"` + strings.Repeat("a", 80) + `"…/c`},
	} {
		if got := c.id.String(); got != c.want {
			t.Errorf("%#v is shown as %s, want %s", c.id, got, c.want)
		}
	}
	ids := []AccountID{{"a", "x"}, {"a", "y"}, {"a\x00", ""}, {"ab", "a"}, {"b", "a"}, {"é", "a"}}
	for i, a := range ids {
		for j, b := range ids {
			if got, want := a.Compare(b), sign(i-j); got != want {
				t.Errorf("%v to %v: %d, want %d", a, b, got, want)
			}
		}
	}
	if got := (AccountID{Customer: "c"}).normal(); got != (AccountID{"c", "credits"}) {
		t.Errorf("without a currency: %v", got)
	}
	if got := (AccountID{"c", "USD"}).normal(); got.Currency != "USD" {
		t.Errorf("with a currency: %v", got)
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// TestNames: every value of a small enumeration has a name that reads back as it,
// and nothing else does.
func TestNames(t *testing.T) {
	checkNames(t, "BlockStatus", []BlockStatus{Active, PendingPayment}, nil, "active pending_payment")
	checkNames(t, "Source", []Source{Manual, Allocation, TopUp, Commitment}, ParseSource, "manual allocation top_up commitment")
	checkNames(t, "FilterField", []FilterField{FieldItem, FieldPrice, FieldPriceType, FieldCurrency, FieldPricingUnit},
		ParseFilterField, "item_id price_id price_type currency pricing_unit_id")
	checkNames(t, "FilterOperator", []FilterOperator{Includes, Excludes}, ParseFilterOperator, "includes excludes")
	checkNames(t, "Repay", []Repay{RepayFirst, RepayNever}, ParseRepay, "first never")
	checkNames(t, "Overdraft", []Overdraft{Allow, Reject, StopAtZero}, ParseOverdraft, "allow reject stop_at_zero")
	checkNames(t, "EntryType", []EntryType{
		EntryIncrement, EntryDecrement, EntryExpirationChange, EntryCreditBlockExpiry,
		EntryVoidInitiated, EntryVoid, EntryAmendment,
	}, ParseEntryType, "increment decrement expiration_change credit_block_expiry void_initiated void amendment")
	checkNames(t, "EntryStatus", []EntryStatus{EntryCommitted, EntryPending}, ParseEntryStatus, "committed pending")
	checkNames(t, "Reason", []Reason{
		ReasonFiltered, ReasonNotEffective, ReasonExpired, ReasonPendingPayment, ReasonEmpty, ReasonUsed, ReasonNotNeeded,
	}, nil, "filtered not_effective expired pending_payment empty used not_needed")
	if got := EntryType(0).String(); got != "unknown(0)" {
		t.Errorf("the entry type that is none is called %s", got)
	}
	if got := RepayDefault.String(); got != "default" {
		t.Errorf("the default repayment is called %s", got)
	}
}

func checkNames[T interface {
	~uint8
	fmt.Stringer
}](t *testing.T, kind string, values []T, parse func(string) (T, error), want string) {
	t.Helper()
	names := strings.Fields(want)
	for i, v := range values {
		if v.String() != names[i] {
			t.Errorf("%s %d is called %s, want %s", kind, v, v, names[i])
		}
		if parse == nil {
			continue
		}
		if got, err := parse(names[i]); err != nil || got != v {
			t.Errorf("%s %s reads back as %v, %v", kind, v, got, err)
		}
	}
	unknown := slices.Max(values) + 1
	if got, want := unknown.String(), fmt.Sprintf("unknown(%d)", uint8(unknown)); got != want {
		t.Errorf("%s beyond the last is called %s, want %s", kind, got, want)
	}
	if parse == nil {
		return
	}
	for _, text := range []string{"", "x", strings.ToUpper(names[0]), names[0] + " ", "default", "unknown(1)"} {
		got, err := parse(text)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || got != 0 || !strings.Contains(err.Error(), strings.Join(names, ", ")) {
			t.Errorf("%s %q gives %v, %v; want an InvalidError that lists the names", kind, text, got, err)
		}
	}
}

// TestDrawdownOrderIsFree: sorting blocks costs no memory, with filters or without, and
// looks at nothing but what the policy names.
func TestDrawdownOrderIsFree(t *testing.T) {
	filtered := filled[Block](t)
	plain := Block{Number: 7}
	if n := testing.AllocsPerRun(100, func() { DrawdownOrder(&filtered, &plain) }); n != 0 {
		t.Errorf("a comparison takes memory %v times", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func() Block {
			b := Block{
				Number: rapid.Uint64Range(1, 3).Draw(t, "number"), Priority: rapid.Int32Range(-1, 1).Draw(t, "priority"),
				ExpiresAt: rapid.SampledFrom([]Instant{0, 1, 2, lastInstant}).Draw(t, "expires"), CostBasis: rapid.SampledFrom([]CostBasis{{}, MustCostBasis("0"), MustCostBasis("0.20"), MustCostBasis("0.2")}).Draw(t, "basis"),
			}
			if rapid.Bool().Draw(t, "filtered") {
				b.Filters = []Filter{{FieldItem, Excludes, []string{"x"}}}
			}
			return b
		}
		a, b := draw(), draw()
		x, y := a.kept(), b.kept()
		if got, want := DrawdownOrder(&a, &b), drawdownOrder(&x, &y); got != want {
			t.Fatalf("%+v and %+v: %d, in memory %d", a, b, got, want)
		}
	})
}
