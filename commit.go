package creditledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// committer brings flights to the store, many accounts in one commit, and as many
// commits side by side as the store takes. It has no timer and no standing goroutine:
// whoever queues the first flight leads, or goroutines that end when nothing is left
// to commit.
type committer struct {
	store    Store
	cache    *cache
	shared   bool
	width    int           // how many commits may be under way at once
	accounts int           // how many accounts go out in one commit
	patience int           // how often others are let run while fewer operations wait than in the last commit
	sent     atomic.Uint64 // flights that went out so far
	bringing chan struct{} // of a JoinedStore: its token is whose turn it is to commit; nil: not joined

	// What is in the air.
	bytes  budget
	blocks budget // of its accounts, as they weigh

	mu        sync.Mutex
	idle      *sync.Cond
	ready     []*slot // with a queued flight, none in the air
	waiting   int     // operations in them
	taken     int     // operations in the last commit
	expected  int     // these, and those that waited when it landed
	alone     bool    // it was of one: nobody else may be writing
	gathering bool    // somebody is about to take what is ready
	running   int     // how many commit: goroutines, and callers that lead
	spare     []*turn // memory of turns that ended
}

// turn is one commit after another: a goroutine's, or a leading caller's. It keeps
// their memory.
type turn struct {
	*committer
	slots, flying []*slot
	changes       []Change
	blocks        []StoredBlock
}

// manyYields take some 50 µs at most, a fraction of a commit to a disk.
const manyYields = 256

// manyOperations do not wait for more: on one processor a caller who only submits may
// never be done.
const manyOperations = 4096

// maxFlights is how many accounts go out in one commit, unless the store wants fewer.
const maxFlights = 1024

func (c *committer) over(s Store, cache *cache) {
	c.store, c.cache, c.width, c.accounts, c.patience = s, cache, 1, maxFlights, 1
	c.bytes.limit, c.blocks.limit = maxInFlight, max(int64(cache.limit), 1)
	if _, ok := s.(JoinedStore); ok {
		c.bringing = make(chan struct{}, 1)
	}
	if shared, ok := s.(SharedStore); ok {
		c.shared = true
		c.width, c.accounts = shared.Concurrency()
		if c.width == 1 { // a commit is dear, and nobody else can bring the stragglers
			c.patience = manyYields
		}
	}
}

// queue adds a decision to the account's next flight. The caller holds the slot. If
// nobody is about to commit, a goroutine begins to, unless the caller offers to lead:
// then it has to call lead once it has let go of the slot.
func (c *committer) queue(s *slot, d *decision, offer bool) (f *flight, leader bool) {
	f = s.queued
	first := f == nil
	if first {
		f = newFlight(d.records[0].seq-1, d.records[0].prev)
		f.committer = c
		s.queued = f
	}
	f.add(d)
	f.takes(d, s.account.weight)
	if s.flying != nil { // its landing makes the slot ready
		return f, false
	}
	if first {
		c.cache.hold(s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting++
	if first {
		c.ready = append(c.ready, s)
	}
	if !c.begin() {
		return f, false
	}
	if offer {
		return f, true
	}
	go c.run()
	return f, false
}

// begin reports whether another turn is wanted, and counts it. A JoinedStore has none
// but those of who waits. The caller holds mu.
func (c *committer) begin() bool {
	if c.joined() || c.gathering || c.running >= c.width || len(c.ready) == 0 {
		return false
	}
	c.running++
	return true
}

// end counts a turn out. The caller holds mu.
func (c *committer) end(t *turn) {
	c.running--
	c.spare = append(c.spare, t)
	if c.running == 0 && c.idle != nil {
		c.idle.Broadcast()
	}
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

// lead commits until a flight has landed, and leaves what is queued by then to a
// goroutine.
func (c *committer) lead(f *flight) {
	t := c.turn()
	for t.take() {
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
		go c.run()
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
	for c.running > 0 {
		if c.idle == nil {
			c.idle = sync.NewCond(&c.mu)
		}
		c.idle.Wait()
	}
}

func (c *committer) run() {
	for t := c.turn(); t.take(); {
		t.commit(context.Background())
	}
}

// take chooses the slots of the turn's next commit; when there are none, or another
// turn is about to take them, this one has ended. As long as more operations keep
// coming in it lets them: those just answered are about to ask again. A lone writer is
// not kept waiting for others.
func (t *turn) take() bool {
	c := t.committer
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gathering {
		c.end(t)
		return false
	}
	c.gathering = true
	for seen, still := 0, 0; !(c.alone && c.waiting == 1) && c.waiting < manyOperations; {
		if c.waiting != seen {
			seen, still = c.waiting, 0
		} else if still++; still >= c.patience || c.waiting >= c.expected {
			break
		}
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
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
	c.taken = c.waiting
	if left == 0 {
		c.waiting = 0
	} else if c.begin() {
		go c.run()
	}
	return true
}

// commit sends the flights of the slots out. Those in conflict are left behind to be
// decided afresh, the others go again without them. Callers may give up waiting, a
// commit does not: its ctx never ends, but for a JoinedStore.
func (t *turn) commit(ctx context.Context) {
	c := t.committer
	t.board()
	defer t.empty()
	flying, changes := t.flying, t.changes
	for len(changes) > 0 {
		err := c.send(ctx, changes)
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
// one aboard carries, or for which the commit would be too large, waits for the next.
func (t *turn) board() {
	c := t.committer
	size := int64(0)
	var aboard map[RecordID]bool
	for _, s := range t.slots {
		c.cache.enter(s)
		f := s.queued
		switch {
		case f == nil || s.flying != nil: // a flight was thrown away and left its place in the queue
			c.cache.drop(s)
		case f.meets(aboard):
			c.again(s, 1)
		case size > 0 && size+f.size > maxCommit:
			c.again(s, len(f.records))
		default:
			size += f.size
			for i := range f.upper {
				if aboard == nil {
					aboard = map[RecordID]bool{}
				}
				aboard[f.upper[i].RecordID] = true
			}
			s.queued, s.flying = nil, f
			f.sent = c.sent.Add(1)
			t.flying = append(t.flying, s)
			t.changes = append(t.changes, f.change(s.account, &t.blocks))
		}
		c.cache.leave(s)
	}
}

// again makes a slot ready that is held already.
func (c *committer) again(s *slot, operations int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = append(c.ready, s)
	c.waiting += operations
}

// empty lets go of what the last commit held, and keeps the memory for the next.
func (t *turn) empty() {
	t.slots, t.flying, t.changes, t.blocks = emptied(t.slots), emptied(t.flying), emptied(t.changes), emptied(t.blocks)
}

// emptied is a list for use again, unless it has room for more than most need.
func emptied[T any](list []T) []T {
	const most = 4 * maxFlights
	if cap(list) > most {
		return nil
	}
	clear(list)
	return list[:0]
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
	for _, key := range e.Keys {
		if s.flying.byKey[key] {
			part.Keys = append(part.Keys, key)
		}
	}
	return part
}

// send commits. A store that panics leaves the outcome open.
func (c *committer) send(ctx context.Context, changes []Change) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &OutcomeUnknownError{Err: fmt.Errorf("the store panicked: %v", p)}
		}
	}()
	return c.store.Commit(ctx, changes)
}

// land tells everyone how the flights of the slots ended. After a failure what was
// computed on top of them is thrown away, to be decided afresh.
func (c *committer) land(slots []*slot, err error) {
	c.mu.Lock()
	c.expected = c.taken + c.waiting
	c.mu.Unlock()
	for _, s := range slots {
		c.cache.enter(s)
		f := s.flying
		s.flying = nil
		switch {
		case err != nil:
			s.spoil()
			if isConflict(err) {
				s.throw(f)
			}
		case s.account != nil:
			s.account.forget(f.records[len(f.records)-1].Seq)
		}
		f.aboard = nil
		behind := s.queued
		if behind != nil { // decided meanwhile: the slot stays held
			c.again(s, len(behind.records))
		}
		c.cache.leave(s)
		f.land(err)
		if behind == nil {
			c.cache.drop(s)
		}
	}
}
