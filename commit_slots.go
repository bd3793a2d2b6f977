package creditledger

import (
	"container/list"
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// slot is the place of one account in memory. Only whoever has locked it may use its
// fields.
type slot struct {
	id AccountID

	account *account // nil: not loaded, or dropped after a failed commit
	queued  *flight  // the first flight that the committer has not taken yet; others may be behind it
	last    *flight  // the last of the queued flights
	flying  *flight  // the flight that is being committed

	// Whether the customer is deleted, as of a generation of the ledger's customers.
	customers uint64 // that generation plus one; 0: not looked at
	deleted   bool

	// deciding is set while a decision changes the account, so that release notices a
	// decision that did not come to its end.
	deciding bool
	// reserved is set while a LockingStore may have locked the account for what is being
	// decided.
	reserved bool

	counted int // operations that the committer counts as waiting, guarded by its mutex; 0: the slot is not ready

	// kept is the act that keeps newcomers off the account; nil: none does. Setting it
	// needs the slot's lock, and clearing it does not.
	kept atomic.Pointer[keeper]

	toRedecide *redecideQueue // operations to be decided afresh before anything else; nil: none

	// The cache's, guarded by its mutex.
	locked  bool
	waiting int32         // how many wait for the lock
	handed  chan struct{} // hands the lock to one of those who wait; nil: nobody ever waited
	users   int32
	weight  int32
	lruElem *list.Element
}

// keeper is an act that keeps newcomers off accounts.
type keeper struct {
	done chan struct{} // closed when it no longer does
}

// latest returns the flight after whose landing the account in memory is durable; nil if
// it is durable already.
func (s *slot) latest() *flight {
	if s.last != nil {
		return s.last
	}
	return s.flying
}

// push queues a flight behind the others.
func (s *slot) push(f *flight) {
	if s.last == nil {
		s.queued = f
	} else {
		s.last.behind = f
	}
	s.last = f
}

// pop takes the first flight out of the queue.
func (s *slot) pop() *flight {
	f := s.queued
	s.queued, f.behind = f.behind, nil
	if s.queued == nil {
		s.last = nil
	}
	return f
}

// makeRoom seals the last flight in the queue unless it can take a decision at an
// instant, with everything that lapsed by then. A flight behind pieces fails with them,
// so it takes no other decision. Where schedules grant by then, nobody knows yet how much
// they do, so the flight is sealed too.
func (s *slot) makeRoom(expiries int, at Instant) {
	f, n := s.last, len(s.account.lapsed)
	if f != nil && f.sealed == nil && (f.led || n > 0 && f.expired+n > expiries || s.account.grantsBy(at)) {
		f.seal(s.account)
	}
}

// find returns the first flight for which a condition holds, of the one in the air and
// the queued ones.
func (s *slot) find(fits func(*flight) bool) *flight {
	if s.flying != nil && fits(s.flying) {
		return s.flying
	}
	for f := s.queued; f != nil; f = f.behind {
		if fits(f) {
			return f
		}
	}
	return nil
}

// flightOf returns the flight that carries a key.
func (s *slot) flightOf(key Key) *flight {
	return s.find(func(f *flight) bool { return f.beside.hasKey(key) })
}

// flightMade returns the flight with record seq, if the record has the id from which the
// ledger made a key.
func (s *slot) flightMade(seq uint64, id uuid.UUID) *flight {
	return s.find(func(f *flight) bool {
		if seq < f.records[0].Seq || seq-f.records[0].Seq >= uint64(len(f.records)) {
			return false
		}
		rec, err := DecodeRecord(f.records[seq-f.records[0].Seq].Bytes)
		return err == nil && rec.ID == id && rec.Key == ""
	})
}

// carries returns the flight that carries one of the documents to be put. A commit may
// put a document only once.
func (s *slot) carries(puts []DocumentPut) *flight {
	if len(puts) == 0 {
		return nil
	}
	return s.find(func(f *flight) bool {
		return slices.ContainsFunc(puts, func(p DocumentPut) bool { return f.beside.puts(p.DocumentID) })
	})
}

// load makes sure that the account is in memory. If nothing is on its way to the disk, it
// asks the store whether the state in memory is still the latest. locking is nil unless
// the load comes before a decision and the store is a LockingStore, which may lock the
// account.
func (s *slot) load(ctx context.Context, store Store, locking LockingStore) error {
	if s.account != nil && s.latest() != nil {
		return nil
	}
	var have *Head
	if s.account != nil && s.account.head.Version != 0 {
		have = &s.account.head
	}
	var state *State
	var err error
	if locking == nil {
		state, err = store.Load(ctx, s.id, have)
	} else {
		s.reserved = true
		state, err = locking.LoadToChange(ctx, s.id, have)
	}
	if err != nil {
		s.account = nil
		return err
	}
	if state == nil {
		return nil
	}
	if have == nil && s.account != nil && state.Head.Version == 0 {
		return nil
	}
	s.account, s.customers = nil, 0
	s.account, err = newAccount(s.id, state)
	return err
}

const defaultCacheBlocks = 1_000_000

// cache keeps recently used accounts in memory, bounded by their weight.
type cache struct {
	limit         int
	locking       LockingStore // nil: the store locks no accounts
	beginRedecide func(*slot)  // begins to decide afresh what is queued on a locked slot

	mu         sync.Mutex
	slots      map[AccountID]*slot
	recent     list.List // of *slot, most recently used first
	weight     int
	flight     *flight            // one of the flights that have not landed, which are linked both ways
	redeciding map[*slot]struct{} // with a redecideQueue
}

// acquire returns the account's slot, locked. It waits for the lock as long as ctx lasts.
func (c *cache) acquire(ctx context.Context, id AccountID) (*slot, error) {
	c.mu.Lock()
	s := c.slots[id]
	if s == nil {
		s = &slot{id: id}
		if c.slots == nil {
			c.slots = map[AccountID]*slot{}
		}
		c.slots[id] = s
		s.lruElem = c.recent.PushFront(s)
	} else {
		c.recent.MoveToFront(s.lruElem)
	}
	s.users++
	if err := c.lock(ctx, s); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		s.users--
		return nil, err
	}
	return s, nil
}

// lock locks a slot. The caller holds mu and has let go of it when lock returns.
//
// There are many accounts, and mostly nobody waits. So the lock is a flag under a mutex
// that is taken anyway, and only a slot that somebody had to wait for has a channel.
func (c *cache) lock(ctx context.Context, s *slot) error {
	if !s.locked {
		s.locked = true
		c.mu.Unlock()
		return nil
	}
	if s.handed == nil {
		s.handed = make(chan struct{}, 1)
	}
	s.waiting++
	c.mu.Unlock()
	select {
	case <-s.handed:
		return nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.waiting > 0 {
		s.waiting--
	} else { // nobody else waits: the others gave up, or were handed the lock
		<-s.handed
		c.unlock(s)
	}
	return ctx.Err()
}

// unlock hands the lock to one of those who wait for it. The caller holds mu.
func (c *cache) unlock(s *slot) {
	if s.waiting == 0 {
		s.locked = false
		return
	}
	s.waiting--
	s.handed <- struct{}{} // never blocks: the slot stays locked until the one before was received
}

// leave says that the caller no longer needs a slot in memory, which it has not locked.
func (c *cache) leave(s *slot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.users--
}

// lockAgain locks a slot that the caller keeps in memory. It waits as long as ctx lasts.
func (c *cache) lockAgain(ctx context.Context, s *slot) error {
	c.mu.Lock()
	return c.lock(ctx, s)
}

// lockHeld and unlockHeld lock and unlock a slot that the caller keeps in memory.
func (c *cache) lockHeld(s *slot) {
	c.mu.Lock()
	_ = c.lock(context.Background(), s) // this context never ends
}

func (c *cache) unlockHeld(s *slot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unlock(s)
}

// release unlocks a slot, and evicts accounts if there are too many.
func (c *cache) release(s *slot) {
	if s.deciding { // the caller's clock or an Attach panicked
		c.invalidate(s)
	}
	weight := 1
	if s.account != nil {
		weight += s.account.weight + s.account.rowsWeight()
	}
	weight = min(weight, c.heaviest())
	idle := s.latest() == nil
	if idle && s.account != nil {
		s.account.forget(s.account.head.Version)
	}
	c.unreserve(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unlock(s)
	s.users--
	c.weight += weight - int(s.weight)
	s.weight = int32(weight)
	if c.weight > c.limit {
		c.evict()
	}
}

// unreserve tells a LockingStore that no commit will follow, once nothing is queued on a
// slot or waits to be decided afresh. The caller holds the slot.
func (c *cache) unreserve(s *slot) {
	if s.reserved && s.latest() == nil && s.toRedecide == nil {
		s.reserved = false
		c.locking.Release(s.id)
	}
}

// heaviest is the most that one account counts for. Without it, an account larger than
// the bound would be evicted by each small account that is used between two of its
// operations, and read again for the next.
func (c *cache) heaviest() int { return min(max(1, c.limit-max(1, c.limit/8)), math.MaxInt32) }

// evict drops accounts that nobody uses, least recently used first, until the rest is
// within the limit.
func (c *cache) evict() {
	for e := c.recent.Back(); e != nil && c.weight > c.limit; {
		s := e.Value.(*slot)
		e = e.Prev()
		if s.users > 0 {
			continue
		}
		c.recent.Remove(s.lruElem)
		delete(c.slots, s.id)
		c.weight -= int(s.weight)
	}
}

// launch adds a flight to those that have not landed, and keeps its slot in memory.
func (c *cache) launch(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.slot.users++
	if f.after = c.flight; f.after != nil {
		f.after.before = f
	}
	c.flight = f
}

// landed removes a flight that has landed.
func (c *cache) landed(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.slot.users--
	if f.after != nil {
		f.after.before = f.before
	}
	if f.before != nil {
		f.before.after = f.after
	} else {
		c.flight = f.after
	}
	f.before, f.after = nil, nil
}

// aloft lists the slots with a flight that has not landed, or with something to be
// decided afresh.
func (c *cache) aloft() []AccountID {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []AccountID
	for f := c.flight; f != nil; f = f.after {
		ids = append(ids, f.slot.id)
	}
	for s := range c.redeciding {
		ids = append(ids, s.id)
	}
	return ids
}
