package creditledger

import (
	"context"
	"fmt"
)

// known returns the first result of an act whose key was used for it before; nil when no
// account knows the key. The first that does, in the order of the operations, decides.
func (a *joint) known(ctx context.Context) (*Result, error) {
	if a.key == "" {
		return nil, nil
	}
	seen := make([]bool, len(a.parts))
	for _, at := range a.order {
		if seen[at.part] {
			continue
		}
		seen[at.part] = true
		p := a.parts[at.part]
		rec, err := a.ledger.recordOf(ctx, p.slot, &p.request)
		if err == nil && rec == nil {
			continue
		}
		var res *Result
		if err == nil {
			res, err = a.replayed(ctx, rec)
		}
		if err != nil {
			return nil, &OperationError{Op: a.describe(), Account: p.request.account, Err: err}
		}
		return res, nil
	}
	return nil, nil
}

// replayed is the first result of the act that a record is of, if it is this one.
func (a *joint) replayed(ctx context.Context, rec *OpRecord) (*Result, error) {
	field := "op"
	if rec.act != nil && isPartOfTransfer(rec.Op) == (a.transfer != nil) {
		records, err := a.ledger.recordsOf(ctx, rec)
		if err != nil {
			return nil, err
		}
		if field = a.differs(records); field == "" {
			return a.ledger.actResult(ctx, records)
		}
	}
	return nil, &IdempotencyMismatchError{Key: a.key, Field: field}
}

// recordsOf reads the records of the act that one of them is of.
func (l *Ledger) recordsOf(ctx context.Context, rec *OpRecord) ([]*OpRecord, error) {
	records := make([]*OpRecord, len(rec.act.parts))
	for i := range rec.act.parts {
		if i == rec.act.index {
			records[i] = rec
			continue
		}
		of := &rec.act.parts[i]
		other, err := l.record(ctx, of.account, of.seq)
		if err == nil && !rec.act.same(other.act) {
			err = &CorruptError{Where: fmt.Sprintf("record %d of %s", of.seq, of.account), Reason: fmt.Sprintf("it is not of the act of record %d of %s", rec.Seq, rec.Account)}
		}
		if err != nil {
			return nil, fmt.Errorf("part %d of %d of an act: %w", i+1, len(records), err)
		}
		records[i] = other
	}
	return records, nil
}

// actResult is the result that an act had.
func (l *Ledger) actResult(ctx context.Context, records []*OpRecord) (*Result, error) {
	results := make([]*Result, len(records))
	for i, rec := range records {
		var err error
		if results[i], err = l.resultOf(ctx, rec); err != nil {
			return nil, err
		}
	}
	res := gathered(records[0], results)
	res.Replayed = true
	return res, nil
}

// differs names the first field in which an act that was done is not this one.
func (a *joint) differs(records []*OpRecord) string {
	order := records[0].act.order
	next := make([]int, len(records))
	if a.transfer != nil {
		from, to := records[order[0]], records[order[1]]
		switch {
		case from.Account != a.transfer.From:
			return "from"
		case to.Account != a.transfer.To:
			return "to"
		}
		return difference(from.Op, from.unsaid(a.on(0).request.op))
	}
	if len(order) != len(a.order) {
		return "operations"
	}
	for i, part := range order {
		rec, p := records[part], a.on(i)
		if rec.Account != p.request.account {
			return "operations"
		}
		asked := operationAt(p.request.op, a.order[i].operation)
		if rec.erased(next[part]) {
			asked = withText(asked, "", nil)
		}
		if difference(operationAt(rec.Op, next[part]), asked) != "" {
			return "operations"
		}
		next[part]++
	}
	return ""
}

func (a *joint) describe() string {
	if a.transfer != nil {
		return describe(a.asked[0].Operation)
	}
	if len(a.asked) == 1 {
		return "act of one operation"
	}
	return fmt.Sprintf("act of %d operations", len(a.asked))
}
