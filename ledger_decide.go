package creditledger

import (
	"errors"
	"fmt"
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

	pieces  []*flight   // what expired and does not go out with the operation, in order
	changes []*change   // applied, in order
	aboard  int         // the first of them that is not in a piece
	records []sealed    // not in a piece
	bytes   []byte      // memory of the records
	puts    []RecordPut // of the upper layer
	result  *Result

	// Room for the usual decision, of one operation.
	room struct {
		change  change
		changes [2]*change
		records [2]sealed
		record  OpRecord
		effect  [1]Effect
		op      [1]Operation
		used    bool
	}
}

// decisions are kept for use again: a decision has room for more than it usually
// needs, and is done with as soon as it is queued.
var decisions = sync.Pool{New: func() any { return new(decision) }}

// newDecision begins to decide a request; its ids begin anew.
func newDecision(l *Ledger, r *request, a *account) *decision {
	r.ids = 0
	d := decisions.Get().(*decision)
	d.request, d.account, d.grace, d.expiries = r, a, l.grace, l.expiries
	return d
}

// free gives a decision back. What it wrote and its result live on.
func (d *decision) free() {
	const usual = 64 << 10
	bytes := d.bytes[:0]
	if cap(bytes) > usual {
		bytes = nil
	}
	*d = decision{bytes: bytes}
	decisions.Put(d)
}

// newChange returns an empty change.
func (d *decision) newChange() *change {
	if d.room.used {
		return newChange()
	}
	d.room.used = true
	d.changes, d.records = d.room.changes[:0], d.room.records[:0]
	return d.room.change.begin()
}

// sealed is a record ready to be stored.
type sealed struct {
	seq   uint64
	prev  Seal // of the record before
	key   Key  // the caller's, if any
	bytes []byte
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
	if r.undated != nil {
		return r.undated
	}
	ops := operations(r.op, &d.room.op)
	for i, op := range ops {
		if err := checkClock(op, a.at); err != nil {
			return inBatch(r.op, i, err)
		}
	}
	if err := d.expire(); err != nil {
		return err
	}
	first := len(d.changes)
	entries, weight := a.head.Entries, a.weight
	for i, op := range ops {
		err := d.change(op)
		if err == nil {
			err = d.checkLimits(entries, weight)
		}
		if err = r.customerFirst(op, err); err != nil {
			return inBatch(r.op, i, err)
		}
	}
	rec := d.record(r.op, r.key, a.at, entries, d.changes[first:])
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

// inBatch says which operation of a batch was refused; a field that is at fault is
// named by its place in the batch.
func inBatch(op Operation, i int, err error) error {
	b, ok := op.(Batch)
	if !ok {
		return err
	}
	var wrong *InvalidError
	if errors.As(err, &wrong) {
		err = &InvalidError{Field: fmt.Sprintf("operations[%d].%s", i, wrong.Field), Reason: wrong.Reason}
	}
	return &batchError{i: i, op: b[i], err: err}
}

// batchError is why an operation of a batch was refused.
type batchError struct {
	i   int
	op  Operation
	err error
}

func (e *batchError) Error() string {
	return fmt.Sprintf("operation %d, %s: %v", e.i+1, describe(e.op), e.err)
}

func (e *batchError) Unwrap() error { return e.err }

// change decides and applies one operation.
func (d *decision) change(op Operation) error {
	c := d.newChange()
	if err := step(d.account, op, c); err != nil {
		return err
	}
	if c.created != nil && c.created.ID == "" {
		c.created.ID = d.request.nextID(d.account.at).String()
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

// record seals what the changes wrote and moves the head on.
func (d *decision) record(op Operation, key Key, at Instant, entries uint64, changes []*change) *OpRecord {
	a := d.account
	id := d.request.nextID(at)
	if d.request.made && key == generatedKey(a.head.Version+1, id) {
		key = "" // decided afresh, it has the key it was told all the same
	}
	rec := &d.room.record
	*rec = OpRecord{
		Account: a.id, Seq: a.head.Version + 1, Prev: a.head.Seal, At: at, ID: id,
		FirstEntry: entries + 1, Key: key, Op: op, Effects: d.room.effect[:],
	}
	if len(changes) != 1 {
		rec.Effects = make([]Effect, len(changes))
	}
	d.room.effect = [1]Effect{}
	total := a.total
	for i, c := range changes {
		rec.Effects[i].Lines = c.lines
		if c.created != nil {
			rec.Effects[i].NewBlockID = c.created.ID
		}
		if c.materialised {
			total = a.totalAt(at, c.lines[len(c.lines)-1].Ending)
		}
	}
	start := len(d.bytes)
	d.bytes = AppendRecord(d.bytes, rec)
	bytes := d.bytes[start:len(d.bytes):len(d.bytes)]
	a.head.Version, a.head.Seal, a.head.LastAt = rec.Seq, SealOf(bytes), at
	a.head.NextDue, a.head.Total = a.nextDue(), total
	d.records = append(d.records, sealed{seq: rec.Seq, prev: rec.Prev, key: key, bytes: bytes})
	return rec
}

// takeBack undoes every change, last first.
func (d *decision) takeBack() {
	for _, c := range slices.Backward(d.changes) {
		d.account.revert(c)
	}
	d.pieces, d.changes, d.records = nil, nil, nil
}

// resultFrom builds what the caller is told from the changes just made.
func resultFrom(rec *OpRecord, ops []Operation, changes []*change, now Instant, grace time.Duration) *Result {
	b := newEntryBuilder(rec, ops, now, grace)
	part := func(res *Result, i int) {
		b.part(res, i, changes[i].blocks)
		res.Overage, res.Consumed = changes[i].overage, changes[i].consumed
	}
	res := &Result{Key: b.key, At: rec.At}
	if _, ok := rec.Op.(Batch); !ok {
		part(res, 0)
		return res
	}
	res.Results = make([]Result, len(changes))
	lines := 0
	for i := range changes {
		lines += len(changes[i].lines)
	}
	res.Entries = slices.Grow(res.Entries, lines)
	for i := range changes {
		part(&res.Results[i], i)
		res.Entries = append(res.Entries, res.Results[i].Entries...)
	}
	return res
}

// entryBuilder turns the lines of a record into entries.
type entryBuilder struct {
	rec   *OpRecord
	ops   []Operation // of the record
	key   Key         // the caller's, or the generated one
	now   Instant
	grace time.Duration
	n     int // lines so far
}

func newEntryBuilder(rec *OpRecord, ops []Operation, now Instant, grace time.Duration) entryBuilder {
	b := entryBuilder{rec: rec, ops: ops, key: rec.Key, now: now, grace: grace}
	if b.key == "" {
		b.key = rec.GeneratedKey()
	}
	return b
}

// id is that of the next entry. The first entry of a record has the record's own id,
// which a generated key holds already.
func (b *entryBuilder) id() string {
	if b.n == 0 && b.rec.Key == "" {
		return string(b.key[len(generatedPrefix):][:uuidText])
	}
	return entryID(b.rec.ID, b.n)
}

// part builds the result of the i-th operation. blocks holds the block of each line.
func (b *entryBuilder) part(res *Result, i int, blocks []*block) {
	e := &b.rec.Effects[i]
	res.At, res.NewBlockID = b.rec.At, e.NewBlockID
	if len(e.Lines) > 0 {
		res.Entries = make([]Entry, len(e.Lines))
	}
	for j := range e.Lines {
		b.entry(&res.Entries[j], b.ops[i], e, j, blocks[j])
	}
}

// entry builds the j-th entry of an operation.
func (b *entryBuilder) entry(e *Entry, op Operation, effect *Effect, j int, block *block) {
	l := &effect.Lines[j]
	*e = Entry{
		ID: b.id(), Account: b.rec.Account, Seq: b.rec.FirstEntry + uint64(b.n),
		CreatedAt: l.At, Type: l.Type, Status: statusAt(l.At, b.now, b.grace),
		Amount: l.Amount, Starting: l.Starting, Ending: l.Ending,
		Block: EntryBlock{
			ID: block.ID, Number: block.Number, ExpiresAt: block.ExpiresAt,
			CostBasis: block.CostBasis, Filters: block.rare.Filters,
		},
		IdempotencyKey: b.rec.Key, NewBlockExpiry: l.NewExpiry, VoidAmount: l.VoidAmount,
	}
	b.n++
	switch op := op.(type) {
	case Increment:
		e.Description, e.Metadata = op.Description, op.Metadata
		if op.InvoiceID != "" && j == len(effect.Lines)-1 {
			e.CreatedInvoices = []string{op.InvoiceID}
		}
	case Decrement:
		e.Description, e.Metadata = op.Description, op.Metadata
		e.ItemID, e.PriceID, e.InvoiceID = op.ItemID, op.PriceID, op.InvoiceID
	case ExpirationChange:
		e.Description, e.Metadata = op.Description, op.Metadata
		if l.Type == EntryExpirationChange {
			e.NewBlockID = effect.NewBlockID
		}
	case Void:
		e.Description, e.Metadata = op.Description, op.Metadata
		e.VoidReason = op.Reason
	case Amendment:
		e.Description, e.Metadata = op.Description, op.Metadata
	}
}

// statusAt is the status of an entry at an instant.
func statusAt(created, now Instant, grace time.Duration) EntryStatus {
	if now-created < Instant(grace/time.Microsecond) {
		return EntryPending
	}
	return EntryCommitted
}
