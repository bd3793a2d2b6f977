package creditledger

import "context"

// An act needs several accounts at once, with nothing on its way on any of them. It takes
// them in the order of AccountID.Compare, as every act does, in three steps, so that it
// waits for no one who may wait for it:
//
//  1. It keeps newcomers off each account, and lets go of the account's lock. Who comes to
//     change the account waits; what was decided before lands, or is decided afresh.
//  2. It waits for that on each account, with none locked.
//  3. It locks them all. Everybody else locks one at a time, so each lock is free soon.
//
// Without the first step, an account that is never idle would keep an act waiting for ever.

// lock locks the accounts of the act, with nothing in the air on them. What it took so far,
// letGo gives back.
func (a *joint) lock(ctx context.Context) error {
	l := a.ledger
	a.keeps = &keeper{done: make(chan struct{})}
	for _, p := range a.parts {
		s, err := l.acquireToChange(ctx, p.request.account)
		if err != nil {
			return err
		}
		p.slot = s
		s.kept.Store(a.keeps)
		l.cache.unlockHeld(s)
	}
	for _, p := range a.parts {
		if err := l.awaitIdle(ctx, p.slot); err != nil {
			return err
		}
	}
	for _, p := range a.parts {
		if err := l.cache.lockAgain(ctx, p.slot); err != nil {
			return err
		}
		p.locked = true
	}
	return nil
}

// awaitIdle returns when nothing is in the air on an account that newcomers are kept off.
func (l *Ledger) awaitIdle(ctx context.Context, s *slot) error {
	for {
		if err := l.cache.lockAgain(ctx, s); err != nil {
			return err
		}
		void, f := s.toRedecide, s.latest()
		l.cache.unlockHeld(s)
		var err error
		switch {
		case void != nil:
			err = l.awaitRedecided(ctx, s, void, void.done)
		case f != nil:
			err = l.commit.await(ctx, f)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// letGo gives back what lock took, and waits for nobody.
func (a *joint) letGo() {
	for _, p := range a.parts {
		s := p.slot
		if s == nil {
			continue
		}
		if p.decision != nil {
			p.decision.free()
			p.decision = nil
		}
		s.kept.Store(nil)
		if p.locked {
			a.ledger.cache.release(s)
		} else {
			a.ledger.cache.leave(s)
		}
		p.slot, p.locked = nil, false
	}
	close(a.keeps.done)
}
