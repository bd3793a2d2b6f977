package creditledger

import "slices"

// draw is what one block pays of a decrement.
type draw struct {
	block  *block
	amount Amount
}

// stepDecrement drains the matching blocks in drawdown order; what they do not cover
// follows the overdraft policy. Rule: docs/semantics.md, "Decrement".
func stepDecrement(a *account, op *Decrement, c *change) error {
	u := op.usage(a.id)
	expired, lapsed := a.lapsedFor(&u)
	var few [4]draw
	draws, rest := few[:0], op.Amount
	if u.past() {
		if draws, rest = a.draw(&u, expired, rest, MaxEntries+1, draws); len(draws) > MaxEntries {
			return &LimitError{Entries: len(draws)}
		}
	}
	want, err := allowed(a, op, &u, rest, lapsed, c)
	if err != nil {
		return err
	}
	if !u.past() || want.Cmp(op.Amount) != 0 {
		draws, rest = a.draw(&u, expired, want, MaxEntries+1, few[:0])
	}
	if !rest.IsZero() {
		draws = overdraw(a, draws, rest, c)
	}
	total := a.total
	for _, d := range draws {
		if err := d.write(a, c, &total); err != nil {
			return err
		}
	}
	if len(c.lines) > MaxEntries {
		return &LimitError{Entries: len(c.lines)}
	}
	return nil
}

// write writes the entries of a draw. What is drawn from an expired block is restored
// first; neither counts.
func (d *draw) write(a *account, c *change, total *Amount) error {
	line := Line{Type: EntryDecrement, At: a.at, Amount: d.amount}
	if d.block.Expired(a.at) {
		c.edit(d.block).lapse(d.amount.Neg())
		c.write(Line{Type: EntryAmendment, At: a.at, Amount: d.amount}, d.block, *total, *total)
		return c.line(line, d.block, total, false)
	}
	if !slices.Contains(c.created, d.block) {
		now := c.edit(d.block)
		var err error
		if now.balance, err = now.balance.Sub(d.amount); err != nil {
			return err
		}
	}
	return c.line(line, d.block, total, true)
}

// allowed is how much of a decrement its overdraft policy lets through. Of usage of the
// past it is told what nobody covers, and what the expired blocks that may pay have lost.
func allowed(a *account, op *Decrement, u *usage, uncovered, lapsed Amount, c *change) (Amount, error) {
	limit, bounded := op.OverdraftLimit.Amount()
	reach := addCapped(a.total, lapsed)
	var available Amount
	switch {
	case op.Overdraft == OverdraftAllow && !bounded:
		return op.Amount, nil
	case op.Overdraft == OverdraftAllow:
		var err error
		if reach, err = reach.Add(limit); err != nil {
			return op.Amount, nil // the limit is beyond any amount there is
		}
		available = reach
	case u.past():
		available = minAmount(mustAmount(op.Amount.Sub(uncovered)), reach)
	default:
		available = a.available(u.charge)
	}
	if op.Amount.Cmp(available) <= 0 {
		return op.Amount, nil
	}
	if available.Sign() < 0 {
		available = Amount{}
	}
	if op.Overdraft != OverdraftStopAtZero {
		return Amount{}, &InsufficientCreditsError{Requested: op.Amount, Available: available}
	}
	c.overage = mustAmount(op.Amount.Sub(available))
	return available, nil
}

// draw takes want from the blocks that may pay for the usage, those in the pools and the
// expired ones, first in drawdown order first, and returns what they did not cover. It
// stops after most blocks. The account stays as it is.
func (a *account) draw(u *usage, expired []*block, want Amount, most int, draws []draw) ([]draw, Amount) {
	var few [4][]*block
	left := few[:0] // of each pool
	for p := range a.drawable(u.charge) {
		left = append(left, p.blocks.all())
	}
	if len(expired) > 0 {
		left = append(left, expired)
	}
	for !want.IsZero() && len(draws) < most {
		next := -1
		for i := range left {
			if len(left[i]) > 0 && (next < 0 || drawdownOrder(left[i][0], left[next][0]) < 0) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		b := left[next][0]
		left[next] = left[next][1:]
		if !u.mayPay(b) {
			continue
		}
		amount := minAmount(b.pays(a.at), want)
		want = mustAmount(want.Sub(amount))
		draws = append(draws, draw{b, amount})
	}
	return draws, want
}

// pays is what a block that is drawn can pay: if it has expired, what it lost.
func (b *block) pays(at Instant) Amount {
	if b.Expired(at) {
		return b.rare.Lapsed
	}
	return b.Balance
}

// overdraw puts the uncovered rest on the taker: inside its own draw if this
// operation drains it too, else after all others. Without a taker a new overdraft
// block holds the debt.
func overdraw(a *account, draws []draw, rest Amount, c *change) []draw {
	if a.taker == nil {
		b := &block{
			Number: a.head.Blocks + 1, CreatedAt: a.at, EffectiveAt: a.at, ActivatedAt: a.at,
			Balance: rest.Neg(), Overdraft: true, rare: &nothingRare,
		}
		c.created = append(c.created, b)
		return append(draws, draw{b, rest})
	}
	for i := range draws {
		if draws[i].block == a.taker {
			// Both are parts of one requested amount, so their sum stays in range.
			draws[i].amount = mustAmount(draws[i].amount.Add(rest))
			return draws
		}
	}
	return append(draws, draw{a.taker, rest})
}
