package creditledger

// This file has the two halves of a transfer: what it takes from one account, and what it
// brings to another. Rule: docs/semantics/acts.md, "Transfer".

// stepSend takes free credits of the eligible blocks out of the account, in drawdown
// order. It writes two entries for each block, as a void does.
func stepSend(a *account, op *send, c *change) error {
	draws, err := a.leaving(op)
	if err != nil {
		return err
	}
	if 2*len(draws) > MaxEntries {
		return &LimitError{Entries: 2 * len(draws)}
	}
	total := a.total
	for i := range draws {
		b, amount := draws[i].block, draws[i].amount
		now := c.edit(b)
		now.balance = mustAmount(now.balance.Sub(amount))
		now.capacity = mustAmount(now.capacity.Sub(amount))
		initiated := Line{Type: EntryVoidInitiated, At: a.at, Amount: b.Balance, VoidAmount: amount, NewExpiry: a.at}
		c.write(initiated, b, total, total)
		if err := c.line(Line{Type: EntryVoid, At: a.at, Amount: amount, VoidAmount: amount}, b, &total, true); err != nil {
			return err
		}
	}
	return nil
}

// leaving returns what each block gives to a transfer. Together it is never more than may
// be spent, so that what stays covers debts and what holds promise.
func (a *account) leaving(op *send) ([]draw, error) {
	amount := op.Amount
	var only *block
	if op.BlockID != "" {
		if only = a.find(op.BlockID); only == nil {
			return nil, &NotFoundError{Kind: "block", ID: op.BlockID}
		}
		switch amount = only.free(); {
		case !only.Eligible(a.at):
			return nil, constraint("block %s is not in effect: what is in it cannot be sent", quote(only.ID))
		case amount.Sign() <= 0 && only.isHeld():
			return nil, a.heldError(only)
		case amount.Sign() <= 0:
			return nil, constraint("block %s holds nothing to send", quote(only.ID))
		}
	}
	free := a.plain.positive
	left := [][]*block{a.plain.blocks.all()}
	for _, p := range a.filtered.list {
		free = mustAmount(free.Add(p.positive))
		left = append(left, p.blocks.all())
	}
	if only != nil {
		free, left = amount, [][]*block{{only}}
	}
	if most := available(a.spendable(), free); amount.Cmp(most) > 0 {
		return nil, &InsufficientCreditsError{Requested: amount, Available: most}
	}
	draws, _ := a.drawFrom(left, &usage{}, amount, MaxEntries/2+1, nil)
	return draws, nil
}

// stepArrive makes a block of each parcel.
func stepArrive(a *account, op *arrive, c *change) error {
	total := a.total
	for i := range op.Parcels {
		p := &op.Parcels[i]
		b := &block{
			Number: a.head.Blocks + 1 + uint64(i), CreatedAt: a.at, EffectiveAt: p.EffectiveAt, ExpiresAt: p.ExpiresAt, ActivatedAt: a.at,
			Initial: p.Amount, Balance: p.Amount, Capacity: p.Amount, CostBasis: p.CostBasis, Priority: p.Priority,
			rare: rare{Filters: p.Filters, ParentID: p.BlockID, Metadata: op.Metadata}.orNone(),
		}
		if !b.Eligible(a.at) {
			return constraint("what arrives of block %s is not in effect", quote(p.BlockID))
		}
		c.created = append(c.created, b)
		if err := c.line(Line{Type: EntryIncrement, At: a.at, Amount: p.Amount}, b, &total, true); err != nil {
			return constraint("the balances of the account's blocks would add up to 10^20 or more")
		}
	}
	return nil
}

// parcels returns what the sender's part of a transfer sent, with the terms of the
// blocks.
func parcels(c *change) []parcel {
	var list []parcel
	for i := range c.lines {
		if c.lines[i].Type != EntryVoid {
			continue
		}
		list = append(list, parcelOf(c.blocks[i], c.lines[i].Amount))
	}
	return list
}

// parcelOf returns an amount with the terms of a block.
func parcelOf(b *block, amount Amount) parcel {
	return parcel{
		BlockID: b.ID, Amount: amount, EffectiveAt: b.EffectiveAt, ExpiresAt: b.ExpiresAt,
		CostBasis: b.CostBasis, Priority: b.Priority, Filters: b.rare.Filters,
	}
}
