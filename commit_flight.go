package creditledger

import (
	"context"
	"slices"
	"sync"
)

// flight is what one account brings to one commit: everything that was decided on it
// since the flight before was taken. Everyone who waits for it is answered at once.
type flight struct {
	changeset
	slot   *slot
	riders []rider // the operations, to be decided afresh if the flight does not arrive

	// The committer's budgets, and what the flight takes of them. nil: nothing.
	committer *committer
	size      int64 // bytes
	blocks    int64 // the weight of the account

	behind *flight // the next in the account's queue
	goal   *flight // the flight with the end of the decision of which this is a piece; nil: it is no piece
	sealed *Change // the change that it brings, once something else is queued behind it; it takes nothing more then

	// fellows are the flights of an act, including this one, in the order of their
	// accounts. They go out in one commit. nil: the flight belongs to no act.
	fellows []*flight

	before, after *flight // neighbours in the list of flights that have not landed; guarded by the cache

	led    bool       // it is the goal of other flights
	landed bool       // sent and err are final
	mu     sync.Mutex // guards landed and waiter
	waiter chan struct{}
	sent   uint64 // its number among all flights, once it is sent
	err    error

	// one is the memory for a flight of one operation, which most flights are. Without it
	// a decrement in memory makes 4 more allocations and takes a tenth longer.
	one struct {
		records [1]JournalRecord
		touched [2]touchedBlock
		riders  [1]rider
		bytes   [168]byte
	}
}

// rider is an operation that a flight carries.
type rider interface {
	// mayRedecide reports whether it may be decided afresh once more.
	mayRedecide() bool
	// mustRedecide tells it that its flight did not arrive and that it will be decided
	// afresh. The conflict is the one that its flight met; nil: a flight before it did
	// not arrive.
	mustRedecide(with *redecideQueue, why *ConflictError)
}

func newFlight(s *slot, version uint64, prev Seal) *flight {
	f := &flight{slot: s, changeset: changeset{version: version, prev: prev}}
	f.records, f.touched, f.bytes, f.riders = f.one.records[:0], f.one.touched[:0], f.one.bytes[:0], f.one.riders[:0]
	return f
}

// wait returns when the flight has landed, or with ctx's error.
func (f *flight) wait(ctx context.Context) error {
	landing := f.landing()
	if landing == nil {
		return nil
	}
	select {
	case <-landing:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// landing returns a channel that is closed when the flight lands; nil if it has landed.
func (f *flight) landing() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.landed {
		return nil
	}
	if f.waiter == nil {
		f.waiter = make(chan struct{})
	}
	return f.waiter
}

// hasLanded reports whether the flight's outcome is known.
func (f *flight) hasLanded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.landed
}

// reserve takes from the budgets what was written, and the weight of the account.
func (f *flight) reserve(w *written, weight int) {
	size, blocks := w.size(), int64(weight)-f.blocks
	f.size += size
	f.blocks += blocks
	f.committer.bytes.reserve(size)
	f.committer.blocks.reserve(blocks)
}

// seal ends a flight before it is taken. It copies the account's state as it is now.
func (f *flight) seal(a *account) {
	var blocks []StoredBlock
	c := new(Change)
	f.change(c, a, &blocks)
	f.sealed = c
}

// change returns the flight in the form that the store takes. It copies the account's
// state, so that what is decided from now on has to go into the next flight.
func (f *flight) change(c *Change, a *account, memory *[]StoredBlock) {
	if f.sealed != nil {
		*c = *f.sealed
		return
	}
	f.changeset.change(c, a, memory)
}

// load returns what a flight and its fellows bring to a commit: bytes, accounts and
// expiries.
func (f *flight) load() (size int64, accounts, expired int) {
	if f.fellows == nil {
		return f.size, 1, f.expired
	}
	for _, o := range f.fellows {
		size, expired = size+o.size, expired+o.expired
	}
	return size, len(f.fellows), expired
}

// leads reports whether a commit takes the flight by itself, or as the first of an act.
// The other flights of an act are taken with the first.
func (f *flight) leads() bool { return f.fellows == nil || f.fellows[0] == f }

func (f *flight) meets(carried map[DocumentID]bool) bool {
	return slices.ContainsFunc(f.beside.documentPuts(), func(p DocumentPut) bool { return carried[p.DocumentID] })
}

// land ends a flight and answers everyone who waits for it.
func (f *flight) land(err error) {
	if c := f.committer; c != nil {
		c.bytes.release(f.size)
		c.blocks.release(f.blocks)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.landed = err, true
	if f.waiter != nil {
		close(f.waiter)
	}
}
