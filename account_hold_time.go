package creditledger

import "slices"

// Holds lapse by time alone. What they kept of a block that has expired expires then.
// Nothing is written when a hold lapses; the next record says that it did.

// nextDue returns the earliest instant at which a hold can lapse and leave something to
// expire.
func (hs *holds) nextDue() Instant {
	if hs == nil || len(hs.dues) == 0 {
		return 0
	}
	return hs.dues[0].at
}

// passHolds takes the next step of time if it is about a hold: one lapses, or what one
// left of an expired block expires. It does nothing if the given block becomes effective
// first, or the other expires first. At one instant holds lapse first, and what expires
// is in drawdown order.
func (a *account) passHolds(t Instant, wake, due *block) bool {
	hs := a.holds
	if len(hs.freed) > 0 {
		if (wake != nil && wake.EffectiveAt <= a.at) ||
			(due != nil && due.ExpiresAt <= a.at && drawdownOrder(due, hs.freed[0].block) < 0) {
			return false
		}
		a.expireFreed()
		return true
	}
	if len(hs.open) == 0 || hs.open[0].until > t {
		return false
	}
	until := hs.open[0].until
	if (wake != nil && wake.EffectiveAt < until) || (due != nil && due.ExpiresAt < until) {
		return false
	}
	for len(hs.open) > 0 && hs.open[0].until == until {
		a.lapseHold(hs.open[0])
	}
	a.at, a.moved = until, until
	return true
}

// lapseHold releases a hold whose time has come. What it kept of blocks that have expired
// is noted, to expire now; it counts in the total until then.
func (a *account) lapseHold(h *hold) {
	hs := a.holds
	for i := range h.slices {
		s := &h.slices[i]
		rest := mustAmount(s.block.rare.held.Sub(s.amount))
		if s.block.ExpiresAt == 0 || s.block.ExpiresAt >= h.until {
			a.keep(s.block, rest)
			continue
		}
		if s.block.isWhole() {
			hs.whole.remove(s.block)
		}
		s.block.setHeld(rest)
		hs.free(*s)
	}
	hs.take(h)
	a.gross = mustAmount(a.gross.Sub(h.unbacked))
	hs.lapsed = append(hs.lapsed, h)
}

// free notes a part of an expired block that no hold keeps any more.
func (hs *holds) free(s slice) {
	i, found := slices.BinarySearchFunc(hs.freed, s, bySliceBlock)
	if !found {
		hs.freed = slices.Insert(hs.freed, i, s)
		return
	}
	hs.freed[i].amount = mustAmount(hs.freed[i].amount.Add(s.amount))
}

func bySliceBlock(a, b slice) int { return drawdownOrder(a.block, b.block) }

// expireFreed notes the expiry of the first freed part.
func (a *account) expireFreed() {
	s := a.holds.freed[0]
	a.holds.freed = after(a.holds.freed, 1)
	line := Line{Type: EntryCreditBlockExpiry, At: a.at, Block: s.block.Number, Amount: s.amount, Starting: a.total}
	a.total = mustAmount(a.total.Sub(s.amount))
	line.Ending = a.total
	a.lapsed = append(a.lapsed, lapse{block: s.block, line: line})
}

// resetHolds puts every hold back to its written state, in which an open hold keeps its
// slices. rebuild calls it before it places the blocks.
func (a *account) resetHolds() {
	hs := a.holds
	if hs == nil {
		return
	}
	for _, b := range a.open.all() {
		b.setHeld(Amount{})
	}
	open := append(hs.open, hs.lapsed...)
	hs.open, hs.lapsed, hs.dues, hs.freed = nil, nil, nil, nil
	hs.held, hs.unbacked = Amount{}, Amount{}
	hs.whole.reset(nil)
	for _, h := range open {
		for _, s := range h.slices {
			s.block.setHeld(mustAmount(s.block.rare.held.Add(s.amount)))
		}
		hs.add(h)
	}
	a.gross = mustAmount(a.gross.Add(hs.unbacked))
}

// overdueFreed puts back what was to expire at the instant of the last record and was not
// written with it: the parts of expired blocks that holds left when they lapsed at that
// instant.
func (a *account) overdueFreed(b *block) {
	if a.holds == nil {
		a.holds = newHolds()
	}
	amount := b.free()
	a.total = mustAmount(a.total.Add(amount))
	a.holds.free(slice{block: b, amount: amount})
}
