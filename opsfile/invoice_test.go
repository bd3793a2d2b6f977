package opsfile_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store"
	"creditledger/store/bolt"
)

// What a line of the money side may not hold is refused by name.
func TestMoneyRefused(t *testing.T) {
	for line, want := range map[string]string{
		`{"op":"purchase"}`: "customer_id: is missing",
		`{"op":"purchase","customer_id":"c","idempotency_key":"k","invoice_settings":[]}`:                                                                       "invoice_settings: is an array, not an object",
		`{"op":"purchase","customer_id":"c","idempotency_key":"k","amount":1,"invoice_settings":{"auto_collection":"yes"}}`:                                     "invoice_settings.auto_collection: is a string, not a boolean",
		`{"op":"purchase","customer_id":"c","idempotency_key":"k","amount":1,"invoice_settings":{"net_terms":1.5}}`:                                             "invoice_settings.net_terms: 1.5 is not a number of days",
		`{"op":"purchase","customer_id":"c","idempotency_key":"k","amount":1,"invoice_settings":{"nett_terms":1}}`:                                              "invoice_settings.nett_terms: is not a key",
		`{"op":"purchase","customer_id":"c","idempotency_key":"k","amount":1,"invoice_settings":{},"previously_collected_amount":"4"}`:                          "is not an amount and a currency",
		`{"op":"purchase","customer_id":"c","idempotency_key":"k","amount":1,"invoice_settings":{},"require_payment":true}`:                                     "require_payment: is not a key",
		`{"op":"payment","invoice_id":"i","idempotency_key":"k"}`:                                                                                               "action: is missing",
		`{"op":"payment","invoice_id":"i","idempotency_key":"k","action":"steal"}`:                                                                              `action: "steal" is not known`,
		`{"op":"payment","invoice_id":"i","idempotency_key":"k","action":"fail","payment_id":"p"}`:                                                              "failed_reason: is missing",
		`{"op":"payment","invoice_id":"i","idempotency_key":"k","action":"succeed"}`:                                                                            "payment_id: is missing",
		`{"op":"void_invoice","invoice_id":"i"}`:                                                                                                                "idempotency_key: is missing",
		`{"op":"close_period","customer_id":"c","idempotency_key":"k","start":"2026-01-01","end":"2026-02-01","invoice_settings":{}}`:                           "lines: is missing",
		`{"op":"close_period","customer_id":"c","idempotency_key":"k","start":"x","end":"x","lines":[1],"invoice_settings":{}}`:                                 "start",
		`{"op":"close_period","customer_id":"c","idempotency_key":"k","start":"2026-01-01","end":"2026-02-01","lines":[{"item_id":"a"}],"invoice_settings":{}}`: "lines[0].quantity: is missing",
		`{"op":"draft_invoice","customer_id":"c","idempotency_key":"k","invoice_settings":{}}`:                                                                  "lines: is missing",
		`{"op":"invoice","action":"issue","invoice_id":"i"}`:                                                                                                    "idempotency_key: is missing",
		`{"op":"invoice","action":"tax","invoice_id":"i","idempotency_key":"k","taxes":[true]}`:                                                                 "taxes: holds a boolean, not only amounts",
		`{"op":"invoice","action":"tax","invoice_id":"i","idempotency_key":"k","taxes":["x"]}`:                                                                  "taxes: ",
		`{"op":"invoice","action":"show","invoice_id":"i","taxes":["1"]}`:                                                                                       "taxes: is not a key",
		`{"op":"credit_note","action":"create","idempotency_key":"k","invoice_id":"i"}`:                                                                         "amount: is missing",
		`{"op":"credit_note","action":"void","idempotency_key":"k","invoice_id":"i"}`:                                                                           "credit_note_id: is missing",
		`{"op":"credit_note","action":"refund","idempotency_key":"k","invoice_id":"i"}`:                                                                         "credits: is missing",
		`{"op":"customer_balance","customer_id":"c"}`:                                                                                                           "currency: is missing",
		`{"op":"customer_balance","customer_id":"c","type":"increment","amount":"1.00 USD"}`:                                                                    "idempotency_key: is missing",
		`{"op":"seller","locale":7}`: "locale: is a number, not a string",
		`{"op":"state"}`:             "customer_id: is missing",
		`{"op":"change","action":"apply","idempotency_key":"k"}`:                                                                             "change_id: is missing",
		`{"op":"change","action":"propose","customer_id":"c","expires_at":"2026-01-01","idempotency_key":"k","operations":[{"op":"sweep"}]}`: "may stand in a change",
		`{"op":"change","action":"propose","customer_id":"c","expires_at":"2026-01-01","idempotency_key":"k","operations":["x"]}`:            "operations[0]: is a string, not an object",
	} {
		_, err := opsfile.Parse([]byte(line))
		if !errors.Is(err, creditledger.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n  want %s\n  got  %v", line, want, err)
		}
	}
}

// tardy is a file that takes its time to commit.
type tardy struct{ *bolt.Store }

func (s *tardy) Commit(ctx context.Context, changes []creditledger.Change) error {
	time.Sleep(20 * time.Millisecond)
	return s.Store.Commit(ctx, changes)
}

// A state is that of all lines before it, stored or not: a grant is in it.
func TestStateSeesTheLinesBefore(t *testing.T) {
	open := onFile(t)
	w := newWorld(t, func() store.Store { return &tardy{open().(*bolt.Store)} })
	answers, _ := w.run(1, []byte(`{"op":"increment","customer_id":"b","amount":"1"}
{"op":"increment","customer_id":"c","amount":"7"}
{"op":"state","customer_id":"c"}
`))
	if !strings.Contains(string(answers), `"total":"7"`) {
		t.Errorf("%s", answers)
	}
}
