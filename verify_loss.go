package creditledger

import (
	"context"
	"fmt"
	"slices"
)

// NoteLoss notes in an account's journal which descriptions and metadata are gone although
// no erasure says so, as after a recovery from damage. It returns of how many operations.
// Their entries read with Erased set, as if they had been erased; Verify counts their records
// as Lost, and takes them for a violation no longer. The seals of the records prove all that
// was not lost. Noting again finds nothing to note.
//
// A journal with many losses between texts that are there gets several notes, each in a
// commit; if one fails, those before it stay. Errors: InvalidError; CorruptError for a
// text that is there and is not the one sealed; those of the store; when ctx ends while a
// commit is under way, an OutcomeUnknownError. Noting again is safe.
// Rule: docs/semantics/reading.md, "Erasure".
func (l *Ledger) NoteLoss(ctx context.Context, on AccountID) (operations uint64, err error) {
	if err := l.reading(ctx, &on); err != nil {
		return 0, err
	}
	defer l.leave()
	if operations, err = l.noteLoss(ctx, on); err != nil {
		return operations, fmt.Errorf("note losses of %s: %w", on, err)
	}
	return operations, nil
}

func (l *Ledger) noteLoss(ctx context.Context, on AccountID) (operations uint64, err error) {
	if _, err := l.now(); err != nil { // without an instant nothing can be noted
		return 0, err
	}
	if err := l.awaitBegunOn(ctx, on); err != nil {
		return 0, err
	}
	notes, err := l.losses(ctx, on)
	if err != nil || len(notes) == 0 {
		return 0, err
	}
	err = l.inPieces(ctx, on, func() (more bool, err error) {
		if err := l.noteErasure(ctx, on, notes[0]); err != nil {
			return false, err
		}
		operations += notes[0].Operations
		notes = notes[1:]
		return len(notes) > 0, nil
	})
	return operations, err
}

// losses reads an account's journal and notes texts that are gone without a reason. A
// note is about consecutive records that have no texts left, or about one operation.
func (l *Ledger) losses(ctx context.Context, on AccountID) (notes []erase, err error) {
	var proof textProof
	stretches := map[uint64]uint64{}   // by record with missing texts: how many with others came before; 0: it has others itself
	schedules := map[uint64][]string{} // schedules that got their texts from records whose texts are missing
	others := uint64(1)
	err = l.eachRecord(ctx, on, 1, false, func(rec *OpRecord) (bool, error) {
		before := len(proof.missing)
		proof.take(rec)
		stretch := others
		for i := range rec.Texts {
			if rec.Texts[i].atHand() {
				others, stretch = others+1, 0
				break
			}
		}
		if len(proof.missing) > before {
			stretches[rec.Seq] = stretch
			all := erase{From: rec.Seq, To: rec.Seq}
			schedules[rec.Seq] = all.schedules(rec, nil)
		}
		return true, ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	last := uint64(0) // the stretch that the last note belongs to
	for m, why := range proof.judged() {
		stretch := stretches[m.record]
		switch {
		case why != textGone:
			stretch = 0
		case stretch == 0:
			notes = append(notes, erase{Lost: true, From: m.record, To: m.record, Operation: uint64(m.operation) + 1, Operations: 1, Schedules: schedules[m.record]})
		case stretch == last:
			note := &notes[len(notes)-1]
			note.To, note.Operations = m.record, note.Operations+1
			note.Schedules = joined(note.Schedules, schedules[m.record])
		default:
			notes = append(notes, erase{Lost: true, From: m.record, To: m.record, Operations: 1, Schedules: slices.Clone(schedules[m.record])})
		}
		last = stretch
	}
	return notes, nil
}

// noteErasure writes one erasure of texts that are gone already.
func (l *Ledger) noteErasure(ctx context.Context, on AccountID, op erase) error {
	s, err := l.acquire(ctx, on)
	if err != nil {
		return err
	}
	f, err := func() (*flight, error) {
		defer l.cache.release(s)
		if err := s.load(ctx, l.store, l.cache.locking); err != nil {
			return nil, err
		}
		return l.queueErasure(ctx, s, op, nil)
	}()
	if err != nil {
		return err
	}
	if err := l.commit.await(ctx, f); err != nil {
		return &OutcomeUnknownError{Err: err}
	}
	return f.err
}

// joined returns a list with those elements of another that it does not have.
func joined(list, others []string) []string {
	for _, id := range others {
		if !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}
