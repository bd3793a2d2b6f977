package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strconv"

	"creditledger"
	"creditledger/store/internal/changes"
)

// reads has the reading methods of creditledger.Store. Store and Joined share them, and
// differ in where their views come from.
type reads struct {
	// view calls f with a view of what is committed, unless ctx is over or the
	// store refuses work.
	view func(ctx context.Context, op string, f func(view) error) error
	// aside is view for reads that take long. f sees only the tail of one account, or no
	// tail if the account is zero.
	aside func(ctx context.Context, op string, id creditledger.AccountID, f func(view) error) error
}

// Load implements creditledger.Store.
func (r reads) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	var state *creditledger.State
	err := r.view(ctx, "load", func(v view) error {
		at, err := v.accountPos(id)
		if err != nil || changes.Known(have, &at.head) {
			return err
		}
		blocks, err := v.openBlocks(id, at.acct)
		if err != nil {
			return err
		}
		rows, err := v.openRows(id, at)
		if err != nil {
			return err
		}
		state = &creditledger.State{Head: at.head, Blocks: blocks, Rows: rows}
		return nil
	})
	return state, err
}

// openBlocks returns the open blocks: those of the tail, and those of the tables that are
// not in the tail.
func (v view) openBlocks(id creditledger.AccountID, acct uint64) ([]creditledger.Block, error) {
	open, err := v.bucket(bucketOpen)
	if err != nil || acct == 0 {
		return nil, err
	}
	a := v.tail.account(id)
	var few [32]uint64
	tabled := few[:0]
	for k := range ascending(open, key(acct), key(acct)) {
		number, err := numbered(bucketOpen, k, id)
		if err != nil {
			return nil, err
		}
		if _, ok := a.block(number); !ok {
			tabled = append(tabled, number)
		}
	}
	recent := slices.DeleteFunc(a.numbers(0), func(number uint64) bool { b, _ := a.block(number); return !b.Open })
	return v.blocksOf(id, acct, append(tabled, recent...))
}

// blocksOf returns the blocks with some numbers, or a CorruptError if one is missing.
func (v view) blocksOf(id creditledger.AccountID, acct uint64, numbers []uint64) ([]creditledger.Block, error) {
	stored, err := v.bucket(bucketBlocks)
	if err != nil {
		return nil, err
	}
	a := v.tail.account(id)
	rows := stored.Cursor() // one for all: it keeps its memory
	blocks := make([]creditledger.Block, 0, len(numbers))
	var k, value []byte
	for _, number := range numbers {
		if b, ok := a.block(number); ok {
			blocks = append(blocks, copyBlock(b.Block))
			continue
		}
		wanted := key(acct, number)
		if k != nil { // mostly the next block is the next row
			k, value = rows.Next()
		}
		if !bytes.Equal(k, wanted) {
			k, value = rows.Seek(wanted)
		}
		if !bytes.Equal(k, wanted) {
			return nil, missingBlock(id, number)
		}
		b, err := decodeBlock(id, number, value)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// Block implements creditledger.Store.
func (r reads) Block(ctx context.Context, id creditledger.AccountID, blockID string) (block creditledger.Block, err error) {
	err = r.view(ctx, "block", func(v view) error {
		at, err := v.accountPos(id)
		if err != nil {
			return err
		}
		b, found, err := v.namedBlock(id, at.acct, blockID)
		switch {
		case err != nil:
			return err
		case !found:
			return &creditledger.NotFoundError{Kind: "block", ID: blockID}
		}
		block = b
		return nil
	})
	return block, err
}

// BlocksByID implements creditledger.Store.
func (r reads) BlocksByID(ctx context.Context, id creditledger.AccountID, blockIDs []string) (blocks []creditledger.Block, err error) {
	err = r.view(ctx, "blocks by id", func(v view) error {
		blocks = nil
		at, err := v.accountPos(id)
		if err != nil {
			return err
		}
		for _, blockID := range blockIDs {
			b, found, err := v.namedBlock(id, at.acct, blockID)
			if err != nil {
				return err
			}
			if found {
				blocks = append(blocks, b)
			}
		}
		return nil
	})
	return orNil(blocks, err)
}

// Blocks implements creditledger.Store.
func (r reads) Blocks(ctx context.Context, id creditledger.AccountID, from uint64, limit int) (blocks []creditledger.Block, err error) {
	err = r.view(ctx, "blocks", func(v view) error {
		at, err := v.accountPos(id)
		if err != nil || at.acct == 0 || limit <= 0 {
			return err
		}
		numbers, err := v.blockNumbers(id, at.acct, from, limit)
		if err == nil && len(numbers) > 0 {
			blocks, err = v.blocksOf(id, at.acct, numbers)
		}
		return err
	})
	return orNil(blocks, err)
}

// blockNumbers lists up to limit numbers of an account's blocks, from one on.
func (v view) blockNumbers(id creditledger.AccountID, acct, from uint64, limit int) ([]uint64, error) {
	stored, err := v.bucket(bucketBlocks)
	if err != nil {
		return nil, err
	}
	numbers := v.tail.account(id).numbers(from)
	tabled := 0
	for k := range ascending(stored, key(acct), key(acct, from)) {
		number, err := numbered(bucketBlocks, k, id)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, number)
		if tabled++; tabled == limit {
			break
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	return numbers[:min(limit, len(numbers))], nil
}

// BlocksByNumber implements creditledger.Store.
func (r reads) BlocksByNumber(ctx context.Context, id creditledger.AccountID, numbers []uint64) (blocks []creditledger.Block, err error) {
	err = r.view(ctx, "blocks by number", func(v view) error {
		at, err := v.accountPos(id)
		if err != nil {
			return err
		}
		for _, number := range numbers {
			b, found, err := v.findBlock(id, at.acct, number)
			switch {
			case err != nil:
				return err
			case !found:
				return &creditledger.NotFoundError{Kind: "block", ID: strconv.FormatUint(number, 10)}
			}
			blocks = append(blocks, b)
		}
		return nil
	})
	return orNil(blocks, err)
}

// Journal implements creditledger.Store.
func (r reads) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) (records []creditledger.JournalRecord, err error) {
	err = r.view(ctx, "journal", func(v view) error {
		at, err := v.accountPos(id)
		if err != nil || at.acct == 0 || limit <= 0 {
			return err
		}
		records, err = v.page(id, at, from, limit, reverse)
		return err
	})
	return orNil(records, err)
}

// KeySeq implements creditledger.Store.
func (r reads) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (seq uint64, err error) {
	err = r.view(ctx, "idempotency key", func(v view) error {
		at, err := v.accountPos(id)
		if err == nil {
			seq, err = v.keySeq(id, at.acct, key)
		}
		return err
	})
	return seq, err
}

// Due implements creditledger.Store.
func (r reads) Due(ctx context.Context, by creditledger.Instant, after creditledger.DueAccount, limit int) (list []creditledger.DueAccount, err error) {
	err = r.view(ctx, "due accounts", func(v view) error {
		if by <= 0 || limit <= 0 {
			return nil
		}
		stored, err := v.storedDue(by, after, limit)
		list = stored
		for d := range v.tail.due() {
			if d.At <= by && d.Compare(after) > 0 {
				list = append(list, d)
			}
		}
		slices.SortFunc(list, creditledger.DueAccount.Compare)
		list = slices.Clip(list[:min(limit, len(list))])
		return err
	})
	return orNil(list, err)
}

// storedDue returns the first due accounts of the index, without those that are in the
// tail.
func (v view) storedDue(by creditledger.Instant, after creditledger.DueAccount, limit int) (list []creditledger.DueAccount, err error) {
	due, err := v.bucket(bucketDue)
	if err != nil {
		return nil, err
	}
	for k := range ascending(due, nil, dueKey(after.At, after.Account)) {
		if len(k) < numberSize {
			return nil, corrupt("due index", "a key too short")
		}
		at := binary.BigEndian.Uint64(k)
		if at > uint64(by) || len(list) == limit {
			break
		}
		id, ok := parseAccountKey(k[numberSize:])
		if !ok {
			return nil, corrupt("due index", "a key that names no account")
		}
		d := creditledger.DueAccount{At: creditledger.Instant(at), Account: id}
		if v.tail.account(id) == nil && d.Compare(after) > 0 {
			list = append(list, d)
		}
	}
	return list, nil
}

// accounts calls f for the accounts after the given one, in order, until it returns
// false. It merges those of the tables with those that only the tail has.
func (v view) accounts(after creditledger.AccountID, f func(creditledger.AccountID, accountPos) bool) error {
	accounts, err := v.bucket(bucketAccounts)
	if err != nil {
		return err
	}
	var made []creditledger.AccountID
	for _, id := range v.tail.made() {
		if id.Compare(after) > 0 {
			made = append(made, id)
		}
	}
	start := accountKey(after)
	for k, value := range ascending(accounts, nil, start) {
		if bytes.Equal(k, start) {
			continue
		}
		id, ok := parseAccountKey(k)
		if !ok {
			return corrupt("accounts", "a key that names no account")
		}
		for len(made) > 0 && made[0].Compare(id) < 0 {
			if !f(made[0], v.tail.account(made[0]).accountPos) {
				return nil
			}
			made = made[1:]
		}
		if len(made) > 0 && made[0] == id {
			made = made[1:] // the table has it early
		}
		at, err := decodePlace(id, value)
		if err != nil {
			return err
		}
		if a := v.tail.account(id); a != nil {
			at = a.accountPos
		}
		if !f(id, at) {
			return nil
		}
	}
	for _, id := range made {
		if !f(id, v.tail.account(id).accountPos) {
			return nil
		}
	}
	return nil
}

// Accounts implements creditledger.Store.
func (r reads) Accounts(ctx context.Context, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	err = r.view(ctx, "accounts", func(v view) error {
		if limit <= 0 {
			return nil
		}
		return v.accounts(after, func(id creditledger.AccountID, _ accountPos) bool {
			ids = append(ids, id)
			return len(ids) < limit
		})
	})
	return orNil(ids, err)
}

// bytesOf copies b out of, or into, a transaction.
func bytesOf(b []byte) []byte { return append([]byte{}, b...) }

// orNil returns nil after an error, so that a part of a page is not taken for the whole.
func orNil[T any](list []T, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return list, nil
}
