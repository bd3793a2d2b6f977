package bolt

import (
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"creditledger"
)

// The log holds every journal record in the order in which the file got them, so that
// a commit dirties the pages at one end of one bucket, whatever accounts it is about.
// A record is found through the one after it in its account: each has the log number
// of the one before. Every indexEvery-th record of an account is in the journal index
// too, from which a walk of less than that many steps reaches any other.

// indexEvery is the distance, in records of one account, between those in the journal
// index.
const indexEvery = 32

// logRecord is a row of the log.
type logRecord struct {
	acct  uint64
	prev  uint64 // log number of the account's record before, 0: none
	texts []byte // texts of the journal record; these and
	bytes []byte // the record itself are in the transaction's memory
}

// textsFollow stands in the place of a record's first byte if texts come first. Their
// size follows. No record of the ledger begins with this byte.
const textsFollow = 0

func appendLogRecord(dst []byte, acct, prev uint64, texts, record []byte) []byte {
	dst = binary.AppendUvarint(dst, acct)
	dst = binary.AppendUvarint(dst, prev)
	if len(texts) > 0 || len(record) > 0 && record[0] == textsFollow {
		dst = binary.AppendUvarint(append(dst, textsFollow), uint64(len(texts)))
		dst = append(dst, texts...)
	}
	return append(dst, record...)
}

func parseLogRecord(number uint64, value []byte) (logRecord, error) {
	acct, n := binary.Uvarint(value)
	if n > 0 && acct != 0 {
		if prev, m := binary.Uvarint(value[n:]); m > 0 && prev < number {
			if texts, record, ok := splitTexts(value[n+m:]); ok {
				return logRecord{acct: acct, prev: prev, texts: texts, bytes: record}, nil
			}
		}
	}
	return logRecord{}, corrupt(fmt.Sprintf("log record %d", number), "its front is damaged")
}

// splitTexts divides what stands behind the two numbers of a row into texts and record.
func splitTexts(row []byte) (texts, record []byte, ok bool) {
	if len(row) == 0 || row[0] != textsFollow {
		return nil, row, true
	}
	size, n := binary.Uvarint(row[1:])
	if n <= 0 || size > uint64(len(row)-1-n) {
		return nil, nil, false
	}
	row = row[1+n:]
	return row[:size], row[size:], true
}

// logRow returns a row of the log, nil if there is none.
func (v view) logRow(log *bbolt.Cursor, number uint64) []byte {
	if row := v.tail.logRow(number); row != nil {
		return row
	}
	return seek(log, key(number))
}

// logRecord returns a record of an account.
func (v view) logRecord(log *bbolt.Cursor, number, acct uint64) (logRecord, error) {
	value := v.logRow(log, number)
	if value == nil {
		return logRecord{}, corrupt(fmt.Sprintf("log record %d", number), "missing")
	}
	r, err := parseLogRecord(number, value)
	if err == nil && r.acct != acct {
		err = corrupt(fmt.Sprintf("log record %d", number), fmt.Sprintf("it is of account number %d, not %d", r.acct, acct))
	}
	return r, err
}

// locate returns the log number of an account's record.
func (v view) locate(log *bbolt.Cursor, id creditledger.AccountID, at accountPos, seq uint64) (uint64, error) {
	from, number := at.head.Version, at.last
	a := v.tail.account(id)
	if number, found := a.logNumber(seq); found {
		return number, nil
	}
	if a = a.oldest(); a != nil && len(a.log) > 0 {
		r, err := v.logRecord(log, a.log[0], at.acct)
		if err != nil {
			return 0, err
		}
		from, number = a.first-1, r.prev
	}
	if indexed := (seq + indexEvery - 1) / indexEvery * indexEvery; indexed < from {
		n, err := v.getNumber(bucketJournal, key(at.acct, indexed), id)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, corrupt(fmt.Sprintf("journal index of %v", id), fmt.Sprintf("record %d is missing", indexed))
		}
		from, number = indexed, n
	}
	for ; from > seq; from-- {
		r, err := v.logRecord(log, number, at.acct)
		if err != nil {
			return 0, err
		}
		number = r.prev
	}
	return number, nil
}

// journal returns the records from seq low to seq high, descending.
func (v view) journal(id creditledger.AccountID, at accountPos, low, high uint64) ([]creditledger.JournalRecord, error) {
	b, err := v.bucket(bucketLog)
	if err != nil {
		return nil, err
	}
	log := b.Cursor() // one cursor for all records, because it keeps its memory
	number, err := v.locate(log, id, at, high)
	if err != nil {
		return nil, err
	}
	records := make([]creditledger.JournalRecord, 0, high-low+1)
	for seq := high; seq >= low; seq-- {
		r, err := v.logRecord(log, number, at.acct)
		if err != nil {
			return nil, fmt.Errorf("journal record %d of %v: %w", seq, id, err)
		}
		records = append(records, creditledger.JournalRecord{Seq: seq, Bytes: bytesOf(r.bytes), Texts: slices.Clone(r.texts)})
		number = r.prev
	}
	return records, nil
}

// page returns what Store.Journal asks for.
func (v view) page(id creditledger.AccountID, at accountPos, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	version := at.head.Version
	if reverse {
		high := min(from, version)
		if high == 0 {
			return nil, nil
		}
		low := uint64(1)
		if high > uint64(limit) {
			low = high - uint64(limit) + 1
		}
		return v.journal(id, at, low, high)
	}
	low := max(from, 1)
	if low > version {
		return nil, nil
	}
	high := version
	if version-low >= uint64(limit) {
		high = low + uint64(limit) - 1
	}
	records, err := v.journal(id, at, low, high)
	slices.Reverse(records)
	return records, err
}

// logEnd returns the number of the last record of the log, 0 when it is empty.
func (v view) logEnd() (uint64, error) {
	if v.tail != nil {
		return v.tail.end(), nil
	}
	log, err := v.bucket(bucketLog)
	if err != nil {
		return 0, err
	}
	k, _ := log.Cursor().Last()
	if k == nil {
		return 0, nil
	}
	if len(k) != numberSize {
		return 0, corrupt("log", fmt.Sprintf("a key of %d bytes", len(k)))
	}
	return binary.BigEndian.Uint64(k), nil
}
