package creditledger

// What the tests from outside share with those inside.
var (
	Grant     = grant
	Spend     = spend
	Extend    = extend
	VoidOf    = voidOf
	Amend     = amend
	Expires   = expires
	Effective = effective
	Basis     = basis
	Priority  = priority
	Only      = only
	Except    = except
	Unpaid    = unpaid
	NoRepay   = noRepay
	Item      = item
	Policy    = policy
	LimitedTo = limit
	InstantAt = when
	Story     = story
	Fixture   = fixture
	Random    = randomBytes
	EndOfTime = lastInstant

	DrawOperation = drawOperation
)

// ForgeEntriesCursor makes a cursor with the mark of the newest-first query without
// filters, at any position.
func ForgeEntriesCursor(on AccountID, position string) Cursor {
	var q EntriesQuery
	return newCursor(q.bytes(on), []byte(position))
}

// ForgeBlocksCursor does the same for a list of blocks.
func ForgeBlocksCursor(on AccountID, kind, position string) Cursor {
	return newCursor(blocksQuery(on, kind), []byte(position))
}

// CachedAccounts is how many accounts a ledger keeps in memory.
func CachedAccounts(l *Ledger) int {
	l.cache.mu.Lock()
	defer l.cache.mu.Unlock()
	return len(l.cache.slots)
}

// EncodeCustomer gives a customer's stored form, whatever it holds.
func EncodeCustomer(c Customer) []byte { return appendCustomer(nil, &c) }

// SetSnapshotRecords changes how much of a journal is verified in one snapshot, until the
// function it returns is called.
func SetSnapshotRecords(n int) (restore func()) {
	was := snapshotRecords
	snapshotRecords = n
	return func() { snapshotRecords = was }
}
