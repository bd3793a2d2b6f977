package creditledger

import (
	"context"
	"encoding/binary"
	"sort"
)

// BlocksQuery says which blocks are wanted.
type BlocksQuery struct {
	// All asks for every block there ever was, as written, in creation order. By
	// default the list holds the blocks with a balance that have not expired, future
	// and pending ones included, in drawdown order.
	All    bool
	Limit  int // 1 to MaxPage; 0: 100
	Cursor Cursor
}

// BlockPage is one page of blocks.
type BlockPage struct {
	Blocks []Block `json:"blocks"`
	Next   Cursor  `json:"next_cursor"` // empty at the end
}

// Blocks returns a page of the account's blocks. Errors: InvalidError for the limit
// or the cursor.
func (l *Ledger) Blocks(ctx context.Context, on AccountID, q BlocksQuery) (BlockPage, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return BlockPage{}, err
	}
	defer l.leave()
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.Limit < 0 || q.Limit > MaxPage {
		return BlockPage{}, invalid("limit", "%d is not between 1 and %d", q.Limit, MaxPage)
	}
	if q.All {
		return l.allBlocks(ctx, on, q)
	}
	return l.heldBlocks(ctx, on, q)
}

func blocksQuery(on AccountID, kind string) []byte {
	return appendText(appendText(appendText(nil, kind), on.Customer), on.Currency)
}

func (l *Ledger) allBlocks(ctx context.Context, on AccountID, q BlocksQuery) (BlockPage, error) {
	query, from := blocksQuery(on, "all blocks"), uint64(1)
	if q.Cursor != "" {
		position, err := q.Cursor.position(query)
		if err != nil {
			return BlockPage{}, err
		}
		from, _ = binary.Uvarint(position)
	}
	var held map[uint64]Amount
	err := l.readDurable(ctx, on, func(s *slot, _ Instant) error {
		held = s.account.heldBlocks()
		return nil
	})
	if err != nil {
		return BlockPage{}, err
	}
	blocks, err := l.store.Blocks(ctx, on, from, q.Limit+1)
	if err != nil {
		return BlockPage{}, err
	}
	for i := range blocks {
		blocks[i].Held = held[blocks[i].Number]
	}
	page := BlockPage{Blocks: blocks}
	if len(blocks) > q.Limit {
		page.Blocks = blocks[:q.Limit]
		page.Next = newCursor(query, binary.AppendUvarint(nil, blocks[q.Limit].Number))
	}
	return page, nil
}

func (l *Ledger) heldBlocks(ctx context.Context, on AccountID, q BlocksQuery) (BlockPage, error) {
	query := blocksQuery(on, "blocks")
	var after *block
	if q.Cursor != "" {
		position, err := q.Cursor.position(query)
		if err != nil {
			return BlockPage{}, err
		}
		b, err := DecodeBlock(position)
		if err != nil {
			return BlockPage{}, invalid("cursor", "is not one of this ledger's")
		}
		kept := b.kept()
		after = &kept
	}
	var page BlockPage
	err := l.readDurable(ctx, on, func(s *slot, at Instant) error {
		page = BlockPage{}
		open := s.account.open.all()
		if after != nil {
			open = open[sort.Search(len(open), func(i int) bool { return drawdownOrder(open[i], after) > 0 }):]
		}
		for _, b := range open {
			if b.Balance.IsZero() || b.Expired(at) {
				continue
			}
			if len(page.Blocks) == q.Limit {
				page.Next = newCursor(query, AppendBlock(nil, orderOnly(&page.Blocks[q.Limit-1])))
				return nil
			}
			page.Blocks = append(page.Blocks, b.shown())
		}
		return nil
	})
	return page, err
}

// orderOnly keeps of a block what DrawdownOrder looks at.
func orderOnly(b *Block) *Block {
	o := &Block{Number: b.Number, Priority: b.Priority, ExpiresAt: b.ExpiresAt, CostBasis: b.CostBasis}
	if len(b.Filters) > 0 {
		o.Filters = []Filter{{Values: []string{""}}}
	}
	return o
}

// Block returns one block of the account by its id, as it is written; a
// NotFoundError when the account has none.
func (l *Ledger) Block(ctx context.Context, on AccountID, id string) (Block, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return Block{}, err
	}
	defer l.leave()
	if err := checkID("block_id", id); err != nil {
		return Block{}, err
	}
	var held map[uint64]Amount
	err = l.readDurable(ctx, on, func(s *slot, _ Instant) error {
		held = s.account.heldBlocks()
		return nil
	})
	if err != nil {
		return Block{}, err
	}
	b, err := l.store.Block(ctx, on, id)
	b.Held = held[b.Number]
	return b, err
}
