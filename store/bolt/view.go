package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"go.etcd.io/bbolt"

	"creditledger"
)

// view is the ledger's top bucket inside one transaction, and the tail that belongs to
// it. What it returns is copied out of the transaction.
type view struct {
	top  *bbolt.Bucket
	tail *tail // nil: the tables alone count
}

// makeBuckets adds an empty ledger to a file that has none.
func makeBuckets(tx *bbolt.Tx) error {
	top, err := tx.CreateBucket(topBucket)
	if err != nil {
		return fmt.Errorf("bucket %q: %w", topBucket, err)
	}
	for _, name := range buckets {
		if _, err := top.CreateBucket(name); err != nil {
			return fmt.Errorf("bucket %q: %w", name, err)
		}
	}
	meta := top.Bucket(bucketMeta)
	if err := meta.Put(keyFormat, binary.BigEndian.AppendUint32(nil, format)); err != nil {
		return err
	}
	return meta.Put(keyFolded, key(0))
}

// openView finds the ledger in a transaction.
func openView(tx *bbolt.Tx) (view, error) {
	top := tx.Bucket(topBucket)
	if top == nil {
		return view{}, corrupt("file", "a bbolt database without a ledger in it: to keep one beside other buckets, let Join make it")
	}
	return view{top: top}, nil
}

// check checks that the ledger is of a known format, and that no bucket is missing.
func (v view) check() error {
	b, err := v.bucket(bucketMeta)
	if err != nil {
		return err
	}
	stored := b.Get(keyFormat)
	if len(stored) != 4 {
		return corrupt("format version", "missing or damaged")
	}
	if n := binary.BigEndian.Uint32(stored); n < firstFormat || n > format {
		return corrupt("format version", fmt.Sprintf("%d is not known to this release (it knows %d to %d): use a release that does", n, firstFormat, format))
	}
	for _, name := range buckets {
		if _, err := v.bucket(name); err != nil && (!isSinceLayout3(name) || binary.BigEndian.Uint32(stored) == format) {
			return err
		}
	}
	return nil
}

func isSinceLayout3(name []byte) bool {
	return slices.ContainsFunc(sinceLayout3, func(b []byte) bool { return bytes.Equal(b, name) })
}

// older reports whether the file is of an older layout. check has checked the number.
func (v view) older() (bool, error) {
	b, err := v.bucket(bucketMeta)
	return err == nil && binary.BigEndian.Uint32(b.Get(keyFormat)) < format, err
}

// indexed reports whether the file has the indexes that came with layout 3.
func (v view) indexed() bool {
	return v.top.Bucket(bucketHolders) != nil && v.top.Bucket(bucketExpiries) != nil
}

// upgrade turns a file of an older layout into one of this layout. It adds the missing
// buckets, and sets the number, so that releases that do not know the layout refuse the
// file.
func (v view) upgrade() error {
	indexed := v.indexed()
	for _, name := range sinceLayout3 {
		if _, err := v.top.CreateBucketIfNotExists(name); err != nil {
			return fmt.Errorf("bucket %q: %w", name, err)
		}
	}
	b, err := v.bucket(bucketMeta)
	if err == nil && !indexed {
		err = v.index()
	}
	if err != nil {
		return err
	}
	return b.Put(keyFormat, binary.BigEndian.AppendUint32(nil, format))
}

func (v view) bucket(name []byte) (*bbolt.Bucket, error) {
	if b := v.top.Bucket(name); b != nil {
		return b, nil
	}
	return nil, corrupt("bucket "+string(name), "missing")
}

// get returns what a bucket holds under a key, nil if nothing.
func (v view) get(bucket, key []byte) ([]byte, error) {
	b, err := v.bucket(bucket)
	if err != nil {
		return nil, err
	}
	return b.Get(key), nil
}

// getNumber returns the number a bucket holds under a key, 0 if none: no number
// that is stored is 0.
func (v view) getNumber(bucket, key []byte, id creditledger.AccountID) (uint64, error) {
	value, err := v.get(bucket, key)
	if err != nil {
		return 0, err
	}
	return decodeNumber(bucket, key, value, id)
}

func decodeNumber(bucket, key, value []byte, id creditledger.AccountID) (uint64, error) {
	if value == nil {
		return 0, nil
	}
	if len(value) != numberSize || binary.BigEndian.Uint64(value) == 0 {
		return 0, corrupt(fmt.Sprintf("%s %q of %v", bucket, key[numberSize:], id), "not a number")
	}
	return binary.BigEndian.Uint64(value), nil
}

// accountPos returns where an account stands, the zero accountPos if it was never written.
func (v view) accountPos(id creditledger.AccountID) (accountPos, error) {
	if a := v.tail.account(id); a != nil {
		return a.accountPos, nil
	}
	value, err := v.get(bucketAccounts, accountKey(id))
	if value == nil || err != nil {
		return accountPos{}, err
	}
	return decodePlace(id, value)
}

func decodePlace(id creditledger.AccountID, value []byte) (accountPos, error) {
	if len(value) < 2*numberSize || binary.BigEndian.Uint64(value) == 0 {
		return accountPos{}, corrupt("account "+id.String(), "has no number")
	}
	p := accountPos{acct: binary.BigEndian.Uint64(value), last: binary.BigEndian.Uint64(value[numberSize:])}
	var err error
	p.head, err = creditledger.DecodeHead(value[2*numberSize:])
	if err == nil && p.head.Version == 0 {
		err = corrupt("head", "of an account that was never written")
	}
	if err != nil {
		return accountPos{}, fmt.Errorf("account %v: %w", id, err)
	}
	return p, nil
}

// findBlock returns the block of an account with that number, and whether there is one.
func (v view) findBlock(id creditledger.AccountID, acct, number uint64) (creditledger.Block, bool, error) {
	if b, ok := v.tail.account(id).block(number); ok {
		return copyBlock(b.Block), true, nil
	}
	value, err := v.get(bucketBlocks, key(acct, number))
	if value == nil || err != nil {
		return creditledger.Block{}, false, err
	}
	b, err := decodeBlock(id, number, value)
	return b, true, err
}

// block returns a block, or a CorruptError if it is missing.
func (v view) block(id creditledger.AccountID, acct, number uint64) (creditledger.Block, error) {
	b, found, err := v.findBlock(id, acct, number)
	if err == nil && !found {
		err = missingBlock(id, number)
	}
	return b, err
}

func missingBlock(id creditledger.AccountID, number uint64) error {
	return corrupt(fmt.Sprintf("block %d of %v", number, id), "missing")
}

// blockNumber returns the number of the block with an id, 0 if there is none.
func (v view) blockNumber(id creditledger.AccountID, acct uint64, blockID string) (uint64, error) {
	if n := v.tail.account(id).blockNumber(blockID); n != 0 {
		return n, nil
	}
	if acct == 0 {
		return 0, nil
	}
	return v.getNumber(bucketBlockIDs, textKey(acct, blockID), id)
}

// namedBlock returns the block with an id, and whether there is one.
func (v view) namedBlock(id creditledger.AccountID, acct uint64, blockID string) (creditledger.Block, bool, error) {
	number, err := v.blockNumber(id, acct, blockID)
	if err != nil || number == 0 {
		return creditledger.Block{}, false, err
	}
	b, err := v.block(id, acct, number)
	if err == nil && b.ID != blockID {
		err = corrupt("block "+strconv.Quote(blockID)+" of "+id.String(), "its id leads to block "+strconv.Quote(b.ID))
	}
	return b, true, err
}

// keySeq returns the record that an idempotency key stands for, 0 if there is none.
func (v view) keySeq(id creditledger.AccountID, acct uint64, k creditledger.Key) (uint64, error) {
	if seq, known := v.tail.keySeq(id, k); known || acct == 0 {
		return seq, nil
	}
	return v.getNumber(bucketKeys, textKey(acct, string(k)), id)
}

func decodeBlock(id creditledger.AccountID, number uint64, value []byte) (creditledger.Block, error) {
	b, err := creditledger.DecodeBlock(value)
	if err == nil && b.Number != number {
		err = corrupt("block", fmt.Sprintf("it is number %d", b.Number))
	}
	if err != nil {
		return creditledger.Block{}, fmt.Errorf("block %d of %v: %w", number, id, err)
	}
	return b, nil
}

// ascending yields the pairs from the first key ≥ from while keys begin with prefix.
func ascending(b *bbolt.Bucket, prefix, from []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := b.Cursor()
		for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

// numbered returns the second number in a key that consists of an account's number and
// another one.
func numbered(bucket, k []byte, id creditledger.AccountID) (uint64, error) {
	if len(k) != 2*numberSize {
		return 0, corrupt(fmt.Sprintf("%s of %v", bucket, id), fmt.Sprintf("a key of %d bytes", len(k)))
	}
	return binary.BigEndian.Uint64(k[numberSize:]), nil
}
