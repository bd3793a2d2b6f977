package creditledger

import (
	"cmp"
	"context"
	"iter"
	"slices"
)

// textProof is what a verification knows about missing texts. A text may be missing only
// if the journal says that it was erased or lost.
type textProof struct {
	erased, lost uint64        // records records with missing texts
	missing      []missingText // in order
	copied       bool          // an earlier record was made by a copy
	ended        bool          // a record after that was not
	was          Seal          // seal of the record before, in the ledger that this one is a copy of
	notes        []erase
}

// missingText is an operation whose texts are gone.
type missingText struct {
	record    uint64
	operation int
}

const ruleTexts = "texts"

// proveTexts notes the missing texts of a record, and compares an erasure with what it
// says that it erased. Reading the texts has proved that they are those that were sealed.
func (v *verifier) proveTexts(ctx context.Context, s Snapshot, rec *OpRecord) error {
	if note := v.texts.take(rec); note != nil {
		return v.isErased(ctx, s, note)
	}
	return nil
}

// take notes the missing texts of a record. If the record is an erasure, it notes and
// returns that.
func (t *textProof) take(rec *OpRecord) (note *erase) {
	gone := false
	for i := range rec.Texts {
		if rec.erased(i) {
			gone = true
			t.missing = append(t.missing, missingText{rec.Seq, i})
		}
	}
	if gone {
		t.erased++
	}
	op, ok := rec.Op.(erase)
	if !ok || op.From == 0 {
		return nil
	}
	op.Blocks = nil
	t.notes = append(t.notes, op)
	return &op
}

// isErased reads the records of an erasure again, because it may have come after they
// were read.
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

// compareTexts checks that missing texts were erased or are known to be lost. It counts
// records with lost texts apart from records whose missing texts were all erased.
func (v *verifier) compareTexts() error {
	last := uint64(0) // the last record with lost texts
	for m, why := range v.texts.judged() {
		switch {
		case why == textGone:
			v.reading = m.record
			return v.violation(ruleTexts, "what its operation %d said is gone, and no erasure says so", m.operation+1)
		case why == textLost && m.record != last:
			last = m.record
			v.texts.erased, v.texts.lost = v.texts.erased-1, v.texts.lost+1
		}
	}
	return nil
}

// Why a text is missing.
const (
	textGone   = iota // nothing says
	textErased        // it was erased
	textLost          // it was lost, and perhaps erased later
)

// judged yields the missing texts, in order, with what the journal says about each.
func (t *textProof) judged() iter.Seq2[missingText, int] {
	return func(yield func(missingText, int) bool) {
		erased, lost := newCoverage(t.notes, false), newCoverage(t.notes, true)
		for _, m := range t.missing {
			why := textGone
			if erased.has(m) {
				why = textErased
			}
			if lost.has(m) {
				why = textLost
			}
			if !yield(m, why) {
				return
			}
		}
	}
}

// coverage tells whether notes of one kind are about texts. It is asked about texts in
// order.
type coverage struct {
	notes  []erase // those about all of their records, in the order of the first record
	last   uint64  // the notes that begin before the present text cover everything up to this record
	single map[missingText]bool
}

func newCoverage(notes []erase, lost bool) *coverage {
	c := &coverage{single: map[missingText]bool{}}
	for _, op := range notes {
		switch {
		case op.Lost != lost:
		case op.Operation != 0:
			c.single[missingText{op.From, int(op.Operation) - 1}] = true
		default:
			c.notes = append(c.notes, op)
		}
	}
	slices.SortFunc(c.notes, func(a, b erase) int { return cmp.Compare(a.From, b.From) })
	return c
}

func (c *coverage) has(m missingText) bool {
	for ; len(c.notes) > 0 && c.notes[0].From <= m.record; c.notes = c.notes[1:] {
		c.last = max(c.last, c.notes[0].To)
	}
	return m.record <= c.last || c.single[m]
}

// proveWas checks a record that a copy made from one in another ledger, whose seal it
// holds. Written with that record's predecessor, and with the texts under the seal, it
// has to give that seal. If texts were erased, only the order can be proved.
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
	v.stored = AppendRecord(v.stored[:0], &old) // the record is of format 3
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
