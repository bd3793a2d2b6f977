package creditledger

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyOperation draws an operation that passes its check, of any type and with any of
// its fields.
func anyOperation(t *rapid.T) Operation {
	if rapid.IntRange(0, 5).Draw(t, "batch") > 0 {
		return anySingle(t)
	}
	return Batch(rapid.SliceOfN(rapid.Custom(anySingle), 1, 4).Draw(t, "operations"))
}

func anySingle(t *rapid.T) Operation {
	text := func(label string) string {
		return rapid.SampledFrom([]string{"", "a", "Ünïcode <&> \u2028 \U0001F4B3 \ufffd", "null", `"\`}).Draw(t, label)
	}
	id := func(label string) string { return "x" + text(label) }
	metadata := func() map[string]string {
		return rapid.SampledFrom([]map[string]string{nil, {"k": ""}, {"a": "1", "<b>": "null"}}).Draw(t, "metadata")
	}
	amount := MustAmount(rapid.SampledFrom([]string{"1", "0.000000000000000001", "99999999999999999999.999999999999999999", "12.5"}).Draw(t, "amount"))
	days := rapid.IntRange(0, 90*365)
	when := func(label string, forms ...When) When {
		return rapid.OneOf(rapid.SampledFrom(forms), rapid.Custom(func(t *rapid.T) When {
			day := epochDay.AddDate(0, 0, days.Draw(t, label))
			if rapid.Bool().Draw(t, "date") {
				return On(DateOf(day.Year(), day.Month(), day.Day()))
			}
			return AtInstant(InstantOf(day) + Instant(rapid.Int64Range(0, 86_399_999_999).Draw(t, "microseconds")))
		})).Draw(t, label)
	}
	overdrafts := rapid.SampledFrom([]Overdraft{OverdraftAllow, OverdraftReject, OverdraftStopAtZero})
	instants := rapid.SampledFrom([]Instant{0, 1, lastInstant})
	limited := func(o Overdraft) (limit OverdraftLimit) {
		if text := rapid.SampledFrom([]string{"", "0", "20.5"}).Draw(t, "limit"); text != "" && o == OverdraftAllow {
			limit = OverdraftLimitOf(MustAmount(text))
		}
		return limit
	}
	switch rapid.IntRange(0, 12).Draw(t, "type") {
	case 10, 11, 12:
		return anyOnSchedule(t, id("schedule"), amount, text("description"), metadata())
	case 6:
		op := Hold{
			HoldID: id("hold"), Amount: amount, Until: instants.Draw(t, "until"), ItemID: text("item"), PriceID: text("price"),
			Overdraft: overdrafts.Draw(t, "overdraft"), Description: text("description"), Metadata: metadata(),
		}
		op.OverdraftLimit = limited(op.Overdraft)
		return op
	case 7:
		op := ExtendHold{
			HoldID: id("hold"), Until: instants.Draw(t, "until"),
			Overdraft: overdrafts.Draw(t, "overdraft"), Description: text("description"), Metadata: metadata(),
		}
		op.OverdraftLimit = limited(op.Overdraft)
		if rapid.Bool().Draw(t, "more") {
			op.Amount = amount
		}
		return op
	case 8:
		op := Capture{
			HoldID: id("hold"), Overdraft: overdrafts.Draw(t, "overdraft"),
			AfterLapse:  rapid.SampledFrom([]AfterLapse{AfterLapseCharge, AfterLapseRefuse}).Draw(t, "after lapse"),
			Description: text("description"), Metadata: metadata(),
		}
		op.OverdraftLimit = limited(op.Overdraft)
		if rapid.Bool().Draw(t, "more than 0") {
			op.Amount, op.KeepOpen = amount, rapid.Bool().Draw(t, "keep open")
		}
		return op
	case 9:
		return Release{HoldID: id("hold"), Description: text("description"), Metadata: metadata()}
	case 0:
		op := Increment{
			Amount: amount, BlockID: text("block"), EffectiveAt: when("effective", When{}), ExpiresAt: when("expires", When{}, Never()),
			Priority: rapid.Int32().Draw(t, "priority"), Source: rapid.SampledFrom([]Source{SourceManual, SourceAllocation, SourceTopUp, SourceCommitment}).Draw(t, "source"),
			RequirePayment: rapid.Bool().Draw(t, "payment"), Repay: rapid.SampledFrom([]Repay{RepayDefault, RepayFirst, RepayNever}).Draw(t, "repay"),
			InvoiceID: text("invoice"), Description: text("description"), Metadata: metadata(),
		}
		if basis := rapid.SampledFrom([]string{"", "0", "0.20", "0.2"}).Draw(t, "cost basis"); basis != "" {
			op.CostBasis = MustCostBasis(basis)
		}
		if rapid.Bool().Draw(t, "filtered") {
			op.Filters = []Filter{{FilterFieldItem, FilterIncludes, []string{"api"}}, {FilterFieldItem, FilterExcludes, []string{id("value"), "b"}}}
		}
		if op.check() != nil { // the expiry is not after the effective date
			op.EffectiveAt = When{}
		}
		return op
	case 1:
		op := Decrement{
			Amount: amount, ItemID: text("item"), PriceID: text("price"), InvoiceID: text("invoice"),
			Overdraft: overdrafts.Draw(t, "overdraft"), Description: text("description"), Metadata: metadata(),
		}
		op.UsageAt, op.OverdraftLimit = instants.Draw(t, "usage"), limited(op.Overdraft)
		return op
	case 2:
		op := ExpirationChange{
			BlockID: id("block"), ExpiresAt: when("expires", When{}), Target: when("target", Never()),
			NewBlockID: text("new block"), Description: text("description"), Metadata: metadata(),
		}
		if rapid.Bool().Draw(t, "part") {
			op.Amount = amount
		}
		return op
	case 3:
		return Void{BlockID: id("block"), Amount: amount, Reason: rapid.SampledFrom([]string{"", VoidRefund}).Draw(t, "reason"), Description: text("description"), Metadata: metadata()}
	case 4:
		return Amendment{BlockID: id("block"), Amount: amount, Description: text("description"), Metadata: metadata()}
	}
	if op := (Reverse{Description: text("description"), Metadata: metadata()}); rapid.Bool().Draw(t, "reverse") {
		op.Charge, op.Entry = Key(id("charge")), 0
		if rapid.Bool().Draw(t, "by entry") {
			op.Charge, op.Entry = "", rapid.Uint64Min(1).Draw(t, "entry")
		}
		if rapid.Bool().Draw(t, "part") {
			op.Amount = amount
		}
		return op
	}
	return Activation{BlockID: id("block"), Description: text("description"), Metadata: metadata()}
}

var epochDay = mustValue(ParseInstant("2020-01-01T00:00:00Z")).Time()

// TestOperationsSurviveJSON: what encoding/json writes of an operation it reads back as
// the same operation, into its type and by its name.
func TestOperationsSurviveJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := anyOperation(t)
		if err := op.check(); err != nil {
			t.Fatalf("the generator made %+v: %v", op, err)
		}
		data, err := json.Marshal(op)
		if err != nil {
			t.Fatalf("%+v: %v", op, err)
		}
		typed := reflect.New(reflect.TypeOf(op))
		if err := json.Unmarshal(data, typed.Interface()); err != nil || !reflect.DeepEqual(typed.Elem().Interface(), op) {
			t.Fatalf("%#v\nis written as %s\nand read as %#v, %v", op, data, typed.Elem(), err)
		}
		named, err := UnmarshalOperation(data)
		if err != nil || !reflect.DeepEqual(named, op) {
			t.Fatalf("%#v\nis written as %s\nand by its name read as %#v, %v", op, data, named, err)
		}
	})
}

// TestOperationsInJSON: the words are those of operations files.
func TestOperationsInJSON(t *testing.T) {
	day := On(DateOf(2041, 1, 1))
	for _, c := range []struct {
		op   Operation
		want string
	}{
		{Increment{Amount: AmountOf(100)}, `{"op":"increment","amount":"100"}`},
		{Increment{
			Amount: AmountOf(100), BlockID: "b", EffectiveAt: AtInstant(when("2040-01-01")), ExpiresAt: day, CostBasis: MustCostBasis("0.20"), Priority: -1,
			Filters: []Filter{{FilterFieldItem, FilterExcludes, []string{"api"}}}, Source: SourceTopUp, RequirePayment: true, Repay: RepayNever, InvoiceID: "i", Description: "d", Metadata: map[string]string{"k": "v"},
		}, `{"op":"increment","amount":"100","block_id":"b","effective_date":"2040-01-01T00:00:00Z","expiry_date":"2041-01-01","per_unit_cost_basis":"0.20","priority":-1,` +
			`"filters":[{"field":"item_id","operator":"excludes","values":["api"]}],"source":"top_up","require_payment":true,"repay":"never","invoice_id":"i","description":"d","metadata":{"k":"v"}}`},
		{Increment{Amount: AmountOf(1), ExpiresAt: Never()}, `{"op":"increment","amount":"1","expiry_date":null}`},
		{Decrement{Amount: AmountOf(1), OverdraftLimit: OverdraftLimitOf(Amount{})}, `{"op":"decrement","amount":"1","overdraft_limit":"0"}`},
		{Decrement{Amount: AmountOf(1), ItemID: "api", PriceID: "p", InvoiceID: "i", Overdraft: OverdraftStopAtZero, UsageAt: when("2040-01-01")},
			`{"op":"decrement","amount":"1","item_id":"api","price_id":"p","invoice_id":"i","overdraft":"stop_at_zero","usage_at":"2040-01-01T00:00:00Z"}`},
		{Reverse{Charge: "k", Amount: AmountOf(2), Description: "d"}, `{"op":"reverse","charge":"k","amount":"2","description":"d"}`},
		{Reverse{Entry: 7}, `{"op":"reverse","entry":7}`},
		{Hold{HoldID: "h", Amount: AmountOf(2), Until: when("2040-01-01"), ItemID: "api", PriceID: "p", Overdraft: OverdraftAllow, OverdraftLimit: OverdraftLimitOf(Amount{})},
			`{"op":"hold","hold_id":"h","amount":"2","until":"2040-01-01T00:00:00Z","item_id":"api","price_id":"p","overdraft":"allow","overdraft_limit":"0"}`},
		{ExtendHold{HoldID: "h", Amount: AmountOf(2)}, `{"op":"extend_hold","hold_id":"h","amount":"2"}`},
		{Capture{HoldID: "h", Amount: AmountOf(2), KeepOpen: true, AfterLapse: AfterLapseRefuse}, `{"op":"capture","hold_id":"h","amount":"2","keep_open":true,"after_lapse":"refuse"}`},
		{Capture{HoldID: "h"}, `{"op":"capture","hold_id":"h","amount":"0"}`},
		{Release{HoldID: "h", Description: "d"}, `{"op":"release","hold_id":"h","description":"d"}`},
		{ExpirationChange{BlockID: "b", Target: Never()}, `{"op":"expiration_change","block_id":"b","target_expiry_date":null}`},
		{ExpirationChange{ExpiresAt: day, Target: day, Amount: AmountOf(2), NewBlockID: "n"},
			`{"op":"expiration_change","expiry_date":"2041-01-01","target_expiry_date":"2041-01-01","amount":"2","new_block_id":"n"}`},
		{Void{BlockID: "b", Amount: AmountOf(1), Reason: VoidRefund}, `{"op":"void","block_id":"b","amount":"1","void_reason":"refund"}`},
		{Amendment{BlockID: "b", Amount: AmountOf(1)}, `{"op":"amendment","block_id":"b","amount":"1"}`},
		{Activation{BlockID: "b"}, `{"op":"activate","block_id":"b"}`},
		{Batch{Activation{BlockID: "b"}, Decrement{Amount: AmountOf(1)}}, `{"op":"batch","operations":[{"op":"activate","block_id":"b"},{"op":"decrement","amount":"1"}]}`},
	} {
		if data, err := json.Marshal(c.op); err != nil || string(data) != c.want {
			t.Errorf("%+v is written as\n%s, %v, want\n%s", c.op, data, err, c.want)
		}
		typed := reflect.New(reflect.TypeOf(c.op))
		if err := json.Unmarshal([]byte(c.want), typed.Interface()); err != nil || !reflect.DeepEqual(typed.Elem().Interface(), c.op) {
			t.Errorf("%s is read into its type as\n%#v, %v", c.want, typed.Elem(), err)
		}
		if op, err := UnmarshalOperation([]byte(c.want)); err != nil || !reflect.DeepEqual(op, c.op) {
			t.Errorf("%s is read as\n%#v, %v, want\n%#v", c.want, op, err, c.op)
		}
	}
}

// TestOperationKeysAreComplete: no field of an operation is forgotten.
func TestOperationKeysAreComplete(t *testing.T) {
	for _, op := range []interface{ fields([]field) []field }{
		&Increment{}, &Decrement{}, &ExpirationChange{}, &Void{}, &Amendment{}, &Activation{}, &Reverse{}, &Hold{}, &ExtendHold{}, &Capture{}, &Release{},
	} {
		v := reflect.ValueOf(op).Elem()
		written := map[uintptr]bool{}
		for _, f := range op.fields(nil) {
			written[reflect.ValueOf(f.value.json()).Pointer()] = true
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && !written[v.Field(i).Addr().Pointer()] {
				t.Errorf("%s of %T has no key", v.Type().Field(i).Name, op)
			}
		}
	}
}

// TestOperationKeysAreOptional: null is the same as leaving a key out, and a null in
// metadata is no pair.
func TestOperationKeysAreOptional(t *testing.T) {
	op, err := UnmarshalOperation([]byte(` {"op":"increment","amount":1e2,"effective_date":null,"filters":null,"source":null,"repay":null,"priority":null,"metadata":{"a":null,"b":"c"}} `))
	want := Increment{Amount: AmountOf(100), Metadata: map[string]string{"b": "c"}}
	if err != nil || !reflect.DeepEqual(op, want) {
		t.Errorf("%#v, %v", op, err)
	}
	op, err = UnmarshalOperation([]byte(`{"op":"expiration_change","block_id":"b","expiry_date":null,"target_expiry_date":"2041-01-01","amount":null}`))
	if want := (ExpirationChange{BlockID: "b", Target: On(DateOf(2041, 1, 1))}); err != nil || !reflect.DeepEqual(op, want) {
		t.Errorf("%#v, %v", op, err)
	}
	var typed Increment // whose name need not be said
	if err := json.Unmarshal([]byte(`{"amount":"100","metadata":{"b":"c"}}`), &typed); err != nil || !reflect.DeepEqual(typed, want) {
		t.Errorf("%#v, %v", typed, err)
	}
}

// TestBadOperationsInJSON: what is misspelt, said twice or impossible is refused, and
// the operation that was to be read stays as it was.
func TestBadOperationsInJSON(t *testing.T) {
	deep := `{"op":"batch","operations":[`
	for _, c := range []struct{ text, field string }{
		{``, "op"}, {`null`, "op"}, {`[]`, "op"}, {`1`, "op"}, {`{}`, "op"}, {`{"op":null}`, "op"}, {`{"op":1}`, "op"}, {`{"op":"grant"}`, "op"}, {`{"op":"expire"}`, "op"},
		{`{"op":"increment","amount":"1"`, "op"}, {`{"op":"increment","amount":"1"} {}`, "op"}, {`{"op":"increment"}`, "amount"}, {`{"op":"increment","amount":null}`, "amount"},
		{`{"op":"increment","amount":"1","expiry":"2041-01-01"}`, "op"}, {`{"op":"increment","amount":"1","Expiry_date":"2041-01-01"}`, "op"}, {`{"OP":"increment","amount":"1"}`, "op"},
		{`{"op":"increment","amount":"1","expiry_date":"2041-01-01","expiry_date":null}`, "op"}, {`{"op":"increment","amount":"1","metadata":{"a":"1","a":"2"}}`, "op"},
		{`{"op":"increment","amount":"1","filters":[{"field":"item_id","operator":"includes","values":["a"],"values":["b"]}]}`, "op"},
		{`{"op":"increment","amount":"1","filters":[{"field":"item_id","operator":"includes","value":["a"]}]}`, "filters"},
		{`{"op":"increment","amount":"1","filters":[{"field":"item","operator":"includes","values":["a"]}]}`, "filters"},
		{`{"op":"increment","amount":true}`, "amount"}, {`{"op":"increment","amount":{"amount":1}}`, "amount"}, {`{"op":"increment","amount":"1e1000000000"}`, "amount"}, {`{"op":"increment","amount":-1}`, "amount"},
		{`{"op":"increment","amount":1,"expiry_date":"2041-02-30"}`, "expiry_date"}, {`{"op":"increment","amount":1,"expiry_date":20410101}`, "expiry_date"}, {`{"op":"increment","amount":1,"effective_date":"never"}`, "effective_date"},
		{`{"op":"increment","amount":1,"priority":1.5}`, "priority"}, {`{"op":"increment","amount":1,"priority":4294967296}`, "priority"}, {`{"op":"increment","amount":1,"source":""}`, "source"}, {`{"op":"increment","amount":1,"source":2}`, "source"},
		{`{"op":"increment","amount":1,"repay":"default"}`, "repay"}, {`{"op":"increment","amount":1,"require_payment":"yes"}`, "require_payment"}, {`{"op":"increment","amount":1,"metadata":{"a":1}}`, "metadata"},
		{"{\"op\":\"activate\",\"block_id\":\"\xff\"}", "op"}, {`{"op":"activate","block_id":"\ud83d"}`, "op"}, {`{"op":"activate","block_id":"\udcb3\ud83d"}`, "op"}, {`{"op":"activate","block_id":"\ud83d\\udcb3"}`, "op"},
		{`{"op":"decrement","amount":1,"overdraft_limit":"lots"}`, "overdraft_limit"}, {`{"op":"decrement","amount":1,"overdraft_limit":-1}`, "overdraft_limit"}, {`{"op":"decrement","amount":1,"overdraft":"stop"}`, "overdraft"},
		{`{"op":"decrement","amount":1,"overdraft":"reject","usage_at":"2041-01-01"}`, "usage_at"},
		{`{"op":"expiration_change","block_id":"b"}`, "target_expiry_date"}, {`{"op":"expiration_change","block_id":"b","target_expiry_date":""}`, "target_expiry_date"}, {`{"op":"void","block_id":"b","amount":1,"void_reason":"whim"}`, "void_reason"},
		{`{"op":"hold","hold_id":"h"}`, "amount"}, {`{"op":"hold","amount":1}`, "hold_id"}, {`{"op":"hold","hold_id":"h","amount":1,"until":"2041-01-01"}`, "until"}, {`{"op":"hold","hold_id":"h","amount":1,"overdraft_limit":1}`, "overdraft_limit"},
		{`{"op":"extend_hold","hold_id":"h","amount":-1}`, "amount"}, {`{"op":"capture","hold_id":"h","amount":0,"keep_open":true}`, "keep_open"}, {`{"op":"capture","hold_id":"h","amount":1,"after_lapse":"pay"}`, "after_lapse"}, {`{"op":"release"}`, "hold_id"},
		{`{"op":"batch"}`, "operations"}, {`{"op":"batch","operations":[]}`, "operations"}, {`{"op":"batch","operations":[null]}`, "op"}, {`{"op":"batch","operations":{}}`, "operations"},
		{`{"op":"batch","operations":[{"op":"void","block_id":"b"}]}`, "amount"}, {strings.Repeat(deep, 2000) + strings.Repeat("]}", 2000), "operations"}, {deep + strings.Repeat("1,", MaxBatch) + "1]}", "operations"},
	} {
		op, err := UnmarshalOperation([]byte(c.text))
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != c.field || op != nil {
			t.Errorf("%.200s is read as %v, %v, want it refused for %s", c.text, op, err, c.field)
		}
	}
	kept := Increment{Amount: AmountOf(7)}
	for _, text := range []string{`{"op":"void","amount":"1"}`, `{"amount":"x"}`, `{"amount":"1","amount":"1"}`, `{"amount":"0"}`, `[]`} {
		if err := json.Unmarshal([]byte(text), &kept); !errors.Is(err, ErrInvalid) || !reflect.DeepEqual(kept, Increment{Amount: AmountOf(7)}) {
			t.Errorf("%s is read as %+v, %v", text, kept, err)
		}
	}
	pair, err := UnmarshalOperation([]byte(`{"op":"activate","block_id":"\ud83d\udcb3 \\ud83d"}`))
	if want := (Activation{BlockID: "\U0001F4B3 \\ud83d"}); err != nil || !reflect.DeepEqual(pair, want) {
		t.Errorf("a whole pair is read as %+v, %v", pair, err)
	}
}

// TestBadOperationsAreNotWritten: what would be read back as something else.
func TestBadOperationsAreNotWritten(t *testing.T) {
	for _, op := range []Operation{
		Increment{}, Increment{Amount: AmountOf(1), ExpiresAt: On(0)}, Increment{Amount: AmountOf(1), Source: 9}, Increment{Amount: AmountOf(1), Repay: 9}, Activation{BlockID: "\xff"},
		Increment{Amount: AmountOf(1), Filters: []Filter{{Operator: 9, Values: []string{"a"}}}}, Decrement{Amount: AmountOf(1), UsageAt: -1, Overdraft: OverdraftReject}, Capture{HoldID: "h", AfterLapse: 9}, Hold{HoldID: "h", Amount: AmountOf(1), Until: -1}, Batch{}, Batch{nil}, Batch{Batch{}}, Batch{Void{}},
	} {
		if data, err := json.Marshal(op); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v is written as %s, %v", op, data, err)
		}
	}
}

// TestValuesSurviveTextAndJSON: every value that stands in an operation or a query is
// read back as it was written, and text that is none is an InvalidError that leaves
// what it was read into.
func TestValuesSurviveTextAndJSON(t *testing.T) {
	valueSurvives(t, []Amount{{}, AmountOf(-5), MustAmount("0.5")}, "", "x", "1e99", " 1")
	valueSurvives(t, []CostBasis{{}, MustCostBasis("0.20"), MustCostBasis("0")}, "x", "-1", "1e2")
	valueSurvives(t, []OverdraftLimit{{}, OverdraftLimitOf(Amount{}), OverdraftLimitOf(MustAmount("12.5"))}, "x", "1e99")
	valueSurvives(t, []Instant{0, 1, lastInstant, when("2041-01-01")}, "x", "2041-01-01", "10000-01-01T00:00:00Z")
	valueSurvives(t, []Date{0, DateOf(1, 1, 1), DateOf(9999, 12, 31), DateOf(2024, 2, 29)}, "x", "2023-02-29", "2024-2-29", "2024-02-29T00:00:00Z", "20240229")
	valueSurvives(t, []When{{}, Never(), On(DateOf(2041, 1, 1)), AtInstant(1), AtInstant(lastInstant)}, "x", "Never", "2041-02-30", "10000-01-01")
	valueSurvives(t, []BlockStatus{BlockActive, BlockPendingPayment}, "", "unknown(9)")
	valueSurvives(t, []Source{SourceManual, SourceAllocation, SourceTopUp, SourceCommitment}, "", "Manual")
	valueSurvives(t, []FilterField{FilterFieldItem, FilterFieldPrice, FilterFieldPriceType, FilterFieldCurrency, FilterFieldPricingUnit}, "", "item")
	valueSurvives(t, []FilterOperator{FilterIncludes, FilterExcludes}, "", "include")
	valueSurvives(t, []Repay{RepayDefault, RepayFirst, RepayNever}, "default")
	valueSurvives(t, []Overdraft{OverdraftDefault, OverdraftAllow, OverdraftReject, OverdraftStopAtZero}, "default", "limit")
	valueSurvives(t, []EntryType{0, EntryIncrement, EntryAmendment}, "grant")
	valueSurvives(t, []EntryStatus{0, EntryCommitted, EntryPending}, "done")
	valueSurvives(t, []Reason{0, ReasonFiltered, ReasonNotNeeded}, "why")
	for _, v := range []interface{ MarshalText() ([]byte, error) }{
		Instant(-1), lastInstant + 1, Date(20230230), Date(-1), On(0), AtInstant(-1), BlockStatus(9), Source(9), FilterField(9), FilterOperator(9), Repay(9), Overdraft(9), EntryType(9), EntryStatus(9), Reason(9),
	} {
		text, err := v.MarshalText()
		if data, jsonErr := json.Marshal(v); !errors.Is(err, ErrInvalid) || !errors.Is(jsonErr, ErrInvalid) {
			t.Errorf("%T %v is written as %q, %v and %s, %v", v, v, text, err, data, jsonErr)
		}
	}
}

func valueSurvives[T comparable, P interface {
	*T
	UnmarshalText([]byte) error
}](t *testing.T, values []T, refused ...string) {
	t.Helper()
	for _, v := range values {
		text, err := any(v).(interface{ MarshalText() ([]byte, error) }).MarshalText()
		var read T
		if err == nil {
			err = P(&read).UnmarshalText(text)
		}
		if err != nil || read != v {
			t.Errorf("%T %v is written as %q and read as %v, %v", v, v, text, read, err)
		}
		type holder struct{ V T }
		data, err := json.Marshal(holder{v})
		var held holder
		if err == nil {
			err = json.Unmarshal(data, &held)
		}
		if err != nil || held.V != v {
			t.Errorf("%T %v is written as %s and read as %v, %v", v, v, data, held.V, err)
		}
	}
	last := values[len(values)-1]
	for _, text := range append(refused, "\xff", strings.Repeat("9", 1000)) {
		var invalid *InvalidError
		kept := last
		if err := P(&kept).UnmarshalText([]byte(text)); !errors.As(err, &invalid) || kept != last {
			t.Errorf("%T reads %.50q as %v, %v", kept, text, kept, err)
		}
		if err := json.Unmarshal(mustValue(json.Marshal(map[string]string{"V": text})), &struct{ V *T }{&kept}); !errors.As(err, &invalid) || kept != last {
			t.Errorf("%T reads %.50q in JSON as %v, %v", kept, text, kept, err)
		}
	}
}

// TestQueriesSurviveJSON: what a query asks for is the same after encoding/json.
func TestQueriesSurviveJSON(t *testing.T) {
	querySurvives(t, EntriesQuery{
		Ascending: true, Limit: 7, Cursor: "c", Type: EntryVoid, Status: EntryPending, After: 1, From: 2, Before: lastInstant, Until: 4, MinAmount: MustAmount("0.5"),
	})
	querySurvives(t, EntriesQuery{})
	querySurvives(t, BlocksQuery{All: true, Limit: 7, Cursor: "c"})
	querySurvives(t, BalanceQuery{At: 7, Charge: Charge{ItemID: "api"}})
}

func querySurvives[T comparable](t *testing.T, q T) {
	t.Helper()
	data, err := json.Marshal(q)
	var back T
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil || back != q {
		t.Errorf("%+v is written as %s and read as %+v, %v", q, data, back, err)
	}
}
