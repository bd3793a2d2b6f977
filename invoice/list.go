package invoice

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"creditledger"
)

// InvoiceIDs returns up to limit ids (at most creditledger.MaxPage) of invoices of all
// sellers and customers that begin with prefix, in byte order, after the id after.
func (s *Service) InvoiceIDs(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	return s.ids(ctx, kindInvoice, prefix, after, limit)
}

// ChangeIDs is InvoiceIDs for changes, those that are over included.
func (s *Service) ChangeIDs(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	return s.ids(ctx, kindChange, prefix, after, limit)
}

func (s *Service) ids(ctx context.Context, kind, prefix, after string, limit int) ([]string, error) {
	recs, err := s.ledger.Documents(ctx, kind, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(recs))
	for i := range recs {
		ids[i] = recs[i].Key
	}
	return ids, nil
}

// Day is the calendar day of an instant, such as the date of the invoice, in its
// customer's time zone; empty for none.
func (inv *Invoice) Day(at creditledger.Instant) string {
	if at == 0 {
		return ""
	}
	return day(at, inv.zone())
}

// ListQuery says which invoices are wanted.
type ListQuery struct {
	Customer string // empty: of all customers and sellers
	Status   Status // empty: all but deleted drafts
	// DueFrom and DueBefore bound the due date, DatedFrom and DatedBefore the date on the
	// invoice; a bare date is a day of the invoice's customer. None: no bound. What has no such date
	// yet, as a draft, is within no bound.
	DueFrom, DueBefore, DatedFrom, DatedBefore creditledger.When

	Limit  int    // 1 to creditledger.MaxPage; 0: 20
	Cursor string // Next of the page before
}

// InvoicePage is one page of invoices: those of a customer in the order they were made, those of all
// customers by their numbers, the newest first, and drafts, which have none, before all others.
type InvoicePage struct {
	Invoices []*Invoice
	Next     string // empty at the end
}

// Invoices returns a page of a customer's invoices, or of all. A page of all takes the time to
// read every invoice that there is, and the memory of the page.
func (s *Service) Invoices(ctx context.Context, q ListQuery) (InvoicePage, error) {
	if q.Limit == 0 {
		q.Limit = 20
	}
	if q.Limit < 0 || q.Limit > creditledger.MaxPage {
		return InvoicePage{}, invalid("limit", "%d is not between 1 and %d", q.Limit, creditledger.MaxPage)
	}
	err := firstError(checkWhen("due_date[gte]", q.DueFrom), checkWhen("due_date[lt]", q.DueBefore),
		checkWhen("invoice_date[gte]", q.DatedFrom), checkWhen("invoice_date[lt]", q.DatedBefore))
	if err != nil {
		return InvoicePage{}, err
	}
	var last *Invoice
	if q.Cursor != "" {
		if last, err = s.Invoice(ctx, q.Cursor); err != nil || q.Customer != "" && last.Customer != q.Customer {
			return InvoicePage{}, invalid("cursor", "does not belong to this list")
		}
	}
	if q.Customer == "" {
		return s.newest(ctx, &q, last)
	}
	return s.ofCustomer(ctx, &q, last)
}

// wants reports whether an invoice is one that is asked for.
func (q *ListQuery) wants(inv *Invoice) bool {
	if inv.Status != q.Status && (q.Status != "" || inv.Status == Deleted) {
		return false
	}
	zone := inv.zone()
	within := func(at creditledger.Instant, from, before creditledger.When) bool {
		return (from.IsZero() || at != 0 && at >= resolve(from, zone)) && (before.IsZero() || at != 0 && at < resolve(before, zone))
	}
	return within(inv.DueDate, q.DueFrom, q.DueBefore) && within(inv.InvoiceDate, q.DatedFrom, q.DatedBefore)
}

// ofCustomer lists a customer's invoices after last, in the order they were made.
func (s *Service) ofCustomer(ctx context.Context, q *ListQuery, last *Invoice) (page InvoicePage, err error) {
	if err := checkID("customer_id", q.Customer); err != nil {
		return page, err
	}
	prefix, after := q.Customer+separator, ""
	if last != nil {
		after = indexKey(last)
	}
	for {
		recs, err := s.ledger.Documents(ctx, kindIndex, prefix, after, 100)
		if err != nil {
			return InvoicePage{}, err
		}
		for _, rec := range recs {
			after = rec.Key
			inv, err := s.Invoice(ctx, rec.Key[len(prefix)+20+len(separator):])
			if err != nil {
				return InvoicePage{}, err
			}
			if !q.wants(inv) {
				continue
			}
			if len(page.Invoices) == q.Limit {
				page.Next = page.Invoices[q.Limit-1].ID
				return page, nil
			}
			page.Invoices = append(page.Invoices, inv)
		}
		if len(recs) < 100 {
			return page, nil
		}
	}
}

// newest lists the invoices of all customers after last, by their numbers, keeping no more than
// a page of them.
func (s *Service) newest(ctx context.Context, q *ListQuery, last *Invoice) (page InvoicePage, err error) {
	for after := ""; ; {
		recs, err := s.ledger.Documents(ctx, kindInvoice, "", after, recordsPage)
		if err != nil {
			return InvoicePage{}, err
		}
		for i := range recs {
			after = recs[i].Key
			inv := new(Invoice)
			if err := decode(&recs[i], inv); err != nil {
				return InvoicePage{}, err
			}
			if inv, err = s.asOfNow(ctx, inv); err != nil {
				return InvoicePage{}, err
			}
			if !q.wants(inv) || last != nil && newerFirst(inv, last) <= 0 {
				continue
			}
			at, _ := slices.BinarySearchFunc(page.Invoices, inv, newerFirst)
			page.Invoices = slices.Insert(page.Invoices, at, inv)
			page.Invoices = page.Invoices[:min(len(page.Invoices), q.Limit+1)]
		}
		if len(recs) < recordsPage {
			break
		}
	}
	if len(page.Invoices) > q.Limit {
		page.Invoices = page.Invoices[:q.Limit]
		page.Next = page.Invoices[q.Limit-1].ID
	}
	return page, nil
}

// newerFirst orders drafts, the latest first, before invoices by their numbers, the highest first;
// equal ones, of several sellers, by seller and id.
func newerFirst(a, b *Invoice) int {
	if c := cmp.Compare(b.counted(), a.counted()); c != 0 {
		return c
	}
	if c := cmp.Compare(b.CreatedAt, a.CreatedAt); c != 0 && a.Number == "" {
		return c
	}
	return cmp.Or(cmp.Compare(a.Seller, b.Seller), cmp.Compare(a.ID, b.ID))
}

// counted is what the seller's counter stood at when it gave the number; without a number, more
// than any.
func (inv *Invoice) counted() uint64 {
	if inv.Number == "" {
		return math.MaxUint64
	}
	digits := inv.Number[len(strings.TrimRight(inv.Number, "0123456789")):]
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil { // a prefix that ends in digits made it too long to count
		return math.MaxUint64 - 1
	}
	return n
}
