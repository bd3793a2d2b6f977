package storetest

import (
	"context"
	"errors"
	"fmt"

	"creditledger"
)

var loadCases = []Case{
	{"load/unknown", "An account that was never written loads as a zero head without blocks, whatever version the caller has.", onStore(loadUnknown)},
	{"load/fields", "Heads and blocks come back as they were put, to the last digit, microsecond and metadata key.", onStore(loadFields)},
	{"load/open", "Load returns the open blocks, all of them and no others.", onStore(loadOpen)},
	{"load/have", "Load may return nil only when the stored head has the version and the seal that the caller has.", onStore(loadHave)},
}

func loadUnknown(ctx context.Context, s creditledger.Store) error {
	known := &book{id: plain}
	if err := known.commit(ctx, s, known.next(1, created(sampleBlock(1)))); err != nil {
		return err
	}
	for _, id := range awkwardAccounts[1:] {
		for _, have := range []uint64{0, 1, 7} {
			state, err := s.Load(ctx, id, &creditledger.Head{Version: have, Seal: sealAt(id, have)})
			if err != nil || state == nil {
				return fmt.Errorf("Load(%v, %d) = %v, %v, want an empty state", id, have, state, err)
			}
			if err := errors.Join(sameHead(state.Head, creditledger.Head{}), sameBlocks(state.Blocks, nil)); err != nil {
				return fmt.Errorf("Load(%v, %d): %w", id, have, err)
			}
		}
	}
	return nil
}

func loadFields(ctx context.Context, s creditledger.Store) error {
	for i, id := range awkwardAccounts {
		b := &book{id: id}
		var blocks []creditledger.StoredBlock
		for n := range uint64(12) {
			blocks = append(blocks, created(sampleBlock(n+1)))
		}
		c := due(b.next(1+i, blocks...), instant(i))
		if err := b.commit(ctx, s, c); err != nil {
			return err
		}
		if err := b.verifyState(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func loadOpen(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	changes := [][]creditledger.StoredBlock{
		{created(sampleBlock(1)), created(sampleBlock(2)), {Block: sampleBlock(3), New: true}},
		{created(sampleBlock(4)), again(sampleBlock(1), false)},
		{again(sampleBlock(1), false), again(sampleBlock(2), true), again(sampleBlock(3), true)},
		{again(sampleBlock(2), false), again(sampleBlock(3), false), again(sampleBlock(4), false)},
		{again(sampleBlock(2), true)},
	}
	other := &book{id: creditledger.AccountID{Customer: "ab", Currency: "credits"}}
	if err := other.commit(ctx, s, other.next(1, created(sampleBlock(1)))); err != nil {
		return err
	}
	for i, blocks := range changes {
		if err := b.commit(ctx, s, b.next(1, blocks...)); err != nil {
			return err
		}
		if err := errors.Join(b.verifyState(ctx, s), other.verifyState(ctx, s)); err != nil {
			return fmt.Errorf("after change %d: %w", i+1, err)
		}
	}
	return nil
}

func loadHave(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	for range 3 {
		if err := b.commit(ctx, s, b.next(2, created(sampleBlock(b.head.Blocks+1)))); err != nil {
			return err
		}
		for have := range b.head.Version + 2 {
			if err := loadsUnlessSame(ctx, s, b, creditledger.Head{Version: have, Seal: sealAt(b.id, have)}); err != nil {
				return err
			}
			// The version of a history that is not this one.
			if err := loadsUnlessSame(ctx, s, b, creditledger.Head{Version: have, Seal: sealAt(b.id, have+1000)}); err != nil {
				return fmt.Errorf("with another seal: %w", err)
			}
		}
	}
	return nil
}

func loadsUnlessSame(ctx context.Context, s creditledger.Store, b *book, have creditledger.Head) error {
	state, err := s.Load(ctx, b.id, &have)
	switch {
	case err != nil:
	case state != nil:
		err = sameHead(state.Head, b.head)
	case have.Version != b.head.Version || have.Seal != b.head.Seal:
		err = fmt.Errorf("nil, but the version is %d", b.head.Version)
	}
	if err != nil {
		return fmt.Errorf("Load(%v, %d): %w", b.id, have.Version, err)
	}
	return nil
}
