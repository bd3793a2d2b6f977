package creditledger

import "slices"

// thrownAway is what was decided on a slot and is void, oldest first.
type thrownAway struct {
	list []rider
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
	f.aboard = slices.DeleteFunc(f.aboard, func(r rider) bool { return !r.mayBeThrown() })
	thrown := f.aboard
	f.aboard = nil
	if len(thrown) == 0 {
		return
	}
	begun := s.thrown != nil
	if !begun {
		s.thrown = &thrownAway{done: make(chan struct{})}
	}
	for _, r := range thrown {
		r.throwOff(s.thrown, why)
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

// maxAttempts bounds how often an operation is decided afresh because its account
// moved in the store meanwhile.
const maxAttempts = 32

// overIDs reports whether a conflict may be about an id that is in use. It is over the
// account alone then, and if no other process wrote to that, nothing else explains it.
func (e *ConflictError) overIDs() bool {
	return e != nil && len(e.Accounts) > 0 && len(e.Keys) == 0
}

// concerns reports whether a conflict names anything of a change.
func (e *ConflictError) concerns(c *Change) bool {
	if slices.Contains(e.Accounts, c.Account) {
		return true
	}
	return slices.ContainsFunc(c.Records, func(p RecordPut) bool { return slices.Contains(e.Records, p.RecordID) })
}

// of is the part of a conflict that concerns a slot's flight.
func (e *ConflictError) of(s *slot) *ConflictError {
	part := &ConflictError{}
	if slices.Contains(e.Accounts, s.id) {
		part.Accounts = []AccountID{s.id}
	}
	for _, id := range e.Records {
		if s.flying.puts(id) {
			part.Records = append(part.Records, id)
		}
	}
	for _, key := range e.Keys {
		if s.flying.byKey[key] {
			part.Keys = append(part.Keys, key)
		}
	}
	return part
}
