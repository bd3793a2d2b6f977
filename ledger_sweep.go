package creditledger

import (
	"context"
	"errors"
	"fmt"
)

// SweepResult counts what a sweep wrote down.
type SweepResult struct {
	Accounts int `json:"accounts"` // that got at least one entry
	Entries  int `json:"entries"`
	Failed   int `json:"failed,omitempty"` // accounts that could not be swept, and are due still
}

// SweepError says which accounts could not be swept. What was not written in them is due
// still. It matches what any of its failures matches.
type SweepError struct {
	Failed   int     // how many
	Failures []error // the first MaxSweepFailures of them: OperationErrors
}

// MaxSweepFailures is how many failures a SweepError holds at most.
const MaxSweepFailures = 100

func (e *SweepError) Error() string {
	if e.Failed == 1 {
		return e.Failures[0].Error()
	}
	return fmt.Sprintf("%d accounts could not be swept, the first: %v", e.Failed, e.Failures[0])
}

// Unwrap returns the failures.
func (e *SweepError) Unwrap() []error { return e.Failures }

// Sweep writes down what expired by now in every account. Nothing depends on it: an
// expired block is never counted or drawn, and the account's next operation writes
// the same entries. Several sweeps may run at once, in several processes; an expiry
// is written once.
//
// An account that is damaged, or that others keep writing to, does not stop a sweep: it
// goes on, counts it, and returns a SweepError in the end. Any other error ends it, one of
// the store for example, or of ctx. Accounts written before an error stay counted. Sweep
// waits for what was submitted before.
func (l *Ledger) Sweep(ctx context.Context) (SweepResult, error) {
	err := l.enter()
	if err != nil {
		return SweepResult{}, err
	}
	defer l.leave()
	if err := l.awaitBegun(ctx); err != nil {
		return SweepResult{}, fmt.Errorf("sweep: %w", err)
	}
	var s sweep
	var after DueAccount
	by, err := l.now()
	if err != nil {
		return SweepResult{}, err
	}
	for {
		due, err := l.store.Due(ctx, by, after, MaxPage)
		if err == nil {
			err = l.sweepAccounts(ctx, due, &s)
		}
		if err != nil {
			return s.res, fmt.Errorf("sweep: %w", err)
		}
		if len(due) < MaxPage {
			break
		}
		last := due[len(due)-1]
		if after.Compare(last) >= 0 {
			return s.res, fmt.Errorf("sweep: %w", standsStill("accounts that are due"))
		}
		after = last
	}
	return s.end()
}

// SweepAccount is Sweep for one account: a Balance that follows says what its entries say.
func (l *Ledger) SweepAccount(ctx context.Context, on AccountID) (SweepResult, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return SweepResult{}, err
	}
	defer l.leave()
	var s sweep
	if err := l.awaitBegunOn(ctx, on); err != nil {
		return s.res, fmt.Errorf("sweep: %w", err)
	}
	if err := l.sweepAccounts(ctx, []DueAccount{{Account: on}}, &s); err != nil {
		return s.res, fmt.Errorf("sweep: %w", err)
	}
	return s.end()
}

// SweepCustomer is Sweep for all accounts of a customer.
func (l *Ledger) SweepCustomer(ctx context.Context, customer string) (SweepResult, error) {
	err := l.reading(ctx, &AccountID{Customer: customer})
	if err != nil {
		return SweepResult{}, err
	}
	defer l.leave()
	var s sweep
	err = l.eachAccountOf(ctx, customer, func(on AccountID) error {
		return l.sweepAccounts(ctx, []DueAccount{{Account: on}}, &s)
	})
	if err != nil {
		return s.res, fmt.Errorf("sweep: %w", err)
	}
	return s.end()
}

// sweep is what a sweep did so far.
type sweep struct {
	res      SweepResult
	failures []error
}

// end returns the outcome of a sweep that came to its end.
func (s *sweep) end() (SweepResult, error) {
	if s.res.Failed > 0 {
		return s.res, fmt.Errorf("sweep: %w", &SweepError{Failed: s.res.Failed, Failures: s.failures})
	}
	return s.res, nil
}

// failed counts an account that could not be swept. It returns the error if it is about
// more than that account.
func (s *sweep) failed(id AccountID, err error) error {
	switch {
	case errors.Is(err, ErrOutcomeUnknown), errors.Is(err, ErrPoisoned), errors.Is(err, ErrClosed):
		return err
	case !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrConflict):
		return err
	}
	s.res.Failed++
	if len(s.failures) < MaxSweepFailures {
		s.failures = append(s.failures, &OperationError{Op: "sweep", Account: id, Err: err})
	}
	return nil
}

// sweepAccounts decides all accounts of a page before it waits for the first, so
// that they share commits. It returns the first error that ends the sweep; what was
// written all the same is counted.
func (l *Ledger) sweepAccounts(ctx context.Context, due []DueAccount, s *sweep) error {
	wave := make([]swept, 0, len(due))
	var end error
	for _, d := range due {
		w, err := l.sweepAccount(ctx, d.Account, 0)
		if err != nil {
			if end = s.failed(d.Account, err); end != nil {
				break
			}
			continue
		}
		wave = append(wave, w)
	}
	for _, w := range wave {
		entries, err := l.landed(ctx, w)
		if entries > 0 {
			s.res.Accounts++
			s.res.Entries += entries
		}
		if err != nil {
			// Report the unknown outcome, not what the store refused because of it.
			if failed := s.failed(w.id, err); end == nil || errors.Is(failed, ErrOutcomeUnknown) {
				end = failed
			}
		}
	}
	return end
}

// swept is what a sweep queued for one account.
type swept struct {
	id     AccountID
	by     Instant      // the instant up to which to sweep, if it is later than the present
	pieces []sweptPiece // none: nothing to wait for
}

// sweptPiece is what one flight brings of a sweep.
type sweptPiece struct {
	flight  *flight
	entries int
}

// written returns how many entries are durable.
func (w *swept) written() int {
	entries := 0
	for _, p := range w.pieces {
		if p.flight.hasLanded() && p.flight.err == nil {
			entries += p.entries
		}
	}
	return entries
}

// landed waits until the piece is durable. It returns how many entries were written, also
// with an error.
func (l *Ledger) landed(ctx context.Context, w swept) (entries int, err error) {
	for attempt := 1; len(w.pieces) > 0; attempt++ {
		last := w.pieces[len(w.pieces)-1].flight
		err := l.commit.await(ctx, last)
		entries += w.written()
		if err != nil {
			return entries, &OutcomeUnknownError{Err: err}
		}
		if last.err == nil {
			break
		}
		if !errors.Is(last.err, ErrConflict) || attempt == maxAttempts {
			return entries, last.err
		}
		if w, err = l.sweepAccount(ctx, w.id, w.by); err != nil {
			return entries, err
		}
	}
	return entries, nil
}

// sweepAccount queues what fell due in one account by the present, or by a later instant,
// once there is room for it in the air.
func (l *Ledger) sweepAccount(ctx context.Context, id AccountID, by Instant) (swept, error) {
	w := swept{id: id, by: by}
	if err := l.commit.admit(ctx); err != nil {
		return w, err
	}
	s, err := l.acquireToChange(ctx, id)
	if err != nil {
		return w, err
	}
	defer l.cache.release(s)
	if err := s.load(ctx, l.store, l.cache.locking); err != nil {
		return w, err
	}
	now, err := l.now()
	if err != nil {
		return w, err
	}
	a := s.account
	at := max(now, by, a.head.LastAt)
	if !a.grantsBy(at) {
		due := a.lastDue(at)
		if due == 0 {
			return w, nil
		}
		a.moveTo(due)
	}
	r := request{account: id}
	if r.settings, err = l.storedSettings(ctx); err != nil {
		return w, err
	}
	if r.bits, err = l.ids.draw(); err != nil {
		return w, err
	}
	l.saltGrants(a, &r, at)
	s.makeRoom(l.expiries, at)
	d := newDecision(l, &r, a)
	defer d.free()
	entries := a.head.Entries
	s.deciding = true
	err = d.sweep(at)
	s.deciding = false
	if err != nil {
		d.takeBack()
		return w, err
	}
	last := int(a.head.Entries - entries)
	for _, f := range d.pieces {
		w.pieces = append(w.pieces, sweptPiece{flight: f, entries: f.expired})
		last -= f.expired
	}
	if len(d.records) > 0 {
		f, _ := l.commit.queue(s, &d.written, d.pieces, false)
		w.pieces = append(w.pieces, sweptPiece{flight: f, entries: last})
	}
	return w, nil
}
