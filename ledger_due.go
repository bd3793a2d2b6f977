package creditledger

import (
	"crypto/sha256"
	"encoding/binary"
)

// advance moves an account in a locked slot to the present instant. It does not move the
// account if grants are due by then, because these have to be decided on the way.
func (l *Ledger) advance(a *account) (at Instant, err error) {
	now, err := l.now()
	if err != nil {
		return 0, err
	}
	at = max(now, a.head.LastAt)
	if !a.grantsBy(at) {
		a.moveTo(at)
	}
	return at, nil
}

// begin begins to decide a request on an account in a locked slot, at the present instant.
func (l *Ledger) begin(s *slot, r *request) (*decision, error) {
	at, err := l.advance(s.account)
	if err != nil {
		return nil, err
	}
	l.saltGrants(s.account, r, at)
	s.makeRoom(l.expiries, at)
	d := newDecision(l, r, s.account)
	d.at = at
	return d, nil
}

// saltGrants gives a request bits for the salts of the texts that schedules grant with at
// or before an instant, if it has none. It draws no randomness. How often a request is
// decided, and on which state, depends on the store, and later ids must not depend on
// that.
func (l *Ledger) saltGrants(a *account, r *request, at Instant) {
	if r.salt == (Salt{}) && a.saysBy(at) {
		r.salt = l.ids.saltOf(r.bits)
	}
}

// catchUp writes everything that falls due by an instant, one instant after another, and
// moves the account there. Expiries are written in pieces. The grants of each instant are
// one record.
func (d *decision) catchUp(at Instant) error {
	if err := d.grant(at); err != nil {
		return err
	}
	if d.account.at != at {
		d.account.moveTo(at)
	}
	return d.expire()
}

// sweep writes everything that falls due by an instant. The last record is dated at its
// last entry, so the account stays at that instant and is not moved further.
func (d *decision) sweep(at Instant) error {
	if err := d.grant(at); err != nil {
		return err
	}
	due := d.account.lastDue(at)
	if due == 0 {
		return nil
	}
	d.account.moveTo(due)
	return d.expire()
}

// grant writes everything up to the last grant at or before an instant.
func (d *decision) grant(at Instant) error {
	a := d.account
	for a.grantsBy(at) {
		d.passed = true
		next := a.nextGrant()
		if before := max(next-1, a.head.LastAt); before < next {
			a.moveTo(before)
			if err := d.expire(); err != nil {
				return err
			}
		}
		a.moveTo(next)
		if err := d.fallDue(at); err != nil {
			return err
		}
	}
	d.salt = d.request.salt
	return nil
}

// fallDue decides what falls due at an instant at which a schedule grants. by is the
// instant at which it is written; how many periods CatchUpLatest passes over depends on
// it.
func (d *decision) fallDue(by Instant) error {
	a := d.account
	if d.lines > 0 && d.lines+len(a.lapsed) > d.expiries {
		d.detach()
	}
	f := fall{decision: d, entries: a.head.Entries}
	granting, onsets, err := f.begin(by)
	if err == nil {
		err = f.carry(granting, onsets)
	}
	for err == nil && len(a.lapsed) > d.expiries {
		err = f.expire(d.expiries)
		f.seal()
		d.detach()
	}
	if err == nil && len(a.lapsed) > 0 {
		err = f.expire(len(a.lapsed))
	}
	for i := 0; i < len(granting) && err == nil; i++ {
		s := granting[i]
		op := begin{ScheduleID: s.id, onset: onsets[i], CostBasis: s.costBasis, Description: s.description, Metadata: s.metadata}
		c := d.newChange()
		if err = stepBegin(a, s, &op.onset, op.Metadata, c); err == nil {
			err = f.apply(op, c)
		}
	}
	if err != nil {
		return err
	}
	f.seal()
	return nil
}

// decided returns the records of what fell due, in order.
func (d *decision) decided() (records []*OpRecord, err error) {
	read := func(data, texts []byte) {
		rec, failed := DecodeRecord(data)
		if err == nil && failed == nil {
			failed = rec.ReadTexts(texts)
		}
		if err == nil {
			err = failed
		}
		records = append(records, rec)
	}
	for _, f := range d.pieces {
		for i := range f.records {
			read(f.records[i].Bytes, f.records[i].Texts)
		}
	}
	for i := range d.records {
		read(d.records[i].bytes, d.records[i].texts)
	}
	return records, err
}

// closed returns the blocks that were made and closed at once.
func (d *decision) closed() (list []*block) {
	for _, changes := range [][]*change{d.gone, d.changes} {
		for _, c := range changes {
			for _, b := range c.created {
				if d.account.closed[b.ID].block == b {
					list = append(list, b)
				}
			}
		}
	}
	return list
}

// fall is a record of what fell due that is being made.
type fall struct {
	decision *decision
	ops      fallenDue
	changes  []*change
	entries  uint64 // the account's entries before the record
}

func (f *fall) apply(op Operation, c *change) error {
	c.fell = true
	f.ops, f.changes = append(f.ops, op), append(f.changes, c)
	return f.decision.apply(op, c)
}

// seal makes the record of what was applied so far, if anything was.
func (f *fall) seal() {
	d := f.decision
	if len(f.ops) == 0 {
		return
	}
	d.salt = saltIn(&d.request.salt, d.account.head.Version+1)
	if len(f.ops) == 1 && f.ops[0] == (expire{}) {
		d.seal(expire{}, "", d.account.at, f.entries, f.changes)
	} else {
		d.seal(f.ops, "", d.account.at, f.entries, f.changes)
	}
	for _, c := range f.changes {
		d.lines += max(1, len(c.lines)) // the beginning of an empty period takes room, too
	}
	f.ops, f.changes, f.entries = nil, nil, d.account.head.Entries
}

// saltIn makes the salts of a record that is written beside that of the request.
func saltIn(salt *Salt, record uint64) (other Salt) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(salt[:len(salt):len(salt)], record))
	copy(other[:], sum[:])
	return other
}

// begin begins the periods of which nothing is granted. It returns the schedules that
// grant, with what they grant.
func (f *fall) begin(by Instant) (granting []*schedule, onsets []onset, err error) {
	a := f.decision.account
	if a.head.LastAt == a.at { // a part of this instant is written already, so its periods are not passed over
		by = a.at
	}
	for _, s := range a.granting(a.at) {
		if err := s.locate(); err != nil {
			return nil, nil, err
		}
		for s.next == a.at {
			o := s.upcoming(by)
			if a.grantsAt(s, &o) {
				granting, onsets = append(granting, s), append(onsets, o)
				break
			}
			o.Empty = true
			c := f.decision.newChange()
			if err := stepBegin(a, s, &o, nil, c); err != nil {
				return nil, nil, err
			}
			if err := f.apply(begin{ScheduleID: s.id, onset: o}, c); err != nil {
				return nil, nil, err
			}
		}
	}
	return granting, onsets, nil
}

// carry carries credits into the new periods.
func (f *fall) carry(granting []*schedule, onsets []onset) error {
	a := f.decision.account
	for _, next := range a.toCarry(granting) {
		s := next.schedule
		until := a.at
		for i := range granting {
			if granting[i] == s {
				until = onsets[i].Until
			}
		}
		op := carry{
			ScheduleID: s.id, Block: next.block.Number, Expires: s.rollover.Expires.of(a.at, until, s.calendar.zone),
			Description: s.description, Metadata: s.metadata,
		}
		if op.Expires != 0 && op.Expires <= a.at { // a zone that skips days may have a period without length
			op.Expires = until
		}
		c := f.decision.newChange()
		stepCarry(a, &next, op.Expires, c)
		err := c.fits(a)
		if err == nil {
			err = f.apply(op, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// expire writes n expiries.
func (f *fall) expire(n int) error {
	c := f.decision.newChange()
	materialise(f.decision.account, c, n)
	return f.apply(expire{}, c)
}
