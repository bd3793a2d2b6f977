package creditledger

import (
	"slices"
	"sort"
)

// What expires leaves the totals as soon as moveTo passes its instant. Its entry is
// written later: before the account's next operation, or by a sweep.

// lapse is an expiry that has happened and will be an entry.
type lapse struct {
	block *block
	line  Line
}

// lapse takes the free part of an expired block out of the totals and notes the entry to
// be written. The part that holds keep goes on counting.
func (a *account) lapse(b *block) {
	counts, amount := b.countsUntilExpiry(), b.free()
	line := Line{Type: EntryCreditBlockExpiry, At: b.ExpiresAt, Block: b.Number, Amount: amount, Starting: a.total}
	a.expiring.remove(b)
	if counts {
		a.removeFromPool(b)
		a.total = mustAmount(a.total.Sub(amount))
	}
	a.at, a.moved = b.ExpiresAt, b.ExpiresAt
	line.Ending = a.total
	a.lapsed = append(a.lapsed, lapse{block: b, line: line})
}

// countsUntilExpiry reports whether a block is eligible just before it expires.
func (b *block) countsUntilExpiry() bool {
	return b.Status == BlockActive && b.EffectiveAt < b.ExpiresAt
}

// overdue puts back what expired at the instant of the last record and was not written
// with it, so that moveTo finds it. Expiries are written in pieces, so a record may hold
// only some of an instant.
func (a *account) overdue(b *block) {
	if b.ExpiresAt < a.at {
		a.overdueFreed(b)
		return
	}
	a.expiring.insert(b)
	if b.countsUntilExpiry() {
		a.total = mustAmount(a.total.Add(b.free()))
		a.poolOf(b).add(b)
	}
}

// nextDue is the earliest instant of an expiry or a grant that is not written yet. It
// does not depend on how far the account was moved.
func (a *account) nextDue() Instant {
	if len(a.lapsed) > 0 {
		return a.lapsed[0].line.At
	}
	due := a.holds.nextDue()
	if next := a.nextGrant(); next != 0 && (due == 0 || next < due) {
		due = next
	}
	if b := a.expiring.first(); b != nil && (due == 0 || b.ExpiresAt < due) {
		return b.ExpiresAt
	}
	return due
}

// lastDue is the latest expiry at or before t that is not written yet. Where holds may
// lapse by then, only moving the account there tells.
func (a *account) lastDue(t Instant) Instant {
	if a.holds != nil {
		a.moveTo(t)
	}
	expiring := a.expiring.all()
	if n := sort.Search(len(expiring), func(i int) bool { return expiring[i].ExpiresAt > t }); n > 0 {
		return expiring[n-1].ExpiresAt
	}
	for _, l := range slices.Backward(a.lapsed) {
		if l.line.At <= t { // the account may have been moved further, before a clock stepped back
			return l.line.At
		}
	}
	return 0
}

// totalAt is the total at the instant of the last expiry that was written, whose entry
// ended at ending. What else expired at that instant, and is not written yet, does not
// count.
func (a *account) totalAt(t Instant, ending Amount) Amount {
	if n := sort.Search(len(a.lapsed), func(i int) bool { return a.lapsed[i].line.At > t }); n > 0 {
		return a.lapsed[n-1].line.Ending
	}
	return ending
}

// materialise turns the first n expiries since the last record into a change. Their
// entries are in the order of their instants, and at one instant in drawdown order. Rule:
// docs/semantics.md, "Expiry".
func materialise(a *account, c *change, n int) {
	c.materialised, c.fell, c.expires, c.gross = true, true, true, a.gross
	for _, l := range a.lapsed[:n] {
		c.gross = mustAmount(c.gross.Sub(l.line.Amount))
		var now *blockState
		if a.holds == nil {
			now = c.edit(l.block)
		} else { // a block may expire in several parts
			now = c.editStored(l.block)
		}
		now.balance = mustAmount(now.balance.Sub(l.line.Amount))
		if !c.forgetful {
			now.lapse(l.line.Amount)
		}
		c.lines = append(c.lines, l.line)
		c.blocks = append(c.blocks, l.block)
	}
}
