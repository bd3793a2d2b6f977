package creditledger

import "time"

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

// IsKept reports whether an act keeps newcomers off an account.
func IsKept(l *Ledger, id AccountID) bool {
	l.cache.mu.Lock()
	defer l.cache.mu.Unlock()
	s := l.cache.slots[id]
	return s != nil && s.kept.Load() != nil
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

// ForgeTransfer changes the records of a transfer, the sender's first and then the
// receiver's, so that each knows the change of the other.
func ForgeTransfer(list []JournalRecord, change func(sender, receiver *OpRecord)) {
	var records []*OpRecord
	for i := range list {
		rec, err := DecodeRecord(list[i].Bytes)
		if err != nil {
			panic(err)
		}
		records = append(records, rec)
	}
	change(records[0], records[1])
	for _, rec := range records {
		for _, r := range records {
			if rec.act.index < len(r.act.parts) {
				r.act.parts[rec.act.index].digest = rec.digestOfPart()
			}
		}
	}
	for i, rec := range records {
		list[i].Bytes = AppendRecord(nil, rec)
	}
}

// ArrivesAs changes what a transfer brought.
func ArrivesAs(text string, priority int32) func(sender, receiver *OpRecord) {
	return func(_, receiver *OpRecord) {
		op := receiver.Op.(arrive)
		op.Parcels[0].Amount, op.Parcels[0].Priority = MustAmount(text), priority
		receiver.Op = op
		line := &receiver.Effects[0].Lines[0]
		line.Amount, line.Ending = MustAmount(text), MustAmount(text)
	}
}

// ArrivesLater lets arrive what was sent a second before.
func ArrivesLater(_, receiver *OpRecord) {
	receiver.At = receiver.At.Add(time.Second)
	receiver.Effects[0].Lines[0].At = receiver.At
}

// ArrivesNowhere leaves the sender's record as the whole of the act.
func ArrivesNowhere(sender, _ *OpRecord) {
	sender.act.parts, sender.act.order = sender.act.parts[:1], []int{0}
}

// ArrivesBeside has a third account stand in the act.
func ArrivesBeside(sender, receiver *OpRecord) {
	for _, rec := range []*OpRecord{sender, receiver} {
		rec.act.parts = append(rec.act.parts, actPart{account: AccountID{"zoe", "credits"}, seq: 1})
		rec.act.order = append(rec.act.order, 2)
	}
}

// DoesElse has the receiver do an operation of its own.
func DoesElse(op Operation) func(sender, receiver *OpRecord) {
	return func(_, receiver *OpRecord) {
		receiver.Op = op
		receiver.Effects[0].NewBlockID = "from nowhere"
	}
}

// SendsNothing has the sender do an operation of its own, with the effect of what it sent.
func SendsNothing(op Operation) func(sender, receiver *OpRecord) {
	return func(sender, _ *OpRecord) { sender.Op = op }
}

// AgeSettings has a ledger's settings be too old to go by.
func AgeSettings(l *Ledger) {
	if k := l.settings.known.Load(); k != nil {
		l.settings.known.Store(&knownSettings{Settings: k.Settings, stored: k.stored, at: k.at.Add(-settingsAge)})
	}
}

// PassOver has a record of what fell due pass over what it grants; false: it grants nothing.
func PassOver(bytes []byte) ([]byte, bool) {
	rec, err := DecodeRecord(bytes)
	if err != nil {
		panic(err)
	}
	ops, _ := rec.Op.(fallenDue)
	for _, op := range ops {
		if b, ok := op.(begin); ok && !b.Empty {
			b.Empty = true
			rec.Op, rec.Effects = fallenDue{b}, []Effect{{}}
			return AppendRecord(nil, rec), true
		}
	}
	return nil, false
}
