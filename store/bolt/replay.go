package bolt

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// replayTail rebuilds the tail from the log, after a crash or a process that did not
// close the file. It replays one account after another, so that only one at a time is in
// memory with its blocks.
func (v view) replayTail() (*tail, error) {
	folded, err := v.folded()
	if err != nil {
		return nil, err
	}
	accounts, err := v.bucket(bucketAccounts)
	if err != nil {
		return nil, err
	}
	log, err := v.bucket(bucketLog)
	if err != nil {
		return nil, err
	}
	order, err := unfolded(log, folded)
	if err != nil {
		return nil, err
	}
	given := accounts.Sequence() // account numbers
	if given > folded {          // each account has a record
		return nil, corrupt("accounts", fmt.Sprintf("%d numbers were given out, in a log of %d records", given, folded))
	}
	t := newTail(folded, given)
	for _, u := range order {
		b, err := v.replayAccount(log, u, given)
		if err != nil {
			return nil, err
		}
		if t.account(b.id) != nil {
			return nil, corrupt(fmt.Sprintf("log record %d", u.numbers[0]), fmt.Sprintf("%v has another account number before it", b.id))
		}
		b.into(t)
	}
	return t, nil
}

// unfoldedAccount is what the log has of an account beyond the tables.
type unfoldedAccount struct {
	acct    uint64
	prev    uint64   // log number of the record before these
	numbers []uint64 // log numbers, ascending
}

// unfolded lists the accounts that have records beyond the tables, in the order in which
// they come up in the log. It also checks that no record is missing: the numbers have no
// gap and go up to the last one by the bucket, and each record of an account leads to the
// one before.
func unfolded(log *bbolt.Bucket, folded uint64) (order []*unfoldedAccount, err error) {
	if folded > 0 && log.Get(key(folded)) == nil {
		return nil, missingRecord(folded)
	}
	byAcct := map[uint64]*unfoldedAccount{}
	number := folded
	for k, value := range ascending(log, nil, key(folded+1)) {
		if number++; len(k) != numberSize || binary.BigEndian.Uint64(k) != number {
			return nil, missingRecord(number)
		}
		r, err := parseLogRecord(number, value)
		if err != nil {
			return nil, err
		}
		u := byAcct[r.acct]
		if u == nil {
			u = &unfoldedAccount{acct: r.acct, prev: r.prev}
			byAcct[r.acct] = u
			order = append(order, u)
		} else if last := u.numbers[len(u.numbers)-1]; r.prev != last {
			return nil, corrupt(fmt.Sprintf("log record %d", number), fmt.Sprintf("it follows on record %d, the one before it in its account is %d", r.prev, last))
		}
		u.numbers = append(u.numbers, number)
	}
	if number < log.Sequence() { // older releases leave it behind
		return nil, missingRecord(number + 1)
	}
	return order, nil
}

func missingRecord(number uint64) error {
	return corrupt(fmt.Sprintf("log record %d", number), "missing: log numbers have no gaps")
}

// replayAccount replays an account's records beyond the tables on what these hold of it.
func (v view) replayAccount(log *bbolt.Bucket, u *unfoldedAccount, given uint64) (*rebuild, error) {
	var b *rebuild
	for _, number := range u.numbers {
		r, err := parseLogRecord(number, log.Get(key(number)))
		if err != nil {
			return nil, err
		}
		record := bytesOf(r.bytes)
		rec, err := creditledger.DecodeRecord(record)
		if err == nil {
			err = rec.ReadTexts(r.texts)
		}
		if err != nil {
			return nil, fmt.Errorf("log record %d: %w", number, err)
		}
		if b == nil {
			if b, err = v.beginRebuild(rec.Account, u, given); err != nil {
				return nil, err
			}
		}
		if rec.Account != b.id {
			return nil, corrupt(fmt.Sprintf("log record %d", number), fmt.Sprintf("it is of %v, those before it with its account number are of %v", rec.Account, b.id))
		}
		if err := b.apply(v, rec, record, number); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// rebuild replays one account's records of the log on what the tables hold of it.
type rebuild struct {
	*creditledger.Rebuild
	id   creditledger.AccountID
	at   accountPos // the position in the tables; the number is set even if the tables do not have the account
	log  []uint64
	last uint64
}

// beginRebuild checks that the first of the account's records continues the tables, or
// that its number is not in use there.
func (v view) beginRebuild(id creditledger.AccountID, u *unfoldedAccount, given uint64) (*rebuild, error) {
	at, err := v.accountPos(id)
	if err != nil {
		return nil, err
	}
	if at.acct == 0 && u.acct > given {
		at.acct = u.acct
	}
	if at.acct != u.acct || at.last != u.prev {
		return nil, corrupt(fmt.Sprintf("log record %d", u.numbers[0]), fmt.Sprintf("it does not follow on the records of %v", id))
	}
	state := creditledger.State{Head: at.head}
	if at.head.Version > 0 {
		if state.Blocks, err = v.openBlocks(id, at.acct); err != nil {
			return nil, err
		}
		if state.Rows, err = v.openRows(id, at); err != nil {
			return nil, err
		}
	}
	r, err := creditledger.NewRebuild(id, &state)
	if err != nil {
		return nil, err
	}
	return &rebuild{Rebuild: r, id: id, at: at, log: u.numbers, last: u.numbers[len(u.numbers)-1]}, nil
}

func (b *rebuild) apply(v view, rec *creditledger.OpRecord, record []byte, number uint64) error {
	for _, id := range b.Missing(rec) {
		block, found, err := v.namedBlock(b.id, b.at.acct, id)
		if err != nil {
			return err
		}
		if found {
			b.Admit(block)
		}
	}
	for _, missing := range b.MissingRows(rec) {
		row, found, err := v.accountRow(b.id, b.at, changes.NameOf(&missing))
		if err == nil && found {
			err = b.AdmitRow(row.Row)
		}
		if err != nil {
			return err
		}
	}
	if err := b.Recall(rec, b.history(v)); err != nil {
		return fmt.Errorf("log record %d: %w", number, err)
	}
	if err := b.Apply(rec, record); err != nil {
		return fmt.Errorf("log record %d: %w", number, err)
	}
	return nil
}

// history reads what the tables have of the account, and its records beyond them.
func (b *rebuild) history(v view) creditledger.RebuildHistory {
	return creditledger.RebuildHistory{
		Record: func(seq uint64) (*creditledger.OpRecord, error) {
			if i := seq - b.at.head.Version - 1; seq > b.at.head.Version && i < uint64(len(b.log)) {
				return v.recordAt(b.log[i])
			}
			records, err := v.journal(b.id, b.at, seq, seq)
			if err != nil {
				return nil, err
			}
			return creditledger.DecodeRecord(records[0].Bytes)
		},
		BlocksByNumber: func(numbers []uint64) ([]creditledger.Block, error) {
			for _, n := range numbers {
				if n > b.at.head.Blocks {
					return nil, &creditledger.NotFoundError{Kind: "block", ID: strconv.FormatUint(n, 10)}
				}
			}
			return v.blocksOf(b.id, b.at.acct, numbers)
		},
		RowsByKey: func(kind creditledger.RowKind, keys []string) (rows []creditledger.Row, err error) {
			for _, k := range keys {
				row, found, err := v.accountRow(b.id, b.at, changes.RowName{Kind: kind, Key: k})
				if err != nil {
					return nil, err
				}
				if found {
					rows = append(rows, row.Row)
				}
			}
			return rows, nil
		},
	}
}

// recordAt returns a record by its log number.
func (v view) recordAt(number uint64) (*creditledger.OpRecord, error) {
	log, err := v.bucket(bucketLog)
	if err != nil {
		return nil, err
	}
	r, err := parseLogRecord(number, log.Get(key(number)))
	if err != nil {
		return nil, err
	}
	return creditledger.DecodeRecord(bytesOf(r.bytes))
}

func (b *rebuild) into(t *tail) {
	c := b.Change()
	t.add(&c, b.at, 0)
	a := t.accounts[b.id]
	a.log, a.last = b.log, b.last
}
