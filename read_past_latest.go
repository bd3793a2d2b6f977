package creditledger

import "context"

// A reader sees the grant of the current period even before it is written. Under
// CatchUpLatest that grant is passed over if nothing is written before the period ends,
// and then no entry tells of it. So if such a schedule was behind at an instant, the
// balance as of that instant is decided again, on the account as it was before.

// passedOver finds the first record that passes over the period of an instant; 0 if there
// is none. Such a record is one of what fell due before an operation at a later instant.
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

// balanceBefore returns the balance at an instant of the account as it was before a
// record. It replays the history up to there.
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
