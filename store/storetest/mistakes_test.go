package storetest_test

import (
	"errors"
	"slices"
	"sync"
	"time"

	"creditledger"
	"creditledger/store"
)

// everything is more than any case asks for.
const everything = 1 << 40

var mistakes = slices.Concat(commitMistakes, conflictMistakes, loadMistakes, blockMistakes, journalMistakes, textMistakes, findingMistakes,
	keyMistakes, rowMistakes, dueMistakes, accountMistakes, recordMistakes, snapshotMistakes, sharingMistakes, lifeMistakes, lockMistakes)

// copyOf copies a list of changes as deep as the mistakes change it.
func copyOf(list []change) []change {
	list = slices.Clone(list)
	for i := range list {
		list[i].Journal = slices.Clone(list[i].Journal)
		list[i].Blocks = slices.Clone(list[i].Blocks)
		list[i].Keys = slices.Clone(list[i].Keys)
		list[i].Texts = slices.Clone(list[i].Texts)
		list[i].Rows = slices.Clone(list[i].Rows)
		list[i].Documents = slices.Clone(list[i].Documents)
	}
	return list
}

// changing is a store that commits other changes than it is given. It calls f for one
// change at a time.
func changing(f func(s store.Store, ctx ctxt, c *change)) func() *broken {
	return func() *broken {
		var mu sync.Mutex
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			list = copyOf(list)
			mu.Lock()
			for i := range list {
				f(s, ctx, &list[i])
			}
			mu.Unlock()
			return s.Commit(ctx, list)
		}}
	}
}

// blocksOf changes every block that is put.
func blocksOf(f func(b *creditledger.StoredBlock)) func() *broken {
	return changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Blocks {
			f(&c.Blocks[i])
		}
	})
}

// rebase makes a change fit the version that is stored.
func rebase(s store.Store, ctx ctxt, c *change) {
	if c.Account == (account{}) {
		return
	}
	state, err := s.Load(ctx, c.Account, nil)
	if err != nil {
		return
	}
	shift := state.Head.Version - c.Version
	c.Prev = state.Head.Seal
	c.Version += shift
	c.Head.Version += shift
	for i := range c.Journal {
		c.Journal[i].Seq += shift
	}
	for i := range c.Keys {
		c.Keys[i].Seq += shift
	}
}

// oneByOne commits the changes one after the other and stops at the first error.
func oneByOne(s store.Store, ctx ctxt, list []change) error {
	for i := range list {
		if err := s.Commit(ctx, list[i:i+1]); err != nil {
			return err
		}
		othersFirst()
	}
	return nil
}

// othersFirst lets other goroutines run.
func othersFirst() { time.Sleep(50 * time.Microsecond) }

var commitMistakes = []mistake{
	{"forgets what is committed", "commit/all", func() *broken {
		return &broken{commit: func(store.Store, ctxt, []change) error { return nil }}
	}},
	{"forgets the last account of a commit", "commit/many", func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			if len(list) > 1 && list[len(list)-1].Account != (account{}) {
				list = list[:len(list)-1]
			}
			return s.Commit(ctx, list)
		}}
	}},
	{"writes the first account of a commit only", "commit/many", func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			return s.Commit(ctx, list[:min(len(list), 1)])
		}}
	}},
	{"refuses a commit of nothing", "commit/nothing", func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			if len(list) == 0 {
				return errors.New("no changes")
			}
			return s.Commit(ctx, list)
		}}
	}},
	{"forgets records without an account", "commit/records", changing(func(_ store.Store, _ ctxt, c *change) {
		if c.Account == (account{}) {
			c.Documents = nil
		}
	})},
	{"forgets records with an account", "commit/records", changing(func(_ store.Store, _ ctxt, c *change) {
		if c.Account != (account{}) {
			c.Documents = nil
		}
	})},
	{"keeps the metadata of the block before", "commit/replace", func() *broken {
		old := make(map[string]map[string]string)
		return blocksOf(func(b *creditledger.StoredBlock) {
			if b.Metadata == nil {
				b.Metadata = old[b.ID]
			}
			old[b.ID] = b.Metadata
		})()
	}},
	{"keeps block ids over all accounts", "commit/scope", func() *broken {
		taken := make(map[string]account)
		return changing(func(_ store.Store, _ ctxt, c *change) {
			c.Blocks = slices.DeleteFunc(c.Blocks, func(b creditledger.StoredBlock) bool {
				if _, ok := taken[b.ID]; !ok {
					taken[b.ID] = c.Account
				}
				return taken[b.ID] != c.Account
			})
		})()
	}},
	{"commits one after the other", "conflict/atomic", func() *broken { return &broken{commit: oneByOne} }},
	{"commits one after the other, unless one conflicts", "concurrency/visible whole", func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			if len(list) != 2 {
				return s.Commit(ctx, list)
			}
			return oneByOne(s, ctx, list)
		}}
	}},
}

// naming is a store whose conflicts name something else.
func naming(f func(e *creditledger.ConflictError, list []change)) func() *broken {
	return func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			err := s.Commit(ctx, list)
			var e *creditledger.ConflictError
			if errors.As(err, &e) {
				f(e, list)
			}
			return err
		}}
	}
}

var conflictMistakes = []mistake{
	{"does not look at the version", "conflict/version", changing(rebase)},
	{"does not look at the seal", "conflict/seal", changing(func(s store.Store, ctx ctxt, c *change) {
		state, err := s.Load(ctx, c.Account, nil)
		if err == nil && state.Head.Version == c.Version {
			c.Prev = state.Head.Seal
		}
	})},
	{"looks at the version first, commits then", "concurrency/one account", func() *broken {
		var mu sync.Mutex
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			list = copyOf(list)
			for i := range list {
				if list[i].Account == (account{}) {
					continue
				}
				state, err := s.Load(ctx, list[i].Account, nil)
				if err != nil {
					return err
				}
				if state.Head.Version != list[i].Version {
					return s.Commit(ctx, list) // the conflict it is
				}
			}
			othersFirst()
			mu.Lock()
			defer mu.Unlock()
			for i := range list {
				rebase(s, ctx, &list[i])
				for j := range list[i].Blocks {
					list[i].Blocks[j].Number += list[i].Version
					list[i].Blocks[j].ID += string(rune('0' + list[i].Version))
				}
			}
			return s.Commit(ctx, list)
		}}
	}},
	{"does not look at keys", "conflict/key", changing(func(s store.Store, ctx ctxt, c *change) {
		c.Keys = slices.DeleteFunc(c.Keys, func(k creditledger.KeyedRecord) bool {
			seq, err := s.KeySeq(ctx, c.Account, k.Key)
			return err != nil || seq != 0
		})
	})},
	{"does not look at block ids", "conflict/block id", changing(func(s store.Store, ctx ctxt, c *change) {
		c.Blocks = slices.DeleteFunc(c.Blocks, func(b creditledger.StoredBlock) bool {
			_, err := s.Block(ctx, c.Account, b.ID)
			return b.New && err == nil
		})
	})},
	{"looks at the ids of open blocks only", "conflict/block id", changing(func(s store.Store, ctx ctxt, c *change) {
		state, err := s.Load(ctx, c.Account, nil)
		if err != nil {
			return
		}
		c.Blocks = slices.DeleteFunc(c.Blocks, func(b creditledger.StoredBlock) bool {
			_, err := s.Block(ctx, c.Account, b.ID)
			return b.New && err == nil && !slices.ContainsFunc(state.Blocks, func(o block) bool { return o.ID == b.ID })
		})
	})},
	{"does not look at the versions of records", "conflict/record", changing(func(s store.Store, ctx ctxt, c *change) {
		for i := range c.Documents {
			r, err := s.Document(ctx, c.Documents[i].DocumentID)
			if err == nil || errors.Is(err, creditledger.ErrNotFound) {
				c.Documents[i].Expect, c.Documents[i].Prev = r.Version, r.Seal()
			}
		}
	})},
	{"does not look at the values of records", "conflict/value", changing(func(s store.Store, ctx ctxt, c *change) {
		for i := range c.Documents {
			r, err := s.Document(ctx, c.Documents[i].DocumentID)
			if err == nil && r.Version == c.Documents[i].Expect {
				c.Documents[i].Prev = r.Seal()
			}
		}
	})},
	{"takes a record for new whenever it is not there", "conflict/record", changing(func(s store.Store, ctx ctxt, c *change) {
		for i := range c.Documents {
			if _, err := s.Document(ctx, c.Documents[i].DocumentID); errors.Is(err, creditledger.ErrNotFound) {
				c.Documents[i].Expect, c.Documents[i].Prev = 0, creditledger.Seal{}
			}
		}
	})},
	{"hides conflicts", "conflict/version", func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			err := s.Commit(ctx, list)
			if errors.Is(err, creditledger.ErrConflict) {
				return nil
			}
			return err
		}}
	}},
	{"calls a conflict something else", "conflict/key", func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			err := s.Commit(ctx, list)
			if errors.Is(err, creditledger.ErrConflict) {
				return errors.New("duplicate key value violates unique constraint")
			}
			return err
		}}
	}},
	{"names nothing", "conflict/names", naming(func(e *creditledger.ConflictError, _ []change) { *e = creditledger.ConflictError{} })},
	{"names the first conflict only", "conflict/names", naming(func(e *creditledger.ConflictError, _ []change) {
		e.Accounts = e.Accounts[:min(1, len(e.Accounts))]
	})},
	{"names no records beside accounts", "conflict/names", naming(func(e *creditledger.ConflictError, _ []change) {
		if len(e.Accounts) > 0 {
			e.Documents = nil
		}
	})},
	{"names all accounts of the commit", "conflict/names", naming(func(e *creditledger.ConflictError, list []change) {
		e.Accounts = nil
		for i := range list {
			if list[i].Account != (account{}) {
				e.Accounts = append(e.Accounts, list[i].Account)
			}
		}
	})},
	{"keeps the keys of a refused commit", "conflict/version", func() *broken {
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			err := s.Commit(ctx, list)
			if errors.Is(err, creditledger.ErrConflict) {
				list = copyOf(list)
				for i := range list {
					rebase(s, ctx, &list[i])
					list[i].Blocks, list[i].Documents = nil, nil
				}
				_ = s.Commit(ctx, list)
			}
			return err
		}}
	}},
}

func milliseconds(i instant) instant { return (i-1)/1000*1000 + 1 }
