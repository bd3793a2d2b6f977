package creditledger

import "fmt"

// The invariants that are cheap enough to hold every change to before it is
// committed. A violation means a defect or a damaged store; the change is refused.
// Verify proves these and all others from the journal.

// checkBlock holds a block to its floor and its ceiling.
// Rule: docs/semantics.md, "Invariants" 3 and 4.
func checkBlock(b *block) error {
	switch {
	case b.Balance.Sign() < 0 && !b.takesOverdraft():
		return fmt.Errorf("holds %s, but only a block without expiry and filters may be negative", b.Balance)
	case b.isHeld() && (b.rare.held.Sign() < 0 || b.free().Sign() < 0):
		return fmt.Errorf("holds %s, and %s of it is held", b.Balance, b.rare.held)
	case b.Overdraft && b.Balance.Sign() > 0:
		return fmt.Errorf("is an overdraft block and holds %s", b.Balance)
	case b.Overdraft:
		return nil
	case b.Capacity.Sign() < 0 || b.Capacity.Cmp(b.Initial) > 0:
		return fmt.Errorf("has capacity %s of initially %s", b.Capacity, b.Initial)
	case b.rare.Lapsed.Sign() < 0:
		return fmt.Errorf("has lost %s to its expiry", b.rare.Lapsed)
	case b.Balance.Cmp(b.Capacity) > 0:
		return fmt.Errorf("holds %s above its capacity %s", b.Balance, b.Capacity)
	}
	return nil
}

// checkChange holds an applied change to the rules that tie its lines, its blocks and
// the totals together.
func checkChange(a *account, op Operation, c *change, before Amount) error {
	for i := range c.edits {
		if err := checkBlock(c.edits[i].block); err != nil {
			return fmt.Errorf("block %s %w", quote(c.edits[i].block.ID), err)
		}
	}
	for _, b := range c.created {
		if err := checkBlock(b); err != nil {
			return fmt.Errorf("block %s %w", quote(b.ID), err)
		}
	}
	total := before
	for i := range c.lines {
		l := &c.lines[i]
		if !c.materialised && !c.carries && l.Starting.Cmp(total) != 0 {
			return fmt.Errorf("an entry starts at %s, the one before ended at %s", l.Starting, total)
		}
		total = l.Ending
	}
	if _, activates := op.(Activation); !activates && !c.materialised && !c.carries && total.Cmp(a.total) != 0 {
		return fmt.Errorf("the entries end at %s, the eligible blocks hold %s", total, a.total)
	}
	switch op := op.(type) {
	case Decrement:
		return checkSplit(op.Amount, c)
	case Capture:
		return checkSplit(op.Amount, c)
	}
	return nil
}

// checkSplit checks that the decrements of an operation and its overage add up to the
// amount that was asked. A capture of nothing is a release, and draws nothing.
func checkSplit(asked Amount, c *change) error {
	sum, err := c.overage, error(nil)
	for i := range c.lines {
		if c.lines[i].Type != EntryDecrement {
			continue
		}
		if sum, err = sum.Add(c.lines[i].Amount); err != nil {
			return err
		}
	}
	if sum.Cmp(asked) != 0 {
		return fmt.Errorf("entries and overage add up to %s of %s", sum, asked)
	}
	return nil
}
