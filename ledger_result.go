package creditledger

import (
	"context"
	"fmt"
	"slices"

	"creditledger/internal/uuid7"
)

// resultFrom builds the result for the caller from the changes that were just made.
func resultFrom(rec *OpRecord, ops []Operation, changes []*change, now Instant) *Result {
	b := newEntryBuilder(rec, ops, now)
	part := func(res *Result, i int) {
		b.part(res, i, changes[i].blocks)
		res.take(changes[i])
		if hc := changes[i].hold; hc != nil {
			res.Hold, res.Late = hc.hold.info(&hc.now, rec.At), hc.late
		}
		res.Schedule = rec.Effects[i].schedule.result()
	}
	if _, ok := rec.Op.(Batch); !ok {
		res := newResult(len(changes[0].lines))
		res.Key = b.key
		part(res, 0)
		return res
	}
	res := &Result{Key: b.key, At: rec.At}
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

// newResult makes a result with room for n entries. One entry, the usual number, comes in
// the same memory.
func newResult(n int) *Result {
	if n != 1 {
		return &Result{}
	}
	r := new(struct {
		Result
		one [1]Entry
	})
	r.Entries = r.one[:]
	return &r.Result
}

// take adds to a result what a change tells besides its entries.
func (r *Result) take(c *change) {
	r.Overage, r.Consumed = c.overage, c.consumed
	r.Reversed, r.Lapsed, r.Lost = c.reversed, c.lapsed, c.lost
}

// entryBuilder turns the lines of a record into entries.
type entryBuilder struct {
	rec *OpRecord
	ops []Operation // of the record
	key Key         // the caller's, or the one that the ledger made
	now Instant
	n   int // lines so far
}

func newEntryBuilder(rec *OpRecord, ops []Operation, now Instant) entryBuilder {
	b := entryBuilder{rec: rec, ops: ops, key: rec.Key, now: now}
	if b.key == "" {
		b.key = rec.ownKey()
	}
	return b
}

// id returns the id of the next entry. The first entry of a record has the record's own
// id, whose text a key made by the ledger already has.
func (b *entryBuilder) id() string {
	if b.n == 0 && b.rec.Key == "" {
		return string(b.key[len(generatedPrefix):][:uuid7.TextSize])
	}
	return numberedID(b.rec.ID, b.n)
}

// part builds the result of the i-th operation. blocks holds the block of each line.
func (b *entryBuilder) part(res *Result, i int, blocks []*block) {
	e := &b.rec.Effects[i]
	res.At, res.NewBlockID = b.rec.At, e.NewBlockID
	if n := len(e.Lines); n > len(res.Entries) {
		res.Entries = make([]Entry, n)
	}
	for j := range e.Lines {
		b.entry(&res.Entries[j], i, e, j, blocks[j])
	}
}

// entry fills in the j-th entry of the i-th operation, which is empty.
func (b *entryBuilder) entry(e *Entry, i int, effect *Effect, j int, block *block) {
	l := &effect.Lines[j]
	e.ID, e.Account, e.Seq = b.id(), b.rec.Account, b.rec.FirstEntry+uint64(b.n)
	e.CreatedAt, e.Type, e.Status = l.At, l.Type, statusAt(l.At, b.now, b.rec.Grace)
	e.Amount, e.Starting, e.Ending = l.Amount, l.Starting, l.Ending
	e.Block.ID, e.Block.Number, e.Block.ExpiresAt = block.ID, block.Number, block.ExpiresAt
	e.Block.CostBasis, e.Block.Filters = block.CostBasis, block.rare.Filters
	e.IdempotencyKey, e.NewBlockExpiry, e.VoidAmount, e.Reverses = b.rec.Key, l.NewExpiry, l.VoidAmount, l.Reverses
	e.Erased = b.rec.erased(i)
	b.n++
	e.Description, e.Metadata = textOf(b.ops[i])
	switch op := b.ops[i].(type) {
	case Increment:
		if op.InvoiceID != "" && j == len(effect.Lines)-1 {
			e.CreatedInvoices = []string{op.InvoiceID}
		}
		if refills(effect, j) {
			e.GrantedCostBasis = op.CostBasis
		}
	case Decrement:
		e.UsageAt = op.UsageAt
		if l.Type == EntryDecrement {
			e.ItemID, e.PriceID, e.InvoiceID = op.ItemID, op.PriceID, op.InvoiceID
		}
	case ExpirationChange:
		if l.Type == EntryExpirationChange {
			e.NewBlockID = effect.NewBlockID
		}
	case Void:
		e.VoidReason = op.Reason
	case send:
		e.VoidReason = VoidTransfer
	case EndSchedule:
		e.VoidReason = op.VoidReason
	case Schedule, ChangeSchedule:
		if d := effect.schedule.dates; d != nil && refills(effect, j) {
			e.GrantedCostBasis = d.costBasis
		}
	case begin:
		if refills(effect, j) {
			e.GrantedCostBasis = op.CostBasis
		}
	case carry:
		e.NewBlockID = effect.NewBlockID
	case Capture:
		if l.Type == EntryDecrement {
			e.ItemID, e.PriceID, e.HoldID = effect.hold.itemID, effect.hold.priceID, op.HoldID
		}
	}
}

// statusAt is the status at an instant of an entry with a grace period.
func statusAt(created, now, grace Instant) EntryStatus {
	if now-created < grace {
		return EntryPending
	}
	return EntryCommitted
}

// resultOf rebuilds the result that a recorded operation had, statuses included.
func (l *Ledger) resultOf(ctx context.Context, rec *OpRecord) (*Result, error) {
	blocks := map[uint64]*block{}
	if err := l.joinBlocks(ctx, rec, blocks, nil); err != nil {
		return nil, err
	}
	var one [1]Operation
	ops := operations(rec.Op, &one)
	b := newEntryBuilder(rec, ops, rec.At)
	res := &Result{Key: b.key, At: rec.At, Replayed: true}
	if _, ok := rec.Op.(Batch); !ok {
		return res, b.stored(res, 0, blocks)
	}
	res.Results = make([]Result, len(rec.Effects))
	for i := range rec.Effects {
		if err := b.stored(&res.Results[i], i, blocks); err != nil {
			return nil, err
		}
		res.Entries = append(res.Entries, res.Results[i].Entries...)
	}
	return res, nil
}

// stored is part for a record read back.
func (b *entryBuilder) stored(res *Result, i int, blocks map[uint64]*block) error {
	e := &b.rec.Effects[i]
	ofLine := make([]*block, len(e.Lines))
	for j := range e.Lines {
		ofLine[j] = blocks[e.Lines[j].Block]
	}
	b.part(res, i, ofLine)
	err := res.derive(b.ops[i], e)
	res.Schedule = e.schedule.result()
	if h := e.hold; h != nil && err == nil {
		res.Late = h.late
		res.Hold, err = h.info(holdIDOf(b.ops[i]), blocks)
	}
	if err != nil {
		return &CorruptError{Where: fmt.Sprintf("record %d of %s", b.rec.Seq, b.rec.Account), Reason: err.Error()}
	}
	return nil
}

// derive fills in what an operation returned besides its entries.
func (r *Result) derive(op Operation, e *Effect) (err error) {
	add := func(sum *Amount, amount Amount) {
		if err == nil {
			*sum, err = sum.Add(amount)
		}
	}
	switch op := op.(type) {
	case Decrement:
		r.Overage, err = uncovered(op.Amount, e.Lines)
	case Capture:
		r.Overage, err = uncovered(op.Amount, e.Lines)
	case Void:
		if len(e.Lines) == 2 {
			r.Consumed, err = op.Amount.Sub(e.Lines[1].Amount)
		}
	case Reverse:
		r.Reversed, r.Lost = e.Lost, e.Lost
		for i := range e.Lines {
			if e.Lines[i].Type == EntryCreditBlockExpiry {
				add(&r.Lapsed, e.Lines[i].Amount)
			} else {
				add(&r.Reversed, e.Lines[i].Amount)
			}
		}
	}
	return err
}

// uncovered returns the part of the requested amount that the entries do not draw.
func uncovered(asked Amount, lines []Line) (Amount, error) {
	var err error
	for i := range lines {
		if lines[i].Type != EntryDecrement {
			continue
		}
		if asked, err = asked.Sub(lines[i].Amount); err != nil {
			return Amount{}, err
		}
	}
	return asked, nil
}

// joinBlocks fetches the blocks of a record's lines that are not in blocks yet; with
// wanted only those of wanted lines.
func (l *Ledger) joinBlocks(ctx context.Context, rec *OpRecord, blocks map[uint64]*block, wanted func(*Line) bool) error {
	var missing []uint64
	if wanted == nil {
		missing = missingSlices(rec, blocks)
	}
	for i := range rec.Effects {
		for j := range rec.Effects[i].Lines {
			line := &rec.Effects[i].Lines[j]
			if _, ok := blocks[line.Block]; !ok && (wanted == nil || wanted(line)) {
				blocks[line.Block] = nil
				missing = append(missing, line.Block)
			}
		}
	}
	for part := range slices.Chunk(missing, MaxPage) {
		found, err := l.store.BlocksByNumber(ctx, rec.Account, part)
		if err != nil {
			if isNotFound(err) {
				err = &CorruptError{Where: "blocks of " + rec.Account.String(), Reason: err.Error()}
			}
			return err
		}
		for i := range found {
			kept := found[i].kept()
			blocks[kept.Number] = &kept
		}
	}
	return nil
}
