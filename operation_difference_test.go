package creditledger

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// fieldOrder lists, for every operation, its fields in the order in which a
// difference is looked for, and their names in operations files. The test below
// fails when an operation has a field that is not here.
var fieldOrder = map[string][][2]string{
	"Increment": {
		{"Amount", "amount"}, {"BlockID", "block_id"}, {"EffectiveAt", "effective_date"}, {"ExpiresAt", "expiry_date"},
		{"CostBasis", "per_unit_cost_basis"}, {"Priority", "priority"}, {"Filters", "filters"}, {"Source", "source"},
		{"RequirePayment", "require_payment"}, {"Repay", "repay"}, {"InvoiceID", "invoice_id"},
		{"Description", "description"}, {"Metadata", "metadata"},
	},
	"Decrement": {
		{"Amount", "amount"}, {"ItemID", "item_id"}, {"PriceID", "price_id"}, {"InvoiceID", "invoice_id"},
		{"Overdraft", "overdraft"}, {"OverdraftLimit", "overdraft_limit"}, {"UsageAt", "usage_at"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"ExpirationChange": {
		{"BlockID", "block_id"}, {"ExpiresAt", "expiry_date"}, {"Target", "target_expiry_date"}, {"Amount", "amount"},
		{"NewBlockID", "new_block_id"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"Void": {
		{"BlockID", "block_id"}, {"Amount", "amount"}, {"Reason", "void_reason"}, {"Lapsed", "lapsed"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"Amendment": {
		{"BlockID", "block_id"}, {"Amount", "amount"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"Reverse": {
		{"Charge", "charge"}, {"Entry", "entry"}, {"Amount", "amount"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"Hold": {
		{"HoldID", "hold_id"}, {"Amount", "amount"}, {"Until", "until"}, {"ItemID", "item_id"}, {"PriceID", "price_id"},
		{"Overdraft", "overdraft"}, {"OverdraftLimit", "overdraft_limit"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"ExtendHold": {
		{"HoldID", "hold_id"}, {"Amount", "amount"}, {"Until", "until"},
		{"Overdraft", "overdraft"}, {"OverdraftLimit", "overdraft_limit"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"Capture": {
		{"HoldID", "hold_id"}, {"Amount", "amount"}, {"KeepOpen", "keep_open"}, {"Overdraft", "overdraft"},
		{"OverdraftLimit", "overdraft_limit"}, {"AfterLapse", "after_lapse"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"Schedule": {
		{"ScheduleID", "schedule_id"}, {"Amount", "amount"}, {"Anchor", "anchor"}, {"Every", "every"}, {"Timezone", "timezone"}, {"Start", "start"},
		{"End", "end"}, {"Count", "count"}, {"Expires", "expires"}, {"First", "first"}, {"Scale", "scale"}, {"Rollover", "rollover"}, {"CatchUp", "catch_up"},
		{"CostBasis", "per_unit_cost_basis"}, {"Priority", "priority"}, {"Filters", "filters"}, {"Source", "source"}, {"RequirePayment", "require_payment"},
		{"Description", "description"}, {"Metadata", "metadata"},
	},
	"ChangeSchedule": {
		{"ScheduleID", "schedule_id"}, {"Amount", "amount"}, {"Rollover", "rollover"}, {"Expires", "expires"}, {"When", "when"},
		{"Description", "description"}, {"Metadata", "metadata"}, {"ClearMetadata", "metadata"},
	},
	"EndSchedule": {
		{"ScheduleID", "schedule_id"}, {"VoidBlocks", "void_blocks"}, {"VoidReason", "void_reason"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"Release": {
		{"HoldID", "hold_id"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
	"Activation": {
		{"BlockID", "block_id"}, {"Description", "description"}, {"Metadata", "metadata"},
	},
}

// comparedOperations have all fields of all kinds.
func comparedOperations(t *testing.T) []Operation {
	return append(filledOperations(t), filled[Hold](t), filled[ExtendHold](t), filled[Capture](t), filled[Release](t),
		filled[Schedule](t), filled[ChangeSchedule](t), filled[EndSchedule](t))
}

// TestDifference: each field counts, the first that differs is named, and two equal
// operations have no difference.
func TestDifference(t *testing.T) {
	for _, op := range comparedOperations(t) {
		kind := reflect.TypeOf(op)
		order := fieldOrder[kind.Name()]
		var listed []string
		for _, f := range order {
			listed = append(listed, f[0])
		}
		exported := 0
		for i := range kind.NumField() {
			if !kind.Field(i).IsExported() { // of records of earlier formats
				continue
			}
			exported++
			if !slices.Contains(listed, kind.Field(i).Name) {
				t.Errorf("%s.%s is compared by no test", kind.Name(), kind.Field(i).Name)
			}
		}
		if len(listed) != exported {
			t.Errorf("%s has %d fields, %d are listed", kind.Name(), exported, len(listed))
		}
		if got := difference(op, op); got != "" {
			t.Errorf("%s differs from itself in %s", kind.Name(), got)
		}
		changed := func(names ...string) Operation {
			v := reflect.New(kind).Elem()
			v.Set(reflect.ValueOf(op))
			for _, name := range names {
				if f := v.FieldByName(name); f.IsZero() {
					(&filler{t: t, n: 900}).fill(f)
				} else if name == "Overdraft" { // its default is what one of them says
					f.SetUint(uint64(OverdraftReject))
				} else {
					f.SetZero()
				}
			}
			return v.Interface().(Operation)
		}
		for i, first := range order {
			for _, second := range order[i:] {
				other := changed(first[0], second[0])
				if got := difference(op, other); got != first[1] && first != second {
					t.Errorf("%s with another %s and %s differs in %q", kind.Name(), first[0], second[0], got)
				} else if got := difference(changed(first[0]), op); got != first[1] {
					t.Errorf("%s with another %s differs in %q", kind.Name(), first[0], got)
				}
			}
		}
	}
}

func TestDifferenceOfKinds(t *testing.T) {
	kinds := append(comparedOperations(t), Batch{spend("1")}, expire{})
	for i, a := range kinds {
		for j, b := range kinds {
			got := difference(a, b)
			switch {
			case i == j && a.Name() != "expire":
				if got != "" {
					t.Errorf("%s differs from itself in %s", a.Name(), got)
				}
			case a.Name() != b.Name() || i == j:
				if got != "op" {
					t.Errorf("%s and %s differ in %q", a.Name(), b.Name(), got)
				}
			}
		}
	}
}

// TestSameOperation: what is equal though it is not written alike, and what is not
// equal though it comes to the same.
func TestSameOperation(t *testing.T) {
	tokyo := mustZone("Asia/Tokyo")
	day := On(DateOf(2026, 2, 1))
	normal := func(op Operation, repay Repay, zone string) Operation {
		return normalise(op, &Settings{Repay: repay, Overdraft: OverdraftAllow}, mustZone(zone))
	}
	for _, c := range []struct {
		rule string
		a, b Operation
		want string
	}{
		{"amounts are numbers", spend("0.2"), spend("0.20"), ""},
		{"amounts with an exponent too", spend("1e2"), spend("100"), ""},
		{"limits are numbers", spend("1", limit("5")), spend("1", limit("5.0")), ""},
		{"no limit is not a limit of 0", spend("1"), spend("1", limit("0")), "overdraft_limit"},
		{"cost bases are numbers", grant("A", "1", basis("0.2")), grant("A", "1", basis("0.20")), ""},
		{"no cost basis is not 0", grant("A", "1"), grant("A", "1", basis("0")), "per_unit_cost_basis"},
		{
			"a date is that date, in whatever zone it was resolved",
			normal(Increment{ExpiresAt: day}, RepayFirst, "Asia/Tokyo"), normal(Increment{ExpiresAt: day}, RepayFirst, "America/New_York"), "",
		},
		{
			"a date is not its first instant",
			normal(Increment{ExpiresAt: day}, RepayFirst, "Asia/Tokyo"), Increment{ExpiresAt: AtInstant(day.resolve(tokyo).Instant()), Repay: RepayFirst}, "expiry_date",
		},
		{
			"no expiry and never",
			normal(grant("A", "1"), RepayFirst, "UTC"), normal(Increment{BlockID: "A", Amount: AmountOf(1), ExpiresAt: Never()}, RepayFirst, "UTC"), "",
		},
		{"no amount and 0, of an extension", extend("A", "", "never", "N"), extend("A", "0.00", "never", "N"), ""},
		{
			"the default repayment and the same said",
			normal(grant("A", "1"), RepayFirst, "UTC"), normal(Increment{BlockID: "A", Amount: AmountOf(1), Repay: RepayFirst}, RepayFirst, "UTC"), "",
		},
		{"the default repayment, after the option changed", normal(grant("A", "1"), RepayFirst, "UTC"), normal(grant("A", "1"), RepayNever, "UTC"), ""},
		{"another repayment than the one said", Increment{Repay: RepayFirst}, normal(Increment{Repay: RepayNever}, RepayFirst, "UTC"), "repay"},
		{
			"no metadata and empty metadata",
			normal(Void{BlockID: "A"}, RepayFirst, "UTC"), normal(Void{BlockID: "A", Metadata: map[string]string{}}, RepayFirst, "UTC"), "",
		},
		{"a metadata value", Void{Metadata: map[string]string{"k": "1"}}, Void{Metadata: map[string]string{"k": "1.0"}}, "metadata"},
		{"filters in the order given", grant("A", "1", only("x"), except("y")), grant("A", "1", except("y"), only("x")), "filters"},
		{"filter values in the order given", grant("A", "1", only("x", "y")), grant("A", "1", only("y", "x")), "filters"},
		{"texts as they are", Void{Description: "\u00e9"}, Void{Description: "e\u0301"}, "description"},
		{"a batch", Batch{spend("0.2"), voidOf("A", "1")}, Batch{spend("0.20"), voidOf("A", "1.0")}, ""},
		{"a batch in another order", Batch{spend("1"), voidOf("A", "1")}, Batch{voidOf("A", "1"), spend("1")}, "operations"},
		{"a shorter batch", Batch{spend("1"), spend("1")}, Batch{spend("1")}, "operations"},
		{"the last field of the last operation of a batch", Batch{spend("1"), Void{Description: "a"}}, Batch{spend("1"), Void{Description: "b"}}, "operations"},
		{"a batch of one is not that one", Batch{spend("1")}, spend("1"), "op"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := difference(c.a, c.b); got != c.want {
				t.Errorf("differ in %q, want %q", got, c.want)
			}
			if got := difference(c.b, c.a); got != c.want {
				t.Errorf("the other way round they differ in %q, want %q", got, c.want)
			}
		})
	}
}

// TestNormalise: the ledger's copy shares nothing with the caller's, and says the same.
func TestNormalise(t *testing.T) {
	usual := Settings{}.withDefaults()
	for _, op := range append(filledOperations(t), Batch(filledOperations(t))) {
		own := normalise(op, &usual, mustZone("Asia/Kathmandu"))
		if !reflect.DeepEqual(own, op) {
			t.Errorf("%+v became %+v", op, own)
		}
		before := fmt.Sprintf("%+v", own)
		scribble(reflect.ValueOf(op))
		if after := fmt.Sprintf("%+v", own); after != before {
			t.Errorf("the ledger's copy changed with the caller's:\n%s\n%s", before, after)
		}
	}
	if got := normalise(Increment{ExpiresAt: On(DateOf(2026, 1, 1))}, &Settings{Repay: RepayNever}, nil).(Increment); got.ExpiresAt.Instant() != 0 || got.Repay.rule() != RepayNever {
		t.Errorf("without a zone: %+v", got)
	}
	if got := normalise(expire{}, &usual, nil); got != (expire{}) {
		t.Errorf("an expiry became %v", got)
	}
}

// scribble changes everything that a value refers to.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		scribble(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scribble(v.Field(i))
			}
		}
	case reflect.Map:
		v.SetMapIndex(reflect.ValueOf("scribbled"), reflect.ValueOf("x"))
	case reflect.Slice:
		for i := range v.Len() {
			scribble(v.Index(i))
			if v.Index(i).Kind() == reflect.String {
				v.Index(i).SetString("scribbled")
			}
		}
	}
}

// TestNeedsOfOperations: who needs a time zone, and which blocks are named.
func TestNeedsOfOperations(t *testing.T) {
	day := On(DateOf(2026, 2, 1))
	for _, c := range []struct {
		op    Operation
		dates bool
		named string
	}{
		{grant("A", "1"), false, "[A]"},
		{Increment{EffectiveAt: day}, true, "[]"},
		{Increment{ExpiresAt: day}, true, "[]"},
		{grant("A", "1", expires("2026-02-01T00:00:00Z")), false, "[A]"},
		{spend("1"), false, "[]"},
		{extend("A", "", "never", "N"), false, "[A N]"},
		{ExpirationChange{Target: day}, true, "[]"},
		{ExpirationChange{ExpiresAt: day, Target: Never()}, true, "[]"},
		{voidOf("A", "1"), false, "[A]"},
		{amend("A", "1"), false, "[A]"},
		{Activation{BlockID: "A"}, false, "[A]"},
		{Batch{spend("1"), voidOf("A", "1"), Increment{ExpiresAt: day, BlockID: "B"}}, true, "[A B]"},
		{Batch{spend("1"), amend("A", "1")}, false, "[A]"},
		{expire{}, false, "[]"},
	} {
		if got := hasDates(c.op); got != c.dates {
			t.Errorf("%s %+v has dates: %t", c.op.Name(), c.op, got)
		}
		if got := fmt.Sprint(namedBlocks(c.op, nil)); got != c.named {
			t.Errorf("%s %+v names %s, want %s", c.op.Name(), c.op, got, c.named)
		}
	}
}
