package invoice

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"creditledger"
)

// Drafted is what the lines of a draft are made from, until it is issued.
type Drafted struct {
	Lines       []LineInput  `json:"lines"`
	Adjustments []Adjustment `json:"adjustments,omitempty"` // spread over the invoice
}

// DraftEdit changes a draft. What is not given stays as it is. The id, the customer, the seller, the
// currency and the source of an invoice cannot change.
type DraftEdit struct {
	Invoice string `json:"invoice_id"`
	// Lines with the id of a line of the draft take its place, in its place; the others are
	// added at the end.
	Lines []LineInput `json:"lines,omitempty"`
	// RemoveLines are the ids of lines that go.
	RemoveLines []string `json:"remove_lines,omitempty"`
	// Adjustments take the place of all that are spread over the invoice; nil: they stay.
	Adjustments []Adjustment `json:"adjustments"`

	AutoCollection *bool              `json:"auto_collection,omitempty"`
	NetTerms       *int               `json:"net_terms,omitempty"` // takes the place of a custom due date
	CustomDueDate  creditledger.When  `json:"-"`                   // takes the place of net terms
	InvoiceDate    creditledger.When  `json:"-"`
	Memo           *string            `json:"memo,omitempty"`     // empty: none
	Metadata       map[string]*string `json:"metadata,omitempty"` // merged; nil removes a key
}

// EditDraft changes a draft. Its lines are priced and taxed again if any of them, or an adjustment,
// changes; taxes that SetTax told are not known then. What a draft sells or bills of a period
// cannot change: of such a draft only dates, terms, memo and metadata can.
//
// Errors are an Error around: InvalidError, NotFoundError for a line that is not there,
// StatusError, ConstraintError, IdempotencyMismatchError, or OutcomeUnknownError.
func (s *Service) EditDraft(ctx context.Context, e DraftEdit, key creditledger.Key) (*Answer, error) {
	request := struct {
		DraftEdit
		Due  string `json:"custom_due_date,omitempty"`
		Date string `json:"invoice_date,omitempty"`
	}{e, e.CustomDueDate.String(), e.InvoiceDate.String()}
	return s.ofInvoice(ctx, "edit_draft", e.Invoice, key, request, func(t *tx, inv *Invoice) (*Answer, error) {
		if inv.Status != Draft {
			return nil, inv.refuse("be edited")
		}
		t.changed(inv)
		return &Answer{Invoice: inv}, inOrder(t.alive, func() error { return t.editTerms(inv, &e) }, func() error { return t.editLines(inv, &e) })
	})
}

// editTerms changes when and how a draft is to be paid, and what is said on it.
func (t *tx) editTerms(inv *Invoice, e *DraftEdit) error {
	terms := Terms{
		AutoCollection: &inv.AutoCollection, NetTerms: inv.NetTerms, CustomDueDate: dayOrInstant(inv.DueDate, t.zone),
		InvoiceDate: e.InvoiceDate, Memo: inv.Memo, Metadata: maps.Clone(inv.Metadata),
	}
	if e.AutoCollection != nil {
		terms.AutoCollection = e.AutoCollection
	}
	switch {
	case e.NetTerms != nil && !e.CustomDueDate.IsZero():
		return invalid("invoice_settings.custom_due_date", "give net_terms or custom_due_date, not both")
	case e.NetTerms != nil:
		terms.NetTerms, terms.CustomDueDate = e.NetTerms, creditledger.When{}
	case !e.CustomDueDate.IsZero():
		terms.NetTerms, terms.CustomDueDate = nil, e.CustomDueDate
	case terms.NetTerms != nil:
		terms.CustomDueDate = creditledger.When{}
	}
	if e.Memo != nil {
		terms.Memo = *e.Memo
	}
	for k, v := range e.Metadata {
		if v == nil {
			delete(terms.Metadata, k)
			continue
		}
		if terms.Metadata == nil {
			terms.Metadata = map[string]string{}
		}
		terms.Metadata[k] = *v
	}
	if err := terms.check(); err != nil {
		return err
	}
	inv.AutoCollection, inv.NetTerms, inv.Memo, inv.Metadata = *terms.AutoCollection, terms.NetTerms, terms.Memo, terms.Metadata
	if !e.InvoiceDate.IsZero() {
		inv.InvoiceDate = resolve(e.InvoiceDate, t.zone)
	}
	inv.DueDate = resolve(terms.CustomDueDate, t.zone)
	return nil
}

// editLines changes what a draft asks money for.
func (t *tx) editLines(inv *Invoice, e *DraftEdit) error {
	switch {
	case len(e.Lines)+len(e.RemoveLines) == 0 && e.Adjustments == nil:
		return nil
	case inv.Purchase != nil || inv.Period != nil:
		return constraint("%s is for credits, or for a period: its lines cannot change; delete it, and do that again", inv.name())
	case inv.Drafted == nil:
		return constraint("%s was made by an earlier release, and its lines cannot change; delete it, and make another", inv.name())
	}
	if err := firstError(checkUsage(e.Lines, false), checkLineIDs(e.Lines)); err != nil {
		return err
	}
	d := Drafted{Lines: slices.Clone(inv.Drafted.Lines), Adjustments: inv.Drafted.Adjustments}
	if e.Adjustments != nil {
		d.Adjustments = e.Adjustments
	}
	at := func(id string) int { return slices.IndexFunc(d.Lines, func(l LineInput) bool { return l.ID == id }) }
	for _, id := range e.RemoveLines {
		i := at(id)
		if i < 0 {
			return &creditledger.NotFoundError{Kind: "line", ID: id}
		}
		d.Lines = slices.Delete(d.Lines, i, i+1)
	}
	for _, l := range e.Lines {
		if i := at(l.ID); i >= 0 && l.ID != "" {
			d.Lines[i] = l
			continue
		}
		d.Lines = append(d.Lines, l)
	}
	return t.refill(inv, &d)
}

// refill makes the lines of a draft, each with an id.
func (t *tx) refill(inv *Invoice, d *Drafted) error {
	d.Lines = withIDs(d.Lines)
	lines, err := price(d.Lines, d.Adjustments)
	if err != nil {
		return err
	}
	inv.Drafted = d
	return t.fill(inv, lines)
}

// withIDs gives lines without an id their position, or the next number that is free.
func withIDs(lines []LineInput) []LineInput {
	lines = slices.Clone(lines)
	taken := map[string]bool{}
	for i := range lines {
		taken[lines[i].ID] = true
	}
	for i := range lines {
		for n := i + 1; lines[i].ID == ""; n++ {
			if id := strconv.Itoa(n); !taken[id] {
				lines[i].ID, taken[id] = id, true
			}
		}
	}
	return lines
}

// checkDrafted proves that the lines of a draft are made from what it says that they are.
func (inv *Invoice) checkDrafted() error {
	if inv.Drafted == nil {
		return nil
	}
	if inv.Status != Draft && inv.Status != Deleted {
		return fmt.Errorf("it is %s, and still says what its lines are made from", inv.Status)
	}
	lines, err := price(inv.Drafted.Lines, inv.Drafted.Adjustments)
	if err != nil {
		return err
	}
	if len(lines) != len(inv.Lines) {
		return fmt.Errorf("it has %d lines, made from %d", len(inv.Lines), len(lines))
	}
	for i := range lines {
		l := inv.Lines[i] // without its money, which Check works out again
		l.Subtotal, l.Discount, l.Credits, l.Net, l.Tax, l.Total = Money{}, Money{}, Money{}, Money{}, nil, Money{}
		l.TaxPercent = lines[i].in.TaxPercent // those of other lines may have given it the seller's
		have, err1 := json.Marshal(l)
		want, err2 := json.Marshal(lines[i].line())
		if err := firstError(err1, err2); err != nil {
			return err
		}
		if string(have) != string(want) {
			return fmt.Errorf("line %d is not what it is made from", i+1)
		}
	}
	return nil
}

// DeleteDraft deletes a draft: it is not issued, and not listed any more. What it held is free
// again: the credits that it sells are closed, as by VoidWith, and those that a period drew
// given back. Its record stays, with the status Deleted, and so its id is not free.
func (s *Service) DeleteDraft(ctx context.Context, invoice string, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "delete_draft", invoice, key, ask{"invoice_id": invoice}, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := inv.move(Deleted, "be deleted", t.now); err != nil {
			return nil, err
		}
		t.changed(inv)
		res := &Answer{Invoice: inv}
		return res, inOrder(inv.settle, func() error { return t.release(inv, Voiding{}, res) })
	})
}
