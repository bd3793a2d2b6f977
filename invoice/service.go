package invoice

import (
	"context"

	"golang.org/x/text/language"

	"creditledger"
)

// Options are the settings of a seller for New; Open takes those that are kept with the
// ledger. The zero value and nil mean the defaults.
type Options struct {
	Seller       string // whose invoices are numbered together; "default"
	NumberPrefix string // in front of the number; "INV-"
	CreditsItem  string // item of a purchase that names none; "Credits"
	Tax          TaxFunc
	TaxPercent   *creditledger.Amount // of lines that have no rate of their own; does not go with Tax
	// PricesIncludeTax says that the prices hold the tax, which is taken out of them.
	PricesIncludeTax bool
	CreditsPay       CreditsPay // what prepaid credits pay for; CreditsPayNet

	Name, Address, TaxID string // the seller's, on invoices

	Locale language.Tag // for display; English
}

// Service sells credits, bills usage and keeps invoices, payments, credit notes and
// customer balances over a ledger. Any number of goroutines may call it at once.
//
// Calls that write take effect one after the other, each in one commit together with
// the ledger operation it belongs to. Every one of them takes an idempotency key,
// 1 to 255 bytes, unique within its customer: the same key with the same request
// gives the first answer again.
type Service struct {
	ledger  *creditledger.Ledger
	options Options
	writer  chan struct{} // one token: who holds it writes
	preview bool          // calls that write only tell what they would do
}

// New returns a service over a ledger. The ledger stays the caller's.
func New(l *creditledger.Ledger, opts *Options) *Service {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	o.Seller = sellerOr(o.Seller)
	if o.NumberPrefix == "" {
		o.NumberPrefix = "INV-"
	}
	if o.CreditsItem == "" {
		o.CreditsItem = "Credits"
	}
	if o.Locale == language.Und {
		o.Locale = language.English
	}
	return &Service{ledger: l, options: o, writer: make(chan struct{}, 1)}
}

// Preview returns a service over the same ledger whose calls answer what they would do at
// this moment, and write nothing. They need no idempotency key; one that is known gives the
// first answer again. Of what a preview shows, ids that the ledger makes are not those that
// the call will make, and an invoice has no number.
func (s *Service) Preview() *Service {
	own := *s
	own.preview = true
	return &own
}

// Answer is what a call that writes did. It is the caller's own.
type Answer struct {
	Invoice *Invoice `json:"invoice"`
	// BlockID is the block that was made, if one was.
	BlockID string `json:"block_id,omitempty"`
	// Entries are those of the ledger operation.
	Entries []creditledger.Entry `json:"entries,omitempty"`
	// Received is what a notice of a payment changed.
	Received *Received `json:"received,omitempty"`
	// Replayed says that the key was known, and that this is the first answer again.
	Replayed bool `json:"-"`
}

func (a *Answer) replay() { a.Replayed = true }

// wrote adds the entries of the commit to an answer about a period, which is stored without
// them: there may be more of them than the record of a key holds.
func (a *Answer) wrote(r *creditledger.Result) {
	if a.Invoice == nil || a.Invoice.Period == nil || len(a.Entries) > 0 {
		return
	}
	for _, part := range resultsOf(r) {
		a.Entries = append(a.Entries, part.Entries...)
	}
}

// told adds the entries to an answer about a period that is given again.
func (s *Service) told(ctx context.Context, a *Answer, key creditledger.Key) (*Answer, error) {
	if !a.Replayed || a.Invoice.Period == nil {
		return a, nil
	}
	q := creditledger.EntriesQuery{Ascending: true, Limit: creditledger.MaxPage, Key: key}
	for e, err := range s.ledger.AllEntries(ctx, a.Invoice.Period.Account.id(), q) {
		if err != nil {
			return a, err
		}
		a.Entries = append(a.Entries, e)
	}
	return a, nil
}

// Locale returns the seller's locale, for the View methods.
func (s *Service) Locale() language.Tag { return s.options.Locale }

// View returns money for display in the seller's locale.
func (s *Service) View(m Money) (View, error) { return m.View(s.options.Locale) }

// Format writes money in the seller's locale.
func (s *Service) Format(m Money) string { return m.Format(s.options.Locale) }

// Invoice returns an invoice by its id; a creditledger.NotFoundError when there is
// none.
func (s *Service) Invoice(ctx context.Context, id string) (*Invoice, error) {
	inv, err := s.stored(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.asOfNow(ctx, inv)
}

// stored is an invoice as it was written last.
func (s *Service) stored(ctx context.Context, id string) (*Invoice, error) {
	if err := checkID("invoice_id", id); err != nil {
		return nil, err
	}
	return fetch[Invoice](ctx, s, kindInvoice, id, "invoice")
}

// fetch reads one record.
func fetch[T any](ctx context.Context, s *Service, kind, key, what string) (*T, error) {
	rec, err := s.ledger.Document(ctx, creditledger.DocumentID{Kind: kind, Key: key})
	if isNotFound(err) {
		return nil, &creditledger.NotFoundError{Kind: what, ID: key}
	}
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := decode(&rec, v); err != nil {
		return nil, err
	}
	return v, nil
}
