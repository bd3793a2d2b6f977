package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"creditledger"
	"creditledger/store"
	"creditledger/store/memory"
)

// The mistakes of stores that share memory with their callers, and of stores that
// take contexts, closing and reopening lightly.

// keeper remembers the very things it was given, or once returned, and returns them
// again in place of what is stored.
type keeper struct {
	mu      sync.Mutex
	blocks  map[string]block
	journal map[string][]byte
	records map[creditledger.DocumentID][]byte
}

func newKeeper() *keeper {
	return &keeper{
		blocks:  make(map[string]block),
		journal: make(map[string][]byte),
		records: make(map[creditledger.DocumentID][]byte),
	}
}

func blockName(id account, number uint64) string { return fmt.Sprint(id, " ", number) }

// given keeps what a commit brought.
func (k *keeper) given(list []change) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range list {
		c := &list[i]
		for _, b := range c.Blocks {
			k.blocks[blockName(c.Account, b.Number)] = b.Block
		}
		for _, r := range c.Journal {
			k.journal[blockName(c.Account, r.Seq)] = r.Bytes
		}
		for _, r := range c.Documents {
			k.records[r.DocumentID] = r.Value
		}
	}
}

// block gives b the filters and metadata kept, and keeps them if there are none.
func (k *keeper) block(id account, b *block) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := blockName(id, b.Number)
	if kept, ok := k.blocks[name]; ok && kept.ID == b.ID {
		b.Filters, b.Metadata = kept.Filters, kept.Metadata
	} else {
		k.blocks[name] = *b
	}
}

func (k *keeper) bytes(id account, r *record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := blockName(id, r.Seq)
	if kept, ok := k.journal[name]; ok {
		r.Bytes = kept
	} else {
		k.journal[name] = r.Bytes
	}
}

func (k *keeper) value(r *creditledger.Document) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept, ok := k.records[r.DocumentID]; ok {
		r.Value = kept
	} else {
		k.records[r.DocumentID] = r.Value
	}
}

// sharing is a store that returns what its keeper has, where the flags say so.
func sharing(givenToo, blocks, journal, records bool) func() *broken {
	return func() *broken {
		k := newKeeper()
		b := &broken{}
		if givenToo {
			b.commit = func(s store.Store, ctx ctxt, list []change) error {
				err := s.Commit(ctx, list)
				if err == nil {
					k.given(list)
				}
				return err
			}
		}
		if blocks {
			b.load = func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
				state, err := s.Load(ctx, id, have)
				for i := range stateBlocks(state) {
					k.block(id, &state.Blocks[i])
				}
				return state, err
			}
			b.block = func(s store.Store, ctx ctxt, id account, blockID string) (block, error) {
				b, err := s.Block(ctx, id, blockID)
				if err == nil {
					k.block(id, &b)
				}
				return b, err
			}
		}
		if journal {
			b.journal = func(s store.Store, ctx ctxt, id account, from uint64, limit int, reverse bool) ([]record, error) {
				list, err := s.Journal(ctx, id, from, limit, reverse)
				for i := range list {
					k.bytes(id, &list[i])
				}
				return list, err
			}
		}
		if records {
			b.record = func(s store.Store, ctx ctxt, id creditledger.DocumentID) (creditledger.Document, error) {
				r, err := s.Document(ctx, id)
				if err == nil {
					k.value(&r)
				}
				return r, err
			}
		}
		return b
	}
}

func stateBlocks(s *creditledger.State) []block {
	if s == nil {
		return nil
	}
	return s.Blocks
}

var sharingMistakes = []mistake{
	{"keeps the blocks it is given", "copies/in", sharing(true, true, false, false)},
	{"keeps the journal bytes it is given", "copies/in", sharing(true, false, true, false)},
	{"keeps the values of records it is given", "copies/in", sharing(true, false, false, true)},
	{"keeps the blocks it returns", "copies/out", sharing(false, true, false, false)},
	{"keeps the journal bytes it returns", "copies/out", sharing(false, false, true, false)},
	{"keeps the values of records it returns", "copies/out", sharing(false, false, false, true)},
	{"keeps the page of accounts it returns", "copies/out", func() *broken {
		var page []account
		return &broken{accounts: func(s store.Store, ctx ctxt, after account, limit int) ([]account, error) {
			if page != nil {
				return page, nil
			}
			var err error
			page, err = s.Accounts(ctx, after, limit)
			return page, err
		}}
	}},
}

// deaf is a store whose reads do not look at their context.
func deaf() *broken {
	return &broken{
		load: func(s store.Store, _ ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			return s.Load(context.Background(), id, have)
		},
	}
}

var lifeMistakes = []mistake{
	{"loads whatever the context says", "context/reads", deaf},
	{"commits whatever the context says", "context/commit", func() *broken {
		return &broken{commit: func(s store.Store, _ ctxt, list []change) error {
			return s.Commit(context.Background(), list)
		}}
	}},
	{"writes, then looks at the context", "context/commit", func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			return errors.Join(s.Commit(context.Background(), list), ctx.Err())
		}}
	}},
	{"does not close", "close/refuses", func() *broken {
		return &broken{close: func(store.Store) error { return nil }}
	}},
	{"closes once", "close/twice", func() *broken {
		closed := false
		return &broken{close: func(s store.Store) error {
			if closed {
				return errors.New("already closed")
			}
			closed = true
			return s.Close()
		}}
	}},
	{"closes with another error", "close/refuses", func() *broken {
		return &broken{keySeq: func(s store.Store, ctx ctxt, id account, key creditledger.Key) (uint64, error) {
			seq, err := s.KeySeq(ctx, id, key)
			if errors.Is(err, creditledger.ErrClosed) {
				err = errors.New("sql: database is closed")
			}
			return seq, err
		}}
	}},
	{"opens an empty store again", "reopen/keeps", func() *broken {
		return &broken{reopen: func(b *broken) { b.Store = memory.New() }}
	}},
	{"forgets the keys when it is opened again", "reopen/keeps", func() *broken {
		return &broken{reopen: func(b *broken) {
			b.keySeq = func(store.Store, ctxt, account, creditledger.Key) (uint64, error) { return 0, nil }
		}}
	}},
}
