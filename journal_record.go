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
	Key        Key          // the caller's; empty when the ledger made one (GeneratedKey)
	Was        Seal         // of the record of an earlier format that a copy made this one from; else zero
	Op         Operation    // with its dates resolved
	Texts      []SealedText // one for each operation; nil when none has a text, and in formats 1 and 2
	Effects    []Effect     // one; for a Batch one per operation
}

// GeneratedKey is the key that the ledger made for an operation that had none.
func (r *OpRecord) GeneratedKey() Key { return generatedKey(r.Seq, r.ID) }

// Entries returns how many entries the record holds.
func (r *OpRecord) Entries() uint64 {
	n := 0
	for i := range r.Effects {
		n += len(r.Effects[i].Lines)
	}
	return uint64(n)
}

// entryID is the id of the n-th entry of a record: the record's id with n mixed into
// its last bytes, so that the first entry has the record's own id.
func entryID(record uuid.UUID, n int) string {
	tail := binary.BigEndian.Uint32(record[12:]) ^ uint32(n)
	binary.BigEndian.PutUint32(record[12:], tail)
	return record.String()
}

const (
	recordFormat1 = 1
	recordFormat2 = 2 // a decrement may have EligibleBefore
	recordFormat3 = 3 // tagged fields; digests in the place of texts
	policyOrb1    = 1 // the drawdown order, so that old entries stay explainable when another is added
)

// recordFormatOf is the first record format that has room for a record: the one it is
// written in, so that a record has one form and releases that know no later format read
// all they can.
func recordFormatOf(r *OpRecord) byte {
	if _, erases := r.Op.(erase); erases || r.Texts != nil || r.Was != (Seal{}) {
		return recordFormat3
	}
	if saysEligibleBefore(r.Op) {
		return recordFormat2
	}
	return recordFormat1
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
	ops := operationCodec{format: format, texts: r.Texts}
	dst = ops.append(dst, r.Op)
	lines := lineCodec{at: r.At}
	for i := range r.Effects {
		dst = lines.append(dst, &r.Effects[i])
	}
	return dst
}

// appendRecordFields appends what few records of format 3 have.
func appendRecordFields(dst []byte, r *OpRecord) []byte {
	list := beginFields(dst)
	if r.Was != (Seal{}) {
		list.tag(fieldWas)
		list.dst = append(list.dst, r.Was[:]...)
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

// decode is DecodeRecord for a record that is probably of a known account, whose names
// it then shares, into the memory of one that is done with.
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
	if r.err == "" && format != recordFormatOf(rec) {
		r.fail("its operation does not belong in format %d", format)
	}
	effects := 1
	if b, ok := rec.Op.(Batch); ok {
		effects = len(b)
	}
	lines := lineCodec{at: rec.At}
	rec.Effects = slices.Grow(rec.Effects[:0], effects)[:effects]
	for i := range rec.Effects {
		lines.read(&r, &rec.Effects[i])
	}
	return r.finish("journal record")
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

// decodeStored decodes a record and holds it to the place it was found at.
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
