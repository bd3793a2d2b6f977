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

// decrementRules are the rules of TestDecrement.
var decrementRules = []rule{
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
}

func TestDecrement(t *testing.T) {
	checkRules(t, decrementRules)
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

// eligibleBeforeCases are the cases of TestEligibleBefore.
var eligibleBeforeCases = []struct {
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
	for _, c := range eligibleBeforeCases {
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
