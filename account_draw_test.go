package creditledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fixture is the fixture of the worked cases: A and B expire, C never does.
func fixture() []Operation {
	return []Operation{
		grant("A", "30", expires("2026-02-01"), basis("0.10")),
		grant("B", "50", expires("2026-03-01"), basis("0.20")),
		grant("C", "100", basis("0.50")),
	}
}

// mixed has a filtered and an unfiltered block.
func mixed() []Operation {
	return []Operation{
		grant("S", "20", only("api"), expires("2026-12-01")),
		grant("U", "100", expires("2026-06-01")),
	}
}

func TestDecrement(t *testing.T) {
	checkRules(t, []rule{
		{
			rule: "drains blocks in drawdown order, one entry each", given: fixture(), op: spend("100"),
			want: []string{"decrement A 30 180→150", "decrement B 50 150→100", "decrement C 20 100→80"}, left: "A 0, B 0, C 80",
		},
		{
			rule: "exactly one block is one entry", given: fixture(), op: spend("30"),
			want: []string{"decrement A 30 180→150"}, left: "A 0, B 50, C 100",
		},
		{
			rule: "the smallest amount less leaves it", given: fixture(), op: spend("29.999999999999999999"),
			want: []string{"decrement A 29.999999999999999999 180→150.000000000000000001"}, left: "A 0.000000000000000001, B 50, C 100",
		},
		{
			rule: "the smallest amount more begins the next", given: fixture(), op: spend("30.000000000000000001"),
			want: []string{"decrement A 30 180→150", "decrement B 0.000000000000000001 150→149.999999999999999999"},
		},
		{
			rule: "an empty block is passed over", given: append(fixture(), spend("30")), op: spend("60"),
			want: []string{"decrement B 50 150→100", "decrement C 10 100→90"},
		},
		{
			rule: "a matching filtered block pays first", given: mixed(), op: spend("30", item("api")),
			want: []string{"decrement S 20 120→100", "decrement U 10 100→90"}, left: "S 0, U 90",
		},
		{
			rule: "without an item a filtered block is not touched", given: mixed(), op: spend("30"),
			want: []string{"decrement U 30 120→90"}, left: "S 20, U 70",
		},
		{
			rule: "for another item neither", given: mixed(), op: spend("30", item("disk")),
			want: []string{"decrement U 30 120→90"},
		},
		{
			rule: "blocks with different filters are drawn in one order",
			given: []Operation{
				grant("api", "10", only("api"), expires("2026-05-01")), grant("any", "10", except("disk"), expires("2026-04-01")),
				grant("both", "10", only("api"), except("disk"), expires("2026-04-15")), grant("plain", "10", expires("2026-03-01")),
			},
			op:   spend("35", item("api")),
			want: []string{"decrement any 10 40→30", "decrement both 10 30→20", "decrement api 10 20→10", "decrement plain 5 10→5"},
		},
		{
			rule: "an unfiltered block of a smaller priority comes before a filtered one",
			given: []Operation{
				grant("S", "20", only("api"), priority(1)), grant("U", "5", priority(0)),
			},
			op:   spend("10", item("api")),
			want: []string{"decrement U 5 25→20", "decrement S 5 20→15"},
		},
		{
			rule: "pools take turns", given: []Operation{
				grant("U1", "1", priority(1)), grant("S2", "1", priority(2), only("api")),
				grant("U3", "1", priority(3)), grant("S4", "1", priority(4), only("api")),
				grant("X5", "1", priority(5), except("x")), grant("U6", "1", priority(6)),
			},
			op: spend("6", item("api")),
			want: []string{
				"decrement U1 1 6→5", "decrement S2 1 5→4", "decrement U3 1 4→3",
				"decrement S4 1 3→2", "decrement X5 1 2→1", "decrement U6 1 1→0",
			},
		},
		{
			rule: "a future block is not drawn", given: []Operation{grant("A", "10"), grant("B", "10", effective("2026-02-01"), priority(-1))},
			op: spend("5"), want: []string{"decrement A 5 10→5"},
		},
		{
			rule: "from the instant it becomes effective it is", given: []Operation{grant("A", "10"), grant("B", "10", effective("2026-02-01"), priority(-1))},
			at: "2026-02-01", op: spend("5"), want: []string{"decrement B 5 20→15"},
		},
		{
			rule: "a microsecond before it is not", given: []Operation{grant("A", "10"), grant("B", "10", effective("2026-02-01"), priority(-1))},
			at: "2026-01-31T23:59:59.999999Z", op: spend("5"), want: []string{"decrement A 5 10→5"},
		},
		{
			rule: "a block awaiting payment is not drawn", given: []Operation{grant("A", "10"), grant("B", "10", unpaid, priority(-1))},
			op: spend("5"), want: []string{"decrement A 5 10→5"},
		},
		{
			rule: "once paid it is", given: []Operation{grant("A", "10"), grant("B", "10", unpaid, priority(-1)), Activation{BlockID: "B"}},
			op: spend("5"), want: []string{"decrement B 5 20→15"},
		},
		{
			rule: "a microsecond before an expiry the block is drawn", given: fixture(), at: "2026-01-31T23:59:59.999999Z", op: spend("1"),
			want: []string{"decrement A 1 180→179"},
		},
		{
			rule: "at its expiry the next", given: fixture(), at: "2026-02-01", op: spend("1"),
			want: []string{"decrement B 1 150→149"}, left: "A 0, B 49, C 100",
		},
	})
}

// TestOverdraftTaker: who takes what no block covers.
func TestOverdraftTaker(t *testing.T) {
	made := "decrement " + overdraftAfter(fixture()[:1], spend("50")) + " 20 0→-20"
	checkRules(t, []rule{
		{
			rule: "inside its own entry, when it is drained too", given: fixture(), op: spend("200"),
			want: []string{"decrement A 30 180→150", "decrement B 50 150→100", "decrement C 120 100→-20"}, left: "A 0, B 0, C -20",
		},
		{
			rule: "an emptied block still serves", given: append(fixture(), spend("180")), op: spend("5"),
			want: []string{"decrement C 5 0→-5"}, left: "A 0, B 0, C -5",
		},
		{
			rule: "a negative block goes on", given: append(fixture(), spend("200")), op: spend("5"),
			want: []string{"decrement C 5 -20→-25"},
		},
		{
			rule: "an empty taker has a last entry of its own", given: []Operation{grant("C", "10"), spend("10"), grant("E", "10", expires("2026-03-01"))},
			op: spend("15"), want: []string{"decrement E 10 10→0", "decrement C 5 0→-5"}, left: "C -5, E 0",
		},
		{
			rule: "a negative taker too", given: []Operation{grant("C", "10"), spend("11"), grant("E", "10", expires("2026-03-01"), noRepay)},
			op: spend("15"), want: []string{"decrement E 10 9→-1", "decrement C 5 -1→-6"},
		},
		{
			rule:  "at its place in the order, when blocks after it are drained too",
			given: []Operation{grant("C", "10", priority(0)), grant("E", "10", expires("2026-03-01"), priority(1))},
			op:    spend("25"), want: []string{"decrement C 15 20→5", "decrement E 10 5→-5"}, left: "C -5, E 0",
		},
		{
			rule: "exactly everything needs no taker", given: fixture(), op: spend("180"),
			want: []string{"decrement A 30 180→150", "decrement B 50 150→100", "decrement C 100 100→0"}, left: "A 0, B 0, C 0",
		},
		{
			rule: "the last in drawdown order by priority", given: []Operation{grant("C", "1", priority(5)), grant("D", "1", priority(-5))},
			op: spend("7"), want: []string{"decrement D 1 2→1", "decrement C 6 1→-5"},
		},
		{
			rule: "the last by cost basis", given: []Operation{grant("C", "1", basis("3")), grant("D", "1", basis("2"))},
			op: spend("7"), want: []string{"decrement D 1 2→1", "decrement C 6 1→-5"},
		},
		{
			rule: "the last by creation", given: []Operation{grant("C", "1"), grant("D", "1")},
			op: spend("7"), want: []string{"decrement C 1 2→1", "decrement D 6 1→-5"},
		},
		{
			rule: "the last in the order even when it is empty and another is not",
			given: []Operation{
				grant("Z", "1", priority(9)), spend("1"), grant("Y", "1"),
			},
			op: spend("7"), want: []string{"decrement Y 1 1→0", "decrement Z 6 0→-6"}, left: "Z -6, Y 0",
		},
		{
			rule: "the last in the order even when another is in debt already",
			given: []Operation{
				grant("C", "1", priority(1)), spend("2"), grant("D", "1", priority(2), noRepay),
			},
			op: spend("3"), want: []string{"decrement D 3 0→-3"}, left: "C -1, D -2",
		},
		{
			rule: "not an earlier one because the last is younger", given: []Operation{
				grant("C", "1", priority(9)), grant("D", "1", priority(1)), spend("2"),
			},
			op: spend("3"), want: []string{"decrement C 3 0→-3"},
		},
		{
			rule:  "an expiring block never goes negative: a new block is made",
			given: fixture()[:1], op: spend("50"), want: []string{"decrement A 30 30→0", made},
		},
		{
			rule: "a filtered block neither", given: []Operation{grant("A", "30", only("api"))}, op: spend("50", item("api")),
			want: []string{"decrement A 30 30→0", made},
		},
		{
			rule: "a block awaiting payment neither", given: []Operation{grant("A", "30", unpaid)}, op: spend("20"),
			want: []string{made},
		},
		{
			rule: "a future block neither", given: []Operation{grant("A", "30", effective("2026-02-01"))}, op: spend("20"),
			want: []string{made},
		},
		{
			rule:  "a filtered block is no taker even for a charge that it matches",
			given: []Operation{grant("U", "1", priority(0)), grant("S", "1", only("api"), priority(9))},
			op:    spend("7", item("api")), want: []string{"decrement U 6 2→-4", "decrement S 1 -4→-5"}, left: "U -5, S 0",
		},
		{
			rule: "a block that became effective takes over", given: []Operation{
				grant("C", "1"), grant("D", "1", effective("2026-02-01"), priority(5)),
			},
			at: "2026-02-01", op: spend("5"), want: []string{"decrement C 1 2→1", "decrement D 4 1→-3"},
		},
		{
			rule: "an empty block that became effective does too", given: []Operation{
				grant("C", "1"), grant("D", "1", effective("2026-02-01"), priority(5)), voidOf("D", "1"),
			},
			at: "2026-02-01", op: spend("5"), want: []string{"decrement C 1 1→0", "decrement D 4 0→-4"},
		},
		{
			rule: "an empty block that was activated does too", given: []Operation{
				grant("C", "1"), grant("D", "1", unpaid, priority(5)), voidOf("D", "1"), Activation{BlockID: "D"},
			},
			op: spend("5"), want: []string{"decrement C 1 1→0", "decrement D 4 0→-4"},
		},
		{
			rule: "one that a later one passed does not come back", given: []Operation{
				grant("C", "1"), grant("D", "1", effective("2026-02-01"), priority(-5)), voidOf("D", "1"),
			},
			at: "2026-02-01", op: spend("5"), want: []string{"decrement C 5 1→-4"}, left: "C -4, D 0",
		},
		{
			rule: "a voided block still serves", given: []Operation{grant("C", "10"), voidOf("C", "10")},
			op: spend("5"), want: []string{"decrement C 5 0→-5"},
		},
		{
			rule: "the new end of an extension for ever serves", given: []Operation{
				grant("A", "10", expires("2026-03-01")), extend("A", "10", "never", "N"),
			},
			op: spend("15"), want: []string{"decrement N 15 10→-5"},
		},
	})
}

// overdraftAfter is the id of the overdraft block that an operation makes.
func overdraftAfter(given []Operation, op Operation) string {
	b := newBook(panicking{}).given(given...).given(op)
	return b.made[len(b.made)-1].ID
}

func TestOverdraftBlock(t *testing.T) {
	b := newBook(t).given(grant("E", "1", expires("2026-03-01"), basis("0.3"), priority(4)))
	op := spend("3.5")
	op.Description, op.Metadata = "note", map[string]string{"k": "v"}
	res, err := b.try(op)
	if err != nil {
		t.Fatal(err)
	}
	got := b.made[1]
	if !got.Overdraft || got.Balance.String() != "-2.5" || got.ExpiresAt != 0 || got.CostBasis.IsSet() || got.Priority != 0 ||
		got.Status != BlockActive || got.Source != SourceManual || got.rare.Metadata != nil || got.rare.Filters != nil || got.Number != 2 ||
		got.EffectiveAt != b.now || got.ActivatedAt != b.now || got.CreatedAt != b.now {
		t.Errorf("the overdraft block is %+v", got)
	}
	if last := res.Entries[1]; last.Block.ID != got.ID || last.Description != "note" || last.Metadata["k"] != "v" || res.NewBlockID != got.ID {
		t.Errorf("the last entry is %+v, the new block %s", last, res.NewBlockID)
	}
	// Repaid, it serves again before any other is made.
	b.given(grant("R", "2.5", expires("2026-03-01")), spend("9"))
	if len(b.made) != 2 || got.Balance.String() != "-9" {
		t.Errorf("the overdraft block was not used again: %s", b.balances())
	}
}

func TestOverdraftPolicies(t *testing.T) {
	// The total is 60, of which a charge without an item reaches 40; a debt of 20 is
	// elsewhere: Σ positive 80, of which 40 are for api only.
	withDebt := []Operation{
		grant("C", "1"), spend("21"), grant("U", "40", noRepay, expires("2026-06-01")), grant("S", "40", only("api"), expires("2026-06-01")),
	}
	checkRules(t, []rule{
		{
			rule: "OverdraftReject: exactly what is available", given: fixture(), op: spend("180", policy(OverdraftReject)),
			want: []string{"decrement A 30 180→150", "decrement B 50 150→100", "decrement C 100 100→0"},
		},
		{
			rule: "OverdraftReject: the smallest amount more", given: fixture(), op: spend("180.000000000000000001", policy(OverdraftReject)),
			refuse: ErrInsufficientCredits, reason: "requested 180.000000000000000001, available 180", left: "A 30, B 50, C 100",
		},
		{
			rule: "OverdraftReject: an empty account has nothing", op: spend("1", policy(OverdraftReject)),
			refuse: ErrInsufficientCredits, reason: "requested 1, available 0",
		},
		{
			rule: "OverdraftReject: filtered blocks count for their item", given: mixed(), op: spend("120", policy(OverdraftReject), item("api")),
			want: []string{"decrement S 20 120→100", "decrement U 100 100→0"},
		},
		{
			rule: "OverdraftReject: and for no other", given: mixed(), op: spend("101", policy(OverdraftReject)),
			refuse: ErrInsufficientCredits, reason: "available 100",
		},
		{
			rule: "OverdraftReject: a debt elsewhere is not ignored", given: withDebt, op: spend("61", policy(OverdraftReject), item("api")),
			refuse: ErrInsufficientCredits, reason: "available 60",
		},
		{
			rule: "OverdraftReject: up to the total beside a debt", given: withDebt, op: spend("60", policy(OverdraftReject), item("api")),
			want: []string{"decrement S 40 60→20", "decrement U 20 20→0"}, left: "C -20, U 20, S 0",
		},
		{
			rule: "OverdraftReject: what does not match is not available, whatever the total", given: withDebt, op: spend("41", policy(OverdraftReject)),
			refuse: ErrInsufficientCredits, reason: "available 40",
		},
		{
			rule: "OverdraftReject: a total below 0 makes nothing available", given: []Operation{
				grant("C", "1"), spend("51"), grant("U", "40", noRepay, expires("2026-06-01")),
			},
			op: spend("1", policy(OverdraftReject)), refuse: ErrInsufficientCredits, reason: "available 0",
		},
		{
			rule: "OverdraftReject: future, unpaid and expired credits are not available", given: []Operation{
				grant("F", "10", effective("2026-03-01")), grant("P", "10", unpaid), grant("E", "10", expires("2026-02-01")), grant("U", "3"),
			},
			at: "2026-02-01", op: spend("4", policy(OverdraftReject)), refuse: ErrInsufficientCredits, reason: "available 3",
		},
		{
			rule: "OverdraftStopAtZero: takes what there is", given: fixture(), op: spend("200", policy(OverdraftStopAtZero)),
			want: []string{"decrement A 30 180→150", "decrement B 50 150→100", "decrement C 100 100→0"}, left: "A 0, B 0, C 0",
		},
		{
			rule: "OverdraftStopAtZero: no more than the total beside a debt", given: withDebt, op: spend("100", policy(OverdraftStopAtZero), item("api")),
			want: []string{"decrement S 40 60→20", "decrement U 20 20→0"}, left: "C -20, U 20, S 0",
		},
		{
			rule: "OverdraftStopAtZero: nothing there writes no entry", given: append(fixture(), spend("180")), op: spend("5", policy(OverdraftStopAtZero)),
			want: nil, left: "A 0, B 0, C 0",
		},
		{
			rule: "OverdraftStopAtZero: nor does a debt", given: []Operation{grant("C", "1"), spend("3")}, op: spend("5", policy(OverdraftStopAtZero)),
			want: nil, left: "C -2",
		},
		{
			rule: "OverdraftAllow with a limit: exactly to it", given: fixture(), op: spend("200", limit("20")),
			want: []string{"decrement A 30 180→150", "decrement B 50 150→100", "decrement C 120 100→-20"},
		},
		{
			rule: "OverdraftAllow with a limit: the smallest amount beyond", given: fixture(), op: spend("200.000000000000000001", limit("20")),
			refuse: ErrInsufficientCredits, reason: "available 200", left: "A 30, B 50, C 100",
		},
		{
			rule: "OverdraftAllow with a limit of 0: everything", given: fixture(), op: spend("180", limit("0")),
			want: []string{"decrement A 30 180→150", "decrement B 50 150→100", "decrement C 100 100→0"},
		},
		{
			rule: "OverdraftAllow with a limit of 0: no more", given: fixture(), op: spend("181", limit("0")),
			refuse: ErrInsufficientCredits, reason: "available 180",
		},
		{
			rule: "OverdraftAllow with a limit that a debt has passed already", given: append(fixture(), spend("200")), op: spend("1", limit("10")),
			refuse: ErrInsufficientCredits, reason: "available 0",
		},
		{
			rule: "OverdraftAllow with a limit that a debt has reached exactly", given: append(fixture(), spend("200")), op: spend("1", limit("20")),
			refuse: ErrInsufficientCredits, reason: "available 0",
		},
		{
			rule: "OverdraftAllow with a limit that a debt has not reached", given: append(fixture(), spend("200")), op: spend("1", limit("21")),
			want: []string{"decrement C 1 -20→-21"},
		},
		{
			rule: "OverdraftAllow with a limit looks at the total, not at what matches", given: mixed(), op: spend("120", limit("0")),
			want: []string{"decrement U 100 120→20", "decrement " + overdraftAfter(mixed(), spend("120")) + " 20 20→0"},
		},
		{
			rule: "OverdraftAllow with the largest limit there is", given: fixture(), op: spend("1000", limit(widest)),
			want: []string{"decrement A 30 180→150", "decrement B 50 150→100", "decrement C 920 100→-820"},
		},
	})
}

func TestOverage(t *testing.T) {
	for _, c := range []struct {
		rule, amount, want string
		given              []Operation
	}{
		{"what is not covered", "200", "20", fixture()},
		{"nothing when all is covered", "180", "0", fixture()},
		{"all of it when nothing is there", "7", "7", nil},
		{"what is beyond the total, beside a debt", "10", "10", []Operation{grant("C", "1"), spend("3")}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			res, err := newBook(t).given(c.given...).try(spend(c.amount, policy(OverdraftStopAtZero)))
			if err != nil || res.Overage.String() != c.want {
				t.Errorf("overage %s, %v; want %s", res.Overage, err, c.want)
			}
		})
	}
}

func TestInsufficientCreditsError(t *testing.T) {
	_, err := newBook(t).given(fixture()...).try(spend("200", policy(OverdraftReject)))
	var e *InsufficientCreditsError
	if !errors.As(err, &e) || e.Requested.String() != "200" || e.Available.String() != "180" {
		t.Errorf("got %v", err)
	}
}

// TestDecrementEntry: what the entry holds of what was asked.
func TestDecrementEntry(t *testing.T) {
	op := spend("40", item("api"))
	op.PriceID, op.InvoiceID, op.Description, op.Metadata = "price", "inv", "usage", map[string]string{"k": "v"}
	res, err := newBook(t).given(fixture()...).try(op)
	if err != nil || len(res.Entries) != 2 {
		t.Fatalf("%v, %v", res.Entries, err)
	}
	for i, e := range res.Entries {
		if e.ItemID != "api" || e.PriceID != "price" || e.InvoiceID != "inv" || e.Description != "usage" || e.Metadata["k"] != "v" ||
			e.Seq != uint64(4+i) || e.CreatedAt != when(start) || e.Status != EntryCommitted || e.CreatedInvoices != nil {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
	if e := res.Entries[0]; e.Block.ExpiresAt != when("2026-02-01") || e.Block.CostBasis.String() != "0.10" || e.Block.Number != 1 {
		t.Errorf("its block is %+v", e.Block)
	}
	if res.Entries[0].ID == res.Entries[1].ID {
		t.Error("two entries have one id")
	}
}

// TestDrainedInOrderProperty is invariant 7: at every decrement no eligible matching
// block earlier in the order keeps a positive balance while a later one is drawn. It
// knows nothing of how the blocks are kept.
func TestDrainedInOrderProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBook(rt)
		for i := range rapid.IntRange(1, 8).Draw(rt, "blocks") {
			b.given(drawGrant(rt, fmt.Sprint(i)))
		}
		b.clock(rapid.SampledFrom([]string{start, "2026-01-02", "2026-01-04"}).Draw(rt, "day"))
		op := spend(rapid.SampledFrom([]string{"1", "7", "30", "200"}).Draw(rt, "amount"))
		op.ItemID = rapid.SampledFrom([]string{"", "api", "disk"}).Draw(rt, "item")
		op.Overdraft = rapid.SampledFrom([]Overdraft{OverdraftAllow, OverdraftReject, OverdraftStopAtZero}).Draw(rt, "policy")
		was := map[uint64]Amount{}
		for _, m := range b.made {
			was[m.Number] = m.Balance
		}
		res, err := b.try(op)
		if err != nil {
			return
		}
		drawn := map[uint64]bool{}
		for _, e := range res.Entries {
			drawn[e.Block.Number] = true
		}
		for _, early := range b.made {
			if !early.Eligible(b.now) || !early.Matches(op.usage(b.a.id).charge) || early.Balance.Sign() <= 0 || was[early.Number].Sign() <= 0 {
				continue
			}
			for _, late := range b.made {
				if drawn[late.Number] && drawdownOrder(early, late) < 0 {
					rt.Fatalf("block %d was drawn while %d before it kept %s", late.Number, early.Number, early.Balance)
				}
			}
		}
	})
}

// drawGrant draws a grant; small numbers, so that blocks meet in every key.
func drawGrant(t *rapid.T, id string) Increment {
	op := grant(id, rapid.SampledFrom([]string{"1", "5", "10", "0.5"}).Draw(t, "granted"))
	op.Priority = rapid.Int32Range(0, 1).Draw(t, "priority")
	op.ExpiresAt = rapid.SampledFrom([]When{{}, AtInstant(when("2026-01-03")), AtInstant(when("2026-01-05"))}).Draw(t, "expiry")
	op.EffectiveAt = rapid.SampledFrom([]When{{}, AtInstant(when("2025-12-01")), AtInstant(when("2026-01-02"))}).Draw(t, "effective")
	op.CostBasis = rapid.SampledFrom([]CostBasis{{}, MustCostBasis("0.1"), MustCostBasis("0.10"), MustCostBasis("2")}).Draw(t, "basis")
	op.RequirePayment = rapid.IntRange(0, 7).Draw(t, "unpaid") == 0
	switch rapid.IntRange(0, 5).Draw(t, "filter") {
	case 0:
		only("api")(&op)
	case 1:
		only("disk", "api")(&op)
	case 2:
		except("api")(&op)
	}
	op.Repay = rapid.SampledFrom([]Repay{RepayFirst, RepayNever}).Draw(t, "repay")
	return op
}

// TestEligibleBefore: what was not eligible before an instant pays nothing, wherever it
// stands in the order.
func TestEligibleBefore(t *testing.T) {
	// Granted before 10 January: A, F but effective only then, P but paid for only then,
	// and M, which moved to N since. Granted then, and in front of all of them: B.
	account := func(t *testing.T) *book {
		b := newBook(t).given(
			grant("A", "20"), grant("F", "100", effective("2026-01-10"), priority(-2)), grant("P", "100", unpaid, priority(-2)),
			grant("M", "30", priority(1)), grant("S", "5", only("api")),
		)
		b.clock("2026-01-10")
		b.given(
			grant("B", "100", priority(-3)), Activation{BlockID: "P"}, grant("back", "100", effective("2025-01-01"), priority(-1)),
			extend("M", "10", "2027-01-01", "N"),
		)
		return b
	}
	for _, c := range []struct {
		rule   string
		op     Decrement
		want   []string
		left   string
		refuse string
	}{
		{
			rule: "the earlier ones pay, in drawdown order",
			op:   spend("45", policy(OverdraftStopAtZero), eligible("2026-01-10")),
			want: []string{"decrement A 20 455→435", "decrement N 10 435→425", "decrement M 15 425→410"},
			left: "A 0, F 100, P 100, M 5, S 5, B 100, back 100, N 0",
		},
		{
			rule: "filters hold as ever",
			op:   spend("6", policy(OverdraftStopAtZero), item("api"), eligible("2026-01-10")),
			want: []string{"decrement S 5 455→450", "decrement A 1 450→449"},
		},
		{
			rule: "OverdraftStopAtZero stops at what they hold",
			op:   spend("100", policy(OverdraftStopAtZero), eligible("2026-01-10")),
			want: []string{"decrement A 20 455→435", "decrement N 10 435→425", "decrement M 20 425→405"},
		},
		{
			rule: "OverdraftReject refuses what they do not hold",
			op:   spend("51", policy(OverdraftReject), eligible("2026-01-10")), refuse: "requested 51, available 50",
		},
		{
			rule: "before all of them there is nothing",
			op:   spend("1", policy(OverdraftStopAtZero), eligible(start)),
		},
		{
			rule: "a microsecond after the instant everything counts",
			op:   spend("101", policy(OverdraftReject), eligible("2026-01-10T00:00:00.000001Z")),
			want: []string{"decrement B 100 455→355", "decrement F 1 355→354"},
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := account(t)
			res, err := b.try(c.op)
			if c.refuse != "" {
				if !errors.Is(err, ErrInsufficientCredits) || !strings.Contains(err.Error(), c.refuse) {
					t.Errorf("got %v, want %s", err, c.refuse)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := story(res.Entries), strings.Join(c.want, "\n"); got != want {
				t.Errorf("entries\n%s\nwant\n%s", got, want)
			}
			if got := b.balances(); c.left != "" && got != c.left {
				t.Errorf("left %s, want %s", got, c.left)
			}
		})
	}
	t.Run("a debt elsewhere is not ignored", func(t *testing.T) {
		b := newBook(t).given(grant("C", "1"), spend("41"), grant("U", "60", noRepay, expires("2026-06-01")))
		b.clock("2026-01-10")
		b.given(grant("late", "10", noRepay, priority(-1), expires("2026-06-01")))
		res, err := b.try(spend("60", policy(OverdraftStopAtZero), eligible("2026-01-10")))
		if err != nil || story(res.Entries) != "decrement U 30 30→0" || res.Overage.String() != "30" {
			t.Errorf("%s, overage %s, %v", story(res.Entries), res.Overage, err)
		}
	})
}
