package creditledger

import (
	"cmp"
	"context"
	"slices"
)

// textProof is what a verification keeps of erased texts. A text may be missing only where
// the journal says that it was erased.
type textProof struct {
	erased  uint64        // records of which texts are not there
	missing []missingText // in order
	copied  bool          // a record before was made by a copy
	ended   bool          // and one behind it was not
	was     Seal          // of the record before, in the ledger that this one is a copy of
	notes   []erase
}

// missingText is an operation that said something, and nothing of that is left.
type missingText struct {
	record    uint64
	operation int
}

const ruleTexts = "texts"

// proveTexts notes what is missing of a record's texts, and holds an erasure to what it
// says that it erased. That texts are those sealed, reading them has shown.
func (v *verifier) proveTexts(ctx context.Context, s Snapshot, rec *OpRecord) error {
	gone := false
	for i := range rec.Texts {
		if rec.erased(i) {
			gone = true
			v.texts.missing = append(v.texts.missing, missingText{rec.Seq, i})
		}
	}
	if gone {
		v.texts.erased++
	}
	op, ok := rec.Op.(erase)
	if !ok || op.From == 0 {
		return nil
	}
	op.Blocks = nil
	v.texts.notes = append(v.texts.notes, op)
	return v.isErased(ctx, s, &op)
}

// isErased reads the records of an erasure again: it may have come after they were read.
func (v *verifier) isErased(ctx context.Context, s Snapshot, op *erase) error {
	for from := op.From; from <= op.To; {
		page, err := s.Journal(ctx, from, verifyPage)
		if err != nil {
			return err
		}
		for i := range page {
			if page[i].Seq < from {
				return standsStill("journal of " + v.id.String())
			}
			if from = page[i].Seq + 1; page[i].Seq > op.To {
				return nil
			}
			rec, err := decodeStored(v.id, &page[i])
			if err != nil {
				return err
			}
			if _, n := op.without(rec); n > 0 {
				return v.violation(ruleTexts, "it says that the texts of record %d were erased, and they are there", rec.Seq)
			}
		}
		if len(page) < verifyPage {
			return nil
		}
	}
	return nil
}

// compareTexts makes sure that what is missing was erased.
func (v *verifier) compareTexts() error {
	notes := v.texts.notes
	slices.SortFunc(notes, func(a, b erase) int { return cmp.Compare(a.From, b.From) })
	last := uint64(0) // up to which all is erased, of the notes that begin before what is looked at
	single := map[missingText]bool{}
	for _, op := range notes {
		if op.Operation != 0 {
			single[missingText{op.From, int(op.Operation) - 1}] = true
		}
	}
	for _, m := range v.texts.missing {
		for ; len(notes) > 0 && notes[0].From <= m.record; notes = notes[1:] {
			if notes[0].Operation == 0 {
				last = max(last, notes[0].To)
			}
		}
		if m.record > last && !single[m] {
			v.reading = m.record
			return v.violation(ruleTexts, "what its operation %d said is gone, and no erasure says so", m.operation+1)
		}
	}
	return nil
}

// proveWas makes sure that a record which a copy made of one in another ledger was the one
// whose seal it holds: with that one's predecessor, and its texts under the seal, it gives
// that seal. Of a record whose texts were erased only the order is proved.
func (v *verifier) proveWas(rec *OpRecord, seal Seal) error {
	was := v.texts.was
	v.texts.was = seal
	if rec.Was == (Seal{}) {
		v.texts.ended = v.texts.copied
		return nil
	}
	if v.texts.ended {
		return v.violation(ruleSeal, "it says what it was made from, as the record before it does not")
	}
	v.texts.was, v.texts.copied = rec.Was, true
	old := *rec
	old.Was, old.Prev = Seal{}, was
	v.stored = AppendRecord(v.stored[:0], &old) // of format 3
	if SealOf(v.stored) == rec.Was {
		return nil
	}
	for i := range rec.Texts {
		if rec.erased(i) {
			return nil
		}
	}
	old.Texts = nil
	v.stored = AppendRecord(v.stored[:0], &old)
	if SealOf(v.stored) != rec.Was {
		return v.violation(ruleSeal, "it says that it was made from the record with the seal %s, and was not", rec.Was)
	}
	return nil
}
