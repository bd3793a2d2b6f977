package postgres

import "strings"

// Every statement that the store sends, apart from migrations, stands here. A
// statement is a constant but for the schema's name, which Open has checked. Only
// these forms occur, so that the same text runs on what speaks PostgreSQL's protocol:
// SELECT by key or by a range of one, INSERT of rows, UPDATE and DELETE by whole
// primary key, plain BEGIN and COMMIT. docs/postgres.md lists what is left out.
//
// A version becomes NULL, which its NOT NULL refuses, when it is not the one expected:
// "CASE WHEN version = $4 AND seal = $5 THEN $6 END". So does the number of a journal
// record whose account has no head: an UPDATE of no row is no error. That ends the
// transaction inside the pipeline, before its COMMIT, on any engine and at any
// isolation level.
type statements struct {
	meta, durable, standbys, encoding            string
	order, firstHeads, lastHeads                 string
	headVersion, headPack, load                  string
	blocks, blockNumber, blockRow, openRow       string
	journal, journalBack, keySeq                 string
	accountsOfBlock, hasExpiry                   string
	accounts, due                                string
	record, records, nextKind                    string
	judgeHead, judgeJournal, judgeRecord         string
	begin, commit, rollback                      string
	beginHold, boundHold, queueHold, lockHead    string
	insertHead, updateHead, touchHead            string
	insertRecords, insertRecordsOf               string
	insertRecord1, insertKey1, updateTexts       string
	insertKeys, insertKeysOf                     string
	insertBlock, insertBlockID, updateBlock      string
	insertOpen, updateOpen, openData, deleteOpen string
	rowByKey, rowPage                            string
	insertRow, updateRow                         string
	insertOpenRow, updateOpenRow, deleteOpenRow  string
	insertUpper, updateUpper, touchRecord        string

	// What verification asks for.
	journalRows, blockRows, keyRows, blockIDRows string
	earlyRecords, earlyBlocks, earlyOpen         string
	earlyRows                                    string
	emptyKey, emptyID, emptyRecord               string
	recordRows                                   string
	tables                                       []tableStatements
}

// noHead is what load says of an account that has journal records and no head.
const noHead = -1000000

// tableStatements lead from account to account in a table.
type tableStatements struct{ name, first, last, next string }

var templates = statements{
	meta:     `SELECT k, v FROM {s}.meta`,
	durable:  `SELECT current_setting('synchronous_commit', true)`,
	encoding: `SELECT current_setting('server_encoding', true)`,
	standbys: `SELECT current_setting('synchronous_standby_names', true)`,

	// Compares in the collation of the column, of which no row is read.
	order: `SELECT 'B' < customer AND 'a-c' < customer AND 'á' > customer FROM
(SELECT customer FROM {s}.heads WHERE bucket = -1 UNION ALL SELECT 'ab') AS x`,
	firstHeads: `SELECT bucket, customer, currency FROM {s}.heads ORDER BY bucket, customer, currency LIMIT 50`,
	lastHeads:  `SELECT bucket, customer, currency FROM {s}.heads ORDER BY bucket DESC, customer DESC, currency DESC LIMIT 50`,

	headVersion: `SELECT version, seal FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3`,
	headPack:    `SELECT version, seal, packed FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3`,

	// One statement is one snapshot: the head, with number 0, and the open blocks.
	// Open rows have their kind below 0 in the place of the number, and their key in that
	// of a text that blocks have not. noHead stands in the place of the number if there are
	// journal records and no head.
	load: `SELECT 0::int8, version, entries, blocks, last_at, next_due, row_count, total::text, packed, seal, NULL::bytea
FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3
UNION ALL
SELECT number, 0, 0, 0, 0, 0, 0, balance::text, capacity::text, data, NULL
FROM {s}.open_blocks WHERE bucket = $1 AND customer = $2 AND currency = $3
UNION ALL
SELECT -kind::int8, 0, 0, 0, 0, 0, 0, '', '', value, key
FROM {s}.open_rows WHERE bucket = $1 AND customer = $2 AND currency = $3
UNION ALL
(SELECT -1000000, 0, 0, 0, 0, 0, 0, '', '', NULL, NULL
FROM {s}.journal WHERE bucket = $1 AND customer = $2 AND currency = $3
AND NOT EXISTS (SELECT 1 FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3) LIMIT 1)`,

	// The blocks themselves, the balances of those that are open, and, with number 0,
	// the later balances that the head holds.
	blocks: `SELECT 0::int8 AS number, NULL::bytea AS data, NULL::text AS balance, packed AS capacity
FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3
UNION ALL
(SELECT number, data, balance::text, capacity::text FROM {s}.blocks
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number >= $4 AND number <= $5
ORDER BY number LIMIT $6)
UNION ALL
(SELECT number, NULL, balance::text, capacity::text FROM {s}.open_blocks
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number >= $4 AND number <= $5
ORDER BY number LIMIT $6)`,
	blockNumber: `SELECT number FROM {s}.block_ids WHERE bucket = $1 AND customer = $2 AND currency = $3 AND id = $4`,
	blockRow: `SELECT data, balance::text, capacity::text FROM {s}.blocks
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number = $4`,
	openRow: `SELECT balance::text, capacity::text FROM {s}.open_blocks
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number = $4`,

	journal: `SELECT seq, record, texts FROM {s}.journal
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND seq >= $4 ORDER BY seq LIMIT $5`,
	journalBack: `SELECT seq, record, texts FROM {s}.journal
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND seq <= $4 ORDER BY seq DESC LIMIT $5`,
	rowByKey: `SELECT value FROM {s}.account_rows WHERE bucket = $1 AND customer = $2 AND currency = $3 AND kind = $4 AND key = $5`,
	rowPage: `SELECT kind, key, value FROM {s}.account_rows
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND kind >= $4 AND kind <= $5 AND (kind > $4 OR key > $6)
ORDER BY kind, key LIMIT $7`,
	keySeq: `SELECT seq FROM {s}.keys WHERE bucket = $1 AND customer = $2 AND currency = $3 AND key = $4`,

	accounts: `SELECT customer, currency FROM {s}.heads
WHERE bucket = $1 AND customer >= $2 AND (customer > $2 OR currency > $3)
ORDER BY customer, currency LIMIT $4`,
	accountsOfBlock: `SELECT customer, currency FROM {s}.block_ids
WHERE id = $1 AND (customer, currency) > ($2, $3) ORDER BY customer, currency LIMIT $4`,
	// Compared as rows, which only an index that begins alike can do.
	hasExpiry: `SELECT number FROM {s}.blocks
WHERE (expires_at, bucket, customer, currency) >= ($4, $1, $2, $3) AND (expires_at, bucket, customer, currency) <= ($4, $1, $2, $3)
ORDER BY expires_at, bucket, customer, currency LIMIT 1`,
	// The walk along the index begins at the comparison of rows. That next_due lies in a range
	// says the same once more, to a planner that has no statistics yet: few rows are
	// walked, many are gathered and sorted.
	due: `SELECT next_due, customer, currency FROM {s}.heads
WHERE bucket = $1 AND (next_due, customer, currency) > ($2, $3, $4) AND next_due >= $2 AND next_due <= $5
ORDER BY next_due, customer, currency LIMIT $6`,

	record:  `SELECT version, value FROM {s}.records WHERE kind = $1 AND key = $2`,
	records: `SELECT key, version, value FROM {s}.records WHERE kind = $1 AND key >= $2 AND key > $3 ORDER BY key LIMIT $4`,

	nextKind: `SELECT kind FROM {s}.records WHERE kind > $1 ORDER BY kind LIMIT 1`,

	judgeHead:    `SELECT version, seal, blocks FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3`,
	judgeJournal: `SELECT record FROM {s}.journal WHERE bucket = $1 AND customer = $2 AND currency = $3 AND seq = $4`,
	judgeRecord:  `SELECT version, value, token FROM {s}.records WHERE kind = $1 AND key = $2`,

	// Left out by Options.Portable, because another engine may know no such lock. When a
	// process stands still while it holds the lock, the server ends its session after a
	// second.
	beginHold: `BEGIN ISOLATION LEVEL READ COMMITTED`,
	queueHold: `SELECT pg_advisory_xact_lock($1, $2)`,
	boundHold: `SET LOCAL idle_in_transaction_session_timeout = '1s'`,
	lockHead:  `SELECT version, seal, packed FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3 FOR UPDATE`,

	begin:    `BEGIN`,
	commit:   `COMMIT`,
	rollback: `ROLLBACK`,

	insertHead: `INSERT INTO {s}.heads
(bucket, customer, currency, version, entries, blocks, last_at, next_due, total, seal, packed, row_count)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::numeric, $10, $11, $12)`,
	updateHead: `UPDATE {s}.heads SET version = CASE WHEN version = $4::int8 AND seal = $5::bytea THEN $6::int8 END,
entries = $7, blocks = $8, last_at = $9, next_due = $10, total = $11::numeric, seal = $12, packed = $13, row_count = $14
WHERE bucket = $1 AND customer = $2 AND currency = $3`,
	touchHead: `UPDATE {s}.heads SET next_due = next_due WHERE bucket = $1 AND customer = $2 AND currency = $3`,

	insertRecords: `INSERT INTO {s}.journal (bucket, customer, currency, seq, record, lines, texts)
SELECT r.bucket, r.customer, r.currency,
(SELECT r.seq FROM {s}.heads h WHERE h.bucket = r.bucket AND h.customer = r.customer AND h.currency = r.currency), r.record, r.lines, r.texts
FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[], $5::bytea[], $6::text[], $7::bytea[]) AS r (bucket, customer, currency, seq, record, lines, texts)`,
	insertRecordsOf: `INSERT INTO {s}.journal (bucket, customer, currency, seq, record, lines, texts)
SELECT $1::int4, $2::text, $3::text,
r.seq + (SELECT 0 FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3), r.record, r.lines, r.texts
FROM unnest($4::int8[], $5::bytea[], $6::text[], $7::bytea[]) AS r (seq, record, lines, texts)`,
	insertRecord1: `INSERT INTO {s}.journal (bucket, customer, currency, seq, record, lines, texts)
VALUES ($1, $2, $3, (SELECT $4::int8 FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3), $5, $6, $7)`,
	updateTexts: `UPDATE {s}.journal SET texts = $5 WHERE bucket = $1 AND customer = $2 AND currency = $3 AND seq = $4`,
	insertKeys: `INSERT INTO {s}.keys (bucket, customer, currency, key, seq)
SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int8[])`,
	insertKeysOf: `INSERT INTO {s}.keys (bucket, customer, currency, key, seq)
SELECT $1::int4, $2::text, $3::text, k.* FROM unnest($4::text[], $5::int8[]) k`,
	insertKey1: `INSERT INTO {s}.keys (bucket, customer, currency, key, seq) VALUES ($1, $2, $3, $4, $5)`,

	insertBlockID: `INSERT INTO {s}.block_ids (bucket, customer, currency, id, number) VALUES ($1, $2, $3, $4, $5)`,
	insertBlock: `INSERT INTO {s}.blocks (bucket, customer, currency, number, id, data, balance, capacity,
initial, created_at, effective_at, expires_at, priority, status, source)
VALUES ($1, $2, $3, $4, $5, $6, $7::numeric, $8::numeric, $9::numeric, $10, $11, $12, $13, $14, $15)`,
	updateBlock: `UPDATE {s}.blocks SET data = $5, balance = $6::numeric, capacity = $7::numeric,
initial = $8::numeric, created_at = $9, effective_at = $10, expires_at = $11, priority = $12, status = $13, source = $14
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number = $4`,
	insertOpen: `INSERT INTO {s}.open_blocks (bucket, customer, currency, number, data, balance, capacity)
VALUES ($1, $2, $3, $4, $5, $6::numeric, $7::numeric)`,
	updateOpen: `UPDATE {s}.open_blocks SET balance = $5::numeric, capacity = $6::numeric
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number = $4`,
	openData:   `UPDATE {s}.open_blocks SET data = $5 WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number = $4`,
	deleteOpen: `DELETE FROM {s}.open_blocks WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number = $4`,

	insertRow: `INSERT INTO {s}.account_rows (bucket, customer, currency, kind, key, value) VALUES ($1, $2, $3, $4, $5, $6)`,
	updateRow: `UPDATE {s}.account_rows SET value = $6
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND kind = $4 AND key = $5`,
	insertOpenRow: `INSERT INTO {s}.open_rows (bucket, customer, currency, kind, key, value) VALUES ($1, $2, $3, $4, $5, $6)`,
	updateOpenRow: `UPDATE {s}.open_rows SET value = $6
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND kind = $4 AND key = $5`,
	deleteOpenRow: `DELETE FROM {s}.open_rows WHERE bucket = $1 AND customer = $2 AND currency = $3 AND kind = $4 AND key = $5`,

	touchRecord: `UPDATE {s}.records SET token = token WHERE kind = $1 AND key = $2`,
	insertUpper: `INSERT INTO {s}.records (kind, key, version, value, token) VALUES ($1, $2, $5, $3, $4)`,
	updateUpper: `UPDATE {s}.records SET version = CASE WHEN version = $3::int8 AND token = $7::bytea THEN $6::int8 END, value = $4, token = $5
WHERE kind = $1 AND key = $2`,

	journalRows: `SELECT seq, record, lines, texts FROM {s}.journal
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND seq >= $4 ORDER BY seq LIMIT $5`,
	blockRows: `SELECT number, id, data, balance::text, capacity::text, initial::text,
created_at, effective_at, expires_at, priority, status, source FROM {s}.blocks
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number >= $4 ORDER BY number LIMIT $5`,
	keyRows: `SELECT key, seq FROM {s}.keys
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND key > $4 ORDER BY key LIMIT $5`,
	blockIDRows: `SELECT id, number FROM {s}.block_ids
WHERE bucket = $1 AND customer = $2 AND currency = $3 AND id > $4 ORDER BY id LIMIT $5`,
	earlyRecords: `SELECT seq FROM {s}.journal WHERE bucket = $1 AND customer = $2 AND currency = $3 AND seq < 1 ORDER BY seq LIMIT 1`,
	earlyBlocks:  `SELECT number FROM {s}.blocks WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number < 1 ORDER BY number LIMIT 1`,
	earlyRows:    `SELECT kind::int8 FROM {s}.account_rows WHERE bucket = $1 AND customer = $2 AND currency = $3 AND kind < 1 ORDER BY kind LIMIT 1`,
	emptyKey:     `SELECT seq FROM {s}.keys WHERE bucket = $1 AND customer = $2 AND currency = $3 AND key = ''`,
	emptyID:      `SELECT number FROM {s}.block_ids WHERE bucket = $1 AND customer = $2 AND currency = $3 AND id = ''`,
	emptyRecord:  `SELECT version FROM {s}.records WHERE kind = $1 AND key <= $2 ORDER BY key LIMIT 1`,
	recordRows:   `SELECT key, version, value, token FROM {s}.records WHERE kind = $1 AND key > $2 ORDER BY key LIMIT $3`,
	earlyOpen:    `SELECT number FROM {s}.open_blocks WHERE bucket = $1 AND customer = $2 AND currency = $3 AND number < 1 ORDER BY number LIMIT 1`,
}

// statementsFor puts the schema's name, which validSchema has checked, into every
// statement.
func statementsFor(schema string) *statements {
	s := templates
	for _, text := range []*string{
		&s.meta, &s.order, &s.firstHeads, &s.lastHeads, &s.headVersion, &s.headPack, &s.load, &s.blocks, &s.blockNumber, &s.blockRow, &s.openRow,
		&s.journal, &s.journalBack, &s.keySeq, &s.accountsOfBlock, &s.hasExpiry, &s.accounts, &s.due, &s.record, &s.records,
		&s.judgeHead, &s.judgeJournal, &s.judgeRecord, &s.insertHead, &s.updateHead, &s.touchHead,
		&s.insertRecords, &s.insertRecordsOf, &s.insertRecord1, &s.updateTexts, &s.insertKeys, &s.insertKeysOf, &s.insertKey1, &s.insertBlock, &s.insertBlockID, &s.updateBlock,
		&s.nextKind, &s.lockHead, &s.insertOpen, &s.updateOpen, &s.openData, &s.deleteOpen, &s.touchRecord,
		&s.rowByKey, &s.rowPage, &s.insertRow, &s.updateRow, &s.insertOpenRow, &s.updateOpenRow, &s.deleteOpenRow, &s.insertUpper, &s.updateUpper,
	} {
		*text = inSchema(*text, schema)
	}
	for _, text := range []*string{
		&s.journalRows, &s.blockRows, &s.keyRows, &s.blockIDRows, &s.earlyRecords, &s.earlyBlocks, &s.earlyOpen, &s.earlyRows, &s.recordRows,
		&s.emptyKey, &s.emptyID, &s.emptyRecord,
	} {
		*text = inSchema(*text, schema)
	}
	for _, name := range []string{"heads", "journal", "keys", "blocks", "block_ids", "open_blocks", "account_rows", "open_rows"} {
		table := strings.NewReplacer("{s}", `"`+schema+`"`, "{t}", name)
		s.tables = append(s.tables, tableStatements{
			name: name, first: table.Replace(firstBucket), last: table.Replace(lastBucket), next: table.Replace(nextAccount),
		})
	}
	return &s
}

// The statements that tableStatements are made of.
const (
	firstBucket = `SELECT bucket FROM {s}.{t} ORDER BY bucket LIMIT 1`
	lastBucket  = `SELECT bucket FROM {s}.{t} ORDER BY bucket DESC LIMIT 1`
	nextAccount = `SELECT customer, currency FROM {s}.{t}
WHERE bucket = $1 AND (customer, currency) > ($2, $3) ORDER BY customer, currency LIMIT 1`
)

func inSchema(text, schema string) string { return strings.ReplaceAll(text, "{s}", `"`+schema+`"`) }

// collated says how a text column compares: as bytes, where that is not the only way.
func collated(text string, portable bool) string {
	if portable {
		return strings.ReplaceAll(text, " {c}", "")
	}
	return strings.ReplaceAll(text, "{c}", `COLLATE "C"`)
}
