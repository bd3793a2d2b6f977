package invoice

import (
	"context"

	"creditledger"
)

// InvoiceIDs returns up to limit ids (at most creditledger.MaxPage) of invoices of all
// sellers and customers that begin with prefix, in byte order, after the id after.
func (s *Service) InvoiceIDs(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	return s.ids(ctx, kindInvoice, prefix, after, limit)
}

// ChangeIDs is InvoiceIDs for changes, those that are over included.
func (s *Service) ChangeIDs(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	return s.ids(ctx, kindChange, prefix, after, limit)
}

func (s *Service) ids(ctx context.Context, kind, prefix, after string, limit int) ([]string, error) {
	recs, err := s.ledger.Documents(ctx, kind, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(recs))
	for i := range recs {
		ids[i] = recs[i].Key
	}
	return ids, nil
}

// Day is the calendar day of an instant, such as the date of the invoice, in its
// customer's time zone; empty for none.
func (inv *Invoice) Day(at creditledger.Instant) string {
	if at == 0 {
		return ""
	}
	return day(at, inv.zone())
}
