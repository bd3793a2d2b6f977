package creditledger

import (
	"errors"
	"fmt"
	"testing"
)

// crowded is an account of n blocks that hold the same, a taker of overdraft among
// them if they never expire.
func crowded(t *testing.T, n int, holds string, expires Instant) *account {
	t.Helper()
	s := State{Head: Head{Version: 1, Entries: uint64(n), Blocks: uint64(n), LastAt: when(start), NextDue: expires}}
	for i := range n {
		s.Blocks = append(s.Blocks, Block{
			ID: fmt.Sprint(i), Number: uint64(i + 1), EffectiveAt: 1, ActivatedAt: 1, ExpiresAt: expires,
			Initial: AmountOf(1), Balance: MustAmount(holds), Capacity: AmountOf(1),
		})
		s.Head.Total = mustValue(s.Head.Total.Add(MustAmount(holds)))
	}
	a, err := newAccount(AccountID{Customer: "cus", Currency: "credits"}, &s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestMaxEntries: an operation writes as many entries as it may, and not one more,
// whichever entry that would be.
func TestMaxEntries(t *testing.T) {
	future := when("2027-01-01")
	amount := func(n int) Amount { return AmountOf(int64(n)) }
	for _, c := range []struct {
		rule    string
		account *account
		op      Operation
		entries int // 0: refused
	}{
		{"drawing as many blocks", crowded(t, MaxEntries, "1", future), Decrement{Amount: amount(MaxEntries)}, MaxEntries},
		{"drawing one more", crowded(t, MaxEntries+1, "1", future), Decrement{Amount: amount(MaxEntries + 1)}, 0},
		{"drawing as many, and an overdraft block", crowded(t, MaxEntries, "1", future), Decrement{Amount: amount(MaxEntries + 1)}, 0},
		{"drawing one less, and an overdraft block", crowded(t, MaxEntries-1, "1", future), Decrement{Amount: amount(MaxEntries)}, MaxEntries},
		{"drawing as many, the last of them below 0", crowded(t, MaxEntries, "1", 0), Decrement{Amount: amount(MaxEntries + 1)}, MaxEntries},
		{"drawing many of more", crowded(t, 2*MaxEntries, "1", future), Decrement{Amount: amount(MaxEntries)}, MaxEntries},
		{"refilling as many debts", crowded(t, MaxEntries, "-1", 0), Increment{Amount: amount(MaxEntries), Repay: RepayFirst}, MaxEntries},
		{"refilling one more", crowded(t, MaxEntries+1, "-1", 0), Increment{Amount: amount(MaxEntries + 1), Repay: RepayFirst}, 0},
		{"refilling as many, and a block with the rest", crowded(t, MaxEntries, "-1", 0), Increment{Amount: amount(MaxEntries + 1), Repay: RepayFirst}, 0},
		{"refilling one less, and a block with the rest", crowded(t, MaxEntries-1, "-1", 0), Increment{Amount: amount(MaxEntries), Repay: RepayFirst}, MaxEntries},
		{"refilling many of more", crowded(t, 2*MaxEntries, "-1", 0), Increment{Amount: amount(MaxEntries), Repay: RepayFirst}, MaxEntries},
	} {
		t.Run(c.rule, func(t *testing.T) {
			change := &change{}
			err := step(c.account, c.op, change)
			var limit *LimitError
			switch {
			case c.entries == 0:
				if !errors.As(err, &limit) || !errors.Is(err, ErrLimit) || !errors.Is(err, ErrConstraint) || limit.Entries != MaxEntries+1 {
					t.Errorf("got %v, want a LimitError", err)
				}
			case err != nil || len(change.lines) != c.entries:
				t.Errorf("%d entries, %v, want %d", len(change.lines), err, c.entries)
			}
		})
	}
}

// TestInvariantsRefuse: what would break an invariant is refused before it is written,
// whatever made it.
func TestInvariantsRefuse(t *testing.T) {
	line := func(kind EntryType, amount, from, to string) Line {
		return Line{Type: kind, Amount: MustAmount(amount), Starting: MustAmount(from), Ending: MustAmount(to)}
	}
	for _, c := range []struct {
		rule, reason string
		op           Operation
		now          string // what block A holds after the change
		lines        []Line
		overage      string
	}{
		{"as it should be", "", spend("4"), "6", []Line{line(EntryDecrement, "4", "10", "6")}, "0"},
		{"a block below 0 that may not be", "holds -1", spend("11"), "-1", []Line{line(EntryDecrement, "11", "10", "-1")}, "0"},
		{"a block above its capacity", "above its capacity", amend("A", "1"), "11", []Line{line(EntryAmendment, "1", "10", "11")}, "0"},
		{"an entry that does not start at the total", "starts at 9", spend("4"), "6", []Line{line(EntryDecrement, "4", "9", "5")}, "0"},
		{"entries that do not chain", "starts at 9", spend("4"), "6", []Line{line(EntryDecrement, "2", "10", "8"), line(EntryDecrement, "2", "9", "7")}, "0"},
		{"entries that end elsewhere than the blocks", "end at 7", spend("3"), "6", []Line{line(EntryDecrement, "3", "10", "7")}, "0"},
		{"entries of less than was asked", "add up to 4 of 5", spend("5"), "6", []Line{line(EntryDecrement, "4", "10", "6")}, "0"},
		{"an overage that makes up for it", "", spend("5"), "6", []Line{line(EntryDecrement, "4", "10", "6")}, "1"},
		{"an overage too many", "add up to 5 of 4", spend("4"), "6", []Line{line(EntryDecrement, "4", "10", "6")}, "1"},
		{"no entry for what changed", "end at 10", voidOf("A", "1"), "6", nil, "0"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := newBook(t).given(grant("A", "10", expires("2026-06-01")))
			made := &change{lines: c.lines, overage: MustAmount(c.overage)}
			made.edit(b.block("A")).balance = MustAmount(c.now)
			if err := made.fits(b.a); err != nil {
				t.Fatal(err)
			}
			before := dump(b.a)
			d := b.decision(c.op)
			err := d.apply(c.op, made)
			switch {
			case c.reason == "":
				if err != nil {
					t.Error(err)
				}
			case !errors.Is(err, ErrCorrupt) || !containsText(err, c.reason):
				t.Errorf("got %v, want …%s…", err, c.reason)
			}
			d.takeBack()
			if after := dump(b.a); after != before {
				t.Errorf("taken back, it left a trace:\n%s", textDifference(before, after))
			}
		})
	}
	b := newBook(t)
	created := &change{created: []*block{{ID: "N", Number: 1, Overdraft: true, Balance: AmountOf(1), rare: &nothingRare}}}
	if err := created.fits(b.a); err != nil {
		t.Fatal(err)
	}
	if err := b.decision(spend("1")).apply(spend("1"), created); !errors.Is(err, ErrCorrupt) || !containsText(err, `block "N"`) {
		t.Errorf("a new block that breaks a rule: %v", err)
	}
}

func TestCheckBlock(t *testing.T) {
	for _, c := range []struct {
		rule  string
		block Block
		ok    bool
	}{
		{"a full block", Block{Initial: AmountOf(5), Capacity: AmountOf(5), Balance: AmountOf(5)}, true},
		{"an empty one", Block{Initial: AmountOf(5), Capacity: AmountOf(5)}, true},
		{"one without capacity", Block{Initial: AmountOf(5)}, true},
		{"a debt on a plain block", Block{Initial: AmountOf(5), Capacity: AmountOf(5), Balance: AmountOf(-9)}, true},
		{"a debt on an expiring block", Block{ExpiresAt: 1, Initial: AmountOf(5), Capacity: AmountOf(5), Balance: AmountOf(-1)}, false},
		{"a debt on a filtered block", Block{Filters: []Filter{{}}, Initial: AmountOf(5), Capacity: AmountOf(5), Balance: AmountOf(-1)}, false},
		{"an overdraft block in debt", Block{Overdraft: true, Balance: AmountOf(-1)}, true},
		{"an overdraft block at 0", Block{Overdraft: true}, true},
		{"an overdraft block above 0", Block{Overdraft: true, Balance: MustAmount(smallest)}, false},
		{"a capacity below 0", Block{Initial: AmountOf(5), Capacity: AmountOf(-1), Balance: AmountOf(-1)}, false},
		{"a capacity above what was granted", Block{Initial: AmountOf(5), Capacity: AmountOf(6)}, false},
		{"a balance above the capacity", Block{Initial: AmountOf(5), Capacity: AmountOf(4), Balance: MustAmount("4.000000000000000001")}, false},
	} {
		b := c.block.kept()
		if err := checkBlock(&b); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

// TestVerifierSums: the balances are proved a second time by plain sums of the
// entries, apart from the code that decides.
func TestVerifierSums(t *testing.T) {
	a := &block{ID: "A", Number: 1, Status: BlockActive, Balance: AmountOf(5), rare: &nothingRare}
	for _, c := range []struct {
		rule, sum, total, want string
	}{
		{"as it should be", "5", "5", ""},
		{"a block that holds something else", "4", "5", "its entries add up to 4, it holds 5"},
		{"another total", "5", "6", "the eligible blocks hold 5, the head says 6"},
	} {
		v := verifier{replay: &account{head: Head{Total: MustAmount(c.total)}}, blocks: []*block{a}, sums: map[uint64]Amount{1: MustAmount(c.sum)}}
		err := v.balances(when(start))
		if (err == nil) != (c.want == "") || (err != nil && !containsText(err, c.want)) {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}
