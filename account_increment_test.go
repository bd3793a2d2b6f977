package creditledger

import (
	"errors"
	"maps"
	"slices"
	"testing"
)

func TestIncrement(t *testing.T) {
	checkRules(t, []rule{
		{
			rule: "creates one block and raises the total",
			op:   grant("A", "100"),
			want: []string{"increment A 100 0→100"}, left: "A 100",
		},
		{
			rule: "adds to what there is, exactly",
			given: []Operation{
				grant("A", "1.472228333333333"),
			},
			op:   grant("B", "3"),
			want: []string{"increment B 3 1.472228333333333→4.472228333333333"},
		},
		{
			rule: "in the future leaves the total",
			op:   grant("A", "100", effective("2026-02-01")),
			want: []string{"increment A 100 0→0"},
		},
		{
			rule: "effective a microsecond from now leaves the total",
			op:   grant("A", "100", effective("2026-01-01T00:00:00.000001Z")),
			want: []string{"increment A 100 0→0"},
		},
		{
			rule: "effective now counts",
			op:   grant("A", "100", effective("2026-01-01T00:00:00Z")),
			want: []string{"increment A 100 0→100"},
		},
		{
			rule: "effective in the past counts",
			op:   grant("A", "100", effective("2025-01-01")),
			want: []string{"increment A 100 0→100"},
		},
		{
			rule: "awaiting payment leaves the total",
			op:   grant("A", "100", unpaid),
			want: []string{"increment A 100 0→0"}, left: "A 100",
		},
		{
			rule: "expiring a microsecond from now is accepted",
			op:   grant("A", "1", expires("2026-01-01T00:00:00.000001Z")),
			want: []string{"increment A 1 0→1"},
		},
		{
			rule: "expiring a microsecond after its effective date is accepted",
			op:   grant("A", "1", effective("2026-02-01"), expires("2026-02-01T00:00:00.000001Z")),
			want: []string{"increment A 1 0→0"},
		},
		{
			rule: "of the smallest amount",
			op:   grant("A", "0.000000000000000001"),
			want: []string{"increment A 0.000000000000000001 0→0.000000000000000001"},
		},
		{
			rule: "of the largest amount",
			op:   grant("A", widest),
			want: []string{"increment A " + widest + " 0→" + widest},
		},
	})
}

func TestIncrementRefused(t *testing.T) {
	spent := []Operation{grant("A", "10", expires("2027-01-01")), spend("10"), grant("B", "5")}
	checkRules(t, []rule{
		{
			rule: "0 is not positive",
			op:   grant("A", "0"), refuse: ErrInvalid, reason: "not positive",
		},
		{
			rule: "an expiry at the effective date", op: grant("A", "1", effective("2026-02-01T00:00:00Z"), expires("2026-02-01T00:00:00Z")),
			refuse: ErrInvalid, reason: "not after the effective date",
		},
		{
			rule: "an expiry before the effective date", op: grant("A", "1", effective("2026-02-02T00:00:00Z"), expires("2026-02-01T00:00:00Z")),
			refuse: ErrInvalid, reason: "not after the effective date",
		},
		{
			rule: "an expiry date that is the effective date", op: grant("A", "1", effective("2026-02-01"), expires("2026-02-01")),
			refuse: ErrInvalid, reason: "not after the effective date",
		},
		{
			rule: "an expiry date that is an effective date-time", op: grant("A", "1", effective("2026-02-01T00:00:00Z"), expires("2026-02-01")),
			refuse: ErrInvalid, reason: "not after the effective date",
		},
		{
			rule: "an expiry now", op: grant("A", "1", expires("2026-01-01T00:00:00Z")),
			refuse: ErrInvalid, reason: "has passed",
		},
		{
			rule: "an expiry a microsecond ago", op: grant("A", "1", expires("2025-12-31T23:59:59.999999Z")),
			refuse: ErrInvalid, reason: "has passed",
		},
		{
			rule: "an expiry in the past, after an effective date further in the past",
			op:   grant("A", "1", effective("2025-01-01"), expires("2025-06-01")), refuse: ErrInvalid, reason: "has passed",
		},
		{
			rule: "the id of a block", given: spent, op: grant("B", "1"), refuse: ErrDuplicate, left: "A 0, B 5",
		},
		{
			rule: "the id of an empty block that is no longer at hand", given: spent, op: grant("A", "1"), refuse: ErrDuplicate,
		},
		{
			rule: "an id in use, even when no block would be made", given: []Operation{grant("A", "10"), spend("15")},
			op: grant("A", "1"), refuse: ErrDuplicate, left: "A -5",
		},
		{
			rule: "a wrong date comes before an id in use", given: spent,
			op: grant("B", "1", expires("2025-01-01")), refuse: ErrInvalid,
		},
		{
			rule: "an id in use comes before balances out of range", given: []Operation{grant("A", widest)},
			op: grant("A", widest), refuse: ErrDuplicate,
		},
	})
}

// TestIncrementBlock: what the block holds of what was asked.
func TestIncrementBlock(t *testing.T) {
	b := newBook(t)
	op := grant("A", "12.50", effective("2026-02-01"), expires("2026-03-01"), basis("0.20"), priority(-3), only("api", "disk"), except("gpu"))
	op.Source, op.InvoiceID, op.Description, op.Metadata = SourceTopUp, "inv_1", "a pack", map[string]string{"k": "v"}
	res, err := b.try(op)
	if err != nil {
		t.Fatal(err)
	}
	got := *b.block("A")
	want := Block{
		ID: "A", Number: 1, CreatedAt: when("2026-01-01"), EffectiveAt: when("2026-02-01"), ExpiresAt: when("2026-03-01"),
		ActivatedAt: when("2026-01-01"), Initial: MustAmount("12.5"), Balance: MustAmount("12.5"), Capacity: MustAmount("12.5"),
		CostBasis: MustCostBasis("0.20"), Priority: -3, Source: SourceTopUp, Filters: op.Filters, InvoiceID: "inv_1", Metadata: op.Metadata,
	}
	if g, w := string(encoded(&got)), string(AppendBlock(nil, &want)); g != w {
		t.Errorf("the block is %+v, want %+v", got, want)
	}
	if got.CostBasis.String() != "0.20" {
		t.Errorf("the cost basis lost its digits: %s", got.CostBasis)
	}
	e := res.Entries[0]
	if e.Description != "a pack" || !maps.Equal(e.Metadata, op.Metadata) || !slices.Equal(e.CreatedInvoices, []string{"inv_1"}) ||
		e.Block.ID != "A" || e.Block.ExpiresAt != want.ExpiresAt || e.Block.CostBasis.String() != "0.20" || !sameFilters(e.Block.Filters, op.Filters) {
		t.Errorf("the entry is %+v", e)
	}
	if res.NewBlockID != "A" || res.At != when("2026-01-01") {
		t.Errorf("the result is %+v", res)
	}
}

func TestIncrementDefaults(t *testing.T) {
	b := newBook(t).given(Increment{Amount: AmountOf(1)}, grant("P", "1", unpaid))
	got := b.made[0]
	if got.EffectiveAt != b.now || got.ActivatedAt != b.now || got.CreatedAt != b.now || got.ExpiresAt != 0 ||
		got.CostBasis.IsSet() || got.Priority != 0 || got.Source != SourceManual || got.Status != BlockActive || len(got.ID) != 36 {
		t.Errorf("the block is %+v", got)
	}
	if p := b.block("P"); p.Status != BlockPendingPayment || p.ActivatedAt != 0 || p.EffectiveAt != b.now {
		t.Errorf("the block awaiting payment is %+v", p)
	}
}

// debts makes three debts: 1 of 10, 2 of 5 and 3 of 20, in this order of creation.
// Each was the one block that could take an overdraft when it was drawn.
func debts() []Operation {
	return []Operation{
		grant("1", "1", priority(1)), spend("11"),
		grant("2", "1", priority(2), noRepay), spend("6"),
		grant("3", "1", priority(3), noRepay), spend("21"),
	}
}

// repayFirstRules are the rules of TestRepayFirst.
var repayFirstRules = []rule{
	{
		rule: "the oldest debt first, then the next, then a block with the rest", given: debts(), op: grant("N", "40"),
		want: []string{
			"increment 1 10 -35→-25", "increment 2 5 -25→-20", "increment 3 20 -20→0", "increment N 5 0→5",
		},
		left: "1 0, 2 0, 3 0, N 5",
	},
	{
		rule: "exactly all debts makes no block", given: debts(), op: grant("N", "35"),
		want: []string{"increment 1 10 -35→-25", "increment 2 5 -25→-20", "increment 3 20 -20→0"},
		left: "1 0, 2 0, 3 0",
	},
	{
		rule: "the smallest amount more makes a block of it", given: debts(), op: grant("N", "35.000000000000000001"),
		want: []string{
			"increment 1 10 -35→-25", "increment 2 5 -25→-20", "increment 3 20 -20→0",
			"increment N 0.000000000000000001 0→0.000000000000000001",
		},
	},
	{
		rule: "a debt in part", given: debts(), op: grant("N", "12"),
		want: []string{"increment 1 10 -35→-25", "increment 2 2 -25→-23"},
		left: "1 0, 2 -3, 3 -20",
	},
	{
		rule: "exactly one debt leaves the others", given: debts(), op: grant("N", "10"),
		want: []string{"increment 1 10 -35→-25"}, left: "1 0, 2 -5, 3 -20",
	},
	{
		rule: "the age of a debt is that of its block, not its place in the drawdown order",
		given: []Operation{
			grant("old", "1", priority(1)), grant("young", "1", priority(0), effective("2026-01-02")), spend("11"),
		},
		at: "2026-01-03", op: grant("N", "3"),
		want: []string{"increment old 3 -9→-6"}, left: "old -7, young 1",
	},
	{
		rule: "an expiring grant repays too", given: debts(), op: grant("N", "36", expires("2026-02-01")),
		want: []string{"increment 1 10 -35→-25", "increment 2 5 -25→-20", "increment 3 20 -20→0", "increment N 1 0→1"},
	},
	{
		rule: "a grant effective in the past repays too", given: debts(), op: grant("N", "10", effective("2025-01-01")),
		want: []string{"increment 1 10 -35→-25"},
	},
	{
		rule: "an overdraft block is a debt like any other", given: []Operation{spend("7")}, op: grant("N", "10"),
		// The overdraft block got its id from the source of randomness.
		want: []string{"increment " + overdraftID + " 7 -7→0", "increment N 3 0→3"},
	},
	{
		rule: "a filtered grant repays nothing", given: debts(), op: grant("N", "40", only("api")),
		want: []string{"increment N 40 -35→5"}, left: "1 -10, 2 -5, 3 -20, N 40",
	},
	{
		rule: "a grant that excludes something is filtered too", given: debts(), op: grant("N", "40", except("api")),
		want: []string{"increment N 40 -35→5"},
	},
	{
		rule: "a future grant repays nothing", given: debts(), op: grant("N", "40", effective("2026-01-01T00:00:00.000001Z")),
		want: []string{"increment N 40 -35→-35"}, left: "1 -10, 2 -5, 3 -20, N 40",
	},
	{
		rule: "a grant awaiting payment repays nothing", given: debts(), op: grant("N", "40", unpaid),
		want: []string{"increment N 40 -35→-35"},
	},
	{
		rule: "nor does its activation", given: append(debts(), grant("N", "40", unpaid)), op: Activation{BlockID: "N"},
		left: "1 -10, 2 -5, 3 -20, N 40",
	},
	{
		rule: "nor becoming effective", given: append(debts(), grant("N", "40", effective("2026-01-02"))), at: "2026-01-02",
		op: grant("M", "1"), want: []string{"increment 1 1 5→6"}, left: "1 -9, 2 -5, 3 -20, N 40",
	},
	{
		rule: "an increment may ask for no repayment", given: debts(), op: grant("N", "40", noRepay),
		want: []string{"increment N 40 -35→5"}, left: "1 -10, 2 -5, 3 -20, N 40",
	},
	{
		rule: "NewBlockOnly of the ledger never repays", repay: RepayNever, given: debts(), op: grant("N", "40"),
		want: []string{"increment N 40 -35→5"}, left: "1 -10, 2 -5, 3 -20, N 40",
	},
	{
		rule: "an increment may ask for repayment all the same", repay: RepayNever, given: debts(),
		op:   func() Operation { op := grant("N", "10"); op.Repay = RepayFirst; return op }(),
		want: []string{"increment 1 10 -35→-25"},
	},
	{
		rule: "refills do not go above 0", given: []Operation{grant("A", "100"), spend("150")}, op: grant("N", "70"),
		want: []string{"increment A 50 -50→0", "increment N 20 0→20"}, left: "A 0, N 20",
	},
}

func TestRepayFirst(t *testing.T) {
	checkRules(t, repayFirstRules)
}

// overdraftID is the id that the first block without a name gets in a book whose
// operations make no ids before it.
var overdraftID = func() string {
	b := newBook(panicking{}).given(spend("7"))
	return b.made[0].ID
}()

// TestRepayNotes: the description and metadata stand on every entry, the metadata on
// the new block; a refilled block keeps its own, and the id that no block got is free.
func TestRepayNotes(t *testing.T) {
	old := grant("A", "1")
	old.Metadata = map[string]string{"of": "A"}
	b := newBook(t).given(old, spend("11"))
	op := grant("N", "15")
	op.Description, op.Metadata, op.InvoiceID = "pack", map[string]string{"of": "N"}, "inv_7"
	res, err := b.try(op)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range res.Entries {
		if e.Description != "pack" || e.Metadata["of"] != "N" {
			t.Errorf("the entry on %s has %q, %v", e.Block.ID, e.Description, e.Metadata)
		}
	}
	if first, last := res.Entries[0], res.Entries[1]; first.CreatedInvoices != nil || !slices.Equal(last.CreatedInvoices, []string{"inv_7"}) {
		t.Errorf("invoices %v and %v, want them on the last entry", first.CreatedInvoices, last.CreatedInvoices)
	}
	if b.block("A").rare.Metadata["of"] != "A" || b.block("A").rare.InvoiceID != "" || b.block("N").rare.Metadata["of"] != "N" || b.block("N").rare.InvoiceID != "inv_7" {
		t.Errorf("blocks %+v and %+v", b.block("A"), b.block("N"))
	}
	if initial := b.block("N").Initial; initial.Cmp(AmountOf(5)) != 0 {
		t.Errorf("the new block's initial amount is %s, want the remainder, 5", initial)
	}

	b = newBook(t).given(grant("A", "1"), spend("11"), grant("free", "10"))
	if len(b.made) != 1 {
		t.Fatalf("a block was made: %s", b.balances())
	}
	b.given(grant("free", "3"))
	if got := b.balances(); got != "A 0, free 3" {
		t.Errorf("left %s", got)
	}
}

func TestIncrementKinds(t *testing.T) {
	b := newBook(t)
	_, err := b.try(grant("A", "1", effective("2026-01-01"), expires("2026-01-01T00:00:00Z")))
	var invalid *InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "expiry_date" {
		t.Errorf("the field at fault: %v", err)
	}
}
