package creditledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"creditledger"
)

// secret is what nobody may find any more; every text of talkative has it.
const secret = "Ada Lovelace"

// talkative is a world in which much is said: five operations that say something, blocks
// that inherit it, a batch in which one of two says something, and one that says nothing.
func talkative(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	about := map[string]string{"for": secret}
	w.must(creditledger.Increment{Amount: amount("100"), BlockID: "A", Description: "gift of " + secret, Metadata: about}, "grant")
	w.must(extend("A", "10", "2027-01-01", "B"), "move")
	w.must(creditledger.Decrement{Amount: amount("5"), Description: secret}, "spend")
	w.must(creditledger.Batch{spend("1"), creditledger.Amendment{BlockID: "B", Amount: amount("1"), Metadata: about}}, "batch")
	w.must(spend("1"), "quiet")
	w.must(extend("B", "4", "2027-02-01", "C"), "on")
	return w
}

// holds reports whether anything that a store keeps of the account has the secret in it.
func (w *world) holds(text string) (found []string) {
	w.t.Helper()
	records, err := w.store.Journal(ctx, cus1, 1, 1<<20, false)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range records {
		if bytes.Contains(r.Bytes, []byte(text)) || bytes.Contains(r.Texts, []byte(text)) {
			found = append(found, fmt.Sprint("record ", r.Seq))
		}
	}
	blocks, err := w.store.Blocks(ctx, cus1, 1, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range blocks {
		if bytes.Contains(creditledger.AppendBlock(nil, &blocks[i]), []byte(text)) {
			found = append(found, "block "+blocks[i].ID)
		}
	}
	return found
}

func (w *world) proven() creditledger.Verification {
	w.t.Helper()
	v, err := w.VerifyAll(ctx, nil)
	if err != nil || v.Violation != nil {
		w.t.Fatalf("verify: %v, %v", v.Violation, err)
	}
	return v
}

// Rule: docs/format.md, "Texts": no record has a word of what was said under its seal.
func TestTextsAreNotSealed(t *testing.T) {
	w := talkative(t)
	if found := w.holds(secret); !slices.Equal(found, []string{"record 1", "record 3", "record 4", "block A", "block B", "block C"}) {
		t.Errorf("the secret is in %v", found)
	}
	records, err := w.Journal(ctx, cus1, 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if bytes.Contains(r.Bytes, []byte(secret)) {
			t.Errorf("record %d has it under its seal", r.Seq)
		}
		if r.Seq == 2 && (r.Texts != nil || r.Bytes[0] != 1) {
			t.Errorf("a record that says nothing is of format %d, with texts %x", r.Bytes[0], r.Texts)
		}
	}
}

// Rule: docs/semantics.md, "Erasure": nothing of what was said is left, and all else stays.
func TestErase(t *testing.T) {
	w := talkative(t)
	before := w.entries(creditledger.EntriesQuery{Ascending: true})
	done, err := w.Erase(ctx, "cus_1", creditledger.Erasure{})
	if want := (creditledger.Erased{Accounts: 1, Operations: 3, Blocks: 3}); err != nil || done != want {
		t.Fatalf("%+v, %v, want %+v", done, err, want)
	}
	if found := w.holds(secret); found != nil {
		t.Errorf("the secret is still in %v", found)
	}
	for pass := range 2 {
		entries := w.entries(creditledger.EntriesQuery{Ascending: true})
		for i, e := range entries {
			want := before[i]
			want.Erased = want.Description != "" || len(want.Metadata) > 0
			want.Description, want.Metadata = "", nil
			if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want) {
				t.Errorf("entry %d, pass %d:\n got %+v\nwant %+v", e.Seq, pass, e, want)
			}
		}
		if len(entries) != len(before) {
			t.Errorf("%d entries, there were %d", len(entries), len(before))
		}
		if v := w.proven(); v.Erased != 3 {
			t.Errorf("verify counts %d erased records", v.Erased)
		}
		w.reopen()
	}
	if done, err := w.Erase(ctx, "cus_1", creditledger.Erasure{}); err != nil || done != (creditledger.Erased{}) {
		t.Errorf("again: %+v, %v", done, err)
	}
	w.must(spend("3"), "")
	w.must(extend("C", "1", "2027-03-01", "D"), "")
	w.must(creditledger.Decrement{Amount: amount("1"), Description: "later words"}, "")
	if v := w.proven(); v.Erased != 3 {
		t.Errorf("after more: %d erased records", v.Erased)
	}
	if found := w.holds("later words"); !slices.Equal(found, []string{"record 11"}) {
		t.Errorf("what is said later is in %v", found)
	}
}

// Rule: docs/semantics.md, "Erasure": a repeated key is answered without the texts, and
// those of the repetition are not compared; all else is.
func TestEraseAndRetry(t *testing.T) {
	w := talkative(t)
	if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{}); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{secret, "other words", ""} {
		res := w.must(creditledger.Decrement{Amount: amount("5"), Description: words}, "spend")
		if e := res.Entries[0]; !res.Replayed || e.Description != "" || !e.Erased {
			t.Errorf("with %q: %+v", words, e)
		}
		res = w.must(creditledger.Batch{spend("1"), creditledger.Amendment{BlockID: "B", Amount: amount("1"), Description: words}}, "batch")
		if !res.Replayed || res.Results[0].Entries[0].Erased || !res.Results[1].Entries[0].Erased {
			t.Errorf("a batch with %q: %+v", words, res.Results)
		}
	}
	w.refused(creditledger.Decrement{Amount: amount("6"), Description: secret}, "spend", creditledger.ErrIdempotencyMismatch)
	w.refused(creditledger.Decrement{Amount: amount("1"), Description: "new"}, "quiet", creditledger.ErrIdempotencyMismatch)
	w.refused(creditledger.Batch{creditledger.Decrement{Amount: amount("1"), Description: "new"}, amend("B", "1")}, "batch", creditledger.ErrIdempotencyMismatch)
	w.refused(creditledger.Batch{amend("B", "1")}, "batch", creditledger.ErrIdempotencyMismatch)
}

// Rule: docs/semantics.md, "Erasure": with an entry only what its operation said goes, and
// what blocks have of it.
func TestEraseOfAnEntry(t *testing.T) {
	for _, c := range []struct {
		entry    uint64
		done     creditledger.Erased
		left     []string
		notFound bool
	}{
		{entry: 1, done: creditledger.Erased{Accounts: 1, Operations: 1, Blocks: 3}, left: []string{"record 3", "record 4"}},
		{entry: 2, left: []string{"record 1", "record 3", "record 4", "block A", "block B", "block C"}},
		{entry: 3, done: creditledger.Erased{Accounts: 1, Operations: 1}, left: []string{"record 1", "record 4", "block A", "block B", "block C"}},
		{entry: 4, left: []string{"record 1", "record 3", "record 4", "block A", "block B", "block C"}},
		{entry: 5, done: creditledger.Erased{Accounts: 1, Operations: 1}, left: []string{"record 1", "record 3", "block A", "block B", "block C"}},
		{entry: 8, notFound: true},
	} {
		w := talkative(t)
		done, err := w.Erase(ctx, "cus_1", creditledger.Erasure{Entry: c.entry})
		if c.notFound {
			if !errors.Is(err, creditledger.ErrNotFound) {
				t.Errorf("entry %d: %v", c.entry, err)
			}
			continue
		}
		if err != nil || done != c.done {
			t.Errorf("entry %d: %+v, %v", c.entry, done, err)
		}
		if found := w.holds(secret); !slices.Equal(found, c.left) {
			t.Errorf("entry %d: the secret is in %v, want %v", c.entry, found, c.left)
		}
		w.proven()
	}
}

// Of a batch in which two say something, the other one still does.
func TestEraseOfOneOfABatch(t *testing.T) {
	w := newWorld(t)
	w.must(creditledger.Batch{
		creditledger.Increment{Amount: amount("10"), BlockID: "A", Description: "first"},
		creditledger.Decrement{Amount: amount("1"), Description: "second"},
	}, "k")
	if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{Entry: 1}); err != nil {
		t.Fatal(err)
	}
	if e := w.entries(creditledger.EntriesQuery{Ascending: true}); e[0].Description != "" || !e[0].Erased || e[1].Description != "second" || e[1].Erased {
		t.Errorf("%+v", e)
	}
	if v := w.proven(); v.Erased != 1 {
		t.Errorf("%d records are erased", v.Erased)
	}
	if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{Entry: 2}); err != nil {
		t.Fatal(err)
	}
	if found := w.holds("second"); found != nil {
		t.Errorf("the second is in %v", found)
	}
	w.proven()
}

// Rule: docs/semantics.md, "Erasure": what is large is erased in pieces, with whatever is
// due before it, on all accounts of the customer and on no other.
func TestEraseInPieces(t *testing.T) {
	w := newWorld(t)
	const n = 2100
	for i := range n {
		if i%100 == 0 {
			w.must(creditledger.Increment{Amount: amount("1000"), ExpiresAt: creditledger.AtInstant(instant("2026-02-01")), Metadata: map[string]string{"for": secret}}, "")
		}
		if _, err := w.Submit(ctx, cus1, creditledger.Decrement{Amount: amount("1"), Description: secret}, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, on := range []creditledger.AccountID{cus2, {Customer: "cus_1", Currency: "EUR"}} {
		if _, err := w.Do(ctx, on, creditledger.Increment{Amount: amount("1"), Description: secret}, ""); err != nil {
			t.Fatal(err)
		}
	}
	w.at("2026-03-01")
	done, err := w.Erase(ctx, "cus_1", creditledger.Erasure{})
	if err != nil || done.Accounts != 2 || done.Operations != n+n/100+1 || done.Blocks != n/100 {
		t.Errorf("%+v, %v", done, err)
	}
	if found := w.holds(secret); found != nil {
		t.Errorf("the secret is in %v", found)
	}
	if v := w.proven(); v.Erased != n+n/100+1 {
		t.Errorf("%d records are erased", v.Erased)
	}
	page, err := w.Entries(ctx, cus2, creditledger.EntriesQuery{})
	if err != nil || page.Entries[0].Description != secret {
		t.Errorf("another customer's: %+v, %v", page.Entries, err)
	}
}

// Rule: docs/semantics.md, "Erasure": on demand the customer's record, too.
func TestEraseOfACustomer(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{Customer: true}); !errors.Is(err, creditledger.ErrNotFound) {
		t.Errorf("of a customer that is not there: %v", err)
	}
	if done, err := w.Erase(ctx, "cus_1", creditledger.Erasure{}); err != nil || done != (creditledger.Erased{}) {
		t.Errorf("of accounts that are not there: %+v, %v", done, err)
	}
	name, email, zone, external, plan := secret, "ada@example.org", "Europe/London", "ext", secret
	_, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Name: &name, Email: &email, Timezone: &zone, ExternalID: &external, Metadata: map[string]*string{"plan": &plan}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeleteCustomer(ctx, "cus_1"); err != nil {
		t.Fatal(err)
	}
	if done, err := w.Erase(ctx, "cus_1", creditledger.Erasure{Customer: true}); err != nil || !done.Customer {
		t.Errorf("%+v, %v", done, err)
	}
	c, err := w.Customer(ctx, "cus_1")
	if err != nil || c.Name != "" || c.Email != "" || len(c.Metadata) != 0 || c.Timezone != zone || c.ExternalID != external || c.DeletedAt == 0 {
		t.Errorf("%+v, %v", c, err)
	}
	w.proven()
}

// Rule: docs/semantics.md, "Erasure": beside writers an erasure takes what was said before
// it, and blocks that are made of erased ones meanwhile have nothing of them; what is
// stored is whole at the end, whoever was first. Two ledgers write to one store.
func TestEraseBesideWriters(t *testing.T) {
	w := newWorld(t)
	other := creditledger.New(w.store, &w.opts)
	defer other.Close()
	for i := range 30 {
		w.must(creditledger.Increment{Amount: amount("1000"), BlockID: fmt.Sprint("b", i), Metadata: map[string]string{"for": secret}, Description: secret}, "")
	}
	var writers sync.WaitGroup
	for n, l := range []*creditledger.Ledger{w.Ledger, other} {
		writers.Go(func() {
			for i := range 60 {
				op := creditledger.Operation(extend(fmt.Sprint("b", i%30), "1", "never", fmt.Sprint("c", n, "-", i)))
				if i%3 == 2 {
					op = creditledger.Decrement{Amount: amount("1"), Description: "said meanwhile"}
				}
				if _, err := l.Do(ctx, cus1, op, ""); err != nil {
					t.Errorf("ledger %d: %v", n, err)
				}
			}
		})
	}
	for range 3 {
		if _, err := other.Erase(ctx, "cus_1", creditledger.Erasure{}); err != nil {
			t.Error(err)
		}
	}
	writers.Wait()
	if found := w.holds(secret); found != nil {
		t.Errorf("the secret is in %v", found)
	}
	if v := w.proven(); v.Erased < 30 {
		t.Errorf("%d records are erased", v.Erased)
	}
}
