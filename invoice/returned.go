package invoice

import (
	"context"
	"errors"
	"slices"

	"creditledger"
)

// A refund may find that credits were used which it takes back. Their price is owed, and their
// capacity stays as it is. If that use is taken back later, the credits which return are those
// that were refunded: they are taken, and their price is not owed any more. So a refund and
// what takes the use back end the same in either order. Rule: docs/invoices/undoing.md.

// planReturned plans to take what returned to a lot since refunds found it used, and returns
// the lot as it is then. What was owed for it is given back.
func (t *tx) planReturned(inv *Invoice, l *lot) (*taking, *lot, error) {
	p := inv.Purchase
	plan := &taking{amounts: make([]creditledger.Amount, len(l.blocks)), rest: p.UsedBack}
	rest := &lot{blocks: slices.Clone(l.blocks), refilled: l.refilled}
	for _, part := range []struct {
		of   func(*lotBlock) creditledger.Amount
		left func(*lotBlock) *creditledger.Amount
	}{
		{(*lotBlock).unspent, func(b *lotBlock) *creditledger.Amount { return &b.free }},
		{(*lotBlock).expiredOf, func(b *lotBlock) *creditledger.Amount { return &b.lapsed }},
	} {
		for i := range rest.blocks {
			b := &rest.blocks[i]
			taken, err := plan.lower(part.of(b))
			for _, f := range []*creditledger.Amount{part.left(b), &b.capacity} {
				if err == nil {
					*f, err = f.Sub(taken)
				}
			}
			if err == nil {
				plan.amounts[i], err = plan.amounts[i].Add(taken)
			}
			if err != nil {
				return nil, nil, err
			}
		}
	}
	returned, err := p.UsedBack.Sub(plan.rest)
	if err != nil || returned.IsZero() {
		return plan, rest, err
	}
	p.UsedBack = plan.rest
	return plan, rest, t.lowerOwed(inv, returned)
}

// takeReturned takes what returned to sales of which refunds had taken used credits back.
func (t *tx) takeReturned(on Account, entries []creditledger.Entry) error {
	sales, err := t.returnedTo(on, entries)
	for _, inv := range sales {
		if err == nil {
			err = t.takeReturnedOf(inv)
		}
	}
	return err
}

func (t *tx) takeReturnedOf(inv *Invoice) error {
	l, err := t.lotOf(inv)
	if err != nil {
		return err
	}
	plan, _, err := t.planReturned(inv, l)
	if err != nil {
		return err
	}
	return t.takePlanned(l, plan, "returned after a refund: "+inv.name(), func([]creditledger.Entry) {}, func() {})
}

// returnedTo are the sales to which entries gave something back that refunds found used.
func (t *tx) returnedTo(on Account, entries []creditledger.Entry) (sales []*Invoice, err error) {
	for i := range entries {
		e := &entries[i]
		if e.Type != creditledger.EntryAmendment || e.Block.ID == "" {
			continue
		}
		inv, err := t.soldAs(on, e.Block.ID)
		if err != nil {
			return nil, err
		}
		if inv != nil && inv.Status != Void && inv.Purchase != nil && inv.Purchase.UsedBack.Sign() > 0 && !slices.Contains(sales, inv) {
			sales = append(sales, inv)
		}
	}
	return sales, nil
}

// errNothing says that a call has nothing to do.
var errNothing = errors.New("nothing returned")

// returned takes what operations gave back to sales of which refunds had taken used credits
// back. That is a commit of its own, as the operations are the caller's. Until it is made, and
// should it fail, the credits stand beside what is owed for them, which is worth the same; the
// next refund, chargeback or void of the sale makes it then, and so does the same call again.
func (s *Service) returned(ctx context.Context, done *creditledger.Result) {
	t := &tx{ctx: ctx, s: s, call: &call{}, held: map[creditledger.DocumentID]*held{}}
	for _, r := range resultsOf(done) {
		for i := range r.Entries {
			e := &r.Entries[i]
			sales, err := t.returnedTo(accountOf(e.Account), r.Entries[i:i+1])
			if err != nil || len(sales) == 0 {
				continue
			}
			inv := sales[0]
			c := &call{op: "take_returned", customer: inv.Customer, invoice: inv.ID, request: ask{"invoice_id": inv.ID, "entry_id": e.ID}}
			c.key = creditledger.Key(idFrom("returned_", inv.ID, e.ID))
			write(ctx, s, c, func(t *tx) (*Answer, error) {
				inv, err := read[Invoice](t, kindInvoice, inv.ID)
				if err == nil {
					err = t.takeReturnedOf(inv)
				}
				if err == nil && len(t.parts) == 0 {
					err = errNothing
				}
				return &Answer{Invoice: inv}, err
			})
		}
	}
}
