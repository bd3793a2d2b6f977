package creditledger

// A replay of what fell due takes the dates from the record, because the calendar may
// have changed since. It checks everything else: whose turn it is, how much is granted,
// and that nothing is missing.

// nothingGranted refuses a record of expiries if a grant should have come before it.
func nothingGranted(a *account, rec *OpRecord) error {
	next := a.nextGrant()
	switch {
	case next == 0 || next > rec.At:
		return nil
	case next < rec.At:
		return violation(rec, "schedule", "a grant was due %s and no record says so", next)
	case len(a.toCarry(a.granting(next))) > 0:
		return violation(rec, "schedule", "something was to be carried %s and no record says so", next)
	}
	return nil
}

// dueReplay is how far the replay of a record of what fell due is.
type dueReplay struct {
	account   *account
	record    *OpRecord
	newChange func() *change
	ops       fallenDue
	n         int // index of the next operation
	changes   []*change
}

// replayDue replays a record of what fell due.
func replayDue(a *account, rec *OpRecord, ops fallenDue, newChange func() *change) ([]*change, error) {
	r := dueReplay{account: a, record: rec, ops: ops, newChange: newChange}
	switch next := a.nextGrant(); {
	case next != rec.At:
		return nil, violation(rec, "schedule", "the next grant is due %s", next)
	case len(a.lapsed) > 0 && a.lapsed[0].line.At != rec.At:
		return nil, violation(rec, "expiry", "block %s expired %s and no entry says so", quote(a.lapsed[0].block.ID), a.lapsed[0].line.At)
	case rec.Key != "":
		return nil, violation(rec, "idempotency", "what fell due has a key")
	}
	for _, replay := range []func() error{r.empty, r.carries, r.expires, r.grants} {
		if err := replay(); err != nil {
			return r.changes, err
		}
	}
	if r.n < len(ops) {
		return r.changes, violation(rec, "schedule", "%s is not what falls due next", ops[r.n].Name())
	}
	return r.changes, nil
}

// apply compares a change with the record's next operation and applies it.
func (r *dueReplay) apply(c *change) error {
	applied, err := replayChange(r.account, r.record, r.n, r.ops[r.n], c)
	if applied {
		r.changes = append(r.changes, c)
	}
	r.n++
	return err
}

// change returns an empty change for the next operation.
func (r *dueReplay) change() *change {
	c := r.newChange()
	r.record.bind(c)
	return c
}

// begins returns the next operation if it begins a period: an empty one, of which nothing
// is granted, or another.
func (r *dueReplay) begins(empty bool) (op begin, ok bool) {
	if r.n < len(r.ops) {
		op, ok = r.ops[r.n].(begin)
	}
	return op, ok && op.Empty == empty
}

// empty replays the beginnings of periods of which nothing is granted.
func (r *dueReplay) empty() error {
	a := r.account
	for op, ok := r.begins(true); ok; op, ok = r.begins(true) {
		s := a.schedule(op.ScheduleID)
		if err := r.checkPeriod(s, &op); err != nil {
			return err
		}
		whole := op.onset
		whole.Empty = op.Until <= a.at || op.Expires != 0 && op.Expires <= a.at || s.share(&op.onset).IsZero()
		if (s.catchUp != CatchUpLatest || a.head.LastAt == a.at) && a.grantsAt(s, &whole) {
			return violation(r.record, "schedule", "period %d of schedule %s is to be granted", op.Period, quote(s.id))
		}
		c := r.change()
		_ = stepBegin(a, s, &op.onset, nil, c)
		if err := r.apply(c); err != nil {
			return err
		}
	}
	return nil
}

// checkPeriod refuses the beginning of a period if it is not that period's turn.
func (r *dueReplay) checkPeriod(s *schedule, op *begin) error {
	switch {
	case s == nil || s.next != r.record.At:
		return violation(r.record, "schedule", "schedule %s has no grant that is due", quote(op.ScheduleID))
	case op.Period <= s.period || s.last() != 0 && op.Period > s.last():
		return violation(r.record, "schedule", "period %d of schedule %s comes after period %d", op.Period, quote(s.id), s.period)
	case op.Next != 0 && (op.Next < r.record.At || op.Next == r.record.At && !op.Empty) || op.Begin == 0 || op.Until < op.Begin:
		return violation(r.record, "schedule", "period %d of schedule %s ends before it begins", op.Period, quote(s.id))
	case s.last() == op.Period && op.Next != 0, s.end != 0 && op.Next >= s.end:
		return violation(r.record, "schedule", "no period of schedule %s comes after %d", quote(s.id), op.Period)
	}
	return nil
}

// carries replays what is carried, if anything is.
func (r *dueReplay) carries() error {
	a := r.account
	for _, next := range a.toCarry(a.granting(a.at)) {
		var op carry
		ok := false
		if r.n < len(r.ops) {
			op, ok = r.ops[r.n].(carry)
		}
		if !ok || op.ScheduleID != next.schedule.id || op.Block != next.block.Number {
			return violation(r.record, "schedule", "schedule %s carries %s of block %s, and no entry says so",
				quote(next.schedule.id), next.amount, quote(next.block.ID))
		}
		c := r.change()
		stepCarry(a, &next, op.Expires, c)
		if err := c.fits(a); err != nil {
			return violation(r.record, "replay", "%v", err)
		}
		if err := r.apply(c); err != nil {
			return err
		}
	}
	return nil
}

// expires replays what expires, or the part that the record holds.
func (r *dueReplay) expires() error {
	if r.n == len(r.ops) {
		return nil
	}
	if _, ok := r.ops[r.n].(expire); !ok {
		return nil
	}
	a := r.account
	n := min(len(r.record.Effects[r.n].Lines), len(a.lapsed))
	if n == 0 {
		return violation(r.record, "expiry", "nothing expired at %s", a.at)
	}
	c := r.change()
	materialise(a, c, n)
	return r.apply(c)
}

// grants replays the grants, if they are in the record. It may end with expiries, which
// come before them.
func (r *dueReplay) grants() error {
	a := r.account
	granting := a.granting(a.at)
	if r.n == len(r.ops) && (len(a.lapsed) > 0 || len(granting) == 0) {
		return nil
	}
	if len(a.lapsed) > 0 {
		return violation(r.record, "expiry", "block %s expired %s and no entry says so", quote(a.lapsed[0].block.ID), a.lapsed[0].line.At)
	}
	for _, s := range granting {
		op, ok := r.begins(false)
		if !ok || op.ScheduleID != s.id {
			return violation(r.record, "schedule", "schedule %s grants, and no entry says so", quote(s.id))
		}
		if err := r.checkPeriod(s, &op); err != nil {
			return err
		}
		if !op.CostBasis.same(s.costBasis) {
			return violation(r.record, "schedule", "the grants of schedule %s have the cost basis %s", quote(s.id), s.costBasis)
		}
		c := r.change()
		_ = stepBegin(a, s, &op.onset, op.Metadata, c)
		if err := r.apply(c); err != nil {
			return err
		}
	}
	return nil
}
