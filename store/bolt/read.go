package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strconv"

	"creditledger"
)

// reads are the reading methods of creditledger.Store, the same for a Store and a
// Joined one, which differ in where their views come from.
type reads struct {
	// view calls f with a view of what is committed, unless ctx is over or the
	// store refuses work.
	view func(ctx context.Context, op string, f func(view) error) error
}

// Load implements creditledger.Store.
func (r reads) Load(ctx context.Context, id creditledger.AccountID, have uint64) (*creditledger.State, error) {
	var state *creditledger.State
	err := r.view(ctx, "load", func(v view) error {
		acct, head, err := v.account(id)
		if err != nil || (have != 0 && head.Version == have) {
			return err
		}
		blocks, err := v.openBlocks(id, acct)
		if err != nil {
			return err
		}
		state = &creditledger.State{Head: head, Blocks: blocks}
		return nil
	})
	return state, err
}

func (v view) openBlocks(id creditledger.AccountID, acct uint64) ([]creditledger.Block, error) {
	if acct == 0 {
		return nil, nil
	}
	open, err := v.bucket(bucketOpen)
	if err != nil {
		return nil, err
	}
	stored, err := v.bucket(bucketBlocks)
	if err != nil {
		return nil, err
	}
	var blocks []creditledger.Block
	for k := range ascending(open, key(acct), key(acct)) {
		number, err := numbered(bucketOpen, k, id)
		if err != nil {
			return nil, err
		}
		b, err := v.block(stored, id, acct, number)
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
		acct, _, err := v.account(id)
		if err != nil {
			return err
		}
		number, err := v.getNumber(bucketBlockIDs, textKey(acct, blockID), id)
		if err != nil {
			return err
		}
		if acct == 0 || number == 0 {
			return &creditledger.NotFoundError{Kind: "block", ID: blockID}
		}
		stored, err := v.bucket(bucketBlocks)
		if err != nil {
			return err
		}
		b, err := v.block(stored, id, acct, number)
		if err == nil && b.ID != blockID {
			err = corrupt("block "+strconv.Quote(blockID)+" of "+id.String(), "its id leads to block "+strconv.Quote(b.ID))
		}
		if err == nil {
			block = b
		}
		return err
	})
	return block, err
}

// Blocks implements creditledger.Store.
func (r reads) Blocks(ctx context.Context, id creditledger.AccountID, from uint64, limit int) (blocks []creditledger.Block, err error) {
	err = r.view(ctx, "blocks", func(v view) error {
		acct, _, err := v.account(id)
		if err != nil || acct == 0 || limit <= 0 {
			return err
		}
		stored, err := v.bucket(bucketBlocks)
		if err != nil {
			return err
		}
		for k, value := range ascending(stored, key(acct), key(acct, from)) {
			number, err := numbered(bucketBlocks, k, id)
			if err != nil {
				return err
			}
			b, err := decodeBlock(id, number, value)
			if err != nil {
				return err
			}
			if blocks = append(blocks, b); len(blocks) == limit {
				break
			}
		}
		return nil
	})
	return orNil(blocks, err)
}

// BlocksByNumber implements creditledger.Store.
func (r reads) BlocksByNumber(ctx context.Context, id creditledger.AccountID, numbers []uint64) (blocks []creditledger.Block, err error) {
	err = r.view(ctx, "blocks by number", func(v view) error {
		acct, _, err := v.account(id)
		if err != nil {
			return err
		}
		stored, err := v.bucket(bucketBlocks)
		if err != nil {
			return err
		}
		for _, number := range numbers {
			value := stored.Get(key(acct, number))
			if value == nil {
				return &creditledger.NotFoundError{Kind: "block", ID: strconv.FormatUint(number, 10)}
			}
			b, err := decodeBlock(id, number, value)
			if err != nil {
				return err
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
		acct, _, err := v.account(id)
		if err != nil || acct == 0 || limit <= 0 {
			return err
		}
		journal, err := v.bucket(bucketJournal)
		if err != nil {
			return err
		}
		direction := ascending
		if reverse {
			direction = descending
		}
		for k, value := range direction(journal, key(acct), key(acct, from)) {
			seq, err := numbered(bucketJournal, k, id)
			if err != nil {
				return err
			}
			records = append(records, creditledger.JournalRecord{Seq: seq, Bytes: bytesOf(value)})
			if len(records) == limit {
				break
			}
		}
		return nil
	})
	return orNil(records, err)
}

// KeySeq implements creditledger.Store.
func (r reads) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (seq uint64, err error) {
	err = r.view(ctx, "idempotency key", func(v view) error {
		acct, _, err := v.account(id)
		if err != nil || acct == 0 {
			return err
		}
		seq, err = v.getNumber(bucketKeys, textKey(acct, string(key)), id)
		return err
	})
	return seq, err
}

// manyDue is how many due accounts are gathered and sorted before Due looks at the
// accounts in their own order instead, where a page of them is then near.
const manyDue = 10_000

// Due implements creditledger.Store.
func (r reads) Due(ctx context.Context, by creditledger.Instant, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	err = r.view(ctx, "due accounts", func(v view) error {
		due, err := v.bucket(bucketDue)
		if err != nil || by <= 0 || limit <= 0 {
			return err
		}
		seen := 0
		for k := range ascending(due, nil, nil) {
			if len(k) < numberSize {
				return corrupt("due index", "a key too short")
			}
			if binary.BigEndian.Uint64(k) > uint64(by) {
				break
			}
			if seen++; seen > manyDue {
				ids, err = v.dueByAccount(by, after, limit)
				return err
			}
			id, ok := parseAccountKey(k[numberSize:])
			if !ok {
				return corrupt("due index", "a key that names no account")
			}
			if id.Compare(after) > 0 {
				ids = append(ids, id)
			}
		}
		slices.SortFunc(ids, creditledger.AccountID.Compare)
		ids = slices.Clip(ids[:min(limit, len(ids))])
		return nil
	})
	return orNil(ids, err)
}

// dueByAccount is Due without its index.
func (v view) dueByAccount(by creditledger.Instant, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	err = v.accounts(after, func(id creditledger.AccountID, value []byte) (bool, error) {
		_, head, err := decodeAccount(id, value)
		if err == nil && head.NextDue != 0 && head.NextDue <= by {
			ids = append(ids, id)
		}
		return len(ids) < limit, err
	})
	return ids, err
}

// accounts calls f for the accounts after the given one, in order, until it returns
// false or an error.
func (v view) accounts(after creditledger.AccountID, f func(creditledger.AccountID, []byte) (bool, error)) error {
	accounts, err := v.bucket(bucketAccounts)
	if err != nil {
		return err
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
		if more, err := f(id, value); err != nil || !more {
			return err
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
		return v.accounts(after, func(id creditledger.AccountID, _ []byte) (bool, error) {
			ids = append(ids, id)
			return len(ids) < limit, nil
		})
	})
	return orNil(ids, err)
}

// bytesOf copies b out of, or into, a transaction.
func bytesOf(b []byte) []byte { return append([]byte{}, b...) }

// orNil keeps the part of a page that was read before an error from being taken for
// the page.
func orNil[T any](list []T, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return list, nil
}
