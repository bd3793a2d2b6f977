package creditledger

import "context"

// Customers returns up to limit customers (at most MaxPage), the deleted ones too, in byte
// order of their ids, after the id after (empty: from the first). Errors: InvalidError for
// the limit.
func (l *Ledger) Customers(ctx context.Context, after string, limit int) ([]Customer, error) {
	found, err := l.Documents(ctx, customerKind, "", after, limit)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	customers := make([]Customer, len(found))
	for i := range found {
		if customers[i], err = decodeCustomer(found[i].Value); err != nil {
			return nil, err
		}
	}
	return customers, nil
}

// CustomerByExternalID returns the customer with an external id; a NotFoundError when there
// is none.
func (l *Ledger) CustomerByExternalID(ctx context.Context, externalID string) (Customer, error) {
	err := l.enter()
	if err != nil {
		return Customer{}, err
	}
	defer l.leave()
	if err := checkID("external_customer_id", externalID); err != nil {
		return Customer{}, err
	}
	found, err := l.store.Document(ctx, DocumentID{Kind: customerExternal, Key: externalID})
	if isNotFound(err) {
		return Customer{}, &NotFoundError{Kind: "external customer id", ID: externalID}
	}
	if err != nil {
		return Customer{}, err
	}
	c, _, err := l.customer(ctx, string(found.Value))
	return c, err
}
