package bolt

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// stored is what a commit finds of the account of a change.
type stored struct {
	acct uint64 // 0: never written
	head creditledger.Head
}

// compare looks up everything that the changes expect and returns a ConflictError
// that names all that is otherwise. It writes nothing.
func (v view) compare(list []creditledger.Change) ([]stored, error) {
	found := make([]stored, len(list))
	var e creditledger.ConflictError
	for i := range list {
		c := &list[i]
		if c.Account != (creditledger.AccountID{}) {
			var same bool
			var err error
			if found[i], same, err = v.compareAccount(c); err != nil {
				return nil, err
			} else if !same {
				e.Accounts = append(e.Accounts, c.Account)
			}
		}
		for j := range c.Records {
			put := &c.Records[j]
			version, err := v.recordVersion(put.RecordID)
			if err != nil {
				return nil, err
			}
			if version != put.Expect {
				e.Records = append(e.Records, put.RecordID)
			}
		}
	}
	if len(e.Accounts)+len(e.Records) > 0 {
		return nil, &e
	}
	return found, nil
}

// compareAccount reports whether the account is as the change was computed from.
func (v view) compareAccount(c *creditledger.Change) (found stored, same bool, err error) {
	if found.acct, found.head, err = v.account(c.Account); err != nil {
		return found, false, err
	}
	if found.head.Version != c.Version {
		return found, false, nil
	}
	// An account never written has number 0, under which nothing is stored.
	for _, k := range c.Keys {
		seq, err := v.getNumber(bucketKeys, textKey(found.acct, string(k.Key)), c.Account)
		if err != nil || seq != 0 {
			return found, false, err
		}
	}
	for i := range c.Blocks {
		if b := &c.Blocks[i]; b.New {
			number, err := v.getNumber(bucketBlockIDs, textKey(found.acct, b.ID), c.Account)
			if err != nil || number != 0 {
				return found, false, err
			}
		}
	}
	for i := range c.Blocks {
		b := &c.Blocks[i]
		value, err := v.get(bucketBlocks, key(found.acct, b.Number))
		if err == nil {
			err = changes.CheckNumber(c.Account, b, value != nil)
		}
		if err != nil {
			return found, false, err
		}
	}
	return found, true, nil
}

// write puts the changes, which compare found to fit.
func (v view) write(list []creditledger.Change, found []stored) error {
	w := writer{view: v, open: make(map[*byte]*bbolt.Bucket, len(buckets))}
	for i := range list {
		c := &list[i]
		for _, put := range c.Records {
			value := binary.BigEndian.AppendUint64(nil, put.Expect+1)
			w.put(bucketRecords, recordKey(put.Kind, put.Key), append(value, put.Value...))
		}
		if c.Account != (creditledger.AccountID{}) {
			w.account(c, found[i])
		}
	}
	return w.err
}

// writer puts into the buckets of a view until something fails; then it does nothing
// more and keeps the error.
type writer struct {
	view view
	open map[*byte]*bbolt.Bucket
	err  error
}

// bucket returns nil after an error.
func (w *writer) bucket(name []byte) *bbolt.Bucket {
	if w.err != nil {
		return nil
	}
	b := w.open[&name[0]]
	if b == nil {
		if b, w.err = w.view.bucket(name); w.err == nil {
			w.open[&name[0]] = b
		}
	}
	return b
}

// put keeps value, which must not be changed before the transaction ends.
func (w *writer) put(bucket, key, value []byte) {
	if b := w.bucket(bucket); b != nil {
		w.wrap("put", bucket, b.Put(key, value))
	}
}

func (w *writer) delete(bucket, key []byte) {
	if b := w.bucket(bucket); b != nil {
		w.wrap("delete", bucket, b.Delete(key))
	}
}

func (w *writer) has(bucket, key []byte) bool {
	b := w.bucket(bucket)
	return b != nil && b.Get(key) != nil
}

func (w *writer) wrap(what string, bucket []byte, err error) {
	if err != nil {
		w.err = fmt.Errorf("%s in bucket %s: %w", what, bucket, err)
	}
}

func (w *writer) account(c *creditledger.Change, old stored) {
	acct := old.acct
	if acct == 0 {
		if b := w.bucket(bucketAccounts); b != nil {
			var err error
			acct, err = b.NextSequence()
			w.wrap("number an account", bucketAccounts, err)
		}
	}
	w.put(bucketAccounts, accountKey(c.Account), creditledger.AppendHead(key(acct), &c.Head))
	for _, r := range c.Journal {
		w.put(bucketJournal, key(acct, r.Seq), bytesOf(r.Bytes))
	}
	for i := range c.Blocks {
		w.block(acct, &c.Blocks[i])
	}
	for _, k := range c.Keys {
		w.put(bucketKeys, textKey(acct, string(k.Key)), key(k.Seq))
	}
	if was, is := old.head.NextDue, c.Head.NextDue; was != is {
		if was != 0 {
			w.delete(bucketDue, dueKey(was, c.Account))
		}
		if is != 0 {
			w.put(bucketDue, dueKey(is, c.Account), []byte{})
		}
	}
}

func (w *writer) block(acct uint64, b *creditledger.StoredBlock) {
	k := key(acct, b.Number)
	w.put(bucketBlocks, k, creditledger.AppendBlock(nil, &b.Block))
	if b.New {
		w.put(bucketBlockIDs, textKey(acct, b.ID), key(b.Number))
	}
	switch open := !b.New && w.has(bucketOpen, k); {
	case b.Open && !open:
		w.put(bucketOpen, k, []byte{})
	case !b.Open && open:
		w.delete(bucketOpen, k)
	}
}
