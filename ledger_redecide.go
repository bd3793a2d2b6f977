package creditledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// When a commit fails, what was decided on top of it is void. After a conflict, what the
// commit carried is void too, because the account has changed meanwhile. All of it is
// queued on the slot and decided afresh at once, in the order in which it was submitted, by
// a goroutine. Nobody has to wait for it, and nothing else happens on the account before:
// whoever comes to the slot waits until the queue is empty. What cannot be decided afresh,
// because the store does not answer, is dropped. It was never written, and whoever waits
// for it is told why.
//
// There are two exceptions. Only the caller may run an Attach, so the caller decides that
// operation afresh, and it is dropped when nobody waits for it. Nothing may touch a
// JoinedStore in the background, so there whoever waits decides.

// redecidePatience bounds what the store may take to answer for one decision.
const redecidePatience = 10 * time.Second

// redecision is the decision of one operation afresh.
type redecision struct {
	replaced, next *Pending
	newIDs         bool           // its ids may be in use
	begun          uint64         // how many flights had been sent when the redecision began
	waited         *redecideError // what the operation waited for last
	behind         int            // how often the account in memory was behind the store
}

// beginRedecide starts deciding afresh what was just queued on a locked slot.
func (l *Ledger) beginRedecide(s *slot) {
	if l.commit.joined() {
		s.toRedecide.turn = make(chan struct{}, 1)
		return
	}
	l.commit.beginDeciding()
	go func() {
		defer l.commit.endDeciding()
		_ = l.redecide(context.Background(), s) // which never ends
	}()
}

// awaitRedecided returns when decided is closed, or with ctx's error. Over a JoinedStore
// it decides.
func (l *Ledger) awaitRedecided(ctx context.Context, s *slot, t *redecideQueue, decided <-chan struct{}) error {
	select {
	case <-decided:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case t.turn <- struct{}{}: // only over a JoinedStore
	}
	defer func() { <-t.turn }()
	return l.redecide(ctx, s)
}

// redecide decides afresh all that is queued on a slot. Its error is ctx's.
func (l *Ledger) redecide(ctx context.Context, s *slot) error {
	var d redecision
	for {
		more, err := l.redecideFirst(ctx, s.id, &d)
		if err == nil && d.waited != nil && d.waited.flight != nil {
			err = l.commit.await(ctx, d.waited.flight)
		}
		if err != nil || !more {
			return err
		}
	}
}

// redecideFirst decides afresh the first operation of an account's queue. It returns false
// when the queue is empty. When the operation has to wait for a flight, it is called again
// after that: by then what the flight carried may be in the queue too, and comes first.
func (l *Ledger) redecideFirst(ctx context.Context, id AccountID, d *redecision) (more bool, err error) {
	s, err := l.cache.acquire(ctx, id)
	if err != nil {
		return false, err
	}
	defer l.cache.release(s)
	if s.toRedecide == nil {
		return false, nil
	}
	if len(s.toRedecide.list) == 0 {
		l.cache.endRedecide(s)
		return false, nil
	}
	if first := s.toRedecide.list[0].(*Pending); first != d.replaced {
		*d = redecision{replaced: first, next: first.afresh(first.void.why), newIDs: first.void.why.overIDs(), begun: l.commit.sent.Load()}
	}
	err = l.redecideOn(ctx, s, d)
	if d.waited = nil; errors.As(err, &d.waited) {
		if d.waited.flight != nil {
			return true, nil
		}
		if err = l.awaitAfresh(ctx, id, d.waited, &d.behind); err == nil {
			return true, nil
		}
		d.waited = nil
	}
	if err != nil && ctx.Err() != nil {
		return false, ctx.Err()
	}
	s.toRedecide.list[0] = nil
	s.toRedecide.list = s.toRedecide.list[1:]
	d.replaced.void.next = d.next
	if err != nil {
		d.replaced.void.err = attempted(d.replaced.request.op, d.replaced.request.account, err)
	}
	close(d.replaced.void.decided)
	*d = redecision{}
	return true, nil
}

// redecideOn is decideOn for a redecision. It turns a panic of the clock into an error,
// because no caller is there to get it.
func (l *Ledger) redecideOn(ctx context.Context, s *slot, d *redecision) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("deciding it afresh panicked: %v", p)
		}
	}()
	if d.waited.refusalHolds(d.begun) {
		return d.waited.refusal
	}
	ctx, cancel := context.WithTimeout(ctx, redecidePatience)
	defer cancel()
	if d.newIDs {
		if d.next.request.bits, err = l.ids.draw(); err != nil {
			return err
		}
		d.newIDs = false
	}
	return l.decideOn(ctx, s, d.next)
}

// acquireToChange is acquire for a new operation. It also waits while an act keeps
// newcomers off the account.
func (l *Ledger) acquireToChange(ctx context.Context, id AccountID) (*slot, error) {
	for {
		s, err := l.acquire(ctx, id)
		if err != nil {
			return nil, err
		}
		kept := s.kept.Load()
		if kept == nil {
			return s, nil
		}
		l.cache.release(s)
		select {
		case <-kept.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// acquire returns the account's slot, locked, once nothing on it has to be decided
// afresh.
func (l *Ledger) acquire(ctx context.Context, id AccountID) (*slot, error) {
	for {
		s, err := l.cache.acquire(ctx, id)
		if err != nil || s.toRedecide == nil {
			return s, err
		}
		t := s.toRedecide
		l.cache.release(s)
		if err := l.awaitRedecided(ctx, s, t, t.done); err != nil {
			return nil, err
		}
	}
}
