package bolt

import (
	"encoding/binary"
	"maps"
	"slices"

	"creditledger"
)

// foldEvery is how many log records are kept unfolded at most: the more, the more
// changes of one page share a write, and the longer opening takes after a crash.
const foldEvery = 32768

// fold writes a tail down: heads, blocks, keys and indexes reach the state that the
// log has already, and the log number they are folded up to moves on in the same
// transaction. Keys are put in the order in which they are stored.
func (v view) fold(t *tail, end uint64) error {
	w := newWriter(v)
	ids := t.sorted()
	for _, id := range ids {
		w.foldAccount(id, t.accounts[id])
	}
	if b := w.bucket(bucketAccounts); b != nil && b.Sequence() < t.acct {
		w.wrap("number accounts", bucketAccounts, b.SetSequence(t.acct))
	}
	w.put(bucketMeta, keyFolded, key(end))
	return w.err
}

func (w *writer) foldAccount(id creditledger.AccountID, a *tailAccount) {
	row := creditledger.AppendHead(key(a.acct, a.last), &a.head)
	w.put(bucketAccounts, accountKey(id), row)
	for i, number := range a.log {
		if seq := a.first + uint64(i); seq%indexEvery == 0 {
			w.put(bucketJournal, key(a.acct, seq), key(number))
		}
	}
	for _, number := range a.numbers(0) {
		b := a.blocks[number]
		w.block(a.acct, &b)
	}
	for _, k := range slices.Sorted(maps.Keys(a.keys)) {
		w.put(bucketKeys, textKey(a.acct, string(k)), key(a.keys[k]))
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
