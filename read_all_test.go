package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// all reads a list to its end.
func all[T any](t *testing.T, list iter.Seq2[T, error]) []T {
	t.Helper()
	var got []T
	for v, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, v); len(got) > 10_000 {
			t.Fatal("a list without end")
		}
	}
	return got
}

// TestAllEntriesAndBlocks: whatever the pages, a list is that of one page, also when it is
// read twice, and a loop inside the loop is another one.
func TestAllEntriesAndBlocks(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.given(grant(fmt.Sprintf("B%d", i), "2"), spend("1"))
	}
	for limit := range 16 {
		for _, ascending := range []bool{false, true} {
			q := creditledger.EntriesQuery{Limit: limit, Ascending: ascending}
			want := w.entries(creditledger.EntriesQuery{Limit: 1000, Ascending: ascending})
			list := w.AllEntries(ctx, cus1, q)
			for range 2 {
				if got := all(t, list); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%+v: %v, want %v", q, got, want)
				}
			}
			n := 0
			for range list {
				n += len(all(t, list))
			}
			if n != len(want)*len(want) {
				t.Errorf("%+v: a loop in the loop came to %d", q, n)
			}
		}
		for _, every := range []bool{false, true} {
			page, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: every, Limit: 1000})
			if got := all(t, w.AllBlocks(ctx, cus1, creditledger.BlocksQuery{All: every, Limit: limit})); err != nil || fmt.Sprint(got) != fmt.Sprint(page.Blocks) {
				t.Errorf("blocks, limit %d: %v, want %v, %v", limit, got, page.Blocks, err)
			}
		}
	}
}

// TestBlocksByEffectiveDate: the bounds are part of the range, in both lists and whatever
// the pages, and a cursor is of its bounds.
func TestBlocksByEffectiveDate(t *testing.T) {
	w := newWorld(t)
	for i := range 9 {
		w.given(grant(fmt.Sprintf("B%d", i), "2", effective(fmt.Sprintf("2026-02-%02d", 1+i*7%9))))
	}
	for _, every := range []bool{false, true} {
		for limit := 1; limit < 11; limit++ {
			for _, c := range []struct {
				from, until string
				want        int
			}{{"2026-02-03", "2026-02-05", 3}, {"2026-02-09", "2026-02-09", 1}, {"2026-02-10", "2026-03-01", 0}, {"2026-02-05", "2026-02-04", 0}} {
				q := creditledger.BlocksQuery{All: every, Limit: limit, EffectiveFrom: instant(c.from), EffectiveUntil: instant(c.until)}
				got := all(t, w.AllBlocks(ctx, cus1, q))
				for _, b := range got {
					if b.EffectiveAt < q.EffectiveFrom || b.EffectiveAt > q.EffectiveUntil {
						t.Errorf("%+v: %s is effective at %s", q, b.ID, b.EffectiveAt)
					}
				}
				if len(got) != c.want {
					t.Errorf("%+v: %d blocks, not %d", q, len(got), c.want)
				}
			}
		}
		page, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: every, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		checkCursorRefused(t, "other bounds", errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: every, Cursor: page.Next, EffectiveFrom: 1})))
		checkCursorRefused(t, "other bounds", errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: every, Cursor: page.Next, EffectiveUntil: 1})))
		if _, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: every, EffectiveFrom: -1}); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("a bound that is no instant: %v", err)
		}
	}
}

// TestAllAccountsAndCustomers: more than a page of them, from any of them on.
func TestAllAccountsAndCustomers(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for i := range creditledger.MaxPage + 2 {
		id := fmt.Sprintf("c%04d", i)
		ids = append(ids, id)
		external := "x" + id
		if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: id, ExternalID: &external}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Do(ctx, creditledger.AccountID{Customer: id}, grant("A", "1"), ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range []int{0, 1, 2, 3, len(ids)} {
		after := ""
		if from > 0 {
			after = ids[from-1]
		}
		var accounts, customers []string
		for _, id := range all(t, w.AllAccounts(ctx, creditledger.AccountID{Customer: after, Currency: "credits"})) {
			accounts = append(accounts, id.Customer)
		}
		for _, c := range all(t, w.AllCustomers(ctx, after)) {
			customers = append(customers, c.ID)
		}
		if !slices.Equal(accounts, ids[from:]) || !slices.Equal(customers, ids[from:]) {
			t.Errorf("after %q: %d accounts, %d customers, not %d", after, len(accounts), len(customers), len(ids)-from)
		}
	}
	if docs := all(t, w.AllDocuments(ctx, "customer", "c00", "")); len(docs) != 100 || docs[99].Key != "c0099" {
		t.Errorf("%d documents", len(docs))
	}
	for c, err := range w.AllCustomers(ctx, "") {
		if found, err2 := w.CustomerByExternalID(ctx, c.ExternalID); err != nil || err2 != nil || found.ID != c.ID {
			t.Fatalf("%s: %+v, %v, %v", c.ExternalID, found, err, err2)
		}
		break
	}
	var none *creditledger.NotFoundError
	if _, err := w.CustomerByExternalID(ctx, "nobody"); !errors.As(err, &none) || none.ID != "nobody" {
		t.Errorf("an external id of nobody: %v", err)
	}
	for _, id := range []string{"", "a\x00", strings.Repeat("a", 256)} {
		if _, err := w.CustomerByExternalID(ctx, id); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%.9q: %v", id, err)
		}
	}
	if _, err := w.Customers(ctx, "", 0); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("no limit: %v", err)
	}
}

// TestAllEndsAtAnError: an error comes once, with the zero value, and is the last; a loop
// that was left reads no further.
func TestAllEndsAtAnError(t *testing.T) {
	faults := newFaulty()
	w := newWorldOver(t, faults)
	for i := range 9 {
		w.given(grant(fmt.Sprintf("B%d", i), "2"))
	}
	reads, broken := 0, errors.New("trouble with reading")
	faults.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
		if what != "journal" && what != "blocks" {
			return nil
		}
		if reads++; reads >= 2 {
			return broken
		}
		return nil
	})
	list := w.AllBlocks(ctx, cus1, creditledger.BlocksQuery{All: true, Limit: 2})
	n, failed := 0, 0
	for b, err := range list {
		if err != nil {
			if failed++; !errors.Is(err, broken) || b.ID != "" {
				t.Errorf("%v, %v", b, err)
			}
			continue
		}
		n++
	}
	if n != 2 || failed != 1 || reads != 2 {
		t.Errorf("%d blocks, %d errors, %d reads", n, failed, reads)
	}
	reads = 0
	for range list {
		break
	}
	if reads != 1 {
		t.Errorf("a loop that was left at its first block read %d times", reads)
	}
}

func ExampleLedger_AllEntries() {
	ledger, acme := exampleLedger()
	total := creditledger.Amount{}
	for entry, err := range ledger.AllEntries(context.Background(), acme, creditledger.EntriesQuery{Type: creditledger.EntryDecrement}) {
		if err != nil {
			panic(err)
		}
		sum, err := total.Add(entry.Amount)
		if err != nil {
			panic(err)
		}
		total = sum
	}
	fmt.Println("spent:", total)
	// Output: spent: 42.5
}

func ExampleLedger_AllBlocks() {
	ledger, acme := exampleLedger()
	for block, err := range ledger.AllBlocks(context.Background(), acme, creditledger.BlocksQuery{All: true}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(block.ID, block.Balance, "of", block.Initial)
	}
	// Output:
	// gift 0 of 30
	// bought 87.5 of 100
}

func ExampleLedger_AllAccounts() {
	ledger, _ := exampleLedger()
	for account, err := range ledger.AllAccounts(context.Background(), creditledger.AccountID{}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(account)
	}
	// Output: acme/credits
}

func ExampleLedger_AllCustomers() {
	ledger, _ := exampleLedger()
	for customer, err := range ledger.AllCustomers(context.Background(), "") {
		if err != nil {
			panic(err)
		}
		fmt.Println(customer.ID, customer.Timezone)
	}
	// Output: acme Europe/Berlin
}

// exampleLedger has one account, which was granted 130 credits and has spent 42.5.
func exampleLedger() (*creditledger.Ledger, creditledger.AccountID) {
	ledger, acme := creditledger.New(memory.New(), nil), creditledger.AccountID{Customer: "acme", Currency: "credits"}
	zone := "Europe/Berlin"
	_, err := ledger.PutCustomer(context.Background(), creditledger.CustomerUpdate{ID: acme.Customer, Timezone: &zone})
	for _, op := range []creditledger.Operation{
		creditledger.Increment{BlockID: "gift", Amount: amount("30"), Priority: -1},
		creditledger.Increment{BlockID: "bought", Amount: amount("100")},
		creditledger.Decrement{Amount: amount("42.5")},
	} {
		if err == nil {
			_, err = ledger.Do(context.Background(), acme, op, "")
		}
	}
	if err != nil {
		panic(err)
	}
	return ledger, acme
}
