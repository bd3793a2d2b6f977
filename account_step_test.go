package creditledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAmendment(t *testing.T) {
	sixty := []Operation{grant("A", "100", expires("2026-06-01")), spend("40")}
	checkRules(t, []rule{
		{
			rule: "gives credits back", given: sixty, op: amend("A", "25"),
			want: []string{"amendment A 25 60→85"}, left: "A 85",
		},
		{
			rule: "up to what was granted", given: sixty, op: amend("A", "40"),
			want: []string{"amendment A 40 60→100"}, left: "A 100",
		},
		{
			rule: "the smallest amount more is refused", given: sixty, op: amend("A", "40.000000000000000001"),
			refuse: ErrConstraint, reason: "holds 60 and may hold 100 at most", left: "A 60",
		},
		{
			rule: "an untouched block takes nothing", given: sixty[:1], op: amend("A", "0.000000000000000001"), refuse: ErrConstraint,
		},
		{
			rule: "an emptied block is open again", given: []Operation{grant("A", "100", expires("2026-06-01")), spend("100")}, op: amend("A", "10"),
			want: []string{"amendment A 10 0→10"}, left: "A 10",
		},
		{
			rule: "what was voided cannot be given back", given: append(sixty, voidOf("A", "30")), op: amend("A", "41"),
			refuse: ErrConstraint, reason: "holds 30 and may hold 70",
		},
		{
			rule: "what was used of it can", given: append(sixty, voidOf("A", "30")), op: amend("A", "40"),
			want: []string{"amendment A 40 30→70"}, left: "A 70",
		},
		{
			rule: "what was consumed and voided cannot", given: append(sixty, voidOf("A", "100")), op: amend("A", "0.5"),
			refuse: ErrConstraint, reason: "may hold 0 at most",
		},
		{
			rule: "what was moved away cannot be given back", given: append(sixty, extend("A", "50", "never", "N")), op: amend("A", "41"),
			refuse: ErrConstraint, reason: "holds 10 and may hold 50",
		},
		{
			rule: "a debt on a granted block, beyond 0", given: []Operation{grant("A", "10"), spend("30")}, op: amend("A", "25"),
			want: []string{"amendment A 25 -20→5"}, left: "A 5",
		},
		{
			rule: "a debt on a granted block, to its capacity", given: []Operation{grant("A", "10"), spend("30")}, op: amend("A", "30"),
			want: []string{"amendment A 30 -20→10"}, left: "A 10",
		},
		{
			rule: "a debt on a granted block, beyond its capacity", given: []Operation{grant("A", "10"), spend("30")}, op: amend("A", "31"),
			refuse: ErrConstraint,
		},
		{
			rule: "an overdraft block up to 0", given: []Operation{spend("7")}, op: amend(overdraftID, "7"),
			want: []string{"amendment " + overdraftID + " 7 -7→0"},
		},
		{
			rule: "an overdraft block beyond 0", given: []Operation{spend("7")}, op: amend(overdraftID, "7.000000000000000001"),
			refuse: ErrConstraint, reason: "may hold 0 at most",
		},
		{
			rule: "a microsecond before its expiry", given: sixty, at: "2026-05-31T23:59:59.999999Z", op: amend("A", "1"),
			want: []string{"amendment A 1 60→61"},
		},
		{
			rule: "an expired block", given: sixty, at: "2026-06-01", op: amend("A", "1"),
			refuse: ErrConstraint, reason: "expired 2026-06-01T00:00:00Z", left: "A 60",
		},
		{
			rule: "an expired empty block", given: []Operation{grant("A", "100", expires("2026-06-01")), spend("100")}, at: "2026-06-01",
			op: amend("A", "1"), refuse: ErrConstraint, reason: "expired",
		},
		{
			rule: "an unknown block", given: sixty, op: amend("X", "1"), refuse: ErrNotFound, reason: `block "X"`,
		},
		{
			rule: "nothing", given: sixty, op: amend("A", "0"), refuse: ErrInvalid, reason: "not positive",
		},
		{
			rule: "the largest amount there is", given: []Operation{grant("A", "1"), spend("1")}, op: amend("A", widest), refuse: ErrConstraint,
		},
		{
			rule: "out of the range of amounts", given: []Operation{grant("A", widest), spend("1")}, op: amend("A", widest), refuse: ErrConstraint,
			reason: "cannot be given back",
		},
	})
}

// TestReopenedBlock: a block that was empty, and no longer at hand, is drawn and
// expires again like any other once credits are back in it.
func TestReopenedBlock(t *testing.T) {
	b := newBook(t).given(grant("A", "10", expires("2026-02-01")), grant("B", "10"), spend("10"))
	if b.a.find("A") == nil || len(b.a.closed) != 1 {
		t.Fatal("the emptied block is not among the closed")
	}
	b.given(amend("A", "4"))
	if len(b.a.closed) != 0 {
		t.Error("the block is not open again")
	}
	res, err := b.try(spend("1"))
	if err != nil || story(res.Entries) != "decrement A 1 14→13" {
		t.Errorf("%s, %v", story(res.Entries), err)
	}
	if due := b.a.head.NextDue; due != when("2026-02-01") {
		t.Errorf("next due %s", due)
	}
	b.clock("2026-02-01")
	b.given(spend("1"))
	if got := b.balances(); got != "A 0, B 9" || b.a.head.Entries != 7 {
		t.Errorf("left %s after %d entries", got, b.a.head.Entries)
	}
}

func TestActivation(t *testing.T) {
	pending := []Operation{grant("A", "10", unpaid, expires("2026-06-01"))}
	checkRules(t, []rule{
		{
			rule: "writes no entry and lets the block count", given: pending, op: Activation{BlockID: "A"}, left: "A 10",
		},
		{
			rule: "an active block", given: []Operation{grant("A", "10")}, op: Activation{BlockID: "A"}, refuse: ErrConstraint, reason: "active already",
		},
		{
			rule: "twice", given: append(pending, Activation{BlockID: "A"}), op: Activation{BlockID: "A"}, refuse: ErrConstraint, reason: "active already",
		},
		{
			rule: "an active empty block", given: []Operation{grant("A", "10"), grant("B", "1"), spend("10")}, op: Activation{BlockID: "A"},
			refuse: ErrConstraint, reason: "active already",
		},
		{
			rule: "an expired block", given: pending, at: "2026-06-01", op: Activation{BlockID: "A"}, refuse: ErrConstraint, reason: "expired",
		},
		{
			rule: "a microsecond before its expiry", given: pending, at: "2026-05-31T23:59:59.999999Z", op: Activation{BlockID: "A"},
		},
		{
			rule: "an unknown block", op: Activation{BlockID: "X"}, refuse: ErrNotFound,
		},
		{
			rule: "a block that was voided", given: append(pending, voidOf("A", "10")), op: Activation{BlockID: "A"}, left: "A 0",
		},
	})
	b := newBook(t).given(pending...)
	b.clock("2026-02-01")
	b.given(Activation{BlockID: "A"})
	if a := b.block("A"); a.Status != BlockActive || a.ActivatedAt != when("2026-02-01") || a.EffectiveAt != when("2026-01-01") {
		t.Errorf("the block is %+v", a)
	}
	if b.a.total.String() != "10" || b.a.head.Entries != 1 || b.a.head.LastAt != when("2026-02-01") {
		t.Errorf("total %s, %d entries, last %s", b.a.total, b.a.head.Entries, b.a.head.LastAt)
	}
	// The total rose without an entry: the next one starts there.
	if res, _ := b.try(spend("3")); story(res.Entries) != "decrement A 3 10→7" {
		t.Errorf("got %s", story(res.Entries))
	}
}

// TestActivationOfFutureBlock: paid before it becomes effective, it counts from then.
func TestActivationOfFutureBlock(t *testing.T) {
	b := newBook(t).given(grant("A", "10", unpaid, effective("2026-03-01")), Activation{BlockID: "A"})
	if b.a.total.Sign() != 0 {
		t.Errorf("before: %s", b.a.total)
	}
	b.clock("2026-03-01")
	if res, _ := b.try(grant("B", "1")); story(res.Entries) != "increment B 1 10→11" {
		t.Errorf("then: %s", story(res.Entries))
	}
}

// TestRange: what the blocks hold adds up, in absolute value, to less than 10^20.
func TestRange(t *testing.T) {
	const half = "50000000000000000000"
	const overHalf = "50000000000000000000.000000000000000001"
	const underHalf = "49999999999999999999.999999999999999999"
	const outOfRange = "10^20 or more"
	checkRules(t, []rule{
		{rule: "just below", given: []Operation{grant("A", half)}, op: grant("B", underHalf), want: []string{"increment B " + underHalf + " " + half + "→" + widest}},
		{rule: "exactly", given: []Operation{grant("A", half)}, op: grant("B", half), refuse: ErrConstraint, reason: "10^20", left: "A " + half},
		{rule: "above", given: []Operation{grant("A", half)}, op: grant("B", overHalf), refuse: ErrConstraint},
		{
			rule: "future credits count", given: []Operation{grant("A", half, effective("2026-06-01"))}, op: grant("B", half),
			refuse: ErrConstraint, reason: outOfRange,
		},
		{
			rule: "credits awaiting payment count", given: []Operation{grant("A", half)}, op: grant("B", half, unpaid),
			refuse: ErrConstraint, reason: outOfRange,
		},
		{
			rule: "expired credits do not", given: []Operation{grant("A", half, expires("2026-02-01"))}, at: "2026-02-01", op: grant("B", half),
			want: []string{"increment B " + half + " 0→" + half},
		},
		{
			rule: "debts count in absolute value", given: []Operation{grant("D", "1"), spend(half), grant("A", half, only("api"))}, op: grant("B", "1", noRepay),
			refuse: ErrConstraint, reason: outOfRange,
		},
		{
			rule: "a debt out of range", given: []Operation{spend(half)}, op: spend(half), refuse: ErrConstraint,
		},
		{
			rule: "a debt just in range", given: []Operation{spend(half)}, op: spend(underHalf),
			want: []string{"decrement " + overdraftID + " " + underHalf + " -" + half + "→-" + widest},
		},
		{
			rule: "two debts just in range", given: []Operation{grant("A", "1"), spend(half), grant("B", "1", noRepay)}, op: spend("50000000000000000001.999999999999999999"),
			want: []string{"decrement B 50000000000000000001.999999999999999999 -49999999999999999998→-" + widest},
		},
		{
			rule: "two debts out of range together", given: []Operation{grant("A", "1"), spend(half), grant("B", "1", noRepay)}, op: spend("50000000000000000002"),
			refuse: ErrConstraint, reason: "below 10^20", left: "A -49999999999999999999, B 1",
		},
		{
			rule: "a debt that draining makes room for", given: []Operation{grant("A", half)}, op: spend(widest),
			want: []string{"decrement A " + widest + " " + half + "→-" + underHalf},
		},
		{
			rule: "a repaid debt makes room", given: []Operation{grant("A", "1"), spend(half)}, op: grant("B", widest),
			want: []string{
				"increment A 49999999999999999999 -49999999999999999999→0",
				"increment B 50000000000000000000.999999999999999999 0→50000000000000000000.999999999999999999",
			},
		},
		{
			// The taker stands before blocks that are drained too: it goes deep below 0
			// while they are still full, and yet the balances never leave the range.
			rule: "a taker drawn before other blocks, when there is much that it may not draw",
			given: []Operation{
				grant("T", "10000000000000000000", priority(0)),
				grant("E", "30000000000000000000", priority(1), expires("2026-06-01")),
				grant("S", "40000000000000000000", only("other")),
			},
			op: spend("99000000000000000000"),
			want: []string{
				"decrement T 69000000000000000000 80000000000000000000→11000000000000000000",
				"decrement E 30000000000000000000 11000000000000000000→-19000000000000000000",
			},
			left: "T -59000000000000000000, E 0, S 40000000000000000000",
		},
		{
			rule: "moving credits", given: []Operation{grant("A", widest)}, op: extend("A", "", "2026-02-01", "N"),
			want: []string{"expiration_change A " + widest + " " + widest + "→" + widest},
		},
		{
			rule: "an id in use comes before the range", given: []Operation{grant("A", half)}, op: grant("A", half), refuse: ErrDuplicate,
		},
	})
}

// TestNotes: the description and metadata of an operation stand on all of its entries,
// and on no other's.
func TestNotes(t *testing.T) {
	given := []Operation{grant("A", "10", expires("2026-06-01")), grant("B", "10"), spend("5"), grant("E", "1", expires("2026-02-01"))}
	for _, op := range []Operation{
		grant("N", "1"), spend("8"), extend("B", "2", "2027-01-01", "N"), extend("B", "2", "2026-01-02", "N"), voidOf("A", "3"), amend("A", "1"),
	} {
		for _, batch := range []bool{false, true} {
			b := newBook(t).given(given...)
			b.clock("2026-02-02")
			noted := with(with(op, "Description", "why"), "Metadata", map[string]string{"k": "v"})
			asked := noted
			if batch {
				asked = Batch{grant("M", "1"), noted, grant("O", "1")}
			}
			res, err := b.try(asked)
			if err != nil {
				t.Fatal(err)
			}
			own := res.Entries
			if batch {
				own = res.Results[1].Entries
				for _, e := range []Entry{res.Entries[0], res.Entries[len(res.Entries)-1]} {
					if e.Description != "" || e.Metadata != nil {
						t.Errorf("%s in a batch: its notes stand on another's entry: %+v", op.Name(), e)
					}
				}
			}
			for _, e := range own {
				if e.Description != "why" || e.Metadata["k"] != "v" {
					t.Errorf("%s: the %s entry has %q, %v", op.Name(), e.Type, e.Description, e.Metadata)
				}
			}
		}
	}
}

// TestNobodyAsksForExpiry: the ledger's own operation cannot be asked for, and
// neither can what only looks like an operation.
func TestNobodyAsksForExpiry(t *testing.T) {
	own := struct{ Increment }{grant("A", "1")}
	for name, op := range map[string]Operation{
		"expire": expire{}, "none": nil, "a pointer": &own.Increment, "a nil pointer": (*Void)(nil), "one's own type": own,
		"expire in a batch": Batch{expire{}}, "none in a batch": Batch{nil}, "a batch in a batch": Batch{Batch{grant("A", "1")}},
		"a pointer in a batch": Batch{&own.Increment}, "one's own type in a batch": Batch{own}, "an empty batch": Batch{}, "a nil batch": Batch(nil),
	} {
		_, err := newBook(t).try(op)
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if text := describe(op); text == "" || strings.Contains(text, "%!") {
			t.Errorf("%s is described as %q", name, text)
		}
	}
	if err := step(newBook(t).a, expire{}, &change{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("step: %v", err)
	}
	if err := (expire{}).check(); !errors.Is(err, ErrInvalid) {
		t.Errorf("check: %v", err)
	}
	if (expire{}).Name() != "expire" {
		t.Error("its name")
	}
}

func TestDescribe(t *testing.T) {
	for want, op := range map[string]Operation{
		`increment 1.5`: grant("A", "1.50"), `decrement 2`: spend("2"), `expiration_change of block "A"`: extend("A", "", "never", ""),
		`void 3 of block "A"`: voidOf("A", "3"), `amendment 4 of block "A"`: amend("A", "4"), `activate block "A"`: Activation{BlockID: "A"},
		`batch of 2 operations`: Batch{spend("1"), spend("2")},
	} {
		if got := describe(op); got != want {
			t.Errorf("described as %s, want %s", got, want)
		}
	}
	err := attempted(spend("2"), AccountID{Customer: "c"}, errors.New("reason"))
	if err.Error() != "decrement 2 on c/credits: reason" {
		t.Errorf("got %v", err)
	}
	if again := attempted(spend("3"), AccountID{Customer: "d"}, fmt.Errorf("more: %w", err)); again.Error() != "more: "+err.Error() {
		t.Errorf("said twice: %v", again)
	}
}
