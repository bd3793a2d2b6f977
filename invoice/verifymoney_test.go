package invoice

import (
	"strings"
	"testing"

	"creditledger"
)

// TestVerifyFindsMovedMoney alters what payments, notes and blocks say of money that went to
// the customer balance and came from there: each is found.
func TestVerifyFindsMovedMoney(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	inv := w.sold(paid)
	w.send(credits, friend, "60")
	w.tick()
	if _, err := w.ledger.Do(w.ctx, friend, creditledger.Decrement{Amount: amount("10")}, "used"); err != nil {
		t.Fatal(err)
	}
	w.tick()
	w.must(w.Receive(w.ctx, inv.ID, Receipt{Amount: money(t, "70", "USD"), OutsideID: "wire"}, "twice"))
	w.tick()
	w.must(w.ChargeBack(w.ctx, Chargeback{Invoice: inv.ID, Amount: money(t, "20", "USD")}, "bank"))
	w.tick()
	w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("100")}, "refund"))
	w.tick()
	if _, err := w.PayOut(w.ctx, Payout{Customer: "cus", Amount: money(t, "5", "USD")}, "out"); err != nil {
		t.Fatal(err)
	}
	w.prove()
	sold := soldKey(accountOf(friend), blockOf(w, friend))
	for _, c := range []struct{ name, kind, key, from, to string }{
		{"what went to the balance", kindInvoice, inv.ID, `"to_balance":"70.00 USD"`, `"to_balance":"60.00 USD"`},
		{"what came from the balance", kindInvoice, inv.ID, `"from_balance":"20.00 USD"`, `"from_balance":"10.00 USD"`},
		{"what is owed", kindInvoice, inv.ID, `"owed":"10.00 USD"`, `"owed":"9.00 USD"`},
		{"why the balance rose", kindMovement, movementKey("cus", "USD", 1), `"action":"overpaid"`, `"action":"payment_returned"`},
		{"why the balance fell", kindMovement, movementKey("cus", "USD", 2), `"action":"charged_back"`, `"action":"credit_note_voided"`},
		{"what was paid out", kindMovement, movementKey("cus", "USD", 5), `"amount":"5.00 USD"`, `"amount":"4.00 USD"`},
		{"whose credits a block has", kindSold, sold, inv.ID, "none"},
		{"a note on a block that is not there", kindSold, sold + "x", "", ""},
	} {
		rec, err := w.ledger.Document(w.ctx, creditledger.DocumentID{Kind: c.kind, Key: strings.TrimSuffix(c.key, "x")})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		id := creditledger.DocumentID{Kind: c.kind, Key: c.key}
		altered := strings.Replace(string(rec.Value), c.from, c.to, 1)
		put := creditledger.DocumentPut{DocumentID: id, Value: []byte(altered)}
		if id.Key == rec.Key {
			put.Expect, put.Prev = rec.Version, rec.Seal()
			if altered == string(rec.Value) {
				t.Fatalf("%s: nothing was altered in %s", c.name, altered)
			}
		}
		if err := w.ledger.PutDocuments(w.ctx, []creditledger.DocumentPut{put}); err != nil {
			t.Fatal(err)
		}
		if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation == nil {
			t.Errorf("%s: not found: %+v, %v", c.name, v, err)
		} else {
			t.Logf("%s: %v", c.name, v.Violation)
		}
		now, err := w.ledger.Document(w.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if id.Key != rec.Key {
			break // it stays, so it is the last
		}
		if err := w.ledger.PutDocuments(w.ctx, []creditledger.DocumentPut{{DocumentID: id, Expect: now.Version, Prev: now.Seal(), Value: rec.Value}}); err != nil {
			t.Fatal(err)
		}
		w.prove()
	}
}

// blockOf is the id of the one block of an account.
func blockOf(w *world, on creditledger.AccountID) string {
	w.t.Helper()
	page, err := w.ledger.Blocks(w.ctx, on, creditledger.BlocksQuery{All: true, Limit: 10})
	if err != nil || len(page.Blocks) != 1 {
		w.t.Fatalf("%d blocks, %v", len(page.Blocks), err)
	}
	return page.Blocks[0].ID
}
