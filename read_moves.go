package creditledger

import (
	"context"
	"slices"
)

// Move is where credits went that left a block without being spent or lost: to a block of
// another expiry, or to another account.
type Move struct {
	BlockID   string
	Amount    Amount
	To        AccountID // for another expiry the account itself
	ToBlockID string
}

// Moves follows the credits of some blocks of an account: to the blocks that changes of
// their expiry and rollovers made of them, to those made of these in turn, and to the
// blocks of other accounts that transfers made of any of them. It reads what was written
// since the first of the blocks was made, in that order. It returns a NotFoundError if
// the account does not have one of the blocks.
func (l *Ledger) Moves(ctx context.Context, on AccountID, blocks ...string) ([]Move, error) {
	on = on.normal()
	f := moveFinder{ledger: l, on: on, numbers: map[uint64]bool{}}
	since := lastInstant
	for _, id := range blocks {
		b, err := l.Block(ctx, on, id)
		if err != nil {
			return nil, err
		}
		f.numbers[b.Number] = true
		since = min(since, b.CreatedAt)
	}
	err := l.reading(ctx, &on)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if len(blocks) == 0 {
		return nil, nil
	}
	p, err := l.present(ctx, on)
	if err != nil {
		return nil, err
	}
	first, err := l.firstRecord(ctx, on, p.head.Version, func(rec *OpRecord) bool { return rec.At >= since })
	if err != nil || first > p.head.Version {
		return nil, err
	}
	err = l.eachRecord(ctx, on, first, false, func(rec *OpRecord) (bool, error) {
		if err := ctx.Err(); err != nil || rec.Seq > p.head.Version {
			return false, err
		}
		return true, f.look(ctx, rec)
	})
	if err != nil {
		return nil, err
	}
	return f.named(ctx)
}

// moveFinder follows blocks through the records of an account.
type moveFinder struct {
	ledger  *Ledger
	on      AccountID
	numbers map[uint64]bool // of the blocks that are followed
	found   []foundMove
}

// foundMove is a Move whose blocks are known by their numbers.
type foundMove struct {
	from, to uint64
	account  AccountID // of to
	amount   Amount
}

// look notes the moves of one record.
func (f *moveFinder) look(ctx context.Context, rec *OpRecord) error {
	var arrived []Line // at the other account of a transfer
	for i := range rec.Effects {
		nth := 0 // index among the blocks that a transfer sent
		for j := range rec.Effects[i].Lines {
			l := &rec.Effects[i].Lines[j]
			op, sends := rec.Op.(send)
			switch {
			case l.Type == EntryExpirationChange && f.numbers[l.Block]:
				f.numbers[l.NewBlock] = true
				f.found = append(f.found, foundMove{l.Block, l.NewBlock, f.on, l.Amount})
			case l.Type == EntryVoid && sends:
				if nth++; !f.numbers[l.Block] {
					continue
				}
				if arrived == nil {
					parts, err := f.ledger.recordsOf(ctx, rec)
					if err != nil {
						return err
					}
					arrived = parts[1-rec.act.index].Effects[0].Lines
				}
				f.found = append(f.found, foundMove{l.Block, arrived[nth-1].Block, op.To, l.Amount})
			}
		}
	}
	return nil
}

// named gives the blocks their ids.
func (f *moveFinder) named(ctx context.Context) ([]Move, error) {
	wanted := map[AccountID][]uint64{}
	for _, m := range f.found {
		wanted[f.on] = append(wanted[f.on], m.from)
		wanted[m.account] = append(wanted[m.account], m.to)
	}
	ids := map[AccountID]map[uint64]string{}
	for id, numbers := range wanted {
		slices.Sort(numbers)
		ids[id] = map[uint64]string{}
		for part := range slices.Chunk(slices.Compact(numbers), MaxPage) {
			blocks, err := f.ledger.store.BlocksByNumber(ctx, id, part)
			if err != nil {
				return nil, err
			}
			for i := range blocks {
				ids[id][blocks[i].Number] = blocks[i].ID
			}
		}
	}
	moves := make([]Move, len(f.found))
	for i, m := range f.found {
		moves[i] = Move{BlockID: ids[f.on][m.from], Amount: m.amount, To: m.account, ToBlockID: ids[m.account][m.to]}
	}
	return moves, nil
}
