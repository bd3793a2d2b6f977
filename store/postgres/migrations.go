package postgres

// migration brings a schema from one version to the next. Its statements run one by
// one, so that engines without transactional DDL can take them, and each may run
// again after a migration that was interrupted.
type migration struct {
	statements []string
	// postgres are for PostgreSQL itself and what shares its SQL: left out by
	// Options.Portable.
	postgres []string
}

// migrations are never changed once released, only added to.
var migrations = []migration{
	{statements: []string{
		`CREATE TABLE IF NOT EXISTS {s}.meta (k text NOT NULL, v text NOT NULL, PRIMARY KEY (k))`,
		// One row per account, the only one that every operation changes. packed holds
		// the balances of the blocks that change most: "number,balance,capacity;…".
		`CREATE TABLE IF NOT EXISTS {s}.heads (
version int8 NOT NULL, entries int8 NOT NULL, blocks int8 NOT NULL, last_at int8 NOT NULL, next_due int8 NOT NULL,
bucket int4 NOT NULL, customer text {c} NOT NULL, currency text {c} NOT NULL,
total numeric NOT NULL CHECK (total > '-Infinity' AND total < 'Infinity'),
seal bytea NOT NULL, packed text {c} NOT NULL,
PRIMARY KEY (bucket, customer, currency))`,
		`CREATE INDEX IF NOT EXISTS heads_due ON {s}.heads (bucket, next_due)`,
		// The sealed bytes of every operation, and the entries in it for views.
		`CREATE TABLE IF NOT EXISTS {s}.journal (
seq int8 NOT NULL, bucket int4 NOT NULL, customer text {c} NOT NULL, currency text {c} NOT NULL,
record bytea NOT NULL, lines text {c} NOT NULL,
PRIMARY KEY (bucket, customer, currency, seq))`,
		`CREATE TABLE IF NOT EXISTS {s}.keys (
seq int8 NOT NULL, bucket int4 NOT NULL, customer text {c} NOT NULL, currency text {c} NOT NULL, key text {c} NOT NULL,
PRIMARY KEY (bucket, customer, currency, key))`,
		// Every block. While one is open its balance stands in open_blocks or the head.
		`CREATE TABLE IF NOT EXISTS {s}.blocks (
number int8 NOT NULL, created_at int8 NOT NULL, effective_at int8 NOT NULL, expires_at int8 NOT NULL,
bucket int4 NOT NULL, priority int4 NOT NULL, status int2 NOT NULL, source int2 NOT NULL,
customer text {c} NOT NULL, currency text {c} NOT NULL, id text {c} NOT NULL, data bytea NOT NULL,
initial numeric NOT NULL CHECK (initial > '-Infinity' AND initial < 'Infinity'),
balance numeric CHECK (balance > '-Infinity' AND balance < 'Infinity'),
capacity numeric CHECK (capacity > '-Infinity' AND capacity < 'Infinity'),
PRIMARY KEY (bucket, customer, currency, number))`,
		// A table of its own, not a second index on blocks: of two indexes that begin
		// alike, a planner without statistics takes either, and filters.
		`CREATE TABLE IF NOT EXISTS {s}.block_ids (
number int8 NOT NULL, bucket int4 NOT NULL, customer text {c} NOT NULL, currency text {c} NOT NULL, id text {c} NOT NULL,
PRIMARY KEY (bucket, customer, currency, id))`,
		`CREATE TABLE IF NOT EXISTS {s}.open_blocks (
number int8 NOT NULL, bucket int4 NOT NULL, customer text {c} NOT NULL, currency text {c} NOT NULL, data bytea NOT NULL,
balance numeric NOT NULL CHECK (balance > '-Infinity' AND balance < 'Infinity'),
capacity numeric NOT NULL CHECK (capacity > '-Infinity' AND capacity < 'Infinity'),
PRIMARY KEY (bucket, customer, currency, number))`,
		`CREATE TABLE IF NOT EXISTS {s}.records (
version int8 NOT NULL, kind text {c} NOT NULL, key bytea NOT NULL, value bytea NOT NULL, token bytea NOT NULL,
PRIMARY KEY (kind, key))`,
	}, postgres: []string{
		// Room for new versions of a head on its own page, as long as next_due stays.
		`ALTER TABLE {s}.heads SET (fillfactor = 70)`,
	}},
	{postgres: reporting},
	{}, // meta says which ledger it is, and shows whether text survives
	{statements: []string{
		// What was said in an operation, with salts: it can be erased, the record cannot.
		`ALTER TABLE {s}.journal ADD COLUMN IF NOT EXISTS texts bytea`,
		// What an account has beside its blocks; the open ones stand in a table of their
		// own too, which is loaded with the account.
		`ALTER TABLE {s}.heads ADD COLUMN IF NOT EXISTS row_count int8 NOT NULL DEFAULT 0`,
		`CREATE TABLE IF NOT EXISTS {s}.account_rows (
bucket int4 NOT NULL, kind int2 NOT NULL, customer text {c} NOT NULL, currency text {c} NOT NULL,
key bytea NOT NULL, value bytea NOT NULL,
PRIMARY KEY (bucket, customer, currency, kind, key))`,
		`CREATE TABLE IF NOT EXISTS {s}.open_rows (
bucket int4 NOT NULL, kind int2 NOT NULL, customer text {c} NOT NULL, currency text {c} NOT NULL,
key bytea NOT NULL, value bytea NOT NULL,
PRIMARY KEY (bucket, customer, currency, kind, key))`,
	}},
	// What is due is walked in the order of its instants, then of accounts: very many may
	// be due at one instant.
	{statements: []string{
		`CREATE INDEX IF NOT EXISTS heads_due_order ON {s}.heads (bucket, next_due, customer, currency)`,
		`DROP INDEX IF EXISTS {s}.heads_due`,
	}},
	// The accounts of a block, and the blocks of an expiry. The indexes begin otherwise than
	// the keys of their tables, so that no planner can take one for the other.
	{statements: []string{
		`CREATE INDEX IF NOT EXISTS block_ids_id ON {s}.block_ids (id, customer, currency)`,
		`CREATE INDEX IF NOT EXISTS blocks_expiry ON {s}.blocks (expires_at, bucket, customer, currency)`,
	}},
}

// identified is the version from which meta has an id and a text.
const identified = 2

// reporting are views with typed columns, for people with SQL. Instants are
// microseconds since the year 1, plus one; 0 is none.
var reporting = []string{
	`CREATE OR REPLACE VIEW {s}.account_report AS
SELECT customer, currency, version AS records, entries, total,
CASE WHEN last_at > 0 THEN timestamptz '0001-01-01 00:00:00+00' + (last_at - 1) / 1000000 * interval '1 second'
+ (last_at - 1) % 1000000 * interval '1 microsecond' END AS last_at,
CASE WHEN next_due > 0 THEN timestamptz '0001-01-01 00:00:00+00' + (next_due - 1) / 1000000 * interval '1 second'
+ (next_due - 1) % 1000000 * interval '1 microsecond' END AS next_due,
encode(seal, 'hex') AS seal
FROM {s}.heads`,
	`CREATE OR REPLACE VIEW {s}.block_report AS
SELECT b.customer, b.currency, b.number, b.id, b.initial,
COALESCE(p.balance, o.balance, b.balance) AS balance, COALESCE(p.capacity, o.capacity, b.capacity) AS capacity,
o.number IS NOT NULL AS open, b.priority,
CASE b.status WHEN 0 THEN 'active' WHEN 1 THEN 'pending_payment' END AS status,
CASE b.source WHEN 0 THEN 'manual' WHEN 1 THEN 'allocation' WHEN 2 THEN 'top_up' WHEN 3 THEN 'commitment' END AS source,
CASE WHEN b.created_at > 0 THEN timestamptz '0001-01-01 00:00:00+00' + (b.created_at - 1) / 1000000 * interval '1 second'
+ (b.created_at - 1) % 1000000 * interval '1 microsecond' END AS created_at,
CASE WHEN b.effective_at > 0 THEN timestamptz '0001-01-01 00:00:00+00' + (b.effective_at - 1) / 1000000 * interval '1 second'
+ (b.effective_at - 1) % 1000000 * interval '1 microsecond' END AS effective_at,
CASE WHEN b.expires_at > 0 THEN timestamptz '0001-01-01 00:00:00+00' + (b.expires_at - 1) / 1000000 * interval '1 second'
+ (b.expires_at - 1) % 1000000 * interval '1 microsecond' END AS expires_at
FROM {s}.blocks b
LEFT JOIN {s}.open_blocks o ON o.bucket = b.bucket AND o.customer = b.customer AND o.currency = b.currency AND o.number = b.number
LEFT JOIN (SELECT bucket, customer, currency, split_part(item, ',', 1)::int8 AS number,
split_part(item, ',', 2)::numeric AS balance, split_part(item, ',', 3)::numeric AS capacity
FROM {s}.heads, unnest(string_to_array(packed, ';')) AS item) p
ON p.bucket = b.bucket AND p.customer = b.customer AND p.currency = b.currency AND p.number = b.number`,
	`CREATE OR REPLACE VIEW {s}.entry_report AS
SELECT customer, currency, split_part(item, ',', 1)::int8 AS entry, seq AS record,
timestamptz '0001-01-01 00:00:00+00' + (split_part(item, ',', 3)::int8 - 1) / 1000000 * interval '1 second'
+ (split_part(item, ',', 3)::int8 - 1) % 1000000 * interval '1 microsecond' AS created_at,
(ARRAY['increment', 'decrement', 'expiration_change', 'credit_block_expiry', 'void_initiated', 'void', 'amendment'])
[split_part(item, ',', 2)::int4] AS type,
split_part(item, ',', 4)::int8 AS block, split_part(item, ',', 5)::numeric AS amount,
split_part(item, ',', 6)::numeric AS starting_balance, split_part(item, ',', 7)::numeric AS ending_balance
FROM {s}.journal, unnest(string_to_array(lines, ';')) AS item`,
}
