package creditledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// turn makes one commit after another, in a goroutine or in a caller that leads. Each
// commit uses the memory of the one before.
type turn struct {
	*committer
	slots, flying []*slot
	changes       []Change
	blocks        []StoredBlock
}

// gather chooses the slots of the turn's next commit. It returns false if there are none,
// or if another turn is about to take them. This turn has ended then.
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

// awaitMore lets more operations come in, because callers that were answered just now are
// likely to ask again. It ends when no more come, and soon in any case. A lone writer
// does not wait. The caller holds mu.
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

// commit sends the flights of the slots. A caller may give up waiting, but the commit
// goes on. Its ctx never ends, except over a JoinedStore.
func (t *turn) commit(ctx context.Context) {
	t.board()
	defer t.empty()
	t.deliver(ctx, t.flying, t.changes)
}

// deliver brings flights to the store. After a conflict, it brings the others again
// without those in conflict, which are decided afresh. After an error that may be about
// the data of one account, it brings each half by itself, so that the other accounts do
// not share the error.
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

// together returns how many of the slots, this one included, have a flight in the air of
// the same act as its own.
func together(s *slot) int { return max(1, len(s.flying.fellows)) }

// middle returns where to halve the flights of several slots without cutting an act in
// two; 0 if that is not possible.
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

// isOfAnAccount reports whether an error of a commit that wrote nothing may be about one
// of its accounts, and not about the store.
func isOfAnAccount(err error) bool {
	return (errors.Is(err, ErrCorrupt) || errors.Is(err, ErrInvalid)) && !errors.Is(err, ErrOutcomeUnknown) && !errors.Is(err, ErrPoisoned)
}

// board takes the queued flights of the slots. A flight waits for the next commit if it
// puts a document that another one puts, or if the commit would become too large or have
// too many expiries. The flights of an act board together.
func (t *turn) board() {
	c := t.committer
	size, expiries := int64(0), 0
	var carried map[DocumentID]bool
	for _, s := range t.slots {
		c.env.lock(s)
		f := s.queued
		if f == nil || s.flying != nil || !f.leads() { // the flight that made the slot ready became void
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
			for _, put := range f.beside.documentPuts() {
				if carried == nil {
					carried = map[DocumentID]bool{}
				}
				carried[put.DocumentID] = true
			}
			t.take(s)
			t.takeFellows(f)
		}
		c.cache.unlockHeld(s)
	}
}

// take takes the first queued flight of a slot that the turn has locked.
func (t *turn) take(s *slot) {
	f := s.pop()
	s.flying = f
	f.sent = t.sent.Add(1)
	t.flying = append(t.flying, s)
	t.changes = append(t.changes, Change{})
	f.change(&t.changes[len(t.changes)-1], s.account, &t.blocks)
}

// takeFellows takes the flights that go with the first flight of an act. Their slots
// follow in the order of accounts, which is the order of locking. Since the act was
// decided, nothing was in the air on their accounts, and nothing is queued before them.
func (t *turn) takeFellows(first *flight) {
	for i := 1; i < len(first.fellows); i++ {
		s := first.fellows[i].slot
		t.env.lock(s)
		t.take(s)
		t.cache.unlockHeld(s)
	}
}

// empty drops what the last commit had, and keeps the memory for the next.
func (t *turn) empty() {
	t.slots, t.flying, t.changes, t.blocks = emptied(t.slots), emptied(t.flying), emptied(t.changes), emptied(t.blocks)
}
