package model_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// effects adds up what entries did to their blocks, and checks that each continues the one
// before: between two entries the total moves only by what became eligible.
func effects(h *history, s *model.State) (balances, lapsed map[int]*big.Rat) {
	balances, lapsed = map[int]*big.Rat{}, map[int]*big.Rat{}
	for _, b := range s.Blocks {
		balances[b.Number], lapsed[b.Number] = zero(), zero()
	}
	var last cl.Instant
	total := zero()
	for i, e := range s.Entries {
		h.holds(e.Seq == i+1 && e.At >= last, "the order of entries")
		gap := new(big.Rat).Sub(e.Starting, total)
		var perhaps []*big.Rat // of blocks activated at the instant of one of the two
		for _, b := range s.Blocks {
			switch from := max(b.EffectiveAt, b.ActivatedAt); {
			case b.ActivatedAt == 0 || from > e.At || from < last:
			case b.Gated && (from == last || from == e.At):
				perhaps = append(perhaps, balances[b.Number])
			case from > last:
				gap.Sub(gap, balances[b.Number])
			}
		}
		h.holds(sumOfSome(gap, perhaps), fmt.Sprintf("the gap before entry %d", e.Seq))
		move := func(n int, by *big.Rat) { balances[n].Add(balances[n], by) }
		minus := new(big.Rat).Neg(e.Amount)
		switch e.Type {
		case cl.EntryIncrement, cl.EntryAmendment:
			move(e.Block.Number, e.Amount)
			if e.UsageAt != 0 {
				lapsed[e.Block.Number].Sub(lapsed[e.Block.Number], e.Amount)
			}
		case cl.EntryDecrement, cl.EntryVoid:
			move(e.Block.Number, minus)
			if expires := e.Block.ExpiresAt; e.Type == cl.EntryVoid && expires != 0 && expires <= e.At { // of what lapsed
				if rest := lapsed[e.Block.Number]; rest.Sub(rest, e.Void).Sign() < 0 {
					rest.SetInt64(0)
				}
			}
		case cl.EntryCreditBlockExpiry:
			move(e.Block.Number, minus)
			lapsed[e.Block.Number].Add(lapsed[e.Block.Number], e.Amount)
		case cl.EntryExpirationChange:
			move(e.Block.Number, minus)
			move(e.New.Number, e.Amount)
		}
		last, total = e.At, e.Ending
	}
	return balances, lapsed
}

// sumOfSome tells whether some of the numbers add up to one.
func sumOfSome(sum *big.Rat, of []*big.Rat) bool {
	if sum.Sign() == 0 || len(of) == 0 {
		return sum.Sign() == 0
	}
	return sumOfSome(sum, of[1:]) || sumOfSome(new(big.Rat).Sub(sum, of[0]), of[1:])
}

func sound(h *history, s *model.State) {
	balances, lapsed := effects(h, s)
	held := map[int]*big.Rat{}
	for _, x := range s.Holds {
		soundHold(h, s, x, held)
	}
	for _, b := range s.Blocks {
		h.same("balance of "+b.ID, b.Balance, balances[b.Number])
		h.same("lapsed of "+b.ID, b.Lapsed, lapsed[b.Number])
		h.holds(b.Lapsed.Sign() >= 0, "lapsed of "+b.ID)
		h.holds(b.Balance.Sign() >= 0 || b.ExpiresAt == 0 && len(b.Filters) == 0, "only what never expires is negative")
		if room := b.Room(); room != nil {
			h.holds(room.Sign() >= 0 && new(big.Rat).Add(b.Balance, b.Lapsed).Cmp(room) <= 0, "the capacity of "+b.ID)
		}
		if x := held[b.Number]; x != nil {
			h.holds(x.Cmp(b.Balance) <= 0, "the slices of "+b.ID)
		}
		h.holds(!b.Expired(s.Last) || b.Balance.Sign() == 0 || s.HeldOf(b, s.Last).Cmp(b.Balance) == 0, "what is left of the expired "+b.ID)
	}
	if n := len(s.Entries); n > 0 && s.Entries[n-1].At == s.Last {
		var ready []*big.Rat
		for _, b := range s.Blocks {
			if b.Gated && b.ActivatedAt == s.Last && b.EffectiveAt <= s.Last {
				ready = append(ready, b.Balance)
			}
		}
		h.holds(sumOfSome(new(big.Rat).Sub(s.Total(s.Last), s.Entries[n-1].Ending), ready), "the total")
	}
	reversed := map[int]*big.Rat{}
	for _, e := range s.Entries {
		if e.Reverses > 0 {
			reversed[e.Reverses] = new(big.Rat).Add(cmpOr(reversed[e.Reverses]), e.Amount)
		}
	}
	for _, b := range s.Blocks {
		repaid := zero()
		for _, e := range s.Entries {
			switch {
			case e.Type == cl.EntryIncrement && e.Refills && e.Block.Number == b.Number:
				repaid.Add(repaid, e.Amount)
			case e.Type == cl.EntryIncrement && e.Reverses > 0 && s.Entries[e.Reverses-1].Block.Number == b.Number:
				repaid.Sub(repaid, e.Amount)
			}
		}
		h.holds(repaid.Sign() >= 0, "what came back of the repayments of "+b.ID)
	}
	for seq, x := range reversed {
		h.holds(s.Entries[seq-1].Type == cl.EntryDecrement && x.Cmp(s.Entries[seq-1].Amount) <= 0, fmt.Sprintf("the reversal of entry %d", seq))
	}
	soundPlans(h, s)
}

func cmpOr(r *big.Rat) *big.Rat {
	if r == nil {
		return zero()
	}
	return r
}

func soundHold(h *history, s *model.State, x *model.Hold, held map[int]*big.Rat) {
	sum := new(big.Rat).Set(x.Unbacked)
	for _, slice := range x.Slices {
		h.holds(slice.Amount.Sign() > 0, "a slice of "+x.ID)
		sum.Add(sum, slice.Amount)
		held[slice.Block] = new(big.Rat).Add(cmpOr(held[slice.Block]), slice.Amount)
	}
	h.same("what "+x.ID+" holds", x.Held(), sum)
	h.holds(x.State == model.Open || sum.Sign() == 0, "nothing is held by the closed "+x.ID)
	for _, part := range []*big.Rat{x.Captured, x.Released, x.Lapsed} {
		sum.Add(sum, part)
	}
	h.same("the amount of "+x.ID, x.Amount, sum)
	taken := zero()
	for _, e := range s.Entries {
		if e.Hold == x.ID {
			taken.Add(taken, e.Amount)
		}
	}
	h.holds(taken.Cmp(x.Captured) >= 0, "the entries of "+x.ID)
}

// soundPlans checks that every period of a schedule that has come was granted once, at its
// beginning.
func soundPlans(h *history, s *model.State) {
	for _, p := range s.Plans {
		if p.CatchUp == "latest" {
			continue
		}
		h.holds(p.Next() == 0 || p.Next() > s.Last, "nothing of "+p.ScheduleID+" is due")
		granted := map[string]int{}
		for _, b := range s.Blocks {
			if b.Plan == p.ScheduleID && b.Carried == 0 && !strings.Contains(b.ID, "+") {
				granted[b.ID]++
			}
		}
		for id, n := range granted {
			h.holds(n == 1, "one grant of "+id)
		}
		h.holds(len(granted) <= p.Granted, "the grants of "+p.ScheduleID)
	}
}

// drained checks that no block that pays sooner kept something while a later one was drawn.
func drained(h *history, s *model.State, op model.Operation, r *model.Result) {
	var item string
	var usage cl.Instant
	switch op := op.(type) {
	case cl.Decrement:
		item, usage = op.ItemID, op.UsageAt
	default:
		return
	}
	drawn := map[int]bool{}
	for _, e := range r.Entries {
		if e.Type == cl.EntryDecrement {
			drawn[e.Block.Number] = true
		}
	}
	kept := ""
	for _, b := range model.InOrder(slices.Clone(s.Blocks)) {
		left := new(big.Rat).Sub(b.Balance, s.HeldOf(b, s.Last))
		if b.Expired(s.Last) {
			left = b.Lapsed
		}
		if usage == 0 && !b.Eligible(s.Last) || usage != 0 && (b.ActivatedAt == 0 || b.Gated && b.ActivatedAt > usage || b.EffectiveAt > usage || b.Expired(usage)) || !b.Lets(item) {
			continue
		}
		h.holds(!drawn[b.Number] || kept == "", "that "+kept+" was drained before "+b.ID)
		if left.Sign() > 0 {
			kept = b.ID
		}
	}
}
