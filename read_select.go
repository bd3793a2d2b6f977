package creditledger

import (
	"context"
	"slices"
)

// narrow limits a scan to the records and the block that a query names. If it names
// something that does not exist, no record is left.
func (s *entryScan) narrow(ctx context.Context, head *Head) error {
	if s.q.BlockID != "" {
		b, err := s.ledger.store.Block(ctx, s.on, s.q.BlockID)
		if isNotFound(err) {
			s.to = 0
			return nil
		}
		if err != nil {
			return err
		}
		s.block = b.Number
	}
	if s.q.Key != "" {
		seq, err := s.recordOfKey(ctx, head.Version)
		if err != nil {
			return err
		}
		if s.from, s.to = seq, min(seq, head.Version); seq == 0 {
			s.from = 1
		}
	}
	return s.narrowToEntries(ctx, head)
}

// recordOfKey finds the record that the key stands for, 0: none.
func (s *entryScan) recordOfKey(ctx context.Context, last uint64) (uint64, error) {
	seq, err := s.ledger.store.KeySeq(ctx, s.on, s.q.Key)
	if err != nil || seq != 0 {
		return seq, err
	}
	seq, id, ok := s.q.Key.generated()
	if !ok || seq > last {
		return 0, nil
	}
	rec, err := s.ledger.recordMade(ctx, s.on, seq, id)
	if err != nil || rec == nil {
		return 0, err
	}
	return seq, nil
}

// narrowToEntries leaves the records that hold the entries between two numbers.
func (s *entryScan) narrowToEntries(ctx context.Context, head *Head) error {
	holder := func(entry uint64) (uint64, error) {
		after, err := s.ledger.firstRecord(ctx, s.on, head.Version, func(rec *OpRecord) bool { return rec.FirstEntry > entry })
		return after - 1, err
	}
	if s.q.FromSeq > head.Entries {
		s.to = 0
		return nil
	}
	if s.q.FromSeq > 1 {
		first, err := holder(s.q.FromSeq)
		if err != nil {
			return err
		}
		s.from = max(s.from, first)
	}
	if s.q.UntilSeq != 0 && s.q.UntilSeq < head.Entries {
		last, err := holder(s.q.UntilSeq)
		if err != nil {
			return err
		}
		s.to = min(s.to, last)
	}
	return nil
}

// mayConcern reports whether an operation can have an entry of the item and the invoice.
func (q *EntriesQuery) mayConcern(op Operation) bool {
	switch op := op.(type) {
	case Increment:
		return q.ItemID == "" && (q.InvoiceID == "" || q.InvoiceID == op.InvoiceID)
	case Decrement:
		return (q.ItemID == "" || q.ItemID == op.ItemID) && (q.InvoiceID == "" || q.InvoiceID == op.InvoiceID)
	}
	return true
}

// concerns reports whether an entry is of the item and the invoice.
func (q *EntriesQuery) concerns(e *Entry) bool {
	return (q.ItemID == "" || q.ItemID == e.ItemID) &&
		(q.InvoiceID == "" || q.InvoiceID == e.InvoiceID || slices.Contains(e.CreatedInvoices, q.InvoiceID))
}
