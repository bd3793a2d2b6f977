package creditledger

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestKept: an account keeps all of a block, the rare and the usual, and a block with
// nothing rare shares that with all others.
func TestKept(t *testing.T) {
	rarely := Block{
		ID: "id", Number: 1, CreatedAt: 2, EffectiveAt: 3, ExpiresAt: 4, ActivatedAt: 5,
		Initial: AmountOf(6), Balance: AmountOf(7), Capacity: AmountOf(8), CostBasis: MustCostBasis("0.90"),
		Priority: 10, Status: BlockPendingPayment, Source: SourceTopUp, Overdraft: true,
		Filters: []Filter{{Values: []string{"api"}}}, InvoiceID: "inv", ParentID: "parent", Metadata: map[string]string{"k": "v"},
		Paid: true, Lapsed: AmountOf(11), Refill: &Refill{Repaid: AmountOf(12)},
	}
	for i := range reflect.ValueOf(rarely).NumField() {
		if reflect.ValueOf(rarely).Field(i).IsZero() && reflect.TypeOf(rarely).Field(i).Name != "Held" {
			t.Errorf("the test gives no %s", reflect.TypeOf(rarely).Field(i).Name)
		}
	}
	usually := rarely
	usually.Filters, usually.InvoiceID, usually.ParentID, usually.Metadata = nil, "", "", nil
	usually.Paid, usually.Lapsed, usually.Refill = false, Amount{}, nil
	for _, b := range []Block{rarely, usually, {InvoiceID: "inv"}, {ParentID: "parent"}, {Paid: true}, {Lapsed: AmountOf(1)}, {Refill: &Refill{Repaid: AmountOf(1)}}, {}} {
		kept := b.kept()
		if got := kept.whole(); !reflect.DeepEqual(got, b) {
			t.Errorf("kept as %+v: %+v", got, b)
		}
	}
	if kept := usually.kept(); kept.rare != &nothingRare {
		t.Error("a block with nothing rare has memory for it")
	}
	if !reflect.DeepEqual(nothingRare, rare{}) {
		t.Errorf("what is shared was written to: %+v", nothingRare)
	}
}

func TestTakesOverdraft(t *testing.T) {
	filters := []Filter{{Values: []string{"api"}}}
	for _, c := range []struct {
		rule  string
		block Block
		want  bool
	}{
		{"no expiry and no filter", Block{}, true},
		{"an overdraft block", Block{Overdraft: true}, true},
		{"an expiry would erase the debt", Block{ExpiresAt: 1}, false},
		{"a filter", Block{Filters: filters}, false},
		{"both", Block{ExpiresAt: 1, Filters: filters}, false},
	} {
		b := c.block.kept()
		if got := b.takesOverdraft(); got != c.want {
			t.Errorf("%s: %t", c.rule, got)
		}
	}
}

// TestDrawdownOrder has one row for each key of the order, and for each the keys
// after it pointing the other way: a key decides before all later ones.
func TestDrawdownOrder(t *testing.T) {
	filters := []Filter{{Values: []string{"api"}}}
	base := Block{Number: 5, Priority: 3, ExpiresAt: 2000, CostBasis: MustCostBasis("0.20")}
	with := func(change func(*Block)) Block {
		b := base
		change(&b)
		return b
	}
	for _, c := range []struct {
		rule          string
		first, second Block
	}{
		{
			"the smaller priority, whatever else",
			with(func(b *Block) { b.Priority, b.ExpiresAt, b.CostBasis, b.Number = 2, 0, MustCostBasis("9"), 9 }),
			with(func(b *Block) { b.Filters, b.ExpiresAt, b.CostBasis, b.Number = filters, 1, CostBasis{}, 1 }),
		},
		{
			"negative priorities before 0",
			with(func(b *Block) { b.Priority = -1 }), with(func(b *Block) { b.Priority, b.Number = 0, 1 }),
		},
		{
			"the smallest and the largest priority there are",
			with(func(b *Block) { b.Priority = math.MinInt32 }), with(func(b *Block) { b.Priority, b.Number = math.MaxInt32, 1 }),
		},
		{
			"filtered before unfiltered, whatever follows",
			with(func(b *Block) { b.Filters, b.ExpiresAt, b.CostBasis, b.Number = filters, 0, MustCostBasis("9"), 9 }),
			with(func(b *Block) { b.ExpiresAt, b.CostBasis, b.Number = 1, CostBasis{}, 1 }),
		},
		{
			"the earlier expiry, whatever follows",
			with(func(b *Block) { b.ExpiresAt, b.CostBasis, b.Number = 1999, MustCostBasis("9"), 9 }),
			with(func(b *Block) { b.CostBasis, b.Number = CostBasis{}, 1 }),
		},
		{
			"never is last",
			with(func(b *Block) { b.ExpiresAt, b.Number = lastInstant, 9 }),
			with(func(b *Block) { b.ExpiresAt, b.CostBasis = 0, CostBasis{} }),
		},
		{
			"the first instant there is, too, is before never",
			with(func(b *Block) { b.ExpiresAt = 1 }), with(func(b *Block) { b.ExpiresAt, b.Number = 0, 1 }),
		},
		{
			"the smaller cost basis, whatever follows",
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("0.199"), 9 }), with(func(b *Block) { b.Number = 1 }),
		},
		{
			"cost bases are numbers, not text",
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("9"), 9 }),
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("10"), 1 }),
		},
		{
			"no cost basis is 0",
			with(func(b *Block) { b.CostBasis, b.Number = CostBasis{}, 9 }), with(func(b *Block) { b.Number = 1 }),
		},
		{
			"no cost basis and 0 are equal: creation decides",
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("0.00"), 1 }),
			with(func(b *Block) { b.CostBasis, b.Number = CostBasis{}, 2 }),
		},
		{
			"0.2 and 0.20 are equal: creation decides",
			with(func(b *Block) { b.Number = 1 }),
			with(func(b *Block) { b.CostBasis, b.Number = MustCostBasis("0.2"), 2 }),
		},
		{
			"which filters there are does not matter: creation decides",
			with(func(b *Block) { b.Filters, b.Number = filters, 1 }),
			with(func(b *Block) { b.Filters, b.Number = []Filter{filters[0], filters[0]}, 2 }),
		},
		{
			"the older block",
			with(func(b *Block) { b.Number = 1 }), with(func(b *Block) { b.Number = 2 }),
		},
		{
			"creation is a number, not text",
			with(func(b *Block) { b.Number = 9 }), with(func(b *Block) { b.Number = 10 }),
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if DrawdownOrder(&c.first, &c.second) != -1 || DrawdownOrder(&c.second, &c.first) != 1 {
				t.Errorf("order is %d and %d", DrawdownOrder(&c.first, &c.second), DrawdownOrder(&c.second, &c.first))
			}
		})
	}
	same := base
	if DrawdownOrder(&base, &same) != 0 {
		t.Error("a block is not equal to itself")
	}
	// What is no key must not move a block: not what it holds, nor when it was made.
	other := with(func(b *Block) {
		b.ID, b.Balance, b.Initial, b.CreatedAt, b.EffectiveAt = "x", MustAmount("-7"), MustAmount("9"), 77, 88
		b.Status, b.Source, b.Overdraft, b.Metadata = BlockPendingPayment, SourceTopUp, true, map[string]string{"k": "v"}
	})
	if DrawdownOrder(&base, &other) != 0 {
		t.Error("something that is no key of the order decides it")
	}
}

func TestDrawdownOrderIsTotalProperty(t *testing.T) {
	draw := func(t *rapid.T, label string) *Block {
		b := &Block{
			Number:    rapid.Uint64Range(1, 4).Draw(t, label+" number"),
			Priority:  rapid.Int32Range(-1, 1).Draw(t, label+" priority"),
			ExpiresAt: Instant(rapid.Int64Range(0, 2).Draw(t, label+" expiry")),
		}
		if basis := rapid.SampledFrom([]string{"", "0", "0.2", "0.20", "1"}).Draw(t, label+" basis"); basis != "" {
			b.CostBasis = MustCostBasis(basis)
		}
		if rapid.Bool().Draw(t, label+" filtered") {
			b.Filters = []Filter{{Values: []string{"api"}}}
		}
		return b
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw(t, "a"), draw(t, "b"), draw(t, "c")
		if DrawdownOrder(a, b) != -DrawdownOrder(b, a) {
			t.Fatalf("%+v and %+v: not the same from both sides", a, b)
		}
		if DrawdownOrder(a, b) <= 0 && DrawdownOrder(b, c) <= 0 && DrawdownOrder(a, c) > 0 {
			t.Fatalf("%+v, %+v, %+v: not transitive", a, b, c)
		}
		if DrawdownOrder(a, b) == 0 && a.Number != b.Number {
			t.Fatalf("two blocks in one place: %+v, %+v", a, b)
		}
		if kept := orderOnly(a); DrawdownOrder(a, kept) != 0 {
			t.Fatalf("%+v and what a cursor keeps of it, %+v, are not in one place", a, kept)
		}
	})
}

// TestDrawdownOrderIsFree: sorting blocks costs no memory, with filters or without, and
// looks at nothing but what the policy names.
func TestDrawdownOrderIsFree(t *testing.T) {
	filtered := filled[Block](t)
	plain := Block{Number: 7}
	if n := testing.AllocsPerRun(100, func() { DrawdownOrder(&filtered, &plain) }); n != 0 {
		t.Errorf("a comparison takes memory %v times", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func() Block {
			b := Block{
				Number: rapid.Uint64Range(1, 3).Draw(t, "number"), Priority: rapid.Int32Range(-1, 1).Draw(t, "priority"),
				ExpiresAt: rapid.SampledFrom([]Instant{0, 1, 2, lastInstant}).Draw(t, "expires"), CostBasis: rapid.SampledFrom([]CostBasis{{}, MustCostBasis("0"), MustCostBasis("0.20"), MustCostBasis("0.2")}).Draw(t, "basis"),
			}
			if rapid.Bool().Draw(t, "filtered") {
				b.Filters = []Filter{{FilterFieldItem, FilterExcludes, []string{"x"}}}
			}
			return b
		}
		a, b := draw(), draw()
		x, y := a.kept(), b.kept()
		if got, want := DrawdownOrder(&a, &b), drawdownOrder(&x, &y); got != want {
			t.Fatalf("%+v and %+v: %d, in memory %d", a, b, got, want)
		}
	})
}
