package invoice

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"creditledger/fuzz/testsize"
)

// randomFigures are lines whose figures have remainders in tenths or hundredths of a unit.
func randomFigures(r *rand.Rand, n int) []figures {
	parts := []int64{2, 3, 10, 100}[r.IntN(4)]
	lines := make([]figures, n)
	for i := range lines {
		sub := r.Int64N(5 * parts)
		adjusted := sub
		switch r.IntN(4) {
		case 0:
			adjusted = r.Int64N(sub + 1)
		case 1:
			adjusted = sub + r.Int64N(parts) // a minimum
		}
		paid := int64(0)
		if r.IntN(2) == 0 {
			paid = r.Int64N(adjusted + 1)
		}
		for c, v := range []int64{sub, sub - adjusted, paid, adjusted - paid} {
			lines[i][c] = big.NewRat(v, parts)
		}
	}
	return lines
}

// worth is how good cells are, the smaller the better: units beyond what a subtotal may
// have, the distance of all cells, and what stands where.
type worth struct {
	last, beyond int
	far          *big.Rat
	places       []int64
}

func (a *worth) better(b *worth) bool {
	if b == nil || a.last != b.last {
		return b == nil || a.last < b.last
	}
	if a.beyond != b.beyond {
		return a.beyond < b.beyond
	}
	if c := a.far.Cmp(b.far); c != 0 {
		return c < 0
	}
	return slices.Compare(a.places, b.places) > 0
}

func ceil(r *big.Rat) int64 { return -floor(new(big.Rat).Neg(r)).Int64() }

// worthOf judges cells; nil when they break a rule that nothing may break.
func worthOf(lines []figures, totals cells, rows [][columns]int64) *worth {
	w := &worth{far: new(big.Rat)}
	var sum [columns]int64
	for i, row := range rows {
		if row[inSubtotal] != row[inDiscount]+row[inCredits]+row[inNet] {
			return nil
		}
		for c, v := range row {
			f := lines[i][c]
			sum[c] += v
			low, high := floor(f).Int64(), ceil(f)
			over := max(low-v, v-high, 0)
			switch {
			case over == 0:
			case c != inSubtotal:
				return nil
			case v < 0 || f.Sign() == 0:
				w.last += int(over)
			default:
				w.beyond += int(over)
			}
			w.far.Add(w.far, new(big.Rat).Abs(new(big.Rat).Sub(big.NewRat(v, 1), f)))
			w.places = append(w.places, v)
		}
	}
	for c, v := range sum {
		if v != totals[c].Int64() {
			return nil
		}
	}
	return w
}

// searched finds the best cells by trying all.
func searched(lines []figures, totals cells) (best [][columns]int64, of *worth) {
	rows := make([][columns]int64, len(lines))
	var try func(i int)
	try = func(i int) {
		if i == len(lines) {
			if w := worthOf(lines, totals, rows); w != nil && w.better(of) {
				best, of = slices.Clone(rows), w
			}
			return
		}
		f := lines[i]
		for d := floor(f[inDiscount]).Int64(); d <= ceil(f[inDiscount]); d++ {
			for c := floor(f[inCredits]).Int64(); c <= ceil(f[inCredits]); c++ {
				for n := floor(f[inNet]).Int64(); n <= ceil(f[inNet]); n++ {
					rows[i] = [columns]int64{d + c + n, d, c, n}
					try(i + 1)
				}
			}
		}
	}
	try(0)
	return best, of
}

func numbers(rows []cells) (res [][columns]int64) {
	for _, r := range rows {
		var n [columns]int64
		for c := range r {
			n[c] = r[c].Int64()
		}
		res = append(res, n)
	}
	return res
}

// The cells of a bill are the best of all that there are.
func TestCellsAreTheBestOfAll(t *testing.T) {
	r, seed := random(t)
	beyond := 0
	for n := range testsize.Of(100, 500, 20_000) {
		lines := randomFigures(r, 1+r.IntN(4))
		totals := totalsOf(lines)
		got := numbers(apportion(lines, totals))
		want, w := searched(lines, totals)
		if !slices.Equal(got, want) {
			t.Fatalf("table %d of seed %d: %v, totals %v:\n%v, the best are\n%v", n, seed, lines, totals, got, want)
		}
		if w.beyond+w.last > 1 {
			t.Fatalf("table %d of seed %d: %v, totals %v: %d and %d units beyond", n, seed, lines, totals, w.beyond, w.last)
		}
		beyond += w.beyond + w.last
	}
	t.Logf("in %d tables a subtotal gave way", beyond)
}

// figuresOf reads lines of subtotal, discount, credits and net.
func figuresOf(lines ...string) (res []figures) {
	for _, l := range lines {
		var f figures
		for c, text := range strings.Fields(l) {
			f[c], _ = new(big.Rat).SetString(text)
		}
		res = append(res, f)
	}
	return res
}

// Where not all can be had, one subtotal gives way by one unit; one of exactly 0 only if no
// other can.
func TestOneSubtotalGivesWay(t *testing.T) {
	for _, c := range []struct {
		lines []figures
		want  [][columns]int64
	}{
		{figuresOf("4.5 0 4.5 0", "0 -0.5 0 0.5"), [][columns]int64{{4, 0, 4, 0}, {1, 0, 0, 1}}},
		{figuresOf("4.6 0 3.8 0.8", "2.9 0.1 0 2.8"), [][columns]int64{{4, 0, 3, 1}, {4, 1, 0, 3}}},
	} {
		if got := numbers(apportion(c.lines, totalsOf(c.lines))); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.lines, got, c.want)
		}
	}
}
