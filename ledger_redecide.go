package creditledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// When a commit fails, what was decided on top of it is void, and after a conflict what
// it carried too: it was decided on an account that is otherwise by now. All of that is
// thrown away and decided afresh at once, in the order in which it was submitted, by a
// goroutine of the slot. Nobody has to wait for it, and nothing else happens on the
// account before: whoever comes to a slot with something thrown away waits until that is
// decided. What cannot be decided afresh, because the store does not answer, is dropped:
// it was never written, and whoever still waits for it is told why.
//
// There are two exceptions. Only its caller may run an Attach, so the caller decides that
// operation afresh, and if nobody waits any more it is dropped. And over a JoinedStore,
// which nothing may touch in the background, whoever waits decides.

// redecidePatience bounds what the store may take to answer for one decision.
const redecidePatience = 10 * time.Second

// redecision is the decision of one operation afresh.
type redecision struct {
	stale, next *Pending
	newIDs      bool        // it needs other ids than it had
	begun       uint64      // flights that had been sent when it began
	again       *againError // what it waited for last
}

// beginRedecide has what was just thrown away on a locked slot decided afresh.
func (l *Ledger) beginRedecide(s *slot) {
	if l.commit.joined() {
		s.thrown.turn = make(chan struct{}, 1)
		return
	}
	l.commit.enter()
	go func() {
		defer l.commit.leave()
		_ = l.redecide(context.Background(), s) // which never ends
	}()
}

// awaitRedecided returns when something that was thrown away is decided, or with ctx's
// error.
func (l *Ledger) awaitRedecided(ctx context.Context, s *slot, t *thrownAway, decided <-chan struct{}) error {
	select {
	case <-decided:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case t.turn <- struct{}{}: // never, unless joined
	}
	defer func() { <-t.turn }()
	return l.redecide(ctx, s)
}

// redecide decides afresh all that was thrown away on a slot. Its error is ctx's.
func (l *Ledger) redecide(ctx context.Context, s *slot) error {
	var d redecision
	for {
		more, err := l.redecideFirst(ctx, s.id, &d)
		if err == nil && d.again != nil {
			err = l.commit.await(ctx, d.again.flight)
		}
		if err != nil || !more {
			return err
		}
	}
}

// redecideFirst decides the first of what was thrown away on an account; false when
// nothing is left. It may have to wait for a flight, and then is called again: by then
// what that flight carried may have been thrown away too, and comes first.
func (l *Ledger) redecideFirst(ctx context.Context, id AccountID, d *redecision) (more bool, err error) {
	s, err := l.cache.acquire(ctx, id)
	if err != nil {
		return false, err
	}
	defer l.cache.release(s)
	if s.thrown == nil {
		return false, nil
	}
	if len(s.thrown.list) == 0 {
		l.cache.redecided(s)
		return false, nil
	}
	if first := s.thrown.list[0].(*Pending); first != d.stale {
		*d = redecision{stale: first, next: first.afresh(first.why), newIDs: first.why.overIDs(), begun: l.commit.sent.Load()}
	}
	err = l.redecideOn(ctx, s, d)
	if d.again = nil; errors.As(err, &d.again) {
		return true, nil
	}
	if err != nil && ctx.Err() != nil {
		return false, ctx.Err()
	}
	s.thrown.list[0] = nil
	s.thrown.list = s.thrown.list[1:]
	d.stale.next = d.next
	if err != nil {
		d.stale.err = attempted(d.stale.request.op, d.stale.request.account, err)
	}
	close(d.stale.decided)
	*d = redecision{}
	return true, nil
}

// redecideOn is decideOn for a redecision. A panic of the caller's clock is an error
// here, where no caller is.
func (l *Ledger) redecideOn(ctx context.Context, s *slot, d *redecision) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("deciding it afresh panicked: %v", p)
		}
	}()
	if d.again.stands(d.begun) {
		return d.again.refusal
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

// acquire returns the account's slot, locked, with nothing on it that is to be decided
// afresh.
func (l *Ledger) acquire(ctx context.Context, id AccountID) (*slot, error) {
	for {
		s, err := l.cache.acquire(ctx, id)
		if err != nil || s.thrown == nil {
			return s, err
		}
		t := s.thrown
		l.cache.release(s)
		if err := l.awaitRedecided(ctx, s, t, t.done); err != nil {
			return nil, err
		}
	}
}
