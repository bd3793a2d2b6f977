package creditledger

import "slices"

// redecideQueue has the operations of a slot that are void and have to be decided afresh,
// oldest first.
type redecideQueue struct {
	list []rider
	done chan struct{} // closed when all of them are decided afresh or dropped
	turn chan struct{} // of a JoinedStore: whoever holds the token decides; nil: a goroutine does
}

// redecideError asks to decide a request afresh once a flight has landed. Without a
// flight, it asks to decide on the account as the store has it now. With a refusal, the
// request is decided afresh only if the flight did not arrive.
type redecideError struct {
	flight  *flight
	refusal error
}

func (e *redecideError) Error() string {
	return "the key, a record or what an operation was decided on is being written"
}

// refusalHolds reports whether a refusal is final, now that the flight it waited for has
// landed. begun is how many flights had been sent when the call began. A flight that was
// in the air by then may have been committed before the call began, and another process
// may have written since.
func (e *redecideError) refusalHolds(begun uint64) bool {
	return e != nil && e.refusal != nil && e.flight.err == nil && e.flight.sent > begun
}

// invalidate drops the account, and everything decided on it that was not taken yet,
// after something went wrong that cannot be undone.
func (c *cache) invalidate(s *slot) {
	s.account, s.deciding = nil, false
	var queued []*flight
	act := s.queued // only the first flight can belong to an act, which was decided completely
	if act != nil && act.fellows != nil {
		s.pop()
	} else {
		act = nil
	}
	for s.queued != nil {
		queued = append(queued, s.pop())
	}
	for _, f := range slices.Backward(queued) {
		c.queueRedecide(f, nil)
		f.land(&ConflictError{Accounts: []AccountID{s.id}})
		c.landed(f)
	}
	if act != nil {
		s.push(act)
	}
}

// queueRedecide queues the operations of a flight to be decided afresh. They go to the
// front, because they were submitted before those in the queue. The conflict, if there
// was one, tells which keys are in use. An operation that was tried too often is not
// tried again.
func (c *cache) queueRedecide(f *flight, why *ConflictError) {
	s := f.slot
	f.riders = slices.DeleteFunc(f.riders, func(r rider) bool { return !r.mayRedecide() })
	void := f.riders
	f.riders = nil
	if len(void) == 0 {
		return
	}
	begun := s.toRedecide != nil
	if !begun {
		s.toRedecide = &redecideQueue{done: make(chan struct{})}
	}
	for _, r := range void {
		r.mustRedecide(s.toRedecide, why)
	}
	s.toRedecide.list = slices.Concat(void, s.toRedecide.list)
	if begun {
		return
	}
	c.mu.Lock()
	s.users++
	if c.redeciding == nil {
		c.redeciding = map[*slot]struct{}{}
	}
	c.redeciding[s] = struct{}{}
	c.mu.Unlock()
	c.beginRedecide(s)
}

// endRedecide removes the queue once it is empty.
func (c *cache) endRedecide(s *slot) {
	close(s.toRedecide.done)
	s.toRedecide = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.redeciding, s)
	s.users--
}

// maxAttempts bounds how often an operation is decided afresh because its account
// moved in the store meanwhile.
const maxAttempts = 32

// overIDs reports whether a conflict may be about an id that is in use. Such a conflict
// names the account alone. If no other process wrote to the account, nothing else
// explains it.
func (e *ConflictError) overIDs() bool {
	return e != nil && len(e.Accounts) > 0 && len(e.Keys) == 0
}

// concerns reports whether a conflict names anything that a change has.
func (e *ConflictError) concerns(c *Change) bool {
	if slices.Contains(e.Accounts, c.Account) {
		return true
	}
	return slices.ContainsFunc(c.Documents, func(p DocumentPut) bool { return slices.Contains(e.Documents, p.DocumentID) })
}

// of returns the part of a conflict that is about a slot's flight.
func (e *ConflictError) of(s *slot) *ConflictError {
	part := &ConflictError{}
	if slices.Contains(e.Accounts, s.id) {
		part.Accounts = []AccountID{s.id}
	}
	for _, id := range e.Documents {
		if s.flying.beside.puts(id) {
			part.Documents = append(part.Documents, id)
		}
	}
	for _, key := range e.Keys {
		if key.Account == s.id && s.flying.beside.hasKey(key.Key) {
			part.Keys = append(part.Keys, key)
		}
	}
	return part
}
