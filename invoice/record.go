package invoice

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"creditledger"
)

// The kinds of records. Keys are described where they are made; names in a key are
// separated by a zero byte, which no id holds.
const (
	kindInvoice   = "invoice"              // invoice id
	kindNumber    = "invoice_number"       // seller
	kindIndex     = "invoice_of_customer"  // customer, creation, invoice id
	kindKey       = "invoice_key"          // customer, idempotency key
	kindBalance   = "customer_balance"     // customer, currency
	kindMovement  = "customer_balance_log" // customer, currency, number
	kindChange    = "pending_change"       // change id
	kindChangeNow = "pending_change_now"   // customer, account currency
	kindSettings  = "seller_settings"      // seller
	kindTally     = "invoice_count"        // customer
	kindSold      = "sold_block"           // customer, account currency, block id
	kindWaiting   = "waiting_purchases"    // customer
	kindPeriod    = "closed_period"        // customer, account currency, source, end, invoice id

	recordFormat  = 1
	countedFormat = 2 // with how often it was put
	separator     = "\x00"
)

// envelope is what every record of this package is stored in.
type envelope struct {
	Format  int             `json:"format"`
	Counted *tally          `json:"counted,omitempty"`
	Data    json.RawMessage `json:"data"`
}

// encode writes a record: fields in the order of their type, map keys sorted, numbers
// as decimal text.
func encode(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{Format: recordFormat, Data: data})
}

// decode reads what encode or tallied wrote.
func decode(rec *creditledger.Document, v any) error {
	e, err := unwrap(rec)
	if err != nil {
		return err
	}
	if err := strict(e.Data, v); err != nil {
		return broken(rec, err.Error())
	}
	return nil
}

func unwrap(rec *creditledger.Document) (e envelope, err error) {
	if err := strict(rec.Value, &e); err != nil {
		return e, broken(rec, err.Error())
	}
	if e.Format > countedFormat {
		return e, broken(rec, fmt.Sprintf("format %d is later than this program knows", e.Format))
	}
	if e.Format < recordFormat || (e.Format == countedFormat) != (e.Counted != nil) {
		return e, broken(rec, fmt.Sprintf("format %d does not exist, or not like this", e.Format))
	}
	return e, nil
}

func broken(rec *creditledger.Document, reason string) error {
	return &creditledger.CorruptError{Where: fmt.Sprintf("%s %q", rec.Kind, clip(rec.Key)), Reason: reason}
}

// strict decodes one JSON value and nothing behind it, without unknown fields.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("there is something behind the record")
	}
	return nil
}

// answered is what an idempotency key stands for.
type answered struct {
	Op      string          `json:"op"`
	Request json.RawMessage `json:"request"`
	Answer  json.RawMessage `json:"answer"`
	Erased  bool            `json:"erased,omitempty"` // both without their texts
}

// idFrom makes the id of something new out of the request for it, so that a retry with
// the same key makes the same id.
func idFrom(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:12])
}
