package creditledger

import "testing"

func TestVoid(t *testing.T) {
	hundred := []Operation{grant("A", "100", expires("2026-06-01"))}
	sixty := append(hundred[:1:1], spend("40"))
	empty := append(hundred[:1:1], spend("100"))
	checkRules(t, []rule{
		{
			rule: "a part of an untouched block", given: hundred, op: voidOf("A", "30"),
			want: []string{"void_initiated A 100 100→100", "void A 30 100→70"}, left: "A 70",
		},
		{
			rule: "all of it", given: hundred, op: voidOf("A", "100"),
			want: []string{"void_initiated A 100 100→100", "void A 100 100→0"}, left: "A 0",
		},
		{
			rule: "the smallest amount more than it was granted", given: hundred, op: voidOf("A", "100.000000000000000001"),
			refuse: ErrConstraint, reason: "by 100 at most", left: "A 100",
		},
		{
			rule: "exactly what remains", given: sixty, op: voidOf("A", "60"),
			want: []string{"void_initiated A 60 60→60", "void A 60 60→0"}, left: "A 0",
		},
		{
			rule: "more than remains: the excess changes no balance", given: sixty, op: voidOf("A", "80"),
			want: []string{"void_initiated A 60 60→60", "void A 60 60→0"}, left: "A 0",
		},
		{
			rule: "an empty block that has capacity", given: empty, op: voidOf("A", "40"),
			want: []string{"void_initiated A 0 0→0", "void A 0 0→0"}, left: "A 0",
		},
		{
			rule: "what was voided lowers the capacity", given: append(sixty[:2:2], voidOf("A", "80")), op: voidOf("A", "21"),
			refuse: ErrConstraint, reason: "by 20 at most",
		},
		{
			rule: "down to the last of it", given: append(sixty[:2:2], voidOf("A", "80")), op: voidOf("A", "20"),
			want: []string{"void_initiated A 0 0→0", "void A 0 0→0"},
		},
		{
			rule: "then no more", given: append(sixty[:2:2], voidOf("A", "100")), op: voidOf("A", "0.000000000000000001"),
			refuse: ErrConstraint, reason: "by 0 at most",
		},
		{
			rule: "what was moved away lowers the capacity", given: append(hundred[:1:1], extend("A", "70", "never", "N")), op: voidOf("A", "31"),
			refuse: ErrConstraint, reason: "by 30 at most",
		},
		{
			rule: "what was moved away and back is another block's", given: append(hundred[:1:1], extend("A", "70", "never", "N")), op: voidOf("N", "70"),
			want: []string{"void_initiated N 70 100→100", "void N 70 100→30"}, left: "A 30, N 0",
		},
		{
			rule: "what was given back does not raise the capacity", given: append(sixty[:2:2], amend("A", "40")), op: voidOf("A", "101"),
			refuse: ErrConstraint, reason: "by 100 at most",
		},
		{
			rule: "a block awaiting payment leaves the total", given: []Operation{grant("A", "10", unpaid), grant("B", "1")}, op: voidOf("A", "10"),
			want: []string{"void_initiated A 10 1→1", "void A 10 1→1"}, left: "A 0, B 1",
		},
		{
			rule: "a future block leaves the total", given: []Operation{grant("A", "10", effective("2026-03-01")), grant("B", "1")}, op: voidOf("A", "4"),
			want: []string{"void_initiated A 10 1→1", "void A 4 1→1"}, left: "A 6, B 1",
		},
		{
			rule: "a block in debt: nothing remains, the excess is all of it", given: []Operation{grant("A", "10"), spend("30")}, op: voidOf("A", "10"),
			want: []string{"void_initiated A 0 -20→-20", "void A 0 -20→-20"}, left: "A -20",
		},
		{
			rule: "beside a debt", given: []Operation{grant("C", "1"), spend("3"), grant("A", "10", noRepay, expires("2026-06-01"))}, op: voidOf("A", "10"),
			want: []string{"void_initiated A 10 8→8", "void A 10 8→-2"},
		},
		{
			rule: "a microsecond before its expiry", given: hundred, at: "2026-05-31T23:59:59.999999Z", op: voidOf("A", "1"),
			want: []string{"void_initiated A 100 100→100", "void A 1 100→99"},
		},
		{
			rule: "an expired block", given: hundred, at: "2026-06-01", op: voidOf("A", "1"),
			refuse: ErrConstraint, reason: "expired 2026-06-01T00:00:00Z", left: "A 100",
		},
		{
			rule: "an expired empty block", given: empty, at: "2026-06-01", op: voidOf("A", "1"),
			refuse: ErrConstraint, reason: "expired",
		},
		{
			rule: "an unknown block", given: hundred, op: voidOf("X", "1"), refuse: ErrNotFound, reason: `block "X"`,
		},
		{
			rule: "an overdraft block", given: []Operation{spend("5")}, op: voidOf(overdraftID, "1"),
			refuse: ErrConstraint, reason: "overdraft",
		},
		{
			rule: "an unknown reason", given: hundred, op: Void{BlockID: "A", Amount: AmountOf(1), Reason: "mistake"},
			refuse: ErrInvalid, reason: "is not refund",
		},
		{
			rule: "an unknown reason comes before an unknown block", op: Void{BlockID: "X", Amount: AmountOf(1), Reason: "mistake"},
			refuse: ErrInvalid,
		},
		{
			rule: "nothing at all", given: hundred, op: voidOf("A", "0"), refuse: ErrInvalid, reason: "not positive",
		},
	})
}

// TestVoidEntries: both entries name what was asked, why, and the instant from which
// the block is cut; what had been consumed already is reported.
func TestVoidEntries(t *testing.T) {
	b := newBook(t).given(grant("A", "100", basis("0.20"), expires("2026-06-01")), spend("40"))
	b.clock("2026-02-03")
	op := voidOf("A", "80")
	op.Reason, op.Description, op.Metadata = VoidRefund, "sorry", map[string]string{"k": "v"}
	res, err := b.try(op)
	if err != nil || len(res.Entries) != 2 {
		t.Fatalf("%v, %v", res.Entries, err)
	}
	for _, e := range res.Entries {
		if e.VoidAmount.String() != "80" || e.VoidReason != VoidRefund || e.CreatedAt != when("2026-02-03") ||
			e.Description != "sorry" || e.Metadata["k"] != "v" || e.Block.ExpiresAt != when("2026-06-01") {
			t.Errorf("%s is %+v", e.Type, e)
		}
	}
	if first, second := res.Entries[0], res.Entries[1]; first.NewBlockExpiry != when("2026-02-03") || second.NewBlockExpiry != 0 {
		t.Errorf("new expiries %s and %s", first.NewBlockExpiry, second.NewBlockExpiry)
	}
	if res.Consumed.String() != "20" || res.NewBlockID != "" {
		t.Errorf("consumed %s, new block %q", res.Consumed, res.NewBlockID)
	}
	if a := b.block("A"); a.Capacity.String() != "20" || a.Initial.String() != "100" || a.ExpiresAt != when("2026-06-01") {
		t.Errorf("the block is %+v", a)
	}
	if res, err := b.try(voidOf("A", "20")); err != nil || res.Consumed.String() != "20" {
		t.Errorf("voiding what was consumed: %s, %v", res.Consumed, err)
	}
}

// TestVoidThenExpiry: what was voided does not expire a second time.
func TestVoidThenExpiry(t *testing.T) {
	b := newBook(t).given(grant("A", "100", expires("2026-06-01")), grant("B", "1"), voidOf("A", "100"))
	b.clock("2026-06-02")
	res, err := b.try(spend("1"))
	if err != nil || story(res.Entries) != "decrement B 1 1→0" || b.a.head.Entries != 5 {
		t.Errorf("%s, %v, %d entries", story(res.Entries), err, b.a.head.Entries)
	}
}
