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

// Some tables are only used to look up single rows. A row too many would block a key or
// an id, or make a sweep look at an account in vain, and nobody would see why. So
// verification compares them with what they are made from.

// damagedIndex returns a violation. id is zero if it is about no account.
func damagedIndex(id creditledger.AccountID, format string, args ...any) error {
	return &creditledger.Violation{Account: id, Rule: "index", Detail: fmt.Sprintf(format, args...)}
}

// checkJournal compares the journal index with the log.
func (v view) checkJournal(id creditledger.AccountID, at accountPos) error {
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
		folded = a.oldest().first - 1
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

// checkOpen checks that the table of open blocks has only numbers. The blocks themselves
// are compared elsewhere.
func (v view) checkOpen(id creditledger.AccountID, at accountPos) error {
	open, err := v.bucket(bucketOpen)
	if err != nil {
		return err
	}
	for k, value := range ascending(open, key(at.acct), key(at.acct)) {
		if len(value) != 0 {
			return damagedIndex(id, "open row %x has a value", k[numberSize:])
		}
	}
	return nil
}

// checkDue checks that a sweep finds an account if something in it is due.
func (v view) checkDue(id creditledger.AccountID, at accountPos) error {
	next := at.head.NextDue
	if a := v.tail.account(id); a != nil {
		next = a.oldest().due
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

// CheckStrays implements creditledger.Store. It keeps 8 bytes for each account in memory,
// and divides the work into short transactions.
func (r reads) CheckStrays(ctx context.Context) error {
	var known accounts
	steps := []func(view) error{
		func(v view) error { return v.checkBuckets() },
		func(v view) (err error) { known, err = v.checkAccounts(ctx); return err },
	}
	for _, bucket := range [][]byte{bucketBlocks, bucketOpen, bucketBlockIDs, bucketKeys, bucketJournal, bucketRows, bucketOpenRows, bucketExpiries} {
		steps = append(steps, func(v view) error { return v.checkOwners(ctx, bucket, known) })
	}
	steps = append(steps, func(v view) error { return v.checkHolders(ctx) }, func(v view) error { return v.checkDues(ctx) }, func(v view) error { return v.checkRecords(ctx) })
	for _, step := range steps {
		if err := r.aside(ctx, "check strays", creditledger.AccountID{}, step); err != nil {
			return err
		}
	}
	return r.checkLog(ctx)
}

// checkBuckets checks that there are only the buckets of the layout, and that meta has
// only its own keys.
func (v view) checkBuckets() error {
	for name, value := range ascending(v.top, nil, nil) {
		if value != nil || !slices.ContainsFunc(buckets, func(b []byte) bool { return bytes.Equal(b, name) }) {
			return damagedIndex(creditledger.AccountID{}, "%.80q beside the buckets of the ledger should not be there", name)
		}
	}
	b, err := v.bucket(bucketMeta)
	if err != nil {
		return err
	}
	for name := range ascending(b, nil, nil) {
		if !bytes.Equal(name, keyFormat) && !bytes.Equal(name, keyFolded) && !bytes.Equal(name, keyLog) {
			return damagedIndex(creditledger.AccountID{}, "meta row %.80q should not be there", name)
		}
	}
	return nil
}

// logPart is how many rows of the log are looked at in one transaction.
const logPart = 1 << 16

// checkLog checks that the log has the numbers 1, 2, 3, … up to the last one by its
// bucket. Together with checkAccounts and the accounts' own chains this leaves no room
// for a record too many.
func (r reads) checkLog(ctx context.Context) error {
	next, done := uint64(1), false
	for !done {
		err := r.aside(ctx, "check strays", creditledger.AccountID{}, func(v view) error {
			if err := ended(ctx); err != nil {
				return err
			}
			var err error
			next, done, err = v.checkLogPart(next)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (v view) checkLogPart(next uint64) (uint64, bool, error) {
	log, err := v.bucket(bucketLog)
	if err != nil {
		return 0, false, err
	}
	from := key(next)
	if next == 1 { // something before the first number: a short key, or 0
		from = nil
	}
	for k := range ascending(log, nil, from) {
		if !bytes.Equal(k, key(next)) {
			return 0, false, damagedIndex(creditledger.AccountID{}, "log row %.80x: number %d should be there", k, next)
		}
		if next++; next%logPart == 0 {
			return next, false, nil
		}
	}
	if last := log.Sequence(); next <= last {
		return 0, false, damagedIndex(creditledger.AccountID{}, "log rows %d to %d are missing", next, last)
	}
	return next, true, nil
}

// checkRecords compares the documents of upper layers with their checks.
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
		return fmt.Errorf("check strays: %w", err)
	}
	return nil
}

// accounts has the numbers of all accounts, sorted, and the highest that was given out
// when they were read.
type accounts struct {
	numbers []uint64
	highest uint64
}

// checkAccounts lists the numbers of all accounts. No two accounts may have one number, and
// the log has as many records as the accounts have together.
func (v view) checkAccounts(ctx context.Context) (known accounts, err error) {
	b, err := v.bucket(bucketAccounts)
	if err != nil {
		return known, err
	}
	records := uint64(0)
	for k, value := range ascending(b, nil, nil) {
		if err := ended(ctx); err != nil {
			return known, err
		}
		id, ok := parseAccountKey(k)
		if !ok {
			return known, corrupt("accounts", "a key that names no account")
		}
		at, err := decodePlace(id, value)
		if err != nil {
			return known, err
		}
		known.numbers = append(known.numbers, at.acct)
		records += at.head.Version
	}
	slices.Sort(known.numbers)
	for i, n := range known.numbers {
		if i > 0 && known.numbers[i-1] == n {
			return known, damagedIndex(creditledger.AccountID{}, "two accounts have the number %d", n)
		}
		known.highest = n
	}
	folded, err := v.folded()
	n := uint64(len(known.numbers))
	early := v.tail.early
	switch {
	case err != nil:
	case folded != records-early.records:
		err = damagedIndex(creditledger.AccountID{}, "the log has %d records up to where the tables are, the accounts have %d", folded, records-early.records)
	case n != known.highest || n-early.accounts != b.Sequence():
		err = damagedIndex(creditledger.AccountID{}, "there are %d accounts, the highest number is %d, and %d were given out", n, known.highest, b.Sequence())
	}
	return known, err
}

// checkOwners looks in a table for rows of an account number that no account has. It
// leaps from account to account. Numbers given out since the accounts were read are of
// accounts made meanwhile.
func (v view) checkOwners(ctx context.Context, bucket []byte, known accounts) error {
	b := v.top.Bucket(bucket)
	if b == nil && isSinceLayout3(bucket) {
		return nil
	}
	if b == nil {
		return corrupt("bucket "+string(bucket), "missing")
	}
	owners, err := v.bucket(bucketAccounts)
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
		_, has := slices.BinarySearch(known.numbers, acct)
		if later := acct > known.highest && acct <= owners.Sequence(); !has && !later {
			return damagedIndex(creditledger.AccountID{}, "%s row %.80q is of account number %d, which no account has", bucket, k[numberSize:], acct)
		}
		if acct == math.MaxUint64 {
			return nil
		}
		k, _ = c.Seek(key(acct + 1))
	}
	return nil
}

// checkDues checks each row of the due index. The Snapshots of the accounts have checked
// that those that belong there are in it.
func (v view) checkDues(ctx context.Context) error {
	due, err := v.bucket(bucketDue)
	if err != nil {
		return err
	}
	for k, value := range ascending(due, nil, nil) {
		if err := ended(ctx); err != nil {
			return err
		}
		if len(value) != 0 {
			return damagedIndex(creditledger.AccountID{}, "due row %.80q has a value", k)
		}
		if len(k) < numberSize {
			return corrupt("due index", "a key too short")
		}
		at := creditledger.Instant(binary.BigEndian.Uint64(k))
		id, ok := parseAccountKey(k[numberSize:])
		if !ok {
			return corrupt("due index", "a key that names no account")
		}
		switch stands, err := v.accountPos(id); {
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
