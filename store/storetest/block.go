package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"creditledger"
)

var blockCases = []Case{
	{"blocks/by id", "Block finds every block of the account by its id, open or not.", onStore(blockByID)},
	{"blocks/by ids", "BlocksByID returns the blocks asked for in the order asked, without those that there are not.", onStore(blocksByID)},
	{"blocks/not found", "Block of an id that the account does not have is a NotFoundError, also when another account has it.", onStore(blockNotFound)},
	{"blocks/pages", "Blocks returns up to limit blocks in the order of their numbers, from the one asked for.", onStore(blockPages)},
	{"blocks/by number", "BlocksByNumber returns the blocks asked for in the order asked.", onStore(blockByNumber)},
	{"blocks/number not found", "BlocksByNumber is a NotFoundError when one number of several is missing.", onStore(blockNumberNotFound)},
}

// manyBlocks writes an account with a number of blocks, half of them open, between two
// other accounts with blocks.
func manyBlocks(ctx context.Context, s creditledger.Store, count uint64) (*book, error) {
	var books []*book
	for i := range 3 {
		books = append(books, &book{id: awkwardAccounts[i]})
	}
	for _, b := range []*book{books[1], books[0], books[2]} {
		for b.head.Blocks < count {
			var blocks []creditledger.StoredBlock
			for n := b.head.Blocks + 1; n <= min(b.head.Blocks+50, count); n++ {
				blocks = append(blocks, creditledger.StoredBlock{Block: sampleBlock(n), Open: n%2 == 0, New: true})
			}
			if err := b.commit(ctx, s, b.next(1, blocks...)); err != nil {
				return nil, err
			}
		}
	}
	return books[0], nil
}

func blockByID(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	for i, text := range awkwardTexts {
		block := sampleBlock(uint64(i + 1))
		block.ID = text
		if err := b.commit(ctx, s, b.next(1, creditledger.StoredBlock{Block: block, Open: i%2 == 0, New: true})); err != nil {
			return err
		}
	}
	return b.verifyBlocks(ctx, s)
}

func blocksByID(ctx context.Context, s creditledger.Store) error {
	b, err := manyBlocks(ctx, s, 20)
	if err != nil {
		return err
	}
	var ids []string
	for n := uint64(1); n <= 20; n++ {
		ids = append(ids, sampleBlock(n).ID)
	}
	const none = "no such block"
	for _, numbers := range [][]uint64{nil, {0}, {20}, {3, 1, 2}, {20, 0, 19, 5, 0, 0, 7, 1}, {4, 4, 4}, {0, 0, 6}} {
		var asked []string
		var want []creditledger.Block
		for _, n := range numbers {
			if n == 0 {
				asked = append(asked, none)
				continue
			}
			asked, want = append(asked, ids[n-1]), append(want, sampleBlock(n))
		}
		got, err := s.BlocksByID(ctx, b.id, asked)
		if err == nil {
			err = sameBlocks(got, want)
		}
		if err != nil {
			return fmt.Errorf("BlocksByID(%q): %w", asked, err)
		}
	}
	if got, err := s.BlocksByID(ctx, awkwardAccounts[9], ids); err != nil || len(got) > 0 {
		return fmt.Errorf("BlocksByID of an account never written = %v, %v", got, err)
	}
	return nil
}

func blockNotFound(ctx context.Context, s creditledger.Store) error {
	one, two := &book{id: awkwardAccounts[0]}, &book{id: awkwardAccounts[3]}
	if err := one.commit(ctx, s, one.next(1, created(sampleBlock(1)), created(sampleBlock(2)))); err != nil {
		return err
	}
	if err := two.commit(ctx, s, two.next(1, created(sampleBlock(2)))); err != nil {
		return err
	}
	for _, ask := range []struct {
		id    creditledger.AccountID
		block string
	}{
		{one.id, "no such block"}, {one.id, ""}, {one.id, sampleBlock(1).ID + " "}, {one.id, sampleBlock(1).ID[:5]},
		{two.id, sampleBlock(1).ID}, {awkwardAccounts[5], sampleBlock(1).ID},
	} {
		_, err := s.Block(ctx, ask.id, ask.block)
		if err := notFound(err); err != nil {
			return fmt.Errorf("Block(%v, %q): %w", ask.id, ask.block, err)
		}
	}
	return nil
}

func blockPages(ctx context.Context, s creditledger.Store) error {
	const count = 300
	b, err := manyBlocks(ctx, s, count)
	if err != nil {
		return err
	}
	for _, from := range []uint64{0, 1, 2, 127, 255, 256, 257, count, count + 1, math.MaxUint64} {
		for _, limit := range []int{0, 1, 2, 44, count, math.MaxInt} {
			var want []creditledger.Block
			for n := max(from, 1); n <= count && len(want) < limit; n++ {
				want = append(want, sampleBlock(n))
			}
			got, err := s.Blocks(ctx, b.id, from, limit)
			if err == nil {
				err = sameBlocks(got, want)
			}
			if err != nil {
				return fmt.Errorf("Blocks(from %d, limit %d): %w", from, limit, err)
			}
		}
	}
	if got, err := s.Blocks(ctx, awkwardAccounts[9], 0, 10); err != nil || len(got) > 0 {
		return fmt.Errorf("Blocks of an account never written = %v, %v", got, err)
	}
	return nil
}

func blockByNumber(ctx context.Context, s creditledger.Store) error {
	b, err := manyBlocks(ctx, s, 20)
	if err != nil {
		return err
	}
	for _, numbers := range [][]uint64{nil, {20}, {3, 1, 2}, {20, 19, 5, 7, 1}, {1, 2, 3, 4, 5, 6}} {
		var want []creditledger.Block
		for _, n := range numbers {
			want = append(want, sampleBlock(n))
		}
		got, err := s.BlocksByNumber(ctx, b.id, numbers)
		if err == nil {
			err = sameBlocks(got, want)
		}
		if err != nil {
			return fmt.Errorf("BlocksByNumber(%d): %w", numbers, err)
		}
	}
	return nil
}

func blockNumberNotFound(ctx context.Context, s creditledger.Store) error {
	b, err := manyBlocks(ctx, s, 5)
	if err != nil {
		return err
	}
	var errs []error
	for _, numbers := range [][]uint64{{6}, {0}, {1, 2, 6}, {6, 1}, {1, math.MaxUint64, 2}} {
		got, err := s.BlocksByNumber(ctx, b.id, numbers)
		if err = notFound(err); err != nil || len(got) > 0 {
			errs = append(errs, fmt.Errorf("BlocksByNumber(%d) = %d blocks, %w", numbers, len(got), orMissing(err)))
		}
	}
	_, err = s.BlocksByNumber(ctx, awkwardAccounts[9], []uint64{1})
	return errors.Join(append(errs, notFound(err))...)
}
