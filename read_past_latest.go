package creditledger

import "context"

// A reader is told the grant of the period that is. Under CatchUpLatest that grant is passed
// over if nothing is written before the period ends, and no entry tells of it. So a balance
// as of an instant at which such a schedule was behind is decided again, on the account as
// it was before.

// passedOver finds the first record that passes over a period in which an instant lies; 0
// when there is none. Such records stand among those of what fell due, in front of an
// operation at a later instant.
func (l *Ledger) passedOver(ctx context.Context, on AccountID, p *present, at Instant) (first uint64, err error) {
	err = l.eachBack(ctx, on, p, func(rec *OpRecord) (bool, error) {
		ops, due := rec.Op.(fallenDue)
		if _, expires := rec.Op.(expire); !due && !expires {
			return rec.At > at, nil
		}
		for _, op := range ops {
			b, ok := op.(begin)
			end := b.Next
			if end == 0 {
				end = b.Until
			}
			if ok && b.Empty && b.Until > rec.At && rec.At <= at && at < end {
				first = rec.Seq
			}
		}
		return true, nil
	})
	return first, err
}

// balanceBefore is the balance at an instant of the account as it was before a record, which
// takes a replay of its history.
func (l *Ledger) balanceBefore(ctx context.Context, on AccountID, record uint64, q BalanceQuery) (Balance, error) {
	v := newVerifier(newVerification(l, nil), on, false)
	err := l.store.Snapshot(ctx, on, func(s Snapshot) error {
		for v.replay.head.Version+1 < record {
			left := record - 1 - v.replay.head.Version
			records, err := s.Journal(ctx, v.replay.head.Version+1, int(min(left, verifyPage)))
			if err == nil && len(records) == 0 {
				err = v.violation("sequence", "record %d is missing", v.replay.head.Version+1)
			}
			for i := 0; i < len(records) && err == nil; i++ {
				if err = ctx.Err(); err == nil {
					err = v.record(ctx, s, &records[i])
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Balance{}, err
	}
	settings, err := l.freshSettings(ctx)
	if err != nil {
		return Balance{}, err
	}
	a := v.replay
	d := newDecision(l, &request{account: on, settings: settings}, a)
	defer d.free()
	if err := d.catchUp(max(q.At, a.head.LastAt)); err != nil {
		return Balance{}, err
	}
	return Balance{Total: a.total, Available: a.available(q.Charge), Held: a.held(), AsOf: q.At}, nil
}
