package creditledger

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// People have a right to be forgotten, and books must not change. So a record of format 3
// seals only a digest of its description and metadata. The texts, and a random salt that
// the digest begins with, lie beside the record and can be erased. Without the salt
// nobody can check whether a guessed text was the one. Rule: docs/format.md, "Texts".

// Salt is what the digest of a text begins with. It is random, and is erased with the
// text.
type Salt [16]byte

// SealedText is what a record seals in place of the description and the metadata of one
// of its operations.
type SealedText struct {
	Digest Seal // zero: the operation has neither
	Salt   Salt // zero unless the text is there
	Erased bool // the text is gone
}

const textsFormat = 1

// digestOf returns the digest that is sealed in place of a text.
func digestOf(salt *Salt, description string, metadata map[string]string) Seal {
	return sha256.Sum256(appendNote(salt[:len(salt):len(salt)], description, metadata))
}

// saltOf makes the salt of one of a request's operations. Nobody can work it out from the
// salts of the others, because the bits that they are made of are not kept.
func saltOf(bits *Salt, op int) (salt Salt) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(bits[:len(bits):len(bits)], uint32(op)))
	copy(salt[:], sum[:])
	return salt
}

// sealTexts makes the digests of the texts of a record's operations. A record with
// digests has format 3. It does nothing if there are no texts.
func (rec *OpRecord) sealTexts(bits *Salt) {
	rec.Texts = nil
	if isPlainDecrement(rec.Op) || !hasText(rec.Op) {
		return
	}
	var one [1]Operation
	ops := operations(rec.Op, &one)
	rec.Texts = make([]SealedText, len(ops))
	for i, op := range ops {
		if description, metadata := textOf(op); description != "" || len(metadata) > 0 {
			salt := saltOf(bits, i)
			rec.Texts[i] = SealedText{Digest: digestOf(&salt, description, metadata), Salt: salt}
		}
	}
}

// appendTexts appends the canonical bytes of the texts that are left of a record of
// format 3; nothing if there are none.
func appendTexts(dst []byte, rec *OpRecord) []byte {
	n := 0
	for i := range rec.Texts {
		if rec.Texts[i].atHand() {
			n++
		}
	}
	if n == 0 {
		return dst
	}
	dst = binary.AppendUvarint(append(dst, textsFormat), uint64(n))
	var one [1]Operation
	for i, op := range operations(rec.Op, &one) {
		if t := &rec.Texts[i]; t.atHand() {
			dst = binary.AppendUvarint(dst, uint64(i))
			dst = append(dst, t.Salt[:]...)
			description, metadata := textOf(op)
			dst = appendNote(dst, description, metadata)
		}
	}
	return dst
}

func (t *SealedText) atHand() bool { return t.Digest != Seal{} && !t.Erased }

// ReadTexts gives the operations of a record that was just decoded their texts, which lie
// beside the record. An operation with a digest and without texts is erased. ReadTexts
// returns a CorruptError if a text is not the one that was sealed. It does nothing for a
// record that seals no text.
func (rec *OpRecord) ReadTexts(data []byte) error {
	for i := range rec.Texts {
		rec.Texts[i].Erased = rec.Texts[i].Digest != Seal{}
	}
	if len(data) == 0 {
		return nil
	}
	r := reader{data: data}
	r.version(textsFormat, textsFormat)
	n := r.count()
	if n == 0 {
		r.fail("a list of no texts")
	}
	next := uint64(0)
	for range n {
		i := r.uvarint()
		var salt Salt
		copy(salt[:], r.bytes(len(salt)))
		description, metadata := r.text(), r.metadata()
		if r.err == "" && (i < next || i >= uint64(len(rec.Texts))) {
			r.fail("of operation %d, which has none, or out of order", i)
		}
		if r.err != "" {
			break
		}
		t := &rec.Texts[i]
		if t.Digest == (Seal{}) || digestOf(&salt, description, metadata) != t.Digest {
			r.fail("of operation %d: not the text that the record seals", i)
			break
		}
		t.Salt, t.Erased = salt, false
		rec.setText(int(i), description, metadata)
		next = i + 1
	}
	return r.finish("texts")
}

// setText gives one of a record's operations its texts.
func (rec *OpRecord) setText(i int, description string, metadata map[string]string) {
	switch op := rec.Op.(type) {
	case Batch:
		op[i] = withText(op[i], description, metadata)
	case fallenDue:
		op[i] = withText(op[i], description, metadata)
	default:
		rec.Op = withText(op, description, metadata)
	}
}

// unsaid returns an operation without the texts that the record no longer has. Nobody can
// compare these with what the record's operation said.
func (rec *OpRecord) unsaid(op Operation) Operation {
	b, batch := op.(Batch)
	was, _ := rec.Op.(Batch)
	switch {
	case rec.Texts == nil || batch && len(b) != len(was):
		return op
	case !batch:
		if rec.erased(0) {
			return withText(op, "", nil)
		}
		return op
	}
	b = slices.Clone(b)
	for i := range b {
		if rec.erased(i) {
			b[i] = withText(b[i], "", nil)
		}
	}
	return b
}

// erased reports whether the texts of one of the record's operations are gone.
func (rec *OpRecord) erased(op int) bool { return rec.Texts != nil && rec.Texts[op].Erased }

// without returns what an erasure leaves of a record's texts, and how many operations
// lose theirs.
func (op *erase) without(rec *OpRecord) (left []byte, n uint64) {
	for i := range rec.Texts {
		if t := &rec.Texts[i]; t.atHand() && op.covers(rec.Seq, i) {
			t.Erased = true
			n++
		}
	}
	return appendTexts(nil, rec), n
}

func appendNote(dst []byte, description string, metadata map[string]string) []byte {
	return appendMetadata(appendText(dst, description), metadata)
}
