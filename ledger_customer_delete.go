package creditledger

import (
	"context"
	"errors"
	"fmt"
)

// DeleteCustomer marks a customer as deleted, from the ledger's present instant on, and
// returns it as it is afterwards. Its accounts stay readable and sweep as ever. They take no
// operation any more (ConstraintError), except for Activation, Capture, Release and
// EndSchedule, so that what was under way comes to its end. DeleteCustomer waits for what was submitted before; an operation that
// another goroutine begins meanwhile may still be done, and be dated a moment later. Other
// processes on the same store notice when they next load the account. Deleting twice keeps
// the first instant. A NotFoundError when there is no such customer. When ctx ends, its
// error if nothing was written, else an OutcomeUnknownError: deleting again is safe.
func (l *Ledger) DeleteCustomer(ctx context.Context, id string) (Customer, error) {
	err := l.enter()
	if err != nil {
		return Customer{}, err
	}
	defer l.leave()
	if err := checkID("id", id); err != nil {
		return Customer{}, fmt.Errorf("delete customer: %w", err)
	}
	if err := l.awaitBegun(ctx); err != nil {
		return Customer{}, fmt.Errorf("delete customer %s: %w", quote(id), err)
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
	s, err := l.customerSlot(ctx, id)
	if err != nil {
		return Customer{}, err
	}
	defer l.cache.release(s)
	c, was, err := l.customer(ctx, id)
	if err != nil || c.DeletedAt != 0 {
		return c, err
	}
	if c.DeletedAt, err = l.now(); err != nil {
		return Customer{}, err
	}
	return c, l.storeCustomer(ctx, &c, &was, nil, func() { l.customers.Add(1) })
}

// refuseDeleted notes that the account of a request belongs to a deleted customer. It
// does not read the customer for an operation that deleted customers may do too.
func (l *Ledger) refuseDeleted(ctx context.Context, s *slot, r *request) error {
	if servesDeleted(r.op) {
		return nil
	}
	generation, read := l.customers.Load()+1, r.customers
	r.customers = 0 // a request that is decided afresh looks again
	if read == generation && s.customers != generation {
		s.customers, s.deleted = generation, r.customerDeleted
	} else if s.customers != generation {
		customer, err := l.customerOrDefault(ctx, s.id.Customer)
		if err != nil {
			return err
		}
		s.customers, s.deleted = generation, customer.DeletedAt != 0
	}
	if s.deleted {
		r.own().deleted = constraint("customer %s is deleted", quote(s.id.Customer))
	}
	return nil
}
