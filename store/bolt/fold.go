package bolt

import (
	"encoding/binary"

	"creditledger"
)

// foldEvery and foldSize bound what is not folded yet: the number of log records, and the
// bytes of these and of what they changed. The larger they are, the more changes of one
// page share a write. But the tail takes more memory then, a fold keeps others waiting
// for longer, and opening takes longer after a crash.
const (
	foldEvery = 32768
	foldSize  = 16 << 20
)

// fold writes tails into the tables, the older one first. Heads, blocks, keys and indexes
// reach the state that the log has already. The log number that they are folded up to
// moves on in the same transaction.
func (v view) fold(end uint64, tails ...*tail) error {
	w := newWriter(v)
	w.gather(end, tails...)
	return w.flush()
}

// gather collects what a fold writes.
func (w *writer) gather(end uint64, tails ...*tail) {
	acct := uint64(0)
	for _, t := range tails {
		for id, a := range t.accounts {
			w.foldAccount(id, a)
		}
		acct = max(acct, t.acct)
	}
	if b := w.bucket(bucketAccounts); b != nil && b.Sequence() < acct {
		w.wrap("number", bucketAccounts, b.SetSequence(acct))
	}
	w.put(bucketMeta, keyFolded, key(end))
}

func (w *writer) foldAccount(id creditledger.AccountID, a *tailAccount) {
	row := creditledger.AppendHead(key(a.acct, a.last), &a.head)
	w.put(bucketAccounts, accountKey(id), row)
	for i, number := range a.log {
		if seq := a.first + uint64(i); seq%indexEvery == 0 {
			w.put(bucketJournal, key(a.acct, seq), key(number))
		}
	}
	for _, b := range a.blocks {
		w.block(id, a.acct, &b)
	}
	for k, seq := range a.keys {
		w.put(bucketKeys, textKey(a.acct, string(k)), key(seq))
	}
	for _, r := range a.rows {
		w.row(a.acct, &r)
	}
	if was, is := a.due, a.head.NextDue; was != is {
		if was != 0 {
			w.delete(bucketDue, dueKey(was, id))
		}
		if is != 0 {
			w.put(bucketDue, dueKey(is, id), []byte{})
		}
	}
}

// folded returns the number of the last log record that the tables include.
func (v view) folded() (uint64, error) {
	value, err := v.get(bucketMeta, keyFolded)
	if err != nil {
		return 0, err
	}
	if len(value) != numberSize {
		return 0, corrupt("meta", "the number up to which the log is folded is missing")
	}
	return binary.BigEndian.Uint64(value), nil
}
