package creditledger

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// texts that are no id: what is wrong, and the text.
var badIDs = map[string]string{
	"a byte too long":                strings.Repeat("a", MaxID+1),
	"a byte too long, multi-byte":    strings.Repeat("é", 127) + "aa",
	"a megabyte":                     strings.Repeat("a", 1<<20),
	"not UTF-8":                      "a\xff",
	"half a rune":                    "a\xc3",
	"a surrogate in UTF-8":           "\xed\xa0\x80",
	"an overlong encoding":           "\xc0\xaf",
	"a zero byte":                    "a\x00",
	"a line break":                   "a\nb",
	"a carriage return":              "a\rb",
	"a tab":                          "a\tb",
	"an escape sequence":             "\x1b[31m",
	"a delete character":             "a\x7f",
	"a control character beyond":     "a\u0085",
	"the last control character":     "a\u009f",
	"a control character at the end": strings.Repeat("a", MaxID-1) + "\x00",
}

// texts that are ids, however odd: each stands for itself.
var goodIDs = []string{
	"a", strings.Repeat("a", MaxID), strings.Repeat("é", 127) + "a", "A", " ", "a b", "/", ".", "..", "../../etc/passwd", "a/b", "a\\b",
	"'; DROP TABLE", "${jndi}", "%s%n", "\u00e9", "e\u0301", "\u202e", "\u200b", "\u00a0", "\u2028", "\ufeff", "日本", "😀", "\"", "`", "0", "null",
}

// idFields names, for every text of every operation, the field of the error. The test
// below fails when an operation has a text that is not here.
var idFields = map[string]string{
	"Increment.BlockID": "block_id", "Increment.InvoiceID": "invoice_id",
	"Decrement.ItemID": "item_id", "Decrement.PriceID": "price_id", "Decrement.InvoiceID": "invoice_id",
	"ExpirationChange.BlockID": "block_id", "ExpirationChange.NewBlockID": "new_block_id",
	"Void.BlockID": "block_id", "Amendment.BlockID": "block_id", "Activation.BlockID": "block_id",
}

// required are the ids that an operation cannot do without.
var required = []string{"Void.BlockID", "Amendment.BlockID", "Activation.BlockID"}

// plain gives one valid operation of every kind.
func plain() []Operation {
	return []Operation{
		grant("A", "1"), spend("1"), byBoth(extend("A", "1", "never", "N"), "2026-06-01"), voidOf("A", "1"), amend("A", "1"), Activation{BlockID: "A"},
	}
}

// with returns an operation with one field set by name.
func with(op Operation, field string, value any) Operation {
	v := reflect.New(reflect.TypeOf(op)).Elem()
	v.Set(reflect.ValueOf(op))
	v.FieldByName(field).Set(reflect.ValueOf(value))
	return v.Interface().(Operation)
}

func checkField(t *testing.T, err error, field string) {
	t.Helper()
	var invalid *InvalidError
	if !errors.As(err, &invalid) || invalid.Field != field {
		t.Errorf("got %v, want an InvalidError for %s", err, field)
	}
	if err != nil && (len(err.Error()) > 500 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f })) {
		t.Errorf("the message is long or has control characters: %q", err.Error())
	}
}

func TestOperationTexts(t *testing.T) {
	for _, op := range plain() {
		if err := op.check(); err != nil {
			t.Fatalf("%s: %v", op.Name(), err)
		}
		kind := reflect.TypeOf(op)
		for i := range kind.NumField() {
			f := kind.Field(i)
			if f.Type.Kind() != reflect.String {
				continue
			}
			name := kind.Name() + "." + f.Name
			switch f.Name {
			case "Description":
				checkDescriptions(t, op)
				continue
			case "Reason":
				continue // TestVoid
			}
			field, known := idFields[name]
			if !known {
				t.Errorf("%s is checked by no test", name)
			}
			for what, text := range badIDs {
				t.Run(name+" "+what, func(t *testing.T) { checkField(t, with(op, f.Name, text).check(), field) })
			}
			for _, text := range goodIDs {
				if err := with(op, f.Name, text).check(); err != nil {
					t.Errorf("%s %q: %v", name, text, err)
				}
			}
			if err := with(op, f.Name, "").check(); (err != nil) != slices.Contains(required, name) {
				t.Errorf("%s empty: %v", name, err)
			}
		}
	}
}

func checkDescriptions(t *testing.T, op Operation) {
	t.Helper()
	for _, text := range []string{
		strings.Repeat("a", MaxDescription+1), strings.Repeat("é", MaxDescription/2) + "a", "\xff", "\x00", "\x1b[31m", "\x7f", "\u0085", "a\vb", "a\fb",
	} {
		t.Run(op.Name()+" description", func(t *testing.T) { checkField(t, with(op, "Description", text).check(), "description") })
	}
	for _, text := range []string{"", strings.Repeat("a", MaxDescription), strings.Repeat("é", MaxDescription/2), "two\nlines\r\n\tindented", "\u202e"} {
		if err := with(op, "Description", text).check(); err != nil {
			t.Errorf("%s description %q: %v", op.Name(), text, err)
		}
	}
}

func TestMetadata(t *testing.T) {
	pairs := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprint(i)] = "v"
		}
		return m
	}
	for _, c := range []struct {
		rule     string
		metadata map[string]string
		ok       bool
	}{
		{"none", nil, true},
		{"empty", map[string]string{}, true},
		{"as many pairs as there may be", pairs(MaxMetadataPairs), true},
		{"a pair more", pairs(MaxMetadataPairs + 1), false},
		{"very many", pairs(100_000), false},
		{"a key as long as it may be", map[string]string{strings.Repeat("k", MaxMetadataKey): "v"}, true},
		{"a key of as many bytes as it may have", map[string]string{strings.Repeat("é", MaxMetadataKey/2): "v"}, true},
		{"a byte more in a key", map[string]string{strings.Repeat("k", MaxMetadataKey+1): "v"}, false},
		{"an empty key", map[string]string{"": "v"}, false},
		{"an empty value", map[string]string{"k": ""}, true},
		{"a value as long as it may be", map[string]string{"k": strings.Repeat("v", MaxMetadataValue)}, true},
		{"a byte more in a value", map[string]string{"k": strings.Repeat("v", MaxMetadataValue+1)}, false},
		{"a key that is not UTF-8", map[string]string{"\xff": "v"}, false},
		{"a value that is not UTF-8", map[string]string{"k": "\xff"}, false},
		{"a control character in a key", map[string]string{"a\n": "v"}, false},
		{"a control character in a value", map[string]string{"k": "a\x00"}, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for _, op := range plain() {
				err := with(op, "Metadata", c.metadata).check()
				if c.ok && err != nil {
					t.Errorf("%s: %v", op.Name(), err)
				}
				if !c.ok {
					checkField(t, err, "metadata")
				}
			}
		})
	}
	// The message does not depend on the order of a map.
	bad := map[string]string{"c\n": "", "a": "\xff", "b": strings.Repeat("v", 501), "": ""}
	first := checkMetadata(bad).Error()
	for range 50 {
		if got := checkMetadata(bad).Error(); got != first {
			t.Fatalf("%s and %s", first, got)
		}
	}
}

func TestOperationChecks(t *testing.T) {
	minus := AmountOf(-1)
	day := On(DateOf(2026, 2, 1))
	for _, c := range []struct {
		rule, field string
		op          Operation
	}{
		{"an amount of 0", "amount", Increment{}},
		{"an amount below 0", "amount", Increment{Amount: minus}},
		{"effective never", "effective_date", Increment{Amount: AmountOf(1), EffectiveAt: Never()}},
		{"an unknown source", "source", Increment{Amount: AmountOf(1), Source: 4}},
		{"an unknown repayment", "repay", Increment{Amount: AmountOf(1), Repay: 3}},
		{"spending 0", "amount", Decrement{}},
		{"spending less than 0", "amount", Decrement{Amount: minus}},
		{"an unknown overdraft policy", "overdraft", Decrement{Amount: AmountOf(1), Overdraft: 4}},
		{"a limit with reject", "overdraft_limit", spend("1", policy(OverdraftReject), limit("5"))},
		{"a limit with stop_at_zero", "overdraft_limit", spend("1", policy(OverdraftStopAtZero), limit("0"))},
		{"a limit below 0", "overdraft_limit", spend("1", limit("-0.1"))},
		{"eligible before an instant, with allow", "eligible_before", spend("1", eligible("2026-01-01"))},
		{"usage at an instant that does not exist", "usage_at", spend("1", func(op *Decrement) { op.UsageAt = -1 })},
		{"a reversal of nothing", "charge", Reverse{}},
		{"a reversal of a charge and an entry", "entry", Reverse{Charge: "k", Entry: 1}},
		{"a reversal of less than nothing", "amount", Reverse{Charge: "k", Amount: MustAmount("-1")}},
		{"a reversal of a key that is none", "charge", Reverse{Charge: "\x00"}},
		{"eligible before an instant that does not exist", "eligible_before", spend("1", policy(OverdraftReject), func(op *Decrement) { op.eligibleBefore = -1 })},
		{"nothing names the source", "block_id", ExpirationChange{Target: Never()}},
		{"a source that never expires, by its expiry", "expiry_date", ExpirationChange{ExpiresAt: Never(), Target: Never()}},
		{"a block that never expires, by both", "expiry_date", ExpirationChange{BlockID: "A", ExpiresAt: Never(), Target: Never()}},
		{"no target", "target_expiry_date", ExpirationChange{BlockID: "A"}},
		{"moving less than 0", "amount", ExpirationChange{BlockID: "A", Target: day, Amount: minus}},
		{"voiding 0", "amount", Void{BlockID: "A"}},
		{"voiding less than 0", "amount", Void{BlockID: "A", Amount: minus}},
		{"an unknown reason", "void_reason", Void{BlockID: "A", Amount: AmountOf(1), Reason: "Refund"}},
		{"giving back 0", "amount", Amendment{BlockID: "A"}},
		{"giving back less than 0", "amount", Amendment{BlockID: "A", Amount: minus}},
		{"an empty batch", "operations", Batch{}},
		{"a batch that is too long", "operations", slices.Repeat(Batch{spend("1")}, MaxBatch+1)},
		{"an operation missing", "operations", Batch{spend("1"), nil}},
		{"a batch in a batch", "operations", Batch{Batch{spend("1")}}},
		{"a wrong operation in a batch", "operations[1].amount", Batch{spend("1"), spend("0")}},
	} {
		t.Run(c.rule, func(t *testing.T) { checkField(t, checkOperation(c.op), c.field) })
	}
	for rule, op := range map[string]Operation{
		"an expiry of never":                 Increment{Amount: AmountOf(1), ExpiresAt: Never()},
		"a limit of 0":                       spend("1", limit("0")),
		"a source by its expiry":             ExpirationChange{ExpiresAt: day, Target: Never()},
		"moving all":                         ExpirationChange{BlockID: "A", Target: day},
		"to the expiry it has":               ExpirationChange{ExpiresAt: day, Target: day},
		"a refund":                           Void{BlockID: "A", Amount: AmountOf(1), Reason: VoidRefund},
		"a batch of as many as there may be": slices.Repeat(Batch{spend("1")}, MaxBatch),
		"one operation in a batch":           Batch{Activation{BlockID: "A"}},
	} {
		if err := checkOperation(op); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// TestSpan: where the dates alone show that the expiry is not after the effective
// date, no customer has to be asked for a time zone.
func TestSpan(t *testing.T) {
	date := func(day int) When { return On(DateOf(2026, 2, day)) }
	instant := func(day int) When { return AtInstant(DateOf(2026, 2, day).FirstInstant(mustZone("UTC"))) }
	for _, c := range []struct {
		rule               string
		effective, expires When
		ok                 bool
	}{
		{"dates in order", date(1), date(2), true},
		{"one date", date(1), date(1), false},
		{"dates the wrong way round", date(2), date(1), false},
		{"one instant", instant(1), instant(1), false},
		{"an instant and a microsecond later", instant(1), AtInstant(instant(1).Instant() + 1), true},
		{"instants the wrong way round", instant(2), instant(1), false},
		{"a date and an instant cannot be compared yet", date(2), instant(1), true},
		{"an instant and a date neither", instant(2), date(1), true},
		{"no effective date", When{}, date(1), true},
		{"no expiry", date(1), When{}, true},
		{"an expiry of never", date(1), Never(), true},
	} {
		if err := checkSpan(c.effective, c.expires); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}
