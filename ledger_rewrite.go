package creditledger

import "context"

// rewriter turns records into records of format 3, from the first that holds a text under
// its seal on. A nil rewriter leaves records as they are.
type rewriter struct {
	ledger  *Ledger
	settled bool // begun is known
	begun   bool // the record before was written anew
	was     Seal // the seal of the record before, in the ledger that it came from
}

// newRewriter goes on where the account's journal ends.
func (l *Ledger) newRewriter(ctx context.Context, s *slot) (*rewriter, error) {
	w := &rewriter{ledger: l}
	head := &s.account.head
	if head.Version == 0 {
		return w, nil
	}
	if s.latest() != nil { // the last record is not stored yet
		return nil, &ConflictError{Accounts: []AccountID{s.id}}
	}
	rec, err := l.record(ctx, s.id, head.Version)
	if err != nil {
		return nil, err
	}
	w.was = rec.Was
	return w, nil
}

// rewrite returns a record as it is to be imported.
func (w *rewriter) rewrite(s *slot, stored *JournalRecord) (*JournalRecord, error) {
	if w == nil {
		return stored, nil
	}
	rec, err := decodeStored(s.id, stored)
	if err != nil {
		return nil, err
	}
	head := s.account.head.Seal
	if !w.settled { // in a copy of a copy, the record may follow the seal that the record before has here
		w.settled, w.begun = true, w.was != (Seal{}) && rec.Prev == w.was
	}
	before := head
	if w.begun {
		before = w.was
	}
	w.was = SealOf(stored.Bytes)
	w.begun = w.begun || rec.Texts == nil && hasText(rec.Op)
	if !w.begun {
		return stored, nil
	}
	if rec.Prev != before {
		return nil, violation(rec, ruleSeal, "it follows %s, the record before was sealed %s", rec.Prev, before)
	}
	if rec.Texts == nil {
		salt, err := w.ledger.ids.salt(rec.Op)
		if err != nil {
			return nil, err
		}
		rec.sealTexts(&salt)
	}
	rec.Prev, rec.Was = head, w.was
	return &JournalRecord{Seq: stored.Seq, Bytes: AppendRecord(nil, rec), Texts: appendTexts(nil, rec)}, nil
}
