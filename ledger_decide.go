package creditledger

import (
	"slices"
	"sync"
	"time"
)

// decision is a request decided against an account: the changes, applied, and the
// records to be written. A decision that is refused leaves the account as it was.
type decision struct {
	request  *request
	account  *account
	grace    time.Duration
	expiries int // how many are written in one commit
	// settlement is for how many microseconds usage may be reported late, longest how many
	// a hold may last.
	settlement, longest Instant
	at                  Instant // of the request; 0: where the account is

	pieces []*flight // what fell due and does not go out with the operation, in order
	gone   []*change // in the pieces
	salt   Salt      // of the record that is sealed next
	passed bool      // time has passed between the changes: to take them back is not enough
	lines  int       // that fell due and are in no piece yet
	written
	result *Result

	// Memory that the next decision uses again.
	spare   spareChanges
	bytes   []byte // of the records
	record  OpRecord
	effects []Effect
	one     [1]Operation
}

// decisions are kept for use again: a decision is done with as soon as it is queued.
var decisions = sync.Pool{New: func() any { return new(decision) }}

// newDecision begins to decide a request; its ids begin anew.
func newDecision(l *Ledger, r *request, a *account) *decision {
	r.ids = 0
	d := decisions.Get().(*decision)
	d.request, d.account, d.grace, d.expiries, d.settlement = r, a, l.grace, l.expiries, l.settlement
	d.salt = r.salt
	d.longest = Instant(l.maxHold / time.Microsecond)
	return d
}

// free gives a decision back. What it wrote and its result live on.
func (d *decision) free() {
	const usual = 64 << 10
	bytes := d.bytes[:0]
	if cap(bytes) > usual {
		bytes = nil
	}
	d.spare.takeBack()
	kept := written{changes: emptied(d.changes), records: emptied(d.records)}
	*d = decision{written: kept, spare: d.spare, bytes: bytes, effects: emptied(d.effects)}
	decisions.Put(d)
}

// decide materialises what is due at account.at, then decides the operation, all of
// a batch or none.
func (d *decision) decide() (err error) {
	defer func() {
		if err != nil {
			d.takeBack()
		}
	}()
	a, r := d.account, d.request
	if d.at == 0 {
		d.at = a.at
	}
	if r.undated != nil {
		return r.undated
	}
	ops := operations(r.op, &d.one)
	for i, op := range ops {
		if err := firstError(checkClock(op, d.at), checkUntil(op, d.at, d.longest)); err != nil {
			return inBatch(r.op, i, err)
		}
	}
	if err := d.catchUp(d.at); err != nil {
		return err
	}
	first := len(d.changes)
	entries, weight := a.head.Entries, a.weight
	for i, op := range ops {
		err := d.change(op, d.about(i, op, d.changes[first:], entries))
		if err == nil {
			err = d.checkLimits(entries, weight)
		}
		if err = r.customerFirst(op, err); err != nil {
			return inBatch(r.op, i, err)
		}
		if op, ok := op.(ChangeSchedule); ok { // the record says what came of it
			op.merged = d.changes[len(d.changes)-1].schedules[0].now.metadata
			if ops[i] = op; len(d.one) == len(ops) && &ops[0] == &d.one[0] {
				r.op = op
			}
		}
	}
	rec := d.seal(r.op, r.key, a.at, entries, d.changes[first:])
	d.result = resultFrom(rec, ops, d.changes[first:], a.at, d.grace)
	if r.attach != nil {
		if d.puts, err = r.attach(d.result); err != nil {
			return err
		}
		return checkPuts(d.puts)
	}
	return nil
}

// checkLimits holds what was decided so far to the bounds of a batch and an account,
// which had so many entries and weighed so much before it.
func (d *decision) checkLimits(entries uint64, weight int) error {
	if n := d.account.head.Entries - entries; n > MaxBatchEntries {
		return &LimitError{Entries: int(n)}
	}
	return checkRoom(d.account, weight)
}

// newChange is an empty change.
func (d *decision) newChange() *change {
	c := d.spare.next()
	c.settlement, c.longest = d.settlement, d.longest
	return c
}

// about is the charge that an operation takes back; an entry may be one that the operations
// before it wrote.
func (d *decision) about(i int, op Operation, done []*change, entries uint64) *charge {
	if r, ok := op.(Reverse); ok && r.Entry > entries {
		return chargeIn(done, d.account.head.Version+1, entries+1)
	}
	return d.request.charge(i)
}

// change decides and applies one operation, which may be about a charge.
func (d *decision) change(op Operation, about *charge) error {
	if err := checkSettlement(op, d.account.at, d.settlement); err != nil {
		return err
	}
	c := d.newChange()
	c.charge = about
	if err := step(d.account, op, c); err != nil {
		return err
	}
	if len(c.created) > 0 && c.created[0].ID == "" {
		c.created[0].ID = d.request.nextID(d.account.at).String()
		if err := nameSiblings(c.created); err != nil {
			return err
		}
	}
	return d.apply(op, c)
}

func (d *decision) apply(op Operation, c *change) error {
	before := d.account.total
	d.account.apply(c)
	d.changes = append(d.changes, c)
	if err := checkChange(d.account, op, c, before); err != nil {
		return &CorruptError{Where: "account " + d.account.id.String(), Reason: err.Error()}
	}
	return nil
}

// seal makes the record of what the changes wrote and moves the head on.
func (d *decision) seal(op Operation, key Key, at Instant, entries uint64, changes []*change) *OpRecord {
	a := d.account
	id := d.request.nextID(at)
	if d.request.keyIsOurs && key == generatedKey(a.head.Version+1, id) {
		key = "" // decided afresh, it has the key it was told all the same
	}
	d.effects = slices.Grow(d.effects[:0], len(changes))[:len(changes)]
	rec := &d.record
	*rec = OpRecord{
		Account: a.id, Seq: a.head.Version + 1, Prev: a.head.Seal, At: at, ID: id,
		FirstEntry: entries + 1, Key: key, Op: op, Effects: d.effects,
	}
	total := a.total
	for i, c := range changes {
		rec.Effects[i] = Effect{Lines: c.lines}
		if len(c.created) > 0 {
			rec.Effects[i].NewBlockID = c.created[0].ID
		}
		if c.charge != nil {
			rec.Effects[i].Charge, rec.Effects[i].Lost = c.charge.record, c.lost
		}
		if c.expires && c.settlement != defaultSettlement {
			rec.Settlement = c.settlement
		}
		rec.Effects[i].hold = c.hold.effect()
		rec.Effects[i].schedule = c.effectOnSchedule(operationAt(op, i))
		rec.lapses = append(rec.lapses, c.lapsesSince()...)
		if c.materialised && a.at != at {
			total = a.totalAt(at, c.lines[len(c.lines)-1].Ending)
		}
	}
	rec.sealTexts(&d.salt)
	start := len(d.bytes)
	d.bytes = AppendRecord(d.bytes, rec)
	bytes := d.bytes[start:len(d.bytes):len(d.bytes)]
	a.head.Version, a.head.Seal, a.head.LastAt = rec.Seq, SealOf(bytes), at
	a.head.NextDue, a.head.Total = a.nextDue(), total
	d.records = append(d.records, sealed{seq: rec.Seq, prev: rec.Prev, key: key, bytes: bytes, texts: appendTexts(nil, rec)})
	return rec
}

// takeBack undoes every change, last first.
func (d *decision) takeBack() {
	for _, changes := range [][]*change{d.changes, d.gone} {
		for _, c := range slices.Backward(changes) {
			if d.passed {
				d.account.undo(c)
			} else {
				d.account.revert(c)
			}
		}
	}
	if d.passed {
		d.account.rebuild(d.account.head.LastAt)
		d.passed = false
	}
	d.pieces, d.gone, d.changes, d.records, d.texts = nil, nil, nil, nil, nil
}
