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

// AlterPart changes a record of an act so that its own part of the act knows the change;
// the other parts know the record as it was.
func AlterPart(bytes []byte, alter func(*OpRecord)) []byte {
	rec, err := DecodeRecord(bytes)
	if err != nil {
		panic(err)
	}
	alter(rec)
	rec.act.parts[rec.act.index].digest = rec.digestOfPart()
	return AppendRecord(nil, rec)
}

// ForgeArrival changes what arrived in a transfer, in all of its parts: the sender's record
// comes first, the receiver's then.
func ForgeArrival(text string, priority int32) func([]JournalRecord) {
	return func(list []JournalRecord) {
		var records []*OpRecord
		for i := range list {
			rec, err := DecodeRecord(list[i].Bytes)
			if err != nil {
				panic(err)
			}
			records = append(records, rec)
		}
		op := records[1].Op.(arrive)
		op.Parcels[0].Amount, op.Parcels[0].Priority = MustAmount(text), priority
		records[1].Op = op
		line := &records[1].Effects[0].Lines[0]
		line.Amount, line.Ending = MustAmount(text), MustAmount(text)
		for i, rec := range records {
			for _, r := range records {
				r.act.parts[i].digest = rec.digestOfPart()
			}
		}
		for i, rec := range records {
			list[i].Bytes = AppendRecord(nil, rec)
		}
	}
}

// AgeSettings has a ledger's settings be too old to go by.
func AgeSettings(l *Ledger) {
	if k := l.settings.known.Load(); k != nil {
		l.settings.known.Store(&knownSettings{Settings: k.Settings, stored: k.stored, at: k.at.Add(-settingsAge)})
	}
}
