package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"creditledger"
)

var snapshotCases = []Case{
	{"snapshot/all", "A Snapshot shows the head, the open blocks, all blocks, records, keys and ids of blocks, whatever was committed how.", onStore(snapshotAll)},
	{"snapshot/pages", "The lists of a Snapshot come in pages up to the limit, without a row left out or there twice.", onStore(snapshotPages)},
	{"snapshot/absent", "A Snapshot of an account that was never written is empty.", onStore(snapshotAbsent)},
	{"snapshot/error", "Snapshot returns the error of the function that it calls.", onStore(snapshotError)},
	{"snapshot/moment", "A Snapshot shows one moment, also while commits go on.", onStore(snapshotMoment)},
}

// verifySnapshot compares a snapshot with what the book says, in pages up to a limit.
func (b *book) verifySnapshot(ctx context.Context, s creditledger.Store, limit int) error {
	err := s.Snapshot(ctx, b.id, func(snap creditledger.Snapshot) error {
		return errors.Join(b.snapshotState(ctx, snap), b.snapshotLists(ctx, snap, limit))
	})
	if err != nil {
		return fmt.Errorf("Snapshot(%v): %w", b.id, err)
	}
	return nil
}

func (b *book) snapshotState(ctx context.Context, snap creditledger.Snapshot) error {
	state, err := snap.State(ctx)
	if err != nil || state == nil {
		return fmt.Errorf("state: %w", orMissing(err))
	}
	if err := sameHead(state.Head, b.head); err != nil {
		return err
	}
	var open []creditledger.Block
	for _, block := range b.blocks {
		if block.Open {
			open = append(open, block.Block)
		}
	}
	slices.SortFunc(state.Blocks, func(x, y creditledger.Block) int { return int(x.Number) - int(y.Number) })
	if err := sameBlocks(state.Blocks, open); err != nil {
		return fmt.Errorf("open %w", err)
	}
	if err := sameRows(sortedRows(state.Rows), b.openRows()); err != nil {
		return fmt.Errorf("open %w", err)
	}
	return nil
}

func (b *book) snapshotLists(ctx context.Context, snap creditledger.Snapshot, limit int) error {
	records, err := pages(limit, func(last *creditledger.JournalRecord, limit int) ([]creditledger.JournalRecord, error) {
		from := uint64(0)
		if last != nil {
			from = last.Seq + 1
		}
		return snap.Journal(ctx, from, limit)
	})
	err = errors.Join(err, sameJournal(records, b.journal))
	blocks, more := pages(limit, func(last *creditledger.Block, limit int) ([]creditledger.Block, error) {
		from := uint64(0)
		if last != nil {
			from = last.Number + 1
		}
		return snap.Blocks(ctx, from, limit)
	})
	var want []creditledger.Block
	var ids []creditledger.NumberedBlock
	for _, block := range b.blocks {
		want = append(want, block.Block)
		ids = append(ids, creditledger.NumberedBlock{ID: block.ID, Number: block.Number})
	}
	err = errors.Join(err, more, sameBlocks(blocks, want))
	gotKeys, more := pages(limit, func(last *creditledger.KeyedRecord, limit int) ([]creditledger.KeyedRecord, error) {
		if last == nil {
			last = &creditledger.KeyedRecord{}
		}
		return snap.Keys(ctx, last.Key, limit)
	})
	err = errors.Join(err, more)
	if !sameSet(gotKeys, b.keys) {
		err = errors.Join(err, fmt.Errorf("keys %v, want %v", gotKeys, b.keys))
	}
	gotIDs, more := pages(limit, func(last *creditledger.NumberedBlock, limit int) ([]creditledger.NumberedBlock, error) {
		if last == nil {
			last = &creditledger.NumberedBlock{}
		}
		return snap.BlockIDs(ctx, last.ID, limit)
	})
	if err = errors.Join(err, more); !sameSet(gotIDs, ids) {
		err = errors.Join(err, fmt.Errorf("ids of blocks %v, want %v", gotIDs, ids))
	}
	return errors.Join(err, b.snapshotRows(ctx, snap, limit))
}

// pages reads a list up to its end, which is a page shorter than its limit.
func pages[T any](limit int, next func(last *T, limit int) ([]T, error)) (all []T, err error) {
	var last *T
	for {
		page, err := next(last, limit)
		if err != nil {
			return nil, err
		}
		if len(page) > limit {
			return nil, fmt.Errorf("a page of %d, the limit is %d", len(page), limit)
		}
		if all = append(all, page...); len(page) < limit {
			return all, nil
		}
		if len(all) > 1<<11 {
			return nil, fmt.Errorf("a list that does not end: %d so far", len(all))
		}
		last = &all[len(all)-1]
	}
}

// snapshotBooks writes two accounts, one of which begins as the other does, with blocks
// that are open, closed, and open again, and keys that sort in another order.
func snapshotBooks(ctx context.Context, s creditledger.Store) ([]*book, error) {
	books := []*book{{id: awkwardAccounts[0]}, {id: awkwardAccounts[1]}}
	for round := range uint64(4) {
		for _, b := range books {
			c := b.next(2, created(sampleBlock(3*round+1)), created(sampleBlock(3*round+2)), creditledger.StoredBlock{Block: sampleBlock(3*round + 3), New: true})
			for i := range 3 {
				c = key(c, creditledger.Key(fmt.Sprint(pick(awkwardTexts, int(7*round)+i), " ", 9-round)))
			}
			if err := b.commit(ctx, s, c); err != nil {
				return nil, err
			}
			if err := b.commit(ctx, s, b.next(1, again(sampleBlock(3*round+1), false), again(sampleBlock(3*round+3), round%2 == 0))); err != nil {
				return nil, err
			}
		}
	}
	return books, nil
}

func snapshotAll(ctx context.Context, s creditledger.Store) error {
	books, err := snapshotBooks(ctx, s)
	for _, b := range books {
		err = errors.Join(err, b.verifySnapshot(ctx, s, 1000))
	}
	return err
}

func snapshotPages(ctx context.Context, s creditledger.Store) error {
	books, err := snapshotBooks(ctx, s)
	for _, b := range books {
		for _, limit := range []int{1, 2, 5, 12} {
			err = errors.Join(err, b.verifySnapshot(ctx, s, limit))
		}
	}
	return err
}

func snapshotAbsent(ctx context.Context, s creditledger.Store) error {
	if err := (&book{id: plain}).verifySnapshot(ctx, s, 10); err != nil {
		return err
	}
	if _, err := snapshotBooks(ctx, s); err != nil {
		return err
	}
	for _, id := range awkwardAccounts[2:] {
		if err := (&book{id: id}).verifySnapshot(ctx, s, 10); err != nil {
			return err
		}
	}
	return nil
}

func snapshotError(ctx context.Context, s creditledger.Store) error {
	if _, err := snapshotBooks(ctx, s); err != nil {
		return err
	}
	for _, mine := range []error{errors.New("mine"), &creditledger.Violation{Rule: "mine"}, &creditledger.CorruptError{Where: "mine"}} {
		err := s.Snapshot(ctx, plain, func(creditledger.Snapshot) error { return mine })
		if !errors.Is(err, mine) {
			return fmt.Errorf("Snapshot: error %v, want %w", err, mine)
		}
	}
	return nil
}

func snapshotMoment(ctx context.Context, s creditledger.Store) error {
	const most = 200 // a snapshot reads them all
	b := &book{id: plain}
	return whileWriting(func() error {
		n := b.head.Version + 1
		if n > most {
			runtime.Gosched()
			return nil
		}
		return b.commit(ctx, s, key(b.next(1, created(sampleBlock(n))), creditledger.Key(fmt.Sprint(n))))
	}, func() error {
		return s.Snapshot(ctx, plain, func(snap creditledger.Snapshot) error { return ofOneMoment(ctx, snap) })
	})
}

// ofOneMoment checks that there are as many records, blocks, keys and ids as the head
// says.
func ofOneMoment(ctx context.Context, snap creditledger.Snapshot) error {
	const more = 1 << 20
	keys, err := snap.Keys(ctx, "", more)
	if err != nil {
		return err
	}
	state, err := snap.State(ctx)
	if err != nil {
		return err
	}
	ids, err := snap.BlockIDs(ctx, "", more)
	if err != nil {
		return err
	}
	blocks, err := snap.Blocks(ctx, 0, more)
	if err != nil {
		return err
	}
	records, err := snap.Journal(ctx, 0, more)
	if err != nil {
		return err
	}
	n := int(state.Head.Version)
	if len(keys) != n || len(ids) != n || len(blocks) != n || len(records) != n || len(state.Blocks) != n {
		return fmt.Errorf("Snapshot: at version %d: %d records, %d keys, %d ids, %d blocks, %d open", n, len(records), len(keys), len(ids), len(blocks), len(state.Blocks))
	}
	return nil
}
