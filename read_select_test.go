package creditledger_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"creditledger"
)

// TestEntriesSelected: whatever a query asks for together, it is answered with the entries
// of the whole list that are so, page by page.
func TestEntriesSelected(t *testing.T) {
	w := newWorld(t)
	invoiced := func(op creditledger.Increment, id string) creditledger.Increment {
		op.InvoiceID = id
		return op
	}
	charged := func(item, invoice, sum string) creditledger.Decrement {
		return creditledger.Decrement{Amount: amount(sum), ItemID: item, InvoiceID: invoice}
	}
	for i, op := range []creditledger.Operation{
		invoiced(grant("A", "10", expires("2026-03-01")), "i1"), charged("api", "i2", "4"), charged("disk", "", "8"),
		creditledger.Batch{invoiced(grant("B", "9"), "i2"), charged("api", "i1", "3"), voidOf("B", "1")},
		invoiced(grant("P", "5", unpaid), "i3"), creditledger.Activation{BlockID: "P"}, extend("B", "1", "never", "C"), charged("api", "", "2"),
		grant("E", "3", expires("2026-02-02")),
	} {
		key := creditledger.Key("")
		if i%3 == 0 {
			key = creditledger.Key(fmt.Sprintf("k%d", i))
		}
		if _, err := w.Do(ctx, cus1, op, key); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	w.at("2026-02-03")
	if _, err := w.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	whole := all(t, w.AllEntries(ctx, cus1, creditledger.EntriesQuery{Ascending: true}))
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
		q := creditledger.EntriesQuery{
			Ascending: rapid.Bool().Draw(t, "ascending"), Limit: rapid.IntRange(1, 4).Draw(t, "limit"),
			BlockID: text("block", "", "", "", "A", "B", "C", "none"), ItemID: text("item", "", "", "", "api", "disk", "none"),
			InvoiceID: text("invoice", "", "", "", "i1", "i2", "i3", "none"), Key: creditledger.Key(text("key", "", "", "", "k0", "k3", "k6", "none")),
			FromSeq: rapid.Uint64Range(0, 15).Draw(t, "from"), UntilSeq: rapid.Uint64Range(0, 15).Draw(t, "until"),
			Type: rapid.SampledFrom([]creditledger.EntryType{0, 0, 0, creditledger.EntryDecrement, creditledger.EntryIncrement}).Draw(t, "type"),
		}
		if rapid.Bool().Draw(t, "since") {
			q.From = instant("2026-01-04")
		}
		var want, got []creditledger.Entry
		for _, e := range whole {
			if (q.BlockID == "" || e.Block.ID == q.BlockID) && (q.ItemID == "" || e.ItemID == q.ItemID) && (q.Key == "" || e.IdempotencyKey == q.Key) &&
				(q.InvoiceID == "" || e.InvoiceID == q.InvoiceID || slices.Contains(e.CreatedInvoices, q.InvoiceID)) && (q.Type == 0 || q.Type == e.Type) &&
				e.Seq >= q.FromSeq && (q.UntilSeq == 0 || e.Seq <= q.UntilSeq) && e.CreatedAt >= q.From {
				want = append(want, e)
			}
		}
		if !q.Ascending {
			slices.Reverse(want)
		}
		for e, err := range w.AllEntries(ctx, cus1, q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%+v\ngave %v\nwant %v", q, got, want)
		}
	})
	for _, q := range []creditledger.EntriesQuery{{Key: "a\x00"}, {BlockID: "\xff"}, {ItemID: strings.Repeat("a", 256)}, {InvoiceID: "a\n"}} {
		if _, err := w.Entries(ctx, cus1, q); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// TestEntriesByTheLedgersKey: a key that the ledger made finds what was written under it,
// and one that looks like it finds nothing.
func TestEntriesByTheLedgersKey(t *testing.T) {
	w := newWorld(t).given(grant("A", "10", expires("2026-01-05")))
	res, err := w.Do(ctx, cus1, spend("3"), "")
	if err != nil {
		t.Fatal(err)
	}
	w.at("2026-01-06").given(grant("B", "1"))
	if got := w.entries(creditledger.EntriesQuery{Key: res.Key}); len(got) != 1 || got[0].ID != res.Entries[0].ID {
		t.Errorf("%s: %v", res.Key, got)
	}
	text := string(res.Key)
	for _, key := range []string{text[:len(text)-1] + "1", text[:len(text)-1] + "3", text + "0", strings.Replace(text, "-7", "-4", 1), "auto-"} {
		if got := w.entries(creditledger.EntriesQuery{Key: creditledger.Key(key)}); len(got) != 0 {
			t.Errorf("%s: %v", key, got)
		}
	}
}

// TestEntriesReadsSoMuch: a page reads no more than MaxRead operations, and the list goes
// on from where it stopped.
func TestEntriesReadsSoMuch(t *testing.T) {
	w := newWorld(t).given(creditledger.Decrement{Amount: amount("1"), ItemID: "rare"})
	for range (creditledger.MaxRead + 500) / 500 {
		var last *creditledger.Pending
		for range 500 {
			p, err := w.Submit(ctx, cus1, spend("1"), "")
			if err != nil {
				t.Fatal(err)
			}
			last = p
		}
		if _, err := last.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	q := creditledger.EntriesQuery{ItemID: "rare"}
	page, err := w.Entries(ctx, cus1, q)
	if err != nil || len(page.Entries) != 0 || page.Next == "" {
		t.Fatalf("the first page: %+v, %v", page, err)
	}
	if got := all(t, w.AllEntries(ctx, cus1, q)); len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("the list: %v", got)
	}
}
