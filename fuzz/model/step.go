package model

import (
	"math/big"

	cl "creditledger"
)

func (s *State) run(d *Done, foreign, deleted bool) (*Result, error) {
	if d.Op == nil {
		return s.sweep(d.Clock), nil
	}
	s.now, s.zone, s.ids, s.key = max(d.Clock, s.Last), d.Zone, d.IDs, d.Key
	if d.Hidden {
		s.key = ""
	}
	s.due(s.now, s.now)
	s.Last = s.now
	r := &Result{At: s.now, Key: d.Key}
	ops, batch := Parts(d.Op)
	for i, op := range ops {
		if field := s.untimely(op); field != "" {
			if batch {
				field = place(i, field)
			}
			return nil, &Refusal{Kind: Invalid, What: field}
		}
	}
	first := len(s.Entries)
	for _, op := range ops {
		part := r
		if batch {
			part = &Result{At: s.now}
			r.Parts = append(r.Parts, part)
		}
		err := s.apply(op, part)
		// What the customer forbids is looked at with the last things of each operation.
		forbidden := foreign || deleted && !allowedToTheDeleted(op)
		if refused, is := err.(*Refusal); forbidden && (!is || refused.Kind == Constraint || refused.Kind == Insufficient) {
			err = &Refusal{Kind: Constraint}
		}
		if err != nil {
			return r, err
		}
		if batch {
			r.Entries = append(r.Entries, part.Entries...)
		}
	}
	for _, e := range s.Entries[first:] {
		if e.Type == cl.EntryDecrement {
			s.by[d.Key] = append(s.by[d.Key], e.Seq)
		}
	}
	return r, nil
}

// allowedToTheDeleted tells whether an operation only ends something that a deleted
// customer has.
func allowedToTheDeleted(op Operation) bool {
	switch own(op).(type) {
	case cl.Activation, Capture, Release, EndSchedule:
		return true
	}
	return false
}

// Parts are the operations of a batch, or the one that is none.
func Parts(op Operation) (ops []Operation, batch bool) {
	switch op := op.(type) {
	case Batch:
		return op, true
	case cl.Batch:
		for _, o := range op {
			ops = append(ops, o)
		}
		return ops, true
	}
	return []Operation{op}, false
}

func (s *State) apply(op Operation, r *Result) error {
	var err error
	switch op := own(op).(type) {
	case cl.Increment:
		err = s.increment(op, r)
	case cl.Decrement:
		err = s.decrement(op, r)
	case cl.ExpirationChange:
		err = s.expirationChange(op, r)
	case cl.Void:
		err = s.void(op, r)
	case cl.Amendment:
		err = s.amendment(op, r)
	case cl.Activation:
		err = s.activation(op)
	case Reverse:
		err = s.reverse(op, r)
	case SetAside:
		err = s.setAside(op, r)
	case ExtendHold:
		err = s.extendHold(op, r)
	case Capture:
		err = s.capture(op, r)
	case Release:
		err = s.release(op, r)
	case Schedule:
		err = s.schedule(op, r)
	case ChangeSchedule:
		err = s.changeSchedule(op, r)
	case EndSchedule:
		err = s.endSchedule(op, r)
	case Send:
		err = s.send(op, r)
	case Arrive:
		s.arrive(op, r)
	}
	if err == nil && s.weight().Cmp(tooMuch) >= 0 {
		err = &Refusal{Kind: Constraint}
	}
	return err
}

// weight adds up what the account holds in all, which the rules bound.
func (s *State) weight() *big.Rat {
	sum := new(big.Rat)
	for _, b := range s.Blocks {
		if b.Balance.Sign() != 0 {
			sum.Add(sum, new(big.Rat).Abs(b.Balance))
		}
	}
	for _, h := range s.Holds {
		if h.State == Open {
			sum.Add(sum, h.Unbacked)
		}
	}
	return sum
}
