package opsfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"creditledger"
	"creditledger/fuzz/testsize"
)

// hostileMoneyStart is what the lines of hostileMoney find.
const hostileMoneyStart = `{"op":"customer","id":"c","currency":"USD","external_customer_id":"e"}
{"op":"customer","id":"d","currency":"USD"}
{"op":"purchase","customer_id":"c","amount":"10","per_unit_cost_basis":"1","block_id":"s1","idempotency_key":"1","invoice_settings":{"auto_collection":true,"net_terms":0,"invoice_id":"open"}}
{"op":"purchase","customer_id":"c","amount":"10","per_unit_cost_basis":"1","block_id":"s2","idempotency_key":"2","invoice_settings":{"auto_collection":true,"net_terms":0,"invoice_id":"tried"}}
{"op":"payment","action":"start","invoice_id":"tried","provider":"cards","provider_id":"ch","charge_type":"checkout","idempotency_key":"3"}
{"op":"purchase","customer_id":"c","amount":"10","per_unit_cost_basis":"1","block_id":"s3","idempotency_key":"4","invoice_settings":{"auto_collection":true,"net_terms":0,"invoice_id":"paid","mark_as_paid":true}}
{"op":"credit_note","action":"create","invoice_id":"paid","amount":"1.00 USD","idempotency_key":"5"}
{"op":"draft_invoice","customer_id":"c","lines":[{"id":"a","item_id":"i","quantity":"1","unit_price":"1"},{"id":"b","item_id":"i","quantity":"1","unit_price":"1"}],"idempotency_key":"6","invoice_settings":{"auto_collection":true,"net_terms":0,"invoice_id":"draft"}}
{"op":"change","action":"propose","customer_id":"c","change_id":"x","expires_at":"9000-01-01","operations":[{"op":"increment","amount":"1"}],"idempotency_key":"7"}
{"op":"customer_balance","customer_id":"c","type":"increment","amount":"5.00 USD","idempotency_key":"8"}
`

// hostileMoney is one acceptable line of every action of the ops about money, with the keys
// that go together, inside objects too.
var hostileMoney = []string{
	`{"op":"purchase","customer_id":"c","currency":"credits","amount":"1","per_unit_cost_basis":"1","effective_date":"2000-01-01","expiry_date":"2036-01-01","block_id":"n","priority":1,"description":"d","metadata":{"k":"v"},"previously_collected_amount":"0.50 USD","idempotency_key":"k","invoice_settings":{"auto_collection":true,"net_terms":30,"invoice_date":"2000-01-01","invoice_id":"n","memo":"m","metadata":{"k":"v"},"currency":"USD","prices_include_tax":false,"credits_pay":"net","item_id":"i","mark_as_paid":false,"require_successful_payment":true,"payment_deadline":"2035-01-01","shift_expiry":true}}`,
	`{"op":"purchase","customer_id":"c","amount":"1","per_unit_cost_basis":"1","idempotency_key":"k","invoice_settings":{"auto_collection":true,"custom_due_date":"2036-01-01"}}`,
	`{"op":"payment","action":"start","invoice_id":"open","provider":"cards","provider_id":"ch2","charge_type":"checkout","amount":"1.00 USD","idempotency_key":"k"}`,
	`{"op":"payment","action":"succeed","invoice_id":"tried","payment_id":"ch","idempotency_key":"k"}`,
	`{"op":"payment","action":"fail","invoice_id":"tried","payment_id":"ch","failed_reason":{"code":"x","decline_code":"y"},"idempotency_key":"k"}`,
	`{"op":"payment","action":"mark_paid","invoice_id":"open","amount":"1.00 USD","received_at":"2000-01-01","outside_id":"o","note":"n","idempotency_key":"k"}`,
	`{"op":"payment","action":"apply_balance","invoice_id":"open","amount":"1.00 USD","idempotency_key":"k"}`,
	`{"op":"payout","customer_id":"c","amount":"1.00 USD","outside_id":"o","description":"d","idempotency_key":"k"}`,
	`{"op":"void_invoice","invoice_id":"open","memo":"m","owe_unpaid_use":true,"idempotency_key":"k"}`,
	`{"op":"close_period","customer_id":"c","currency":"credits","start":"1999-12-01","end":"2000-01-01","source":"subscription","supplement":true,"conversion_rate":"1","idempotency_key":"k","lines":[{"item_id":"i","price_id":"p","description":"d","quantity":"3","tiers":[{"up_to":"2","unit_price":"1"},{"unit_price":"2"}],"tier_mode":"graduated","adjustments":[{"kind":"percentage_discount","value":"10","reason":"r"}],"in_advance":false,"tax_percent":"19","usage_from":"1999-12-01","usage_to":"1999-12-15"}],"adjustments":[{"kind":"amount_discount","value":"1","reason":"r"}],"invoice_settings":{"auto_collection":true,"net_terms":0}}`,
	`{"op":"change","action":"propose","customer_id":"d","change_id":"y","expires_at":"9000-01-01","description":"d","operations":[{"op":"increment","amount":"1"}],"purchases":[{"amount":"1","per_unit_cost_basis":"1","invoice_settings":{"auto_collection":true,"net_terms":0,"require_successful_payment":true,"payment_deadline":"2035-01-01","shift_expiry":true}}],"void_invoices":["open"],"credit_notes":[{"invoice_id":"open","amount":"1.00 USD","reason":"r"}],"void_credit_notes":[{"invoice_id":"paid","credit_note_id":"z"}],"idempotency_key":"k"}`,
	`{"op":"change","action":"preview","change_id":"x","description":"d","previously_collected_amount":"1.00 USD"}`,
	`{"op":"change","action":"apply","change_id":"x","description":"d","previously_collected_amount":"1.00 USD","idempotency_key":"k"}`,
	`{"op":"change","action":"cancel","change_id":"x","idempotency_key":"k"}`,
	`{"op":"draft_invoice","customer_id":"c","source":"one_off","lines":[{"id":"l","item_id":"i","quantity":"1","unit_price":"1"}],"idempotency_key":"k","invoice_settings":{"auto_collection":true,"net_terms":0,"invoice_date":"2000-01-02"}}`,
	`{"op":"invoice","action":"edit","invoice_id":"draft","lines":[{"id":"a","item_id":"j","quantity":"2","unit_price":"1.50","tax_percent":"7"},{"item_id":"new","quantity":"1","unit_price":"1","tax_percent":"7"}],"remove_lines":["b"],"adjustments":[{"kind":"amount_discount","value":"1","reason":"r"}],"invoice_settings":{"auto_collection":false,"net_terms":3,"invoice_date":"2000-01-02","memo":"m","metadata":{"k":"v","gone":null}},"idempotency_key":"k"}`,
	`{"op":"invoice","action":"edit","invoice_id":"draft","invoice_settings":{"custom_due_date":"2036-01-01"},"idempotency_key":"k"}`,
	`{"op":"invoice","action":"tax","invoice_id":"draft","taxes":["0.19 USD","0 USD"],"idempotency_key":"k"}`,
	`{"op":"invoice","action":"issue","invoice_id":"draft","idempotency_key":"k"}`,
	`{"op":"invoice","action":"delete","invoice_id":"draft","idempotency_key":"k"}`,
	`{"op":"invoice","action":"sync","invoice_id":"open","idempotency_key":"k"}`,
	`{"op":"invoices","customer_id":"c","status":"issued","due_date[gte]":"2000-01-01","due_date[lt]":"2036-01-01","invoice_date[gte]":"2000-01-01","invoice_date[lt]":"2036-01-01","limit":5}`,
	`{"op":"credit_note","action":"create","invoice_id":"open","lines":[{"line_id":"1","amount":"1.00 USD"}],"amount":"1.00 USD","reason":"r","idempotency_key":"k"}`,
	`{"op":"credit_note","action":"void","invoice_id":"paid","credit_note_id":"INV-000003-CN1","idempotency_key":"k"}`,
	`{"op":"credit_note","action":"refund","invoice_id":"paid","credits":"2","paid_back":true,"reason":"r","idempotency_key":"k"}`,
	`{"op":"credit_note","action":"chargeback","invoice_id":"paid","amount":"2.00 USD","credits":"1","reason":"r","idempotency_key":"k"}`,
	`{"op":"customer_balance","customer_id":"c","currency":"USD"}`,
	`{"op":"customer_balance","customer_id":"c","type":"decrement","amount":"1.00 USD","action":"prorated_refund","description":"d","idempotency_key":"k"}`,
	`{"op":"seller","number_prefix":"A-","credits_item":"i","tax_percent":"19","prices_include_tax":true,"credits_pay":"total","locale":"de","name":"n","address":"a","tax_id":"t"}`,
}

// hole stands where a hostile value goes.
const hole = "\"\u2060hole\u2060\""

// holes are all lines that a line makes when one of its values, at any depth, or a key that its
// reader also asks for, is left open.
func holes(t *testing.T, text string) (lines []string) {
	var whole map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&whole); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	write := func() { lines = append(lines, string(must(json.Marshal(whole)))) }
	var in func(v any)
	open := func(v any, put func(any)) {
		put(json.RawMessage(hole))
		write()
		put(v)
		in(v)
	}
	in = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				if k != "op" {
					open(v[k], func(x any) { v[k] = x })
				}
			}
		case []any:
			for i := range v {
				open(v[i], func(x any) { v[i] = x })
			}
		}
	}
	in(whole)
	f := &fields{members: must(decode([]byte(text)))}
	readers[whole["op"].(string)](f, &Request{})
	for _, key := range append(f.asked, "unknown") {
		if _, there := whole[key]; !there {
			whole[key] = json.RawMessage(hole)
			write()
			delete(whole, key)
		}
	}
	return lines
}

// TestHostileMoney gives every key of every action of the ops about money, inside objects too,
// the hostile values: a refusal is an InvalidError or one of the ledger's, and leaves no trace.
func TestHostileMoney(t *testing.T) {
	begin := func() hostileLedger {
		h := newHostileLedger(t)
		for text := range strings.Lines(hostileMoneyStart) {
			if a := h.try(t, text, []byte(strings.TrimSpace(text))); a.Err != nil {
				t.Fatalf("%s: %v", text, a.Err)
			}
		}
		return h
	}
	values, tried := slices.Concat(oddValues, brokenValues), 0
	values = slices.DeleteFunc(values, func(v string) bool { return len(v) > 5000 }) // each kind of value has its try elsewhere
	thin := testsize.Of(11, 11, 1)
	for _, text := range hostileMoney {
		h := begin()
		if a := h.try(t, text, []byte(text)); a.Err != nil {
			t.Errorf("%s: %v", text, a.Err)
		}
		h = begin()
		whole := h.digest()
		for _, open := range holes(t, text) {
			for _, raw := range values {
				if tried++; tried%thin != 0 || !testsize.Picks(tried) {
					continue
				}
				line := strings.Replace(open, hole, raw, 1)
				a := h.try(t, fmt.Sprintf("%.300s", line), []byte(line))
				if !json.Valid([]byte(line)) && !errors.Is(a.Err, creditledger.ErrInvalid) {
					t.Errorf("%.300s: %v", line, a.Err)
				}
				if a.Err == nil && h.digest() != whole {
					h = begin()
				}
			}
		}
	}
	t.Logf("%d hostile lines", tried/thin/testsize.Stride())
}
