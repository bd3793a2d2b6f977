package creditledger

import (
	"context"
	"sync"
	"sync/atomic"
)

// budget bounds what is in the air, decided and not yet durable. A caller that brings more
// waits before its operation is decided, never with an account locked. What is taken comes
// back when a flight lands, and every flight lands. It may be overdrawn by what is decided
// at once.
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
		if b.used.Load() < b.limit { // given back before freed was there to be closed
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
	// maxInFlight is for what was decided: records, operations and results.
	maxInFlight = 32 << 20
	// maxCommit is for one commit of several accounts.
	maxCommit = 16 << 20
)

// entrySize is about what an entry of a result takes up in memory.
const entrySize = 384

// size is what is kept in memory of what was written until it is durable.
func (w *written) size() int64 {
	size := 0
	for i := range w.records {
		size += len(w.records[i].bytes)*2 + len(w.records[i].texts) // the operation says about the same
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

// admit waits until what is in the air leaves room for another decision: bytes of what
// was decided, and blocks of the accounts that are in memory for it. In a JoinedStore
// nothing lands before its caller waits for it.
func (c *committer) admit(ctx context.Context) error {
	if c.joined() {
		return nil
	}
	if err := c.bytes.wait(ctx); err != nil {
		return err
	}
	return c.blocks.wait(ctx)
}
