package opsfile

import (
	"context"

	"creditledger"
	"creditledger/invoice"
)

// Erased is what erasing a customer did.
type Erased struct {
	creditledger.Erased
	// Money is what was erased in the records of the money side; nil when there was nothing, or
	// one account or one entry was named.
	Money *invoice.Erased `json:"money,omitempty"`
}

// run erases in the ledger and, unless only a part is named, in the records of invoices.
func (e Erase) run(ctx context.Context, l *creditledger.Ledger) (any, error) {
	done, err := l.Erase(ctx, e.Customer, e.What)
	if err != nil {
		return nil, err
	}
	res := Erased{Erased: done}
	if e.What.Currency != "" || e.What.Entry != 0 {
		return res, nil
	}
	s, err := invoice.Open(ctx, l, "")
	if err != nil {
		return nil, err
	}
	money, err := s.Erase(ctx, e.Customer)
	if err != nil {
		return nil, err
	}
	if money != (invoice.Erased{}) {
		res.Money = &money
	}
	return res, nil
}
