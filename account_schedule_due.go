package creditledger

import (
	"slices"
	"strconv"
)

// At an instant at which schedules grant, this happens in order: holds lapse, credits are
// carried into the next period, the rest expires, and the grants come. moveTo sees to
// holds and expiries only. Grants are operations of the ledger's own. It decides them
// before anything else, one instant after another.

// ahead has what is due on an account and not written, as the next operation would write
// it.
type ahead struct {
	head    Head // as of the last record that is written
	records []*OpRecord
	closed  []*block // blocks that are made and closed again
}

// written returns the head as of the last record that is written.
func (a *account) written() Head {
	if a.ahead != nil {
		return a.ahead.head
	}
	return a.head
}

// grantsAt reports whether an onset grants anything. It does not if its period has no
// length, if its amount is 0, or if the grant would bring the balances beyond their
// limit.
func (a *account) grantsAt(s *schedule, t *onset) bool {
	if t.Empty {
		return false
	}
	share, gross := s.share(t), a.gross
	if _, err := gross.Add(share); err == nil {
		return true
	}
	for i := range a.lapsed { // what expires at the same instant leaves before the grant comes
		gross = mustAmount(gross.Sub(a.lapsed[i].line.Amount))
	}
	var c change // and a debt that it repays makes room
	if s.grants(a, s.id, share, t.Expires, nil, &c) != nil {
		return false
	}
	_, err := c.grossAfter(gross, a.at)
	return err == nil
}

// carried is the part of a block that goes on into the next period.
type carried struct {
	schedule *schedule
	block    *block
	amount   Amount
}

// toCarry returns what the schedules that grant at a.at carry of their blocks that expire
// then, in drawdown order. These blocks have lapsed, and their expiries are not written
// yet.
func (a *account) toCarry(granting []*schedule) (list []carried) {
	for _, s := range granting {
		if s.rollover.IsZero() || s.carriedAt == a.at {
			continue
		}
		room, bounded := s.room(a)
		for i := range a.lapsed {
			b, free := a.lapsed[i].block, a.lapsed[i].line.Amount
			if !s.owns(b) || b.ExpiresAt != a.at {
				continue
			}
			if _, times := carriedFrom(b.ID); times >= s.rollover.MaxTimes {
				continue
			}
			amount := free.share(s.rollover.Percent, hundred, s.scale)
			if bounded {
				amount = minAmount(amount, room)
				room = mustAmount(room.Sub(amount))
			}
			if amount.Sign() > 0 {
				list = append(list, carried{s, b, amount})
			}
		}
	}
	return list
}

// room returns what the rollover's bound leaves, next to what living carried blocks have.
func (s *schedule) room(a *account) (room Amount, bounded bool) {
	room = s.rollover.Max
	if room.IsZero() {
		return room, false
	}
	for _, b := range a.open.all() {
		if !s.owns(b) || b.Expired(a.at) || b.Balance.Sign() <= 0 {
			continue
		}
		if _, times := carriedFrom(b.ID); times > 0 {
			room = mustAmount(room.Sub(minAmount(room, b.Balance)))
		}
	}
	return room, true
}

// stepCarry moves what is carried of a lapsed block to a new block.
func stepCarry(a *account, next *carried, expires Instant, c *change) {
	b := next.block
	root, times := carriedFrom(b.ID)
	made := *b
	made.ID, made.Number, made.CreatedAt, made.ExpiresAt = root+carriedMark+strconv.Itoa(times+1), a.head.Blocks+1, a.at, expires
	made.Initial, made.Balance, made.Capacity, made.Source = next.amount, next.amount, next.amount, SourceManual
	made.rare = rare{
		Filters: b.rare.Filters, InvoiceID: b.rare.InvoiceID, ParentID: b.ID, Metadata: b.rare.Metadata, Paid: b.rare.Paid,
	}.orNone()
	c.created = append(c.created, &made)
	now := c.edit(b)
	now.balance = mustAmount(now.balance.Sub(next.amount))
	now.capacity = mustAmount(now.capacity.Sub(next.amount))
	total := a.lapsed[0].line.Starting // the total before anything of this instant expired
	line := Line{Type: EntryExpirationChange, At: a.at, Amount: next.amount, NewBlock: made.Number, NewExpiry: expires}
	c.write(line, b, total, total)
	c.carries = true
	c.editSchedule(next.schedule).carriedAt = a.at
}

// spare takes a carried amount out of what lapsed, so that only the rest expires.
func (a *account) spare(b *block, amount Amount) {
	total := a.lapsed[0].line.Starting
	rest := slices.Clone(a.lapsed)
	for i := range rest {
		l := &rest[i].line
		counts := l.Starting.Cmp(l.Ending) != 0
		if rest[i].block == b {
			l.Amount = mustAmount(l.Amount.Sub(amount))
		}
		if l.Starting, l.Ending = total, total; counts {
			l.Ending = mustAmount(total.Sub(l.Amount))
		}
		total = l.Ending
	}
	a.lapsed = slices.DeleteFunc(rest, func(l lapse) bool { return l.line.Amount.IsZero() })
	if len(a.lapsed) == 0 {
		a.lapsed = nil
	}
}

// undo is revert for a change after which time has passed. What depends on the instant is
// not restored, so the caller rebuilds the account once everything is undone.
func (a *account) undo(c *change) {
	a.untake(c)
	if c.expires {
		a.settleUntil(c.before.until)
	}
	for _, b := range c.closed {
		delete(a.closed, b.ID)
		a.addOpen(b)
	}
	for i := range slices.Backward(c.erased) {
		a.restore(&c.erased[i])
	}
	for _, b := range c.created {
		a.removeOpen(b)
	}
	for i := range slices.Backward(c.edits) {
		c.edits[i].block.set(&c.edits[i].was)
	}
	for _, was := range c.opened {
		a.removeOpen(was.block)
		a.keepClosed(was.block, was.since)
	}
	a.head = c.before.head
	a.revertBeside(c)
}
