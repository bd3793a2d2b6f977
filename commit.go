package creditledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// committer brings flights to the store, many accounts in one commit. It has no timer
// and no standing goroutine: whoever queues the first flight leads, or a goroutine
// that ends when nothing is left to commit.
type committer struct {
	store Store
	cache *cache

	mu      sync.Mutex
	idle    *sync.Cond
	ready   []*slot // with a queued flight
	spare   []*slot // the memory of the last ready, once it is done with
	waiting int     // operations in them
	alone   bool    // the last commit was of one operation: nobody else may be writing
	running bool    // somebody commits: a goroutine, or a caller that leads

	hold struct { // memory of the commit under way, used again by the next
		flying  []*slot
		changes []Change
		blocks  []StoredBlock
	}
}

// maxFlights bounds how many accounts go out in one commit.
const maxFlights = 1024

// queue adds a decision to the account's next flight. The caller holds the slot. If
// nobody is committing, a goroutine begins to, unless the caller offers to lead: then
// it has to call lead once it has let go of the slot.
func (c *committer) queue(s *slot, d *decision, offer bool) (f *flight, leader bool) {
	f = s.queued
	if f == nil {
		f = newFlight(d.records[0].seq - 1)
		s.queued = f
		c.cache.hold(s)
	}
	first := len(f.records) == 0
	f.add(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting++
	if first {
		c.ready = append(c.ready, s)
	}
	if c.running {
		return f, false
	}
	c.running = true
	if offer {
		return f, true
	}
	go c.run()
	return f, false
}

// lead commits until a flight has landed, and leaves what is queued by then to a
// goroutine.
func (c *committer) lead(f *flight) {
	for {
		slots := c.take()
		if slots == nil {
			return
		}
		c.commit(slots)
		select {
		case <-f.done:
			c.handOver()
			return
		default:
		}
	}
}

// handOver ends a leader's turn.
func (c *committer) handOver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ready) > 0 {
		go c.run()
		return
	}
	c.rest()
}

// rest notes that nobody commits. The caller holds mu.
func (c *committer) rest() {
	c.running = false
	if c.idle != nil {
		c.idle.Broadcast()
	}
}

// wait returns when nothing is left to commit.
func (c *committer) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.running {
		if c.idle == nil {
			c.idle = sync.NewCond(&c.mu)
		}
		c.idle.Wait()
	}
}

func (c *committer) run() {
	for {
		slots := c.take()
		if slots == nil {
			return
		}
		c.commit(slots)
	}
}

// take returns the slots of the next commit, nil when there is none. As long as more
// operations keep coming in it lets them: those just answered are about to ask again.
// A lone writer is not kept waiting for others.
func (c *committer) take() []*slot {
	c.mu.Lock()
	for seen := 0; c.waiting != seen && !(c.alone && c.waiting == 1); {
		seen = c.waiting
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	c.alone = c.waiting == 1
	defer c.mu.Unlock()
	if len(c.ready) == 0 {
		c.rest()
		return nil
	}
	n := min(len(c.ready), maxFlights)
	slots := c.ready[:n:n]
	c.ready = c.ready[n:]
	if len(c.ready) == 0 {
		c.ready, c.spare, c.waiting = c.spare[:0], nil, 0
	}
	return slots
}

// commit sends the flights of the slots out. Those in conflict are left behind to be
// decided afresh, the others go again without them.
func (c *committer) commit(slots []*slot) {
	flying, changes := c.board(slots)
	defer c.empty(slots)
	for len(changes) > 0 {
		err := c.send(changes)
		if err == nil {
			c.land(flying, nil)
			return
		}
		var conflict *ConflictError
		if !errors.As(err, &conflict) {
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

// board takes the queued flights of the slots. A flight with a record that another
// one aboard carries waits for the next commit.
func (c *committer) board(slots []*slot) (flying []*slot, changes []Change) {
	var aboard map[RecordID]bool
	flying, changes = c.hold.flying[:0], c.hold.changes[:0]
	for _, s := range slots {
		s.lock <- struct{}{}
		f := s.queued
		switch {
		case f == nil || s.flying != nil: // a flight was thrown away and left its place in the queue
			c.cache.drop(s)
		case f.meets(aboard):
			c.mu.Lock()
			c.ready = append(c.ready, s)
			c.waiting++
			c.mu.Unlock()
		default:
			for i := range f.upper {
				if aboard == nil {
					aboard = map[RecordID]bool{}
				}
				aboard[f.upper[i].RecordID] = true
			}
			s.queued, s.flying = nil, f
			flying = append(flying, s)
			changes = append(changes, f.change(s.account, &c.hold.blocks))
		}
		<-s.lock
	}
	c.hold.flying, c.hold.changes = flying, changes
	return flying, changes
}

// empty lets go of what the last commit held, and keeps the memory for the next.
func (c *committer) empty(slots []*slot) {
	clear(c.hold.flying)
	clear(c.hold.changes)
	clear(c.hold.blocks)
	c.hold.blocks = c.hold.blocks[:0]
	clear(slots)
	c.mu.Lock()
	c.spare = slots[:0]
	c.mu.Unlock()
}

// concerns reports whether a conflict names anything of a change.
func (e *ConflictError) concerns(c *Change) bool {
	if slices.Contains(e.Accounts, c.Account) {
		return true
	}
	return slices.ContainsFunc(c.Records, func(p RecordPut) bool { return slices.Contains(e.Records, p.RecordID) })
}

// of is the part of a conflict that concerns a slot's flight.
func (e *ConflictError) of(s *slot) *ConflictError {
	part := &ConflictError{}
	if slices.Contains(e.Accounts, s.id) {
		part.Accounts = []AccountID{s.id}
	}
	for _, id := range e.Records {
		if s.flying.puts(id) {
			part.Records = append(part.Records, id)
		}
	}
	return part
}

// send commits. Callers may give up waiting, a commit does not: it runs under a
// context that never ends. A store that panics leaves the outcome open.
func (c *committer) send(changes []Change) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &OutcomeUnknownError{Err: fmt.Errorf("the store panicked: %v", p)}
		}
	}()
	return c.store.Commit(context.Background(), changes)
}

// land tells everyone how the flights of the slots ended. After a failure what was
// computed on top of them is thrown away, to be decided afresh.
func (c *committer) land(slots []*slot, err error) {
	for _, s := range slots {
		s.lock <- struct{}{}
		f := s.flying
		s.flying = nil
		switch {
		case err != nil:
			s.spoil()
		case s.account != nil:
			s.account.forget(f.records[len(f.records)-1].Seq)
		}
		<-s.lock
		f.land(err)
		c.cache.drop(s)
	}
}
