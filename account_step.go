package creditledger

// step decides one operation on an account at the instant a.at: what it writes and how it
// leaves the blocks that it touches, or why it is refused. It reads the account and
// changes nothing. Before the call everything due has been materialised, the operation
// has passed its check, its dates are resolved, and the blocks that it names are in
// memory.
func step(a *account, op Operation, c *change) error {
	var err error
	switch op := op.(type) {
	case Increment:
		err = stepIncrement(a, &op, c)
	case Decrement:
		err = stepDecrement(a, &op, c)
	case ExpirationChange:
		err = stepExpirationChange(a, &op, c)
	case Void:
		err = stepVoid(a, &op, c)
	case Amendment:
		err = stepAmendment(a, &op, c)
	case Activation:
		err = stepActivation(a, &op, c)
	case erase:
		err = stepErase(a, &op, c)
	case Reverse:
		err = stepReverse(a, &op, c)
	case Hold:
		err = stepHold(a, &op, c)
	case ExtendHold:
		err = stepExtendHold(a, &op, c)
	case Capture:
		err = stepCapture(a, &op, c)
	case Release:
		err = stepRelease(a, op.HoldID, c)
	case send:
		err = stepSend(a, &op, c)
	case arrive:
		err = stepArrive(a, &op, c)
	case Schedule:
		err = stepSchedule(a, &op, c)
	case ChangeSchedule:
		err = stepChangeSchedule(a, &op, c)
	case EndSchedule:
		err = stepEndSchedule(a, &op, c)
	default:
		err = invalid("op", "%T cannot be decided", op)
	}
	if err != nil {
		return err
	}
	return c.fits(a)
}

// checkClock refuses dates that are wrong at the present instant, and dates that were
// resolved to something impossible.
func checkClock(op Operation, at Instant) error {
	switch op := op.(type) {
	case Increment:
		effective, expires := op.EffectiveAt.Instant(), op.ExpiresAt.Instant()
		if err := firstError(checkWhen("effective_date", op.EffectiveAt), checkWhen("expiry_date", op.ExpiresAt)); err != nil {
			return err
		}
		if effective == 0 {
			effective = at
		}
		switch {
		case expires != 0 && expires <= at:
			return invalid("expiry_date", "%s has passed: it is %s", expires, at)
		case expires != 0 && expires <= effective:
			return invalid("expiry_date", "%s is not after the effective date %s", expires, effective)
		}
	case Decrement:
		if op.UsageAt > at {
			return invalid("usage_at", "%s is after now, %s", op.UsageAt, at)
		}
	case Hold, ExtendHold:
		return checkUntil(op, at, 0)
	case Schedule:
		if op.zone != nil { // when it is replayed, the record has the dates
			_, err := op.dates(at, op.schedule(0))
			return err
		}
	case ExpirationChange:
		return firstError(checkWhen("expiry_date", op.ExpiresAt), checkWhen("target_expiry_date", op.Target))
	}
	return nil
}

// stepIncrement creates a block. Under RepayFirst it refills debts first.
func stepIncrement(a *account, op *Increment, c *change) error {
	if op.BlockID != "" && (a.find(op.BlockID) != nil || a.inSchedule(op.BlockID)) {
		return &DuplicateError{Kind: "block", ID: op.BlockID}
	}
	return increase(a, op, c)
}

// increase is stepIncrement without the check of the block's id.
func increase(a *account, op *Increment, c *change) error {
	b := &block{
		ID: op.BlockID, Number: a.head.Blocks + 1, CreatedAt: a.at, EffectiveAt: a.at,
		ExpiresAt: op.ExpiresAt.Instant(), ActivatedAt: a.at, CostBasis: op.CostBasis,
		Priority: op.Priority, Source: op.Source,
		rare: rare{Filters: op.Filters, InvoiceID: op.InvoiceID, Metadata: op.Metadata}.orNone(),
	}
	if e := op.EffectiveAt.Instant(); e != 0 {
		b.EffectiveAt = e
	}
	if op.RequirePayment {
		b.Status, b.ActivatedAt = BlockPendingPayment, 0
	}
	total, rest := a.total, op.Amount
	counts := b.Eligible(a.at)
	if counts && len(b.rare.Filters) == 0 && op.Repay.rule() == RepayFirst {
		for _, debt := range a.debts.all() {
			if rest.IsZero() {
				break
			}
			if len(c.lines) == MaxEntries {
				return &LimitError{Entries: len(c.lines) + 1}
			}
			pay := minAmount(rest, debt.Balance.Neg())
			rest = mustAmount(rest.Sub(pay))
			now := c.edit(debt)
			now.balance = mustAmount(now.balance.Add(pay))
			if !c.forgetful {
				now.refill(pay, b)
			}
			starting := total
			total = mustAmount(total.Add(pay)) // the debts are part of gross
			c.write(Line{Type: EntryIncrement, At: a.at, Amount: pay}, debt, starting, total)
		}
	}
	if rest.IsZero() {
		return nil
	}
	if len(c.lines) == MaxEntries {
		return &LimitError{Entries: len(c.lines) + 1}
	}
	b.Initial, b.Balance, b.Capacity = rest, rest, rest
	c.created = append(c.created, b)
	return c.line(Line{Type: EntryIncrement, At: a.at, Amount: rest}, b, &total, counts)
}

// source finds the block whose credits an expiration change moves. It checks whether the
// new block's id is in use after it has found a source, and before it checks anything
// else about the source.
func source(a *account, op *ExpirationChange) (*block, error) {
	expires := op.ExpiresAt.Instant()
	var duplicate error
	if op.NewBlockID != "" && (a.find(op.NewBlockID) != nil || a.inSchedule(op.NewBlockID)) {
		duplicate = &DuplicateError{Kind: "block", ID: op.NewBlockID}
	}
	if op.BlockID != "" {
		b := a.find(op.BlockID)
		switch {
		case b == nil:
			return nil, &NotFoundError{Kind: "block", ID: op.BlockID}
		case duplicate != nil:
			return nil, duplicate
		case expires != 0 && b.ExpiresAt != expires:
			return nil, constraint("block %s expires %s, not %s", quote(b.ID), b.ExpiresAt, expires)
		}
		return b, nil
	}
	b, others := a.holding(expires)
	switch {
	case b == nil && !a.hasExpiry(expires):
		return nil, &NotFoundError{Kind: "block that expires", ID: expires.String()}
	case duplicate != nil:
		return nil, duplicate
	case b == nil && expires <= a.at:
		return nil, constraint("the blocks that expire %s have expired", expires)
	case b == nil:
		return nil, constraint("the blocks that expire %s hold nothing to move", expires)
	case others:
		return nil, constraint("several blocks expire %s: name one by its id", expires)
	}
	return b, nil
}

// stepExpirationChange moves credits to a new block. If the new block has expired
// already, its expiry follows at once.
func stepExpirationChange(a *account, op *ExpirationChange, c *change) error {
	src, err := source(a, op)
	if err != nil {
		return err
	}
	target, amount := op.Target.Instant(), op.Amount
	switch {
	case src.Expired(a.at):
		return constraint("block %s expired %s", quote(src.ID), src.ExpiresAt)
	case src.Balance.Sign() <= 0:
		return constraint("block %s holds nothing to move", quote(src.ID))
	case target != 0 && target < src.EffectiveAt:
		return constraint("the new expiry %s is before block %s becomes effective, %s", target, quote(src.ID), src.EffectiveAt)
	case amount.Cmp(src.Balance) > 0:
		return constraint("block %s holds %s, less than %s", quote(src.ID), src.Balance, amount)
	case src.isHeld() && (src.free().IsZero() || amount.Cmp(src.free()) > 0):
		return a.heldError(src)
	}
	if amount.IsZero() {
		amount = src.free()
	}
	b := *src
	b.ID, b.Number, b.CreatedAt, b.ExpiresAt = op.NewBlockID, a.head.Blocks+1, a.at, target
	b.Initial, b.Balance, b.Capacity = amount, amount, amount
	b.Source = SourceManual
	more := rare{Filters: src.rare.Filters, InvoiceID: src.rare.InvoiceID, ParentID: src.ID, Metadata: src.rare.Metadata, Paid: src.rare.Paid}
	c.created = append(c.created, &b)

	now := c.edit(src)
	now.balance = mustAmount(now.balance.Sub(amount))
	now.capacity = mustAmount(now.capacity.Sub(amount))
	total, counts := a.total, src.Eligible(a.at)
	moved := Line{Type: EntryExpirationChange, At: a.at, Amount: amount, NewBlock: b.Number, NewExpiry: target}
	c.write(moved, src, total, total)
	if b.Expired(a.at) {
		b.Balance = Amount{}
		if !c.forgetful {
			more.Lapsed = amount
		}
	}
	if b.rare = more.orNone(); !b.Expired(a.at) {
		return nil
	}
	return c.line(Line{Type: EntryCreditBlockExpiry, At: a.at, Amount: amount}, &b, &total, counts)
}

// named returns the block that an operation names, or why it may not touch it.
func named(a *account, id string) (*block, error) {
	b := a.find(id)
	switch {
	case b == nil:
		return nil, &NotFoundError{Kind: "block", ID: id}
	case b.Expired(a.at):
		return nil, constraint("block %s expired %s", quote(b.ID), b.ExpiresAt)
	}
	return b, nil
}

// stepVoid takes back what remains of a block, up to the amount, and lowers the capacity
// by the whole amount. What was asked for beyond what remains had been consumed before.
func stepVoid(a *account, op *Void, c *change) error {
	b := a.find(op.BlockID)
	if b == nil || !op.Lapsed {
		var err error
		if b, err = named(a, op.BlockID); err != nil {
			return err
		}
	}
	switch {
	case b.Overdraft:
		return constraint("block %s holds an overdraft and has nothing to void", quote(b.ID))
	case op.Amount.Cmp(b.Capacity) > 0:
		return constraint("block %s can be voided by %s at most, not %s", quote(b.ID), b.Capacity, op.Amount)
	}
	var remaining, lapsed Amount
	if b.Balance.Sign() > 0 {
		remaining = b.Balance
	}
	taken := minAmount(remaining, op.Amount)
	if b.Expired(a.at) { // what an expired block still has is held; it stays, and so does the capacity
		taken, lapsed = Amount{}, minAmount(b.rare.Lapsed, op.Amount)
		if op.Amount.Cmp(mustAmount(b.Capacity.Sub(remaining))) > 0 {
			return a.heldError(b)
		}
	}
	if b.isHeld() && taken.Sign() > 0 && taken.Cmp(b.free()) > 0 {
		return a.heldError(b)
	}
	c.consumed = mustAmount(op.Amount.Sub(taken))
	total := a.total
	err := c.void(a, b, remaining, op.Amount, taken, &total)
	if !lapsed.IsZero() {
		c.edits[len(c.edits)-1].now.lapse(lapsed.Neg())
	}
	return err
}

// void takes an amount from a block, and asked from its capacity. remaining is what the
// block has.
func (c *change) void(a *account, b *block, remaining, asked, taken Amount, total *Amount) error {
	now := c.edit(b)
	now.balance = mustAmount(now.balance.Sub(taken))
	now.capacity = mustAmount(now.capacity.Sub(asked))
	initiated := Line{Type: EntryVoidInitiated, At: a.at, Amount: remaining, VoidAmount: asked, NewExpiry: a.at}
	c.write(initiated, b, *total, *total)
	return c.line(Line{Type: EntryVoid, At: a.at, Amount: taken, VoidAmount: asked}, b, total, b.Eligible(a.at))
}

// stepAmendment gives credits back to the block a decrement took them from.
func stepAmendment(a *account, op *Amendment, c *change) error {
	b, err := named(a, op.BlockID)
	if err != nil {
		return err
	}
	balance, err := b.Balance.Add(op.Amount)
	limit := b.Capacity
	if b.Overdraft {
		limit = Amount{}
	}
	if err != nil || balance.Cmp(limit) > 0 {
		return constraint("block %s holds %s and may hold %s at most: %s cannot be given back", quote(b.ID), b.Balance, limit, op.Amount)
	}
	c.edit(b).balance = balance
	total := a.total
	return c.line(Line{Type: EntryAmendment, At: a.at, Amount: op.Amount}, b, &total, b.Eligible(a.at))
}

// stepActivation lets a block count whose payment has arrived. It writes no entry.
func stepActivation(a *account, op *Activation, c *change) error {
	b, err := named(a, op.BlockID)
	if err != nil {
		return err
	}
	if b.Status == BlockActive {
		return constraint("block %s is active already", quote(b.ID))
	}
	now := c.edit(b)
	now.status, now.activatedAt = BlockActive, a.at
	if !c.forgetful {
		now.remember(func(r *rare) { r.Paid = true })
	}
	return nil
}
