package creditledger

import (
	"context"
	"errors"
	"slices"
)

// ids are the accounts of an operation, in the order in which an act takes them.
func (f *fate) ids() []AccountID {
	ids := []AccountID{f.id()}
	if f.with != nil {
		ids = append(ids, AccountID{Customer: string(rune('a' + *f.with))})
		slices.SortFunc(ids, AccountID.Compare)
	}
	return ids
}

// act is the ledger's joint.do: it is decided by its caller alone, as often as it takes.
func (w *stage) act(a *actor, f *fate) error {
	if err := w.commit.admit(f.call); err != nil {
		return err
	}
	for {
		flights, err := w.decideAct(a, f)
		if err != nil {
			return err
		}
		w.stop(a, "wait", nil)
		for _, flight := range flights {
			if err := w.commit.await(f.call, flight); err != nil {
				return err
			}
		}
		err = flights[0].err
		if !errors.Is(err, ErrConflict) || f.attempts == mostAttempts {
			return err
		}
		if f.call.Err() != nil {
			return f.call.Err()
		}
		w.seen["act decided afresh"]++
	}
}

// decideAct is joint.decided: lock, decide, queue, letGo.
func (w *stage) decideAct(a *actor, f *fate) (flights []*flight, err error) {
	var slots []*slot
	locked := 0
	keeps := &keeper{}
	defer func() {
		for i, s := range slots {
			s.kept.Store(nil)
			if i < locked {
				w.cache.release(s)
			} else {
				w.cache.leave(s)
			}
		}
	}()
	for _, id := range f.ids() {
		s := w.locked(a, id, true)
		s.kept.Store(keeps)
		slots = append(slots, s)
		w.cache.unlockHeld(s)
	}
	for _, s := range slots {
		if err := w.awaitIdle(a, f, s); err != nil {
			return nil, err
		}
	}
	for _, s := range slots {
		w.lockAgain(a, s)
		locked++
	}
	f.attempts++
	var list []*written
	for _, s := range slots {
		if err := s.load(context.Background(), &walkStore{w: w}, nil); err != nil {
			panic(err)
		}
		w.numbered(f, s.id)
		list = append(list, write(s.account, f.name))
	}
	w.stop(a, "queue", nil)
	flights = w.commit.queueAct(slots, list)
	f.last = &attempt{of: f, flight: flights[0]}
	return flights, nil
}

// awaitIdle is Ledger.awaitIdle.
func (w *stage) awaitIdle(a *actor, f *fate, s *slot) error {
	for {
		w.lockAgain(a, s)
		void, flight := s.toRedecide, s.latest()
		w.cache.unlockHeld(s)
		switch {
		case void != nil:
			select {
			case <-void.done:
			case <-f.call.Done():
				return f.call.Err()
			}
		case flight != nil:
			if err := w.commit.await(f.call, flight); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (w *stage) lockAgain(a *actor, s *slot) {
	w.stop(a, "lock "+s.id.Customer, func() bool { return !s.locked })
	w.cache.lockHeld(s)
}
