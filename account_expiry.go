package creditledger

import (
	"slices"
	"sort"
)

// What expired leaves the totals when time passes over it (moveTo), and is written down
// later: before the account's next operation, or by a sweep.

// lapse is an expiry that has happened and will be an entry.
type lapse struct {
	block *block
	line  Line
}

// lapse takes an expired block out of the totals and notes the entry to be written.
func (a *account) lapse(b *block) {
	counts := b.countsUntilExpiry()
	line := Line{Type: EntryCreditBlockExpiry, At: b.ExpiresAt, Block: b.Number, Amount: b.Balance, Starting: a.total}
	a.expiring.remove(b)
	if counts {
		a.removeFromPool(b)
		a.total = mustAmount(a.total.Sub(b.Balance))
	}
	a.at, a.moved = b.ExpiresAt, b.ExpiresAt
	line.Ending = a.total
	a.lapsed = append(a.lapsed, lapse{block: b, line: line})
}

// countsUntilExpiry reports whether a block is eligible just before it expires.
func (b *block) countsUntilExpiry() bool {
	return b.Status == BlockActive && b.EffectiveAt < b.ExpiresAt
}

// overdue puts a block back that expired at the instant of the last record and was not
// written down with it, for moveTo to find: what expires is written in pieces.
func (a *account) overdue(b *block) {
	a.expiring.insert(b)
	if b.countsUntilExpiry() {
		a.count(b)
	}
}

// nextDue is the earliest expiry of a block that holds something: to come, or still to be
// written down.
func (a *account) nextDue() Instant {
	if len(a.lapsed) > 0 {
		return a.lapsed[0].line.At
	}
	if b := a.expiring.first(); b != nil {
		return b.ExpiresAt
	}
	return 0
}

// lastDue is the latest expiry at or before t that is not written down yet.
func (a *account) lastDue(t Instant) Instant {
	expiring := a.expiring.all()
	if n := sort.Search(len(expiring), func(i int) bool { return expiring[i].ExpiresAt > t }); n > 0 {
		return expiring[n-1].ExpiresAt
	}
	for _, l := range slices.Backward(a.lapsed) {
		if l.line.At <= t { // a clock that stepped back may have looked further ahead
			return l.line.At
		}
	}
	return 0
}

// totalAt is the total at the instant of the last expiry that was written down, which
// left it at ending: what else expired at that instant and is not written yet, is in no
// total either.
func (a *account) totalAt(t Instant, ending Amount) Amount {
	if n := sort.Search(len(a.lapsed), func(i int) bool { return a.lapsed[i].line.At > t }); n > 0 {
		return a.lapsed[n-1].line.Ending
	}
	return ending
}

// materialise turns the first n of what lapsed since the last record into a change.
// Entries stand in the order of their instants, at one instant in drawdown order.
// Rule: docs/semantics.md, "Expiry".
func materialise(a *account, c *change, n int) {
	c.materialised, c.expires, c.gross = true, true, a.gross
	for _, l := range a.lapsed[:n] {
		c.gross = mustAmount(c.gross.Sub(l.line.Amount))
		now := c.edit(l.block)
		now.balance = Amount{}
		if !c.forgetful {
			now.lapse(l.line.Amount)
		}
		c.lines = append(c.lines, l.line)
		c.blocks = append(c.blocks, l.block)
	}
}
