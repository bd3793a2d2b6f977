package creditledger

import (
	"context"
	"sync"
)

// flight is what one account brings to one commit: everything decided on it since
// the flight before was taken. All who wait for it are answered together.
type flight struct {
	slot    *slot
	version uint64 // of the head that the flight was computed from
	prev    Seal   // of the same head
	records []JournalRecord
	keys    []KeyedRecord
	byKey   map[Key]bool // the same keys
	upper   []RecordPut  // records of upper layers, each once
	aboard  []*Pending   // to be decided afresh if it does not arrive
	touched []touchedBlock
	index   map[*block]int // into touched, once there are many

	bytes []byte // where those of the last records lie

	// What it takes of the committer's budgets, nil: nothing.
	committer *committer
	size      int64 // bytes
	blocks    int64 // the account's, as they weigh

	behind   *flight // queued behind it on the account
	goal     *flight // of the decision that it begins; nil: it is whole
	expiries int     // how many it writes down
	sealed   *Change // what it brings, if something else is decided behind it; it takes nothing more

	before, after *flight // among those that have not landed; guarded by the cache

	mu     sync.Mutex // guards landed and waiter
	landed bool       // sent and err are final
	waiter chan struct{}
	sent   uint64 // its number among all flights
	err    error

	// Room for the usual flight, of one operation.
	room struct {
		records [1]JournalRecord
		touched [2]touchedBlock
		aboard  [1]*Pending
		bytes   [192]byte
	}
}

func newFlight(s *slot, version uint64, prev Seal) *flight {
	f := &flight{slot: s, version: version, prev: prev}
	f.records, f.touched, f.bytes = f.room.records[:0], f.room.touched[:0], f.room.bytes[:0]
	f.aboard = f.room.aboard[:0]
	return f
}

type touchedBlock struct {
	block *block
	new   bool
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

// puts reports whether the flight carries a record of an upper layer.
func (f *flight) puts(id RecordID) bool {
	for i := range f.upper {
		if f.upper[i].RecordID == id {
			return true
		}
	}
	return false
}

func (f *flight) touch(b *block, isNew bool) {
	const few = 16
	if f.index == nil {
		for i := range f.touched {
			if f.touched[i].block == b {
				return
			}
		}
		if len(f.touched) == few {
			f.index = make(map[*block]int, 2*few)
			for i := range f.touched {
				f.index[f.touched[i].block] = i
			}
		}
	} else if _, ok := f.index[b]; ok {
		return
	}
	if f.index != nil {
		f.index[b] = len(f.touched)
	}
	f.touched = append(f.touched, touchedBlock{block: b, new: isNew})
}

// add takes over what a decision wrote; its records are copied.
func (f *flight) add(d *decision) {
	for _, r := range d.records {
		f.records = append(f.records, JournalRecord{Seq: r.seq, Bytes: f.keep(r.bytes)})
		if r.key == "" {
			continue
		}
		f.keys = append(f.keys, KeyedRecord{Key: r.key, Seq: r.seq})
		if f.byKey == nil {
			f.byKey = map[Key]bool{}
		}
		f.byKey[r.key] = true
	}
	f.upper = append(f.upper, d.puts...)
	for _, c := range d.changes[d.aboard:] {
		if c.materialised {
			f.expiries += len(c.lines)
		}
		if c.created != nil {
			f.touch(c.created, true)
		}
		for i := range c.edits {
			f.touch(c.edits[i].block, false)
		}
		for _, b := range c.closed {
			f.touch(b, false)
		}
	}
}

// keep copies a record's bytes to where those of several lie.
func (f *flight) keep(b []byte) []byte {
	const most = 64 << 10
	if len(b) > cap(f.bytes)-len(f.bytes) {
		f.bytes = make([]byte, 0, max(len(b), min(2*cap(f.bytes), most)))
	}
	start := len(f.bytes)
	f.bytes = append(f.bytes, b...)
	return f.bytes[start:len(f.bytes):len(f.bytes)]
}

// takes counts a decision on an account of that weight against the budgets.
func (f *flight) takes(d *decision, weight int) {
	size, blocks := d.size(), int64(weight)-f.blocks
	f.size += size
	f.blocks += blocks
	f.committer.bytes.take(size)
	f.committer.blocks.take(blocks)
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
	c := Change{Account: a.id, Version: f.version, Prev: f.prev, Head: a.head, Journal: f.records, Keys: f.keys, Records: f.upper}
	first := len(*memory)
	for _, t := range f.touched {
		*memory = append(*memory, StoredBlock{Block: t.block.whole(), Open: a.closed[t.block.ID].block != t.block, New: t.new})
	}
	c.Blocks = (*memory)[first:len(*memory):len(*memory)]
	return c
}

func (f *flight) meets(aboard map[RecordID]bool) bool {
	for i := range f.upper {
		if aboard[f.upper[i].RecordID] {
			return true
		}
	}
	return false
}

// land ends a flight and answers all who wait for it.
func (f *flight) land(err error) {
	if c := f.committer; c != nil {
		c.bytes.give(f.size)
		c.blocks.give(f.blocks)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.landed = err, true
	if f.waiter != nil {
		close(f.waiter)
	}
}
