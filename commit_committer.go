package creditledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// committer brings flights to the store: many accounts in one commit, and as many commits
// side by side as the store takes. It has no timer and no goroutine that stays. Either
// the caller that queues the first flight commits, or goroutines do, which end when
// nothing is left to commit.
type committer struct {
	env        environment
	cache      *cache
	optimistic bool          // an operation may be decided without asking the store first
	exclusive  bool          // nobody else writes to the store
	width      int           // how many commits may be under way at once
	accounts   int           // how many accounts one commit may have
	expiries   int           // how many expiries one commit may have
	patience   int           // how many yields a commit waits for more operations, at most
	sent       atomic.Uint64 // flights that went out so far
	bringing   chan struct{} // of a JoinedStore: whoever holds the token commits; nil: the store is not joined

	// What is in the air.
	bytes  budget
	blocks budget // of its accounts, as they weigh

	mu        sync.Mutex
	idle      *sync.Cond
	ready     []*slot // slots with a queued flight and none in the air
	waiting   int     // operations in ready: the sum of what its slots count
	taken     int     // operations in the last commit
	expected  int     // operations worth waiting for: as many as in the last commit, plus those that were waiting when it landed
	alone     bool    // the last commit had one operation, so perhaps nobody else writes
	gathering bool    // a turn is about to take the slots in ready
	running   int     // turns under way: goroutines, and callers that lead
	deciding  int     // goroutines that decide afresh
	spare     []*turn // memory of turns that ended
}

// Before a commit to a disk it pays to wait for other operations for a fraction of the
// time that the commit takes. No yield begins after maxPatience. The scheduler decides
// how long the last one takes.
const (
	manyYields  = 256
	maxPatience = 50 * time.Microsecond
)

// A commit of manyOperations waits for no more. On one processor, a caller that only
// submits could otherwise keep it waiting for ever.
const manyOperations = 4096

// maxFlights is how many accounts go out in one commit, unless the store wants fewer.
const maxFlights = 1024

func (c *committer) over(s Store, cache *cache) {
	c.env, c.cache, c.width, c.accounts, c.patience = environmentOf(s, cache), cache, 1, maxFlights, 1
	c.bytes.limit, c.blocks.limit = maxInFlight, max(int64(cache.limit), 1)
	if _, ok := s.(JoinedStore); ok {
		c.bringing = make(chan struct{}, 1)
	}
	cache.locking, _ = s.(LockingStore)
	if shared, ok := s.(OptimisticStore); ok {
		c.optimistic = true
		if own, ok := s.(ExclusiveStore); ok {
			c.exclusive = own.Exclusive()
		}
		c.width, c.accounts = shared.Concurrency()
		if c.width == 1 { // one commit at a time: whoever comes late has to wait for all of this one
			c.patience = manyYields
		}
	}
}

// queue adds what was written to the account's last flight, or to a new flight behind
// that one. If the decision has pieces that are flights of their own, these go before it.
// The caller holds the slot. If nobody is about to commit, queue starts a goroutine that
// does, unless the caller offers to lead. Then the caller has to call lead once it has
// released the slot.
func (c *committer) queue(s *slot, w *written, pieces []*flight, offer bool) (f *flight, leader bool) {
	first := s.queued == nil
	for _, piece := range pieces {
		c.bytes.reserve(piece.size)
		c.launch(s, piece)
	}
	if f = s.last; f == nil || f.sealed != nil {
		f = newFlight(s, w.records[0].seq-1, w.records[0].prev)
		c.launch(s, f)
	}
	for _, piece := range pieces {
		piece.goal, f.led = f, true
	}
	f.add(w)
	f.reserve(w, s.account.weight+s.account.rowsWeight())
	if s.flying != nil { // the slot becomes ready when that flight lands
		return f, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if first {
		c.ready = append(c.ready, s)
	}
	if first || s.counted > 0 { // otherwise a turn has chosen the slot and takes this flight too
		c.count(s, 1)
	}
	if !c.begin() {
		return f, false
	}
	if offer {
		return f, true
	}
	c.env.spawn(c.run)
	return f, false
}

// queueAct queues what was written on several accounts for one commit. The caller holds
// their slots, in the order of accounts, and nothing is in the air on them. What is decided
// on them afterwards goes behind, in flights of its own.
func (c *committer) queueAct(slots []*slot, list []*written) []*flight {
	flights := make([]*flight, len(slots))
	for i, s := range slots {
		w := list[i]
		f := newFlight(s, w.records[0].seq-1, w.records[0].prev)
		c.launch(s, f)
		f.add(w)
		f.reserve(w, s.account.weight+s.account.rowsWeight())
		f.seal(s.account)
		flights[i], f.fellows = f, flights
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(slots[0], 1)
	c.ready = append(c.ready, slots[0]) // whoever takes the first slot takes all of the act
	if c.begin() {
		c.env.spawn(c.run)
	}
	return flights
}

// launch puts a flight into a slot's queue. The caller holds the slot.
func (c *committer) launch(s *slot, f *flight) {
	f.slot, f.committer = s, c
	s.push(f)
	c.cache.launch(f)
}

// begin reports whether another turn is needed, and counts it. Over a JoinedStore only
// callers that wait commit. The caller holds mu.
func (c *committer) begin() bool {
	if c.joined() || c.gathering || c.running >= c.width || len(c.ready) == 0 {
		return false
	}
	c.running++
	return true
}

// end counts a turn that has ended. The caller holds mu.
func (c *committer) end(t *turn) {
	c.running--
	c.spare = append(c.spare, t)
	c.rest()
}

// rest wakes those who wait until nothing is left to do, if that is so. The caller holds
// mu.
func (c *committer) rest() {
	if c.running+c.deciding == 0 && c.idle != nil {
		c.idle.Broadcast()
	}
}

// beginDeciding counts a goroutine that begins to decide afresh. endDeciding counts that
// it has ended.
func (c *committer) beginDeciding() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deciding++
}

func (c *committer) endDeciding() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deciding--
	c.rest()
}

func (c *committer) turn() *turn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.spare); n > 0 {
		t := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return t
	}
	return &turn{committer: c}
}

// lead commits until a flight has landed. A goroutine commits what is still queued then.
func (c *committer) lead(f *flight) {
	t := c.turn()
	for t.gather() {
		t.commit(context.Background())
		if f.hasLanded() {
			c.handOver(t)
			return
		}
	}
}

// handOver ends a leader's turn.
func (c *committer) handOver(t *turn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(t)
	if c.begin() {
		c.env.spawn(c.run)
	}
}

// wait returns when nothing is left to commit.
func (c *committer) wait() {
	if c.joined() {
		c.bringAll()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.running+c.deciding > 0 {
		if c.idle == nil {
			c.idle = sync.NewCond(&c.mu)
		}
		c.idle.Wait()
	}
}

func (c *committer) run() {
	for t := c.turn(); t.gather(); {
		t.commit(context.Background())
	}
}

// requeue makes a slot with a queued flight ready.
func (c *committer) requeue(s *slot, operations int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = append(c.ready, s)
	c.count(s, operations)
}

// count adds to the operations that a ready slot counts as waiting. The caller holds mu.
func (c *committer) count(s *slot, operations int) {
	s.counted += operations
	c.waiting += operations
}

// send commits. A store that panics leaves the outcome open.
func (c *committer) send(ctx context.Context, changes []Change) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &OutcomeUnknownError{Err: fmt.Errorf("the store panicked: %v", p)}
		}
	}()
	return c.env.commit(ctx, changes)
}

// land tells everyone how the flights of the slots ended. After a failure, what was
// decided on top of them is void and will be decided afresh.
func (c *committer) land(slots []*slot, err error) {
	c.mu.Lock()
	c.expected = c.taken + c.waiting
	c.mu.Unlock()
	for _, s := range slots {
		c.env.lock(s)
		f := s.flying
		s.flying = nil
		switch {
		case err != nil:
			c.fail(f, err)
		case s.account != nil:
			s.account.forget(f.records[len(f.records)-1].Seq)
		}
		f.riders = nil
		s.reserved = s.reserved || err != nil && c.cache.locking != nil
		c.cache.unreserve(s)
		if s.queued != nil { // something was decided during the commit
			c.requeue(s, len(s.queued.records))
		}
		c.cache.unlockHeld(s)
		f.land(err)
		c.cache.landed(f)
	}
}

// fail makes void what was decided on top of a flight that did not arrive. After a
// conflict, what the flight carried is void too. After any other error the other pieces
// of the flight's decision fail with the same error.
func (c *committer) fail(f *flight, err error) {
	s := f.slot
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		c.cache.invalidate(s)
		c.cache.queueRedecide(f, conflict)
		return
	}
	for f.goal != nil && s.queued != nil && (s.queued == f.goal || s.queued.goal == f.goal) {
		rest := s.pop()
		rest.riders = nil
		rest.land(err)
		c.cache.landed(rest)
	}
	c.cache.invalidate(s)
}
