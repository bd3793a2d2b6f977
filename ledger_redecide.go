package creditledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// thrownAway is what was decided on a slot and is void, oldest first.
type thrownAway struct {
	list []*Pending
	done chan struct{} // closed when all of it is decided afresh or dropped
	turn chan struct{} // of a JoinedStore: its token is whose turn it is to decide; nil: a goroutine does
}

// spoil drops the account and what was decided on it and not taken yet, after
// something went wrong that cannot be taken back.
func (c *cache) spoil(s *slot) {
	s.account, s.deciding = nil, false
	var queued []*flight
	for s.queued != nil {
		queued = append(queued, s.pop())
	}
	for _, f := range slices.Backward(queued) {
		c.throw(f, nil)
		f.land(&ConflictError{Accounts: []AccountID{s.id}})
		c.landed(f)
	}
}

// throw throws away what a flight carried. It comes before what was thrown away earlier
// and is still not decided afresh: that would have been first otherwise. The conflict, if
// that is why, tells which keys are in use. What was tried too often is not tried again.
func (c *cache) throw(f *flight, why *ConflictError) {
	s := f.slot
	f.aboard = slices.DeleteFunc(f.aboard, func(p *Pending) bool { return p.attempt >= maxAttempts })
	thrown := f.aboard
	f.aboard = nil
	if len(thrown) == 0 {
		return
	}
	begun := s.thrown != nil
	if !begun {
		s.thrown = &thrownAway{done: make(chan struct{})}
	}
	for _, p := range thrown {
		p.decided, p.thrown, p.why = make(chan struct{}), s.thrown, why
	}
	s.thrown.list = slices.Concat(thrown, s.thrown.list)
	if begun {
		return
	}
	c.mu.Lock()
	s.users++
	if c.afresh == nil {
		c.afresh = map[*slot]struct{}{}
	}
	c.afresh[s] = struct{}{}
	c.mu.Unlock()
	c.redecide(s)
}

// redecided ends what throw began.
func (c *cache) redecided(s *slot) {
	close(s.thrown.done)
	s.thrown = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.afresh, s)
	s.users--
}

// overIDs reports whether a conflict may be about an id that is in use. It is over the
// account alone then, and if no other process wrote to that, nothing else explains it.
func (e *ConflictError) overIDs() bool {
	return e != nil && len(e.Accounts) > 0 && len(e.Keys) == 0
}

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
	if first := s.thrown.list[0]; first != d.stale {
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

// settle waits until whatever was begun before is durable, or has failed. Who looks at
// what is stored, and not at one account, sees it then.
func (l *Ledger) settle(ctx context.Context) error {
	for _, id := range l.cache.aloft() {
		if err := l.settleAccount(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) settleAccount(ctx context.Context, id AccountID) error {
	for range maxAttempts {
		s, err := l.acquire(ctx, id)
		if err != nil {
			return err
		}
		f := s.latest()
		l.cache.release(s)
		if f == nil {
			return nil
		}
		if err := l.commit.await(ctx, f); err != nil {
			return err
		}
		if f.err == nil {
			return nil
		}
	}
	return &ConflictError{Accounts: []AccountID{id}}
}
