package fuzz

import (
	"errors"
	"math/big"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// moment is one operation, accepted or refused, with what was due before it.
type moment struct {
	op            model.Operation // one of a batch, or of an act
	all           []model.Operation
	on            *account
	before, after *model.State
	result        *model.Result
	err           error
	at            cl.Instant
	deleted       bool

	act  *model.Act // that it is a part of
	part int        // which
}

// is tells whether the operation is of some kind and was accepted.
func (m *moment) is(names ...string) bool {
	for _, name := range names {
		if m.err == nil && m.op.Name() == name {
			return true
		}
	}
	return false
}

func (m *moment) late() bool {
	d, ok := m.op.(cl.Decrement)
	return ok && m.err == nil && d.UsageAt != 0
}

// passes tells whether an instant came between the operation before and this one.
func (m *moment) passes(at cl.Instant) bool {
	return m.after != nil && m.before.Last < at && at <= m.at
}

func (m *moment) refusedFor(state cl.HoldState) bool {
	var refused *cl.HoldStateError
	return m.op.Name() == "capture" && errors.As(m.err, &refused) && refused.State == state
}

func (m *moment) refusedHeld(name string) bool {
	var refused *cl.HeldError
	return m.op.Name() == name && errors.As(m.err, &refused)
}

// wrote tells whether the operation itself wrote an entry of some kind.
func (m *moment) wrote(kind func(*model.Entry) bool) bool {
	if m.err != nil {
		return false
	}
	for _, e := range m.result.Entries {
		if kind(e) {
			return true
		}
	}
	return false
}

// earlier tells whether the block of an entry had one of some kind before this operation.
func (m *moment) earlier(e *model.Entry, kind func(*model.Entry) bool) bool {
	for _, x := range m.before.Entries {
		if x.Block.Number == e.Block.Number && kind(x) {
			return true
		}
	}
	return false
}

// reverses tells whether the operation took back a charge of some kind.
func (m *moment) reverses(kind func(e, charged *model.Entry) bool) bool {
	return m.wrote(func(e *model.Entry) bool { return e.Reverses != 0 && kind(e, m.after.Entries[e.Reverses-1]) })
}

// hold is the hold that the operation names, as it was before the operation.
func (m *moment) hold() *model.Hold {
	switch op := m.op.(type) {
	case cl.ExtendHold:
		return m.before.Hold(op.HoldID)
	case cl.Capture:
		return m.before.Hold(op.HoldID)
	case cl.Release:
		return m.before.Hold(op.HoldID)
	}
	return nil
}

// of tells whether a hold kept something of a block of some kind.
func (m *moment) of(h *model.Hold, kind func(*model.Block) bool) bool {
	for _, s := range h.Slices {
		if kind(m.before.Blocks[s.Block-1]) {
			return true
		}
	}
	return false
}

// slice tells whether, before the operation, a hold of some kind kept something of a block
// of some kind.
func (m *moment) slice(kind func(*model.Hold, *model.Block) bool) bool {
	for _, h := range m.before.Holds {
		if h.State == model.Open && m.of(h, func(b *model.Block) bool { return kind(h, b) }) {
			return true
		}
	}
	return false
}

// anyOpen tells whether a hold of some kind is open after the operation.
func (m *moment) anyOpen(kind func(*model.Hold) bool) bool {
	for _, h := range m.after.Holds {
		if h.State == model.Open && m.at < h.Until && kind(h) {
			return true
		}
	}
	return false
}

func keeps(h *model.Hold, b *model.Block) bool {
	for _, s := range h.Slices {
		if s.Block == b.Number {
			return true
		}
	}
	return false
}

// now is a block as the operation left it.
func (m *moment) now(b *model.Block) *model.Block { return m.after.Blocks[b.Number-1] }

func (m *moment) held(b *model.Block) bool { return m.after.HeldOf(m.now(b), m.at).Sign() > 0 }

func (m *moment) touchesHeld() bool {
	return m.wrote(func(e *model.Entry) bool { return m.held(e.Block) })
}

// captured is the amount of a capture.
func (m *moment) captured() *big.Rat { return model.Rat(m.op.(cl.Capture).Amount) }

// pays tells whether a block pays before another.
func (m *moment) pays(before, other *model.Block) bool {
	return model.InOrder([]*model.Block{other, before})[0] == before
}

// heldTaker tells whether holds keep something of a block of some kind that could take a
// debt.
func (m *moment) heldTaker(kind func(*model.Block) bool) bool {
	for _, b := range m.after.Blocks {
		if b.Eligible(m.at) && b.ExpiresAt == 0 && len(b.Filters) == 0 && m.held(b) && kind(b) {
			return true
		}
	}
	return false
}

func isBatch(op model.Operation) bool {
	_, batch := model.Parts(op)
	return batch
}

// batchOf tells whether the operation is the first of a batch in which an operation of one
// kind is followed by one of another kind, on what the first one touched.
func (m *moment) batchOf(first, second string) bool {
	if m.err != nil || len(m.all) < 2 || m.op != nil && m.op.Name() != first {
		return false
	}
	seen := false
	for _, op := range m.all {
		if seen && op.Name() == second {
			return true
		}
		seen = seen || op.Name() == first
	}
	return false
}

// meet counts the meetings that an operation came to.
func (m *machine) meet(x moment) {
	if errors.Is(x.err, cl.ErrInvalid) {
		return
	}
	x.all, _ = model.Parts(x.op)
	parts := []*model.Result{x.result}
	if x.err != nil {
		x.all = []model.Operation{x.op}
	} else if isBatch(x.op) {
		parts = x.result.Parts
	}
	for i, op := range x.all {
		y := x
		y.op, y.result = op, parts[i]
		m.count(&y)
	}
}

// count counts the meetings of one operation.
func (m *machine) count(x *moment) {
	for _, meeting := range meetings {
		if meeting.at(x) {
			m.stats.Meetings[meeting.name]++
		}
	}
}
