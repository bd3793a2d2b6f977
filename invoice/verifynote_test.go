package invoice

import (
	"strings"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// TestVerifyFindsAlteredNotes alters what notes say, of lines, and of credits that were taken
// back: each is found.
func TestVerifyFindsAlteredNotes(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	usd := func(text string) Money { return money(t, text, "USD") }
	lines := twoRates(w)
	w.tick()
	lines = w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: lines.ID, Lines: []NoteLineInput{{"1", usd("12.00")}, {"2", usd("10.50")}}}, "n"))
	w.tick()
	sale := w.sold(paid)
	w.spend("70")
	w.tick()
	sale = w.must(w.Refund(w.ctx, TakeBack{Invoice: sale.ID, Credits: amount("50")}, "refund"))
	w.prove()
	for _, c := range []struct{ name, invoice, from, to, says string }{
		{"the amount of a line", lines.ID, `"item_id":"seats","amount":"10.50 USD"`, `"item_id":"seats","amount":"10.00 USD"`, `line "2" is credited by 10.00 USD`},
		{"the net of a line", lines.ID, `"amount":"12.00 USD","net":"10.00 USD"`, `"amount":"12.00 USD","net":"11.00 USD"`, `line "1" is credited by 12.00 USD`},
		{"the tax of a line", lines.ID, `"net":"10.00 USD","tax":"2.00 USD"`, `"net":"10.00 USD","tax":"1.00 USD"`, `line "1" is credited`},
		{"net and tax of a line", lines.ID, `"amount":"12.00 USD","net":"10.00 USD","tax":"2.00 USD"`, `"amount":"13.00 USD","net":"11.00 USD","tax":"2.00 USD"`, "is not what its lines add up to"},
		{"which line", lines.ID, `{"line_id":"2","item_id":"seats"`, `{"line_id":"3","item_id":"seats"`, `line "3", of seats, is not one of`},
		{"what the line is of", lines.ID, `{"line_id":"2","item_id":"seats"`, `{"line_id":"2","item_id":"seat"`, `line "2", of seat, is not one of`},
		{"net and tax", lines.ID, `"amount":"22.50 USD","net":"20.00 USD"`, `"amount":"22.50 USD","net":"21.00 USD"`, "22.50 USD is not its net"},
		{"how many were used", sale.ID, `"spent":"20"`, `"spent":"10"`, "20.00 USD are owed, not 10.00 USD"},
		{"how many were taken back", sale.ID, `"taken_back":"50","spent"`, `"taken_back":"40","spent"`, "cost 40.00 USD"},
		{"the price of all", sale.ID, `"price":"100.00 USD"`, `"price":"90.00 USD"`, "cost 45.00 USD"},
		{"what may return", sale.ID, `"used_taken_back":"20"`, `"used_taken_back":"30"`, "of which the use of 30 may return"},
	} {
		id := creditledger.DocumentID{Kind: kindInvoice, Key: c.invoice}
		rec, err := w.ledger.Document(w.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		altered := strings.Replace(string(rec.Value), c.from, c.to, 1)
		if altered == string(rec.Value) {
			t.Fatalf("%s: nothing was altered in %s", c.name, altered)
		}
		put := func(value string) {
			now, err := w.ledger.Document(w.ctx, id)
			if err == nil {
				err = w.ledger.PutDocuments(w.ctx, []creditledger.DocumentPut{{DocumentID: id, Expect: now.Version, Prev: now.Seal(), Value: []byte(value)}})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		put(altered)
		if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation == nil || !strings.Contains(v.Violation.Error(), c.says) {
			t.Errorf("%s: %+v, %v", c.name, v.Violation, err)
		}
		put(string(rec.Value))
		w.prove()
	}
}

// TestVerifyMissesALostSoldBlock: what notes whose credits a block has is missed.
func TestVerifyMissesALostSoldBlock(t *testing.T) {
	s := &rewound{Store: memory.New(), before: map[creditledger.DocumentID][]creditledger.Document{}}
	w := newWorld(t, backend{"rewound", 1, func(testing.TB) *place { return &place{store: s} }}, nil)
	inv := w.sold(paid)
	w.send(credits, friend, "60")
	w.tick()
	if _, err := w.ledger.Do(w.ctx, friend, creditledger.Decrement{Amount: amount("10")}, "used"); err != nil {
		t.Fatal(err)
	}
	w.tick()
	w.must(w.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("100")}, "refund"))
	w.prove()
	sold := w.records(kindSold)
	if len(sold) != 1 {
		t.Fatalf("%d blocks are noted", len(sold))
	}
	s.instead = map[creditledger.DocumentID]*creditledger.Document{sold[0].DocumentID: nil}
	if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation == nil || !strings.Contains(v.Violation.Error(), "records of customer friend") {
		t.Errorf("%+v, %v", v.Violation, err)
	}
}
