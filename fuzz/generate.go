package fuzz

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// generator draws operations that mean something to the account at hand: its blocks,
// its balances to the last digit, the instants at which something happens in it.
type generator struct {
	t     *rapid.T
	m     *machine
	on    *account
	state *model.State
	at    cl.Instant
	made  []string // ids that earlier operations of the same batch gave to blocks
	held  []string // and to holds
}

var sixBits = rapid.IntRange(0, 63)

// below draws a number below n. rapid prefers small numbers; two of them, scrambled,
// are even enough, and 0 stays the one that failures shrink to.
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
	// Mostly the simple ones, or the accounts would soon be full.
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

// moment is an instant near now, beside something that happens, or a bare date.
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

// date is a day soon, or rarely one of the next ninety years, some of which are about a
// New Year or the end of February.
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

func (g *generator) increment() cl.Operation {
	debt := new(big.Rat)
	for _, b := range g.state.Blocks {
		if b.Balance.Sign() < 0 {
			debt.Sub(debt, b.Balance)
		}
	}
	op := cl.Increment{Amount: g.amount(debt), BlockID: g.newID(), Filters: oneOf(g, "filters", itemFilters...), Priority: oneOf[int32](g, "priority", 0, 0, 0, 1, -1, 2)}
	if g.chance(3, "effective") {
		op.EffectiveAt = g.moment(g.chance(3, "in the past"))
	}
	if g.below(5, "expires") < 3 {
		op.ExpiresAt = g.moment(false)
		if op.ExpiresAt.Date() == 0 && op.ExpiresAt.Instant() <= g.at && !g.chance(5, "past") {
			op.ExpiresAt = cl.AtInstant(g.at.Add(oneOf(g, "span", spans[:8]...)))
		}
	} else if g.chance(6, "never") {
		op.ExpiresAt = cl.Never()
	}
	if cost := oneOf(g, "cost", costs...); cost != "" {
		op.CostBasis = cl.MustCostBasis(cost)
	}
	op.RequirePayment = g.chance(5, "pending")
	op.Source = oneOf(g, "source", cl.SourceManual, cl.SourceManual, cl.SourceAllocation, cl.SourceTopUp, cl.SourceCommitment)
	op.Repay = oneOf(g, "repay", cl.RepayDefault, cl.RepayDefault, cl.RepayFirst, cl.RepayNever)
	if g.chance(6, "invoice") {
		op.InvoiceID = "inv_1"
	}
	op.Description, op.Metadata = g.note()
	return op
}

func (g *generator) decrement() cl.Operation {
	op := cl.Decrement{ItemID: oneOf(g, "item", items...), Overdraft: oneOf(g, "overdraft", cl.OverdraftAllow, cl.OverdraftReject, cl.OverdraftStopAtZero, cl.OverdraftAllow)}
	total, available := g.state.Total(g.at), g.state.Available(g.at, op.ItemID)
	op.Amount = g.amount(available, total, new(big.Rat).Neg(total))
	if op.Overdraft == cl.OverdraftAllow && g.chance(4, "limited") {
		limit := g.amount(new(big.Rat).Neg(total))
		if g.chance(2, "limit 0") {
			limit = cl.Amount{}
		}
		op.OverdraftLimit = cl.OverdraftLimitOf(limit)
	}
	if g.chance(4, "late") {
		op.UsageAt = g.past()
	}
	if g.chance(5, "ids") {
		op.PriceID, op.InvoiceID = "price_1", "inv_2"
	}
	op.Description, op.Metadata = g.note()
	return op
}

// past is about an instant at which some block became effective or expired, or now.
func (g *generator) past() cl.Instant {
	at := g.at
	if n := len(g.state.Blocks); n > 0 && g.chance(2, "of a block") {
		b := g.state.Blocks[g.below(n, "which")]
		at = max(b.EffectiveAt, b.ActivatedAt)
		if b.ExpiresAt != 0 && g.chance(2, "its expiry") {
			at = b.ExpiresAt
		}
	}
	return at + cl.Instant(g.below(3, "microseconds")-1)
}

// reverse takes back what some key or entry stands for, a charge or not.
func (g *generator) reverse() cl.Operation {
	op := cl.Reverse{Charge: "no such charge"}
	if n := len(g.on.keys); n > 0 {
		op.Charge = g.on.keys[g.below(n, "charge")]
	}
	if n := len(g.state.Entries); n > 0 && g.chance(2, "by entry") {
		op = cl.Reverse{Entry: uint64(1 + g.below(n+1, "entry"))}
	}
	if g.chance(2, "part") {
		op.Amount = g.amount()
	}
	op.Description, op.Metadata = g.note()
	return op
}

func holding(b *model.Block) bool { return b.Balance.Sign() > 0 }

func (g *generator) expirationChange() cl.Operation {
	op := cl.ExpirationChange{BlockID: g.block(holding), NewBlockID: g.newID()}
	b := g.find(op.BlockID)
	if b.ExpiresAt != 0 {
		switch g.below(5, "source") {
		case 3:
			op.ExpiresAt = cl.AtInstant(b.ExpiresAt)
		case 4:
			op.BlockID, op.ExpiresAt = "", cl.AtInstant(b.ExpiresAt)
		}
	}
	if g.chance(20, "other expiry") {
		op.ExpiresAt = g.moment(false)
	}
	switch g.below(8, "target") {
	case 4:
		op.Target = cl.Never()
	case 5:
		op.Target = cl.AtInstant(b.ExpiresAt)
	case 6:
		op.Target = cl.AtInstant(b.EffectiveAt)
	case 7:
		op.Target = g.moment(true)
	default:
		op.Target = g.moment(false)
	}
	if op.Target.IsZero() {
		op.Target = cl.Never()
	}
	if g.below(3, "part") > 0 {
		op.Amount = g.amount(b.Balance, b.Balance)
		if model.Rat(op.Amount).Cmp(b.Balance) > 0 && !g.chance(5, "too much") {
			op.Amount = cl.Amount{}
		}
	}
	op.Description, op.Metadata = g.note()
	return op
}

func (g *generator) void() cl.Operation {
	op := cl.Void{BlockID: g.block(func(b *model.Block) bool {
		return b.Initial != nil && b.Room().Sign() > 0 && (b.ExpiresAt == 0 || b.ExpiresAt > g.at)
	})}
	b := g.find(op.BlockID)
	room := b.Room()
	if room == nil {
		room = new(big.Rat)
	}
	op.Amount = g.amount(room, b.Balance, room)
	if room.Sign() > 0 && model.Rat(op.Amount).Cmp(room) > 0 && !g.chance(5, "too much") {
		op.Amount = model.Amount(room)
	}
	if g.chance(3, "refund") {
		op.Reason = cl.VoidRefund
	}
	op.Description, op.Metadata = g.note()
	return op
}

func (g *generator) amendment() cl.Operation {
	op := cl.Amendment{BlockID: g.block(func(b *model.Block) bool {
		return b.Balance.Sign() < 0 || b.Initial != nil && b.Room().Cmp(b.Balance) > 0 && (b.ExpiresAt == 0 || b.ExpiresAt > g.at)
	})}
	b := g.find(op.BlockID)
	room := b.Room()
	if room == nil {
		room = new(big.Rat)
	}
	free := new(big.Rat).Sub(room, b.Balance)
	op.Amount = g.amount(free, free)
	if a, err := cl.ParseAmount(model.Text(free)); err == nil && free.Sign() > 0 && g.below(3, "fits") > 0 {
		op.Amount = a
	}
	op.Description, op.Metadata = g.note()
	return op
}

func (g *generator) activation() cl.Operation {
	op := cl.Activation{BlockID: g.block(func(b *model.Block) bool { return b.ActivatedAt == 0 })}
	op.Description, op.Metadata = g.note()
	return op
}

// kinds are the operations, each as often as it should come.
var kinds = slices.Concat(
	slices.Repeat([]string{"increment"}, 24), slices.Repeat([]string{"decrement"}, 26), slices.Repeat([]string{"expiration_change"}, 16),
	slices.Repeat([]string{"void"}, 12), slices.Repeat([]string{"amendment"}, 12), slices.Repeat([]string{"activate"}, 6), slices.Repeat([]string{"reverse"}, 12),
	slices.Repeat([]string{"hold"}, 7), slices.Repeat([]string{"extend_hold"}, 2), slices.Repeat([]string{"capture"}, 5), slices.Repeat([]string{"release"}, 2),
)

func (g *generator) single() cl.Operation {
	if len(g.state.Blocks) == 0 && !g.chance(10, "on nothing") {
		return g.increment()
	}
	switch oneOf(g, "operation", kinds...) {
	case "increment":
		return g.increment()
	case "decrement":
		return g.decrement()
	case "expiration_change":
		return g.expirationChange()
	case "void":
		return g.void()
	case "amendment":
		return g.amendment()
	case "activate":
		return g.activation()
	case "reverse":
		return g.reverse()
	case "hold":
		return g.hold()
	case "extend_hold":
		return g.extendHold()
	case "capture":
		return g.capture()
	case "release":
		return g.release()
	}
	panic("an operation of a kind that nobody makes")
}

func (g *generator) operation() cl.Operation {
	every := 12
	if foreign, deleted := g.m.forbids(g.on.id); foreign || deleted {
		every = 3 // which refusal of a batch is the first shows best here
	}
	if !g.chance(every, "batch") {
		return g.single()
	}
	batch := cl.Batch{}
	for range 1 + g.below(4, "size") {
		batch = append(batch, g.single())
	}
	if g.chance(6, "missing block") {
		batch = append(batch, cl.Void{BlockID: "nope", Amount: g.amount()})
	}
	return batch
}
