package creditledger

import "slices"

// holdChange is what one operation does to a hold. step computes it, apply makes it so.
type holdChange struct {
	hold     *hold
	was, now holdState
	made     bool   // the operation makes the hold
	same     bool   // the hold was closed before, and stays as it is
	late     bool   // a capture after the hold had lapsed
	before   uint64 // record of the operation before this one on the hold; 0: none
}

// lapsedHold is a hold that lapsed since the record before, with its last written state.
type lapsedHold struct {
	hold *hold
	was  holdState
}

// unbacked returns what the hold keeps and no block covers, before and after the change.
// It is a part of the account's gross.
func (hc *holdChange) unbacked(t Instant) (was, now Amount) {
	if hc == nil || hc.same {
		return was, now
	}
	if !hc.made && hc.hold.stateAt(t) == HoldOpen {
		was = hc.hold.unbacked
	}
	return was, hc.now.unbacked
}

// applyHold makes a change of a hold part of the account.
func (a *account) applyHold(c *change) {
	hc := c.hold
	h := hc.hold
	hc.before = h.last
	if hc.same {
		hc.now = h.holdState
		return
	}
	if a.holds == nil {
		a.holds = newHolds()
	}
	hc.now.last, hc.now.since = a.head.Version+1, a.head.Version+1
	if hc.made {
		h.holdState = hc.now
		a.openHold(h)
		a.head.Rows++
	} else {
		hc.was = h.holdState
		a.setHold(h, hc.now)
	}
	c.rows = append(c.rows, h.row(hc.made))
}

// row returns the hold as a store keeps it.
func (h *hold) row(made bool) StoredRow {
	w := h.stored(&h.holdState)
	return StoredRow{Row: Row{Kind: RowHold, Key: h.id, Value: appendHoldRow(nil, &w)}, Open: h.state == HoldOpen, New: made}
}

// revertHold takes it back.
func (a *account) revertHold(hc *holdChange) {
	switch {
	case hc.same:
	case hc.made:
		a.closeHold(hc.hold)
		hc.hold.holdState = holdState{}
	default:
		a.setHold(hc.hold, hc.was)
	}
}

// setHold gives a hold in memory another state.
func (a *account) setHold(h *hold, s holdState) {
	if h.state == HoldOpen {
		a.closeHold(h)
	} else {
		delete(a.holds.closed, h.id)
	}
	h.holdState = s
	if h.state == HoldOpen {
		a.openHold(h)
	} else {
		a.holds.keepClosed(h)
	}
}

// openHold and closeHold put an open hold into the lists and take it out. What it keeps
// of blocks is in the edits of the change.
func (a *account) openHold(h *hold) {
	a.holds.byID[h.id] = h
	a.holds.weight += h.weight()
	a.holds.add(h)
}

func (a *account) closeHold(h *hold) {
	a.holds.take(h)
	a.holds.weight -= h.weight()
	delete(a.holds.byID, h.id)
}

// closeLapsed closes the holds that lapsed by the instant of a record, which says so.
func (a *account) closeLapsed(c *change, at Instant) {
	hs := a.holds
	n := 0
	for ; n < len(hs.lapsed) && hs.lapsed[n].until <= at; n++ {
		h := hs.lapsed[n]
		c.lapses = append(c.lapses, lapsedHold{hold: h, was: h.holdState})
		hs.weight -= h.weight()
		delete(hs.byID, h.id)
		h.close(HoldLapsed)
		h.since = a.head.Version + 1
		hs.keepClosed(h)
		c.rows = append(c.rows, h.row(false))
	}
	hs.lapsed = after(hs.lapsed, n)
}

// reopenLapsed undoes closeLapsed.
func (a *account) reopenLapsed(c *change) {
	hs := a.holds
	if hs == nil {
		return
	}
	again := make([]*hold, 0, len(c.lapses)+len(hs.lapsed))
	for i := range c.lapses {
		h := c.lapses[i].hold
		delete(hs.closed, h.id)
		h.holdState = c.lapses[i].was
		hs.byID[h.id] = h
		hs.weight += h.weight()
		again = append(again, h)
	}
	hs.lapsed = append(again, hs.lapsed...)
	a.dropHolds()
}

// dropHolds frees the memory for holds of an account that has none in memory.
func (a *account) dropHolds() {
	if hs := a.holds; hs != nil && len(hs.byID)+len(hs.closed)+len(hs.freed) == 0 {
		a.holds = nil
	}
}

// edited returns the edit of a block in a change that may touch it more than once. A new
// edit changes only how much of the block is held.
func (c *change) edited(b *block) *edit {
	const few = 16
	if c.index == nil {
		for i := range c.edits {
			if c.edits[i].block == b {
				return &c.edits[i]
			}
		}
		if len(c.edits) == few {
			c.index = make(map[*block]int, 2*few)
			for i := range c.edits {
				c.index[c.edits[i].block] = i
			}
		}
	} else if i, ok := c.index[b]; ok {
		return &c.edits[i]
	}
	if c.index != nil {
		c.index[b] = len(c.edits)
	}
	c.edit(b)
	e := &c.edits[len(c.edits)-1]
	e.heldOnly = true
	return e
}

// editHeld returns the edit for a change of how much of a block is held, which is not
// stored with the block.
func (c *change) editHeld(b *block) *blockState { return &c.edited(b).now }

// editStored returns the edit for every other change.
func (c *change) editStored(b *block) *blockState {
	e := c.edited(b)
	e.heldOnly = false
	return &e.now
}

// effect returns what a record says about the change of the hold, once it is applied.
func (hc *holdChange) effect() *effectOnHold {
	if hc == nil {
		return nil
	}
	e := &effectOnHold{storedHold: hc.hold.stored(&hc.now), late: hc.late}
	e.last = hc.before
	return e
}

// stored returns a hold with one of its states in the form that is stored.
func (h *hold) stored(s *holdState) storedHold {
	w := storedHold{
		state: s.state, createdAt: h.createdAt, until: s.until,
		amount: s.amount, captured: s.captured, unbacked: s.unbacked,
		itemID: h.itemID, priceID: h.priceID, last: s.last,
	}
	if len(s.slices) > 0 {
		w.slices = make([]storedSlice, len(s.slices))
	}
	for i := range s.slices {
		w.slices[i] = storedSlice{block: s.slices[i].block.Number, amount: s.slices[i].amount}
	}
	return w
}

// lapsesSince returns what a record says about the holds that lapsed before the change.
func (c *change) lapsesSince() (lapses []lapsedSince) {
	for i := range c.lapses {
		lapses = append(lapses, lapsedSince{id: c.lapses[i].hold.id, last: c.lapses[i].was.last})
	}
	return lapses
}

// checkLapses compares what a record says about lapsed holds with the holds that lapsed
// since the record before.
func checkLapses(rec *OpRecord, changes []*change) error {
	var lapses []lapsedSince
	for _, c := range changes {
		lapses = append(lapses, c.lapsesSince()...)
	}
	if !slices.Equal(lapses, rec.lapses) {
		return violation(rec, "holds", "the holds that it says have lapsed are not those that did")
	}
	return nil
}

// holdDifferenceIn names the first field in which a record and its replay differ about a
// hold.
func holdDifferenceIn(a, b *effectOnHold) string {
	if a == nil || b == nil {
		if a != b {
			return "what is said"
		}
		return ""
	}
	return firstDifference(
		compared{"state", a.state == b.state},
		compared{"created_at", a.createdAt == b.createdAt},
		compared{"until", a.until == b.until},
		compared{"amount", a.amount == b.amount},
		compared{"captured", a.captured == b.captured},
		compared{"unbacked", a.unbacked == b.unbacked},
		compared{"slices", slices.Equal(a.slices, b.slices)},
		compared{"item_id", a.itemID == b.itemID},
		compared{"price_id", a.priceID == b.priceID},
		compared{"late", a.late == b.late},
		compared{"record before", a.last == b.last})
}

// takeSlices takes an amount from slices, the first ones first. It returns what is left
// of them and what was taken of each, and does not change its argument.
func takeSlices(given []slice, amount Amount) (taken, rest []slice) {
	for i, s := range given {
		if amount.IsZero() {
			return taken, append(rest, given[i:]...)
		}
		part := minAmount(s.amount, amount)
		amount = mustAmount(amount.Sub(part))
		taken = append(taken, slice{s.block, part})
		if left := mustAmount(s.amount.Sub(part)); !left.IsZero() {
			rest = append(rest, slice{s.block, left})
		}
	}
	return taken, rest
}

// addSlices returns slices with draws added: to the slice of the same block if there is
// one, otherwise at the end.
func addSlices(given []slice, draws []draw) []slice {
	sum := slices.Clone(given)
	at := map[*block]int{}
	for i := range sum {
		at[sum[i].block] = i
	}
	for _, d := range draws {
		if i, ok := at[d.block]; ok {
			sum[i].amount = mustAmount(sum[i].amount.Add(d.amount))
			continue
		}
		sum = append(sum, slice(d))
	}
	return sum
}
