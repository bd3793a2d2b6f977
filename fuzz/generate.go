package fuzz

import (
	"math/big"
	"slices"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// generator draws operations that fit the present account: they use its blocks, its
// balances to the last digit, and the instants at which something happens in it.
type generator struct {
	t     *rapid.T
	m     *machine
	on    *account
	state *model.State
	at    cl.Instant
	made  []string // ids that earlier operations of the same batch gave to blocks
	held  []string // and to holds

	planned []string // and to schedules
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
	if g.chance(4, "late") || len(g.outlived()) > 0 && g.chance(3, "late") {
		op.UsageAt = g.past()
	}
	if g.chance(5, "ids") {
		op.PriceID, op.InvoiceID = "price_1", "inv_2"
	}
	op.Description, op.Metadata = g.note()
	return op
}

// past returns an instant at or near which some block became effective or expired, or the
// present one.
func (g *generator) past() cl.Instant {
	at := g.at
	if n := len(g.state.Blocks); n > 0 && g.chance(2, "of a block") {
		b := g.state.Blocks[g.below(n, "which")]
		at = max(b.EffectiveAt, b.ActivatedAt)
		if b.ExpiresAt != 0 && g.chance(2, "its expiry") {
			at = b.ExpiresAt
		}
	}
	if lost := g.outlived(); len(lost) > 0 && g.chance(2, "of one that lost") {
		at = oneOf(g, "which", lost...).ExpiresAt - 1
	}
	return at + cl.Instant(g.below(3, "microseconds")-1)
}

// outlived are the expired blocks that lapsed with something or of which something is held.
func (g *generator) outlived() (list []*model.Block) {
	for _, b := range g.state.Blocks {
		if b.Expired(g.at) && (b.Lapsed.Sign() > 0 || g.state.HeldOf(b, g.at).Sign() > 0) {
			list = append(list, b)
		}
	}
	return list
}

// reverse takes back what some key or entry stands for, whether that is a charge or not.
// Mostly it exists, and often it is about late usage, a hold or an expired block.
func (g *generator) reverse() cl.Operation {
	op := cl.Reverse{Charge: "no such charge"}
	var charges, rare []*model.Entry
	for _, e := range g.state.Entries {
		if e.Type == cl.EntryDecrement {
			charges = append(charges, e)
			if e.UsageAt != 0 || e.Hold != "" || e.Block.Expired(g.at) {
				rare = append(rare, e)
			}
		}
	}
	if len(rare) > 0 && g.chance(2, "rare") {
		charges = rare
	}
	switch n := g.below(8, "charge or entry"); {
	case n < 5 && len(charges) > 0:
		e := charges[len(charges)-1-g.below(len(charges), "which")]
		if op = (cl.Reverse{Entry: uint64(e.Seq)}); e.Key != "" && n < 3 {
			op = cl.Reverse{Charge: e.Key}
		}
	case n == 5 && len(g.state.Entries) > 0:
		op = cl.Reverse{Entry: uint64(1 + g.below(len(g.state.Entries)+1, "entry"))}
	case len(g.on.keys) > 0:
		op.Charge = g.on.keys[g.below(len(g.on.keys), "charge")]
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
	op := cl.Void{Lapsed: g.chance(3, "lapsed")}
	op.BlockID = g.block(func(b *model.Block) bool {
		return b.Initial != nil && b.Room().Sign() > 0 && (op.Lapsed || b.ExpiresAt == 0 || b.ExpiresAt > g.at)
	})
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
	slices.Repeat([]string{"void"}, 12), slices.Repeat([]string{"amendment"}, 14), slices.Repeat([]string{"activate"}, 8), slices.Repeat([]string{"reverse"}, 12),
	slices.Repeat([]string{"hold"}, 16), slices.Repeat([]string{"extend_hold"}, 32), slices.Repeat([]string{"capture"}, 12), slices.Repeat([]string{"release"}, 8),
	slices.Repeat([]string{"schedule"}, 12), slices.Repeat([]string{"change_schedule"}, 10), slices.Repeat([]string{"end_schedule"}, 4),
)

func (g *generator) single() cl.Operation {
	if len(g.state.Blocks) == 0 && !g.chance(10, "on nothing") {
		return g.increment()
	}
	kind := oneOf(g, "operation", kinds...)
	if _, deleted := g.m.forbids(g.on.id); deleted && g.chance(3, "to its end") {
		kind = oneOf(g, "end", "capture", "release", "end_schedule")
	}
	if n := g.grants(); n > 3 && kind == "schedule" || n == 0 && (kind == "change_schedule" || kind == "end_schedule") && !g.chance(8, "anyhow") {
		kind = map[bool]string{true: "change_schedule", false: "schedule"}[n > 3]
	}
	switch kind {
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
	case "schedule":
		return g.schedule()
	case "change_schedule":
		return g.changeSchedule()
	case "end_schedule":
		return g.endSchedule()
	}
	panic("an operation of a kind that nobody makes")
}

func (g *generator) operation() cl.Operation {
	every := 12
	if foreign, deleted := g.m.forbids(g.on.id); foreign || deleted {
		every = 3 // faults are frequent here, to find out which refusal of a batch comes first
	}
	if !g.chance(every, "batch") {
		return g.single()
	}
	batch := cl.Batch{}
	if g.chance(4, "a pair") {
		batch = g.pair()
	}
	for range 1 + g.below(4, "size") {
		batch = append(batch, g.single())
	}
	if g.chance(6, "missing block") {
		batch = append(batch, cl.Void{BlockID: "nope", Amount: g.amount()})
	}
	return batch
}
