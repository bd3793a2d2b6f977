package creditledger

import (
	"context"
	"errors"
	"fmt"
)

// turn is one commit after another: a goroutine's, or a leading caller's. It keeps
// their memory.
type turn struct {
	*committer
	slots, flying []*slot
	changes       []Change
	blocks        []StoredBlock
}

// gather chooses the slots of the turn's next commit. When there are none, or another
// turn is about to take them, this one has ended, and gather returns false.
func (t *turn) gather() bool {
	c := t.committer
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gathering {
		c.end(t)
		return false
	}
	c.gathering = true
	c.awaitMore()
	c.gathering = false
	if len(c.ready) == 0 {
		c.end(t)
		return false
	}
	c.alone = c.waiting == 1 && c.running == 1
	n := min(len(c.ready), c.accounts)
	t.slots = append(t.slots[:0], c.ready[:n]...)
	left := copy(c.ready, c.ready[n:])
	clear(c.ready[left:])
	if c.ready = c.ready[:left]; left == 0 {
		c.ready = emptied(c.ready)
	}
	c.taken = 0
	for _, s := range t.slots {
		c.taken += s.counted
		c.count(s, -s.counted)
	}
	if c.begin() {
		c.env.spawn(c.run)
	}
	return true
}

// awaitMore lets more operations come in, because those whose callers were just answered
// are likely to be followed by others. It ends when no more come, and soon in any case. A
// lone writer does not wait. The caller holds mu.
func (c *committer) awaitMore() {
	if c.alone && c.waiting == 1 {
		return
	}
	begun := c.env.now()
	for seen, still := 0, 0; c.waiting < manyOperations; {
		if c.waiting != seen {
			seen, still = c.waiting, 0
		} else if still++; still >= c.patience || c.waiting >= c.expected {
			return
		}
		c.mu.Unlock()
		c.env.yield()
		c.mu.Lock()
		if c.env.now().Sub(begun) >= maxPatience {
			return
		}
	}
}

// commit sends the flights of the slots out. Callers may give up waiting; a commit does
// not. Its ctx never ends, except over a JoinedStore.
func (t *turn) commit(ctx context.Context) {
	t.board()
	defer t.empty()
	t.deliver(ctx, t.flying, t.changes)
}

// deliver brings flights to the store. Those in conflict are left behind to be decided
// afresh, and the others go again without them. An error that may be about the data of
// one account is not everybody's: the halves go again, each by itself.
func (t *turn) deliver(ctx context.Context, flying []*slot, changes []Change) {
	c := t.committer
	for len(changes) > 0 {
		err := c.send(ctx, changes)
		if err == nil {
			c.land(flying, nil)
			return
		}
		var conflict *ConflictError
		if !errors.As(err, &conflict) {
			if half := len(changes) / 2; half > 0 && isOfAnAccount(err) {
				t.deliver(ctx, flying[:half], changes[:half])
				t.deliver(ctx, flying[half:], changes[half:])
				return
			}
			c.land(flying, err)
			return
		}
		var left, rest []*slot
		var again []Change
		for i, s := range flying {
			if conflict.concerns(&changes[i]) {
				left = append(left, s)
			} else {
				rest, again = append(rest, s), append(again, changes[i])
			}
		}
		if len(left) == 0 {
			c.land(flying, fmt.Errorf("the store names nothing that was in the commit: %w", err))
			return
		}
		for _, s := range left {
			c.land([]*slot{s}, conflict.of(s))
		}
		changes, flying = again, rest
	}
}

// isOfAnAccount reports whether an error of a commit, in which nothing was written, may
// be about one of its accounts and not about the store.
func isOfAnAccount(err error) bool {
	return (errors.Is(err, ErrCorrupt) || errors.Is(err, ErrInvalid)) && !errors.Is(err, ErrOutcomeUnknown) && !errors.Is(err, ErrPoisoned)
}

// board takes the queued flights of the slots. A flight with a record that another
// one aboard carries, or for which the commit would be too large or write down too many
// expiries, waits for the next.
func (t *turn) board() {
	c := t.committer
	size, expiries := int64(0), 0
	var carried map[DocumentID]bool
	for _, s := range t.slots {
		c.env.lock(s)
		f := s.queued
		switch {
		case f == nil || s.flying != nil: // the flight that was ready became void
		case f.meets(carried):
			c.requeue(s, 1)
		case size > 0 && size+f.size > maxCommit, expiries > 0 && expiries+f.expired > c.expiries:
			c.requeue(s, len(f.records))
		default:
			size += f.size
			expiries += f.expired
			for i := range f.documents {
				if carried == nil {
					carried = map[DocumentID]bool{}
				}
				carried[f.documents[i].DocumentID] = true
			}
			s.flying = s.pop()
			f.sent = c.sent.Add(1)
			t.flying = append(t.flying, s)
			t.changes = append(t.changes, f.change(s.account, &t.blocks))
		}
		c.cache.unlockHeld(s)
	}
}

// empty lets go of what the last commit held, and keeps the memory for the next.
func (t *turn) empty() {
	t.slots, t.flying, t.changes, t.blocks = emptied(t.slots), emptied(t.flying), emptied(t.changes), emptied(t.blocks)
}
