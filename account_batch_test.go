package creditledger

import (
	"testing"
)

func TestBatch(t *testing.T) {
	checkRules(t, []rule{
		{
			rule: "its operations follow one another at one instant",
			op:   Batch{grant("A", "10", expires("2026-06-01")), spend("4"), extend("A", "3", "never", "N"), voidOf("N", "1"), amend("A", "4")},
			want: []string{
				"increment A 10 0→10", "decrement A 4 10→6", "expiration_change A 3 6→6",
				"void_initiated N 3 6→6", "void N 1 6→5", "amendment A 4 5→9",
			},
			left: "A 7, N 2",
		},
		{
			rule: "the last refused refuses all", given: []Operation{grant("Z", "1")},
			op:     Batch{grant("A", "10"), spend("4"), amend("A", "1"), voidOf("X", "1")},
			refuse: ErrNotFound, reason: `block "X"`, left: "Z 1",
		},
		{
			rule: "the first refused too", given: []Operation{grant("Z", "1")},
			op: Batch{spend("4", policy(OverdraftReject)), grant("A", "10")}, refuse: ErrInsufficientCredits, left: "Z 1",
		},
		{
			rule: "an id made by an operation before is in use", op: Batch{grant("A", "10"), grant("A", "1")}, refuse: ErrDuplicate,
		},
		{
			rule: "even when it has been emptied again", op: Batch{grant("A", "10", expires("2026-06-01")), spend("10"), grant("A", "1")}, refuse: ErrDuplicate,
		},
		{
			rule: "an operation can use what one before it activated", given: []Operation{grant("A", "10", unpaid)},
			op:   Batch{Activation{BlockID: "A"}, spend("4", policy(OverdraftReject))},
			want: []string{"decrement A 4 10→6"},
		},
		{
			rule: "what is wrong in itself comes before what the state forbids in an operation before it",
			op:   Batch{spend("4", policy(OverdraftReject)), grant("A", "1", expires("2025-01-01"))}, refuse: ErrInvalid,
			reason: "invalid operations[1].expiry_date: ",
		},
		{
			rule: "what is wrong in itself is named by its place",
			op:   Batch{grant("A", "1"), grant("B", "0")}, refuse: ErrInvalid, reason: "invalid operations[1].amount: ",
		},
		{
			rule: "an emptied and reopened block, all taken back", given: []Operation{grant("A", "10", expires("2026-06-01")), grant("B", "5")},
			op:     Batch{spend("10"), amend("A", "3"), spend("8"), amend("B", "5"), voidOf("A", "11")},
			refuse: ErrConstraint, left: "A 10, B 5",
		},
		{
			rule: "taker and debts, all taken back", given: []Operation{grant("A", "10", expires("2026-06-01"))},
			op:     Batch{spend("30"), grant("B", "5"), spend("100"), grant("C", "1", priority(4), noRepay), spend("7"), voidOf("X", "1")},
			refuse: ErrNotFound, left: "A 10",
		},
	})
}

// TestBatchMaterialises: what is due is written before the batch, or not at all when
// the batch is refused.
func TestBatchMaterialises(t *testing.T) {
	b := newBook(t).given(grant("A", "10", expires("2026-02-01")), grant("B", "5"))
	b.clock("2026-02-02")
	if _, err := b.try(Batch{spend("1"), voidOf("X", "1")}); err == nil {
		t.Fatal("accepted")
	}
	if b.a.head.Entries != 2 || b.balances() != "A 10, B 5" {
		t.Errorf("a refused batch left %s, %d entries", b.balances(), b.a.head.Entries)
	}
	res, err := b.try(Batch{spend("1"), spend("2")})
	if err != nil || story(res.Entries) != "decrement B 1 5→4\ndecrement B 2 4→2" || res.Entries[0].Seq != 4 {
		t.Errorf("%s, %v", story(res.Entries), err)
	}
}

// TestBatchResults: one result per operation, and the entries of all.
func TestBatchResults(t *testing.T) {
	first, second := grant("A", "10"), spend("14", policy(OverdraftStopAtZero))
	first.Description, second.Metadata = "one", map[string]string{"n": "2"}
	b := newBook(t)
	res, err := b.try(Batch{first, second, voidOf("A", "10"), Increment{Amount: AmountOf(2)}})
	if err != nil || len(res.Results) != 4 {
		t.Fatalf("%d results, %v", len(res.Results), err)
	}
	var all []Entry
	for i, part := range res.Results {
		if part.Key != "" || part.Replayed || part.At != b.now {
			t.Errorf("part %d: key %q, replayed %t, at %s", i, part.Key, part.Replayed, part.At)
		}
		all = append(all, part.Entries...)
	}
	if story(all) != story(res.Entries) || len(all) != 5 {
		t.Errorf("entries\n%s\nparts\n%s", story(res.Entries), story(all))
	}
	for i, e := range res.Entries {
		if e.Seq != uint64(i+1) || e.CreatedAt != b.now {
			t.Errorf("entry %d has number %d at %s", i, e.Seq, e.CreatedAt)
		}
	}
	parts := res.Results
	if parts[0].NewBlockID != "A" || parts[1].Overage.String() != "4" || parts[2].Consumed.String() != "10" || parts[3].NewBlockID != b.made[1].ID {
		t.Errorf("parts are %+v", parts)
	}
	if parts[0].Entries[0].Description != "one" || parts[1].Entries[0].Description != "" || parts[1].Entries[0].Metadata["n"] != "2" {
		t.Error("a note stands on another operation's entry")
	}
	ids := map[string]bool{}
	for _, e := range res.Entries {
		ids[e.ID] = true
	}
	if len(ids) != 5 {
		t.Errorf("%d ids for 5 entries", len(ids))
	}
}
