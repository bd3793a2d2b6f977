package creditledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// compare holds everything the store derived from the journal to the replay. It
// reports that the account moved when a difference may be due to a writer.
func (v *verifier) compare(ctx context.Context, state *State) (moved bool, err error) {
	err = v.compareState(ctx, state)
	if err == nil {
		err = v.balances(state.Head.LastAt)
	}
	now, loadErr := v.ledger.store.Load(ctx, v.id, &state.Head)
	if loadErr != nil {
		return false, loadErr
	}
	if now != nil && (now.Head.Version != state.Head.Version || now.Head.Seal != state.Head.Seal) {
		return true, nil
	}
	return false, err
}

func (v *verifier) compareState(ctx context.Context, state *State) error {
	if seal := v.replay.head.Seal; seal != state.Head.Seal {
		v.reading = v.replay.head.Version
		return v.violation(ruleSeal, "it is sealed %s, the head says %s", seal, state.Head.Seal)
	}
	if !bytes.Equal(AppendHead(nil, &state.Head), AppendHead(nil, &v.replay.head)) {
		return v.violation("head", "the stored head %+v is not the end of the journal %+v", state.Head, v.replay.head)
	}
	open := map[uint64]bool{}
	for i := range state.Blocks {
		b := &state.Blocks[i]
		if err := v.compareBlock(b); err != nil {
			return err
		}
		if v.replay.closed[b.ID].block != nil || open[b.Number] {
			return v.blockViolation(b, "it is listed as open and should not be")
		}
		open[b.Number] = true
	}
	if len(open) != v.replay.open.len() {
		return v.violation("blocks", "%d blocks are listed as open, %d should be", len(open), v.replay.open.len())
	}
	from, next := uint64(0), uint64(1) // no block has number 0
	for {
		page, err := v.ledger.store.Blocks(ctx, v.id, from, MaxPage)
		if err != nil {
			return err
		}
		for i := range page {
			b := &page[i]
			if b.Number != next {
				return v.blockViolation(b, fmt.Sprintf("it stands in the place of block number %d", next))
			}
			if err := v.compareBlock(b); err != nil {
				return err
			}
			next++
		}
		if len(page) < MaxPage {
			break
		}
		from = next
	}
	if next != v.replay.head.Blocks+1 {
		return v.violation("blocks", "%d blocks are stored, the journal made %d", next-1, v.replay.head.Blocks)
	}
	return v.compareIndexes(ctx, state.Head.Version)
}

// compareIndexes has a store that can do it compare its indexes, and looks every block
// up by its id otherwise, or to say more of what is wrong.
func (v *verifier) compareIndexes(ctx context.Context, version uint64) error {
	var wrong error
	if s, ok := v.ledger.store.(IndexedStore); ok {
		wrong = s.CheckAccount(ctx, v.id, version, v.keys, func(id string) uint64 {
			if b := v.replay.find(id); b != nil {
				return b.Number
			}
			return 0
		})
		var found *Violation
		if !errors.As(wrong, &found) {
			return wrong
		}
	}
	for _, b := range v.blocks {
		byID, err := v.ledger.store.Block(ctx, v.id, b.ID)
		if err != nil && !isNotFound(err) {
			return err
		}
		if err != nil || byID.Number != b.Number {
			whole := b.whole()
			return v.blockViolation(&whole, "its id does not lead to it")
		}
	}
	return wrong
}

func (v *verifier) blockViolation(b *Block, detail string) *Violation {
	return &Violation{Account: v.id, Block: b.ID, Rule: "blocks", Detail: detail}
}

func (v *verifier) compareBlock(b *Block) error {
	if b.Number == 0 || b.Number > uint64(len(v.blocks)) {
		return v.blockViolation(b, fmt.Sprintf("the journal made no block number %d", b.Number))
	}
	replayed := v.blocks[b.Number-1].whole()
	v.stored, v.replayed = AppendBlock(v.stored[:0], b), AppendBlock(v.replayed[:0], &replayed)
	if !bytes.Equal(v.stored, v.replayed) {
		return v.blockViolation(b, "it is not what the journal gives")
	}
	return nil
}

// balances proves invariants 1 and 5 by plain sums, apart from the code that decided
// the operations: what all entries did to a block is what it holds, and what the
// eligible blocks hold is the total.
func (v *verifier) balances(at Instant) error {
	var total Amount
	for _, b := range v.blocks {
		if v.sums[b.Number].Cmp(b.Balance) != 0 {
			whole := b.whole()
			return v.blockViolation(&whole, fmt.Sprintf("its entries add up to %s, it holds %s", v.sums[b.Number], b.Balance))
		}
		if !b.Eligible(at) {
			continue
		}
		var err error
		if total, err = total.Add(b.Balance); err != nil {
			return v.violation("conservation", "%v", err)
		}
	}
	if total.Cmp(v.replay.head.Total) != 0 {
		return v.violation("conservation", "the eligible blocks hold %s, the head says %s", total, v.replay.head.Total)
	}
	return nil
}
