package creditledger

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// drawOperation draws any operation on any of the blocks 1, 2, 3 and so on; many are
// refused.
func drawOperation(t *rapid.T, blocks int) Operation {
	name := func(label string) string {
		return fmt.Sprint(rapid.IntRange(1, blocks+1).Draw(t, label))
	}
	amount := rapid.SampledFrom([]string{"1", "0.5", "3", "10", "40"}).Draw(t, "amount")
	switch rapid.SampledFrom([]string{
		"grant", "grant", "grant", "spend", "spend", "spend", "extend", "void", "amend", "activate",
	}).Draw(t, "operation") {
	case "grant":
		return drawGrant(t, name("new block"))
	case "spend":
		op := spend(amount)
		op.ItemID = rapid.SampledFrom([]string{"", "api", "disk"}).Draw(t, "item")
		op.Overdraft = rapid.SampledFrom([]Overdraft{OverdraftAllow, OverdraftAllow, OverdraftReject, OverdraftStopAtZero}).Draw(t, "policy")
		if op.Overdraft == OverdraftAllow && rapid.Bool().Draw(t, "limited") {
			limit("20")(&op)
		}
		return op
	case "extend":
		op := extend(name("block"), "", "never", name("new block"))
		if rapid.Bool().Draw(t, "part") {
			op.Amount = MustAmount(amount)
		}
		op.Target = rapid.SampledFrom([]When{
			Never(), AtInstant(when("2026-01-03")), AtInstant(when("2026-01-05")), AtInstant(when("2026-01-01")),
		}).Draw(t, "target")
		return op
	case "void":
		return voidOf(name("block"), amount)
	case "amend":
		return amend(name("block"), amount)
	}
	return Activation{BlockID: name("block")}
}

// drawDay draws a step of the clock, forwards more often than back.
func drawDay(t *rapid.T) string {
	return fmt.Sprintf("2026-01-%02d", rapid.SampledFrom([]int{1, 1, 2, 2, 3, 3, 4, 5, 6}).Draw(t, "day"))
}

// TestTakenBackProperty: a change taken back leaves the account as it was, to the last
// field, and what is decided can be loaded again; both are checked by the book at
// every step. Batches fail at their end, so that many changes are taken back at once.
func TestTakenBackProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBook(rt)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			b.clock(drawDay(rt))
			if rapid.Bool().Draw(rt, "look ahead") {
				b.a.moveTo(max(when(drawDay(rt)), b.a.head.LastAt))
			}
			if rapid.IntRange(0, 3).Draw(rt, "batch") > 0 {
				_, _ = b.try(drawOperation(rt, len(b.made)))
				continue
			}
			var batch Batch
			for range rapid.IntRange(1, 5).Draw(rt, "size") {
				batch = append(batch, drawOperation(rt, len(b.made)))
			}
			if rapid.Bool().Draw(rt, "refused") {
				batch = append(batch, voidOf("none", "1"))
			}
			_, _ = b.try(batch)
		}
	})
}

// TestManyBlocks: among very many blocks a decrement touches those it draws. Work is
// counted in comparisons of two blocks, the one thing that all searching is made of.
func TestManyBlocks(t *testing.T) {
	const size = 100_000
	blocks := make([]Block, size)
	for i := range blocks {
		blocks[i] = Block{
			ID: fmt.Sprint(i), Number: uint64(i) + 1, EffectiveAt: 1, ActivatedAt: 1, CreatedAt: 1, ExpiresAt: when("2026-02-02"),
			Initial: AmountOf(100), Balance: AmountOf(100), Capacity: AmountOf(100),
		}
	}
	soonest := rand.New(rand.NewPCG(3, 4)).IntN(size)
	blocks[soonest].ExpiresAt = when("2026-02-01")
	rand.New(rand.NewPCG(1, 2)).Shuffle(size, func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	s := State{Head: Head{
		Version: size, Entries: size, Blocks: size, LastAt: when(start), NextDue: when("2026-02-01"), Total: AmountOf(100 * size),
	}, Blocks: blocks}
	a, err := newAccount(AccountID{"cus", "credits"}, &s)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	counting := func(order func(a, b *block) int) func(a, b *block) int {
		return func(a, b *block) int { compared++; return order(a, b) }
	}
	for _, l := range []*blockList{&a.open, &a.plain.blocks, &a.debts, &a.waiting, &a.expiring} {
		l.order = counting(l.order)
	}
	do := func(op Operation, most int) string {
		compared = 0
		a.moveTo(a.at)
		d := decision{request: &request{account: a.id, op: op}, account: a, expiries: 2}
		if err := d.decide(); err != nil {
			t.Fatal(err)
		}
		if compared > most {
			t.Errorf("%s took %d comparisons among %d blocks, at most %d expected", describe(op), compared, size, most)
		}
		return story(d.result.Entries)
	}
	name := fmt.Sprint(soonest)
	if got := do(spend("99"), 0); got != "decrement "+name+" 99 10000000→9999901" {
		t.Errorf("got %s", got)
	}
	for _, b := range a.open.all() {
		if want := AmountOf(100); b.Balance.Cmp(want) != 0 && b.ID != name {
			t.Fatalf("block %s holds %s", b.ID, b.Balance)
		}
	}
	const logarithmic = 250 // a few searches among 100,000
	do(spend("1"), logarithmic)
	do(grant("new", "1"), logarithmic)
	do(spend("250"), logarithmic)
	do(voidOf("7", "100"), logarithmic)
	do(amend(name, "0.5"), logarithmic)
	do(extend("8", "1", "never", "moved"), logarithmic)
}
