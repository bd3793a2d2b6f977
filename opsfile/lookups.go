package opsfile

import (
	"context"
	"math"

	"creditledger"
)

// Block asks for one block of an account, whatever its state.
type Block struct{ ID string }

// BlockAccounts asks for the accounts that have a block with an id: up to Limit (0: 100)
// after the account After.
type BlockAccounts struct {
	ID    string
	After creditledger.AccountID
	Limit int
}

// AccountPage is one page of accounts.
type AccountPage struct {
	Accounts []creditledger.AccountID
	Next     creditledger.AccountID // the After of the next page; zero when this was the last
}

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

const usualPage = 100 // customers, or accounts

func readBlocks(f *fields, r *Request) {
	id := f.id("block_id")
	if id != "" && !f.namesCustomer() {
		r.Args = f.blockAccounts(id)
		return
	}
	r.account(f)
	q := creditledger.BlocksQuery{
		All:            f.flag("include_all_blocks"),
		EffectiveFrom:  f.instant("effective_date[gte]"),
		EffectiveUntil: f.instant("effective_date[lte]"),
	}
	switch {
	case id == "":
		r.Args = q
	case q != creditledger.BlocksQuery{}:
		f.refuse("block_id", "goes without include_all_blocks and effective_date")
	default:
		r.Args = Block{ID: id}
	}
}

// blockAccounts reads the other keys of a line that names a block and no customer.
func (f *fields) blockAccounts(id string) BlockAccounts {
	q := BlockAccounts{ID: id, Limit: int(f.integer("limit", 1, creditledger.MaxPage))}
	if v, ok := f.find("after"); ok && v.kind != kindNull {
		q.After = f.accountIn("after")
	}
	return q
}

func (q BlockAccounts) run(ctx context.Context, l *creditledger.Ledger) (any, error) {
	if q.Limit == 0 {
		q.Limit = usualPage
	}
	list, err := l.AccountsOfBlock(ctx, q.ID, q.After, q.Limit)
	if err != nil {
		return nil, err
	}
	page := AccountPage{Accounts: list}
	if len(list) == q.Limit {
		page.Next = list[len(list)-1]
	}
	return page, nil
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
		q.Limit = usualPage
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
