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

// rows are what a commit puts into the log and, for the upper layers, into bucket records.
// found becomes the place of each change's account, with a number for those that have none.
func (v view) rows(list []creditledger.Change, found []accountPos) (rows []putRow, a appended, err error) {
	if a.begin, err = v.logEnd(); err != nil {
		return nil, a, err
	}
	a.end, a.first = a.begin, make([]uint64, len(list))
	acct, err := v.lastAccount()
	if err != nil {
		return nil, a, err
	}
	for i := range list {
		c := &list[i]
		for _, put := range c.Documents {
			key := recordKey(put.Kind, put.Key)
			rows = append(rows, putRow{document: true, key: key, value: appendRow(key, put.Next(), put.Value)})
		}
		if c.Account == (creditledger.AccountID{}) {
			continue
		}
		if found[i].acct == 0 {
			acct++
			if err := v.unused(acct); err != nil {
				return nil, a, err
			}
			found[i].acct = acct
		}
		if rows, err = v.retext(rows, c, found[i]); err != nil {
			return nil, a, err
		}
		a.first[i] = a.end + 1
		prev := found[i].last
		for _, r := range c.Journal {
			a.alien = a.alien || !creditledger.RecordFits(r.Bytes, c.Account, r.Seq)
			a.end++
			row := appendLogRecord(make([]byte, 0, len(r.Bytes)+len(r.Texts)+16), found[i].acct, prev, r.Texts, r.Bytes)
			rows = append(rows, putRow{key: key(a.end), value: row})
			prev = a.end
		}
	}
	return rows, a, nil
}

// lastAccount is the highest account number given out.
func (v view) lastAccount() (uint64, error) {
	b, err := v.bucket(bucketAccounts)
	if err != nil {
		return 0, err
	}
	if v.tail == nil {
		return b.Sequence(), nil
	}
	return max(v.tail.acct, b.Sequence()), nil
}

// put writes rows of a commit, up to the last log number, into their buckets.
func (w *writer) puts(rows []putRow, end uint64) {
	for _, r := range rows {
		if r.document {
			w.put(bucketRecords, r.key, r.value)
		} else {
			w.put(bucketLog, r.key, r.value)
		}
	}
	w.endLog(end)
}

// endLog says which log number is the last.
func (w *writer) endLog(end uint64) {
	if b := w.bucket(bucketLog); b != nil {
		b.FillPercent = 1 // numbers only grow
		if b.Sequence() < end {
			w.wrap("number", bucketLog, b.SetSequence(end))
		}
	}
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

// retext adds the rows of a change's earlier records again, with what is left of their texts.
func (v view) retext(rows []putRow, c *creditledger.Change, at accountPos) ([]putRow, error) {
	if len(c.Texts) == 0 {
		return rows, nil
	}
	b, err := v.bucket(bucketLog)
	if err != nil {
		return nil, err
	}
	log := b.Cursor()
	for _, t := range c.Texts {
		number, err := v.locate(log, c.Account, at, t.Seq)
		if err != nil {
			return nil, err
		}
		r, err := v.logRecord(log, number, at.acct)
		if err != nil {
			return nil, err
		}
		rows = append(rows, putRow{key: key(number), value: appendLogRecord(nil, r.acct, r.prev, t.Texts, r.bytes)})
	}
	return rows, nil
}
