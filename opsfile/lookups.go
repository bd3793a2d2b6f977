package opsfile

import (
	"context"
	"math"

	"creditledger"
)

// Block asks for one block of an account, whatever its state.
type Block struct{ ID string }

// Customers asks for one customer, by ID or ExternalID, or for all of them in the byte
// order of their ids, deleted ones included: up to Limit (0: 100) after the id After.
type Customers struct {
	ID, ExternalID, After string
	Limit                 int
}

// CustomerPage is one page of customers.
type CustomerPage struct {
	Customers []creditledger.Customer
	Next      string // the After of the next page; empty when this was the last
}

const usualCustomers = 100 // on a page

func readBlocks(f *fields, r *Request) {
	r.account(f)
	q := creditledger.BlocksQuery{
		All:            f.flag("include_all_blocks"),
		EffectiveFrom:  f.instant("effective_date[gte]"),
		EffectiveUntil: f.instant("effective_date[lte]"),
	}
	id := f.id("block_id")
	switch {
	case id == "":
		r.Args = q
	case q != creditledger.BlocksQuery{}:
		f.refuse("block_id", "goes without include_all_blocks and effective_date")
	default:
		r.Args = Block{ID: id}
	}
}

// lookups reads the keys by which entries are looked up.
func (f *fields) lookups(q *creditledger.EntriesQuery) {
	q.Key = f.key()
	q.BlockID = f.id("block_id")
	q.ItemID = f.id("item_id")
	q.InvoiceID = f.id("invoice_id")
	q.FromSeq = uint64(f.integer("ledger_sequence_number[gte]", 1, math.MaxInt64))
	q.UntilSeq = uint64(f.integer("ledger_sequence_number[lte]", 1, math.MaxInt64))
}

func readCustomers(f *fields, r *Request) {
	q := Customers{ID: f.id("id"), ExternalID: f.id("external_customer_id"), After: f.id("after"), Limit: int(f.integer("limit", 1, creditledger.MaxPage))}
	switch {
	case q.ID != "" && q.ExternalID != "":
		f.refuse("external_customer_id", "goes without id: give one of them")
	case q.ID+q.ExternalID != "" && q.After != "":
		f.refuse("after", "goes without id and external_customer_id")
	}
	r.Args = q
}

func (q Customers) run(ctx context.Context, l *creditledger.Ledger) (any, error) {
	var c creditledger.Customer
	var err error
	switch {
	case q.ID != "":
		c, err = l.Customer(ctx, q.ID)
	case q.ExternalID != "":
		c, err = l.CustomerByExternalID(ctx, q.ExternalID)
	default:
		return q.page(ctx, l)
	}
	if err != nil {
		return nil, err
	}
	return CustomerPage{Customers: []creditledger.Customer{c}}, nil
}

func (q Customers) page(ctx context.Context, l *creditledger.Ledger) (any, error) {
	if q.Limit == 0 {
		q.Limit = usualCustomers
	}
	list, err := l.Customers(ctx, q.After, q.Limit)
	if err != nil {
		return nil, err
	}
	page := CustomerPage{Customers: list}
	if len(list) == q.Limit {
		page.Next = list[len(list)-1].ID
	}
	return page, nil
}
