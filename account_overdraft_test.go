package creditledger

import (
	"testing"
)

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
