package invoice

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
)

const secret = "Lovelace"

// told fills a world with texts wherever the money side takes any.
func (w *world) told() {
	w.t.Helper()
	name, address := "Ada "+secret, "1 Main Street, "+secret
	w.customer(func(u *creditledger.CustomerUpdate) { u.Name, u.BillingAddress = &name, &address })
	sold := sale100()
	sold.Increment.Description, sold.Increment.Metadata = "for "+secret, map[string]string{"who": secret}
	w.must(w.Purchase(w.ctx, sold, "p"))
	d := draft()
	d.Terms.Memo, d.Terms.Metadata = "dear "+secret, map[string]string{"who": secret}
	inv := w.must(w.CreateDraft(w.ctx, d, "d"))
	memo := "dear Ada " + secret
	w.must(w.EditDraft(w.ctx, DraftEdit{Invoice: inv.ID, Memo: &memo}, "e"))
	d.Terms.InvoiceID = "gone"
	w.must(w.CreateDraft(w.ctx, d, "d2"))
	w.must(w.DeleteDraft(w.ctx, "gone", "x"))
	if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(w.t, "1", "USD"), Description: "sorry, " + secret}, "b"); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Propose(w.ctx, Proposal{
		Account: credits, ExpiresAt: creditledger.At(start.AddDate(0, 1, 0)), Description: "as " + secret + " asked", ID: "chg",
		Operations: []creditledger.Operation{creditledger.Increment{Amount: amount("1"), Description: "to " + secret}},
	}, "g"); err != nil {
		w.t.Fatal(err)
	}
}

// erase erases in the ledger and in the records of the money side.
func (w *world) erase() Erased {
	w.t.Helper()
	if _, err := w.ledger.Erase(w.ctx, "cus", creditledger.Erasure{Customer: true}); err != nil {
		w.t.Fatal(err)
	}
	done, err := w.Service.Erase(w.ctx, "cus")
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// After an erasure only issued invoices name a customer. Keys are answered without the texts, and
// those of the repetition are not compared; the proof is as before.
func TestErasure(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.told()
		if n := strings.Count(w.dump(), secret); n < 20 {
			t.Fatalf("the test shows nothing: %d texts", n)
		}
		// The answers under p, d, e, d2, x, b and g; an issued invoice has the name.
		if done := w.erase(); done != (Erased{Answers: 7, Drafts: 2, Transactions: 1, Changes: 1, Invoices: 1}) {
			t.Errorf("erased: %+v", done)
		}
		for line := range strings.Lines(w.dump()) {
			if strings.Contains(line, secret) && !strings.HasPrefix(line, `invoice "`) {
				t.Errorf("it is still there: %s", line)
			}
		}
		page, err := w.Invoices(w.ctx, ListQuery{Customer: "cus", Status: Issued})
		if err != nil || len(page.Invoices) != 1 || !strings.Contains(page.Invoices[0].CustomerDetails.Name, secret) {
			t.Errorf("the issued invoice: %+v, %v", page, err)
		}
		again := w.erase()
		if again != (Erased{Invoices: 1}) {
			t.Errorf("erased again: %+v", again)
		}
		sold := sale100()
		sold.Increment.Description = "anything"
		a, err := w.Purchase(w.ctx, sold, "p")
		if err != nil || !a.Replayed || a.Entries[0].Description != "" || !a.Entries[0].Erased || a.Invoice.CustomerDetails != nil {
			t.Errorf("a repeated key: %+v, %v", a, err)
		}
		sold.Increment.Amount = amount("99")
		w.refused(creditledger.ErrIdempotencyMismatch, "amount", func() error { _, err := w.Purchase(w.ctx, sold, "p"); return err })
		if found, err := w.Verify(context.Background(), nil); err != nil || found.Violation != nil {
			t.Errorf("%+v, %v", found, err)
		}
		w.prove()
	})
}

// Once a file was erased in and compacted, no byte of what a draft, an answer, a transaction
// or a change said is in it.
func TestErasureLeavesNoByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: context.Background(), now: start, place: &place{store: s}}
	w.begin()
	w.told()
	w.erase()
	w.close()
	if _, _, err := bolt.CompactInPlace(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"dear ", "sorry, ", "as " + secret, "to " + secret, `"who"`} {
		if strings.Contains(string(data), text) {
			t.Errorf("%q is still in the file", text)
		}
	}
}
