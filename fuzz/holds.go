package fuzz

import (
	"fmt"
	"math/big"
	"time"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// hold sets credits aside, under an id that is mostly new.
func (g *generator) hold() cl.Operation {
	op := cl.Hold{ItemID: oneOf(g, "item", items...)}
	if g.chance(8, "used hold") {
		op.HoldID = g.holdID(1)
	} else {
		g.m.fresh++
		op.HoldID = fmt.Sprintf("h%d", g.m.fresh)
		g.held = append(g.held, op.HoldID)
	}
	op.Amount = g.affordable(op.ItemID)
	if g.below(3, "until") > 0 {
		op.Until = g.until()
	}
	op.Overdraft, op.OverdraftLimit = g.policy()
	if g.chance(5, "ids") {
		op.PriceID = "price_1"
	}
	op.Description, op.Metadata = g.note()
	return op
}

func (g *generator) extendHold() cl.Operation {
	op := cl.ExtendHold{HoldID: g.holdID(24)}
	h := g.state.Hold(op.HoldID)
	if g.below(3, "more") > 0 {
		op.Amount = g.affordable("")
	}
	switch {
	case !g.chance(2, "longer"):
	case h != nil && !g.chance(4, "anyhow"):
		end := h.CreatedAt.Add(24 * time.Hour)
		op.Until = oneOf(g, "until", end, h.Until, min(end, h.Until.Add(time.Hour)), end+1, h.Until-1)
	default:
		op.Until = g.until()
	}
	op.Overdraft, op.OverdraftLimit = g.policy()
	op.Description, op.Metadata = g.note()
	return op
}

// affordable returns an amount that is mostly available.
func (g *generator) affordable(item string) cl.Amount {
	available := g.state.Available(g.at, item)
	amount := g.amount(available, available, g.state.Total(g.at))
	if model.Rat(amount).Cmp(available) > 0 && available.Sign() > 0 && !g.chance(4, "too much") {
		return model.Amount(available)
	}
	return amount
}

// capture takes less than a hold keeps, all, or more.
func (g *generator) capture() cl.Operation {
	op := cl.Capture{HoldID: g.holdID(24), KeepOpen: g.chance(2, "keep open"), Amount: g.amount()}
	if h := g.state.Hold(op.HoldID); h != nil {
		op.Amount = g.amount(h.Held(), h.Amount, new(big.Rat).Mul(h.Held(), big.NewRat(1, 2)))
	}
	if g.chance(12, "nothing") {
		op.Amount = cl.Amount{}
	}
	if g.chance(3, "after the lapse") {
		op.AfterLapse = cl.AfterLapseRefuse
	}
	op.Overdraft, op.OverdraftLimit = g.policy()
	op.Description, op.Metadata = g.note()
	return op
}

func (g *generator) release() cl.Operation {
	op := cl.Release{HoldID: g.holdID(24)}
	op.Description, op.Metadata = g.note()
	return op
}

// holdID draws a hold that there is, mostly an open one, and once in so many times one
// that there is not.
func (g *generator) holdID(unknown int) string {
	if g.chance(unknown, "unknown hold") && unknown > 1 {
		return "nope"
	}
	if len(g.held) > 0 && g.chance(3, "of this batch") {
		return oneOf(g, "held", g.held...)
	}
	var all, open, outlived []string
	for _, h := range g.state.Holds {
		all = append(all, h.ID)
		if h.State != model.Open || h.Until <= g.at {
			continue
		}
		open = append(open, h.ID)
		for _, s := range h.Slices {
			if g.state.Blocks[s.Block-1].Expired(g.at) {
				outlived = append(outlived, h.ID)
				break
			}
		}
	}
	switch n := g.below(6, "any hold"); {
	case len(outlived) > 0 && n < 3:
		all = outlived
	case len(open) > 0 && n < 5:
		all = open
	}
	if len(all) == 0 {
		return "nope"
	}
	return all[len(all)-1-g.below(len(all), "hold")]
}

// until is an instant of the next day or a little more, mostly beside the next expiry.
func (g *generator) until() cl.Instant {
	until := g.at.Add(oneOf(g, "span", spans[:7]...))
	var next cl.Instant
	for _, b := range g.state.Blocks {
		if b.Balance.Sign() > 0 && b.ExpiresAt > g.at && (next == 0 || b.ExpiresAt < next) {
			next = b.ExpiresAt
		}
	}
	if next != 0 && g.chance(2, "beside an expiry") {
		until = next.Add(oneOf(g, "beside", 0, time.Hour, time.Hour, time.Minute, time.Microsecond, -time.Microsecond))
	}
	if until > g.at.Add(24*time.Hour) && !g.chance(6, "too long") {
		until = g.at.Add(24 * time.Hour)
	}
	return until
}

// turning returns when something happens to an open hold or to a block that it keeps; 0
// if nothing does.
func (g *generator) turning() cl.Instant {
	var at []cl.Instant
	for _, h := range g.state.Holds {
		if h.State != model.Open || h.Until <= g.at {
			continue
		}
		at = append(at, h.Until, h.Until-1, min(h.Until-1, g.at.Add(time.Minute)))
		for _, s := range h.Slices {
			if e := g.state.Blocks[s.Block-1].ExpiresAt; e > g.at {
				at = append(at, e, e, e, min(h.Until-1, e.Add(time.Second)))
			}
		}
	}
	if len(at) == 0 {
		return 0
	}
	return oneOf(g, "turning", at...)
}

// pair returns a batch of two operations: on a hold, and on another hold or a block of
// the first.
func (g *generator) pair() cl.Batch {
	switch g.below(3, "pair") {
	case 1:
		h := g.hold().(cl.Hold)
		c := g.capture().(cl.Capture)
		c.HoldID, c.Amount = h.HoldID, h.Amount
		return cl.Batch{h, c}
	case 2:
		return cl.Batch{g.capture(), g.hold()}
	}
	r := g.release().(cl.Release)
	v := g.void().(cl.Void)
	if h := g.state.Hold(r.HoldID); h != nil && len(h.Slices) > 0 {
		b := g.state.Blocks[h.Slices[g.below(len(h.Slices), "slice")].Block-1]
		v.BlockID, v.Amount = b.ID, g.amount(b.Balance, b.Balance)
	}
	return cl.Batch{r, v}
}

// policy is an overdraft policy, mostly the one of the operation, and its limit.
func (g *generator) policy() (cl.Overdraft, cl.OverdraftLimit) {
	o := oneOf(g, "overdraft", cl.OverdraftDefault, cl.OverdraftDefault, cl.OverdraftReject, cl.OverdraftStopAtZero, cl.OverdraftAllow)
	if o == cl.OverdraftAllow && g.chance(2, "limited") {
		return o, cl.OverdraftLimitOf(g.amount(new(big.Rat).Neg(g.state.Total(g.at))))
	}
	return o, cl.OverdraftLimit{}
}

func holdText(h *cl.HoldInfo) string {
	if h == nil {
		return ""
	}
	text := fmt.Sprintf("\n  hold %s %s of %s holds %s, %s unbacked, captured %s, until %s from %s for %q %q",
		h.ID, h.State, h.Amount, h.Held, h.Unbacked, h.Captured, h.Until, h.CreatedAt, h.ItemID, h.PriceID)
	for _, s := range h.Slices {
		text += fmt.Sprintf(" %s of %s", s.Amount, s.BlockID)
	}
	return text
}

// wantedHold is the same of the model's hold, whose slices name blocks of the state.
func wantedHold(s *model.State, h *model.Hold) string {
	if h == nil {
		return ""
	}
	text := fmt.Sprintf("\n  hold %s %s of %s holds %s, %s unbacked, captured %s, until %s from %s for %q %q",
		h.ID, h.State, model.Text(h.Amount), model.Text(h.Held()), model.Text(h.Unbacked), model.Text(h.Captured), h.Until, h.CreatedAt, h.Item, h.Price)
	for _, x := range h.Slices {
		if x.Amount.Sign() > 0 {
			text += fmt.Sprintf(" %s of %s", model.Text(x.Amount), s.Blocks[x.Block-1].ID)
		}
	}
	return text
}
