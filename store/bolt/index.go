package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"creditledger"
)

// Some tables are only ever asked for a row. One too many would take a key or an id out
// of use, or have a sweep look at an account in vain, and nobody would see why. Here
// verification has them compared with what they are made from.

// damagedIndex is a finding; id is zero when it is about no account.
func damagedIndex(id creditledger.AccountID, format string, args ...any) error {
	return &creditledger.Violation{Account: id, Rule: "index", Detail: fmt.Sprintf(format, args...)}
}

// CheckAccount implements creditledger.IndexedStore.
func (r reads) CheckAccount(ctx context.Context, id creditledger.AccountID, version, keys uint64, blocks func(string) uint64) error {
	return r.aside(ctx, "check account", id, func(v view) error {
		at, err := v.place(id)
		if err != nil || at.acct == 0 || at.head.Version != version {
			return err
		}
		if err := v.checkKeys(id, at, keys); err != nil {
			return err
		}
		if err := v.checkBlockIDs(id, at, blocks); err != nil {
			return err
		}
		if err := v.checkJournal(id, at); err != nil {
			return err
		}
		return v.checkDue(id, at)
	})
}

// checkKeys holds keys to the number of records that have one: the rows of the tail, and
// those of the file that the tail says nothing of. Only when there are not as many as
// wanted it looks for one whose key is not that of what it leads to: the caller has
// looked up all that have to be there.
func (v view) checkKeys(id creditledger.AccountID, at place, want uint64) error {
	b, err := v.bucket(bucketKeys)
	if err != nil {
		return err
	}
	var recent map[creditledger.Key]uint64
	if a := v.tail.account(id); a != nil {
		recent = a.keys
	}
	rows := uint64(len(recent))
	for k := range ascending(b, key(at.acct), key(at.acct)) {
		if recent[creditledger.Key(k[numberSize:])] == 0 {
			rows++
		}
	}
	if rows == want {
		return nil
	}
	for k := range ascending(b, key(at.acct), key(at.acct)) {
		if recent[creditledger.Key(k[numberSize:])] != 0 {
			continue
		}
		switch right, err := v.leadsToKey(id, at, k); {
		case err != nil:
			return err
		case !right:
			return damagedIndex(id, "keys row %.80q: it is of nothing in the journal", k[numberSize:])
		}
	}
	return damagedIndex(id, "keys has %d rows, the journal made %d", rows, want)
}

// leadsToKey reports whether a row of keys leads to a record with that key.
func (v view) leadsToKey(id creditledger.AccountID, at place, k []byte) (bool, error) {
	seq, err := v.getNumber(bucketKeys, k, id)
	if err != nil {
		return false, err
	}
	records, err := v.page(id, at, seq, 1, false)
	if err != nil || len(records) == 0 {
		return false, err
	}
	rec, err := creditledger.DecodeRecord(records[0].Bytes)
	return err == nil && rec.Seq == seq && string(rec.Key) == string(k[numberSize:]), err
}

// checkBlockIDs holds blockids to the blocks, which all have an id: as many rows, and
// each of a block's id and number. What the tail says stands before what the file does.
func (v view) checkBlockIDs(id creditledger.AccountID, at place, blocks func(string) uint64) error {
	var recent map[string]uint64
	if a := v.tail.account(id); a != nil {
		recent = a.ids
	}
	wrong := func(blockID string) error {
		if number := blocks(blockID); number != 0 {
			return damagedIndex(id, "blockids row %.80q: it does not lead to block number %d", blockID, number)
		}
		return damagedIndex(id, "blockids row %.80q: it is of nothing in the journal", blockID)
	}
	for blockID, number := range recent {
		if number != blocks(blockID) {
			return wrong(blockID)
		}
	}
	b, err := v.bucket(bucketBlockIDs)
	if err != nil {
		return err
	}
	rows := len(recent)
	for k, value := range ascending(b, key(at.acct), key(at.acct)) {
		blockID := string(k[numberSize:])
		if recent[blockID] != 0 {
			continue
		}
		if len(value) != numberSize || binary.BigEndian.Uint64(value) != blocks(blockID) {
			return wrong(blockID)
		}
		rows++
	}
	if uint64(rows) != at.head.Blocks {
		return damagedIndex(id, "blockids has %d rows, the journal made %d", rows, at.head.Blocks)
	}
	return nil
}

// checkJournal holds the journal index to the log.
func (v view) checkJournal(id creditledger.AccountID, at place) error {
	index, err := v.bucket(bucketJournal)
	if err != nil {
		return err
	}
	b, err := v.bucket(bucketLog)
	if err != nil {
		return err
	}
	log := b.Cursor()
	folded := at.head.Version
	if a := v.tail.account(id); a != nil {
		folded = a.first - 1
	}
	next := uint64(indexEvery)
	for k, value := range ascending(index, key(at.acct), key(at.acct)) {
		seq, err := numbered(bucketJournal, k, id)
		switch {
		case err != nil:
			return err
		case seq == 0 || seq%indexEvery != 0:
			return damagedIndex(id, "journal row %d should not be there", seq)
		case seq != next:
			return damagedIndex(id, "journal row %d is missing", next)
		case len(value) != numberSize:
			return damagedIndex(id, "journal row %d is not a number", seq)
		}
		number := binary.BigEndian.Uint64(value)
		if r, err := v.logRecord(log, number, at.acct); err != nil || !creditledger.RecordFits(r.bytes, id, seq) {
			return damagedIndex(id, "journal row %d leads to log record %d, which is not that record", seq, number)
		}
		next += indexEvery
	}
	if next <= folded {
		return damagedIndex(id, "journal row %d is missing", next)
	}
	return nil
}

// checkDue makes sure that a sweep finds an account when something in it is due.
func (v view) checkDue(id creditledger.AccountID, at place) error {
	next := at.head.NextDue
	if a := v.tail.account(id); a != nil {
		next = a.due
	}
	if next == 0 {
		return nil
	}
	row, err := v.get(bucketDue, dueKey(next, id))
	if err == nil && row == nil {
		err = damagedIndex(id, "due row at %s is missing", next)
	}
	return err
}

// CheckIndexes implements creditledger.IndexedStore. It keeps 8 bytes for each account.
func (r reads) CheckIndexes(ctx context.Context) error {
	return r.aside(ctx, "check indexes", creditledger.AccountID{}, func(v view) error {
		accts, err := v.checkAccounts(ctx)
		if err == nil {
			err = v.checkLog(ctx)
		}
		if err == nil {
			err = v.checkMeta()
		}
		if err != nil {
			return err
		}
		for _, bucket := range [][]byte{bucketBlocks, bucketOpen, bucketBlockIDs, bucketKeys, bucketJournal} {
			if err := v.checkOwners(ctx, bucket, accts); err != nil {
				return err
			}
		}
		if err := v.checkDues(ctx); err != nil {
			return err
		}
		return v.checkRecords(ctx)
	})
}

// checkRecords holds the records of upper layers to their checks.
func (v view) checkRecords(ctx context.Context) error {
	b, err := v.bucket(bucketRecords)
	if err != nil {
		return err
	}
	for k, row := range ascending(b, nil, nil) {
		if err := ended(ctx); err != nil {
			return err
		}
		id, ok := splitRecordKey(k)
		if !ok {
			return corrupt("records", "a key that names no record")
		}
		if _, err := parseRow(id, k, row); err != nil {
			return err
		}
	}
	return nil
}

func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("check indexes: %w", err)
	}
	return nil
}

// checkAccounts lists the numbers of all accounts, sorted, and holds the log to their
// records: it has no others.
func (v view) checkAccounts(ctx context.Context) (accts []uint64, err error) {
	accounts, err := v.bucket(bucketAccounts)
	if err != nil {
		return nil, err
	}
	records := uint64(0)
	for k, value := range ascending(accounts, nil, nil) {
		if err := ended(ctx); err != nil {
			return nil, err
		}
		id, ok := parseAccountKey(k)
		if !ok {
			return nil, corrupt("accounts", "a key that names no account")
		}
		at, err := decodePlace(id, value)
		if err != nil {
			return nil, err
		}
		accts = append(accts, at.acct)
		records += at.head.Version
	}
	folded, err := v.folded()
	if err == nil && folded != records {
		err = damagedIndex(creditledger.AccountID{}, "the log has %d records up to where the tables are, the accounts have %d", folded, records)
	}
	slices.Sort(accts)
	return accts, err
}

// checkLog holds the log to its numbers: 1, 2, 3, … up to the one that its bucket says
// is the last. Together with checkAccounts and the accounts' own chains this leaves no
// room for a record too many.
func (v view) checkLog(ctx context.Context) error {
	log, err := v.bucket(bucketLog)
	if err != nil {
		return err
	}
	number := uint64(0)
	for k := range ascending(log, nil, nil) {
		if err := ended(ctx); err != nil {
			return err
		}
		if number++; !bytes.Equal(k, key(number)) {
			return damagedIndex(creditledger.AccountID{}, "log row %x: number %d should be there", k, number)
		}
	}
	if last := log.Sequence(); number < last {
		return damagedIndex(creditledger.AccountID{}, "log rows %d to %d are missing", number+1, last)
	}
	return nil
}

// checkMeta makes sure that nothing is there which nothing reads.
func (v view) checkMeta() error {
	b, err := v.bucket(bucketMeta)
	if err != nil {
		return err
	}
	for k := range ascending(b, nil, nil) {
		if !bytes.Equal(k, keyFormat) && !bytes.Equal(k, keyFolded) {
			return damagedIndex(creditledger.AccountID{}, "meta row %.80q should not be there", k)
		}
	}
	return nil
}

// checkOwners looks in a table for rows of an account number that no account has. It
// leaps from account to account.
func (v view) checkOwners(ctx context.Context, bucket []byte, accts []uint64) error {
	b, err := v.bucket(bucket)
	if err != nil {
		return err
	}
	c := b.Cursor()
	for k, _ := c.First(); k != nil; {
		if err := ended(ctx); err != nil {
			return err
		}
		if len(k) < numberSize {
			return corrupt(string(bucket), fmt.Sprintf("a key of %d bytes", len(k)))
		}
		acct := binary.BigEndian.Uint64(k)
		if _, known := slices.BinarySearch(accts, acct); !known {
			return damagedIndex(creditledger.AccountID{}, "%s row %.80q is of account number %d, which no account has", bucket, k[numberSize:], acct)
		}
		if acct == math.MaxUint64 {
			return nil
		}
		k, _ = c.Seek(key(acct + 1))
	}
	return nil
}

// checkDues holds the due index to the heads: that each account which should be in it
// is there, CheckAccount has seen.
func (v view) checkDues(ctx context.Context) error {
	due, err := v.bucket(bucketDue)
	if err != nil {
		return err
	}
	for k := range ascending(due, nil, nil) {
		if err := ended(ctx); err != nil {
			return err
		}
		if len(k) < numberSize {
			return corrupt("due index", "a key too short")
		}
		at := creditledger.Instant(binary.BigEndian.Uint64(k))
		id, ok := parseAccountKey(k[numberSize:])
		if !ok {
			return corrupt("due index", "a key that names no account")
		}
		switch stands, err := v.place(id); {
		case err != nil:
			return err
		case stands.acct == 0:
			return damagedIndex(id, "due row at %s: there is no such account", at)
		case stands.head.NextDue != at:
			return damagedIndex(id, "due row at %s: the next due of the account is %s", at, stands.head.NextDue)
		}
	}
	return nil
}
