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

	EffectiveFrom  Instant // effective_date ≥ EffectiveFrom
	EffectiveUntil Instant // effective_date ≤ EffectiveUntil; none: no bound
}

// wants reports whether a block that becomes effective at an instant is asked for.
func (q *BlocksQuery) wants(effective Instant) bool {
	return effective >= q.EffectiveFrom && (q.EffectiveUntil == 0 || effective <= q.EffectiveUntil)
}

// bytes returns what a cursor is bound to.
func (q *BlocksQuery) bytes(on AccountID, kind string) []byte {
	b := blocksQuery(on, kind)
	if q.EffectiveFrom == 0 && q.EffectiveUntil == 0 {
		return b // as in releases without bounds, so that their cursors still work
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(q.EffectiveFrom)), uint64(q.EffectiveUntil))
}

// BlockPage is one page of blocks.
type BlockPage struct {
	Blocks []Block `json:"blocks"`
	Next   Cursor  `json:"next_cursor"` // empty at the end
}

// Blocks returns a page of the account's blocks. With All and a bound it reads at most
// MaxRead blocks: a page that has fewer than its limit, or none, is the last only if it has
// no Next. Errors: InvalidError for the limit, a bound or the cursor.
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
	if !q.EffectiveFrom.Valid() || !q.EffectiveUntil.Valid() {
		return BlockPage{}, invalid("effective_date", "is outside the years 0001 to 9999")
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
	query, from := q.bytes(on, "all blocks"), uint64(1)
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
	var page BlockPage
	for read := 0; ; {
		blocks, err := l.store.Blocks(ctx, on, from, q.Limit+1)
		if err != nil {
			return BlockPage{}, err
		}
		for _, b := range blocks {
			switch {
			case len(page.Blocks) == q.Limit || read == MaxRead:
				page.Next = newCursor(query, binary.AppendUvarint(nil, b.Number))
				return page, nil
			case b.Number < from:
				return BlockPage{}, standsStill("blocks of " + on.String())
			case q.wants(b.EffectiveAt):
				b.Held = held[b.Number]
				page.Blocks = append(page.Blocks, b)
			}
			read, from = read+1, b.Number+1
		}
		if len(blocks) <= q.Limit {
			return page, nil
		}
	}
}

func (l *Ledger) heldBlocks(ctx context.Context, on AccountID, q BlocksQuery) (BlockPage, error) {
	query := q.bytes(on, "blocks")
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
			if b.Balance.IsZero() || b.Expired(at) || !q.wants(b.EffectiveAt) {
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

// orderOnly returns a block with only the fields that DrawdownOrder compares.
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

// AccountsOfBlock returns up to limit accounts (at most MaxPage) that have a block with an
// id, open or not, ordered by customer and currency, after the given one: an id is that of
// one block in an account, and may occur in several. It waits for what was submitted before.
// Errors: InvalidError.
func (l *Ledger) AccountsOfBlock(ctx context.Context, id string, after AccountID, limit int) ([]AccountID, error) {
	err := l.enter()
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if limit <= 0 || limit > MaxPage {
		return nil, invalid("limit", "%d is not between 1 and %d", limit, MaxPage)
	}
	if err := checkID("block_id", id); err != nil {
		return nil, err
	}
	if err := l.awaitBegun(ctx); err != nil {
		return nil, err
	}
	return l.store.AccountsOfBlock(ctx, id, after, limit)
}
