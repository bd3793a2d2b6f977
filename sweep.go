package creditledger

import (
	"context"
	"errors"
	"fmt"
)

// SweepResult counts what a sweep wrote down.
type SweepResult struct {
	Accounts int // that got at least one entry
	Entries  int
}

// Sweep writes down what expired by now in every account. Nothing depends on it: an
// expired block is never counted or drawn, and the account's next operation writes
// the same entries. Several sweeps may run at once, in several processes; an expiry
// is written once. Accounts written before an error stay counted.
func (l *Ledger) Sweep(ctx context.Context) (SweepResult, error) {
	err := l.enter()
	if err != nil {
		return SweepResult{}, err
	}
	defer l.leave()
	var res SweepResult
	var after AccountID
	by, err := l.now()
	if err != nil {
		return SweepResult{}, err
	}
	for {
		due, err := l.store.Due(ctx, by, after, MaxPage)
		if err == nil {
			err = l.sweepAccounts(ctx, due, &res)
		}
		if err != nil {
			return res, fmt.Errorf("sweep: %w", err)
		}
		if len(due) < MaxPage {
			return res, nil
		}
		after = due[len(due)-1]
	}
}

// sweepAccounts decides all accounts of a page before it waits for the first, so
// that they share commits.
func (l *Ledger) sweepAccounts(ctx context.Context, due []AccountID, res *SweepResult) error {
	type swept struct {
		id      AccountID
		entries int
		flight  *flight
	}
	wave := make([]swept, 0, len(due))
	for _, id := range due {
		n, f, err := l.sweepAccount(ctx, id)
		if err != nil {
			return err
		}
		wave = append(wave, swept{id, n, f})
	}
	for _, w := range wave {
		for attempt := 1; w.flight != nil; attempt++ {
			if err := w.flight.wait(ctx); err != nil {
				return &OutcomeUnknownError{Err: err}
			}
			if w.flight.err == nil {
				break
			}
			if !errors.Is(w.flight.err, ErrConflict) || attempt == maxAttempts {
				return w.flight.err
			}
			var err error
			if w.entries, w.flight, err = l.sweepAccount(ctx, w.id); err != nil {
				return err
			}
		}
		if w.entries > 0 {
			res.Accounts++
			res.Entries += w.entries
		}
	}
	return nil
}

// sweepAccount queues what lapsed in one account.
func (l *Ledger) sweepAccount(ctx context.Context, id AccountID) (int, *flight, error) {
	now, err := l.now()
	if err != nil {
		return 0, nil, err
	}
	s, err := l.cache.acquire(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	defer l.cache.release(s)
	if err := s.load(ctx, l.store); err != nil {
		return 0, nil, err
	}
	a := s.account
	due := a.lastDue(max(now, a.head.LastAt))
	if due == 0 {
		return 0, nil, nil
	}
	// The record's instant is that of its last entry, and what it leaves behind has
	// to hold at that instant, not at a later one.
	a.moveTo(due)
	entries := len(a.lapsed)
	d := decision{request: &request{account: id}, account: a, ids: &l.ids}
	if err := d.expire(); err != nil {
		d.takeBack()
		return 0, nil, err
	}
	f, _ := l.commit.queue(s, &d, false)
	return entries, f, nil
}
