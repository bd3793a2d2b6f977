package storetest_test

import (
	"slices"
	"strings"

	"creditledger"
	"creditledger/store"
)

var rowMistakes = []mistake{
	{"forgets that a row was closed", "row/all", changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Rows {
			c.Rows[i].Open = c.Rows[i].Open || !c.Rows[i].New
		}
	})},
	{"keeps the first value of a row", "row/all", changing(func(s store.Store, ctx ctxt, c *change) {
		for i := range c.Rows {
			r := &c.Rows[i]
			if old, err := s.RowsByKey(ctx, c.Account, r.Kind, []string{r.Key}); err == nil && len(old) == 1 {
				r.Value = old[0].Value
			}
		}
	})},
	{"loads no rows", "row/all", func() *broken {
		return &broken{load: func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
			state, err := s.Load(ctx, id, have)
			if state != nil {
				state.Rows = nil
			}
			return state, err
		}}
	}},
	{"finds rows in its own order", "row/all", func() *broken {
		return &broken{rowsByKey: func(s store.Store, ctx ctxt, id account, kind creditledger.RowKind, keys []string) ([]creditledger.Row, error) {
			rows, err := s.RowsByKey(ctx, id, kind, keys)
			if n := len(rows); n > 1 {
				rows[0], rows[n-1] = rows[n-1], rows[0]
			}
			return rows, err
		}}
	}},
	{"lists rows of the next kind too", "row/pages", func() *broken {
		return &broken{rows: func(s store.Store, ctx ctxt, id account, kind creditledger.RowKind, after string, limit int) ([]creditledger.Row, error) {
			rows, err := s.Rows(ctx, id, kind, after, limit)
			if err == nil && len(rows) < limit {
				more, err := s.Rows(ctx, id, kind+1, "", limit-len(rows))
				return append(rows, more...), err
			}
			return rows, err
		}}
	}},
	{"begins a page of rows with the last of the one before", "row/pages", func() *broken {
		return &broken{rows: func(s store.Store, ctx ctxt, id account, kind creditledger.RowKind, after string, limit int) ([]creditledger.Row, error) {
			if after != "" {
				after = after[:len(after)-1]
			}
			return s.Rows(ctx, id, kind, after, limit)
		}}
	}},
	{"takes numbers for text that zeros end", "row/all", changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Rows {
			if r := &c.Rows[i]; r.Kind == creditledger.RowReversal && strings.HasPrefix(r.Key, "\x00") {
				r.Key = strings.TrimLeft(r.Key, "\x00")
			}
		}
	})},
	{"gives a number that was taken back its first value", "row/all", changing(func(_ store.Store, _ ctxt, c *change) {
		c.Rows = slices.DeleteFunc(slices.Clone(c.Rows), func(r creditledger.StoredRow) bool { return r.Kind == creditledger.RowReversal && !r.New })
	})},
	{"shows rows of every account", "row/apart", func() *broken {
		return &broken{rows: func(s store.Store, ctx ctxt, id account, kind creditledger.RowKind, after string, limit int) ([]creditledger.Row, error) {
			return s.Rows(ctx, account{Customer: "a", Currency: "credits"}, kind, after, limit)
		}}
	}},
	{"shows in a snapshot that every row is open", "row/all", showing(func(_ store.Store, _ ctxt, _ account, snap *shown) {
		snap.rows = func(rows []creditledger.StoredRow) []creditledger.StoredRow {
			for i := range rows {
				rows[i].Open = true
			}
			return rows
		}
	})},
}
