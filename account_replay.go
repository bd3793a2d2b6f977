package creditledger

import (
	"cmp"
	"fmt"
)

// ruleAct is the rule that the parts of an act exist together, at one instant.
// Rule: docs/semantics.md, "Invariants".
const ruleAct = "act"

// ruleSeal is the rule that a record holds the seal of the one before it.
const ruleSeal = "seal"

// replay decides the operation of a journal record again, on the account as it was, and
// compares the record with the outcome. On success the changes are applied and the head
// has moved. Otherwise the error is a Violation, and the changes made so far are returned
// for the caller to undo. newChange makes them. charges has the charges that reversals in
// the record take back.
func replay(a *account, rec *OpRecord, seal Seal, charges []*charge, newChange func() *change) ([]*change, error) {
	switch head := &a.head; {
	case rec.Account != a.id || rec.Seq != head.Version+1:
		return nil, violation(rec, "sequence", "the record of %s follows record %d", rec.Account, head.Version)
	case rec.Prev != head.Seal:
		return nil, violation(rec, ruleSeal, "it follows %s, the record before is sealed %s", rec.Prev, head.Seal)
	case rec.At < head.LastAt:
		return nil, violation(rec, "time", "%s is before the record before, %s", rec.At, head.LastAt)
	case rec.FirstEntry != head.Entries+1:
		return nil, violation(rec, "sequence", "its first entry is %d, not %d", rec.FirstEntry, head.Entries+1)
	}
	a.moveTo(rec.At)
	var changes []*change
	var err error
	switch op := rec.Op.(type) {
	case expire:
		changes, err = replayExpiry(a, rec, newChange)
	case fallenDue:
		changes, err = replayDue(a, rec, op, newChange)
	default:
		changes, err = replayOperations(a, rec, charges, newChange)
	}
	if err != nil {
		return changes, err
	}
	if err := checkLapses(rec, changes); err != nil {
		return changes, err
	}
	a.head.Version, a.head.Seal, a.head.LastAt = rec.Seq, seal, rec.At
	a.head.NextDue, a.head.Total = a.nextDue(), a.total
	return changes, nil
}

func violation(rec *OpRecord, rule, format string, args ...any) *Violation {
	return &Violation{Account: rec.Account, Record: rec.Seq, Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

// bind gives a change what the record says and no rule tells, so that the replay has the
// same outcome.
func (r *OpRecord) bind(c *change) {
	c.forgetful, c.settlement = r.Forgets, cmp.Or(r.Settlement, defaultSettlement)
}

// replayExpiry replays as many expiries as the record holds. No rule says how many are
// written at once. The record's instant is that of the last.
func replayExpiry(a *account, rec *OpRecord, newChange func() *change) ([]*change, error) {
	if rec.act != nil {
		return nil, violation(rec, ruleAct, "expiries are of no act")
	}
	n := min(len(rec.Effects[0].Lines), len(a.lapsed))
	if n == 0 || a.lapsed[n-1].line.At != rec.At {
		return nil, violation(rec, "expiry", "nothing expired at %s", rec.At)
	}
	if err := nothingGranted(a, rec); err != nil {
		return nil, err
	}
	c := newChange()
	rec.bind(c)
	materialise(a, c, n)
	applied, err := replayChange(a, rec, 0, rec.Op, c)
	if !applied {
		return nil, err
	}
	return []*change{c}, err
}

func replayOperations(a *account, rec *OpRecord, charges []*charge, newChange func() *change) ([]*change, error) {
	if len(a.lapsed) > 0 {
		l := a.lapsed[0]
		return nil, violation(rec, "expiry", "block %s expired %s and no entry says so", quote(l.block.ID), l.line.At)
	}
	if next := a.nextGrant(); next != 0 && next <= rec.At {
		return nil, violation(rec, "schedule", "a grant was due %s and no record says so", next)
	}
	if err := checkReplayed(rec); err != nil {
		return nil, violation(rec, "replay", "the operation would be refused: %v", err)
	}
	var changes []*change
	var one [1]Operation
	for i, op := range operations(rec.Op, &one) {
		c := newChange()
		rec.bind(c)
		switch {
		case rec.Effects[i].Charge == rec.Seq:
			c.charge = chargeIn(changes, rec.Seq, rec.FirstEntry)
		case charges != nil:
			c.charge = charges[i]
		}
		if e := rec.Effects[i].schedule; e != nil {
			if c.dates = e.dates; c.dates == nil {
				c.dates = &scheduleDates{}
			}
		}
		if err := step(a, op, c); err != nil {
			return changes, violation(rec, "replay", "the operation would be refused: %v", err)
		}
		applied, err := replayChange(a, rec, i, op, c)
		if applied {
			changes = append(changes, c)
		}
		if err != nil {
			return changes, err
		}
	}
	return changes, nil
}

// checkReplayed makes the checks of a new request, because a record may come from
// anywhere.
func checkReplayed(rec *OpRecord) error {
	if err := firstError(checkOptionalID("idempotency_key", string(rec.Key)), checkRecorded(rec)); err != nil {
		return err
	}
	var one [1]Operation
	for i, op := range operations(rec.Op, &one) {
		if err := firstError(checkClock(op, rec.At), checkOptionalID("block_id", rec.Effects[i].NewBlockID)); err != nil {
			return err
		}
	}
	return nil
}

// checkRecorded is checkOperation, also for the operations that only the ledger itself
// makes.
func checkRecorded(rec *OpRecord) error {
	if err := checkAct(rec); err != nil {
		return err
	}
	if isPartOfTransfer(rec.Op) {
		return rec.Op.check()
	}
	op, ok := rec.Op.(erase)
	switch {
	case !ok:
		return checkOperation(rec.Op)
	case op.To >= rec.Seq:
		return invalid("op", "an erasure of record %d, which it does not follow", op.To)
	}
	return op.check()
}

// replayChange compares what a record says with what the replay gives, and applies it.
func replayChange(a *account, rec *OpRecord, i int, op Operation, c *change) (applied bool, err error) {
	stored := &rec.Effects[i]
	if len(stored.Lines) != len(c.lines) {
		return false, violation(rec, "replay", "it has %d entries, the operation gives %d", len(stored.Lines), len(c.lines))
	}
	for j := range c.lines {
		if field := lineDifference(&stored.Lines[j], &c.lines[j]); field != "" {
			v := violation(rec, "replay", "%s is not what the operation gives", field)
			v.Entry = a.head.Entries + uint64(j) + 1
			return false, v
		}
	}
	if c.charge != nil && c.charge.record != stored.Charge {
		return false, violation(rec, "replay", "it takes back record %d, and is about record %d", stored.Charge, c.charge.record)
	}
	if stored.Lost.Cmp(c.lost) != 0 {
		return false, violation(rec, "replay", "it lost %s, the operation loses %s", stored.Lost, c.lost)
	}
	if err := nameReplayed(a, rec, stored.NewBlockID, c.created); err != nil {
		return false, err
	}
	before := a.total
	a.apply(c)
	if err := checkChange(a, op, c, before); err != nil {
		return true, violation(rec, "invariant", "%v", err)
	}
	if field := holdDifferenceIn(stored.hold, c.hold.effect()); field != "" {
		return true, violation(rec, "replay", "%s of the hold is not what the operation gives", field)
	}
	if !c.effectOnSchedule(op).same(stored.schedule) {
		return true, violation(rec, "replay", "what is said of the schedule is not what the operation gives")
	}
	return true, nil
}

// nameReplayed gives the new blocks the ids that the record says.
func nameReplayed(a *account, rec *OpRecord, first string, created []*block) error {
	if (len(created) > 0) != (first != "") {
		return violation(rec, "replay", "it says it made block %s", quote(first))
	}
	if len(created) == 0 {
		return nil
	}
	if asked := created[0].ID; asked != "" && asked != first {
		return violation(rec, "replay", "it made block %s, asked was %s", quote(first), quote(asked))
	}
	created[0].ID = first
	if err := nameSiblings(created); err != nil {
		return violation(rec, "replay", "it made several blocks, the first of them %s: %v", quote(first), err)
	}
	for _, b := range created {
		if a.find(b.ID) != nil {
			return violation(rec, "replay", "it made block %s, which there was already", quote(b.ID))
		}
	}
	return nil
}

func lineDifference(a, b *Line) string {
	return firstDifference(
		compared{"entry type", a.Type == b.Type},
		compared{"created_at", a.At == b.At},
		compared{"block", a.Block == b.Block},
		compared{"amount", a.Amount.Cmp(b.Amount) == 0},
		compared{"starting balance", a.Starting.Cmp(b.Starting) == 0},
		compared{"ending balance", a.Ending.Cmp(b.Ending) == 0},
		compared{"void amount", a.VoidAmount.Cmp(b.VoidAmount) == 0},
		compared{"new block", a.NewBlock == b.NewBlock},
		compared{"new block expiry", a.NewExpiry == b.NewExpiry},
		compared{"reverses", a.Reverses == b.Reverses})
}

// compared is a named part of two records, and whether it is the same in both.
type compared struct {
	name string
	same bool
}

// firstDifference names the first that is not the same; it is empty when all are.
func firstDifference(all ...compared) string {
	for _, c := range all {
		if !c.same {
			return c.name
		}
	}
	return ""
}
