package invoice

import (
	"strings"
	"testing"

	"creditledger"
)

// TestVerifyFindsAlteredEnds alters what is on record of purchases that wait for their payment,
// ended unpaid or were granted anew: each is found.
func TestVerifyFindsAlteredEnds(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	shifted := w.soldIn(1, func(p *Purchase) { p.ShiftExpiry = true })
	w.now = at{9, 0, nil}.time()
	w.must(begins("")(w, shifted, "begin"))
	w.now = at{11, 0, nil}.time()
	w.must(succeeds(w, shifted, "ok"))
	var waits, over *Invoice
	for i, inv := range []**Invoice{&waits, &over} {
		p := sale100()
		p.RequirePayment, p.Increment.BlockID = true, []string{"waits", "over"}[i]
		p.PaymentDeadline = creditledger.On(creditledger.DateOf(2026, 1, []int{20, 12}[i]))
		p.Increment.ExpiresAt = creditledger.On(creditledger.DateOf(2026, 2, 1))
		*inv = w.must(w.Purchase(w.ctx, p, creditledger.Key(p.Increment.BlockID)))
	}
	w.now = at{13, 0, nil}.time()
	if n, err := w.Sweep(w.ctx, ""); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	w.prove()
	for _, c := range []struct{ name, kind, key, from, to string }{
		{"until when one waits", kindWaiting, "cus", `"ends_at":"2026-01-20`, `"ends_at":"2026-01-21`},
		{"which one waits", kindWaiting, "cus", waits.ID, over.ID},
		{"that one waits", kindWaiting, "cus", `{"invoice_id":"` + waits.ID + `","ends_at":"2026-01-20T00:00:00Z"}`, ""},
		{"its deadline", kindInvoice, waits.ID, `"payment_deadline":"2026-01-20`, `"payment_deadline":"2026-01-19`},
		{"its end", kindInvoice, waits.ID, `"ends_at":"2026-01-20`, `"ends_at":"2026-01-22`},
		{"that it ended", kindInvoice, waits.ID, `"ends_at":`, `"ended_unpaid":true,"ends_at":`},
		{"the block that ended", kindInvoice, shifted.ID, `"parent_block_id":"bought"`, `"parent_block_id":"sold"`},
		{"that a block was to take its place", kindInvoice, shifted.ID, `"shift_expiry":true,`, ``},
	} {
		id := creditledger.DocumentID{Kind: c.kind, Key: c.key}
		w.replace(id, func(was string) string {
			altered := strings.Replace(was, c.from, c.to, 1)
			if altered == was {
				t.Fatalf("%s: nothing was altered in %s", c.name, was)
			}
			return altered
		}, func() {
			if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation == nil {
				t.Errorf("%s: not found: %+v, %v", c.name, v, err)
			} else {
				t.Logf("%s: %v", c.name, v.Violation)
			}
		})
		w.prove()
	}
}

// replace puts another value in the place of a record while something is looked at.
func (w *world) replace(id creditledger.DocumentID, by func(string) string, look func()) {
	w.t.Helper()
	was, err := w.ledger.Document(w.ctx, id)
	put := func(value string) {
		w.t.Helper()
		now, err := w.ledger.Document(w.ctx, id)
		if err == nil {
			err = w.ledger.PutDocuments(w.ctx, []creditledger.DocumentPut{{DocumentID: id, Expect: now.Version, Prev: now.Seal(), Value: []byte(value)}})
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	put(by(string(was.Value)))
	look()
	put(string(was.Value))
}
