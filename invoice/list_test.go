package invoice

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

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
