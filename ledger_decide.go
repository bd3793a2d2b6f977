package creditledger

import (
	"slices"
	"sync"
)

// decision is a request that is being decided on an account: the changes, which are
// applied, and the records to be written. A decision that is refused leaves the account
// as it was.
type decision struct {
	request  *request
	account  *account
	expiries int // how many expiries are written in one commit
	// In microseconds: how long entries are pending, how late usage may be reported, and
	// how long a hold may last.
	grace, settlement, longest Instant
	at                         Instant // the instant of the request; 0: where the account is

	pieces []*flight // flights with what fell due and does not go out with the operation, in order
	gone   []*change // the changes in the pieces
	salt   Salt      // the salt of the record that is sealed next
	passed bool      // time has passed between the changes, so reverting them is not enough
	lines  int       // lines that fell due and are in no piece yet
	written
	result *Result

	// Set by begin: how many changes there are for what was due, and how many entries and
	// how much weight the account had after them.
	first   int
	entries uint64
	weight  int

	ops []Operation // of the request

	// Memory that the next decision reuses.
	spare   spareChanges
	bytes   []byte // the bytes of the records
	record  OpRecord
	effects []Effect
	one     [1]Operation
}

// decisions keeps the memory of decisions. A decision is no longer needed as soon as it
// is queued.
var decisions = sync.Pool{New: func() any { return new(decision) }}

// newDecision begins to decide a request. The request makes the same ids as in an earlier
// decision.
func newDecision(l *Ledger, r *request, a *account) *decision {
	r.ids = 0
	d := decisions.Get().(*decision)
	d.request, d.account, d.expiries = r, a, l.expiries
	d.grace, d.settlement, d.longest = r.settings.windows()
	d.salt = r.salt
	return d
}

// free returns the memory of a decision to decisions. What it wrote and its result live
// on.
func (d *decision) free() {
	const usual = 64 << 10
	bytes := d.bytes[:0]
	if cap(bytes) > usual {
		bytes = nil
	}
	d.spare.takeBack()
	changes, records, effects, spare := emptied(d.changes), emptied(d.records), emptied(d.effects), d.spare
	*d = decision{}
	d.changes, d.records, d.effects, d.spare, d.bytes = changes, records, effects, spare, bytes
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
	r := d.request
	if err := r.undated(); err != nil {
		return err
	}
	for i := range d.operations() {
		if err := d.checkClock(i); err != nil {
			return inBatch(r.op, i, err)
		}
	}
	if err := d.begin(); err != nil {
		return err
	}
	for i := range d.ops {
		if err := d.do(i); err != nil {
			return inBatch(r.op, i, err)
		}
	}
	d.finish(d.draft(r.op, r.key, d.account.at, d.entries, d.changes[d.first:]), d.changes[d.first:])
	d.result = resultFrom(&d.record, d.ops, d.changes[d.first:], d.account.at)
	if r.attach != nil {
		if d.puts, err = r.attach(d.result); err != nil {
			return err
		}
		return checkPuts(d.puts)
	}
	return nil
}

// operations lists the single operations of the request.
func (d *decision) operations() []Operation {
	d.ops = operations(d.request.op, &d.one)
	return d.ops
}

// checkClock refuses what only the clock shows to be wrong about the i-th operation.
func (d *decision) checkClock(i int) error {
	if d.request.plain {
		return nil
	}
	at := d.instant()
	return firstError(checkClock(d.ops[i], at), checkUntil(d.ops[i], at, d.longest))
}

// instant returns the instant of the request.
func (d *decision) instant() Instant {
	if d.at == 0 {
		return d.account.at
	}
	return d.at
}

// begin writes down what is due, before the first operation.
func (d *decision) begin() error {
	if err := d.catchUp(d.instant()); err != nil {
		return err
	}
	d.first, d.entries, d.weight = len(d.changes), d.account.head.Entries, d.account.weight
	return nil
}

// do decides and applies the i-th operation.
func (d *decision) do(i int) error {
	op := d.ops[i]
	err := d.change(op, d.about(i, op, d.changes[d.first:], d.entries))
	if err == nil {
		err = d.checkLimits(d.entries, d.weight)
	}
	if err = d.request.customerFirst(op, err); err != nil {
		return err
	}
	if op, ok := op.(ChangeSchedule); ok {
		d.note(i, op)
	}
	return nil
}

// note puts into the record the metadata that a schedule has after a change.
func (d *decision) note(i int, op ChangeSchedule) {
	op.merged = d.changes[len(d.changes)-1].schedules[0].now.metadata
	d.ops[i] = op
	if _, batch := d.request.op.(Batch); !batch {
		d.request.op = op
	}
}

// checkLimits checks that what was decided so far is within the bounds of a batch and of
// an account. entries and weight are those that the account had before.
func (d *decision) checkLimits(entries uint64, weight int) error {
	if n := d.account.head.Entries - entries; n > MaxBatchEntries {
		return &LimitError{Entries: int(n)}
	}
	return checkRoom(d.account, weight)
}

// newChange returns an empty change.
func (d *decision) newChange() *change {
	c := d.spare.next()
	c.settlement, c.longest = d.settlement, d.longest
	return c
}

// about returns the charge that an operation takes back. Operations before it in the same
// batch may have written it.
func (d *decision) about(i int, op Operation, done []*change, entries uint64) *charge {
	if r, ok := op.(Reverse); ok && r.Entry > entries {
		return chargeIn(done, d.account.head.Version+1, entries+1)
	}
	return d.request.charge(i)
}

// change decides and applies one operation. ch is the charge that it takes back; nil if
// it takes none back.
func (d *decision) change(op Operation, about *charge) error {
	if !d.request.plain {
		if err := checkSettlement(op, d.account.at, d.settlement); err != nil {
			return err
		}
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
func (d *decision) seal(op Operation, key Key, at Instant, entries uint64, changes []*change) {
	d.finish(d.draft(op, key, at, entries, changes), changes)
}

// draft makes the record of what the changes wrote.
func (d *decision) draft(op Operation, key Key, at Instant, entries uint64, changes []*change) *OpRecord {
	a := d.account
	id := d.request.nextID(at)
	if d.request.keyIsOurs && key == generatedKey(a.head.Version+1, id) {
		key = "" // the ledger made the key; the request has it when it is decided afresh, because its caller was told it
	}
	d.effects = slices.Grow(d.effects[:0], len(changes))[:len(changes)]
	rec := &d.record
	*rec = OpRecord{}
	rec.Account, rec.Seq, rec.Prev, rec.At, rec.ID = a.id, a.head.Version+1, a.head.Seal, at, id
	rec.FirstEntry, rec.Key, rec.Op, rec.Effects = entries+1, key, op, d.effects
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
		if len(c.lines) > 0 {
			rec.Grace = d.grace
		}
	}
	rec.sealTexts(&d.salt)
	return rec
}

// finish seals a record and moves the head on.
func (d *decision) finish(rec *OpRecord, changes []*change) {
	a := d.account
	total := a.total
	for _, c := range changes {
		if c.materialised && a.at != rec.At {
			total = a.totalAt(rec.At, c.lines[len(c.lines)-1].Ending)
		}
	}
	start := len(d.bytes)
	d.bytes = AppendRecord(d.bytes, rec)
	bytes := d.bytes[start:len(d.bytes):len(d.bytes)]
	a.head.Version, a.head.Seal, a.head.LastAt = rec.Seq, SealOf(bytes), rec.At
	a.head.NextDue, a.head.Total = a.nextDue(), total
	d.records = append(d.records, sealed{seq: rec.Seq, prev: rec.Prev, key: rec.indexedKey(), bytes: bytes, texts: appendTexts(nil, rec)})
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
