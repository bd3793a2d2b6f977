package creditledger

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPastConservesProperty: late usage and reversals in any order, with sweeps at random,
// create nothing and lose nothing but what they say: of every charge no more comes back
// than it drew, what lapsed is never below 0 and has room beside what the block holds, and
// the entries alone add up to what the blocks hold. The records replay to the same account.
func TestPastConservesProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBook(rt)
		now, spent := b.now, 0
		for i := range rapid.IntRange(1, 30).Draw(rt, "operations") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, time.Hour, 24 * time.Hour, 20 * 24 * time.Hour}).Draw(rt, "later"))
			b.now = now
			if rapid.IntRange(0, 4).Draw(rt, "sweep") == 0 {
				b.sweep()
			}
			if res, err := b.try(drawPast(rt, b, i)); err == nil && len(res.Entries) > 0 {
				spent++
			}
			checkPast(rt, b)
		}
		replayBook(rt, b)
		rt.Logf("%d operations wrote something", spent)
	})
}

// drawPast draws one operation about the past, or one that makes a past.
func drawPast(t *rapid.T, b *book, i int) Operation {
	amount := func(label string) string {
		return rapid.SampledFrom([]string{"1", "3", "7", "20", "50"}).Draw(t, label)
	}
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind < 3:
		op := grant(fmt.Sprint("b", i), amount("granted"))
		op.ExpiresAt = rapid.SampledFrom([]When{{}, AtInstant(b.now.Add(time.Hour)), AtInstant(b.now.Add(30 * 24 * time.Hour))}).Draw(t, "expires")
		op.EffectiveAt = rapid.SampledFrom([]When{{}, AtInstant(b.now.Add(-48 * time.Hour))}).Draw(t, "effective")
		op.Repay = rapid.SampledFrom([]Repay{RepayFirst, RepayNever}).Draw(t, "repay")
		op.RequirePayment = rapid.IntRange(0, 5).Draw(t, "unpaid") == 0
		return op
	case kind < 6:
		op := spend(amount("spent"))
		op.Overdraft = rapid.SampledFrom([]Overdraft{OverdraftAllow, OverdraftReject, OverdraftStopAtZero}).Draw(t, "policy")
		if back := rapid.SampledFrom([]time.Duration{-1, 0, time.Hour, 25 * time.Hour, 40 * 24 * time.Hour}).Draw(t, "used"); back >= 0 {
			op.UsageAt = b.now.Add(-back)
		}
		return op
	case kind < 9 && len(b.asked) > 0:
		op := Reverse{Charge: Key(fmt.Sprint(rapid.IntRange(1, len(b.asked)).Draw(t, "charge")))}
		if rapid.Bool().Draw(t, "by entry") {
			op = Reverse{Entry: rapid.Uint64Range(1, b.a.head.Entries+1).Draw(t, "entry")}
		}
		if rapid.Bool().Draw(t, "part") {
			op.Amount = MustAmount(amount("back"))
		}
		return op
	case len(b.made) > 0:
		id := b.made[rapid.IntRange(0, len(b.made)-1).Draw(t, "block")].ID
		switch rapid.IntRange(0, 3).Draw(t, "change") {
		case 0:
			return voidOf(id, amount("voided"))
		case 1:
			return amend(id, amount("amended"))
		case 2:
			return Activation{BlockID: id}
		}
		return ExpirationChange{BlockID: id, Target: AtInstant(b.now.Add(rapid.SampledFrom([]time.Duration{0, 48 * time.Hour}).Draw(t, "target"))), NewBlockID: fmt.Sprint("m", i)}
	}
	return spend("1")
}

// checkPast holds the account to the invariants, by its entries alone.
func checkPast(t *rapid.T, b *book) {
	sums, drawn, back := map[uint64]Amount{}, map[uint64]Amount{}, map[uint64]Amount{}
	for _, rec := range b.kept {
		entry := rec.FirstEntry
		for i := range rec.Effects {
			for j := range rec.Effects[i].Lines {
				l := &rec.Effects[i].Lines[j]
				if err := l.effect(sums, false); err != nil {
					t.Fatal(err)
				}
				if l.Type == EntryDecrement {
					drawn[entry] = l.Amount
				}
				if l.Reverses != 0 {
					back[l.Reverses] = mustAmount(back[l.Reverses].Add(l.Amount))
				}
				entry++
			}
		}
	}
	for entry, amount := range back {
		if amount.Cmp(drawn[entry]) > 0 {
			t.Fatalf("%s came back of entry %d, which drew %s", amount, entry, drawn[entry])
		}
	}
	for _, m := range b.made {
		if sums[m.Number].Cmp(m.Balance) != 0 {
			t.Fatalf("block %s holds %s, its entries add up to %s", m.ID, m.Balance, sums[m.Number])
		}
		if full := mustAmount(m.Balance.Add(m.rare.Lapsed)); m.rare.Lapsed.Sign() < 0 || (!m.Overdraft && full.Cmp(m.Capacity) > 0) {
			t.Fatalf("block %s holds %s and lapsed %s of %s", m.ID, m.Balance, m.rare.Lapsed, m.Capacity)
		}
	}
}

// replayBook replays what the book wrote.
func replayBook(t *rapid.T, b *book) {
	a := newReplayed(b.a.id)
	var blocks []*block
	from := history{
		record: func(seq uint64) (*OpRecord, error) { return b.kept[seq-1], nil },
		blocks: func(numbers []uint64) (found []Block, err error) {
			for _, n := range numbers {
				found = append(found, blocks[n-1].whole())
			}
			return found, nil
		},
		rows: func([]string) ([]Row, error) { return nil, nil },
	}
	for _, rec := range b.kept {
		// The book names charges by their places, not by their keys.
		charges, err := a.bringCharges(rec, from)
		if err != nil {
			t.Fatal(err)
		}
		var one [1]Operation
		for i, op := range operations(rec.Op, &one) {
			if op, ok := op.(Reverse); ok && charges != nil && charges[i] != nil {
				charges[i].key = op.Charge
			}
		}
		changes, err := replay(a, rec, SealOf(AppendRecord(nil, rec)), charges, newChange)
		if err != nil {
			t.Fatalf("record %d, %s: %v", rec.Seq, describe(rec.Op), err)
		}
		for _, c := range changes {
			blocks = append(blocks, c.created...)
		}
	}
	a.moveTo(b.a.at)
	if live, again := dumpOpen(b.a), dumpOpen(a); live != again {
		t.Fatalf("the records give another account:\n%s", textDifference(live, again))
	}
}
