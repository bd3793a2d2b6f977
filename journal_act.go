package creditledger

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"
)

// act is what the records of one act have in common, and which of them this one is. Each
// record names all of them, so any one shows whether another is missing or altered. Rule:
// docs/format.md, "Acts".
type act struct {
	id    uuid.UUID // of the first part's record
	parts []actPart // in the order of their accounts, each once
	index int       // of this part
	order []int     // the part that each operation belongs to, in the order of the call
}

// actPart is one account's record in an act.
type actPart struct {
	account AccountID
	seq     uint64
	digest  Seal // of the record: see digestOfPart
}

// key returns the key that the ledger made for an act whose caller gave none.
func (a *act) key() Key { return generatedKey(a.parts[0].seq, a.id) }

// operations counts the operations of one part.
func (a *act) operations(part int) (n int) {
	for _, p := range a.order {
		if p == part {
			n++
		}
	}
	return n
}

// same reports whether two records say the same about their act.
func (a *act) same(b *act) bool {
	return b != nil && a.id == b.id && slices.Equal(a.parts, b.parts) && slices.Equal(a.order, b.order)
}

// indexedKey returns the key under which the account has to index the record: the
// caller's, or the one that the ledger made for an act, unless it can be worked out from
// this record's id.
func (r *OpRecord) indexedKey() Key {
	if r.Key == "" && r.act != nil && r.act.index > 0 {
		return r.act.key()
	}
	return r.Key
}

// digestOfPart returns the digest of a record that the other records of its act hold. It
// is made of the canonical bytes without the digests in them, without the seal of the
// record before, and without the seal of the record that it was copied from. So a copy
// changes no digest.
func (r *OpRecord) digestOfPart() Seal {
	bare, header := *r, *r.act
	header.parts = slices.Clone(header.parts)
	for i := range header.parts {
		header.parts[i].digest = Seal{}
	}
	bare.Prev, bare.Was, bare.act = Seal{}, Seal{}, &header
	return sha256.Sum256(AppendRecord(nil, &bare))
}

func appendAct(dst []byte, a *act) []byte {
	dst = append(dst, a.id[:]...)
	dst = binary.AppendUvarint(dst, uint64(len(a.parts)))
	for i := range a.parts {
		p := &a.parts[i]
		dst = binary.AppendUvarint(appendAccount(dst, p.account), p.seq)
		dst = append(dst, p.digest[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(a.index))
	dst = binary.AppendUvarint(dst, uint64(len(a.order)))
	for _, p := range a.order {
		dst = binary.AppendUvarint(dst, uint64(p))
	}
	return dst
}

// act reads what appendAct wrote.
func (r *reader) act() *act {
	a := new(act)
	copy(a.id[:], r.bytes(len(a.id)))
	n := r.count()
	if n < 1 || n > MaxActAccounts {
		r.fail("an act of %d accounts", n)
	}
	for i := 0; i < n && r.err == ""; i++ {
		p := actPart{account: AccountID{Customer: r.text(), Currency: r.text()}, seq: r.uvarint(), digest: r.seal()}
		if i > 0 && a.parts[i-1].account.Compare(p.account) >= 0 {
			r.fail("accounts of an act out of order")
		}
		a.parts = append(a.parts, p)
	}
	index := r.uvarint()
	if r.err == "" && index >= uint64(n) {
		r.fail("part %d of an act of %d accounts", index, n)
	}
	a.index = int(index)
	n = r.count()
	if r.err == "" && n > MaxBatch {
		r.fail("an act of %d operations", n)
	}
	for i := 0; i < n && r.err == ""; i++ {
		part := r.uvarint()
		if part >= uint64(len(a.parts)) {
			r.fail("an operation of part %d of an act of %d accounts", part, len(a.parts))
		}
		a.order = append(a.order, int(part))
	}
	return a
}

// isTransfer reports whether the act is a transfer and the record one of its parts. The
// sender's operation comes first.
func (a *act) isTransfer(rec *OpRecord) bool {
	if len(a.parts) != 2 || len(a.order) != 2 {
		return false
	}
	from, to := a.parts[a.order[0]].account, a.parts[a.order[1]].account
	switch op := rec.Op.(type) {
	case send:
		return from == rec.Account && to == op.To
	case arrive:
		return from == op.From && to == rec.Account
	}
	return false
}

// checkAct compares what a record says about its act with the record itself.
func checkAct(rec *OpRecord) error {
	a := rec.act
	if a == nil {
		if isPartOfTransfer(rec.Op) {
			return invalid("op", "a part of a transfer without an act")
		}
		return nil
	}
	own := &a.parts[a.index]
	var one [1]Operation
	switch _, due := rec.Op.(expire); {
	case due:
		return invalid("op", "an expiry in an act")
	case own.account != rec.Account || own.seq != rec.Seq:
		return invalid("op", "record %d of %s stands in the place of record %d of %s in its act", rec.Seq, rec.Account, own.seq, own.account)
	case a.index == 0 && a.id != rec.ID:
		return invalid("op", "its act has another id than its first part")
	case a.operations(a.index) != len(operations(rec.Op, &one)):
		return invalid("op", "its act has %d operations of the account", a.operations(a.index))
	case isPartOfTransfer(rec.Op) && !a.isTransfer(rec):
		return invalid("op", "its act is not the two parts of a transfer")
	case rec.digestOfPart() != own.digest:
		return invalid("op", "it is not the part of the act that the act's records know")
	}
	return nil
}
