package opsfile

import (
	"context"
	"slices"
	"strconv"

	"golang.org/x/text/language"

	"creditledger"
	"creditledger/invoice"
)

// Invoices asks for a page of invoices, of one customer or of all.
type Invoices struct{ invoice.ListQuery }

func (q Invoices) run(ctx context.Context, s *invoice.Service, _ creditledger.Key) (any, error) {
	page, err := s.Invoices(ctx, q.ListQuery)
	return &page, err
}

func readInvoices(f *fields, r *Request) {
	status, given := f.text("status")
	known := []invoice.Status{invoice.Draft, invoice.Issued, invoice.Paid, invoice.Void, invoice.Synced, invoice.Deleted}
	if given && !slices.Contains(known, invoice.Status(status)) {
		f.refuse("status", "%s is not known", strconv.QuoteToASCII(shorten(status)))
	}
	r.Args = Invoices{invoice.ListQuery{
		Customer: f.customer(), Status: invoice.Status(status),
		DueFrom: f.when("due_date[gte]"), DueBefore: f.when("due_date[lt]"),
		DatedFrom: f.when("invoice_date[gte]"), DatedBefore: f.when("invoice_date[lt]"),
		Limit: int(f.integer("limit", 1, creditledger.MaxPage)), Cursor: f.id("cursor"),
	}}
}

// invoicesAnswer is the JSON of a page of invoices.
func invoicesAnswer(h header, page *invoice.InvoicePage, locale language.Tag) (any, error) {
	views, err := invoice.Views(page.Invoices, locale)
	return struct {
		header
		Invoices []*invoice.InvoiceView `json:"invoices"`
		Next     string                 `json:"next_cursor,omitempty"`
	}{h, views, page.Next}, err
}
