package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"creditledger"
)

// One index finds blocks by their ids without their accounts. Another one has the
// expiries of each account's blocks. A file of a layout before 3 that is opened for
// reading only has neither, so the tables are searched instead.

// index makes both indexes of a file that has none from its tables.
func (v view) index() error {
	names, err := v.names()
	if err != nil {
		return err
	}
	blocks, err := v.bucket(bucketBlocks)
	if err != nil {
		return err
	}
	w := newWriter(v)
	for k, value := range ascending(blocks, nil, nil) {
		if len(k) != 2*numberSize {
			return corrupt("blocks", fmt.Sprintf("a key of %d bytes", len(k)))
		}
		acct := binary.BigEndian.Uint64(k)
		id, known := names[acct]
		if !known {
			continue // a row of no account, which verification finds
		}
		b, err := decodeBlock(id, binary.BigEndian.Uint64(k[numberSize:]), value)
		if err != nil {
			return err
		}
		w.found(id, acct, &b)
	}
	return w.flush()
}

// names are the accounts by their numbers.
func (v view) names() (map[uint64]creditledger.AccountID, error) {
	b, err := v.bucket(bucketAccounts)
	if err != nil {
		return nil, err
	}
	names := map[uint64]creditledger.AccountID{}
	for k, value := range ascending(b, nil, nil) {
		id, ok := parseAccountKey(k)
		if !ok {
			return nil, corrupt("accounts", "a key that names no account")
		}
		at, err := decodePlace(id, value)
		if err != nil {
			return nil, err
		}
		names[at.acct] = id
	}
	return names, nil
}

// AccountsOfBlock implements creditledger.Store.
func (r reads) AccountsOfBlock(ctx context.Context, blockID string, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	err = r.view(ctx, "accounts of a block", func(v view) (err error) {
		if ids = nil; limit <= 0 {
			return nil
		}
		for id, a := range v.tail.all() {
			if a.blockNumber(blockID) != 0 && id.Compare(after) > 0 {
				ids = append(ids, id)
			}
		}
		if ids, err = v.holders(ids, blockID, after, limit); err != nil {
			return err
		}
		slices.SortFunc(ids, creditledger.AccountID.Compare)
		ids = slices.Clip(ids[:min(limit, len(ids))])
		return nil
	})
	return orNil(ids, err)
}

// holders adds up to limit accounts that have the block by the tables.
func (v view) holders(ids []creditledger.AccountID, blockID string, after creditledger.AccountID, limit int) ([]creditledger.AccountID, error) {
	b := v.top.Bucket(bucketHolders)
	if b == nil {
		return v.holdersWithoutIndex(ids, blockID, after, limit)
	}
	prefix, from := holdersOf(blockID), holderKey(blockID, after)
	for k := range ascending(b, prefix, from) {
		if bytes.Equal(k, from) {
			continue
		}
		id, ok := parseAccountKey(k[len(prefix):])
		if !ok {
			return nil, corrupt("holders", "a key that names no account")
		}
		if v.tail.account(id).blockNumber(blockID) != 0 {
			continue // the tail has it, and the table early
		}
		if ids = append(ids, id); limit == 1 {
			break
		}
		limit--
	}
	return ids, nil
}

func (v view) holdersWithoutIndex(ids []creditledger.AccountID, blockID string, after creditledger.AccountID, limit int) ([]creditledger.AccountID, error) {
	var failed error
	tables := view{top: v.top}
	err := tables.accounts(after, func(id creditledger.AccountID, at accountPos) bool {
		var number uint64
		if number, failed = tables.blockNumber(id, at.acct, blockID); number != 0 {
			ids = append(ids, id)
			limit--
		}
		return failed == nil && limit > 0
	})
	if err == nil {
		err = failed
	}
	return ids, err
}

// HasExpiry implements creditledger.Store.
func (r reads) HasExpiry(ctx context.Context, id creditledger.AccountID, at creditledger.Instant) (has bool, err error) {
	err = r.view(ctx, "expiry", func(v view) error {
		stands, err := v.accountPos(id)
		if err == nil && stands.acct != 0 {
			has, err = v.hasExpiry(id, stands.acct, at)
		}
		return err
	})
	return has, err
}

func (v view) hasExpiry(id creditledger.AccountID, acct uint64, at creditledger.Instant) (bool, error) {
	if v.tail.account(id).expires(at) {
		return true, nil
	}
	if b := v.top.Bucket(bucketExpiries); b != nil {
		return b.Get(key(acct, uint64(at))) != nil, nil
	}
	blocks, err := v.bucket(bucketBlocks)
	if err != nil {
		return false, err
	}
	for k, value := range ascending(blocks, key(acct), key(acct)) {
		number, err := numbered(bucketBlocks, k, id)
		if err != nil {
			return false, err
		}
		if b, err := decodeBlock(id, number, value); err != nil || b.ExpiresAt == at {
			return err == nil, err
		}
	}
	return false, nil
}

// checkFound checks that both indexes have all blocks of the account's tables, and that
// the account has no expiry too many.
func (v view) checkFound(id creditledger.AccountID, acct uint64) error {
	if !v.indexed() {
		return nil
	}
	blocks, err := v.bucket(bucketBlocks)
	if err != nil {
		return err
	}
	holders, expiries := v.top.Bucket(bucketHolders), v.top.Bucket(bucketExpiries)
	seen := map[creditledger.Instant]bool{}
	for k, value := range ascending(blocks, key(acct), key(acct)) {
		number, err := numbered(bucketBlocks, k, id)
		if err != nil {
			return err
		}
		b, err := decodeBlock(id, number, value)
		if err != nil {
			return err
		}
		if holders.Get(holderKey(b.ID, id)) == nil {
			return damagedIndex(id, "holders row of block %q is missing", b.ID)
		}
		if b.ExpiresAt != 0 && !seen[b.ExpiresAt] && expiries.Get(key(acct, uint64(b.ExpiresAt))) == nil {
			return damagedIndex(id, "expiries row at %s is missing", b.ExpiresAt)
		}
		seen[b.ExpiresAt] = true
	}
	for k, value := range ascending(expiries, key(acct), key(acct)) {
		at, err := numbered(bucketExpiries, k, id)
		if err != nil {
			return err
		}
		if len(value) != 0 || at == 0 || !seen[creditledger.Instant(at)] {
			return damagedIndex(id, "expiries row at %s should not be there, or has a value", creditledger.Instant(at))
		}
	}
	return nil
}

// checkHolders checks that each row of the index of ids leads to a block. The Snapshots
// of the accounts have checked that each block is in the index.
func (v view) checkHolders(ctx context.Context) error {
	b := v.top.Bucket(bucketHolders)
	if b == nil {
		return nil
	}
	for k, value := range ascending(b, nil, nil) {
		if err := ended(ctx); err != nil {
			return err
		}
		blockID, id, ok := parseHolderKey(k)
		if !ok {
			return corrupt("holders", "a key that names no account")
		}
		if len(value) != 0 {
			return damagedIndex(id, "holders row of block %q has a value", blockID)
		}
		at, err := v.accountPos(id)
		if err != nil {
			return err
		}
		if number, err := v.blockNumber(id, at.acct, blockID); err != nil || number == 0 {
			if err == nil {
				err = damagedIndex(id, "holders row of block %q: the account has no such block", blockID)
			}
			return err
		}
	}
	return nil
}
