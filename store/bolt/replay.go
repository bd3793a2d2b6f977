package bolt

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"creditledger"
	"creditledger/internal/onelog"
	"creditledger/store/internal/changes"
)

// replayTails rebuilds the tails: what a crash, or a process that did not close the file, left
// to be folded. That is what the log in the file has beyond the tables, and the turns of the
// log file: the first is of the older tail if there are two. One account is replayed after the
// other, so that only one at a time is in memory with its blocks.
func (v view) replayTails(turns []onelog.Turn) (*tail, error) {
	t, err := v.beginTail()
	if err != nil {
		return nil, err
	}
	number := t.folded
	for i, turn := range turns {
		if i > 0 {
			newer := newTail(number, t.acct)
			newer.older, t = t, newer
		}
		for _, f := range turn.Frames {
			if number, err = t.takeFrame(number, f); err != nil {
				return nil, err
			}
		}
		if number < t.end() {
			return nil, corrupt("log file", fmt.Sprintf("it ends at log record %d, and the ledger file has %d", number, t.end()))
		}
		if err := v.replayTail(t); err != nil {
			return nil, err
		}
	}
	if len(turns) == 0 {
		err = v.replayTail(t)
	}
	return t, err
}

// beginTail is a tail with what the log in the file has beyond the tables: an older release
// left it there, or a fold that was cut off. No record is missing: the numbers have no gap
// and go up to the one that the bucket says is the last.
func (v view) beginTail() (*tail, error) {
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
	if given := accounts.Sequence(); given > folded { // each account has a record
		return nil, corrupt("accounts", fmt.Sprintf("%d numbers were given out, in a log of %d records", given, folded))
	}
	if folded > 0 && log.Get(key(folded)) == nil {
		return nil, missingRecord(folded)
	}
	t := newTail(folded, accounts.Sequence())
	for k, row := range ascending(log, nil, key(folded+1)) {
		if number := t.end() + 1; len(k) != numberSize || binary.BigEndian.Uint64(k) != number {
			return nil, missingRecord(number)
		}
		t.log = append(t.log, bytesOf(row))
	}
	if t.end() < log.Sequence() { // older releases leave that behind
		return nil, missingRecord(t.end() + 1)
	}
	return t, nil
}

// takeFrame adds a commit from the log file, which follows on the record of that number, and
// returns the number of its last record. What a fold that was cut off has put into the
// bucket already is taken from the log file.
func (t *tail) takeFrame(number uint64, f onelog.Frame) (uint64, error) {
	rows, ok := parsePutRows(f.Payload)
	if !ok {
		return 0, corrupt("log file", fmt.Sprintf("commit behind log record %d: not what a commit writes", f.Number))
	}
	if f.Number != number {
		return 0, corrupt("log file", fmt.Sprintf("it has a commit behind log record %d where one behind record %d should be: it is of another copy of this ledger", f.Number, number))
	}
	for _, r := range rows {
		if r.document {
			continue
		}
		switch n := binary.BigEndian.Uint64(r.key); {
		case n == number+1:
			number++
		case n > number || n == 0:
			return 0, missingRecord(number + 1)
		}
	}
	t.take(rows)
	return number, nil
}

// replayTail replays the records of a tail on what is known of their accounts before.
func (v view) replayTail(t *tail) error {
	v.tail = t
	order, err := t.unfolded()
	if err != nil {
		return err
	}
	given := t.acct
	for _, u := range order {
		b, err := v.replayAccount(u, given)
		if err != nil {
			return err
		}
		if b == nil { // a fold was cut off behind it
			t.early.records += uint64(len(u.numbers))
			if u.acct > given {
				t.early.accounts++
				t.acct = max(t.acct, u.acct)
			}
			continue
		}
		if t.accounts[b.id] != nil {
			return corrupt(fmt.Sprintf("log record %d", u.numbers[0]), fmt.Sprintf("%v has another account number before it", b.id))
		}
		b.into(t)
	}
	return nil
}

// unfoldedAccount is what a tail has of an account.
type unfoldedAccount struct {
	acct    uint64
	prev    uint64   // log number of the record before these
	numbers []uint64 // log numbers, ascending
}

// unfolded lists the accounts that have records in a tail, in the order in which they come
// up, and makes sure that each record of an account leads to the one before.
func (t *tail) unfolded() (order []*unfoldedAccount, err error) {
	byAcct := map[uint64]*unfoldedAccount{}
	for number := t.folded + 1; number <= t.end(); number++ {
		r, err := parseLogRecord(number, t.logRow(number))
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
	return order, nil
}

func missingRecord(number uint64) error {
	return corrupt(fmt.Sprintf("log record %d", number), "missing: log numbers have no gaps")
}

// replayAccount replays an account's records beyond the tables on what these hold of it. It
// returns nil if the tables have it already, from a fold that was cut off.
func (v view) replayAccount(u *unfoldedAccount, given uint64) (*rebuild, error) {
	var b *rebuild
	for _, number := range u.numbers {
		r, err := parseLogRecord(number, v.tail.logRow(number))
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
			if b, err = v.beginRebuild(rec.Account, u, given); b == nil || err != nil {
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

// beginRebuild makes sure that the first of the account's records follows on the tables,
// or that its number is none of those that the tables give. It returns nil if the tables have
// all of them.
func (v view) beginRebuild(id creditledger.AccountID, u *unfoldedAccount, given uint64) (*rebuild, error) {
	at, err := v.accountPos(id)
	if err != nil {
		return nil, err
	}
	if at.acct == 0 && u.acct > given {
		at.acct = u.acct
	}
	if at.acct == u.acct && at.last == u.numbers[len(u.numbers)-1] {
		return nil, nil
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
	r, err := parseLogRecord(number, v.logRow(log.Cursor(), number))
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
