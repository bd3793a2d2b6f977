package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"creditledger"
)

// view is the ledger's top bucket inside one transaction. What it returns is copied
// out of the transaction.
type view struct{ top *bbolt.Bucket }

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
	return top.Bucket(bucketMeta).Put(keyFormat, binary.BigEndian.AppendUint32(nil, format))
}

// openView finds the ledger in a transaction.
func openView(tx *bbolt.Tx) (view, error) {
	top := tx.Bucket(topBucket)
	if top == nil {
		return view{}, corrupt("file", "a bbolt database without a ledger in it: to keep one beside other buckets, let Join make it")
	}
	return view{top}, nil
}

// check makes sure that the ledger is of a format known here, and whole.
func (v view) check() error {
	b, err := v.bucket(bucketMeta)
	if err != nil {
		return err
	}
	stored := b.Get(keyFormat)
	if len(stored) != 4 {
		return corrupt("format version", "missing or damaged")
	}
	if n := binary.BigEndian.Uint32(stored); n != format {
		return corrupt("format version", fmt.Sprintf("%d is not known to this release (it knows %d): use a release that does", n, format))
	}
	for _, name := range buckets {
		if _, err := v.bucket(name); err != nil {
			return err
		}
	}
	return nil
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
	if value == nil || err != nil {
		return 0, err
	}
	if len(value) != numberSize || binary.BigEndian.Uint64(value) == 0 {
		return 0, corrupt(fmt.Sprintf("%s %q of %v", bucket, key[numberSize:], id), "not a number")
	}
	return binary.BigEndian.Uint64(value), nil
}

// account returns the internal number and the head of an account, 0 and the zero
// head if it was never written.
func (v view) account(id creditledger.AccountID) (uint64, creditledger.Head, error) {
	value, err := v.get(bucketAccounts, accountKey(id))
	if value == nil || err != nil {
		return 0, creditledger.Head{}, err
	}
	return decodeAccount(id, value)
}

func decodeAccount(id creditledger.AccountID, value []byte) (uint64, creditledger.Head, error) {
	if len(value) < numberSize || binary.BigEndian.Uint64(value) == 0 {
		return 0, creditledger.Head{}, corrupt("account "+id.String(), "has no number")
	}
	head, err := creditledger.DecodeHead(value[numberSize:])
	if err == nil && head.Version == 0 {
		err = corrupt("head", "of an account that was never written")
	}
	if err != nil {
		return 0, creditledger.Head{}, fmt.Errorf("account %v: %w", id, err)
	}
	return binary.BigEndian.Uint64(value), head, nil
}

// block returns the block of account acct with that number.
func (v view) block(blocks *bbolt.Bucket, id creditledger.AccountID, acct, number uint64) (creditledger.Block, error) {
	value := blocks.Get(key(acct, number))
	if value == nil {
		return creditledger.Block{}, corrupt(fmt.Sprintf("block %d of %v", number, id), "missing")
	}
	return decodeBlock(id, number, value)
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

// descending yields the pairs from the last key ≤ from back while keys begin with
// prefix.
func descending(b *bbolt.Bucket, prefix, from []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := b.Cursor()
		k, v := c.Seek(from)
		if k == nil {
			k, v = c.Last()
		} else if !bytes.Equal(k, from) {
			k, v = c.Prev()
		}
		for ; k != nil && bytes.HasPrefix(k, prefix); k, v = c.Prev() {
			if !yield(k, v) {
				return
			}
		}
	}
}

// numbered returns the number behind the account's in a key of two, which must be
// longer by exactly that.
func numbered(bucket, k []byte, id creditledger.AccountID) (uint64, error) {
	if len(k) != 2*numberSize {
		return 0, corrupt(fmt.Sprintf("%s of %v", bucket, id), fmt.Sprintf("a key of %d bytes", len(k)))
	}
	return binary.BigEndian.Uint64(k[numberSize:]), nil
}
