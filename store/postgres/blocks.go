package postgres

import (
	"context"
	"errors"
	"math"
	"strconv"

	"github.com/jackc/pgx/v5"

	"creditledger"
)

// dataOf returns a block without its balances, as the tables have it.
func dataOf(b *creditledger.Block) []byte {
	bare := *b
	bare.Balance, bare.Capacity = creditledger.Amount{}, creditledger.Amount{}
	return creditledger.AppendBlock(nil, &bare)
}

// blockOf makes a block of its data and its balances.
func blockOf(at accountPos, number uint64, data []byte, v balances) (creditledger.Block, error) {
	where := "block " + strconv.FormatUint(number, 10)
	b, err := creditledger.DecodeBlock(data)
	if err != nil {
		return b, corrupt(at, where+": "+err.Error())
	}
	if b.Number != number {
		return b, corrupt(at, where+" says that it is another")
	}
	if b.Balance, err = creditledger.ParseAmount(v.balance); err == nil {
		b.Capacity, err = creditledger.ParseAmount(v.capacity)
	}
	if err != nil {
		return b, corrupt(at, where+": its balance is not an amount")
	}
	return b, nil
}

// Block implements creditledger.Store.
func (r *reads) Block(ctx context.Context, id creditledger.AccountID, blockID string) (creditledger.Block, error) {
	blocks, err := r.BlocksByID(ctx, id, []string{blockID})
	switch {
	case err != nil:
		return creditledger.Block{}, err
	case len(blocks) == 0:
		return creditledger.Block{}, &creditledger.NotFoundError{Kind: "block", ID: blockID}
	}
	return blocks[0], nil
}

// BlocksByID implements creditledger.Store. It takes two round trips: for the numbers,
// and for the blocks.
func (r *reads) BlocksByID(ctx context.Context, id creditledger.AccountID, blockIDs []string) (blocks []creditledger.Block, err error) {
	if err := checkTexts(append([]string{id.Customer, id.Currency}, blockIDs...)...); err != nil {
		return nil, err
	}
	err = r.view(ctx, "blocks by id", func(c client) error {
		blocks = nil
		at := r.accountPos(id)
		known, numbers, err := r.numbersOf(ctx, c, at, blockIDs)
		if err != nil || len(numbers) == 0 {
			return err
		}
		if blocks, err = r.numbered(ctx, c, at, numbers); err != nil {
			return err
		}
		for i := range blocks {
			if blocks[i].ID != known[i] {
				return corrupt(at, "block id "+strconv.Quote(known[i])+" leads to another block")
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return blocks, nil
}

// numbersOf returns the ids that the account has, and the numbers of their blocks.
func (r *reads) numbersOf(ctx context.Context, c client, at accountPos, blockIDs []string) (known []string, numbers []uint64, err error) {
	b := &pgx.Batch{}
	for _, blockID := range blockIDs {
		b.Queue(r.sql.blockNumber, at.args(blockID)...)
	}
	results := c.SendBatch(ctx, b)
	for _, blockID := range blockIDs {
		var number int64
		found, failed := nextRow(results, &number)
		if failed != nil {
			err = failed
			break
		}
		if found {
			known, numbers = append(known, blockID), append(numbers, uint64(number))
		}
	}
	if closing := results.Close(); err == nil {
		err = closing
	}
	return known, numbers, err
}

// Blocks implements creditledger.Store.
func (r *reads) Blocks(ctx context.Context, id creditledger.AccountID, from uint64, limit int) (blocks []creditledger.Block, err error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return nil, err
	}
	err = r.view(ctx, "blocks", func(c client) error {
		blocks = nil
		if limit <= 0 || from > math.MaxInt64 {
			return nil
		}
		var err error
		blocks, err = r.between(ctx, c, r.accountPos(id), from, math.MaxInt64, limit)
		return err
	})
	return blocks, err
}

// between reads blocks in the order of their numbers, from one snapshot.
func (r *reads) between(ctx context.Context, c client, at accountPos, from, to uint64, limit int) ([]creditledger.Block, error) {
	type row struct {
		number uint64
		data   []byte
	}
	var rows []row
	later := map[uint64]balances{}
	var head []packed
	var number int64
	var data []byte
	var balance, capacity *string
	args := at.args(bounded(from), bounded(to), int64(limit))
	err := query(ctx, c, r.sql.blocks, args, []any{&number, &data, &balance, &capacity}, func() (err error) {
		n := uint64(number)
		switch {
		case n == 0:
			head, err = parsePacked(*capacity, at)
			return err
		case data != nil:
			rows = append(rows, row{n, data})
			fallthrough
		default:
			if balance != nil && capacity != nil {
				later[n] = balances{*balance, *capacity}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range head {
		later[head[i].number] = head[i].balances
	}
	blocks := make([]creditledger.Block, 0, len(rows))
	for _, row := range rows {
		b, err := blockOf(at, row.number, row.data, later[row.number])
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// errTorn means that an account moved between the statements of a read.
var errTorn = errors.New("the account moves too fast to be read")

// BlocksByNumber implements creditledger.Store.
func (r *reads) BlocksByNumber(ctx context.Context, id creditledger.AccountID, numbers []uint64) ([]creditledger.Block, error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return nil, err
	}
	var blocks []creditledger.Block
	err := r.view(ctx, "blocks by number", func(c client) (err error) {
		blocks, err = r.numbered(ctx, c, r.accountPos(id), numbers)
		return err
	})
	if err != nil {
		return nil, err
	}
	return blocks, nil
}

// numbered returns the blocks with some numbers, as they are at one version.
func (r *reads) numbered(ctx context.Context, c client, at accountPos, numbers []uint64) ([]creditledger.Block, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	const attempts = 5
	for range attempts {
		if blocks, err := r.picked(ctx, c, at, numbers); err != errTorn {
			return blocks, err
		}
	}
	return r.pickedFromRange(ctx, c, at, numbers)
}

func missingNumber(n uint64) error {
	return &creditledger.NotFoundError{Kind: "block", ID: strconv.FormatUint(n, 10)}
}

// picked reads blocks by their keys, in one round trip. They are of one moment when
// the head is the same before and after them.
func (r *reads) picked(ctx context.Context, c client, at accountPos, numbers []uint64) ([]creditledger.Block, error) {
	b := &pgx.Batch{}
	b.Queue(r.sql.headPack, at.args()...)
	for _, n := range numbers {
		b.Queue(r.sql.blockRow, at.args(bounded(n))...)
		b.Queue(r.sql.openRow, at.args(bounded(n))...)
	}
	b.Queue(r.sql.headPack, at.args()...)
	results := c.SendBatch(ctx, b)
	blocks, err := r.readPicked(results, at, numbers)
	if closing := results.Close(); err == nil {
		err = closing
	}
	return blocks, err
}

func (r *reads) readPicked(results pgx.BatchResults, at accountPos, numbers []uint64) ([]creditledger.Block, error) {
	before, err := nextPack(results, at)
	if err != nil {
		return nil, err
	}
	var blocks []creditledger.Block
	var missing error
	for _, n := range numbers {
		var data []byte
		var balance, capacity *string
		found, err := nextRow(results, &data, &balance, &capacity)
		if err != nil {
			return nil, err
		}
		if _, err := nextRow(results, &balance, &capacity); err != nil {
			return nil, err
		}
		if !found || n > math.MaxInt64 {
			missing = missingNumber(n)
			continue
		}
		var v balances
		if balance != nil && capacity != nil {
			v = balances{*balance, *capacity}
		}
		if i := before.find(n); i >= 0 {
			v = before.open[i].balances
		}
		b, err := blockOf(at, n, data, v)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	after, err := nextPack(results, at)
	switch {
	case err != nil:
		return nil, err
	case before.version != after.version || before.seal != after.seal:
		return nil, errTorn
	case missing != nil:
		return nil, missing
	}
	return blocks, nil
}

// pickedFromRange reads everything from the smallest number to the greatest.
func (r *reads) pickedFromRange(ctx context.Context, c client, at accountPos, numbers []uint64) ([]creditledger.Block, error) {
	low, high := numbers[0], numbers[0]
	for _, n := range numbers {
		low, high = min(low, n), max(high, n)
	}
	all, err := r.between(ctx, c, at, low, high, math.MaxInt)
	if err != nil {
		return nil, err
	}
	byNumber := make(map[uint64]creditledger.Block, len(all))
	for _, b := range all {
		byNumber[b.Number] = b
	}
	blocks := make([]creditledger.Block, 0, len(numbers))
	for _, n := range numbers {
		b, ok := byNumber[n]
		if !ok {
			return nil, missingNumber(n)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// nextRow reads a result of at most one row.
func nextRow(results pgx.BatchResults, dest ...any) (found bool, err error) {
	err = results.QueryRow().Scan(dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// nextPack reads a head's version, seal and packed blocks; an account never written
// has version 0.
func nextPack(results pgx.BatchResults, at accountPos) (*pack, error) {
	var version int64
	var seal []byte
	var text string
	p := &pack{}
	found, err := nextRow(results, &version, &seal, &text)
	if !found || err != nil {
		return p, err
	}
	if len(seal) != len(p.seal) {
		return nil, corrupt(at, "the head's seal has another length")
	}
	copy(p.seal[:], seal)
	p.version = uint64(version)
	p.open, err = parsePacked(text, at)
	return p, err
}

// AccountsOfBlock implements creditledger.Store.
func (r *reads) AccountsOfBlock(ctx context.Context, blockID string, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	if err := checkTexts(blockID, after.Customer, after.Currency); err != nil {
		return nil, err
	}
	err = r.view(ctx, "accounts of a block", func(c client) error {
		if ids = nil; limit <= 0 {
			return nil
		}
		var id creditledger.AccountID
		args := []any{blockID, after.Customer, after.Currency, int64(limit)}
		return query(ctx, c, r.sql.accountsOfBlock, args, []any{&id.Customer, &id.Currency}, func() error {
			ids = append(ids, id)
			return nil
		})
	})
	return ids, err
}

// HasExpiry implements creditledger.Store.
func (r *reads) HasExpiry(ctx context.Context, id creditledger.AccountID, at creditledger.Instant) (has bool, err error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return false, err
	}
	err = r.view(ctx, "expiry", func(c client) error {
		has = false
		var number int64
		return query(ctx, c, r.sql.hasExpiry, r.accountPos(id).args(int64(at)), []any{&number}, func() error {
			has = true
			return nil
		})
	})
	return has, err
}
