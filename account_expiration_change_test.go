package creditledger

import (
	"testing"
)

// byExpiryOnly names the source of an extension by its expiry alone.
func byExpiryOnly(op ExpirationChange, expiry string) ExpirationChange {
	op.BlockID = ""
	return byBoth(op, expiry)
}

// byBoth names it by its expiry too.
func byBoth(op ExpirationChange, expiry string) ExpirationChange {
	op.ExpiresAt = mustValue(ParseWhen(expiry))
	return op
}

func TestExpirationChange(t *testing.T) {
	eighty := []Operation{grant("A", "100", expires("2026-06-01"), basis("0.20")), spend("20")}
	checkRules(t, []rule{
		{
			rule: "moves credits to a new block and leaves the total", given: eighty, op: extend("A", "10", "2026-12-01", "N"),
			want: []string{"expiration_change A 10 80→80"}, left: "A 70, N 10",
		},
		{
			rule: "moves everything to a new block too", given: eighty, op: extend("A", "80", "2026-12-01", "N"),
			want: []string{"expiration_change A 80 80→80"}, left: "A 0, N 80",
		},
		{
			rule: "no amount is all that remains", given: eighty, op: extend("A", "", "2026-12-01", "N"),
			want: []string{"expiration_change A 80 80→80"}, left: "A 0, N 80",
		},
		{
			rule: "the smallest amount less than what remains", given: eighty, op: extend("A", "79.999999999999999999", "2026-12-01", "N"),
			want: []string{"expiration_change A 79.999999999999999999 80→80"}, left: "A 0.000000000000000001, N 79.999999999999999999",
		},
		{
			rule: "the smallest amount more is refused", given: eighty, op: extend("A", "80.000000000000000001", "2026-12-01", "N"),
			refuse: ErrConstraint, reason: "holds 80, less than", left: "A 80",
		},
		{
			rule: "to never", given: eighty, op: extend("A", "", "never", "N"),
			want: []string{"expiration_change A 80 80→80"},
		},
		{
			rule: "to an earlier expiry", given: eighty, op: extend("A", "", "2026-02-01", "N"),
			want: []string{"expiration_change A 80 80→80"},
		},
		{
			rule: "to the expiry it has", given: eighty, op: extend("A", "5", "2026-06-01", "N"),
			want: []string{"expiration_change A 5 80→80"}, left: "A 75, N 5",
		},
		{
			rule: "from never to an expiry", given: []Operation{grant("A", "10")}, op: extend("A", "4", "2026-02-01", "N"),
			want: []string{"expiration_change A 4 10→10"}, left: "A 6, N 4",
		},
		{
			rule: "from never to never", given: []Operation{grant("A", "10")}, op: extend("A", "", "never", "N"),
			want: []string{"expiration_change A 10 10→10"}, left: "A 0, N 10",
		},
		{
			rule: "of a future block leaves the total", given: []Operation{grant("A", "10", effective("2026-03-01"))}, op: extend("A", "4", "2026-04-01", "N"),
			want: []string{"expiration_change A 4 0→0"}, left: "A 6, N 4",
		},
		{
			rule: "of a future block to its effective date", given: []Operation{grant("A", "10", effective("2026-03-01"))}, op: extend("A", "4", "2026-03-01", "N"),
			want: []string{"expiration_change A 4 0→0"}, left: "A 6, N 4",
		},
		{
			rule: "a microsecond before its effective date is refused", given: []Operation{grant("A", "10", effective("2026-03-01"))},
			op:     extend("A", "4", "2026-02-28T23:59:59.999999Z", "N"),
			refuse: ErrConstraint, reason: "before block \"A\" becomes effective", left: "A 10",
		},
		{
			rule: "of a block awaiting payment leaves the total", given: []Operation{grant("A", "10", unpaid)}, op: extend("A", "4", "2026-04-01", "N"),
			want: []string{"expiration_change A 4 0→0"}, left: "A 6, N 4",
		},
		{
			rule: "to now: its expiry follows at once", given: eighty, op: extend("A", "10", "2026-01-01T00:00:00Z", "N"),
			want: []string{"expiration_change A 10 80→80", "credit_block_expiry N 10 80→70"}, left: "A 70, N 0",
		},
		{
			rule: "to a microsecond from now: it does not", given: eighty, op: extend("A", "10", "2026-01-01T00:00:00.000001Z", "N"),
			want: []string{"expiration_change A 10 80→80"}, left: "A 70, N 10",
		},
		{
			rule: "to the past, not before it was effective", given: eighty, at: "2026-03-01", op: extend("A", "10", "2026-01-01T00:00:00Z", "N"),
			want: []string{"expiration_change A 10 80→80", "credit_block_expiry N 10 80→70"}, left: "A 70, N 0",
		},
		{
			rule: "to before it was effective is refused", given: eighty, at: "2026-03-01", op: extend("A", "10", "2025-12-31T23:59:59.999999Z", "N"),
			refuse: ErrConstraint, reason: "becomes effective",
		},
		{
			rule:  "a block awaiting payment, to the past: the total stays",
			given: []Operation{grant("A", "10", unpaid)}, at: "2026-02-01", op: extend("A", "4", "2026-01-15", "N"),
			want: []string{"expiration_change A 4 0→0", "credit_block_expiry N 4 0→0"}, left: "A 6, N 0",
		},
		{
			rule: "to the past everything of it", given: eighty, at: "2026-03-01", op: extend("A", "", "2026-02-01", "N"),
			want: []string{"expiration_change A 80 80→80", "credit_block_expiry N 80 80→0"}, left: "A 0, N 0",
		},
	})
}

func TestExpirationChangeSource(t *testing.T) {
	two := []Operation{grant("A", "10", expires("2026-06-01")), grant("B", "20", expires("2026-07-01"))}
	twins := []Operation{grant("A", "10", expires("2026-06-01")), grant("B", "20", expires("2026-06-01"))}
	checkRules(t, []rule{
		{
			rule: "by its id", given: two, op: extend("B", "1", "never", "N"),
			want: []string{"expiration_change B 1 30→30"},
		},
		{
			rule: "by its expiry", given: two, op: byExpiryOnly(extend("", "1", "never", "N"), "2026-07-01"),
			want: []string{"expiration_change B 1 30→30"},
		},
		{
			rule: "by both, which agree", given: two, op: byBoth(extend("B", "1", "never", "N"), "2026-07-01"),
			want: []string{"expiration_change B 1 30→30"},
		},
		{
			rule: "by both, which disagree", given: two, op: byBoth(extend("B", "1", "never", "N"), "2026-06-01"),
			refuse: ErrConstraint, reason: `block "B" expires 2026-07-01T00:00:00Z, not 2026-06-01T00:00:00Z`,
		},
		{
			rule: "by both, a microsecond off", given: two, op: byBoth(extend("B", "1", "never", "N"), "2026-07-01T00:00:00.000001Z"),
			refuse: ErrConstraint, reason: "expires",
		},
		{
			rule: "by both, but it never expires", given: []Operation{grant("A", "1")}, op: byBoth(extend("A", "1", "never", "N"), "2026-06-01"),
			refuse: ErrConstraint, reason: "expires never, not",
		},
		{
			rule: "by an id and an expiry, in one of two that share it", given: twins, op: byBoth(extend("B", "1", "never", "N"), "2026-06-01"),
			want: []string{"expiration_change B 1 30→30"},
		},
		{
			rule: "by an expiry that two share", given: twins, op: byExpiryOnly(extend("", "1", "never", "N"), "2026-06-01"),
			refuse: ErrConstraint, reason: "several blocks expire",
		},
		{
			rule: "by an expiry that two share, one of them empty", given: append(twins, spend("10")), op: byExpiryOnly(extend("", "1", "never", "N"), "2026-06-01"),
			want: []string{"expiration_change B 1 20→20"},
		},
		{
			rule: "by an expiry that two share, one of them future", given: []Operation{twins[0], grant("B", "20", expires("2026-06-01"), effective("2026-05-01"))},
			op:     byExpiryOnly(extend("", "1", "never", "N"), "2026-06-01"),
			refuse: ErrConstraint, reason: "several blocks expire",
		},
		{
			rule: "by an expiry that a future block alone has", given: []Operation{grant("B", "20", expires("2026-06-01"), effective("2026-05-01"))},
			op:   byExpiryOnly(extend("", "1", "never", "N"), "2026-06-01"),
			want: []string{"expiration_change B 1 0→0"},
		},
		{
			rule: "by an id that there is not", given: two, op: extend("X", "1", "never", "N"),
			refuse: ErrNotFound, reason: `block "X" not found`,
		},
		{
			rule: "by an expiry that there is not", given: two, op: byExpiryOnly(extend("", "1", "never", "N"), "2026-06-02"),
			refuse: ErrNotFound, reason: "2026-06-02T00:00:00Z",
		},
		{
			rule: "by an expiry of which the block is empty", given: append(two, spend("10")), op: byExpiryOnly(extend("", "", "never", "N"), "2026-06-01"),
			refuse: ErrConstraint, reason: "the blocks that expire 2026-06-01T00:00:00Z hold nothing",
		},
		{
			rule: "by an expiry that has passed", given: two, at: "2026-06-01", op: byExpiryOnly(extend("", "1", "never", "N"), "2026-06-01"),
			refuse: ErrConstraint, reason: "the blocks that expire 2026-06-01T00:00:00Z have expired", left: "A 10, B 20",
		},
		{
			rule: "by a past expiry that never was", given: two, at: "2026-06-01", op: byExpiryOnly(extend("", "1", "never", "N"), "2026-05-01"),
			refuse: ErrNotFound, left: "A 10, B 20",
		},
		{
			rule: "nothing remains", given: append(two, spend("10")), op: extend("A", "", "never", "N"),
			refuse: ErrConstraint, reason: "holds nothing",
		},
		{
			rule: "nothing remains, an amount", given: append(two, spend("10")), op: extend("A", "1", "never", "N"),
			refuse: ErrConstraint, reason: "holds nothing",
		},
		{
			rule: "a debt", given: []Operation{grant("A", "1"), spend("2")}, op: extend("A", "", "2026-02-01", "N"),
			refuse: ErrConstraint, reason: "holds nothing",
		},
		{
			rule: "an expired block", given: two, at: "2026-06-01", op: extend("A", "1", "never", "N"),
			refuse: ErrConstraint, reason: "expired 2026-06-01T00:00:00Z", left: "A 10, B 20",
		},
		{
			rule: "a microsecond before its expiry", given: two, at: "2026-05-31T23:59:59.999999Z", op: extend("A", "1", "never", "N"),
			want: []string{"expiration_change A 1 30→30"},
		},
		{
			rule: "the new id is in use", given: two, op: extend("A", "1", "never", "B"),
			refuse: ErrDuplicate, reason: `block "B"`,
		},
		{
			rule: "the new id is that of the source", given: two, op: extend("A", "1", "never", "A"),
			refuse: ErrDuplicate,
		},
		{
			rule: "the new id is that of an empty block", given: append(two, spend("10")), op: extend("B", "1", "never", "A"),
			refuse: ErrDuplicate,
		},
		{
			rule: "a source not found comes before an id in use", given: two, op: extend("X", "1", "never", "B"),
			refuse: ErrNotFound,
		},
		{
			rule: "an expiry not found comes before an id in use", given: two, op: byExpiryOnly(extend("", "1", "never", "B"), "2026-06-02"),
			refuse: ErrNotFound,
		},
		{
			rule: "an id in use comes before an id and an expiry that disagree", given: two, op: byBoth(extend("B", "1", "never", "A"), "2026-06-01"),
			refuse: ErrDuplicate,
		},
		{
			rule: "an id in use comes before several that share an expiry", given: twins, op: byExpiryOnly(extend("", "1", "never", "B"), "2026-06-01"),
			refuse: ErrDuplicate,
		},
		{
			rule: "an id in use comes before an amount above what remains", given: two, op: extend("A", "11", "never", "B"),
			refuse: ErrDuplicate,
		},
		{
			rule: "an id in use comes before an expired source", given: two, at: "2026-06-01", op: extend("A", "1", "never", "B"),
			refuse: ErrDuplicate,
		},
	})
}

// TestExpirationChangeBlock: what the new block takes from its source and what not.
func TestExpirationChangeBlock(t *testing.T) {
	src := grant("A", "100", expires("2026-06-01"), effective("2025-12-01"), basis("0.20"), priority(7), only("api"), unpaid)
	src.Source, src.InvoiceID, src.Metadata = SourceAllocation, "inv", map[string]string{"k": "v"}
	for _, paid := range []bool{false, true} {
		b := newBook(t).given(src)
		if paid {
			b.clock("2026-01-02")
			b.given(Activation{BlockID: "A"})
		}
		b.clock("2026-01-03")
		op := extend("A", "30", "2026-12-01", "N")
		op.Description, op.Metadata = "longer", map[string]string{"of": "op"}
		res, err := b.try(op)
		if err != nil {
			t.Fatal(err)
		}
		a, n := b.block("A"), b.block("N")
		want := a.whole()
		want.ID, want.Number, want.CreatedAt, want.ExpiresAt = "N", 2, when("2026-01-03"), when("2026-12-01")
		want.Initial, want.Balance, want.Capacity = AmountOf(30), AmountOf(30), AmountOf(30)
		want.Source, want.ParentID = SourceManual, "A"
		if got := encoded(n); string(got) != string(AppendBlock(nil, &want)) {
			t.Errorf("paid %t: the new block is %+v, want %+v", paid, n, want)
		}
		if a.Balance.String() != "70" || a.Capacity.String() != "70" || a.Initial.String() != "100" {
			t.Errorf("paid %t: the source holds %s of %s of %s", paid, a.Balance, a.Capacity, a.Initial)
		}
		e := res.Entries[0]
		if e.NewBlockID != "N" || e.NewBlockExpiry != when("2026-12-01") || e.Block.ID != "A" || e.Block.ExpiresAt != when("2026-06-01") ||
			e.Description != "longer" || e.Metadata["of"] != "op" || res.NewBlockID != "N" {
			t.Errorf("paid %t: the entry is %+v", paid, e)
		}
	}
}

// TestExpirationChangeChain: what was moved can be moved on, and what was drawn
// cannot; the parent is the block before, not the first.
func TestExpirationChangeChain(t *testing.T) {
	b := newBook(t).given(
		grant("A", "100", expires("2026-06-01")), extend("A", "60", "2026-07-01", "B"), extend("B", "50", "2026-08-01", "C"),
	)
	if got := b.balances(); got != "A 40, B 10, C 50" {
		t.Errorf("left %s", got)
	}
	if b.block("C").rare.ParentID != "B" || b.block("B").rare.ParentID != "A" || b.block("A").rare.ParentID != "" {
		t.Error("a parent is not the block before")
	}
	if b.a.total.String() != "100" {
		t.Errorf("the total is %s", b.a.total)
	}
}

// TestExpirationChangeToThePastNotes: the expiry that follows at once is an entry of
// the operation, with its instant, description and metadata.
func TestExpirationChangeToThePastNotes(t *testing.T) {
	b := newBook(t).given(grant("A", "80", expires("2026-06-01")))
	b.clock("2026-03-01")
	op := extend("A", "10", "2026-02-01", "N")
	op.Description, op.Metadata = "cut", map[string]string{"k": "v"}
	res, err := b.try(op)
	if err != nil || len(res.Entries) != 2 {
		t.Fatalf("%v, %v", res.Entries, err)
	}
	for _, e := range res.Entries {
		if e.CreatedAt != when("2026-03-01") || e.Description != "cut" || e.Metadata["k"] != "v" {
			t.Errorf("the entry %s is %+v", e.Type, e)
		}
	}
	expiry := res.Entries[1]
	if expiry.NewBlockID != "" || expiry.NewBlockExpiry != 0 || expiry.Block.ExpiresAt != when("2026-02-01") {
		t.Errorf("the expiry entry is %+v", expiry)
	}
	// It expired once: nothing follows later.
	b.clock("2026-05-01")
	if res, err := b.try(spend("1")); err != nil || story(res.Entries) != "decrement A 1 70→69" || b.a.head.Entries != 4 {
		t.Errorf("later: %s, %v, %d entries", story(res.Entries), err, b.a.head.Entries)
	}
}
