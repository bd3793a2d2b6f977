package invoice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"creditledger"
)

// What was said of a customer in the records of this package. Rule: docs/invoices/erasing.md.

// Erased says what Erase did.
type Erased struct {
	Answers      uint64 `json:"answers"`      // stored under idempotency keys
	Drafts       uint64 `json:"drafts"`       // deleted ones included
	Transactions uint64 `json:"transactions"` // of customer balances
	Changes      uint64 `json:"changes"`
	// Invoices is how many issued invoices name the customer, and keep doing so: they are documents
	// that have to be kept as they were sent.
	Invoices uint64 `json:"invoices"`
}

// Erase forgets what was said of a customer: memo and metadata of drafts, descriptions of
// transactions of customer balances, the texts of changes, and all texts in what is stored
// under idempotency keys, names and addresses included. A repeated key is answered without them, and those
// of the repetition are not compared. Issued invoices stay as they are.
//
// What is large is erased in several commits; if one fails, what came before stays done, and
// erasing again is safe. The ledger's own texts are erased by Ledger.Erase.
//
// Errors are an Error around an InvalidError, a ConflictError, or those of the store.
func (s *Service) Erase(ctx context.Context, customer string) (Erased, error) {
	e := &textEraser{ctx: ctx, s: s, customer: customer}
	err := checkID("customer_id", customer)
	if err == nil {
		select {
		case s.writer <- struct{}{}:
			defer func() { <-s.writer }()
			err = e.all()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return e.done, &Error{Op: "erase", Customer: customer, Err: err}
	}
	return e.done, nil
}

// textEraser erases one customer's texts.
type textEraser struct {
	ctx      context.Context
	s        *Service
	customer string
	done     Erased
	changes  []string // ids, as the keys name them
}

// rawRecord is a record that is written as it stands.
type rawRecord struct {
	customer string
	data     json.RawMessage
}

// MarshalJSON returns the record.
func (r rawRecord) MarshalJSON() ([]byte, error) { return r.data, nil }

func (e *textEraser) all() error {
	prefix := e.customer + separator
	itself := func(id creditledger.DocumentID) creditledger.DocumentID { return id }
	invoiceOf := func(id creditledger.DocumentID) creditledger.DocumentID {
		return creditledger.DocumentID{Kind: kindInvoice, Key: id.Key[min(len(id.Key), len(prefix)+20+len(separator)):]}
	}
	err := e.each(kindKey, prefix, itself, e.answer)
	for _, change := range e.changes {
		if err == nil {
			err = e.page([]creditledger.DocumentID{{Kind: kindChange, Key: change}}, e.change)
		}
	}
	if err == nil {
		err = e.each(kindMovement, prefix, itself, e.transaction)
	}
	if err == nil {
		err = e.each(kindIndex, prefix, invoiceOf, e.invoice)
	}
	return err
}

// each erases in the records that those of a kind name, a page in one commit.
func (e *textEraser) each(kind, prefix string, named func(creditledger.DocumentID) creditledger.DocumentID, erase erasing) error {
	for after := ""; ; {
		listed, err := e.s.ledger.Documents(e.ctx, kind, prefix, after, recordsPage)
		if err != nil {
			return err
		}
		var ids []creditledger.DocumentID
		for i := range listed {
			ids, after = append(ids, named(listed[i].DocumentID)), listed[i].Key
		}
		if err := e.page(ids, erase); err != nil {
			return err
		}
		if len(listed) < recordsPage {
			return nil
		}
	}
}

// erasing returns a record without its texts, nil if it has none, and counts it in done.
type erasing func(data json.RawMessage, done *Erased) (json.RawMessage, error)

// page erases in records, in one commit, and again if one of them moved meanwhile.
func (e *textEraser) page(ids []creditledger.DocumentID, erase erasing) error {
	for attempt := 1; ; attempt++ {
		done, err := e.attempt(ids, erase)
		if err == nil {
			e.done.add(done)
			return nil
		}
		if !errors.Is(err, creditledger.ErrConflict) || attempt == maxAttempts {
			return err
		}
	}
}

func (e *textEraser) attempt(ids []creditledger.DocumentID, erase erasing) (done Erased, err error) {
	t, err := e.s.begin(e.ctx, &call{op: "erase", customer: e.customer})
	if err != nil {
		return done, err
	}
	for _, id := range ids {
		rec, err := e.s.ledger.Document(e.ctx, id)
		if err != nil {
			return done, err
		}
		inner, err := unwrap(&rec)
		if err != nil {
			return done, err
		}
		left, err := erase(inner.Data, &done)
		if err != nil {
			return done, broken(&rec, err.Error())
		}
		if left != nil {
			t.held[id] = &held{stored: rec}
			t.put(id.Kind, id.Key, rawRecord{e.customer, left})
		}
	}
	if len(t.order) == 0 {
		return done, nil
	}
	if err := t.readTallies(); err != nil {
		return done, err
	}
	puts, err := t.documents()
	if err == nil {
		err = e.s.ledger.PutDocuments(e.ctx, puts)
	}
	return done, err
}

func (e *Erased) add(more Erased) {
	e.Answers += more.Answers
	e.Drafts += more.Drafts
	e.Transactions += more.Transactions
	e.Changes += more.Changes
	e.Invoices += more.Invoices
}

// answer erases what a key stands for, and notes the change that was proposed under it.
func (e *textEraser) answer(data json.RawMessage, done *Erased) (json.RawMessage, error) {
	var was answered
	if err := strict(data, &was); err != nil {
		return nil, err
	}
	if was.Op == opPropose {
		var answer ChangeAnswer
		if err := json.Unmarshal(was.Answer, &answer); err != nil || answer.Change == nil {
			return nil, fmt.Errorf("its answer holds no change: %v", err)
		}
		e.changes = append(e.changes, answer.Change.ID)
	}
	request, asked, err := untold(was.Request)
	if err != nil {
		return nil, err
	}
	answer, told, err := untold(was.Answer)
	if err != nil || !asked && !told {
		return nil, err
	}
	done.Answers++
	return json.Marshal(answered{Op: was.Op, Request: request, Answer: answer, Erased: true})
}

func (e *textEraser) change(data json.RawMessage, done *Erased) (json.RawMessage, error) {
	left, told, err := untold(data)
	if err != nil || !told {
		return nil, err
	}
	done.Changes++
	return left, nil
}

func (e *textEraser) transaction(data json.RawMessage, done *Erased) (json.RawMessage, error) {
	left, told, err := untold(data)
	if err != nil || !told {
		return nil, err
	}
	done.Transactions++
	return left, nil
}

// invoice erases what a draft says beside what is billed, and counts an issued invoice that names
// the customer.
func (e *textEraser) invoice(data json.RawMessage, done *Erased) (json.RawMessage, error) {
	var inv Invoice
	if err := strict(data, &inv); err != nil {
		return nil, err
	}
	if inv.Status != Draft && inv.Status != Deleted {
		if inv.CustomerDetails != nil {
			done.Invoices++
		}
		return nil, nil
	}
	if inv.Memo == "" && len(inv.Metadata) == 0 {
		return nil, nil
	}
	inv.Memo, inv.Metadata = "", nil
	done.Drafts++
	return json.Marshal(&inv)
}

// texts are the fields that say something in words, wherever they stand.
var texts = map[string]bool{"description": true, "metadata": true, "memo": true, "reason": true, "note": true, "customer_details": true}

// untold is a value without its texts, and whether it had any.
func untold(data json.RawMessage) (left json.RawMessage, told bool, err error) {
	switch data = bytes.TrimSpace(data); {
	case object(data):
		return untoldObject(data)
	case bytes.HasPrefix(data, []byte("[")):
		var items []json.RawMessage
		if err := json.Unmarshal(data, &items); err != nil {
			return nil, false, err
		}
		for i := range items {
			item, some, err := untold(items[i])
			if err != nil {
				return nil, false, err
			}
			items[i], told = item, told || some
		}
		left, err = json.Marshal(items)
		return left, told, err
	}
	return data, false, nil
}

func untoldObject(data json.RawMessage) (json.RawMessage, bool, error) {
	var left []string
	var own, inside, entry, marked bool
	for _, f := range fieldsOf(data) {
		if texts[f.name] && !isNothing(f.value) {
			own = true
			continue
		}
		entry, marked = entry || f.name == "entry_type", marked || f.name == "erased"
		value, some, err := untold(f.value)
		if err != nil {
			return nil, false, err
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, false, err
		}
		inside = inside || some
		left = append(left, string(name)+":"+string(value))
	}
	if entry && own && !marked {
		left = append(left, `"erased":true`)
	}
	return json.RawMessage("{" + strings.Join(left, ",") + "}"), own || inside, nil
}

// isNothing reports whether a text says nothing.
func isNothing(value json.RawMessage) bool {
	switch string(bytes.TrimSpace(value)) {
	case "null", `""`, "{}":
		return true
	}
	return false
}
