package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"creditledger"
	_ "creditledger/fuzz/testmemory"
	"creditledger/fuzz/testsize"
	"creditledger/store"
	"creditledger/store/memory"
	"creditledger/store/storetest"
)

type (
	ctxt    = context.Context
	account = creditledger.AccountID
	block   = creditledger.Block
	change  = creditledger.Change
	record  = creditledger.JournalRecord
	instant = creditledger.Instant

	dueAccount = creditledger.DueAccount
)

// broken is a store of package memory that is wrong in one way: the functions that
// are set stand in for its methods.
type broken struct {
	store.Store
	commit    func(s store.Store, ctx ctxt, list []change) error
	load      func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error)
	block     func(s store.Store, ctx ctxt, id account, blockID string) (block, error)
	blocks    func(s store.Store, ctx ctxt, id account, from uint64, limit int) ([]block, error)
	ids       func(s store.Store, ctx ctxt, id account, ids []string) ([]block, error)
	numbers   func(s store.Store, ctx ctxt, id account, numbers []uint64) ([]block, error)
	journal   func(s store.Store, ctx ctxt, id account, from uint64, limit int, reverse bool) ([]record, error)
	keySeq    func(s store.Store, ctx ctxt, id account, key creditledger.Key) (uint64, error)
	due       func(s store.Store, ctx ctxt, by instant, after dueAccount, limit int) ([]dueAccount, error)
	accounts  func(s store.Store, ctx ctxt, after account, limit int) ([]account, error)
	record    func(s store.Store, ctx ctxt, id creditledger.DocumentID) (creditledger.Document, error)
	records   func(s store.Store, ctx ctxt, kind, prefix, after string, limit int) ([]creditledger.Document, error)
	kinds     func(s store.Store, ctx ctxt) ([]string, error)
	rowsByKey func(s store.Store, ctx ctxt, id account, kind creditledger.RowKind, keys []string) ([]creditledger.Row, error)
	rows      func(s store.Store, ctx ctxt, id account, kind creditledger.RowKind, after string, limit int) ([]creditledger.Row, error)
	snapshot  func(s store.Store, ctx ctxt, id account, f func(creditledger.Snapshot) error) error
	holders   func(s store.Store, ctx ctxt, blockID string, after account, limit int) ([]account, error)
	expiry    func(s store.Store, ctx ctxt, id account, at instant) (bool, error)
	close     func(s store.Store) error
	reopen    func(b *broken)

	toChange       func(s store.Store, ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error)
	locks          *locks // shared with those beside; nil: it was not made by a backend
	keepsReleased  bool
	locksForEver   bool
	waitsForItself bool
}

func (b *broken) Commit(ctx ctxt, list []change) error {
	return b.unlocked(list, func() error {
		if b.commit != nil {
			return b.commit(b.Store, ctx, list)
		}
		return b.Store.Commit(ctx, list)
	})
}

func (b *broken) Load(ctx ctxt, id account, have *creditledger.Head) (*creditledger.State, error) {
	if b.load != nil {
		return b.load(b.Store, ctx, id, have)
	}
	return b.Store.Load(ctx, id, have)
}

func (b *broken) Block(ctx ctxt, id account, blockID string) (block, error) {
	if b.block != nil {
		return b.block(b.Store, ctx, id, blockID)
	}
	return b.Store.Block(ctx, id, blockID)
}

func (b *broken) Blocks(ctx ctxt, id account, from uint64, limit int) ([]block, error) {
	if b.blocks != nil {
		return b.blocks(b.Store, ctx, id, from, limit)
	}
	return b.Store.Blocks(ctx, id, from, limit)
}

func (b *broken) BlocksByID(ctx ctxt, id account, ids []string) ([]block, error) {
	if b.ids != nil {
		return b.ids(b.Store, ctx, id, ids)
	}
	return b.Store.BlocksByID(ctx, id, ids)
}

func (b *broken) BlocksByNumber(ctx ctxt, id account, numbers []uint64) ([]block, error) {
	if b.numbers != nil {
		return b.numbers(b.Store, ctx, id, numbers)
	}
	return b.Store.BlocksByNumber(ctx, id, numbers)
}

func (b *broken) AccountsOfBlock(ctx ctxt, blockID string, after account, limit int) ([]account, error) {
	if b.holders != nil {
		return b.holders(b.Store, ctx, blockID, after, limit)
	}
	return b.Store.AccountsOfBlock(ctx, blockID, after, limit)
}

func (b *broken) HasExpiry(ctx ctxt, id account, at instant) (bool, error) {
	if b.expiry != nil {
		return b.expiry(b.Store, ctx, id, at)
	}
	return b.Store.HasExpiry(ctx, id, at)
}

func (b *broken) Journal(ctx ctxt, id account, from uint64, limit int, reverse bool) ([]record, error) {
	if b.journal != nil {
		return b.journal(b.Store, ctx, id, from, limit, reverse)
	}
	return b.Store.Journal(ctx, id, from, limit, reverse)
}

func (b *broken) KeySeq(ctx ctxt, id account, key creditledger.Key) (uint64, error) {
	if b.keySeq != nil {
		return b.keySeq(b.Store, ctx, id, key)
	}
	return b.Store.KeySeq(ctx, id, key)
}

func (b *broken) RowsByKey(ctx ctxt, id account, kind creditledger.RowKind, keys []string) ([]creditledger.Row, error) {
	if b.rowsByKey != nil {
		return b.rowsByKey(b.Store, ctx, id, kind, keys)
	}
	return b.Store.RowsByKey(ctx, id, kind, keys)
}

func (b *broken) Rows(ctx ctxt, id account, kind creditledger.RowKind, after string, limit int) ([]creditledger.Row, error) {
	if b.rows != nil {
		return b.rows(b.Store, ctx, id, kind, after, limit)
	}
	return b.Store.Rows(ctx, id, kind, after, limit)
}

func (b *broken) Due(ctx ctxt, by instant, after dueAccount, limit int) ([]dueAccount, error) {
	if b.due != nil {
		return b.due(b.Store, ctx, by, after, limit)
	}
	return b.Store.Due(ctx, by, after, limit)
}

func (b *broken) Accounts(ctx ctxt, after account, limit int) ([]account, error) {
	if b.accounts != nil {
		return b.accounts(b.Store, ctx, after, limit)
	}
	return b.Store.Accounts(ctx, after, limit)
}

func (b *broken) Document(ctx ctxt, id creditledger.DocumentID) (creditledger.Document, error) {
	if b.record != nil {
		return b.record(b.Store, ctx, id)
	}
	return b.Store.Document(ctx, id)
}

func (b *broken) Documents(ctx ctxt, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
	if b.records != nil {
		return b.records(b.Store, ctx, kind, prefix, after, limit)
	}
	return b.Store.Documents(ctx, kind, prefix, after, limit)
}

func (b *broken) Snapshot(ctx ctxt, id account, f func(creditledger.Snapshot) error) error {
	if b.snapshot != nil {
		return b.snapshot(b.Store, ctx, id, f)
	}
	return b.Store.Snapshot(ctx, id, f)
}

func (b *broken) Kinds(ctx ctxt) ([]string, error) {
	if b.kinds != nil {
		return b.kinds(b.Store, ctx)
	}
	return b.Store.(store.Kinder).Kinds(ctx)
}

func (b *broken) Close() error {
	if b.close != nil {
		return b.close(b.Store)
	}
	return b.Store.Close()
}

// reopening is a backend of memory stores that are not really closed.
func reopening(s func() *broken) storetest.Backend {
	return storetest.Backend{
		New: func() (creditledger.Store, error) {
			b := s()
			b.Store, b.locks = memory.New(), &locks{}
			return b, nil
		},
		Reopen: func(s creditledger.Store) (creditledger.Store, error) {
			if b := s.(*broken); b.reopen != nil {
				b.reopen(b)
			}
			return s, nil
		},
		Beside: func(s creditledger.Store) (creditledger.Store, error) { return s.(*broken).beside(), nil },
	}
}

// mistake is a way to be wrong, and a case that has to find it.
type mistake struct {
	name  string
	found string // by this case, among others
	store func() *broken
}

// TestBroken puts stores that are wrong on purpose to the examination: each has to be
// found by the case named, and each case has to find at least one. In the small size each
// is put to the case named alone, and unless the proofs run to the cases that none names.
func TestBroken(t *testing.T) {
	// Each takes as long as many others together: they look for mistakes of their kind.
	costly := []string{"due/many", "blocks/pages", "conflict/block id"}
	named := func(c string) bool {
		return slices.ContainsFunc(mistakes, func(m mistake) bool { return m.found == c })
	}

	var mu sync.Mutex
	bites := make(map[string]int)
	t.Run("mistakes", func(t *testing.T) {
		for _, m := range mistakes {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				var found []string
				for _, c := range storetest.Cases {
					if c.Name != m.found && (testsize.Small() || !testsize.Proofs() && named(c.Name)) {
						continue
					}
					if kind, _, _ := strings.Cut(c.Name, "/"); slices.Contains(costly, c.Name) && !strings.HasPrefix(m.found, kind) {
						continue
					}
					if err := examine(t.Context(), c, reopening(m.store)); err != nil {
						found = append(found, c.Name)
					}
				}
				t.Logf("found by %s", strings.Join(found, ", "))
				if !slices.Contains(found, m.found) {
					t.Errorf("not found by %s", m.found)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, name := range found {
					bites[name]++
				}
			})
		}
	})
	for _, c := range storetest.Cases {
		if bites[c.Name] == 0 && !testsize.Small() {
			t.Errorf("case %s finds nothing wrong with any store", c.Name)
		}
	}
}

// TestSound makes sure that the stand-in itself is not what the cases find.
func TestSound(t *testing.T) {
	for _, c := range storetest.Cases {
		if err := examine(t.Context(), c, reopening(func() *broken { return new(broken) })); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// TestNotApplicable checks what the cases make of a store that has neither Close nor
// anything to reopen.
func TestNotApplicable(t *testing.T) {
	for _, c := range storetest.Cases {
		err := c.Check(t.Context(), storetest.Backend{New: func() (creditledger.Store, error) {
			return struct{ creditledger.Store }{memory.New()}, nil
		}})
		want := strings.HasPrefix(c.Name, "close/") || strings.HasPrefix(c.Name, "reopen/") || strings.HasPrefix(c.Name, "lock/") || c.Name == "records/kinds" || c.Name == "row/kept"
		if errors.Is(err, storetest.ErrNotApplicable) != want || (!want && err != nil) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// TestNames keeps the table fit to be read and to be named on a command line.
func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range storetest.Cases {
		if seen[c.Name] || c.Rule == "" || !strings.HasSuffix(c.Rule, ".") {
			t.Errorf("case %q, rule %q", c.Name, c.Rule)
		}
		seen[c.Name] = true
	}
	seen = make(map[string]bool)
	for _, m := range mistakes {
		if seen[m.name] {
			t.Errorf("mistake %q stands twice", m.name)
		}
		seen[m.name] = true
	}
}

// examine runs a case; a panic is a finding too.
func examine(ctx ctxt, c storetest.Case, b storetest.Backend) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return c.Check(ctx, b)
}
