package storetest_test

import (
	"errors"

	"creditledger"
	"creditledger/store"
)

// shown is a snapshot whose functions stand in for its methods.
type shown struct {
	creditledger.Snapshot
	state  func() (*creditledger.State, error)
	keys   func(rows []creditledger.KeyedRecord) []creditledger.KeyedRecord
	ids    func(rows []creditledger.NumberedBlock) []creditledger.NumberedBlock
	blocks func(rows []block, limit int) []block
	rows   func(rows []creditledger.StoredRow) []creditledger.StoredRow
}

func (s shown) Rows(ctx ctxt, kind creditledger.RowKind, after string, limit int) ([]creditledger.StoredRow, error) {
	rows, err := s.Snapshot.Rows(ctx, kind, after, limit)
	if s.rows != nil {
		rows = s.rows(rows)
	}
	return rows, err
}

func (s shown) State(ctx ctxt) (*creditledger.State, error) {
	if s.state != nil {
		return s.state()
	}
	return s.Snapshot.State(ctx)
}

func (s shown) Keys(ctx ctxt, after creditledger.Key, limit int) ([]creditledger.KeyedRecord, error) {
	rows, err := s.Snapshot.Keys(ctx, after, limit)
	if s.keys != nil {
		rows = s.keys(rows)
	}
	return rows, err
}

func (s shown) BlockIDs(ctx ctxt, after string, limit int) ([]creditledger.NumberedBlock, error) {
	rows, err := s.Snapshot.BlockIDs(ctx, after, limit)
	if s.ids != nil {
		rows = s.ids(rows)
	}
	return rows, err
}

func (s shown) Blocks(ctx ctxt, from uint64, limit int) ([]block, error) {
	rows, err := s.Snapshot.Blocks(ctx, from, limit)
	if s.blocks != nil {
		rows = s.blocks(rows, limit)
	}
	return rows, err
}

// showing is a store whose snapshots f changes.
func showing(f func(s store.Store, ctx ctxt, id account, snap *shown)) func() *broken {
	return func() *broken {
		return &broken{snapshot: func(s store.Store, ctx ctxt, id account, g func(creditledger.Snapshot) error) error {
			return s.Snapshot(ctx, id, func(snap creditledger.Snapshot) error {
				changed := shown{Snapshot: snap}
				f(s, ctx, id, &changed)
				return g(changed)
			})
		}}
	}
}

var snapshotMistakes = []mistake{
	{"shows one key less", "snapshot/all", showing(func(_ store.Store, _ ctxt, _ account, snap *shown) {
		snap.keys = func(rows []creditledger.KeyedRecord) []creditledger.KeyedRecord { return rows[:max(len(rows), 1)-1] }
	})},
	{"shows ids of blocks for other numbers", "snapshot/all", showing(func(_ store.Store, _ ctxt, _ account, snap *shown) {
		snap.ids = func(rows []creditledger.NumberedBlock) []creditledger.NumberedBlock {
			for i := range rows {
				rows[i].Number++
			}
			return rows
		}
	})},
	{"shows full pages one short", "snapshot/pages", showing(func(_ store.Store, _ ctxt, _ account, snap *shown) {
		snap.blocks = func(rows []block, limit int) []block {
			if len(rows) == limit && limit > 1 {
				return rows[:limit-1]
			}
			return rows
		}
	})},
	{"cannot show what is not there", "snapshot/absent", showing(func(s store.Store, ctx ctxt, id account, snap *shown) {
		snap.state = func() (*creditledger.State, error) {
			state, err := snap.Snapshot.State(ctx)
			if err == nil && state.Head.Version == 0 {
				return nil, errors.New("no such account")
			}
			return state, err
		}
	})},
	{"keeps what a snapshot found to itself", "snapshot/error", func() *broken {
		return &broken{snapshot: func(s store.Store, ctx ctxt, id account, g func(creditledger.Snapshot) error) error {
			return s.Snapshot(ctx, id, func(snap creditledger.Snapshot) error {
				_ = g(snap)
				return nil
			})
		}}
	}},
	{"shows the head of another moment", "snapshot/moment", showing(func(s store.Store, ctx ctxt, id account, snap *shown) {
		snap.state = func() (*creditledger.State, error) {
			othersFirst()
			return s.Load(ctx, id, nil)
		}
	})},
}
