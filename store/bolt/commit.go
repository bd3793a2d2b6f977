package bolt

import (
	"bytes"
	"fmt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// compare looks up everything that the changes expect. It returns the positions of their
// accounts, or a ConflictError that names everything that is not as expected. It writes
// nothing.
func (v view) compare(list []creditledger.Change) ([]accountPos, error) {
	found := make([]accountPos, len(list))
	var e creditledger.ConflictError
	for i := range list {
		c := &list[i]
		if c.Account != (creditledger.AccountID{}) {
			var same bool
			var used []creditledger.Key
			var err error
			if found[i], same, used, err = v.compareAccount(c); err != nil {
				return nil, err
			} else if !same {
				e.Accounts = append(e.Accounts, c.Account)
				for _, key := range used {
					e.Keys = append(e.Keys, creditledger.AccountKey{Account: c.Account, Key: key})
				}
			}
		}
		for j := range c.Documents {
			put := &c.Documents[j]
			stored, err := v.record(put.DocumentID)
			if err != nil {
				return nil, err
			}
			if !changes.Follows(put, &stored) {
				e.Documents = append(e.Documents, put.DocumentID)
			}
		}
	}
	if len(e.Accounts)+len(e.Documents) > 0 {
		return nil, &e
	}
	return found, nil
}

// compareAccount reports whether the account is as the change was computed from, and
// which keys are used already if not.
func (v view) compareAccount(c *creditledger.Change) (at accountPos, same bool, used []creditledger.Key, err error) {
	if at, err = v.accountPos(c.Account); err != nil {
		return at, false, nil, err
	}
	for _, k := range c.Keys {
		seq, err := v.keySeq(c.Account, at.acct, k.Key)
		if err != nil {
			return at, false, nil, err
		}
		if seq != 0 {
			used = append(used, k.Key)
		}
	}
	if !changes.ComputedFrom(c, &at.head) {
		return at, false, used, nil
	}
	if len(used) > 0 {
		return at, false, used, nil
	}
	for i := range c.Blocks {
		if b := &c.Blocks[i]; b.New {
			number, err := v.blockNumber(c.Account, at.acct, b.ID)
			if err != nil || number != 0 {
				return at, false, nil, err
			}
		}
	}
	for i := range c.Blocks {
		b := &c.Blocks[i]
		known, err := v.hasBlock(c.Account, at.acct, b.Number)
		if err == nil {
			err = changes.CheckNumber(c.Account, b, known)
		}
		if err != nil {
			return at, false, nil, err
		}
	}
	return at, true, nil, nil
}

func (v view) hasBlock(id creditledger.AccountID, acct, number uint64) (bool, error) {
	if _, ok := v.tail.account(id).block(number); ok || acct == 0 {
		return ok, nil
	}
	value, err := v.get(bucketBlocks, key(acct, number))
	return value != nil, err
}

// appended is what a commit put into the log.
type appended struct {
	first []uint64 // for each change, the log number of the first of its records
	begin uint64   // log number of the last record before
	end   uint64   // log number of the last record of all
	alien bool     // a record is not the ledger's, so it cannot be replayed from the log
}

// append puts the changes' journal records into the log and the documents of upper layers
// into their table. found has the position of each change's account; append gives numbers
// to accounts that have none.
func (v view) append(t *tail, list []creditledger.Change, found []accountPos) (appended, error) {
	var a appended
	var err error
	if a.begin, err = v.logEnd(); err != nil {
		return a, err
	}
	a.end = a.begin
	w := newWriter(v)
	acct := t.acct
	if b := w.bucket(bucketAccounts); b != nil {
		acct = max(acct, b.Sequence())
	}
	if b := w.bucket(bucketLog); b != nil {
		b.FillPercent = 1 // keys only grow, so that pages can be filled
	}
	a.first = make([]uint64, len(list))
	for i := range list {
		c := &list[i]
		for _, put := range c.Documents {
			key := recordKey(put.Kind, put.Key)
			w.put(bucketRecords, key, appendRow(key, put.Next(), put.Value))
		}
		if c.Account == (creditledger.AccountID{}) {
			continue
		}
		if found[i].acct == 0 {
			if acct++; err == nil {
				err = v.unused(acct)
			}
			found[i].acct = acct
		}
		if err == nil {
			err = v.retext(w, c, found[i])
		}
		a.first[i] = a.end + 1
		prev := found[i].last
		for _, r := range c.Journal {
			a.alien = a.alien || !creditledger.RecordFits(r.Bytes, c.Account, r.Seq)
			a.end++
			w.put(bucketLog, key(a.end), appendLogRecord(make([]byte, 0, len(r.Bytes)+len(r.Texts)+16), found[i].acct, prev, r.Texts, r.Bytes))
			prev = a.end
		}
	}
	if b := w.bucket(bucketLog); b != nil && a.end > a.begin {
		w.wrap("number", bucketLog, b.SetSequence(a.end))
	}
	if err != nil {
		return a, err
	}
	return a, w.flush()
}

// unused checks that no table has rows under a new account number. The new account would
// write over them.
func (v view) unused(acct uint64) error {
	for _, name := range [][]byte{bucketBlocks, bucketKeys} {
		b, err := v.bucket(name)
		if err != nil {
			return err
		}
		if k, _ := b.Cursor().Seek(key(acct)); bytes.HasPrefix(k, key(acct)) {
			return corrupt("accounts", fmt.Sprintf("the next number is %d, and %s has a row of it", acct, name))
		}
	}
	return nil
}

// addAll adds to a tail what a commit wrote.
func (t *tail) addAll(list []creditledger.Change, found []accountPos, a appended) {
	for i := range list {
		if list[i].Account != (creditledger.AccountID{}) {
			t.add(&list[i], found[i], a.first[i])
		}
	}
}

// retext writes earlier records of a change's account again, with the texts that are left
// of them.
func (v view) retext(w *writer, c *creditledger.Change, at accountPos) error {
	if len(c.Texts) == 0 {
		return nil
	}
	b, err := v.bucket(bucketLog)
	if err != nil {
		return err
	}
	log := b.Cursor()
	for _, t := range c.Texts {
		number, err := v.locate(log, c.Account, at, t.Seq)
		if err != nil {
			return err
		}
		r, err := v.logRecord(log, number, at.acct)
		if err != nil {
			return err
		}
		w.put(bucketLog, key(number), appendLogRecord(nil, r.acct, r.prev, t.Texts, r.bytes))
	}
	return nil
}
