package creditledger

import (
	"context"
	"errors"
	"fmt"
)

// DeleteCustomer marks a customer as deleted, from the ledger's present instant on,
// and returns it as it is afterwards. Nothing else changes: its accounts stay
// readable. Deleting twice keeps the first instant. A NotFoundError when there is no
// such customer.
func (l *Ledger) DeleteCustomer(ctx context.Context, id string) (Customer, error) {
	err := l.enter()
	if err != nil {
		return Customer{}, err
	}
	defer l.leave()
	if err := checkID("id", id); err != nil {
		return Customer{}, fmt.Errorf("delete customer: %w", err)
	}
	for attempt := 1; ; attempt++ {
		c, err := l.deleteCustomer(ctx, id)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, ErrConflict) || attempt == maxCustomerRetries {
			return Customer{}, fmt.Errorf("delete customer %s: %w", quote(id), err)
		}
	}
}

func (l *Ledger) deleteCustomer(ctx context.Context, id string) (Customer, error) {
	c, version, err := l.customer(ctx, id)
	if err != nil || c.DeletedAt != 0 {
		return c, err
	}
	if c.DeletedAt, err = l.now(); err != nil {
		return Customer{}, err
	}
	put := RecordPut{RecordID: RecordID{Kind: customerKind, Key: id}, Expect: version, Value: appendCustomer(nil, &c)}
	return c, l.store.Commit(context.WithoutCancel(ctx), []Change{{Records: []RecordPut{put}}})
}

// IsISOCurrency reports whether a currency is a real one: an active code of ISO 4217,
// upper case. Any other currency is a pricing unit.
func IsISOCurrency(code string) bool { return isISOCurrency(code) }
