package creditledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// eraser erases in one account, in pieces. Blocks come before records, because a replay
// gives the texts of a record to the blocks that it made as long as the record has them.
type eraser struct {
	ledger *Ledger
	id     AccountID

	next, last uint64 // the records that are still to be looked at
	operation  uint64 // which operation of the record, counted from 1; 0: all
	found      erase  // texts that were found in records and are not erased yet
	texts      []RecordTexts
	kept       uint64

	known  uint64          // number of the last block when the erasure began; it concerns no later ones
	seen   uint64          // number of the last block that was looked at
	scope  map[string]bool // ids of later blocks that it concerns too, because they come from such a block
	blocks []string        // ids of the blocks that still have metadata
}

// begin finds out what there is to erase.
func (e *eraser) begin(ctx context.Context, entry uint64) error {
	l := e.ledger
	e.scope = map[string]bool{}
	if err := l.awaitBegunOn(ctx, e.id); err != nil {
		return err
	}
	state, err := l.store.Load(ctx, e.id, nil)
	if err != nil {
		return err
	}
	e.last, e.known = state.Head.Version, state.Head.Blocks
	if entry == 0 {
		return nil
	}
	rec, i, err := l.recordOfEntry(ctx, e.id, entry, &state.Head)
	if err != nil {
		return err
	}
	var one [1]Operation
	if rec.Texts == nil && hasText(operations(rec.Op, &one)[i]) {
		return constraint("entry %d was recorded in a format older than 3, under whose seal its text is: copy the ledger, and erase it there", entry)
	}
	e.next, e.last, e.operation, e.known = rec.Seq, rec.Seq, uint64(i)+1, 0
	if made := rec.Effects[i].NewBlockID; made != "" {
		switch operations(rec.Op, &one)[i].(type) {
		case Increment, Schedule, ChangeSchedule, begin:
			e.scope[made] = true
		}
	}
	return nil
}

// recordOfEntry finds the record of an entry by bisection, and which of its operations
// wrote it.
func (l *Ledger) recordOfEntry(ctx context.Context, on AccountID, entry uint64, head *Head) (*OpRecord, int, error) {
	if entry == 0 || entry > head.Entries {
		return nil, 0, &NotFoundError{Kind: "entry", ID: fmt.Sprint(entry)}
	}
	after, err := l.firstRecord(ctx, on, head.Version, func(rec *OpRecord) bool { return rec.FirstEntry > entry })
	if err != nil || after == 1 {
		return nil, 0, err
	}
	rec, err := l.record(ctx, on, after-1)
	if err != nil {
		return nil, 0, err
	}
	n := rec.FirstEntry
	for i := range rec.Effects {
		if n += uint64(len(rec.Effects[i].Lines)); entry < n {
			return rec, i, nil
		}
	}
	return nil, 0, &CorruptError{Where: "journal of " + on.String(), Reason: fmt.Sprintf("entry %d is missing", entry)}
}

// look reads records until it has found enough to erase at once, or all.
func (e *eraser) look(ctx context.Context) error {
	if e.found.From != 0 || e.next > e.last {
		return nil
	}
	return e.ledger.eachRecord(ctx, e.id, e.next, false, func(rec *OpRecord) (bool, error) {
		if rec.Seq > e.last {
			return false, nil
		}
		e.next = rec.Seq + 1
		if rec.Texts == nil && hasText(rec.Op) {
			e.kept++
		}
		e.take(rec)
		return e.found.Operations < maxErased && rec.Seq < e.last, ctx.Err()
	})
}

// take notes what has to be erased of a record.
func (e *eraser) take(rec *OpRecord) {
	op := erase{From: rec.Seq, To: rec.Seq, Operation: e.operation}
	left, n := op.without(rec)
	if n == 0 {
		return
	}
	e.texts = append(e.texts, RecordTexts{Seq: rec.Seq, Texts: left})
	if e.found.From == 0 {
		e.found = op
	}
	e.found.Schedules = op.schedules(rec, e.found.Schedules)
	e.found.To, e.found.Operations = rec.Seq, e.found.Operations+n
}

// maxErased is roughly how many operations, or blocks, one record erases.
const maxErased = 1000

// piece erases a part, in one commit. It returns the number of operations or blocks, and
// 0 when nothing is left.
func (e *eraser) piece(ctx context.Context) (int, erase, error) {
	if e.operation == 0 { // nothing of it is left, whatever others erase meanwhile
		if err := e.look(ctx); err != nil {
			return 0, erase{}, err
		}
	}
	f, op, err := e.queue(ctx)
	for err == errGrantsDue {
		if err = e.writeDue(ctx); err == nil {
			f, op, err = e.queue(ctx)
		}
	}
	if err != nil || f == nil {
		return 0, op, err
	}
	if err := e.ledger.commit.await(ctx, f); err != nil {
		return 0, erase{}, &OutcomeUnknownError{Err: err}
	}
	if f.err != nil {
		if op.From == 0 { // the erasure failed: look for its blocks again
			e.seen, e.blocks = 0, nil
		} else if e.operation != 0 {
			e.next, e.found, e.texts = op.From, erase{}, nil
		}
		return 0, erase{}, f.err
	}
	if op.From != 0 {
		e.found, e.texts = erase{}, nil
	}
	return len(op.Blocks) + int(op.Operations), op, nil
}

// errGrantsDue says that grants have to be written first, so that their texts can be
// erased too. Callers never see it.
var errGrantsDue = errors.New("grants are due")

// writeDue writes what is due, so that it can be erased too.
func (e *eraser) writeDue(ctx context.Context) error {
	w, err := e.ledger.sweepAccount(ctx, e.id, 0)
	if err == nil {
		_, err = e.ledger.landed(ctx, w)
	}
	if err != nil || e.operation != 0 {
		return err
	}
	state, err := e.ledger.store.Load(ctx, e.id, nil)
	if err == nil {
		e.last, e.known = state.Head.Version, state.Head.Blocks
		err = e.look(ctx)
	}
	return err
}

// queue decides and queues a part. Nobody else decides on the account meanwhile.
func (e *eraser) queue(ctx context.Context) (*flight, erase, error) {
	l := e.ledger
	s, err := l.acquireToChange(ctx, e.id)
	if err != nil {
		return nil, erase{}, err
	}
	defer l.cache.release(s)
	if err := s.load(ctx, l.store, l.cache.locking); err != nil {
		return nil, erase{}, err
	}
	at, err := l.advance(s.account)
	if err == nil && s.account.grantsBy(at) {
		err = errGrantsDue
	}
	if err == nil {
		err = e.lookAtBlocks(ctx, s.account)
	}
	if err != nil {
		return nil, erase{}, err
	}
	if e.operation != 0 {
		if f := s.find(func(f *flight) bool { return f.beside.changesTexts() }); f != nil {
			return nil, erase{}, &redecideError{flight: f}
		}
		if err := e.look(ctx); err != nil {
			return nil, erase{}, err
		}
	}
	op, texts := e.found, e.texts
	if len(e.blocks) > 0 {
		n := min(len(e.blocks), maxErased)
		op, texts = erase{Blocks: e.blocks[:n:n]}, nil
		e.blocks = e.blocks[n:]
	}
	if op.From == 0 && len(op.Blocks) == 0 {
		return nil, erase{}, nil
	}
	f, err := l.queueErasure(ctx, s, op, texts)
	return f, op, err
}

// queueErasure decides an erasure, and queues it with what is left of the records' texts.
func (l *Ledger) queueErasure(ctx context.Context, s *slot, op erase, texts []RecordTexts) (*flight, error) {
	r := request{account: s.id, op: op}
	settings, err := l.freshSettings(ctx)
	if err != nil {
		return nil, err
	}
	r.settings = settings
	if r.bits, err = l.ids.draw(); err != nil {
		return nil, err
	}
	if err := s.fetch(ctx, l.store, op); err != nil {
		return nil, err
	}
	d, err := l.begin(s, &r)
	if err != nil {
		return nil, err
	}
	defer d.free()
	s.deciding = true
	err = d.decide()
	s.deciding = false
	if err != nil {
		return nil, err
	}
	d.texts = texts
	f, _ := l.commit.queue(s, &d.written, d.pieces, false)
	return f, nil
}

// lookAtBlocks looks at the blocks that were made since its last call, both stored and on
// their way. It notes those that the erasure concerns and that have metadata.
func (e *eraser) lookAtBlocks(ctx context.Context, a *account) error {
	for e.seen < a.head.Blocks {
		page, err := e.ledger.store.Blocks(ctx, e.id, e.seen+1, MaxPage)
		if err != nil {
			return err
		}
		for i := range page {
			b := page[i].kept()
			if b.Number <= e.seen {
				return standsStill("blocks of " + e.id.String())
			}
			if err := e.lookAt(ctx, &b); err != nil {
				return err
			}
		}
		if len(page) < MaxPage {
			break
		}
	}
	if e.seen >= a.head.Blocks {
		return nil
	}
	var flying []*block
	for _, b := range a.open.all() {
		if b.Number > e.seen {
			flying = append(flying, b)
		}
	}
	for _, c := range a.closed {
		if c.block.Number > e.seen {
			flying = append(flying, c.block)
		}
	}
	slices.SortFunc(flying, byNumber)
	for _, b := range flying {
		if err := e.lookAt(ctx, b); err != nil {
			return err
		}
	}
	e.seen = a.head.Blocks
	return nil
}

func (e *eraser) lookAt(ctx context.Context, b *block) error {
	e.seen = b.Number
	concerned := b.Number <= e.known || e.scope[b.ID] || e.scope[b.rare.ParentID]
	if !concerned && b.rare.ParentID != "" && len(b.rare.Metadata) > 0 && e.known > 0 {
		parents, err := e.ledger.store.BlocksByID(ctx, e.id, []string{b.rare.ParentID})
		if err != nil {
			return err
		}
		concerned = len(parents) == 1 && parents[0].Number <= e.known
	}
	if !concerned {
		return nil
	}
	if b.Number > e.known {
		e.scope[b.ID] = true
	}
	if len(b.rare.Metadata) > 0 {
		e.blocks = append(e.blocks, b.ID)
	}
	return nil
}
