package bolt

import (
	"bytes"
	"encoding/binary"

	"creditledger"
)

// What the file holds. Everything of ours lies in sub-buckets of one top bucket;
// docs/format.md has the whole layout. Numbers in keys are 8 bytes, big-endian, so
// that the order of keys is the order of reading. "acct" is the account's internal
// number, "name" its accountKey.
var (
	topBucket = []byte("creditledger")

	bucketMeta     = []byte("meta")     // "format" → 4 bytes, "folded" → log number
	bucketLog      = []byte("log")      // log number → acct, log number of the record before, texts, the record
	bucketAccounts = []byte("accounts") // name → acct, log number of the last record, head
	bucketJournal  = []byte("journal")  // acct, every 32nd seq → log number
	bucketBlocks   = []byte("blocks")   // acct, number → block
	bucketOpen     = []byte("open")     // acct, number → nothing
	bucketBlockIDs = []byte("blockids") // acct, block id → number
	bucketHolders  = []byte("holders")  // block id behind its length, name → nothing
	bucketExpiries = []byte("expiries") // acct, expiry of a block → nothing
	bucketKeys     = []byte("keys")     // acct, idempotency key → seq
	bucketDue      = []byte("due")      // Head.NextDue, name → nothing
	bucketRecords  = []byte("records")  // kind, key → version, check, value (row.go)
	bucketRows     = []byte("rows")     // acct, kind, key → whether it is open, value (accountrow.go)
	bucketOpenRows = []byte("openrows") // acct, kind, key → nothing

	buckets = [][]byte{bucketMeta, bucketLog, bucketAccounts, bucketJournal, bucketBlocks, bucketOpen,
		bucketBlockIDs, bucketKeys, bucketDue, bucketRecords, bucketRows, bucketOpenRows,
		bucketHolders, bucketExpiries}

	// sinceLayout3 are the buckets that older files lack.
	sinceLayout3 = [][]byte{bucketRows, bucketOpenRows, bucketHolders, bucketExpiries}
)

// format is the version of the layout that this release writes, firstFormat the oldest
// that it reads, and moves on when it opens a file for writing; keyFormat is where it
// stands. keyFolded tells up to which log number the tables are written.
const (
	format      = 4
	firstFormat = 1
)

var (
	keyFormat = []byte("format")
	keyFolded = []byte("folded")
	keyLog    = []byte("log") // mark.go
)

const numberSize = 8

func key(numbers ...uint64) []byte {
	k := make([]byte, 0, len(numbers)*numberSize)
	for _, n := range numbers {
		k = binary.BigEndian.AppendUint64(k, n)
	}
	return k
}

func textKey(acct uint64, text string) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, numberSize+len(text)), acct), text...)
}

// accountKey gives an account's name as bytes that sort as AccountID.Compare does:
// the customer with 0x00 written as 0x00 0xff, then 0x00 0x01, then the currency.
func accountKey(id creditledger.AccountID) []byte {
	return appendAccountKey(make([]byte, 0, len(id.Customer)+len(id.Currency)+8), id)
}

func appendAccountKey(k []byte, id creditledger.AccountID) []byte {
	for i := range len(id.Customer) {
		if k = append(k, id.Customer[i]); id.Customer[i] == 0 {
			k = append(k, 0xff)
		}
	}
	return append(append(k, 0x00, 0x01), id.Currency...)
}

// parseAccountKey reads what accountKey made, and nothing else.
func parseAccountKey(k []byte) (creditledger.AccountID, bool) {
	var customer []byte
	for {
		zero := bytes.IndexByte(k, 0)
		if zero < 0 || zero+1 == len(k) {
			return creditledger.AccountID{}, false
		}
		customer = append(customer, k[:zero]...)
		mark := k[zero+1]
		k = k[zero+2:]
		switch mark {
		case 0x01:
			return creditledger.AccountID{Customer: string(customer), Currency: string(k)}, true
		case 0xff:
			customer = append(customer, 0)
		default:
			return creditledger.AccountID{}, false
		}
	}
}

// dueKey places an account among those that have something due. The instant is
// never none.
func dueKey(at creditledger.Instant, id creditledger.AccountID) []byte {
	k := make([]byte, 0, numberSize+len(id.Customer)+len(id.Currency)+8)
	return appendAccountKey(binary.BigEndian.AppendUint64(k, uint64(at)), id)
}

// holderKey names an account that has a block with an id: those with the id stand
// together, in the order of the accounts.
func holderKey(blockID string, id creditledger.AccountID) []byte {
	return appendAccountKey(holdersOf(blockID), id)
}

// holdersOf is how all keys begin that name accounts with the block.
func holdersOf(blockID string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(blockID))), blockID...)
}

// parseHolderKey reads what holderKey made.
func parseHolderKey(k []byte) (blockID string, id creditledger.AccountID, ok bool) {
	const size = 4
	if len(k) < size || uint64(binary.BigEndian.Uint32(k)) > uint64(len(k)-size) {
		return "", id, false
	}
	n := size + int(binary.BigEndian.Uint32(k))
	id, ok = parseAccountKey(k[n:])
	return string(k[size:n]), id, ok
}

// recordKey is the kind behind its length, then the key; kinds take at most 64 bytes.
func recordKey(kind, k string) []byte {
	return append(append([]byte{byte(len(kind))}, kind...), k...)
}

// splitRecordKey reads what recordKey made.
func splitRecordKey(k []byte) (creditledger.DocumentID, bool) {
	n := int(k[0]) // bbolt has no empty keys
	if n == 0 || len(k) <= 1+n {
		return creditledger.DocumentID{}, false
	}
	return creditledger.DocumentID{Kind: string(k[1 : 1+n]), Key: string(k[1+n:])}, true
}

// behind is the first key after all that begin with k. A kind's length is never 0xff.
func behind(k []byte) []byte {
	k = bytes.TrimRight(bytes.Clone(k), "\xff")
	k[len(k)-1]++
	return k
}
