package creditledger

import (
	"slices"
	"time"
)

// holdCharge returns the charge that a hold is for.
func holdCharge(id AccountID, h *hold) Charge {
	return Charge{ItemID: h.itemID, PriceID: h.priceID, Currency: id.Currency}
}

// stepHold sets credits aside. It writes no entry. Rule: docs/semantics/holds.md.
func stepHold(a *account, op *Hold, c *change) error {
	if a.findHold(op.HoldID) != nil {
		return &DuplicateError{Kind: "hold", ID: op.HoldID}
	}
	if a.holds != nil && len(a.holds.open) == MaxOpenHolds {
		return constraint("the account has %d open holds, as many as it may: capture or release some", MaxOpenHolds)
	}
	h := &hold{id: op.HoldID, createdAt: a.at, itemID: op.ItemID, priceID: op.PriceID}
	hc := &holdChange{hold: h, made: true, now: holdState{state: HoldOpen, until: op.until(a.at)}}
	c.hold = hc
	return setAside(a, c, op.Amount, op.Overdraft, op.OverdraftLimit)
}

// setAside takes free parts of the blocks that match a hold, in drawdown order. Under
// OverdraftAllow the hold also promises what they do not cover.
func setAside(a *account, c *change, amount Amount, policy Overdraft, limit OverdraftLimit) error {
	hc := c.hold
	charge := holdCharge(a.id, hc.hold)
	most, bounded := a.reach(policy, limit, charge, Amount{}, Amount{})
	if bounded && amount.Cmp(most) > 0 {
		if policy != OverdraftStopAtZero || most.IsZero() {
			return &InsufficientCreditsError{Requested: amount, Available: most}
		}
		amount = most
	}
	draws, rest := a.draw(&usage{charge: charge}, nil, amount, MaxEntries+1, nil)
	for _, d := range draws {
		c.editHeld(d.block).hold(d.amount)
	}
	now := &hc.now
	now.slices = addSlices(now.slices, draws)
	if len(draws) > MaxEntries || len(now.slices) > MaxEntries {
		return &LimitError{Entries: MaxEntries + 1} // entries that a capture would write
	}
	var err error
	if now.unbacked, err = now.unbacked.Add(rest); err != nil {
		return err
	}
	now.amount, err = now.amount.Add(amount)
	return err
}

// stillOpen finds a hold that an operation names and that is still open.
func stillOpen(a *account, id string) (*hold, error) {
	h := a.findHold(id)
	if h == nil {
		return nil, &NotFoundError{Kind: "hold", ID: id}
	}
	if s := h.stateAt(a.at); s != HoldOpen {
		return nil, &HoldStateError{HoldID: id, State: s}
	}
	return h, nil
}

// stepExtendHold sets more aside, or extends the hold, or both.
func stepExtendHold(a *account, op *ExtendHold, c *change) error {
	h, err := stillOpen(a, op.HoldID)
	if err != nil {
		return err
	}
	hc := &holdChange{hold: h, now: h.holdState}
	if op.Until != 0 {
		if op.Until < h.until {
			return constraint("hold %s lasts until %s: it cannot end earlier, %s", quote(h.id), h.until, op.Until)
		}
		if last := h.createdAt + c.longest; c.longest != 0 && op.Until > last {
			return constraint("hold %s may last until %s, not %s: a hold lasts %s at most", quote(h.id), last, op.Until, time.Duration(c.longest)*time.Microsecond)
		}
		hc.now.until = op.Until
	}
	c.hold = hc
	if op.Amount.IsZero() {
		return nil
	}
	return setAside(a, c, op.Amount, op.Overdraft, op.OverdraftLimit)
}

// stepRelease releases a hold. A hold that is closed or has lapsed stays as it is.
func stepRelease(a *account, id string, c *change) error {
	h := a.findHold(id)
	if h == nil {
		return &NotFoundError{Kind: "hold", ID: id}
	}
	hc := &holdChange{hold: h, now: h.holdState}
	c.hold = hc
	if h.stateAt(a.at) != HoldOpen {
		hc.same = true
		return nil
	}
	hc.now.close(HoldReleased)
	total := a.total
	return free(a, c, h.slices, &total)
}

// stepCapture charges what was used: first the hold's own slices, then its unbacked part,
// then what exceeds the hold. Rule: docs/semantics/holds.md, "Capture, extend, release".
func stepCapture(a *account, op *Capture, c *change) error {
	if op.Amount.IsZero() {
		return stepRelease(a, op.HoldID, c)
	}
	h := a.findHold(op.HoldID)
	if h == nil {
		return &NotFoundError{Kind: "hold", ID: op.HoldID}
	}
	switch state := h.stateAt(a.at); {
	case state == HoldOpen:
		return captureOpen(a, h, op, c)
	case state == HoldLapsed && op.AfterLapse == AfterLapseCharge:
		return captureLate(a, h, op, c)
	default:
		return &HoldStateError{HoldID: h.id, State: state}
	}
}

func captureOpen(a *account, h *hold, op *Capture, c *change) error {
	own := minAmount(op.Amount, h.held())
	taken, rest := takeSlices(h.slices, own)
	promised := own
	for i := range taken {
		promised = mustAmount(promised.Sub(taken[i].amount))
	}
	hc := &holdChange{hold: h, now: h.holdState}
	hc.now.captured = mustAmount(h.captured.Add(own))
	hc.now.slices = rest
	hc.now.unbacked = mustAmount(h.unbacked.Sub(promised))
	if !op.KeepOpen {
		hc.now.close(HoldCaptured)
	}
	c.hold = hc

	above := mustAmount(op.Amount.Sub(own))
	if !above.IsZero() {
		var err error
		if above, err = allowedAbove(a, h, op, own, above, promised, c); err != nil {
			return err
		}
	}
	want, err := promised.Add(above)
	if err != nil {
		return err
	}
	total := a.total
	if err := payHeld(a, holdCharge(a.id, h), taken, want, c, &total); err != nil || op.KeepOpen {
		return err
	}
	return free(a, c, rest, &total)
}

// allowedAbove returns how much of what exceeds a hold the capture's policy lets through,
// once everything that the hold promised is paid.
func allowedAbove(a *account, h *hold, op *Capture, own, above, promised Amount, c *change) (Amount, error) {
	most, bounded := a.reach(op.Overdraft, op.OverdraftLimit, holdCharge(a.id, h), Amount{}, promised)
	if !bounded || above.Cmp(most) <= 0 {
		return above, nil
	}
	if op.Overdraft != OverdraftStopAtZero {
		return Amount{}, &InsufficientCreditsError{Requested: op.Amount, Available: mustAmount(own.Add(most))}
	}
	c.overage = mustAmount(above.Sub(most))
	return most, nil
}

// captureLate charges what was used under a hold that has lapsed.
func captureLate(a *account, h *hold, op *Capture, c *change) error {
	hc := &holdChange{hold: h, now: h.holdState, late: true}
	hc.now.close(HoldCaptured)
	c.hold = hc
	want, err := allowedAbove(a, h, op, Amount{}, op.Amount, Amount{}, c)
	if err != nil {
		return err
	}
	total := a.total
	return payHeld(a, holdCharge(a.id, h), nil, want, c, &total)
}

// payHeld draws slices, and then an amount as a decrement does. It writes one entry for
// each block, in the order in which the blocks are first touched.
func payHeld(a *account, charge Charge, taken []slice, want Amount, c *change, total *Amount) error {
	draws := make([]draw, len(taken))
	for i, s := range taken {
		draws[i] = draw(s)
		c.editHeld(s.block).hold(s.amount.Neg())
	}
	if !want.IsZero() {
		drawn, rest := a.draw(&usage{charge: charge}, nil, want, MaxEntries+1, nil)
		draws = mergeDraws(draws, drawn)
		if !rest.IsZero() {
			draws = overdraw(a, draws, rest, c)
		}
		if len(draws) > MaxEntries {
			return &LimitError{Entries: len(draws)}
		}
	}
	for _, d := range draws {
		if !slices.Contains(c.created, d.block) {
			now := c.editStored(d.block)
			var err error
			if now.balance, err = now.balance.Sub(d.amount); err != nil {
				return err
			}
		}
		if err := c.line(Line{Type: EntryDecrement, At: a.at, Amount: d.amount}, d.block, total, true); err != nil {
			return err
		}
	}
	return nil
}

// mergeDraws adds draws to others: to the draw of the same block if there is one,
// otherwise at the end.
func mergeDraws(draws, more []draw) []draw {
	at := make(map[*block]int, len(draws))
	for i := range draws {
		at[draws[i].block] = i
	}
	for _, d := range more {
		if i, ok := at[d.block]; ok {
			draws[i].amount = mustAmount(draws[i].amount.Add(d.amount))
			continue
		}
		draws = append(draws, d)
	}
	return draws
}

// free releases slices. The parts of blocks that have expired expire at once. Their
// entries follow everything else that the operation writes, in drawdown order.
func free(a *account, c *change, freed []slice, total *Amount) error {
	var gone []slice
	for _, s := range freed {
		c.editHeld(s.block).hold(s.amount.Neg())
		if s.block.Expired(a.at) {
			gone = append(gone, s)
		}
	}
	slices.SortFunc(gone, bySliceBlock)
	for _, s := range gone {
		now := c.editStored(s.block)
		now.balance = mustAmount(now.balance.Sub(s.amount))
		now.lapse(s.amount)
		if err := c.line(Line{Type: EntryCreditBlockExpiry, At: a.at, Amount: s.amount}, s.block, total, true); err != nil {
			return err
		}
	}
	return nil
}
