package invoice

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"creditledger"
)

// Verification is what Verify found.
type Verification struct {
	Invoices, Transactions uint64                     // looked at; transactions are those of customer balances
	Violation              *creditledger.CorruptError // the first, when not OK
}

// Verify proves what the money records say of one another and of the ledger:
//
//   - every invoice passes Check, stands among its customer's, and the numbers of each
//     seller are dense;
//   - the transactions of each customer balance are numbered without a gap, each begins
//     where the one before ended, and the balance is where the last one ended;
//   - what invoices say was applied from the balance is what its transactions say;
//   - the credits on an invoice are worth what its draws took, and every draw is an entry
//     of the ledger, of the same amount and block; what a purchase bought is there;
//   - the change that is current for an account is there, and a pending one is current;
//   - none of a customer's records is missing, idempotency keys among them, or is as it was
//     before: all of them say how often they were put, and so does a count of the customer.
//
// Others may write meanwhile; on a very busy customer they may have to wait. The
// ledger itself is proved by Ledger.VerifyAll.
//
// Progress, unless nil, is called now and then with the number of invoices looked at. It
// takes the time to read all invoices, and all entries of accounts on which periods were
// closed, and the memory of one customer.
func (s *Service) Verify(ctx context.Context, progress func(invoices uint64)) (Verification, error) {
	x := &examiner{ctx: ctx, s: s, progress: progress}
	err := x.all()
	if errors.As(err, &x.found.Violation) {
		return x.found, nil
	}
	return x.found, err
}

// examiner reads everything customer by customer.
type examiner struct {
	ctx      context.Context
	s        *Service
	progress func(uint64)
	found    Verification
}

func violation(where, format string, args ...any) error {
	return &creditledger.CorruptError{Where: where, Reason: fmt.Sprintf(format, args...)}
}

// all examines one customer after the other, and then what is beside them.
func (x *examiner) all() error {
	before, err := x.counters()
	if err != nil {
		return err
	}
	numbered := map[string]uint64{}
	for customer := ""; ; {
		if customer, err = x.after(customer); err != nil || customer == "" {
			break
		}
		seen, err := x.confirmed(customer)
		if err != nil {
			return err
		}
		for seller, n := range seen.numbered {
			numbered[seller] += n
		}
		x.found.Invoices += seen.invoices
		x.found.Transactions += seen.transactions
		if x.progress != nil {
			x.progress(x.found.Invoices)
		}
	}
	if err == nil {
		err = x.listed()
	}
	if err == nil {
		err = x.changes()
	}
	if err != nil {
		return err
	}
	now, err := x.counters()
	if err != nil {
		return err
	}
	for seller := range numbered {
		now[seller] += 0 // without a counter none was given
	}
	for _, seller := range slices.Sorted(maps.Keys(now)) {
		// What was numbered meanwhile may have been seen or not.
		if n := numbered[seller]; n < before[seller] || n > now[seller] {
			return violation("invoice numbers of seller "+clip(seller), "%d were given, and %d invoices have one", now[seller], n)
		}
	}
	return nil
}

// counters are the last numbers that the sellers gave.
func (x *examiner) counters() (map[string]uint64, error) {
	res := map[string]uint64{}
	err := x.each(kindNumber, "", func(rec *creditledger.Document) error {
		var c counter
		err := decode(rec, &c)
		res[rec.Key] = c.Last
		return err
	})
	return res, err
}

// recordsPage is how many records are read at once; they may be large.
const recordsPage = 64

// each walks over the records of a kind.
func (x *examiner) each(kind, prefix string, f func(*creditledger.Document) error) error {
	for after := ""; ; {
		recs, err := x.s.ledger.Documents(x.ctx, kind, prefix, after, recordsPage)
		if err != nil {
			return err
		}
		for i := range recs {
			if err := f(&recs[i]); err != nil {
				return err
			}
			after = recs[i].Key
		}
		if len(recs) < recordsPage {
			return nil
		}
	}
}

// after is the next customer with a record, none at the end.
func (x *examiner) after(customer string) (next string, err error) {
	behind := customer
	if customer != "" {
		behind += "\x01" // all keys of the customer go on with the separator
	}
	for _, kind := range []string{kindIndex, kindBalance, kindMovement, kindKey, kindChangeNow, kindPeriod, kindSold, kindWaiting, kindTally} {
		recs, err := x.s.ledger.Documents(x.ctx, kind, "", behind, 1)
		if err != nil {
			return "", err
		}
		if len(recs) == 0 {
			continue
		}
		name, _, _ := strings.Cut(recs[0].Key, separator)
		if next == "" || name < next {
			next = name
		}
	}
	return next, nil
}

// confirmed examines one customer. It reads one record after the other, and what does not
// fit may have been written between two of them: then it fits the next time. Only what is
// wrong twice is wrong. If that goes on, this service's writers wait; those of other
// processes do not, and it gives up with an error that matches ErrConflict.
func (x *examiner) confirmed(customer string) (*examined, error) {
	last := ""
	for attempt := 1; ; attempt++ {
		if attempt == 8 {
			select {
			case x.s.writer <- struct{}{}:
				defer func() { <-x.s.writer }()
			case <-x.ctx.Done():
			}
		}
		seen, err := x.customer(customer)
		if !errors.Is(err, creditledger.ErrCorrupt) || err.Error() == last {
			return seen, err
		}
		if last = err.Error(); attempt == maxExaminations {
			return nil, fmt.Errorf("%w: customer %s is written to too fast to be examined", creditledger.ErrConflict, clip(customer))
		}
	}
}

// maxExaminations is how often a customer is examined who is written to meanwhile.
const maxExaminations = 64

// listed proves that every invoice stands among its customer's.
func (x *examiner) listed() error {
	return x.each(kindInvoice, "", func(rec *creditledger.Document) error {
		var inv Invoice
		if err := decode(rec, &inv); err != nil {
			return err
		}
		if inv.ID != rec.Key {
			return violation("invoice "+clip(rec.Key), "it says that it is %s", clip(inv.ID))
		}
		_, err := x.s.ledger.Document(x.ctx, creditledger.DocumentID{Kind: kindIndex, Key: indexKey(&inv)})
		if isNotFound(err) {
			return violation(inv.name(), "it does not stand among those of customer %s", clip(inv.Customer))
		}
		return err
	})
}
