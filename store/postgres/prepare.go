package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"creditledger"
	"creditledger/store/internal/changes"
)

// errMoved means that something has changed since a change was computed; judge finds out
// what.
var errMoved = errors.New("changed meanwhile")

// storedBlock is what a commit reads of a block that is not in the head.
type storedBlock struct {
	stored, open bool
	data         string
}

// prepare works out what the transaction writes. It reads what the store does not
// remember in one round trip.
func (t *transaction) prepare(ctx context.Context, c client, known *packs) error {
	b := &pgx.Batch{}
	t.queueLook(b, known)
	if b.Len() > 0 {
		results := c.SendBatch(ctx, b)
		err := t.found(results)
		if closing := results.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return err
		}
	}
	return t.compute()
}

func (t *transaction) queueLook(b *pgx.Batch, known *packs) {
	for _, p := range t.parts {
		p.look(b, t.sql, known)
	}
	for i := range t.puts {
		if u := &t.puts[i]; u.Expect > 0 {
			b.Queue(t.sql.judgeRecord, u.Kind, []byte(u.Key))
		}
	}
}

// compute works out what the transaction writes from what is known.
func (t *transaction) compute() error {
	for _, p := range t.parts {
		if err := p.compute(t.sql); err != nil {
			return err
		}
	}
	return nil
}

// look queues queries for what the part needs to know. The head comes first. Blocks that
// are read after it are not older, and if they are newer the version has moved.
func (p *part) look(b *pgx.Batch, sql *statements, known *packs) {
	p.old, p.pack, p.steps, p.asksHead = nil, nil, nil, false
	p.known = map[uint64]storedBlock{}
	c := p.change
	if c.Version > 0 && known != nil {
		p.old = known.get(c.Account, c.Version, c.Prev)
	}
	for i := range c.Blocks {
		if n := c.Blocks[i].Number; !c.Blocks[i].New && (p.old == nil || p.old.find(n) < 0) {
			p.known[n] = storedBlock{}
		}
	}
	if p.old == nil && (c.Version > 0 || len(p.known) > 0) {
		p.asksHead = true
		b.Queue(sql.headPack, p.at.args()...)
	}
	for i := range c.Blocks {
		if n := c.Blocks[i].Number; p.asksFor(n) {
			b.Queue(sql.blockRow, p.at.args(bounded(n))...)
			b.Queue(sql.openRow, p.at.args(bounded(n))...)
		}
	}
}

func (p *part) asksFor(number uint64) bool {
	_, asked := p.known[number]
	return asked
}

// found reads the answers to look.
func (t *transaction) found(results pgx.BatchResults) error {
	moved := false
	for _, p := range t.parts {
		same, err := p.found(results)
		if err != nil {
			return err
		}
		moved = moved || !same
	}
	for i := range t.puts {
		u := &t.puts[i]
		if u.Expect == 0 {
			continue
		}
		stored, token, err := nextRecord(results)
		if err != nil {
			return err
		}
		u.was = token
		moved = moved || !changes.Follows(u.DocumentPut, &stored)
	}
	if moved {
		return errMoved
	}
	return nil
}

// nextRecord reads the answer to judgeRecord; without a version there is none.
func nextRecord(results pgx.BatchResults) (r creditledger.Document, token []byte, err error) {
	var version int64
	_, err = nextRow(results, &version, &r.Value, &token)
	r.Version = uint64(version)
	return r, token, err
}

func (p *part) found(results pgx.BatchResults) (same bool, err error) {
	if p.asksHead {
		if p.old, err = nextPack(results, p.at); err != nil {
			return false, err
		}
	}
	for i := range p.change.Blocks {
		n := p.change.Blocks[i].Number
		if !p.asksFor(n) {
			continue
		}
		var data []byte
		var balance, capacity *string
		var s storedBlock
		if s.stored, err = nextRow(results, &data, &balance, &capacity); err != nil {
			return false, err
		}
		if s.open, err = nextRow(results, &balance, &capacity); err != nil {
			return false, err
		}
		s.data = string(data)
		p.known[n] = s
	}
	return p.old == nil || p.follows(p.old.version, p.old.seal[:]), nil
}

// follows reports whether the change was computed from the head with that version and
// seal, which is empty for an account never written.
func (p *part) follows(version uint64, seal []byte) bool {
	head := creditledger.Head{Version: version}
	return copy(head.Seal[:], seal) == len(seal) && changes.ComputedFrom(p.change, &head)
}

// compute finds the steps that write the part's blocks, and what the head has afterwards.
// The blocks that changed last come first and stay in the head as long as there is room,
// because they will probably change next.
func (p *part) compute(sql *statements) error {
	c := p.change
	var before []packed
	if p.old != nil {
		before = p.old.open
	}
	w := blockWriter{part: p, sql: sql, touched: map[uint64]bool{}}
	for i := range c.Blocks {
		b := &c.Blocks[i]
		w.touched[b.Number] = true
		if err := w.write(b, before); err != nil {
			return err
		}
	}
	open := w.hot
	for _, b := range before {
		if !w.touched[b.number] {
			open = append(open, b)
		}
	}
	for _, b := range w.fresh {
		if fits(append(open[:len(open):len(open)], b)) {
			open = append(open, b)
		}
	}
	for !fits(open) {
		last := open[len(open)-1]
		open = open[:len(open)-1]
		p.alterRow(sql.updateOpen, p.at.args(bounded(last.number), last.balance, last.capacity)...)
	}
	p.pack = &pack{version: c.Head.Version, seal: c.Head.Seal, open: open, streak: 1}
	if p.old != nil {
		p.pack.streak += p.old.streak
	}
	return nil
}

// insertRow adds a step that makes a row. alterRow adds a step that changes an existing
// row.
func (p *part) insertRow(sql string, args ...any) {
	p.steps = append(p.steps, func(b *script) { b.queue(1, sql, args...) })
}

func (p *part) alterRow(sql string, args ...any) {
	p.steps = append(p.steps, func(b *script) { b.alterRow(sql, args...) })
}

// blockWriter turns the blocks of a change into rows.
type blockWriter struct {
	part    *part
	sql     *statements
	touched map[uint64]bool
	hot     []packed // open, and changed before
	fresh   []packed // open, and new
}

func (w *blockWriter) write(b *creditledger.StoredBlock, before []packed) error {
	p := w.part
	now := packed{number: b.Number, balances: balances{b.Balance.String(), b.Capacity.String()}, data: string(dataOf(&b.Block))}
	if b.New {
		w.insert(b, &now)
		return nil
	}
	was := p.known[b.Number]
	for i := range before {
		if before[i].number == b.Number {
			was = storedBlock{stored: true, open: true, data: before[i].data}
		}
	}
	if err := changes.CheckNumber(p.change.Account, b, was.stored); err != nil {
		return err
	}
	switch {
	case !b.Open:
		if was.open {
			p.alterRow(w.sql.deleteOpen, p.at.args(bounded(b.Number))...)
		}
		w.update(b, &now, now.balance, now.capacity)
		return nil
	case !was.open:
		p.insertRow(w.sql.insertOpen, p.at.args(bounded(b.Number), []byte(now.data), now.balance, now.capacity)...)
		w.update(b, &now, nil, nil)
	case was.data != now.data:
		p.alterRow(w.sql.openData, p.at.args(bounded(b.Number), []byte(now.data))...)
		w.update(b, &now, nil, nil)
	}
	w.hot = append(w.hot, now)
	return nil
}

// insert writes a new block.
func (w *blockWriter) insert(b *creditledger.StoredBlock, now *packed) {
	p := w.part
	var balance, capacity any
	if !b.Open {
		balance, capacity = now.balance, now.capacity
	}
	p.insertRow(w.sql.insertBlockID, p.at.args(b.ID, bounded(b.Number))...)
	p.insertRow(w.sql.insertBlock, p.at.args(bounded(b.Number), b.ID, []byte(now.data), balance, capacity,
		b.Initial.String(), int64(b.CreatedAt), int64(b.EffectiveAt), int64(b.ExpiresAt),
		b.Priority, int16(b.Status), int16(b.Source))...)
	if b.Open {
		p.insertRow(w.sql.insertOpen, p.at.args(bounded(b.Number), []byte(now.data), now.balance, now.capacity)...)
		w.fresh = append(w.fresh, *now)
	}
}

// update writes a block's row; its balances only when it is not open.
func (w *blockWriter) update(b *creditledger.StoredBlock, now *packed, balance, capacity any) {
	p := w.part
	p.alterRow(w.sql.updateBlock, p.at.args(bounded(b.Number), []byte(now.data), balance, capacity,
		b.Initial.String(), int64(b.CreatedAt), int64(b.EffectiveAt), int64(b.ExpiresAt),
		b.Priority, int16(b.Status), int16(b.Source))...)
}
