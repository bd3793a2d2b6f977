package fuzz

import (
	"fmt"
	"math/big"
	"time"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
)

var sixBits = rapid.IntRange(0, 63)

// below draws a number below n. rapid prefers small numbers. Two of them, scrambled, are
// spread evenly enough, and failures still shrink to 0.
func below(t *rapid.T, n int, what string) int {
	a, b := sixBits.Draw(t, what), sixBits.Draw(t, what)
	return int(uint32(a<<6|b)*2654435761>>8) % n
}

func (g *generator) below(n int, what string) int { return below(g.t, n, what) }

// chance is true about once in n times.
func (g *generator) chance(n int, what string) bool { return g.below(n, what) == n-1 }

func oneOf[T any](g *generator, what string, list ...T) T { return list[g.below(len(list), what)] }

var awkward = []string{
	"1", "2", "5", "10", "100", "0.5", "1.25", "3", "7", "20", "0.1", "0.2", "1000", "0.000000000000000001", "0.999999999999999999",
	"9007199254740993", "12345678901234567890.123456789012345678", "0.3", "33.333333333333333333", "99999999999999999999.999999999999999999",
	"50000000000000000000", "1e2", "2.50",
}

// amount is positive: a simple or awkward number, or one at or beside a given one.
func (g *generator) amount(beside ...*big.Rat) cl.Amount {
	if len(beside) > 0 && g.below(2, "beside") == 1 {
		near := new(big.Rat).Set(oneOf(g, "which", beside...))
		last := big.NewRat(1, 1_000_000_000_000_000_000)
		switch g.below(6, "how") {
		case 3:
			near.Add(near, last)
		case 4:
			near.Sub(near, last)
		case 5:
			near.Mul(near, big.NewRat(1, 2))
			near.SetString(near.FloatString(18))
		}
		if a, err := cl.ParseAmount(model.Text(near)); err == nil && a.Sign() > 0 {
			return a
		}
	}
	// Most amounts are simple, because accounts would soon be full otherwise.
	n := g.below(len(awkward)*3, "amount")
	if n >= len(awkward) {
		n %= 13
	}
	return cl.MustAmount(awkward[n])
}

// block draws the id of a block that there is, or rarely one that there is not.
func (g *generator) block(wanted func(*model.Block) bool) string {
	if g.chance(24, "unknown block") {
		return oneOf(g, "id", "nope", "b1", "x", g.m.foreign(g.on))
	}
	if len(g.made) > 0 && g.chance(3, "of this batch") {
		return oneOf(g, "made", g.made...)
	}
	var good []*model.Block
	for _, b := range g.state.Blocks {
		if wanted == nil || wanted(b) {
			good = append(good, b)
		}
	}
	if len(good) == 0 || g.chance(8, "any block") {
		good = g.state.Blocks
	}
	if len(good) == 0 {
		return "nope"
	}
	return good[len(good)-1-g.below(len(good), "block")].ID
}

func (g *generator) find(id string) *model.Block {
	if b := g.state.Find(id); b != nil {
		return b
	}
	return &model.Block{Balance: new(big.Rat), Gone: new(big.Rat)}
}

// newID is an id for a block to be made: mostly none or a fresh one, rarely one in use.
func (g *generator) newID() string {
	switch g.below(16, "new id") {
	case 0, 1, 2, 3, 4, 5, 6:
		return ""
	case 15:
		if len(g.state.Blocks) > 0 {
			return g.state.Blocks[g.below(len(g.state.Blocks), "used id")].ID
		}
	}
	g.m.fresh++
	id := fmt.Sprintf("b%d", g.m.fresh)
	g.made = append(g.made, id)
	return id
}

var spans = []time.Duration{
	time.Hour, 24 * time.Hour, time.Microsecond, time.Second, 36 * time.Hour, 30 * 24 * time.Hour, 2 * time.Hour, 7 * 24 * time.Hour,
	400 * 24 * time.Hour, 0,
}

// moment draws an instant near now, one close to something that happens, or a bare date.
func (g *generator) moment(backward bool) cl.When {
	switch g.below(6, "moment") {
	case 3:
		if w := g.happening(); !w.IsZero() {
			return w
		}
	case 4:
		return cl.On(g.date())
	case 5:
		return cl.At(g.at.Time().Add(oneOf(g, "span", spans...)).In(g.m.zone(g.on.id.Customer)))
	}
	d := oneOf(g, "span", spans...)
	if backward {
		d = -d
	}
	return cl.AtInstant(g.at.Add(d))
}

// happening is the instant at which a block starts or expires, or one beside it.
func (g *generator) happening() cl.When {
	if len(g.state.Blocks) == 0 {
		return cl.When{}
	}
	b := g.state.Blocks[len(g.state.Blocks)-1-g.below(len(g.state.Blocks), "of block")]
	at := b.EffectiveAt
	if b.ExpiresAt != 0 && g.below(3, "expiry") < 2 {
		at = b.ExpiresAt
	}
	return cl.AtInstant(at.Add(oneOf(g, "beside", 0, 0, time.Microsecond, -time.Microsecond)))
}

// date draws a day that comes soon, or rarely one of the next ninety years, often close to
// a New Year or the end of February.
func (g *generator) date() cl.Date {
	t := g.at.Time().AddDate(0, 0, g.below(40, "days")-2)
	if g.chance(8, "far") {
		day := oneOf(g, "day of the year", -1, 0, 1, 58, 59, 60, g.below(366, "any day"))
		t = time.Date(t.Year()+1+g.below(90, "years"), 1, 1+day, 0, 0, 0, 0, time.UTC)
	}
	return cl.DateOf(t.Year(), t.Month(), t.Day())
}

var (
	costs        = []string{"", "0.20", "0.2", "0", "0.10", "5.00", "0.000000000000000001"}
	notes        = []map[string]string{nil, nil, {"record_id": "rec_123"}, {"a": "1", "b": ""}, {}}
	descriptions = []string{"", "", "note", "zwei\nZeilen"}
	items        = []string{"", "api", "storage", "APi"}
	itemFilters  = [][]cl.Filter{
		nil, nil, nil,
		{{Field: cl.FilterFieldItem, Operator: cl.FilterIncludes, Values: []string{"api"}}},
		{{Field: cl.FilterFieldItem, Operator: cl.FilterExcludes, Values: []string{"api", "seats"}}},
		{{Field: cl.FilterFieldItem, Operator: cl.FilterIncludes, Values: []string{"storage", "api"}}, {Field: cl.FilterFieldItem, Operator: cl.FilterExcludes, Values: []string{"storage"}}},
	}
)

func (g *generator) note() (string, map[string]string) {
	n := g.below(12, "note")
	if n < 7 {
		return "", nil
	}
	return descriptions[n%len(descriptions)], notes[n%len(notes)]
}
