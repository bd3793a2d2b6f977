package model

import cl "creditledger"

// sweep writes what is due. Its only traces are its entries and the periods that it began.
// So the clock may still go back to the last of these.
func (s *State) sweep(clock cl.Instant) *Result {
	trial := s.clone()
	var last cl.Instant
	for next := trial.nextDue(clock); next != 0; next = trial.nextDue(clock) {
		entries, periods := len(trial.Entries), trial.periods()
		trial.happen(next, clock)
		if len(trial.Entries) > entries || trial.periods() > periods {
			last = next
		}
	}
	if last == 0 {
		return &Result{At: clock}
	}
	s.due(last, clock)
	s.Last = max(s.Last, last)
	return &Result{At: last}
}

// periods counts the periods that schedules have gone past, whatever became of them.
func (s *State) periods() (n int) {
	for _, p := range s.Plans {
		n += p.K
	}
	return n
}

// due writes what becomes due until an instant, one instant after the other. A schedule
// that wants the latest period only takes by for the present.
func (s *State) due(until, by cl.Instant) {
	for next := s.nextDue(until); next != 0; next = s.nextDue(until) {
		s.happen(next, by)
	}
}

// nextDue is the first instant until another at which something is due; 0 for none.
func (s *State) nextDue(until cl.Instant) (next cl.Instant) {
	sooner := func(at cl.Instant) bool { return at != 0 && at <= until && (next == 0 || at < next) }
	for _, h := range s.Holds {
		if h.State == Open && sooner(h.Until) {
			next = h.Until
		}
	}
	for _, b := range s.Blocks {
		if sooner(b.ExpiresAt) && b.Balance.Sign() > 0 && s.free(b).Sign() > 0 {
			next = b.ExpiresAt
		}
	}
	for _, p := range s.Plans {
		if at := p.Next(); sooner(at) {
			next = at
		}
	}
	return next
}

// happen writes what is due at one instant, after everything before it was written: holds
// lapse, schedules carry, the rest expires, schedules grant.
func (s *State) happen(at, by cl.Instant) {
	present, key, ids := s.now, s.key, s.ids
	s.now, s.key, s.ids = at, "", nil
	for _, h := range s.Holds {
		if h.State == Open && h.Until <= at {
			h.State, h.Lapsed = Lapsed, h.Held()
			h.empty()
		}
	}
	var granting []*Plan
	for _, p := range s.Plans {
		if p.comesTo(at, by) && s.fits(p) {
			granting = append(granting, p)
			s.rollOver(p)
		}
	}
	s.expireFreed(&Result{}, nil)
	for _, p := range granting {
		s.grantOf(p, &Result{})
	}
	s.now, s.key, s.ids = present, key, ids
}

// expireFreed writes down what is free on expired blocks, in drawdown order, as entries
// of an operation, or of none.
func (s *State) expireFreed(r *Result, op Operation) {
	for _, b := range s.ordered(func(b *Block) bool { return b.Expired(s.now) && s.free(b).Sign() > 0 }) {
		free := s.free(b)
		s.write(r, op, &Entry{Type: cl.EntryCreditBlockExpiry, Block: b, Amount: free}, func() { b.lapse(free) })
	}
}
