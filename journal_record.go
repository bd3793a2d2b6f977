package creditledger

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// OpRecord is one operation as the journal keeps it: what was asked, when, under which
// key, what it wrote, and the seal of the record before. The journal is the truth;
// blocks, totals and indexes follow from it. Rule: docs/format.md, "Journal record".
type OpRecord struct {
	Account    AccountID
	Seq        uint64       // from 1, dense within the account
	Prev       Seal         // of the record before; zero for the first
	At         Instant      // the instant of the operation
	ID         uuid.UUID    // entry ids are made from it
	FirstEntry uint64       // sequence number of its first line, or of the next entry when it has none
	Key        Key          // the caller's; empty when the ledger made one
	Was        Seal         // seal of the record in an earlier format that a copy made this one from; else zero
	Op         Operation    // with its dates resolved
	Texts      []SealedText // one for each operation; nil when none has a text, and in formats 1 and 2
	Effects    []Effect     // one; for a Batch one per operation

	// Forgets says that the record was written in a format before 3, when blocks did not
	// remember what they lost to their expiry, what repaid their debts, and that they
	// waited for payment.
	Forgets bool
	// Settlement is for how many microseconds usage may be reported late; 0:
	// DefaultSettlement. Records with expiries have it, because it decides which blocks
	// stay open.
	Settlement Instant
	// Grace is for how many microseconds the entries are pending. A record without
	// entries has none.
	Grace Instant

	lapses []lapsedSince // holds that lapsed since the record before
	act    *act          // nil: the record belongs to no act
}

// ownKey returns the key that the ledger made for an operation whose caller gave none.
func (r *OpRecord) ownKey() Key { return generatedKey(r.Seq, r.ID) }

// Entries returns how many entries the record holds.
func (r *OpRecord) Entries() uint64 {
	n := 0
	for i := range r.Effects {
		n += len(r.Effects[i].Lines)
	}
	return uint64(n)
}

// numberedID returns an id with n mixed into its last bytes. It is the id of the n-th
// entry of a record. The first entry, with n = 0, has the record's own id.
func numberedID(id uuid.UUID, n int) string {
	tail := binary.BigEndian.Uint32(id[12:]) ^ uint32(n)
	binary.BigEndian.PutUint32(id[12:], tail)
	return id.String()
}

const (
	recordFormat1 = 1
	recordFormat2 = 2 // a decrement may say before when credits had to be eligible
	recordFormat3 = 3 // tagged fields; digests in the place of texts
	policyOrb1    = 1 // the drawdown order, so that old entries can still be explained when another order is added
)

// recordFormatOf returns the first record format that has room for a record. The record
// is written in that format. So it has one form only, and older releases can read as much
// as possible.
func recordFormatOf(r *OpRecord) byte {
	switch {
	case r.Texts != nil, r.Was != (Seal{}), r.Settlement != 0, r.Grace != 0, r.lapses != nil, r.act != nil:
		return recordFormat3
	case isPlainDecrement(r.Op):
		return recordFormat1
	case needsFormat3(r.Op), !r.Forgets && r.remembers():
		return recordFormat3
	case saysEligibleBefore(r.Op):
		return recordFormat2
	}
	return recordFormat1
}

// remembers reports whether the record needs format 3: because blocks remember something
// of it that they did not before, or because it says something that earlier formats have
// no room for.
func (r *OpRecord) remembers() bool {
	var one [1]Operation
	ops := operations(r.Op, &one)
	for i := range r.Effects {
		e := &r.Effects[i]
		switch op := ops[i].(type) {
		case Activation, Reverse:
			return true
		case Decrement:
			if op.UsageAt != 0 {
				return true
			}
		case Increment:
			if len(e.Lines) > 0 && refills(e, 0) {
				return true
			}
		default:
			if e.expires() {
				return true
			}
		}
	}
	return false
}

// AppendRecord appends the canonical bytes of r: what is stored, and what is sealed.
func AppendRecord(dst []byte, r *OpRecord) []byte {
	format := recordFormatOf(r)
	dst = append(dst, format, policyOrb1)
	dst = appendText(dst, r.Account.Customer)
	dst = appendText(dst, r.Account.Currency)
	dst = binary.AppendUvarint(dst, r.Seq)
	dst = append(dst, r.Prev[:]...)
	dst = binary.AppendUvarint(dst, uint64(r.At))
	dst = append(dst, r.ID[:]...)
	dst = binary.AppendUvarint(dst, r.FirstEntry)
	dst = appendText(dst, string(r.Key))
	if format >= recordFormat3 {
		dst = appendRecordFields(dst, r)
	}
	codec := operationCodec{format: format, texts: r.Texts}
	dst = codec.append(dst, r.Op)
	lines := lineCodec{at: r.At}
	var one [1]Operation
	ops := operations(r.Op, &one)
	for i := range r.Effects {
		e := &r.Effects[i]
		dst = lines.append(dst, e)
		switch {
		case takesBack(ops[i]):
			dst = appendAmount(binary.AppendUvarint(dst, e.Charge), e.Lost)
		case namesHold(ops[i]):
			dst = appendEffectOnHold(dst, e.hold)
		case onSchedule(ops[i]):
			dst = appendEffectOnSchedule(dst, e.schedule)
		}
	}
	return dst
}

// takesBack reports whether an operation takes a charge back. It may lose credits, and no
// entry says so.
func takesBack(op Operation) bool { _, ok := op.(Reverse); return ok }

// appendRecordFields appends the tagged fields of a record of format 3.
func appendRecordFields(dst []byte, r *OpRecord) []byte {
	list := beginFields(dst)
	if r.Was != (Seal{}) {
		list.tag(fieldWas)
		list.dst = append(list.dst, r.Was[:]...)
	}
	if r.Forgets {
		list.tag(fieldForgets)
	}
	if r.Settlement != 0 {
		list.tag(fieldSettlement)
		list.dst = appendInstant(list.dst, r.Settlement)
	}
	if r.lapses != nil {
		list.tag(fieldLapses)
		list.dst = appendLapses(list.dst, r.lapses)
	}
	if r.act != nil {
		list.tag(fieldAct)
		list.dst = appendAct(list.dst, r.act)
	}
	if r.Grace != 0 {
		list.tag(fieldGrace)
		list.dst = appendInstant(list.dst, r.Grace)
	}
	return list.dst
}

func (rec *OpRecord) readFields(r *reader) {
	for tag := range r.fields() {
		switch tag {
		case fieldWas:
			if rec.Was = r.seal(); rec.Was == (Seal{}) {
				r.fail("an empty seal")
			}
		case fieldForgets:
			rec.Forgets = true
		case fieldSettlement:
			rec.Settlement = r.someInstant()
		case fieldLapses:
			rec.lapses = r.lapses()
		case fieldAct:
			rec.act = r.act()
		case fieldGrace:
			rec.Grace = r.someInstant()
		default:
			r.unknownField(tag)
		}
	}
}

// DecodeRecord reads what AppendRecord wrote; anything else is a CorruptError. The
// record shares no memory with data.
func DecodeRecord(data []byte) (*OpRecord, error) {
	rec := new(OpRecord)
	return rec, rec.decode(AccountID{}, data)
}

// decode is DecodeRecord into the memory of a record that is no longer needed. If the
// record is of the given account, it shares the account's names.
func (rec *OpRecord) decode(likely AccountID, data []byte) error {
	r := reader{data: data}
	format := r.version(recordFormat1, recordFormat3)
	if p := r.byte(); r.err == "" && p != policyOrb1 {
		r.fail("drawdown policy %d is not known to this release", p)
	}
	*rec = OpRecord{
		Effects: rec.Effects,
		Account: AccountID{Customer: r.textLike(likely.Customer), Currency: r.textLike(likely.Currency)},
		Seq:     r.uvarint(),
		Prev:    r.seal(),
		At:      r.someInstant(),
	}
	copy(rec.ID[:], r.bytes(len(rec.ID)))
	rec.FirstEntry = r.uvarint()
	rec.Key = Key(r.text())
	if format >= recordFormat3 {
		rec.readFields(&r)
	}
	ops := operationCodec{format: format}
	rec.Op = ops.read(&r)
	rec.Texts = ops.texts
	rec.readEffects(&r)
	if r.err == "" {
		rec.checkFormat(&r, format)
	}
	return r.finish("journal record")
}

func (rec *OpRecord) readEffects(r *reader) {
	if r.err != "" {
		return
	}
	var one [1]Operation
	ops := operations(rec.Op, &one)
	lines := lineCodec{at: rec.At}
	rec.Effects = slices.Grow(rec.Effects[:0], len(ops))[:len(ops)]
	for i, op := range ops {
		e := &rec.Effects[i]
		lines.read(r, e)
		e.hold, e.schedule = nil, nil
		switch {
		case takesBack(op):
			e.Charge, e.Lost = r.uvarint(), r.amount()
			if e.Lost.Sign() < 0 {
				r.fail("a negative loss")
			}
		case namesHold(op):
			e.hold = r.effectOnHold()
		case onSchedule(op):
			e.schedule = r.effectOnSchedule()
		}
	}
}

// checkFormat refuses a record that would now be written in another format.
func (rec *OpRecord) checkFormat(r *reader, format byte) {
	remembers := rec.remembers()
	if format < recordFormat3 {
		rec.Forgets = remembers
	}
	switch {
	case format != recordFormatOf(rec):
		r.fail("it does not belong in format %d", format)
	case rec.Forgets && !remembers:
		r.fail("there is nothing that blocks forget")
	case rec.Settlement != 0 && (rec.Settlement == defaultSettlement || !slices.ContainsFunc(rec.Effects, func(e Effect) bool { return e.expires() })):
		r.fail("a settlement window without need")
	case rec.Grace != 0 && rec.Entries() == 0:
		r.fail("a grace period without entries")
	}
}

// RecordFits reports whether canonical bytes begin as record seq of an account does,
// in a format of this release: enough for a store to tell the ledger's records from
// others without decoding them.
func RecordFits(data []byte, id AccountID, seq uint64) bool {
	r := reader{data: data}
	r.version(recordFormat1, recordFormat3)
	policy := r.byte()
	customer, currency := r.bytes(r.count()), r.bytes(r.count())
	return r.uvarint() == seq && r.err == "" && policy == policyOrb1 &&
		string(customer) == id.Customer && string(currency) == id.Currency
}

// decodeStored decodes a record and checks that it belongs where it was found.
func decodeStored(account AccountID, stored *JournalRecord) (*OpRecord, error) {
	rec := new(OpRecord)
	return rec, rec.decodeStored(account, stored)
}

func (rec *OpRecord) decodeStored(account AccountID, stored *JournalRecord) error {
	err := rec.decode(account, stored.Bytes)
	if err == nil && (rec.Account != account || rec.Seq != stored.Seq) {
		err = &CorruptError{Where: "journal record", Reason: fmt.Sprintf("says it is record %d of %s", rec.Seq, rec.Account)}
	}
	if err == nil {
		err = rec.ReadTexts(stored.Texts)
	}
	if err != nil {
		return fmt.Errorf("record %d of %s: %w", stored.Seq, account, err)
	}
	return nil
}
