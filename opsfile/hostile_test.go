package opsfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

// Every key of every op is given every hostile JSON value. The keys are those that
// the readers ask for, so a new one is tried without a word.

// hostileLines are one acceptable line of every op; the keys that are not in it are
// found by asking.
var hostileLines = map[string]map[string]string{
	"hold":              {"customer_id": `"c"`, "hold_id": `"new"`, "amount": `"1"`, "until": `"2000-01-01T00:10:00Z"`, "item_id": `"i"`, "price_id": `"p"`, "overdraft": `"allow"`, "overdraft_limit": `"1"`, "description": `"d"`, "metadata": `{"k":"v"}`, "idempotency_key": `"k"`},
	"extend_hold":       {"customer_id": `"c"`, "hold_id": `"h"`, "amount": `"1"`, "until": `"2000-01-01T00:20:00Z"`, "overdraft": `"allow"`, "overdraft_limit": `"1"`},
	"capture":           {"customer_id": `"c"`, "hold_id": `"h"`, "amount": `"1"`, "keep_open": `true`, "overdraft": `"allow"`, "overdraft_limit": `"1"`, "after_lapse": `"refuse"`},
	"release":           {"customer_id": `"c"`, "hold_id": `"h"`},
	"schedule":          {"customer_id": `"c"`, "schedule_id": `"new"`, "amount": `"1"`, "every": `{"count":1,"unit":"month"}`, "count": `3`, "expires": `{"count":10,"unit":"day"}`, "rollover": `{"percent":50,"max":"3","max_times":2,"expires":"never"}`},
	"change_schedule":   {"customer_id": `"c"`, "schedule_id": `"s"`, "amount": `"2"`, "when": `"now"`, "expires": `"period_end"`, "metadata": `{"k":null}`},
	"end_schedule":      {"customer_id": `"c"`, "schedule_id": `"s"`, "void_blocks": `true`, "void_reason": `"refund"`},
	"schedules":         {"customer_id": `"c"`},
	"holds":             {"customer_id": `"c"`, "hold_id": `"h"`},
	"increment":         {"customer_id": `"c"`, "amount": `"1"`},
	"decrement":         {"customer_id": `"c"`, "amount": `"1"`},
	"expiration_change": {"customer_id": `"c"`, "block_id": `"b"`, "target_expiry_date": `null`, "amount": `"1"`},
	"void":              {"customer_id": `"c"`, "block_id": `"b"`, "amount": `"1"`},
	"reverse":           {"customer_id": `"c"`, "charge": `"k"`},
	"amendment":         {"customer_id": `"c"`, "block_id": `"b"`, "amount": `"1"`},
	"activate":          {"customer_id": `"c"`, "block_id": `"p"`},
	"batch":             {"customer_id": `"c"`, "operations": `[{"op":"increment","amount":"1"}]`},
	"preview":           {"customer_id": `"c"`, "operation": `{"op":"increment","amount":"1"}`},
	"balance":           {"customer_id": `"c"`},
	"blocks":            {"customer_id": `"c"`},
	"customers":         {"limit": `2`},
	"entries":           {"customer_id": `"c"`},
	"explain":           {"customer_id": `"c"`, "amount": `"1"`},
	"verify":            {"customer_id": `"c"`},
	"erase":             {"customer_id": `"c"`},
	"settings":          {"replace": `false`, "grace_period": `{"count":1,"unit":"hour"}`, "repay": `"first"`, "overdraft": `"allow"`, "settlement": `{"count":1,"unit":"day"}`, "max_hold": `{"count":1,"unit":"day"}`},
	"sweep":             {},
	"clock":             {"now": `"2026-01-01T00:00:00Z"`},
	"customer":          {"id": `"c"`},
	"purchase": {
		"customer_id": `"c"`, "amount": `"1"`, "per_unit_cost_basis": `"0.20"`, "idempotency_key": `"k"`,
		"invoice_settings": `{"auto_collection":true,"net_terms":30,"invoice_id":"i2","require_successful_payment":true,"payment_deadline":"2036-01-01","shift_expiry":true}`,
	},
	"payment":      {"invoice_id": `"i"`, "idempotency_key": `"k"`, "action": `"start"`, "provider": `"cards"`, "provider_id": `"ch"`, "charge_type": `"checkout"`},
	"payout":       {"customer_id": `"c"`, "idempotency_key": `"k"`, "amount": `"1.00 USD"`, "outside_id": `"po"`},
	"void_invoice": {"invoice_id": `"i"`, "idempotency_key": `"k"`},
	"close_period": {"customer_id": `"c"`, "idempotency_key": `"k"`, "start": `"2025-01-01"`, "end": `"2025-02-01"`, "lines": `[{"item_id":"i","quantity":"1","unit_price":"1"}]`},
	"change":       {"customer_id": `"c"`, "idempotency_key": `"k"`, "action": `"cancel"`, "change_id": `"x"`},
	"draft_invoice": {
		"customer_id": `"c"`, "idempotency_key": `"k"`, "lines": `[{"item_id":"i","quantity":"1","unit_price":"1"}]`,
		"invoice_settings": `{"auto_collection":true,"net_terms":30,"invoice_id":"i3","currency":"USD"}`,
	},
	"invoice":          {"invoice_id": `"i"`, "action": `"show"`},
	"credit_note":      {"action": `"create"`, "invoice_id": `"i"`, "idempotency_key": `"k"`, "amount": `"1.00 USD"`},
	"customer_balance": {"customer_id": `"c"`, "idempotency_key": `"k"`, "type": `"increment"`, "amount": `"1.00 USD"`},
	"invoices":         {"customer_id": `"c"`, "status": `"issued"`, "due_date[lt]": `"2026-01-01"`},
	"state":            {"customer_id": `"c"`},
	"all":              {"idempotency_key": `"k"`, "operations": `[{"op":"decrement","customer_id":"c","amount":"1"},{"op":"increment","customer_id":"d","amount":"1"}]`},
	"transfer":         {"idempotency_key": `"k"`, "from": `{"customer_id":"c"}`, "to": `{"customer_id":"d"}`, "amount": `"1"`},
	"seller":           {"number_prefix": `"A-"`, "tax_percent": `"8"`},
}

// keysOf asks a reader for its keys.
func keysOf(op string) []string {
	members := must(decode(line(op, "", "")))
	f := &fields{members: members}
	if read := writers[op]; read != nil {
		(&Request{}).account(f)
		f.key()
		read(f)
	} else {
		readers[op](f, &Request{})
	}
	slices.Sort(f.asked)
	return slices.Compact(f.asked)
}

// heavy marks values of which a few tries are enough, under one key of every type.
func heavy(op, key, raw string) bool {
	tried := op == "increment" && slices.Contains([]string{"amount", "customer_id", "metadata", "filters", "priority", "unknown"}, key) ||
		op == "batch" && key == "operations" || op == "customer" && key == "metadata"
	return len(raw) > 5000 && !tried
}

// brokenValues are no JSON, or none that an operation may hold, under any key.
var brokenValues = []string{
	``, `+1`, `.5`, `5.`, `01`, `-`, `1_000`, `0x10`, `1e`, `NaN`, `Infinity`, `-Infinity`, `١٢`, `'x'`, `"x`, `x"`, `tru`, `undefined`, `[1,]`, `{"a":1,}`, `{a:1}`, `"\x41"`, `"\u12"`,
	"\"a\x00b\"", "\"a\nb\"", "\"\xff\"", "\"\xed\xa0\x80\"", `"\ud800"`, `"\udc00"`, `"\udc00\ud800"`, `"\ud800A"`, `"\ud83d\\ude00"`, `1}{"op":"sweep"`, `1,"op":"sweep"`, `1 1`, `/**/1`,
	`{"k":{"k":1,"k":2}}`, `{"a":1,"\u0061":2}`,
	strings.Repeat("[", 20000) + strings.Repeat("]", 20000), strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), strings.Repeat("[", 1e6),
	`{` + strings.Repeat(`"a":1,`, 1e5) + `"b":1}`, manyKeys(1e5), `[` + strings.Repeat("1,", 1e5) + `1]`,
}

func manyKeys(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&b, `"%d":"",`, i)
	}
	return strings.TrimSuffix(b.String(), ",") + "}"
}

// oddValues are JSON that some key may take and most may not.
var oddValues = slices.Concat([]string{
	`null`, `true`, `false`, `0`, `-0`, `0.0`, `1`, `-1`, `0.10`, `1.50`, `1e2`, `1e-2`, `1e1000000000`, `1E-1000000000`, `9007199254740993`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775809`,
	`2147483647`, `-2147483648`, `2147483648`, `0.1000000000000000055511151231257827`, strings.Repeat("9", 20), strings.Repeat("9", 21), strings.Repeat("9", 39), strings.Repeat("9", 1e6), `0.` + strings.Repeat("0", 18) + `1`,
	`[]`, `{}`, `[null]`, `[""]`, `["a"]`, `[[]]`, `[{}]`, `{"":""}`, `{"a":"b"}`, `{"a":null}`, `{"a":1}`, `{"a":{}}`, `{"op":"sweep"}`, `[{"op":"batch","operations":[]}]`, `{"op":"preview"}`,
	`[{"field":"item_id","operator":"includes","values":["a"]}]`, `[{"field":"item_id","operator":"includes","values":[]}]`, `[{"field":"price_id","operator":"includes","values":["a"]}]`, `[{"field":"item_id","operator":"drop","values":["a"]}]`,
}, quoted(
	"", " ", "+1", "-0", "0.0", "00", ".5", "5.", "1_000", "0x10", "١٢", "1e5", "1e1000000000", "NaN", "Inf", "-Infinity", "1", "0.10", strings.Repeat("9", 39), strings.Repeat("9", 1e6),
	"a", "A", "\u00e9", "e\u0301", "\u202ex", "\u200b", "\x00", "a\r\nb", "\x1b[31m", "\x7f", "\u0085", "../../etc/passwd", "/", ".", "..", "a/b", "'; DROP TABLE x", "${jndi}", "%s%n", "\ufffd", "😀",
	strings.Repeat("a", 255), strings.Repeat("a", 256), strings.Repeat("a", 2700), strings.Repeat("a", 32769), strings.Repeat("a", 1<<20),
	"0000-01-01", "0001-01-01", "2026-02-29", "2028-02-29", "9999-12-31", "10000-01-01", "-001-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "2026-01-01T23:59:60Z", "2026-01-01T24:00:00Z", "2026-01-01t00:00:00z", "2026-01-01 00:00:00Z",
	"0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999-14:00", "2262-04-11T23:47:16.854775808Z", "2026-01-01T00:00:00.0000001Z", "2026-01-01T00:00:00+00:60", "never", "now",
	"UTC", "Local", "../UTC", "/etc/localtime", "America/New_York", "utc", "GMT+25", "allow", "Allow", "reject", "first", "desc", "void", "pending", "refund",
))

func quoted(texts ...string) []string {
	for i, s := range texts {
		texts[i] = string(must(json.Marshal(s)))
	}
	return texts
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// line builds a line with one key set.
func line(op, key, raw string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"op":%q`, op)
	for _, k := range slices.Sorted(maps.Keys(hostileLines[op])) {
		if k != key {
			fmt.Fprintf(&b, `,%q:%s`, k, hostileLines[op][k])
		}
	}
	if key != "" {
		fmt.Fprintf(&b, `,%s:%s`, must(json.Marshal(key)), raw)
	}
	b.WriteByte('}')
	return b.Bytes()
}

type hostileLedger struct {
	*creditledger.Ledger
	store *memory.Store
	clock *Clock
}

func newHostileLedger(t *testing.T) hostileLedger {
	h := hostileLedger{store: memory.New(), clock: &Clock{}}
	h.Ledger = creditledger.New(h.store, &creditledger.Options{Clock: h.clock.Now, Random: rand.NewChaCha8([32]byte{})})
	ctx, on := context.Background(), creditledger.AccountID{Customer: "c"}
	for _, op := range []creditledger.Operation{
		creditledger.Increment{Amount: creditledger.AmountOf(100), BlockID: "b"},
		creditledger.Decrement{Amount: creditledger.AmountOf(10)},
		creditledger.Increment{Amount: creditledger.AmountOf(5), BlockID: "p", RequirePayment: true},
		creditledger.Hold{HoldID: "h", Amount: creditledger.AmountOf(5)},
		creditledger.Schedule{ScheduleID: "s", Amount: creditledger.AmountOf(1), Every: creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth}},
	} {
		must(h.Do(ctx, on, op, ""))
	}
	return h
}

func (h hostileLedger) digest() string { return must(fuzz.Digest(context.Background(), h.store)) }

// try carries a line out and holds what comes of it to the rules for hostile input.
func (h hostileLedger) try(t *testing.T, about string, text []byte) Answer {
	t.Helper()
	before := h.digest()
	var m0, m1 runtime.MemStats
	if len(text) > 5000 {
		runtime.ReadMemStats(&m0)
	}
	request, err := Parse(text)
	if len(text) > 5000 {
		runtime.ReadMemStats(&m1)
	}
	// Reading takes memory in proportion to the line, and not much of it.
	if n := int(m1.TotalAlloc - m0.TotalAlloc); n > 64<<10+bytesPerByte*len(text) {
		t.Errorf("%s: reading %d bytes allocated %d", about, len(text), n)
	}
	answer := Answer{Op: request.Op, Err: err}
	if err == nil {
		answer = Execute(context.Background(), h.Ledger, h.clock, request)
	}
	out, err := answer.AppendJSON(nil)
	if err != nil || !json.Valid(out) || bytes.Count(out, []byte("\n")) != 1 {
		t.Errorf("%s: the answer is %.500q, %v", about, out, err)
	}
	if answer.Err == nil {
		return answer
	}
	if Code(answer.Err) == CodeStorage || Code(answer.Err) == CodeConflict {
		t.Errorf("%s: %v is a refusal of no kind", about, answer.Err)
	}
	if len(out) > 2000 || bytes.ContainsFunc(bytes.TrimSpace(out), func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }) {
		t.Errorf("%s: the answer is long or has control characters: %.2100q", about, out)
	}
	if h.digest() != before {
		t.Errorf("%s: %v, and something was written", about, answer.Err)
	}
	return answer
}

func TestHostileValues(t *testing.T) {
	tried := 0
	for _, op := range opNames() {
		if hostileLines[op] == nil {
			t.Errorf("no line is known for op %s", op)
			continue
		}
		for _, key := range append(keysOf(op), "op", "unknown", "\u202e\x1b") {
			h, whole := newHostileLedger(t), ""
			for i, raw := range slices.Concat(oddValues, brokenValues) {
				if tried++; heavy(op, key, raw) || !testsize.Picks(tried) {
					continue
				}
				if now := h.digest(); whole == "" || now != whole {
					h = newHostileLedger(t)
					whole = h.digest()
				}
				about := fmt.Sprintf("%s with %q: %.80s", op, key, raw)
				answer := h.try(t, about, line(op, key, raw))
				if i >= len(oddValues) && !errors.Is(answer.Err, creditledger.ErrInvalid) {
					t.Errorf("%s: got %v", about, answer.Err)
				}
				if answer.Err == nil {
					checkTaken(t, about, line(op, key, raw), key, raw)
				}
			}
		}
	}
	t.Logf("%d hostile lines", tried/testsize.Stride())
}

// checkTaken holds what was read to the text of the line: a string is in it as it is,
// a number is the same number.
func checkTaken(t *testing.T, about string, text []byte, key, raw string) {
	t.Helper()
	if key == "op" || raw == "null" {
		return
	}
	r, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var s string
	if json.Unmarshal([]byte(raw), &s) != nil {
		s = raw
	}
	if raw[0] != '"' && (raw[0] < '0' || raw[0] > '9') {
		return
	}
	if !holds(reflect.ValueOf(r), s) {
		t.Errorf("%s: it was read as %.300q", about, fmt.Sprintf("%+v", r))
	}
}

// holds reports whether a value holds a text somewhere: as a string, as a number of
// the same value, or as a date or a word that prints so.
func holds(v reflect.Value, text string) bool {
	if v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		return !v.IsNil() && holds(v.Elem(), text)
	}
	if !v.CanInterface() {
		return false
	}
	switch x := v.Interface().(type) {
	case string:
		return x == text
	case creditledger.Amount:
		a, err := creditledger.ParseAmount(text)
		return err == nil && a.Cmp(x) == 0
	case creditledger.CostBasis:
		return x.String() == text
	case creditledger.OverdraftLimit:
		a, _ := x.Amount()
		return holds(reflect.ValueOf(a), text)
	case creditledger.CalendarTime:
		c, err := creditledger.ParseCalendarTime(text)
		return err == nil && c == x
	case creditledger.Instant, creditledger.When:
		w, err := creditledger.ParseWhen(text)
		return err == nil && (w == x || w.Instant() == x)
	case bool:
		return x && text == "asc" || !x && text == "desc"
	case int32, int, uint64:
		n, err := strconv.ParseInt(text, 10, 64)
		return err == nil && fmt.Sprint(n) == fmt.Sprint(x)
	case fmt.Stringer:
		if x.String() == text {
			return true
		}
	}
	switch v.Kind() {
	case reflect.String:
		return v.String() == text
	case reflect.Struct:
		for i := range v.NumField() {
			if holds(v.Field(i), text) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if holds(v.Index(i), text) {
				return true
			}
		}
	}
	return false
}

// TestHostileStream sends them all down one stream: as many answers as lines, in
// order, and the ledger is whole.
func TestHostileStream(t *testing.T) {
	h := newHostileLedger(t)
	var in bytes.Buffer
	lines := 0
	for _, op := range opNames() {
		if op == "clock" {
			continue // a clock at the end of time refuses all that follows
		}
		for _, raw := range slices.Concat(oddValues, brokenValues) {
			for _, key := range []string{"customer_id", "amount", "metadata", "description"} {
				if text := line(op, key, raw); len(text) < 10_000 && !bytes.ContainsRune(text, '\n') {
					in.Write(append(text, '\n'))
					lines++
				}
			}
		}
	}
	var out bytes.Buffer
	summary, err := Run(context.Background(), h.Ledger, &in, &out, &Options{Clock: h.clock})
	if err != nil || summary.Answers != lines || summary.Storage != 0 || bytes.Count(out.Bytes(), []byte("\n")) != lines {
		t.Errorf("%d lines: %+v, %v", lines, summary, err)
	}
	v, err := h.VerifyAll(context.Background(), nil)
	if err != nil || v.Violation != nil {
		t.Errorf("verify: %v, %v", v.Violation, err)
	}
}
