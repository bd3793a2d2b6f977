package creditledger

import (
	"container/list"
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// slot is the place of one account in memory. Its fields are for whoever has locked it.
type slot struct {
	id AccountID

	account *account // nil: not loaded, or dropped after a failed commit
	queued  *flight  // decided and not yet taken by the committer
	flying  *flight  // taken, being committed

	// Whether the customer is deleted, as of a generation of the ledger's customers.
	customers uint64 // that generation plus one; 0: not looked at
	deleted   bool

	deciding bool // a decision is changing the account

	thrown *thrownAway // nil: nothing

	// The cache's, guarded by its mutex.
	locked  bool
	waiting int32         // for the lock, and not handed it yet
	handed  chan struct{} // one token, for one of those who wait; nil: nobody ever had to
	users   int32
	weight  int32
	place   *list.Element
}

// thrownAway was decided, and a conflict made it void: it is to be decided afresh before
// anything else, in order.
type thrownAway struct {
	list []*Pending
}

// latest is the flight after whose landing the account as it is in memory is durable;
// nil when it is already.
func (s *slot) latest() *flight {
	if s.queued != nil {
		return s.queued
	}
	return s.flying
}

// flightOf finds the flight that carries a key.
func (s *slot) flightOf(key Key) *flight {
	for _, f := range []*flight{s.queued, s.flying} {
		if f != nil && f.byKey[key] {
			return f
		}
	}
	return nil
}

// flightMade finds the flight with record seq, if that has an id that the ledger made a
// key of.
func (s *slot) flightMade(seq uint64, id uuid.UUID) *flight {
	for _, f := range []*flight{s.queued, s.flying} {
		if f == nil || seq < f.records[0].Seq || seq-f.records[0].Seq >= uint64(len(f.records)) {
			continue
		}
		rec, err := DecodeRecord(f.records[seq-f.records[0].Seq].Bytes)
		if err == nil && rec.ID == id && rec.Key == "" {
			return f
		}
	}
	return nil
}

// carries finds the flight that carries one of the records to be put: a record is
// stored once in a commit.
func (s *slot) carries(puts []RecordPut) *flight {
	for _, f := range []*flight{s.queued, s.flying} {
		if f == nil {
			continue
		}
		for i := range puts {
			if f.puts(puts[i].RecordID) {
				return f
			}
		}
	}
	return nil
}

// load makes sure that the account is in memory. With nothing on its way to the disk
// it asks the store whether the state at hand is still the latest.
func (s *slot) load(ctx context.Context, store Store) error {
	if s.account != nil && s.latest() != nil {
		return nil
	}
	var have *Head
	if s.account != nil && s.account.head.Version != 0 {
		have = &s.account.head
	}
	state, err := store.Load(ctx, s.id, have)
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

// decide runs a decision on the slot's account. While it runs the account is in
// between: release looks whether it came to its end.
func (s *slot) decide(run func() error) error {
	s.deciding = true
	err := run()
	s.deciding = false
	return err
}

// spoil drops the account and what was decided on it and not taken yet, after
// something went wrong that cannot be taken back. It is to be decided afresh.
func (s *slot) spoil() {
	s.account, s.deciding = nil, false
	if s.queued != nil {
		s.throw(s.queued)
		s.queued.land(&ConflictError{Accounts: []AccountID{s.id}})
		s.queued = nil
	}
}

// throw notes what a flight carried in vain. It comes before what was thrown away
// earlier and is still not decided afresh: that would have been first otherwise.
func (s *slot) throw(f *flight) {
	if s.thrown == nil {
		s.thrown = &thrownAway{}
	}
	s.thrown.list = slices.Concat(f.aboard, s.thrown.list)
	f.aboard = nil
}

// before returns what was submitted before p, thrown away, and not decided afresh since.
func (s *slot) before(p *Pending) *Pending {
	for s.thrown != nil && len(s.thrown.list) > 0 {
		first := s.thrown.list[0]
		if first == p.stale {
			return nil
		}
		if !first.settled() {
			return first
		}
		s.thrown.list[0] = nil
		s.thrown.list = s.thrown.list[1:]
	}
	s.thrown = nil
	return nil
}

// fetch puts the blocks that an operation names at hand.
func (s *slot) fetch(ctx context.Context, store Store, op Operation) error {
	var few [4]string
	ids := namedBlocks(op, few[:0])
	ids = slices.DeleteFunc(ids, func(id string) bool { return s.account.find(id) != nil })
	if len(ids) == 0 {
		return nil
	}
	blocks, err := store.BlocksByID(ctx, s.id, ids)
	if err != nil {
		return err
	}
	for i := range blocks {
		s.account.admit(blocks[i])
	}
	return nil
}

// cache keeps recently used accounts in memory, bounded by their weight.
type cache struct {
	limit int

	mu     sync.Mutex
	slots  map[AccountID]*slot
	recent list.List // of *slot, most recently used first
	weight int
}

// acquire returns the account's slot, locked. The lock is waited for as long as ctx
// lasts.
func (c *cache) acquire(ctx context.Context, id AccountID) (*slot, error) {
	c.mu.Lock()
	s := c.slots[id]
	if s == nil {
		s = &slot{id: id}
		if c.slots == nil {
			c.slots = map[AccountID]*slot{}
		}
		c.slots[id] = s
		s.place = c.recent.PushFront(s)
	} else {
		c.recent.MoveToFront(s.place)
	}
	s.users++
	if err := c.lock(ctx, s); err != nil {
		c.drop(s)
		return nil, err
	}
	return s, nil
}

// lock locks a slot. The caller holds mu and has let go of it when lock returns.
//
// Accounts are many and mostly nobody waits: so a flag under a mutex that is taken
// anyway, and a channel only for a slot that somebody had to wait for.
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
	} else { // all others who waited are gone too, or have had theirs
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
	s.handed <- struct{}{} // there is room: it stays locked until this one is taken
}

// enter and leave lock and unlock a slot that is held.
func (c *cache) enter(s *slot) {
	c.mu.Lock()
	_ = c.lock(context.Background(), s) // which never ends
}

func (c *cache) leave(s *slot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unlock(s)
}

// release unlocks a slot and lets go of accounts that are too many.
func (c *cache) release(s *slot) {
	if s.deciding { // the caller's clock or source of randomness panicked
		s.spoil()
	}
	weight := int32(1)
	if s.account != nil {
		weight += int32(s.account.weight)
	}
	idle := s.latest() == nil
	if idle && s.account != nil {
		s.account.forget(s.account.head.Version)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unlock(s)
	s.users--
	c.weight += int(weight - s.weight)
	s.weight = weight
	if c.weight > c.limit {
		c.evict()
	}
}

// evict drops the least recently used accounts that nobody uses until the rest is
// within the limit.
func (c *cache) evict() {
	for e := c.recent.Back(); e != nil && c.weight > c.limit; {
		s := e.Value.(*slot)
		e = e.Prev()
		if s.users > 0 {
			continue
		}
		c.recent.Remove(s.place)
		delete(c.slots, s.id)
		c.weight -= int(s.weight)
	}
}

// hold and drop keep a slot from being evicted while a flight of it is in the air.
func (c *cache) hold(s *slot) {
	c.mu.Lock()
	s.users++
	c.mu.Unlock()
}

func (c *cache) drop(s *slot) {
	c.mu.Lock()
	s.users--
	c.mu.Unlock()
}
