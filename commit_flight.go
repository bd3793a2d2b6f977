package creditledger

import (
	"context"
	"sync"
)

// flight is what one account brings to one commit: everything decided on it since
// the flight before was taken. All who wait for it are answered together.
type flight struct {
	changeset
	slot   *slot
	riders []rider // to be decided afresh if it does not arrive

	// What it takes of the committer's budgets, nil: nothing.
	committer *committer
	size      int64 // bytes
	blocks    int64 // the account's, as they weigh

	behind *flight // queued behind it on the account
	goal   *flight // of the decision that it begins; nil: it is whole
	led    bool    // it is the goal of others
	sealed *Change // what it brings, if something else is decided behind it; it takes nothing more

	// fellows are the flights of an act, this one among them, in the order of their accounts:
	// they go out in one commit. nil: it goes by itself.
	fellows []*flight

	before, after *flight // among those that have not landed; guarded by the cache

	mu     sync.Mutex // guards landed and waiter
	landed bool       // sent and err are final
	waiter chan struct{}
	sent   uint64 // its number among all flights
	err    error

	// one is the memory for a flight of one operation, as most flights are. Without it a
	// decrement in memory makes 4 more allocations and takes a tenth longer.
	one struct {
		records [1]JournalRecord
		touched [2]touchedBlock
		riders  [1]rider
		bytes   [192]byte
	}
}

// rider is an operation aboard a flight.
type rider interface {
	// mayRedecide reports whether it may be decided afresh once more.
	mayRedecide() bool
	// mustRedecide tells it that its flight did not arrive, that it is to be decided afresh
	// with the others, and which conflict its flight met; nil: a flight before it did not
	// arrive.
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

// landing is closed when the flight lands; nil when it has landed already.
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

// reserve counts what was written on an account of that weight against the budgets.
func (f *flight) reserve(w *written, weight int) {
	size, blocks := w.size(), int64(weight)-f.blocks
	f.size += size
	f.blocks += blocks
	f.committer.bytes.reserve(size)
	f.committer.blocks.reserve(blocks)
}

// seal ends a flight before it is taken, as the account is now.
func (f *flight) seal(a *account) {
	var blocks []StoredBlock
	c := f.change(a, &blocks)
	f.sealed = &c
}

// change is the flight as the store takes it. The account's state is copied here, so
// that what is decided from now on goes into the next flight.
func (f *flight) change(a *account, memory *[]StoredBlock) Change {
	if f.sealed != nil {
		return *f.sealed
	}
	return f.changeset.change(a, memory)
}

// load is what a flight and its fellows bring to a commit: bytes, accounts and expiries.
func (f *flight) load() (size int64, accounts, expired int) {
	if f.fellows == nil {
		return f.size, 1, f.expired
	}
	for _, o := range f.fellows {
		size, expired = size+o.size, expired+o.expired
	}
	return size, len(f.fellows), expired
}

// leads reports whether a flight is taken for itself: its fellows are taken with the first
// of them.
func (f *flight) leads() bool { return f.fellows == nil || f.fellows[0] == f }

func (f *flight) meets(carried map[DocumentID]bool) bool {
	for i := range f.documents {
		if carried[f.documents[i].DocumentID] {
			return true
		}
	}
	return false
}

// land ends a flight and answers all who wait for it.
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
