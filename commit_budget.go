package creditledger

import (
	"context"
	"sync"
	"sync/atomic"
)

// budget bounds what is in the air: decided and not yet durable. A caller waits for room
// before its operation is decided, never with an account locked. A flight gives back what
// it took when it lands, and every flight lands. Operations that are decided at the same
// time may overdraw the budget.
type budget struct {
	limit int64
	used  atomic.Int64

	mu    sync.Mutex
	freed chan struct{} // closed when there is room again; nil: nobody waits
}

// wait returns when there is room, or with ctx's error.
func (b *budget) wait(ctx context.Context) error {
	for b.used.Load() >= b.limit {
		b.mu.Lock()
		if b.freed == nil {
			b.freed = make(chan struct{})
		}
		freed := b.freed
		b.mu.Unlock()
		if b.used.Load() < b.limit { // room was given back before freed was there to be closed
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (b *budget) reserve(n int64) { b.used.Add(n) }

func (b *budget) release(n int64) {
	if b.used.Add(-n) >= b.limit {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}

// Bounds of what is in the air, in bytes.
const (
	// maxInFlight bounds what was decided: records, operations and results.
	maxInFlight = 32 << 20
	// maxCommit bounds one commit of several accounts.
	maxCommit = 16 << 20
)

// entrySize is roughly the memory that an entry of a result takes.
const entrySize = 384

// size returns roughly the memory that what was written takes until it is durable.
func (w *written) size() int64 {
	size := 0
	for i := range w.records {
		size += len(w.records[i].bytes)*2 + len(w.records[i].texts) // the operation takes about as much as its record
	}
	for i := range w.texts {
		size += len(w.texts[i].Texts)
	}
	for _, c := range w.changes {
		size += entrySize * len(c.lines)
	}
	for i := range w.puts {
		size += len(w.puts[i].Value)
	}
	return int64(size)
}

// admit waits until there is room in the air for another decision: for the bytes of what
// was decided, and for the blocks of the accounts that have to stay in memory. It does
// not wait over a JoinedStore, where nothing lands before its caller waits for it.
func (c *committer) admit(ctx context.Context) error {
	if c.joined() {
		return nil
	}
	if err := c.bytes.wait(ctx); err != nil {
		return err
	}
	return c.blocks.wait(ctx)
}
