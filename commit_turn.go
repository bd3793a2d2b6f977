package creditledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
			if half := middle(flying); half > 0 && isOfAnAccount(err) {
				t.deliver(ctx, flying[:half], changes[:half])
				t.deliver(ctx, flying[half:], changes[half:])
				return
			}
			c.land(flying, err)
			return
		}
		var left, rest []*slot
		var again []Change
		for i := 0; i < len(flying); {
			next := i + together(flying[i])
			if slices.ContainsFunc(changes[i:next], func(c Change) bool { return conflict.concerns(&c) }) {
				left = append(left, flying[i:next]...)
			} else {
				rest, again = append(rest, flying[i:next]...), append(again, changes[i:next]...)
			}
			i = next
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

// together is how many slots, this one among them, have a flight in the air that goes with
// its own.
func together(s *slot) int { return max(1, len(s.flying.fellows)) }

// middle is where the flights of several slots are halved, with no act cut in two; 0 if
// they cannot be.
func middle(flying []*slot) int {
	at := 0
	for at < len(flying)/2 {
		at += together(flying[at])
	}
	if at == len(flying) {
		at -= together(flying[at-1])
	}
	return at
}

// isOfAnAccount reports whether an error of a commit, in which nothing was written, may
// be about one of its accounts and not about the store.
func isOfAnAccount(err error) bool {
	return (errors.Is(err, ErrCorrupt) || errors.Is(err, ErrInvalid)) && !errors.Is(err, ErrOutcomeUnknown) && !errors.Is(err, ErrPoisoned)
}

// board takes the queued flights of the slots. A flight with a record that another
// one aboard carries, or for which the commit would be too large or write down too many
// expiries, waits for the next. The flights of an act board together.
func (t *turn) board() {
	c := t.committer
	size, expiries := int64(0), 0
	var carried map[DocumentID]bool
	for _, s := range t.slots {
		c.env.lock(s)
		f := s.queued
		if f == nil || s.flying != nil || !f.leads() { // the flight that was ready became void
			c.cache.unlockHeld(s)
			continue
		}
		more, accounts, expired := f.load()
		switch {
		case f.meets(carried):
			c.requeue(s, 1)
		case size > 0 && (size+more > maxCommit || accounts > 1 && len(t.flying)+accounts > c.accounts), expiries > 0 && expiries+expired > c.expiries:
			c.requeue(s, len(f.records))
		default:
			size += more
			expiries += expired
			for i := range f.documents {
				if carried == nil {
					carried = map[DocumentID]bool{}
				}
				carried[f.documents[i].DocumentID] = true
			}
			t.take(s)
			t.takeFellows(f)
		}
		c.cache.unlockHeld(s)
	}
}

// take takes the first queued flight of a slot, which the turn has locked.
func (t *turn) take(s *slot) {
	f := s.pop()
	s.flying = f
	f.sent = t.sent.Add(1)
	t.flying = append(t.flying, s)
	t.changes = append(t.changes, f.change(s.account, &t.blocks))
}

// takeFellows takes those that go with the first flight of an act. They stand behind it in
// the order of accounts, in which whoever locks several locks them; and nothing was in
// the air on their accounts, or is before them, since the act was decided.
func (t *turn) takeFellows(first *flight) {
	for i := 1; i < len(first.fellows); i++ {
		s := first.fellows[i].slot
		t.env.lock(s)
		t.take(s)
		t.cache.unlockHeld(s)
	}
}

// empty lets go of what the last commit held, and keeps the memory for the next.
func (t *turn) empty() {
	t.slots, t.flying, t.changes, t.blocks = emptied(t.slots), emptied(t.flying), emptied(t.changes), emptied(t.blocks)
}
