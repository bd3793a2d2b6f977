package bolt

import (
	"bytes"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"creditledger"
)

// writer gathers rows for the buckets of a view and puts them there in the order of
// their keys. bbolt splits a leaf only when the transaction ends: until then every row
// that comes in front of others moves them all, so rows in any other order cost the
// square of their number. After an error a writer does nothing more, and keeps it.
type writer struct {
	view   view
	tables [14]table // in the order of buckets
	err    error
}

// table is what is to be written into one bucket.
type table struct {
	bucket *bbolt.Bucket // nil: not opened yet
	rows   []tableRow
}

// tableRow puts a value, or removes what is there when that is nil.
type tableRow struct{ key, value []byte }

func newWriter(v view) *writer { return &writer{view: v} }

func (w *writer) table(name []byte) *table {
	return &w.tables[slices.IndexFunc(buckets, func(b []byte) bool { return &b[0] == &name[0] })]
}

// bucket returns nil after an error.
func (w *writer) bucket(name []byte) *bbolt.Bucket {
	t := w.table(name)
	if w.err == nil && t.bucket == nil {
		t.bucket, w.err = w.view.bucket(name)
	}
	if w.err != nil {
		return nil
	}
	return t.bucket
}

// put keeps key and value, which must not be changed before the transaction ends.
func (w *writer) put(bucket, key, value []byte) {
	t := w.table(bucket)
	t.rows = append(t.rows, tableRow{key, value})
}

func (w *writer) delete(bucket, key []byte) { w.put(bucket, key, nil) }

// flush writes what was gathered. Of several rows with one key the last counts.
func (w *writer) flush() error {
	for i, name := range buckets {
		t := &w.tables[i]
		if len(t.rows) == 0 {
			continue // opening a bucket costs a search and a dozen allocations
		}
		if b := w.bucket(name); b != nil {
			w.wrap("write", name, t.write(b))
		}
		t.rows = nil
	}
	return w.err
}

// sorted returns the rows in the order of their keys, of those with one key the last.
func (t *table) sorted() []tableRow {
	byKey := func(a, b tableRow) int { return bytes.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(t.rows, byKey) {
		slices.SortStableFunc(t.rows, byKey)
	}
	last := t.rows[:0]
	for i, row := range t.rows {
		if i+1 == len(t.rows) || !bytes.Equal(row.key, t.rows[i+1].key) {
			last = append(last, row)
		}
	}
	return last
}

func (t *table) write(b *bbolt.Bucket) error {
	for _, row := range t.sorted() {
		if err := row.write(b); err != nil {
			return err
		}
	}
	return nil
}

// write does not touch a page that need not change: if a row without a value is there
// already, or a row to be removed is not.
func (r tableRow) write(b *bbolt.Bucket) error {
	switch {
	case r.value == nil:
		return b.Delete(r.key)
	case len(r.value) == 0 && b.Get(r.key) != nil:
		return nil
	}
	return b.Put(r.key, r.value)
}

func (w *writer) wrap(what string, bucket []byte, err error) {
	if err != nil {
		w.err = fmt.Errorf("%s bucket %s: %w", what, bucket, err)
	}
}

func (w *writer) block(id creditledger.AccountID, acct uint64, b *creditledger.StoredBlock) {
	k := key(acct, b.Number)
	w.put(bucketBlocks, k, creditledger.AppendBlock(nil, &b.Block))
	if b.New {
		w.put(bucketBlockIDs, textKey(acct, b.ID), key(b.Number))
		w.found(id, acct, &b.Block)
	}
	if b.Open {
		w.put(bucketOpen, k, []byte{})
	} else {
		w.delete(bucketOpen, k)
	}
}

// found adds a block to the indexes of ids and of expiries.
func (w *writer) found(id creditledger.AccountID, acct uint64, b *creditledger.Block) {
	w.put(bucketHolders, holderKey(b.ID, id), []byte{})
	if b.ExpiresAt != 0 {
		w.put(bucketExpiries, key(acct, uint64(b.ExpiresAt)), []byte{})
	}
}
