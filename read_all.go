package creditledger

import (
	"context"
	"iter"
)

// Iterators over lists. Each range over one begins anew. It reads one page at a time, of
// the query's Limit or of MaxPage elements. An error comes with the zero value, and ends
// the iteration.

// each yields the elements of all pages. next returns the page at a place, and the place
// of the page after it.
func each[P comparable, T any](start P, next func(at P) (page []T, after P, last bool, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for at := start; ; {
			page, after, last, err := next(at)
			if err == nil && !last && after == at {
				err = standsStill("list")
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if last {
				return
			}
			at = after
		}
	}
}

// eachAfter is each for lists that are asked for from the last element on.
func eachAfter[P comparable, T any](start P, place func(*T) P, list func(after P, limit int) ([]T, error)) iter.Seq2[T, error] {
	return each(start, func(at P) ([]T, P, bool, error) {
		page, err := list(at, MaxPage)
		if len(page) > 0 {
			at = place(&page[len(page)-1])
		}
		return page, at, len(page) < MaxPage, err
	})
}

// AllEntries yields the entries that a query asks for, from its cursor on. What is written
// meanwhile may be among them. An error, one of those of Entries, ends it.
func (l *Ledger) AllEntries(ctx context.Context, on AccountID, q EntriesQuery) iter.Seq2[Entry, error] {
	if q.Limit == 0 {
		q.Limit = MaxPage
	}
	return each(q.Cursor, func(at Cursor) ([]Entry, Cursor, bool, error) {
		q := q
		q.Cursor = at
		page, err := l.Entries(ctx, on, q)
		return page.Entries, page.Next, page.Next == "", err
	})
}

// AllBlocks yields the blocks that a query asks for, from its cursor on. An error, one of
// those of Blocks, ends it.
func (l *Ledger) AllBlocks(ctx context.Context, on AccountID, q BlocksQuery) iter.Seq2[Block, error] {
	if q.Limit == 0 {
		q.Limit = MaxPage
	}
	return each(q.Cursor, func(at Cursor) ([]Block, Cursor, bool, error) {
		q := q
		q.Cursor = at
		page, err := l.Blocks(ctx, on, q)
		return page.Blocks, page.Next, page.Next == "", err
	})
}

// AllAccounts yields every account after the given one, in the order of AccountID.Compare;
// the zero AccountID is before the first. An error ends it.
func (l *Ledger) AllAccounts(ctx context.Context, after AccountID) iter.Seq2[AccountID, error] {
	return eachAfter(after, func(id *AccountID) AccountID { return *id }, func(at AccountID, limit int) ([]AccountID, error) {
		return l.Accounts(ctx, at, limit)
	})
}

// AllCustomers yields every customer whose id is after the given one, in byte order of the
// ids. An error ends it.
func (l *Ledger) AllCustomers(ctx context.Context, after string) iter.Seq2[Customer, error] {
	return eachAfter(after, func(c *Customer) string { return c.ID }, func(at string, limit int) ([]Customer, error) {
		return l.Customers(ctx, at, limit)
	})
}

// AllDocuments yields the documents of a kind whose keys begin with prefix, in byte order
// of their keys, after the key after. An error ends it.
func (l *Ledger) AllDocuments(ctx context.Context, kind, prefix, after string) iter.Seq2[Document, error] {
	return eachAfter(after, func(d *Document) string { return d.Key }, func(at string, limit int) ([]Document, error) {
		return l.Documents(ctx, kind, prefix, at, limit)
	})
}
