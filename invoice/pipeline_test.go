package invoice

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"creditledger"
)

func amount(s string) creditledger.Amount   { return creditledger.MustAmount(s) }
func percent(s string) *creditledger.Amount { a := amount(s); return &a }
func basis(s string) creditledger.CostBasis { return creditledger.MustCostBasis(s) }

// billed runs the pipeline without a ledger.
func billed(t interface {
	Helper()
	Fatal(...any)
}, currency string, lines []LineInput, whole []Adjustment, drawn []string, tax *creditledger.Amount) *Invoice {
	t.Helper()
	ps, err := price(lines, whole)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range drawn {
		ps[i].drawn = amount(d)
	}
	inv := &Invoice{ID: "inv", Currency: currency, Status: Draft, Balance: zeroOf(currency)}
	bill := &tx{s: &Service{options: Options{TaxPercent: tax}}}
	if err := firstError(bill.fill(inv, ps), inv.Check()); err != nil {
		t.Fatal(err)
	}
	return inv
}

func unit(quantity, unitPrice string, adjustments ...Adjustment) LineInput {
	return LineInput{ItemID: "calls", Quantity: amount(quantity), UnitPrice: basis(unitPrice), Adjustments: adjustments}
}

// The figures that are published for the reference system.
func TestPublishedFigures(t *testing.T) {
	minimum := Adjustment{Kind: Minimum, Value: amount("50")}
	graduated := LineInput{ItemID: "calls", Quantity: amount("150000"), TierMode: Graduated, Tiers: []Tier{
		{UpTo: amount("100000"), UnitPrice: basis("0.0008")}, {UnitPrice: basis("0.00054")},
	}}
	for _, c := range []struct {
		name, currency  string
		line            LineInput
		subtotal, total string
	}{
		{"150,000 calls at tiers", "USD", graduated, "107.00", "107.00"},
		{"9 calls at 2.50, minimum 50", "USD", unit("9", "2.50", minimum), "22.50", "50.00"},
		{"36 calls at 2.50, minimum 50", "USD", unit("36", "2.50", minimum), "90.00", "90.00"},
		{"100 at 0.20", "USD", unit("100", "0.20"), "20.00", "20.00"},
		{"3 at 0.333", "USD", unit("3", "0.333"), "1.00", "1.00"},
		{"1000 at 0.015", "USD", unit("1000", "0.015"), "15.00", "15.00"},
		{"3 yen at 0.5", "JPY", unit("3", "0.5"), "2", "2"},
		{"ten at 2", "USD", unit("10", "2"), "20.00", "20.00"},
	} {
		inv := billed(t, c.currency, []LineInput{c.line}, nil, nil, nil)
		if inv.Subtotal.Decimal() != c.subtotal || inv.Total.Decimal() != c.total || inv.Tax != nil {
			t.Errorf("%s: subtotal %s, total %s, tax %v; want %s and %s", c.name, inv.Subtotal, inv.Total, inv.Tax, c.subtotal, c.total)
		}
	}
	inv := billed(t, "USD", []LineInput{graduated}, nil, nil, percent("8"))
	if inv.Tax == nil || inv.Tax.Decimal() != "8.56" || inv.Total.Decimal() != "115.56" {
		t.Errorf("tax of 8 percent on 107.00: %v, total %s", inv.Tax, inv.Total)
	}
}

// 81 lines of fractions of a cent with an exact sum of 22,972.5296, and a credit of
// exactly 100 that is spread over several of them.
func TestEightyOneLines(t *testing.T) {
	lines := make([]LineInput, 81)
	drawn := make([]string, 81)
	for i := range 80 {
		lines[i], drawn[i] = unit(fmt.Sprint(1000+i), "0.2731"), "0"
	}
	// 80 lines of 1000 to 1079 units at 0.2731 make 22711.0–, the last one the rest.
	lines[80], drawn[80] = unit("1", "261.4336"), "0"
	drawn[0], drawn[1], drawn[2] = "33.3333", "33.3333", "33.3334"
	sum, err := price(lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	total := decimalOf(amount("0"))
	for i := range sum[:80] {
		if _, err := exact.Add(total, total, sum[i].amount); err != nil {
			t.Fatal(err)
		}
	}
	rest := decimalOf(amount("22972.5296"))
	if _, err := exact.Sub(rest, rest, total); err != nil {
		t.Fatal(err)
	}
	lines[80].UnitPrice = basis(plain(rest))
	inv := billed(t, "USD", lines, nil, drawn, nil)
	if inv.Subtotal.Decimal() != "22972.53" || inv.Credits.Decimal() != "100.00" || inv.Net.Decimal() != "22872.53" {
		t.Errorf("subtotal %s, credits %s, net %s", inv.Subtotal, inv.Credits, inv.Net)
	}
}

// The order of adjustments is the pipeline's, whatever order they are given in.
func TestAdjustmentOrder(t *testing.T) {
	inv := billed(t, "USD", []LineInput{unit("100", "1",
		Adjustment{Kind: Maximum, Value: amount("40"), Reason: "cap"},
		Adjustment{Kind: PercentageDiscount, Value: amount("50"), Reason: "half"},
		Adjustment{Kind: AmountDiscount, Value: amount("10")},
		Adjustment{Kind: UsageDiscount, Value: amount("20"), Reason: "free units"},
		Adjustment{Kind: Minimum, Value: amount("60")},
	)}, nil, nil, nil)
	// 100 → 80 → 70 → 35 → 60 → 40
	want := []string{"usage_discount 20", "amount_discount 10", "percentage_discount 35", "minimum -25", "maximum 20"}
	for i, a := range inv.Lines[0].Adjustments {
		if got := string(a.Kind) + " " + a.Amount; got != want[i] {
			t.Errorf("adjustment %d: %s, want %s", i+1, got, want[i])
		}
	}
	if inv.Total.Decimal() != "40.00" || inv.Discount.Decimal() != "60.00" {
		t.Errorf("total %s, discount %s", inv.Total, inv.Discount)
	}
}

func TestSpreadAdjustments(t *testing.T) {
	three := []LineInput{unit("1", "10"), unit("1", "20"), unit("1", "70")}
	for _, c := range []struct {
		kind  AdjustmentKind
		value string
		want  string
	}{
		{AmountDiscount, "10", "9.00 18.00 63.00"},
		{AmountDiscount, "1000", "0.00 0.00 0.00"},
		{PercentageDiscount, "33", "6.70 13.40 46.90"},
		{Minimum, "200", "20.00 40.00 140.00"},
		{Minimum, "50", "10.00 20.00 70.00"},
		{Maximum, "33.33", "3.33 6.67 23.33"},
		{UsageDiscount, "1.5", "5.00 10.00 35.00"},
	} {
		inv := billed(t, "USD", three, []Adjustment{{Kind: c.kind, Value: amount(c.value)}}, nil, nil)
		var got []string
		for _, l := range inv.Lines {
			got = append(got, l.Total.Decimal())
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s %s: %s, want %s", c.kind, c.value, s, c.want)
		}
	}
}

func TestTiers(t *testing.T) {
	tiers := []Tier{{UpTo: amount("10"), UnitPrice: basis("5")}, {UpTo: amount("20"), UnitPrice: basis("3")}, {UnitPrice: basis("1")}}
	for _, c := range []struct {
		mode           TierMode
		quantity, want string
	}{
		{Graduated, "0", "0.00"}, {Graduated, "10", "50.00"}, {Graduated, "11", "53.00"}, {Graduated, "20", "80.00"}, {Graduated, "25.5", "85.50"},
		{Volume, "0", "0.00"}, {Volume, "10", "50.00"}, {Volume, "11", "33.00"}, {Volume, "20", "60.00"}, {Volume, "25.5", "25.50"},
	} {
		inv := billed(t, "USD", []LineInput{{ItemID: "i", Quantity: amount(c.quantity), Tiers: tiers, TierMode: c.mode}}, nil, nil, nil)
		if inv.Total.Decimal() != c.want {
			t.Errorf("%s %s: %s, want %s", c.mode, c.quantity, inv.Total, c.want)
		}
	}
}

func TestLinesRefused(t *testing.T) {
	good := unit("1", "1")
	for name, c := range map[string]struct {
		want string
		edit func(*LineInput)
	}{
		"no item":         {"item_id: is missing", func(l *LineInput) { l.ItemID = "" }},
		"negative":        {"quantity: -1 is negative", func(l *LineInput) { l.Quantity = amount("-1") }},
		"no price":        {"give a unit price or tiers", func(l *LineInput) { l.UnitPrice = creditledger.CostBasis{} }},
		"two prices":      {"give a unit price or tiers", func(l *LineInput) { l.Tiers = []Tier{{UnitPrice: basis("1")}} }},
		"mode alone":      {"goes with tiers only", func(l *LineInput) { l.TierMode = Volume }},
		"unknown kind":    {"is not a kind of adjustment", func(l *LineInput) { l.Adjustments = []Adjustment{{Kind: "x"}} }},
		"negative value":  {"is negative", func(l *LineInput) { l.Adjustments = []Adjustment{{Kind: Minimum, Value: amount("-1")}} }},
		"over the whole":  {"more than the whole", func(l *LineInput) { l.Adjustments = []Adjustment{{Kind: PercentageDiscount, Value: amount("101")}} }},
		"closed tiers":    {"without a price", func(l *LineInput) { *l = tiered(Volume, Tier{UpTo: amount("1"), UnitPrice: basis("1")}) }},
		"tiers disorder":  {"does not end after", func(l *LineInput) { *l = tiered(Volume, Tier{UnitPrice: basis("1")}, Tier{UnitPrice: basis("1")}) }},
		"tier no price":   {"has no unit price", func(l *LineInput) { *l = tiered(Volume, Tier{}) }},
		"tiers, no mode":  {"tier_mode", func(l *LineInput) { *l = tiered("", Tier{UnitPrice: basis("1")}) }},
		"control in text": {"control characters", func(l *LineInput) { l.PriceID = "a\x00b" }},
	} {
		l := good
		c.edit(&l)
		if _, err := price([]LineInput{l}, nil); !errors.Is(err, creditledger.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := price(nil, nil); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("no lines: %v", err)
	}
}

func tiered(mode TierMode, tiers ...Tier) LineInput {
	return LineInput{ItemID: "i", Quantity: amount("1"), Tiers: tiers, TierMode: mode}
}

// Whatever is priced, adjusted, drawn and taxed: the lines add up (Check), nothing is
// below zero, and the rounded total is the exact one rounded once.
func TestPipelineProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		decimal := func(name string, limit int64, places int) string {
			n := rapid.Int64Range(0, limit).Draw(rt, name)
			d := amount(fmt.Sprintf("%de-%d", n, places))
			return d.String()
		}
		count := rapid.IntRange(1, 12).Draw(rt, "lines")
		lines, drawn := make([]LineInput, count), make([]string, count)
		adjustment := rapid.Custom(func(rt *rapid.T) Adjustment {
			kind := rapid.SampledFrom(adjustmentOrder).Draw(rt, "kind")
			return Adjustment{Kind: kind, Value: amount(fmt.Sprintf("%de-2", rapid.Int64Range(0, 9999).Draw(rt, "value")))}
		})
		for i := range lines {
			lines[i] = unit(decimal("quantity", 100000, 2), decimal("price", 100000, 5), rapid.SliceOfN(adjustment, 0, 3).Draw(rt, "adjustments")...)
		}
		whole := rapid.SliceOfN(adjustment, 0, 3).Draw(rt, "whole")
		ps, err := price(lines, whole)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range ps {
			limit, err := cut(ps[i].amount)
			if err != nil {
				rt.Fatal(err)
			}
			drawn[i] = "0"
			if rapid.Bool().Draw(rt, "draws") {
				drawn[i] = limit.String()
			}
		}
		code := rapid.SampledFrom([]string{"USD", "JPY", "KWD"}).Draw(rt, "currency")
		inv := billed(rt, code, lines, whole, drawn, percent("19"))
		for _, l := range inv.Lines {
			if l.Net.Sign() < 0 || l.Credits.Sign() < 0 || l.Total.Sign() < 0 {
				rt.Fatalf("below zero: net %s, credits %s, total %s", l.Net, l.Credits, l.Total)
			}
		}
	})
}
