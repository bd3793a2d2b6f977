package invoice

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger"
)

// Numbers have no gap and no double, whoever sells at the same time.
func TestDenseNumbers(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		other := New(w.ledger, nil) // as another process would
		const each = 8
		var wait sync.WaitGroup
		for i := range each {
			for j, s := range []*Service{w.Service, other} {
				wait.Go(func() {
					p := sale100()
					p.Increment.BlockID = fmt.Sprint("b", i, "-", j)
					if i%3 == 0 {
						p.Increment.ExpiresAt = creditledger.At(start.AddDate(-1, 0, 0)) // refused by the ledger
					}
					_, err := s.Purchase(w.ctx, p, creditledger.Key(fmt.Sprint(i, "-", j)))
					if (i%3 == 0) != errors.Is(err, creditledger.ErrInvalid) || (i%3 != 0 && err != nil) {
						t.Errorf("%d-%d: %v", i, j, err)
					}
				})
			}
		}
		wait.Wait()
		page, err := w.Invoices(w.ctx, ListQuery{Customer: "cus", Limit: 100})
		if err != nil || len(page.Invoices) != 10 {
			t.Fatalf("%d invoices, %v", len(page.Invoices), err)
		}
		seen := map[string]bool{}
		for _, inv := range page.Invoices {
			seen[inv.Number] = true
		}
		for n := 1; n <= 10; n++ {
			if !seen[fmt.Sprintf("INV-%06d", n)] {
				t.Errorf("number %d is missing of %v", n, seen)
			}
		}
		w.prove()
	})
}

// A caller may name the invoice; a name in use is refused.
func TestInvoiceID(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		p := sale100()
		p.Terms.InvoiceID = "order 7"
		if inv := w.must(w.Purchase(w.ctx, p, "k")); inv.ID != "order 7" {
			t.Errorf("id %s", inv.ID)
		}
		p.Increment.BlockID = "other"
		w.refused(creditledger.ErrDuplicate, `invoice "order 7" is already in use`, func() error { _, err := w.Purchase(w.ctx, p, "k2"); return err })
	})
}

func TestListInvoices(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		for i := range 7 {
			w.tick()
			p := sale100()
			p.Increment.BlockID, p.MarkAsPaid = fmt.Sprint("b", i), i%2 == 0
			if _, err := w.Purchase(w.ctx, p, creditledger.Key(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		q := ListQuery{Customer: "cus", Status: Paid, Limit: 3}
		for {
			page, err := w.Invoices(w.ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, inv := range page.Invoices {
				got = append(got, strings.TrimLeft(inv.Number[4:], "0"))
			}
			if q.Cursor = page.Next; page.Next == "" {
				break
			}
			got = append(got, "|")
		}
		if s := strings.Join(got, " "); s != "1 3 5 | 7" {
			t.Errorf("pages: %s", s)
		}
		if _, err := w.Invoices(w.ctx, ListQuery{Customer: "cus", Cursor: "x"}); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("cursor: %v", err)
		}
		if page, err := w.Invoices(w.ctx, ListQuery{Customer: "cu"}); err != nil || len(page.Invoices) != 0 {
			t.Errorf("another customer whose id begins the same: %d, %v", len(page.Invoices), err)
		}
	})
}

// Over all customers invoices stand by their numbers, the newest first, drafts before all; a
// status and half-open ranges of dates leave out what is not asked for, page by page.
func TestInvoicesOfAllCustomers(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		for _, customer := range []string{"zoe", "ada"} {
			w.customer(func(u *creditledger.CustomerUpdate) { u.ID = customer })
		}
		berlin := "Europe/Berlin"
		w.customer(func(u *creditledger.CustomerUpdate) { u.ID, u.Timezone = "bob", &berlin })
		for i, customer := range []string{"zoe", "ada", "bob", "zoe", "ada", "bob"} {
			w.tick()
			p := sale100()
			p.Account.Customer, p.Increment.BlockID = customer, fmt.Sprint("b", i)
			p.Terms.NetTerms, p.Terms.CustomDueDate = nil, creditledger.On(creditledger.DateOf(2026, 2, 1+i))
			p.MarkAsPaid = i%2 == 1
			w.must(w.Purchase(w.ctx, p, "p"+creditledger.Key(fmt.Sprint(i))))
		}
		for i, customer := range []string{"zoe", "ada"} {
			w.tick()
			d := draft()
			d.Customer, d.Terms.InvoiceID = customer, fmt.Sprint("draft", i)
			w.must(w.CreateDraft(w.ctx, d, "d"))
		}
		w.must(w.DeleteDraft(w.ctx, "draft0", "x"))
		day := func(d int) creditledger.When { return creditledger.On(creditledger.DateOf(2026, 2, d)) }
		for _, c := range []struct {
			name string
			q    ListQuery
			want string
		}{
			{"all", ListQuery{}, "draft1 6 5 4 3 2 1"},
			{"in pages", ListQuery{Limit: 3}, "draft1 6 5 | 4 3 2 | 1"},
			{"in whole pages", ListQuery{Limit: 2, Status: Paid}, "6 4 | 2"},
			{"issued", ListQuery{Status: Issued}, "5 3 1"},
			{"deleted", ListQuery{Status: Deleted}, "draft0"},
			{"drafts", ListQuery{Status: Draft}, "draft1"},
			{"void: none", ListQuery{Status: Void}, ""},
			// The days of bob begin an hour before those of UTC: 3 is due on the 3rd there.
			{"due before the 3rd", ListQuery{DueBefore: day(3)}, "2 1"},
			{"due from the 3rd to before the 6th", ListQuery{DueFrom: day(3), DueBefore: day(6)}, "5 4 3"},
			{"due from an instant", ListQuery{DueFrom: creditledger.At(time.Date(2026, 2, 6, 0, 0, 0, 0, time.UTC))}, ""},
			{"dated", ListQuery{DatedFrom: creditledger.On(creditledger.DateOf(2026, 1, 15)), DatedBefore: creditledger.On(creditledger.DateOf(2026, 1, 16)), Status: Paid}, "6 4 2"},
			{"dated later", ListQuery{DatedFrom: creditledger.On(creditledger.DateOf(2026, 1, 16))}, ""},
			{"of one customer, in the order they were made", ListQuery{Customer: "zoe", DueBefore: day(9)}, "1 4"},
		} {
			if got := w.listed(c.q); got != c.want {
				t.Errorf("%s: %q, not %q", c.name, got, c.want)
			}
		}
		if _, err := w.Invoices(w.ctx, ListQuery{DueFrom: creditledger.Never()}); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("never: %v", err)
		}
	})
}

// listed are the numbers, or ids of drafts, of all pages of a query.
func (w *world) listed(q ListQuery) string {
	w.t.Helper()
	var got []string
	for {
		page, err := w.Invoices(w.ctx, q)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, inv := range page.Invoices {
			if inv.Number == "" {
				got = append(got, inv.ID)
				continue
			}
			got = append(got, strings.TrimLeft(inv.Number[4:], "0"))
		}
		if q.Cursor = page.Next; page.Next == "" {
			return strings.Join(got, " ")
		}
		got = append(got, "|")
	}
}
