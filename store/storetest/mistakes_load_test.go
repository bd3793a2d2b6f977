package storetest_test

import (
	"errors"
	"slices"
	"sync"

	"creditledger"
	"creditledger/store"
)

// loading is a store that loads something else.
func loading(f func(*creditledger.State)) func() *broken {
	return func() *broken {
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, have)
			if state != nil {
				f(state)
			}
			return state, err
		}}
	}
}

var loadMistakes = []mistake{
	{"does not load an unknown account", "load/unknown", func() *broken {
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, have)
			if err == nil && state != nil && state.Head.Version == 0 {
				return nil, &creditledger.NotFoundError{Kind: "account", ID: id.String()}
			}
			return state, err
		}}
	}},
	{"loads nothing when the caller has anything", "load/have", func() *broken {
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, nil)
			if have != nil {
				return nil, err
			}
			return state, err
		}}
	}},
	{"loads nothing when the caller is ahead", "load/have", func() *broken {
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, nil)
			if err == nil && state.Head.Version > 0 && have != nil && have.Version >= state.Head.Version {
				return nil, nil
			}
			return state, err
		}}
	}},
	{"loads nothing when the caller has another history", "load/have", func() *broken {
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, nil)
			if err == nil && have != nil && have.Version > 0 && have.Version == state.Head.Version {
				return nil, nil
			}
			return state, err
		}}
	}},
	{"loads an older state again", "load/have", func() *broken {
		var seen sync.Map
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, nil)
			if err != nil || state.Head.Version == 0 {
				return state, err
			}
			old, _ := seen.LoadOrStore(id, *state)
			state.Head = old.(creditledger.State).Head
			state.Blocks = slices.Clone(old.(creditledger.State).Blocks)
			return state, nil
		}}
	}},
	{"loads closed blocks too", "load/open", func() *broken {
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, have)
			if state != nil && err == nil {
				state.Blocks, err = s.Blocks(ctx, id, 0, everything)
			}
			return state, err
		}}
	}},
	{"never closes a block", "load/open", blocksOf(func(b *creditledger.StoredBlock) { b.Open = b.Open || !b.New })},
	{"loads new blocks only", "load/open", blocksOf(func(b *creditledger.StoredBlock) { b.Open = b.Open && b.New })},
	{"loads one block less", "load/fields", loading(func(s *creditledger.State) { s.Blocks = s.Blocks[:max(len(s.Blocks), 1)-1] })},
	{"forgets what is due next", "load/fields", loading(func(s *creditledger.State) { s.Head.NextDue = 0 })},
	{"forgets the seal", "load/fields", loading(func(s *creditledger.State) { s.Head.Seal = creditledger.Seal{} })},
	{"cuts the head's instant to milliseconds", "load/fields", loading(func(s *creditledger.State) { s.Head.LastAt = milliseconds(s.Head.LastAt) })},
	{"loads head and blocks one after the other", "concurrency/snapshot", func() *broken {
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, nil)
			if err != nil {
				return nil, err
			}
			later := state
			for tries := 0; tries < 3 && later.Head.Version == state.Head.Version; tries++ {
				othersFirst()
				if later, err = s.Load(ctx, id, nil); err != nil {
					return nil, err
				}
			}
			return &creditledger.State{Head: state.Head, Blocks: later.Blocks}, nil
		}}
	}},
	{"refuses to work when it is busy", "concurrency/many accounts", func() *broken {
		var busy sync.Mutex
		return &broken{commit: func(s store.Store, ctx ctxt, list []change) error {
			if !busy.TryLock() {
				return errors.New("database is locked")
			}
			defer busy.Unlock()
			othersFirst()
			return s.Commit(ctx, list)
		}}
	}},
}
