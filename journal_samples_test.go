package creditledger

import (
	"pgregory.net/rapid"
)

type namedRecord struct {
	name string
	rec  *OpRecord
}

// filledOperations gives every kind of operation with every field set.
func filledOperations(t rapid.TB) []Operation {
	plain := filled[Decrement](t)
	plain.OverdraftLimit, plain.UsageAt = OverdraftLimit{}, 0
	bounded := filled[Decrement](t)
	bounded.Overdraft, bounded.UsageAt = OverdraftAllow, 0
	before := plain
	before.eligibleBefore = when(start) + 10
	late := filled[Decrement](t)
	late.OverdraftLimit = OverdraftLimit{}
	void := filled[Void](t)
	void.Lapsed = false
	return []Operation{
		filled[Increment](t), plain, bounded, filled[ExpirationChange](t), void, filled[Amendment](t), filled[Activation](t), before,
		late, filled[Reverse](t), filled[Void](t),
	}
}

// The records of format 2, and those of format 3.
const (
	eligibleBefore, batchBefore = "decrement of what was eligible before", "batch with such a decrement"

	sealedText, sealedBatch   = "increment with a sealed text", "batch of which one says nothing"
	fromEarlier, quietEarlier = "void made from an earlier format", "expiry made from an earlier format"
	erasure1, erasure2, loss  = "erasure", "erasure of one operation of a batch", "loss of texts"

	lateUsage, taken, takenInBatch = "usage reported late", "charge taken back", "batch with charges taken back"
	remembered, otherWindow        = "expiry that blocks remember", "expiry under another settlement window"
	refilling, paid, movedAway     = "grant that repays, remembered", "activation that is remembered", "expiration change to the past, remembered"
	partOfAct, sent, arrived       = "part of an act", "transfer sent", "transfer that arrived"
	graced, closing                = "decrement with a grace period", "void of what lapsed"
	forgetting                     = "expiry of an earlier format that blocks do not remember"
)

// format is the one that a sample is written in.
func (s *namedRecord) format() byte {
	switch s.name {
	case eligibleBefore, batchBefore:
		return recordFormat2
	case sealedText, sealedBatch, fromEarlier, quietEarlier, erasure1, erasure2, loss,
		lateUsage, taken, takenInBatch, remembered, otherWindow, refilling, paid, movedAway, forgetting, partOfAct, sent, arrived, graced, closing:
		return recordFormat3
	}
	return recordFormat1
}

// sampleRecords has a record of every operation, and lines of every type.
func sampleRecords(t rapid.TB) []namedRecord {
	at := when("2026-03-01T12:00:00.000001Z")
	record := func(op Operation, effects ...Effect) *OpRecord {
		rec := filled[OpRecord](t)
		rec.At, rec.Op, rec.Effects = at, op, effects
		rec.Texts, rec.Was, rec.Settlement, rec.Grace, rec.Forgets = nil, Seal{}, 0, 0, false
		return &rec
	}
	// A record of a format before 3, of which blocks remember nothing.
	early := func(op Operation, effects ...Effect) *OpRecord {
		rec := record(op, effects...)
		rec.Forgets = true
		return rec
	}
	sealed := func(rec *OpRecord) *OpRecord {
		rec.sealTexts(&Salt{7, 7, 7})
		return rec
	}
	amount := MustAmount
	line := func(kind EntryType, n string, from, to string) Line {
		return Line{Type: kind, At: at, Block: 300, Amount: amount(n), Starting: amount(from), Ending: amount(to)}
	}
	moved := line(EntryExpirationChange, "10", "80", "80")
	moved.NewBlock, moved.NewExpiry = 301, when("2027-01-01")
	initiated, voided := line(EntryVoidInitiated, "60", "60", "60"), line(EntryVoid, "60", "60", "0")
	initiated.VoidAmount, voided.VoidAmount, initiated.NewExpiry = amount("80"), amount("80"), at
	lapsed := func(day string, n, from, to string) Line {
		l := line(EntryCreditBlockExpiry, n, from, to)
		l.At = when(day)
		return l
	}
	ops := filledOperations(t)
	none := amount("0")
	back, again := line(EntryAmendment, "30", "70", "100"), line(EntryIncrement, "20", "100", "120")
	back.Reverses, again.Reverses = 400, 401
	takenBack := Effect{Lines: []Line{back, again, line(EntryCreditBlockExpiry, "5", "120", "120")}, NewBlockID: "new", Charge: 299, Lost: amount("7.5")}
	return []namedRecord{
		{"increment", early(ops[0], Effect{Lines: []Line{line(EntryIncrement, "20", "-20", "0"), line(EntryIncrement, "5.5", "0", "5.5")}, NewBlockID: "new"})},
		{"decrement", record(ops[1], Effect{Lines: []Line{line(EntryDecrement, "30", "180", "150"), line(EntryDecrement, "50", "150", "100")}})},
		{"decrement with a limit", record(ops[2], Effect{Lines: []Line{line(EntryDecrement, widest, "0", "-"+widest)}, NewBlockID: "debt"})},
		{"decrement of nothing", record(ops[1], Effect{})},
		{"expiration change", record(ops[3], Effect{Lines: []Line{moved}, NewBlockID: "new"})},
		{"expiration change to the past", early(ops[3], Effect{Lines: []Line{moved, line(EntryCreditBlockExpiry, "10", "80", "70")}, NewBlockID: "new"})},
		{"void", record(ops[4], Effect{Lines: []Line{initiated, voided}})},
		{"amendment", record(ops[5], Effect{Lines: []Line{line(EntryAmendment, "25", "60", "85")}})},
		{"amendment that does not count", record(ops[5], Effect{Lines: []Line{line(EntryAmendment, "25", "60", "60")}})},
		{"activation", early(ops[6], Effect{})},
		{"expiry", early(expire{}, Effect{Lines: []Line{
			lapsed("2026-02-01", "30", "180", "150"), lapsed("2026-02-01", "1", "150", "150"), lapsed("2026-02-15", "5", "160", "155"),
			line(EntryCreditBlockExpiry, "50", "155", "105"),
		}})},
		{"batch", early(Batch(ops[:7]), Effect{Lines: []Line{line(EntryIncrement, "1", "0", "1")}, NewBlockID: "a"}, Effect{}, Effect{},
			Effect{Lines: []Line{moved}, NewBlockID: "b"}, Effect{Lines: []Line{initiated, voided}}, Effect{},
			Effect{Lines: []Line{line(EntryAmendment, "1", none.String(), "1")}})},
		{eligibleBefore, record(ops[7], Effect{Lines: []Line{line(EntryDecrement, "30", "180", "150")}})},
		{batchBefore, record(Batch{ops[1], ops[7]}, Effect{Lines: []Line{line(EntryDecrement, "30", "180", "150")}}, Effect{})},
		{sealedText, sealed(record(ops[0], Effect{Lines: []Line{line(EntryIncrement, "5.5", "0", "5.5")}, NewBlockID: "new"}))},
		{sealedBatch, sealed(record(Batch{ops[1], Activation{BlockID: "quiet"}, ops[5], ops[7], ops[3], ops[4], ops[6]},
			Effect{Lines: []Line{line(EntryDecrement, "30", "180", "150")}}, Effect{}, Effect{}, Effect{}, Effect{}, Effect{}, Effect{}))},
		{fromEarlier, copied(sealed(record(ops[4], Effect{Lines: []Line{initiated, voided}})))},
		{lateUsage, sealed(record(ops[8], Effect{Lines: []Line{line(EntryAmendment, "30", "180", "180"), line(EntryDecrement, "30", "180", "180"), line(EntryDecrement, "1", "180", "179")}}))},
		{taken, sealed(record(ops[9], takenBack))},
		{takenInBatch, sealed(record(Batch{ops[9], ops[1], ops[9]}, Effect{Charge: 3}, Effect{Lines: []Line{line(EntryDecrement, "30", "180", "150")}}, takenBack))},
		{remembered, record(expire{}, Effect{Lines: []Line{line(EntryCreditBlockExpiry, "50", "155", "105")}})},
		{otherWindow, window(record(expire{}, Effect{Lines: []Line{line(EntryCreditBlockExpiry, "50", "155", "105")}}))},
		{refilling, sealed(record(ops[0], Effect{Lines: []Line{line(EntryIncrement, "20", "-20", "0")}}))},
		{paid, sealed(record(ops[6], Effect{}))},
		{movedAway, sealed(record(ops[3], Effect{Lines: []Line{moved, line(EntryCreditBlockExpiry, "10", "80", "70")}, NewBlockID: "new"}))},
		{closing, sealed(record(ops[10], Effect{Lines: []Line{initiated, voided}}))},
		{forgetting, copied(early(expire{}, Effect{Lines: []Line{line(EntryCreditBlockExpiry, "50", "155", "105")}}))},
		{quietEarlier, copied(record(expire{}, Effect{Lines: []Line{line(EntryCreditBlockExpiry, "50", "155", "105")}}))},
		{graced, func() *OpRecord {
			rec := sealed(record(ops[1], Effect{Lines: []Line{line(EntryDecrement, "30", "180", "150")}}))
			rec.Grace = 3600 * 1_000_000
			return rec
		}()},
		{erasure1, record(erase{From: 3, To: 900, Operations: 300, Blocks: []string{"A", "B"}}, Effect{})},
		{erasure2, record(erase{From: 7, To: 7, Operation: 2, Operations: 1}, Effect{})},
		{partOfAct, inAct(1, sealed(record(Batch{ops[1], ops[5]}, Effect{Lines: []Line{line(EntryDecrement, "30", "180", "150")}}, Effect{})))},
		{sent, inAct(0, sealed(record(send{To: AccountID{"é", "c"}, Amount: amount("60"), Description: "d"}, Effect{Lines: []Line{initiated, voided}})))},
		{arrived, inAct(2, record(arrive{From: AccountID{"é", "c"}, Parcels: filledParcels(t)}, Effect{Lines: []Line{line(EntryIncrement, "60", "0", "60")}, NewBlockID: "new"}))},
		{loss, record(erase{Lost: true, From: 3, To: 9, Operations: 2}, Effect{})},
	}
}

// filledParcels are what arrives of two blocks, of one with every field set.
func filledParcels(t rapid.TB) []parcel {
	return []parcel{
		{"A", AmountOf(60), when("2026-01-01"), when("2026-04-01"), MustCostBasis("0.20"), -3, filled[Increment](t).Filters},
		{BlockID: "B", Amount: AmountOf(1), EffectiveAt: when("2026-01-01")},
	}
}

// inAct is a record as the part of an act of three accounts.
func inAct(index int, rec *OpRecord) *OpRecord {
	rec.act = &act{
		id: rec.ID, index: index, order: []int{2, 1, 0, 1},
		parts: []actPart{{AccountID{"a", "c"}, 1, Seal{1}}, {AccountID{"b", "c"}, 300, Seal{2}}, {AccountID{"b", "é"}, 7, Seal{3}}},
	}
	return rec
}

// copied is a record as a copy makes it from one of an earlier format.
func copied(rec *OpRecord) *OpRecord {
	rec.Was = Seal{9, 9, 9}
	return rec
}

// window is a record under a settlement window of an hour.
func window(rec *OpRecord) *OpRecord {
	rec.Settlement = 3600 * 1_000_000
	return rec
}
