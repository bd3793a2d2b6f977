package creditledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"creditledger"
)

// explained shows an explanation: "A used 3, B empty, …; overage 0".
func explained(e creditledger.Explanation) string {
	var parts []string
	for _, b := range e.Blocks {
		part := b.Block.ID + " " + b.Reason.String()
		if !b.Use.IsZero() {
			part += " " + b.Use.String()
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ") + "; overage " + e.Overage.String()
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		rule, amount, item string
		given              []creditledger.Operation
		at, want           string
	}{
		{"nothing there", "5", "", nil, "", "; overage 5"},
		{"drawn in order, the rest not needed", "40", "", creditledger.Fixture(), "", "A used 30, B used 10, C not_needed; overage 0"},
		{"exactly a block", "30", "", creditledger.Fixture(), "", "A used 30, B not_needed, C not_needed; overage 0"},
		{"more than there is", "200", "", creditledger.Fixture(), "", "A used 30, B used 50, C used 100; overage 20"},
		{"an expired block", "10", "", creditledger.Fixture(), "2026-02-01", "A expired, B used 10, C not_needed; overage 0"},
		{"a microsecond before", "10", "", creditledger.Fixture(), "2026-01-31T23:59:59.999999Z", "A used 10, B not_needed, C not_needed; overage 0"},
		{
			"every reason", "15", "",
			[]creditledger.Operation{
				grant("filtered", "1", only("api")), grant("future", "1", effective("2026-03-01"), priority(1)), grant("expired", "1", expires("2026-02-01"), priority(2)),
				grant("unpaid", "1", unpaid, priority(3)), grant("empty", "1", priority(-9)), spend("1"),
				grant("used", "15", priority(5)), grant("spare", "1", priority(6)),
			},
			"2026-02-01",
			"empty empty, filtered filtered, future not_effective, expired expired, unpaid pending_payment, used used 15, spare not_needed; overage 0",
		},
		{"a debt is empty", "1", "", []creditledger.Operation{grant("A", "1"), spend("3"), grant("B", "9", creditledger.NoRepay)}, "", "A empty, B used 1; overage 0"},
		{
			"a debt elsewhere lowers what can be drawn", "9", "",
			[]creditledger.Operation{grant("A", "1"), spend("3"), grant("B", "9", creditledger.NoRepay)}, "", "A empty, B used 7; overage 2",
		},
		{
			"a total below 0 leaves nothing", "9", "",
			[]creditledger.Operation{grant("A", "1"), spend("30"), grant("B", "9", creditledger.NoRepay)}, "", "A empty, B not_needed; overage 9",
		},
		{"for an item", "25", "api", []creditledger.Operation{grant("S", "20", only("api")), grant("U", "10")}, "", "S used 20, U used 5; overage 0"},
		{"for another", "25", "disk", []creditledger.Operation{grant("S", "20", only("api")), grant("U", "10")}, "", "S filtered, U used 10; overage 15"},
		{"what is filtered out comes before not effective", "1", "", []creditledger.Operation{grant("A", "1", only("x"), effective("2026-03-01"))}, "", "A filtered; overage 1"},
		{"before expired", "1", "", []creditledger.Operation{grant("A", "1", only("x"), expires("2026-02-01"))}, "2026-02-01", "A filtered; overage 1"},
		{"before awaiting payment", "1", "", []creditledger.Operation{grant("A", "1", only("x"), unpaid)}, "", "A filtered; overage 1"},
		{"before empty", "1", "", []creditledger.Operation{grant("A", "1", only("x")), voidOf("A", "1")}, "", "A filtered; overage 1"},
		{"not effective comes before awaiting payment", "1", "", []creditledger.Operation{grant("A", "1", unpaid, effective("2026-03-01"))}, "", "A not_effective; overage 1"},
		{"before empty", "1", "", []creditledger.Operation{grant("A", "1", effective("2026-03-01")), voidOf("A", "1")}, "", "A not_effective; overage 1"},
		{"expired comes before awaiting payment", "1", "", []creditledger.Operation{grant("A", "1", unpaid, expires("2026-02-01"))}, "2026-02-01", "A expired; overage 1"},
		{"before empty", "1", "", []creditledger.Operation{grant("A", "1", expires("2026-02-01")), spend("1")}, "2026-02-01", "A expired; overage 1"},
		{"awaiting payment comes before empty", "1", "", []creditledger.Operation{grant("A", "1", unpaid), voidOf("A", "1")}, "", "A pending_payment; overage 1"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w := newWorld(t).given(c.given...)
			if c.at != "" {
				w.at(c.at)
			}
			before := w.ledger()
			check := func(when string) {
				got, err := w.Explain(ctx, cus1, amount(c.amount), creditledger.Charge{ItemID: c.item})
				if err != nil || explained(got) != c.want {
					t.Errorf("%s: %s, %v, want %s", when, explained(got), err, c.want)
				}
			}
			check("before")
			if after := w.ledger(); after != before {
				t.Error("explaining wrote something")
			}
			if _, err := w.Sweep(ctx); err != nil {
				t.Error(err)
			}
			check("when the expiries are written")
			w.reopen()
			check("after a restart")
		})
	}
}

// TestExplainAgreesProperty: what is explained is what a decrement under OverdraftStopAtZero
// takes, block by block.
func TestExplainAgreesProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		blocks := 0
		for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			w.at(fmt.Sprintf("2026-01-%02d", 1+i/3))
			if res, err := w.Do(ctx, cus1, creditledger.DrawOperation(rt, blocks), ""); err == nil && res.NewBlockID != "" {
				blocks++
			}
		}
		op := spend(rapid.SampledFrom([]string{"1", "7", "100"}).Draw(rt, "amount"), policy(creditledger.OverdraftStopAtZero))
		op.ItemID = rapid.SampledFrom([]string{"", "api", "disk"}).Draw(rt, "item")
		e, err := w.Explain(ctx, cus1, op.Amount, creditledger.Charge{ItemID: op.ItemID})
		if err != nil {
			rt.Fatal(err)
		}
		res, err := w.Do(ctx, cus1, op, "")
		if err != nil {
			rt.Fatal(err)
		}
		var used, drawn []string
		for _, b := range e.Blocks {
			if (b.Reason == creditledger.ReasonUsed) != (b.Use.Sign() > 0) {
				rt.Fatalf("block %s is %s with %s", b.Block.ID, b.Reason, b.Use)
			}
			if b.Use.Sign() > 0 {
				used = append(used, b.Block.ID+" "+b.Use.String())
			}
		}
		for _, entry := range res.Entries {
			drawn = append(drawn, entry.Block.ID+" "+entry.Amount.String())
		}
		if fmt.Sprint(used) != fmt.Sprint(drawn) || e.Overage.Cmp(res.Overage) != 0 {
			rt.Fatalf("explained %v and %s, drawn %v and %s", used, e.Overage, drawn, res.Overage)
		}
		if blocks != len(e.Blocks) {
			rt.Fatalf("%d blocks were made, %d explained", blocks, len(e.Blocks))
		}
	})
}

func TestExplainRefused(t *testing.T) {
	w := newWorld(t)
	for _, text := range []string{"0", "-1"} {
		if _, err := w.Explain(ctx, cus1, amount(text), creditledger.Charge{}); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestExplainManyBlocks: blocks beyond a page of the store's are explained too.
func TestExplainManyBlocks(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		var batch creditledger.Batch
		for range 900 {
			batch = append(batch, creditledger.Increment{Amount: amount("1")})
		}
		w.given(batch)
	}
	w.given(spend("1500"))
	e, err := w.Explain(ctx, cus1, amount("2000"), creditledger.Charge{})
	if err != nil || len(e.Blocks) != 2700 || e.Overage.String() != "800" || e.Blocks[0].Reason != creditledger.ReasonEmpty || e.Blocks[1500].Reason != creditledger.ReasonUsed {
		t.Errorf("%d blocks, overage %s, %v", len(e.Blocks), e.Overage, err)
	}
	// A balance as of an instant when all of them held something needs them all, too.
	w.at("2026-01-02")
	w.given(spend("1"))
	if b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant("2026-01-01")}); err != nil || b.Total.String() != "1200" {
		t.Errorf("as of: %+v, %v", b, err)
	}
}
