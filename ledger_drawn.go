package creditledger

import "context"

// Drawn is what one decrement entry of a charge drew.
type Drawn struct {
	Entry     uint64 // its sequence number
	BlockID   string
	InvoiceID string // of the decrement
	Amount    Amount
	Left      Amount // of it, what was not taken back yet: no more of it goes back by a Reverse
}

// Drawn lists what a Reverse would take back: what the charge or the entry that it names
// drew, the last drawn first, and what is left of that. Its amount does not matter. A
// NotFoundError when the account has no such charge that drew anything, or no such entry; a
// ConstraintError for an entry that is no decrement.
// Rule: docs/semantics/past.md, "Reverse".
func (l *Ledger) Drawn(ctx context.Context, on AccountID, by Reverse) ([]Drawn, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if err := by.check(); err != nil {
		return nil, err
	}
	var list []Drawn
	err = l.readDurable(ctx, on, func(s *slot, _ Instant) error {
		var err error
		list, err = l.drawnBy(ctx, s, &by)
		return err
	})
	return list, err
}

func (l *Ledger) drawnBy(ctx context.Context, s *slot, by *Reverse) ([]Drawn, error) {
	rec, err := l.chargeRecord(ctx, s, by)
	if err == nil && rec != nil && rec.Seq > s.storedVersion() {
		err = s.behind()
	}
	if err != nil {
		return nil, err
	}
	a, found := s.account, (*charge)(nil)
	if rec != nil {
		if found, err = a.bring(rec, l.historyOf(ctx, s.id)); err != nil {
			return nil, err
		}
	}
	drawn, err := found.of(by, a.head.Entries)
	if err != nil {
		return nil, err
	}
	list := make([]Drawn, len(drawn))
	for i, d := range drawn {
		list[i] = Drawn{Entry: d.entry, BlockID: d.block.ID, InvoiceID: rec.invoiceOf(d.entry), Amount: d.amount, Left: a.leftOf(d)}
	}
	return list, nil
}

// invoiceOf is the invoice for which one of a record's entries was drawn.
func (r *OpRecord) invoiceOf(entry uint64) string {
	var one [1]Operation
	ops, first := operations(r.Op, &one), r.FirstEntry
	for i := range r.Effects {
		if first += uint64(len(r.Effects[i].Lines)); entry < first && i < len(ops) {
			op, _ := ops[i].(Decrement)
			return op.InvoiceID
		}
	}
	return ""
}
