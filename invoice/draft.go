package invoice

import (
	"cmp"
	"context"

	"creditledger"
)

// DraftInput is an invoice for something other than credits.
type DraftInput struct {
	Customer    string       `json:"customer_id"`
	Currency    string       `json:"currency"` // default: the customer's invoicing currency
	Source      Source       `json:"source,omitempty"`
	Lines       []LineInput  `json:"lines"`
	Adjustments []Adjustment `json:"adjustments,omitempty"` // spread over the invoice
	Terms       Terms        `json:"invoice_settings"`      // by default the invoice date is the day of issue
}

type draftKey struct {
	DraftInput
	Terms termsKey `json:"invoice_settings"`
}

// CreateDraft makes an invoice that has no number and asks for nothing yet.
func (s *Service) CreateDraft(ctx context.Context, d DraftInput, key creditledger.Key) (*Answer, error) {
	d.Source = cmp.Or(d.Source, OneOff)
	c := &call{op: "create_draft", customer: d.Customer, key: key, request: draftKey{d, d.Terms.key()}}
	if err := checkUsage(d.Lines, false); err != nil {
		return nil, &Error{Op: c.op, Customer: c.customer, Err: err}
	}
	return write(ctx, s, c, func(t *tx) (*Answer, error) {
		if err := firstError(d.Terms.check(), t.alive()); err != nil {
			return nil, err
		}
		currency, err := t.invoicingCurrency(creditledger.AccountID{Customer: d.Customer}, d.Currency)
		if err != nil {
			return nil, err
		}
		switch d.Source {
		case OneOff, Subscription, Partial:
		default:
			return nil, invalid("source", "%q is not known", clip(string(d.Source)))
		}
		inv, err := t.newInvoice("", currency, d.Source, &d.Terms)
		if err != nil {
			return nil, err
		}
		inv.InvoiceDate = resolve(d.Terms.InvoiceDate, t.zone)
		inv.DueDate = resolve(d.Terms.CustomDueDate, t.zone)
		if err := t.refill(inv, &Drafted{Lines: d.Lines, Adjustments: d.Adjustments}); err != nil {
			return nil, err
		}
		return &Answer{Invoice: inv}, inv.ready()
	})
}

// SetTax tells the taxes of a draft's lines, exactly, in whole units of its currency.
func (s *Service) SetTax(ctx context.Context, invoice string, taxes []creditledger.Amount, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "set_tax", invoice, key, ask{"invoice_id": invoice, "taxes": taxes}, func(t *tx, inv *Invoice) (*Answer, error) {
		if inv.Status != Draft {
			return nil, inv.refuse("be taxed anew")
		}
		if taxes == nil {
			return nil, invalid("tax", "is missing")
		}
		t.changed(inv)
		return &Answer{Invoice: inv}, inOrder(t.alive, inv.apportion, func() error { return inv.taxExactly(taxes) }, inv.addUp)
	})
}

// Issue gives a draft its number and dates, applies the customer balance and asks for the
// money. An invoice that asks for nothing is paid at once.
func (s *Service) Issue(ctx context.Context, invoice string, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "issue_invoice", invoice, key, ask{"invoice_id": invoice}, func(t *tx, inv *Invoice) (*Answer, error) {
		if inv.Status != Draft {
			return nil, inv.refuse("be issued")
		}
		if err := t.alive(); err != nil {
			return nil, err
		}
		if inv.InvoiceDate == 0 {
			inv.InvoiceDate = t.now
		}
		t.changed(inv)
		terms := &Terms{NetTerms: inv.NetTerms, CustomDueDate: dayOrInstant(inv.DueDate, t.zone)}
		return &Answer{Invoice: inv}, t.issue(inv, terms)
	})
}

// MarkSynced hands an issued invoice over to another system, which collects it.
func (s *Service) MarkSynced(ctx context.Context, invoice string, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "mark_synced", invoice, key, ask{"invoice_id": invoice}, func(t *tx, inv *Invoice) (*Answer, error) {
		t.changed(inv)
		return &Answer{Invoice: inv}, inv.move(Synced, "be kept elsewhere", t.now)
	})
}
