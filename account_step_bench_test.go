package creditledger

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/apd/v3"
)

// BenchmarkStep draws one credit from the first of some blocks, by the step alone:
// nothing is encoded, sealed or stored. by=ledger decides and applies the decrement;
// by=int64 and by=apd are loops written by hand for exactly this case, which know no
// filters, no overdraft, no expiry and no error. line=kept makes them say what they did,
// as a line of a record does, in memory that is used again, line=new in new memory.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{10, 1000} {
		blocks := fmt.Sprintf("blocks=%d", n)
		b.Run("by=ledger/"+blocks, func(b *testing.B) {
			book := newBook(b)
			for i := range n {
				at := when("2027-01-01") + Instant(i)
				g := Increment{Amount: MustAmount("1e12"), ExpiresAt: At(at.Time())}
				d := book.decision(g)
				if err := d.decide(); err != nil {
					b.Fatal(err)
				}
			}
			book.a.moveTo(book.now)
			var op Operation = Decrement{Amount: AmountOf(1), Overdraft: OverdraftReject}
			var c change
			b.ReportAllocs()
			for b.Loop() {
				c.reset()
				if err := step(book.a, op, &c); err != nil {
					b.Fatal(err)
				}
				book.a.apply(&c)
			}
		})
		for _, line := range []string{"none", "kept", "new"} {
			b.Run(fmt.Sprintf("by=int64/%s/line=%s", blocks, line), func(b *testing.B) { benchInt64(b, n, line) })
			b.Run(fmt.Sprintf("by=apd/%s/line=%s", blocks, line), func(b *testing.B) { benchAPD(b, n, line) })
		}
	}
}

// handBlock and handLine are what a hand-written drawdown keeps, with amounts of
// either kind.
type handBlock[T any] struct {
	number    uint64
	expires   Instant
	remaining T
}

type handLine[T any] struct {
	at                       Instant
	block                    uint64
	amount, starting, ending T
}

func benchInt64(b *testing.B, n int, line string) {
	blocks := make([]handBlock[int64], n)
	for i := range blocks {
		blocks[i] = handBlock[int64]{number: uint64(i), expires: Instant(i), remaining: 1e12}
	}
	total := int64(n) * 1e12
	lines := make([]handLine[int64], 0, 1)
	b.ReportAllocs()
	for b.Loop() {
		if line == "new" {
			lines = make([]handLine[int64], 0, 1)
		}
		lines = lines[:0]
		for i, want := 0, int64(1); want > 0; i++ {
			taken := min(blocks[i].remaining, want)
			blocks[i].remaining -= taken
			want -= taken
			total -= taken
			if line != "none" {
				lines = append(lines, handLine[int64]{at: 1, block: blocks[i].number, amount: taken, starting: total + taken, ending: total})
			}
		}
	}
}

func benchAPD(b *testing.B, n int, line string) {
	context := apd.BaseContext.WithPrecision(maxDigits)
	context.Traps |= apd.Inexact
	blocks := make([]handBlock[apd.Decimal], n)
	var total, one apd.Decimal
	one.SetInt64(1)
	for i := range blocks {
		blocks[i] = handBlock[apd.Decimal]{number: uint64(i), expires: Instant(i)}
		blocks[i].remaining.SetInt64(1e12)
	}
	total.SetInt64(int64(n) * 1e12)
	lines := make([]handLine[apd.Decimal], 1)
	must := func(_ apd.Condition, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if line == "new" {
			lines = make([]handLine[apd.Decimal], 1)
		}
		var want apd.Decimal
		want.Set(&one)
		for i := 0; !want.IsZero(); i++ {
			taken := &blocks[i].remaining
			if want.Cmp(taken) < 0 {
				taken = &want
			}
			l := &lines[0]
			l.amount.Set(taken)
			must(context.Sub(&blocks[i].remaining, &blocks[i].remaining, &l.amount))
			must(context.Sub(&want, &want, &l.amount))
			if line != "none" {
				l.at, l.block = 1, blocks[i].number
				l.starting.Set(&total)
			}
			must(context.Sub(&total, &total, &l.amount))
			if line != "none" {
				l.ending.Set(&total)
			}
		}
	}
}
