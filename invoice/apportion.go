package invoice

import (
	"math/big"
	"slices"
)

// The columns of a bill. On every line, subtotal = discount + credits + net.
const (
	inSubtotal = iota
	inDiscount // by all adjustments; negative where a minimum made a line dearer
	inCredits
	inNet
	columns
)

// figures are the exact money of a line, in minor units.
type figures [columns]*big.Rat

// cells are what a line, or the whole bill, shows: whole minor units.
type cells [columns]*big.Int

// totalsOf rounds a bill: its subtotal, what remains of that after the adjustments, and its
// net, each once and half away from zero. Discount and credits are what lies between them.
func totalsOf(lines []figures) cells {
	var sum figures
	for c := range sum {
		sum[c] = new(big.Rat)
		for i := range lines {
			sum[c].Add(sum[c], lines[i][c])
		}
	}
	adjusted := roundWhole(new(big.Rat).Sub(sum[inSubtotal], sum[inDiscount]))
	res := cells{inSubtotal: roundWhole(sum[inSubtotal]), inNet: roundWhole(sum[inNet])}
	res[inDiscount] = new(big.Int).Sub(res[inSubtotal], adjusted)
	res[inCredits] = new(big.Int).Sub(adjusted, res[inNet])
	return res
}

// apportion gives every line of a bill its cells: lines add up and columns meet the
// totals. A cell is the floor or the ceiling of its exact figure. Where that is not
// possible for all cells at once, apportion adds as few units as possible to subtotals,
// or takes as few off, but it never changes a subtotal of exactly 0 nor brings one below
// 0. Among the bills that are left, it chooses the one whose cells are nearest to the
// figures, all differences added up; among those, the one in which the earlier line has
// more, and within a line the earlier column.
//
// Such a bill is a cheapest flow. Four columns are few enough to look at every way in which
// lines can pass units around, and to take the best one until none is left.
func apportion(lines []figures, totals cells) []cells {
	t := newTable(lines)
	for c := inDiscount; c < columns; c++ {
		t.fill(c, totals[c])
	}
	for i := range lines {
		t.weigh(i)
	}
	for t.improve() {
	}
	return t.cells()
}

// table is a bill whose cells are being worked out. up is how many units a cell is above
// the floor of its figure.
type table struct {
	floors []cells
	rests  []cells // the fraction of a figure above its floor
	up     [][columns]int
	one    *big.Int

	// What it costs a line when a column gets a unit or gives one; nil: it cannot.
	get, give []cells

	// The weights make one number of what is better: a unit beyond a subtotal's ceiling is
	// worse than any distances, and a part of a distance is worse than any order of lines.
	place, near, beyond, last *big.Int
}

func newTable(lines []figures) *table {
	n := len(lines)
	t := &table{
		floors: make([]cells, n), rests: make([]cells, n), up: make([][columns]int, n), one: big.NewInt(1),
		get: make([]cells, n), give: make([]cells, n),
	}
	for i := range lines {
		for _, f := range lines[i] {
			gcd := new(big.Int).GCD(nil, nil, t.one, f.Denom())
			t.one.Mul(t.one, gcd.Div(f.Denom(), gcd))
		}
	}
	for i := range lines {
		for c, f := range lines[i] {
			parts := new(big.Int).Mul(f.Num(), t.one)
			parts.Div(parts, f.Denom())
			t.floors[i][c], t.rests[i][c] = new(big.Int).DivMod(parts, t.one, new(big.Int))
		}
	}
	t.place = big.NewInt(1)
	t.near = new(big.Int).Lsh(t.place, uint(placeBits*columns*n))
	t.beyond = new(big.Int).Mul(t.near, t.one)
	t.beyond.Mul(t.beyond, big.NewInt(int64(4*columns*n)))
	t.last = new(big.Int).Mul(t.beyond, big.NewInt(int64(4*columns*n)))
	return t
}

// placeBits are the bits of a weight for the order of cells, which decides last.
const placeBits = 3

// fill gives a column its total by largest remainder, and with equal remainders to the
// earlier line first. It ignores the lines' subtotals, which improve sees to.
func (t *table) fill(column int, total *big.Int) {
	left := new(big.Int).Set(total)
	order := make([]int, len(t.up))
	for i := range order {
		order[i] = i
		left.Sub(left, t.floors[i][column])
	}
	slices.SortStableFunc(order, func(a, b int) int { return t.rests[b][column].Cmp(t.rests[a][column]) })
	for _, i := range order[:left.Int64()] {
		t.up[i][column] = 1
	}
	for i := range t.up {
		t.up[i][inSubtotal] = int(t.sum(i).Sub(t.sum(i), t.floors[i][inSubtotal]).Int64())
	}
}

// sum adds the parts of a line up to its subtotal.
func (t *table) sum(line int) *big.Int {
	sum := new(big.Int)
	for c := inDiscount; c < columns; c++ {
		sum.Add(sum, t.floors[line][c])
		sum.Add(sum, big.NewInt(int64(t.up[line][c])))
	}
	return sum
}

// cost returns by how much the bill becomes worse if a cell moves one unit up or down;
// nil if it cannot move.
func (t *table) cost(line, column, by int) *big.Int {
	at, rest := t.up[line][column], t.rests[line][column]
	low, high := 0, rest.Sign() // the values of up for floor and ceiling
	next := at + by
	if column != inSubtotal && (next < low || next > high) {
		return nil
	}
	// The distance from the figure, above it or below it.
	res := new(big.Int)
	switch lower := min(at, next); {
	case lower >= 1:
		res.Set(t.one)
	case lower < 0:
		res.Neg(t.one)
	default:
		res.Sub(t.one, res.Lsh(rest, 1))
	}
	res.Mul(res, t.near)
	if column == inSubtotal {
		bound := t.beyond
		if t.floors[line][column].Sign() == 0 && (rest.Sign() == 0 || min(at, next) < low) {
			bound = t.last
		}
		switch lower := min(at, next); {
		case lower >= high:
			res.Add(res, bound)
		case lower < low:
			res.Sub(res, bound)
		}
	}
	cell := uint(columns*(len(t.up)-line) - column - 1)
	res.Sub(res, new(big.Int).Lsh(t.place, placeBits*cell))
	if by < 0 {
		res.Neg(res)
	}
	return res
}

// pass is how a line takes part if units are passed around: one column gets a unit and
// another gives it. The subtotal is the sum of the others, so it counts the other way
// round.
type pass struct {
	line int
	cost *big.Int
}

// rings are the orders in which columns can pass units around, each once.
var rings = [][]int{
	{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3},
	{0, 1, 2}, {0, 2, 1}, {0, 1, 3}, {0, 3, 1}, {0, 2, 3}, {0, 3, 2}, {1, 2, 3}, {1, 3, 2},
	{0, 1, 2, 3}, {0, 1, 3, 2}, {0, 2, 1, 3}, {0, 2, 3, 1}, {0, 3, 1, 2}, {0, 3, 2, 1},
}

// improve passes units around in the way that makes the table better than any other. It
// reports whether there was such a way.
func (t *table) improve() bool {
	best := t.passes()
	var ring []int
	least := new(big.Int)
	for _, r := range rings {
		sum := new(big.Int)
		for i, get := range r {
			p := &best[get][r[(i+1)%len(r)]]
			if p.cost == nil {
				sum = nil
				break
			}
			sum.Add(sum, p.cost)
		}
		if sum != nil && sum.Cmp(least) < 0 {
			ring, least = r, sum
		}
	}
	for i, get := range ring {
		give := ring[(i+1)%len(ring)]
		line := best[get][give].line
		t.up[line][get] += direction(get)
		t.up[line][give] -= direction(give)
	}
	for i, get := range ring {
		t.weigh(best[get][ring[(i+1)%len(ring)]].line)
	}
	return ring != nil
}

// weigh works out what each move of a line costs now.
func (t *table) weigh(line int) {
	for c := range columns {
		t.get[line][c], t.give[line][c] = t.cost(line, c, direction(c)), t.cost(line, c, -direction(c))
	}
}

// direction returns how a column moves if it gets a unit.
func direction(column int) int {
	if column == inSubtotal {
		return -1
	}
	return 1
}

// passes finds for every two columns the line in which the first gets a unit from the
// second at the least cost.
func (t *table) passes() (best [columns][columns]pass) {
	sum := new(big.Int)
	for i := range t.up {
		for a, get := range t.get[i] {
			for b, give := range t.give[i] {
				if a == b || get == nil || give == nil {
					continue
				}
				if p := &best[a][b]; p.cost == nil || sum.Add(get, give).Cmp(p.cost) < 0 {
					*p = pass{line: i, cost: new(big.Int).Add(get, give)}
				}
			}
		}
	}
	return best
}

// cells returns the cells of the table as it is now.
func (t *table) cells() []cells {
	res := make([]cells, len(t.up))
	for i := range res {
		for c := range columns {
			res[i][c] = new(big.Int).Add(t.floors[i][c], big.NewInt(int64(t.up[i][c])))
		}
	}
	return res
}
