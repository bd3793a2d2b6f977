package invoice

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"creditledger"
)

// A reversal may lose what it takes back, because the sale that it was drawn from was taken
// back before. Then that use is not owed any longer, and the records of the sale change in
// the commit of the reversal. So reversals go through the Service where invoices are kept.
// Rule: docs/invoices/undoing.md, "The order does not matter".

// OwnEntryError is an attempt to take back what an invoice drew for itself: the decrement by
// which voiding a sale made the debts again that it had repaid.
type OwnEntryError struct {
	Entry   uint64 // its sequence number
	Invoice string // id
	Number  string // of the invoice
}

func (e *OwnEntryError) Error() string {
	return fmt.Sprintf("entry %d made a debt again when invoice %s was voided, and cannot be taken back: grant credits to forgive it", e.Entry, e.Number)
}

// Is matches creditledger.ErrConstraint.
func (e *OwnEntryError) Is(target error) bool { return target == creditledger.ErrConstraint }

// Do is the ledger's Do for an account of which invoices may speak: what a Reverse loses of a
// sale that was taken back is not owed any longer, in the same commit. A Reverse of an entry
// by which a void made a debt again is an OwnEntryError. Without a Reverse, it is the
// ledger's.
func (s *Service) Do(ctx context.Context, on creditledger.AccountID, op creditledger.Operation, key creditledger.Key) (*creditledger.Result, error) {
	ops := []creditledger.Operation{op}
	if batch, ok := op.(creditledger.Batch); ok {
		ops = batch
	}
	d := &direct{key: key, do: func(opts creditledger.DoOptions) (*creditledger.Result, error) {
		return s.ledger.DoWith(ctx, on, op, opts)
	}}
	for _, op := range ops {
		d.ops = append(d.ops, creditledger.AccountOperation{Account: on, Operation: op})
	}
	return s.direct(ctx, d)
}

// DoAll is Do for the ledger's DoAll.
func (s *Service) DoAll(ctx context.Context, ops []creditledger.AccountOperation, key creditledger.Key) (*creditledger.Result, error) {
	d := &direct{ops: ops, key: key, do: func(opts creditledger.DoOptions) (*creditledger.Result, error) {
		return s.ledger.DoAllWith(ctx, ops, opts)
	}}
	return s.direct(ctx, d)
}

// direct is a call of the ledger with reversals among its operations.
type direct struct {
	ops []creditledger.AccountOperation
	key creditledger.Key
	do  func(creditledger.DoOptions) (*creditledger.Result, error)
}

// Reverses reports whether one of the operations takes a charge back, or a part of it.
func Reverses(ops ...creditledger.Operation) bool {
	return slices.ContainsFunc(ops, func(op creditledger.Operation) bool {
		if batch, ok := op.(creditledger.Batch); ok {
			return Reverses(batch...)
		}
		switch op.(type) {
		case creditledger.Reverse, creditledger.Amendment:
			return true
		}
		return false
	})
}

func (s *Service) direct(ctx context.Context, d *direct) (*creditledger.Result, error) {
	reverses := slices.ContainsFunc(d.ops, func(o creditledger.AccountOperation) bool { return Reverses(o.Operation) })
	if invoices, err := s.ledger.Documents(ctx, kindInvoice, "", "", 1); err != nil || len(invoices) == 0 || !reverses {
		if err != nil {
			return nil, err
		}
		return d.do(creditledger.DoOptions{Key: d.key})
	}
	for attempt := 1; ; attempt++ {
		res, err := s.directOnce(ctx, d)
		if err == nil {
			s.returned(ctx, res)
			return res, nil
		}
		if attempt == maxAttempts || !movedMeanwhile(err) || ctx.Err() != nil {
			return nil, err
		}
	}
}

// directOnce looks at what the operations would lose, and does them if they do lose that.
// What the ledger refuses, or knows by its key, it says itself.
func (s *Service) directOnce(ctx context.Context, d *direct) (*creditledger.Result, error) {
	t, err := s.begin(ctx, &call{customer: d.ops[0].Account.Customer})
	if err != nil {
		return nil, err
	}
	var plans []reversalPlan
	for i, o := range d.ops {
		on := accountOf(o.Account)
		if op, ok := o.Operation.(creditledger.Reverse); ok {
			drawn, err := s.ledger.Drawn(ctx, on.id(), op)
			if err == nil {
				err = t.notOwn(drawn)
			} else if isRefusal(err) {
				err = nil
			}
			if err != nil {
				return nil, err
			}
			plans = append(plans, reversalPlan{place: i, on: on, drawn: drawn})
		}
		if err := t.ask(on, []creditledger.Operation{o.Operation}, nil); err != nil {
			return nil, err
		}
	}
	if results, err := t.results(); err == nil {
		if err := t.owesLessAfter(plans, results); err != nil {
			return nil, err
		}
	} else if !isRefusal(err) {
		return nil, err
	}
	if err := t.readTallies(); err != nil {
		return nil, err
	}
	return d.do(creditledger.DoOptions{Key: d.key, Attach: func(r *creditledger.Result) ([]creditledger.DocumentPut, error) {
		for _, p := range plans {
			if !tookBackAs(p.would, resultsOf(r)[p.place]) {
				return nil, errAgain
			}
		}
		return t.documents()
	}})
}

// isRefusal reports whether the ledger refuses something, and does not fail.
func isRefusal(err error) bool {
	return errors.Is(err, creditledger.ErrNotFound) || errors.Is(err, creditledger.ErrConstraint) || errors.Is(err, creditledger.ErrInvalid) ||
		errors.Is(err, creditledger.ErrInsufficientCredits) || errors.Is(err, creditledger.ErrDuplicate) || errors.Is(err, creditledger.ErrIdempotencyMismatch)
}

// reversalPlan is a Reverse and what it would do.
type reversalPlan struct {
	place int // among the operations
	on    Account
	drawn []creditledger.Drawn
	would creditledger.Result
}

// owesLessAfter lowers what is owed by what reversals lose.
func (t *tx) owesLessAfter(plans []reversalPlan, results []creditledger.Result) error {
	left := map[Account]map[uint64]creditledger.Amount{}
	for i := range plans {
		p := &plans[i]
		p.would = results[p.place]
		if left[p.on] == nil {
			left[p.on] = map[uint64]creditledger.Amount{}
		}
		for j := range p.drawn { // what the operations before took back
			d := &p.drawn[j]
			if rest, ok := left[p.on][d.Entry]; ok {
				d.Left = rest
			}
		}
		lost, err := lostOf(p.drawn, &p.would)
		if err == nil {
			err = t.owesLess(p.on, lost)
		}
		if err != nil {
			return err
		}
		for _, d := range p.drawn {
			left[p.on][d.Entry] = d.Left
		}
	}
	return nil
}

// notOwn refuses to take back what made debts again when a sale was voided.
func (t *tx) notOwn(drawn []creditledger.Drawn) error {
	for i := range drawn {
		d := &drawn[i]
		if d.InvoiceID == "" {
			continue
		}
		inv, err := read[Invoice](t, kindInvoice, d.InvoiceID)
		if err != nil {
			return err
		}
		if inv != nil && inv.Purchase != nil {
			return &OwnEntryError{Entry: d.Entry, Invoice: inv.ID, Number: inv.Number}
		}
	}
	return nil
}

// tookBackAs reports whether a reversal did what it would have done.
func tookBackAs(would, did creditledger.Result) bool {
	return would.Reversed.Cmp(did.Reversed) == 0 && would.Lost.Cmp(did.Lost) == 0 &&
		slices.EqualFunc(would.Entries, did.Entries, func(a, b creditledger.Entry) bool {
			return a.Type == b.Type && a.Reverses == b.Reverses && a.Amount.Cmp(b.Amount) == 0
		})
}
