package creditledger

import (
	"slices"
	"sort"
)

// draw is what one block pays of a decrement.
type draw struct {
	block  *block
	amount Amount
}

// stepDecrement drains the matching blocks in drawdown order. The overdraft policy
// decides about the rest. Rule: docs/semantics.md, "Decrement".
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

// write writes the entries of a draw. If the block has expired, an entry restores the
// amount first; neither entry moves the total.
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

// allowed returns how much of a decrement its overdraft policy lets through. For usage of
// the past, uncovered is the part that no block covers, and lapsed is what the expired
// blocks that may pay have lost.
func allowed(a *account, op *Decrement, u *usage, uncovered, lapsed Amount, c *change) (Amount, error) {
	policy := op.Overdraft.or(OverdraftAllow)
	available, bounded := a.reach(policy, op.OverdraftLimit, u.charge, lapsed, Amount{})
	if u.past() && policy != OverdraftAllow {
		available = minAmount(mustAmount(op.Amount.Sub(uncovered)), addCapped(a.spendable(), lapsed))
	}
	if !bounded || op.Amount.Cmp(available) <= 0 {
		return op.Amount, nil
	}
	if available.Sign() < 0 {
		available = Amount{}
	}
	if policy != OverdraftStopAtZero {
		return Amount{}, &InsufficientCreditsError{Requested: op.Amount, Available: available}
	}
	c.overage = mustAmount(op.Amount.Sub(available))
	return available, nil
}

// reach returns the most that an overdraft policy lets a charge take. The expired blocks
// that may pay have lost the amount lapsed, and drawn was drawn for the same charge
// already. It is not bounded if the policy lets everything through.
func (a *account) reach(policy Overdraft, limit OverdraftLimit, charge Charge, lapsed, drawn Amount) (most Amount, bounded bool) {
	if policy != OverdraftAllow {
		return a.availableAfter(charge, drawn), true
	}
	bound, bounded := limit.Amount()
	if !bounded {
		return Amount{}, false
	}
	most, err := addCapped(a.spendable(), lapsed).Add(bound)
	if err != nil {
		return Amount{}, false // the limit is larger than any amount
	}
	if most.Sign() < 0 {
		most = Amount{}
	}
	return most, true
}

// draw takes want from the blocks that may pay for the usage, those in the pools and the
// expired ones, in drawdown order. It returns the part that they do not cover. It draws
// from at most most blocks, and does not change the account.
func (a *account) draw(u *usage, expired []*block, want Amount, most int, draws []draw) ([]draw, Amount) {
	var few [4][]*block
	left := few[:0] // of each pool
	for p := range a.drawable(u.charge) {
		left = append(left, p.blocks.all())
	}
	if len(expired) > 0 {
		left = append(left, expired)
	}
	return a.drawFrom(left, u, want, most, draws)
}

// drawFrom is draw from lists of blocks, each in drawdown order.
func (a *account) drawFrom(left [][]*block, u *usage, want Amount, most int, draws []draw) ([]draw, Amount) {
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

// pays returns what a block can pay: its free balance, or what it lost if it has expired.
func (b *block) pays(at Instant) Amount {
	if b.Expired(at) {
		return b.rare.Lapsed
	}
	return b.free()
}

// overdraw puts the uncovered rest on the block that takes debts. If the operation drains
// that block too, the rest joins its draw; otherwise it comes after all other draws. If
// no block takes debts, a new overdraft block does.
func overdraw(a *account, draws []draw, rest Amount, c *change) []draw {
	taker := a.debtor(c)
	if taker == nil {
		b := &block{
			Number: a.head.Blocks + 1, CreatedAt: a.at, EffectiveAt: a.at, ActivatedAt: a.at,
			Balance: rest.Neg(), Overdraft: true, rare: &nothingRare,
		}
		c.created = append(c.created, b)
		return append(draws, draw{b, rest})
	}
	for i := range draws {
		if draws[i].block == taker {
			// Both are parts of one requested amount, so their sum stays in range.
			draws[i].amount = mustAmount(draws[i].amount.Add(rest))
			return draws
		}
	}
	return append(draws, draw{taker, rest})
}

// debtor returns the block that takes a debt: the last in drawdown order that may have
// one and of which nothing is held once the change is applied. An emptied block takes it
// only if no other block stands behind it.
func (a *account) debtor(c *change) *block {
	if a.taker == nil || !c.leavesHeld(a.taker) {
		return a.taker
	}
	var last *block
	consider := func(b *block) {
		if b.takesOverdraft() && b.Eligible(a.at) && (last == nil || drawdownOrder(last, b) < 0) {
			last = b
		}
	}
	for i := range c.edits { // a block may become free only by the change itself
		if c.edits[i].now.rare.held.IsZero() {
			consider(c.edits[i].block)
		}
	}
	for _, b := range a.debts.all() {
		consider(b)
	}
	plain := a.plain.blocks.all()
	for n := len(plain); n > 0; {
		switch b := plain[n-1]; {
		case b.ExpiresAt != 0: // and so do all others of its priority
			n = sort.Search(n, func(i int) bool { return plain[i].Priority >= b.Priority })
		case c.leavesHeld(b):
			n--
		default:
			consider(b)
			return last
		}
	}
	return last
}

// leavesHeld reports whether something of a block is held once the change is applied.
func (c *change) leavesHeld(b *block) bool {
	if !b.isHeld() {
		return false
	}
	for i := range c.edits {
		if c.edits[i].block == b {
			return !c.edits[i].now.rare.held.IsZero()
		}
	}
	return true
}
