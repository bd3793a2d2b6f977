package creditledger

import (
	"context"
	"math/bits"
)

// fetch loads everything that a request names, and finds out whether its customer is
// deleted.
func (l *Ledger) fetch(ctx context.Context, s *slot, r *request) error {
	if !r.plain {
		if err := s.fetch(ctx, l.store, r.op); err != nil {
			return err
		}
		if err := l.findCharges(ctx, s, r); err != nil {
			return err
		}
	}
	return l.refuseDeleted(ctx, s, r)
}

// findCharges loads the charges that a request's operations take back: what each drew,
// the blocks that it drew from, and how much of each entry was taken back before. It
// leaves out a charge that the account does not have. The step refuses that one in its
// turn.
func (l *Ledger) findCharges(ctx context.Context, s *slot, r *request) error {
	if r.rare != nil {
		r.rare.charges = nil
	}
	var one [1]Operation
	ops := operations(r.op, &one)
	for i := range ops {
		op, ok := ops[i].(Reverse)
		if !ok {
			continue
		}
		rare := r.own()
		if rare.charges == nil {
			rare.charges = make([]*charge, len(ops))
		}
		rec, err := l.chargeRecord(ctx, s, &op)
		if err == nil && rec != nil && rec.Seq > s.storedVersion() {
			err = s.behind()
		} else if err == nil && rec != nil {
			rare.charges[i], err = s.account.bring(rec, l.historyOf(ctx, s.id))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// historyOf reads what the store has of an account.
func (l *Ledger) historyOf(ctx context.Context, id AccountID) history {
	return history{
		record: func(seq uint64) (*OpRecord, error) { return l.record(ctx, id, seq) },
		blocks: func(numbers []uint64) ([]Block, error) { return l.store.BlocksByNumber(ctx, id, numbers) },
		rows:   func(keys []string) ([]Row, error) { return l.store.RowsByKey(ctx, id, RowReversal, keys) },
	}
}

// chargeRecord finds the record that a reversal names; nil if there is none. It waits for
// a record that is on its way to the disk.
func (l *Ledger) chargeRecord(ctx context.Context, s *slot, op *Reverse) (*OpRecord, error) {
	if op.Charge == "" {
		return l.recordWithEntry(ctx, s, op.Entry)
	}
	if f := s.flightOf(op.Charge); f != nil {
		return nil, &redecideError{flight: f}
	}
	return l.recordOf(ctx, s, &request{account: s.id, key: op.Charge})
}

// recordWithEntry finds the record that holds an entry, and reads few records to do so.
// It guesses by proportion, because most records have about as many entries as their
// neighbours. If a guess was far off, it halves the rest.
func (l *Ledger) recordWithEntry(ctx context.Context, s *slot, entry uint64) (*OpRecord, error) {
	head := &s.account.head
	if entry > head.Entries {
		return nil, nil
	}
	low, lowEntry, high, highEntry := uint64(1), uint64(1), head.Version+1, head.Entries+1
	unstored := false
	for half := false; low < high; half = !half {
		at := low + (high-low)/2
		if !half && highEntry > lowEntry {
			over, product := bits.Mul64(high-low, entry-lowEntry) // the entry is before highEntry, so the quotient fits
			share, _ := bits.Div64(over, product, highEntry-lowEntry)
			at = low + min(share, high-low-1)
		}
		records, err := l.store.Journal(ctx, s.id, at, 1, false)
		if err != nil {
			return nil, err
		}
		if len(records) == 0 {
			unstored, high = true, at
			continue
		}
		rec, err := decodeStored(s.id, &records[0])
		switch {
		case err != nil:
			return nil, err
		case entry < rec.FirstEntry:
			high, highEntry = at, rec.FirstEntry
		case entry < rec.FirstEntry+rec.Entries():
			return rec, nil
		default:
			low, lowEntry = at+1, rec.FirstEntry+rec.Entries()
		}
	}
	if f := s.latest(); unstored && f != nil {
		return nil, &redecideError{flight: f}
	}
	return nil, nil
}
