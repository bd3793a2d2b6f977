package fuzz

import (
	"fmt"
	"math/big"

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
	available := g.state.Available(g.at, op.ItemID)
	op.Amount = g.amount(available, available, g.state.Total(g.at))
	if model.Rat(op.Amount).Cmp(available) > 0 && available.Sign() > 0 && !g.chance(4, "too much") {
		op.Amount = model.Amount(available)
	}
	if g.chance(2, "until") {
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
	if g.chance(2, "more") {
		op.Amount = g.amount(g.state.Available(g.at, ""))
	}
	if g.chance(2, "longer") {
		op.Until = g.until()
	}
	op.Overdraft, op.OverdraftLimit = g.policy()
	op.Description, op.Metadata = g.note()
	return op
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
	var open, all []string
	for _, h := range g.state.Holds {
		all = append(all, h.ID)
		if h.State == model.Open {
			open = append(open, h.ID)
		}
	}
	if len(open) > 0 && !g.chance(6, "any hold") {
		all = open
	}
	if len(all) == 0 {
		return "nope"
	}
	return all[len(all)-1-g.below(len(all), "hold")]
}

// until is an instant of the next day or a little more, or beside one at which something
// happens.
func (g *generator) until() cl.Instant {
	if w := g.happening(); !w.IsZero() && g.chance(3, "happening") {
		return w.Instant()
	}
	return g.at.Add(oneOf(g, "span", spans...))
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
	return fmt.Sprintf("\n  hold %s %s of %s holds %s, %s unbacked, in %d slices, captured %s, until %s from %s for %q %q",
		h.ID, h.State, h.Amount, h.Held, h.Unbacked, len(h.Slices), h.Captured, h.Until, h.CreatedAt, h.ItemID, h.PriceID)
}

func wantedHold(h *model.Hold) string {
	if h == nil {
		return ""
	}
	slices := 0
	for _, s := range h.Slices {
		if s.Amount.Sign() > 0 {
			slices++
		}
	}
	return fmt.Sprintf("\n  hold %s %s of %s holds %s, %s unbacked, in %d slices, captured %s, until %s from %s for %q %q",
		h.ID, h.State, model.Text(h.Amount), model.Text(h.Held()), model.Text(h.Unbacked), slices, model.Text(h.Captured), h.Until, h.CreatedAt, h.Item, h.Price)
}
