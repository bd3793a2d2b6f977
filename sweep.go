package creditledger

import (
	"cmp"
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
// that they share commits. It returns the first error; what was written all the same
// is counted.
func (l *Ledger) sweepAccounts(ctx context.Context, due []AccountID, res *SweepResult) error {
	wave := make([]swept, 0, len(due))
	var failed error
	for _, id := range due {
		w, err := l.sweepAccount(ctx, id)
		if err != nil {
			failed = err
			break
		}
		wave = append(wave, w)
	}
	for _, w := range wave {
		entries, err := l.landed(ctx, w)
		if err != nil {
			failed = cmp.Or(failed, err)
			continue
		}
		if entries > 0 {
			res.Accounts++
			res.Entries += entries
		}
	}
	return failed
}

// swept is what a sweep queued for one account.
type swept struct {
	id      AccountID
	entries int
	flight  *flight // nil: nothing to wait for
}

// landed waits until it is durable, and returns how many entries it was in the end.
func (l *Ledger) landed(ctx context.Context, w swept) (entries int, err error) {
	for attempt := 1; w.flight != nil; attempt++ {
		if err := l.commit.await(ctx, w.flight); err != nil {
			return 0, &OutcomeUnknownError{Err: err}
		}
		if w.flight.err == nil {
			break
		}
		if !errors.Is(w.flight.err, ErrConflict) || attempt == maxAttempts {
			return 0, w.flight.err
		}
		if w, err = l.sweepAccount(ctx, w.id); err != nil {
			return 0, err
		}
	}
	return w.entries, nil
}

// sweepAccount queues what lapsed in one account.
func (l *Ledger) sweepAccount(ctx context.Context, id AccountID) (swept, error) {
	w := swept{id: id}
	now, err := l.now()
	if err != nil {
		return w, err
	}
	s, err := l.cache.acquire(ctx, id)
	if err != nil {
		return w, err
	}
	defer l.cache.release(s)
	if err := s.load(ctx, l.store); err != nil {
		return w, err
	}
	a := s.account
	due := a.lastDue(max(now, a.head.LastAt))
	if due == 0 {
		return w, nil
	}
	// The record's instant is that of its last entry, and what it leaves behind has
	// to hold at that instant, not at a later one.
	a.moveTo(due)
	w.entries = len(a.lapsed)
	d := decision{request: &request{account: id}, account: a, ids: &l.ids}
	if err := s.decide(d.expire); err != nil {
		d.takeBack()
		return w, err
	}
	w.flight, _ = l.commit.queue(s, &d, false)
	return w, nil
}
