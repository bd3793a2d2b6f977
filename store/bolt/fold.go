package bolt

import (
	"cmp"
	"context"
	"encoding/binary"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"creditledger"
)

// foldEvery and foldSize bound what a tail has: log records, and the bytes that these and
// what they changed take up; there are two tails. The larger they are, the more changes of
// one page share a write. But the tails then take more memory, and opening takes longer
// after a crash.
const (
	foldEvery = 16384
	foldSize  = 8 << 20
)

// foldPiece is about how many rows are written in one transaction while commits go on: a
// flush of the log waits for the pages of a larger one on their way to the same disk.
const foldPiece = 4096

// foldAll writes tails down, the older first, in one transaction: heads, blocks, keys and
// indexes reach the state that the log has, and the log its bucket.
func (v view) foldAll(t *tail, end uint64) error {
	if t.nothing() {
		return nil
	}
	w := newWriter(v)
	w.chain(t)
	w.folded(end, t.acct)
	return w.flush()
}

// wholeFold is foldAll that leaves no log in use.
func (v view) wholeFold(t *tail, m mark) error {
	w := newWriter(v)
	w.chain(t)
	w.folded(t.end(), t.acct)
	if m.size > 0 {
		w.mark(m)
	} else {
		w.delete(bucketMeta, keyLog)
	}
	return w.flush()
}

// chain is what a fold of a tail and those before it writes.
func (w *writer) chain(t *tail) {
	if t.older != nil {
		w.chain(t.older)
	}
	w.unwritten(t)
	w.tail(t)
}

// unwritten are the rows of the log and of documents that are in no bucket yet.
func (w *writer) unwritten(t *tail) {
	for i, row := range t.log {
		w.put(bucketLog, key(t.folded+uint64(i)+1), row)
	}
	for number, row := range t.again {
		w.put(bucketLog, key(number), row)
	}
	for k, row := range t.documents {
		w.put(bucketRecords, []byte(k), row)
	}
	if len(t.log) > 0 {
		w.endLog(t.folded + uint64(len(t.log)))
	}
}

// tail are the rows of the tables.
func (w *writer) tail(t *tail) {
	for id, a := range t.accounts {
		w.foldAccount(id, a)
	}
}

// folded says up to which log number, and account number, the tables are written.
func (w *writer) folded(end, acct uint64) {
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

// foldOlder folds the older tail in pieces, each a transaction, while commits go on: first
// the log, then tables, account by account, and at last it is said that all of it is there.
// What a crash leaves of it is done again. The caller keeps others from folding.
func (s *Store) foldOlder() error {
	t := s.tail.older
	for from := 0; from < len(t.log); from += foldPiece {
		part := &tail{folded: t.folded + uint64(from)}
		part.log = t.log[from:min(from+foldPiece, len(t.log))]
		if err := s.foldPart(gathered(func(w *writer) { w.unwritten(part) })); err != nil {
			return err
		}
	}
	rest := &tail{unwritten: unwritten{again: t.again, documents: t.documents}}
	if err := s.foldPart(gathered(func(w *writer) { w.unwritten(rest) })); err != nil {
		return err
	}
	ids := slices.SortedFunc(maps.Keys(t.accounts), func(a, b creditledger.AccountID) int {
		return cmp.Compare(t.accounts[a].acct, t.accounts[b].acct) // the tables are mostly in that order
	})
	for len(ids) > 0 {
		n, rows := 0, 0
		for n < len(ids) && rows < foldPiece {
			rows += t.accounts[ids[n]].rowsToFold()
			n++
		}
		if err := s.foldPart(gathered(func(w *writer) {
			for _, id := range ids[:n] {
				w.foldAccount(id, t.accounts[id])
			}
		})); err != nil {
			return err
		}
		ids = ids[n:]
	}
	m := s.next
	if err := s.foldPart(gathered(func(w *writer) {
		w.folded(t.end(), t.acct)
		w.mark(m)
	})); err != nil {
		return err
	}
	s.mark = m
	s.tailing.Lock()
	defer s.tailing.Unlock()
	s.tail.dropOlder()
	return nil
}

// gathered writes what a writer is given.
func gathered(gather func(*writer)) func(view) error {
	return func(v view) error {
		w := newWriter(v)
		gather(w)
		return w.flush()
	}
}

// foldPart writes a part of a fold in a transaction of its own.
func (s *Store) foldPart(write func(view) error) error {
	if err := s.pauseKeys(); err != nil {
		return err
	}
	defer s.keyReader.resume()
	var tx *bbolt.Tx
	err, panicked := guarded("fold", func() (err error) {
		if tx, err = s.db.Begin(true); err != nil {
			return err
		}
		v, err := openView(tx)
		if err != nil {
			return err
		}
		return write(v)
	})
	if err != nil {
		if !panicked && tx != nil {
			_, panicked = guarded("rollback", tx.Rollback)
		}
		if panicked {
			s.poisoned(err, true)
		}
		return err
	}
	return s.commitTables(tx, folding)
}

// retire folds all that is left, and says that no log is in use: the database is the whole
// ledger then. The caller keeps others from committing and from folding.
func (s *Store) retire() error {
	opened := s.metas.both != nil
	if !opened || s.readOnly || s.poison.Load() != nil || s.log == nil && s.tail.nothing() && !s.mark.inUse {
		return nil
	}
	if err := s.owned(); err != nil {
		return err
	}
	m := s.unused()
	end := s.tail.end()
	if err := s.foldPart(func(v view) error { return v.wholeFold(s.tail, m) }); err != nil {
		return err
	}
	s.tailing.Lock()
	defer s.tailing.Unlock()
	s.tail = newTail(end, s.tail.acct)
	s.mark = m
	if s.log != nil {
		s.spare.Store(s.log)
		s.log = nil
	}
	return nil
}

// foldMost folds what is there now, while commits go on, so that a retire that follows has
// little left to do.
func (s *Store) foldMost(ctx context.Context) error {
	if err := s.takeTurn(ctx, "backup"); err != nil {
		return err
	}
	var err error
	if s.log != nil {
		err = s.turn(ctx)
	}
	s.giveTurn()
	if err == nil {
		if err = s.beginFold(ctx); err == nil {
			s.endFold()
		}
	}
	return err
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
