package opsfile_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"creditledger"
	"creditledger/opsfile"
)

// Every line that names a customer may name it by its external id: the answers are the same.
func TestExternalIDsNameCustomers(t *testing.T) {
	const customers = `{"op":"clock","now":"2026-03-01T00:00:00Z"}
{"op":"customer","id":"cus_1","external_customer_id":"crm-7","currency":"USD"}
{"op":"customer","id":"cus_2","external_customer_id":"crm-8"}
`
	const rest = `{"op":"increment","customer_id":"cus_1","amount":"50","block_id":"b"}
{"op":"batch","customer_id":"cus_1","operations":[{"op":"decrement","amount":"1"}]}
{"op":"all","operations":[{"op":"decrement","customer_id":"cus_1","amount":"1"},{"op":"increment","customer_id":"cus_2","amount":"1"}]}
{"op":"transfer","from":{"customer_id":"cus_1"},"to":{"customer_id":"cus_2"},"amount":"2"}
{"op":"hold","customer_id":"cus_1","hold_id":"h","amount":"3"}
{"op":"purchase","customer_id":"cus_1","amount":"10","per_unit_cost_basis":"1","idempotency_key":"p","invoice_settings":{"auto_collection":true,"net_terms":0}}
{"op":"draft_invoice","customer_id":"cus_1","idempotency_key":"d","lines":[{"item_id":"i","quantity":"1","unit_price":"1"}],"invoice_settings":{"auto_collection":true,"net_terms":0}}
{"op":"close_period","customer_id":"cus_1","idempotency_key":"c","start":"2026-02-01","end":"2026-03-01","conversion_rate":"1","lines":[{"item_id":"i","quantity":"1","unit_price":"1"}],"invoice_settings":{"auto_collection":true,"net_terms":0}}
{"op":"change","action":"propose","customer_id":"cus_1","idempotency_key":"g","change_id":"x","expires_at":"2026-04-01","operations":[{"op":"increment","amount":"1"}]}
{"op":"customer_balance","customer_id":"cus_1","currency":"USD"}
{"op":"preview","customer_id":"cus_1","operation":{"op":"decrement","amount":"1"}}
{"op":"explain","customer_id":"cus_1","amount":"1"}
{"op":"balance","customer_id":"cus_1"}
{"op":"blocks","customer_id":"cus_1","block_id":"b"}
{"op":"entries","customer_id":"cus_1"}
{"op":"holds","customer_id":"cus_1"}
{"op":"schedules","customer_id":"cus_1"}
{"op":"state","customer_id":"cus_1"}
{"op":"invoices","customer_id":"cus_1"}
{"op":"sweep","customer_id":"cus_1"}
{"op":"verify","customer_id":"cus_1"}
{"op":"erase","customer_id":"cus_1"}
`
	run := func(lines string) string {
		out, _ := newWorld(t, inMemory).run(1, []byte(customers+lines))
		return string(out)
	}
	byExternal := strings.NewReplacer(`"customer_id":"cus_1"`, `"external_customer_id":"crm-7"`, `"customer_id":"cus_2"`, `"external_customer_id":"crm-8"`)
	plain := run(rest)
	if strings.Contains(plain, `"error"`) {
		t.Fatal(regexp.MustCompile(`.*"error".*`).FindString(plain))
	}
	if external := run(byExternal.Replace(rest)); external != plain {
		t.Errorf("the answers differ:\n%s\n%s", plain, external)
	}
}

// An external id that nobody has is not found, and one beside customer_id is refused.
func TestExternalIDsAreKnown(t *testing.T) {
	out, _ := newWorld(t, inMemory).run(1, []byte(`{"op":"balance","external_customer_id":"crm-7"}
{"op":"customer","id":"cus_1","external_customer_id":"crm-7"}
{"op":"balance","external_customer_id":"crm-7","customer_id":"cus_1"}
{"op":"balance","external_customer_id":""}
{"op":"balance"}
`))
	var got []string
	for line := range strings.Lines(string(out)) {
		var answer struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(line), &answer); err != nil {
			t.Fatal(err)
		}
		got = append(got, answer.Error.Code+" "+answer.Error.Message)
	}
	for i, want := range []string{
		`not_found external customer id "crm-7" not found`, " ", "invalid_request invalid external_customer_id: goes without customer_id: give one of them",
		"invalid_request invalid external_customer_id: is empty", "invalid_request invalid customer_id: is missing",
	} {
		if got[i] != want {
			t.Errorf("line %d: %s, not %s", i+1, got[i], want)
		}
	}
	if _, err := opsfile.Parse([]byte(`{"op":"balance","external_customer_id":"crm-7"}`)); err == nil || !strings.Contains(err.Error(), creditledger.ErrInvalid.Error()) && !strings.Contains(err.Error(), "without one") {
		t.Errorf("read without a ledger: %v", err)
	}
}
