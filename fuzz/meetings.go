package fuzz

import (
	"math/big"
	"slices"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// meeting is a point at which two features meet.
type meeting struct {
	name string
	at   func(*moment) bool
}

// meetings are the points that a long run has to reach.
var meetings = slices.Concat(beside, recurring, together)

// beside are the meetings of holds, late usage and reversals with the older features.
var beside = []meeting{
	{"a block expires under a hold", func(m *moment) bool {
		return m.slice(func(h *model.Hold, b *model.Block) bool { return m.passes(b.ExpiresAt) && b.ExpiresAt < h.Until })
	}},
	{"a block expires as its hold lapses", func(m *moment) bool {
		return m.slice(func(h *model.Hold, b *model.Block) bool { return m.passes(b.ExpiresAt) && b.ExpiresAt == h.Until })
	}},
	{"a hold lapses", func(m *moment) bool {
		return m.slice(func(h *model.Hold, _ *model.Block) bool { return m.passes(h.Until) })
	}},
	{"a hold lapses after its block's expiry", func(m *moment) bool {
		return m.slice(func(h *model.Hold, b *model.Block) bool {
			return m.passes(h.Until) && b.ExpiresAt != 0 && b.ExpiresAt < h.Until
		})
	}},
	{"what an operation frees of an expired block expires", func(m *moment) bool {
		return m.is("capture", "release") && m.wrote(func(e *model.Entry) bool { return e.Type == cl.EntryCreditBlockExpiry })
	}},
	{"an expired block is captured", func(m *moment) bool {
		return m.is("capture") && !m.result.Late && m.wrote(func(e *model.Entry) bool { return e.Block.Expired(e.At) })
	}},
	{"a capture after the lapse", func(m *moment) bool { return m.is("capture") && m.result.Late }},
	{"a capture after the lapse is refused", func(m *moment) bool { return m.refusedFor(cl.HoldLapsed) }},
	{"a second capture is refused", func(m *moment) bool { return m.refusedFor(cl.HoldCaptured) }},
	{"a capture above its hold", func(m *moment) bool {
		h := m.hold()
		return m.is("capture") && !m.result.Late && h != nil && m.captured().Cmp(h.Held()) > 0
	}},
	{"a capture of what no block backed", func(m *moment) bool {
		h := m.hold()
		return m.is("capture") && !m.result.Late && h != nil && h.Unbacked.Sign() > 0 && m.captured().Cmp(new(big.Rat).Sub(h.Held(), h.Unbacked)) > 0
	}},
	{"a capture leaves a hold open", func(m *moment) bool { return m.is("capture") && m.result.Hold.State == model.Open }},
	{"a capture puts a debt on a block that it held", func(m *moment) bool {
		h := m.hold()
		return m.is("capture") && h != nil && m.wrote(func(e *model.Entry) bool { return m.now(e.Block).Balance.Sign() < 0 && keeps(h, e.Block) })
	}},
	{"a debt passes over a held block", func(m *moment) bool {
		return m.wrote(func(e *model.Entry) bool {
			b := m.now(e.Block)
			return b.Balance.Sign() < 0 && b.Number <= len(m.before.Blocks) && m.heldTaker(func(x *model.Block) bool { return m.pays(b, x) })
		})
	}},
	{"a debt makes a block, all others being held", func(m *moment) bool {
		return m.wrote(func(e *model.Entry) bool {
			b := m.now(e.Block)
			return b.Initial == nil && b.Number > len(m.before.Blocks) && m.heldTaker(func(*model.Block) bool { return true })
		})
	}},
	{"a decrement leaves what is held of its block", func(m *moment) bool {
		return m.is("decrement") && m.wrote(func(e *model.Entry) bool { return m.held(e.Block) })
	}},
	{"a void beside what is held", func(m *moment) bool { return m.is("void") && m.touchesHeld() }},
	{"a void is refused for a hold", func(m *moment) bool { return m.refusedHeld("void") }},
	{"a move beside what is held", func(m *moment) bool { return m.is("expiration_change") && m.touchesHeld() }},
	{"a move is refused for a hold", func(m *moment) bool { return m.refusedHeld("expiration_change") }},
	{"an amendment of a held block", func(m *moment) bool { return m.is("amendment") && m.touchesHeld() }},
	{"a grant pays a debt under an unbacked hold", func(m *moment) bool {
		return m.is("increment") && m.wrote(func(e *model.Entry) bool { return e.Refills }) && m.anyOpen(func(h *model.Hold) bool { return h.Unbacked.Sign() > 0 })
	}},
	{"an extension adds to a slice and adds another", func(m *moment) bool {
		h := m.hold()
		return m.is("extend_hold") && h != nil && len(h.Slices) > 0 && len(m.result.Hold.Slices) > len(h.Slices)
	}},
	{"an extension of a hold on an expired block", func(m *moment) bool {
		h := m.hold()
		return m.is("extend_hold") && h != nil && m.of(h, func(b *model.Block) bool { return b.Expired(m.at) })
	}},
	{"late usage of before an open hold", func(m *moment) bool {
		return m.late() && m.anyOpen(func(h *model.Hold) bool { return m.op.(cl.Decrement).UsageAt < h.CreatedAt })
	}},
	{"late usage of after an open hold", func(m *moment) bool {
		return m.late() && m.anyOpen(func(h *model.Hold) bool { return m.op.(cl.Decrement).UsageAt >= h.CreatedAt })
	}},
	{"late usage leaves the slice of an expired block", func(m *moment) bool {
		return m.late() && m.wrote(func(e *model.Entry) bool { return e.Type == cl.EntryAmendment && m.held(e.Block) })
	}},
	{"late usage draws what a hold let lapse", func(m *moment) bool {
		return m.late() && m.wrote(func(e *model.Entry) bool {
			return e.Type == cl.EntryAmendment && m.earlier(e, func(x *model.Entry) bool {
				return x.Type == cl.EntryCreditBlockExpiry && x.At > x.Block.ExpiresAt && m.before.Entries[x.Seq-2].Reverses == 0
			})
		})
	}},
	{"late usage draws what a reversal let lapse", func(m *moment) bool {
		return m.late() && m.wrote(func(e *model.Entry) bool {
			return e.Type == cl.EntryAmendment && m.earlier(e, func(x *model.Entry) bool { return x.Reverses != 0 && x.Block.Expired(x.At) })
		})
	}},
	{"a charge is taken back after its block expired", func(m *moment) bool { return m.is("reverse") && m.result.Lapsed.Sign() > 0 }},
	{"a charge is taken back under a hold of its block", func(m *moment) bool {
		return m.reverses(func(e, _ *model.Entry) bool { return m.held(e.Block) })
	}},
	{"a capture is taken back", func(m *moment) bool {
		return m.reverses(func(_, charged *model.Entry) bool { return charged.Hold != "" })
	}},
	{"a capture of an expired block is taken back", func(m *moment) bool {
		return m.reverses(func(_, charged *model.Entry) bool { return charged.Hold != "" && charged.Block.Expired(charged.At) })
	}},
	{"late usage is taken back", func(m *moment) bool {
		return m.reverses(func(_, charged *model.Entry) bool { return charged.UsageAt != 0 })
	}},
	{"late usage of an expired block is taken back", func(m *moment) bool {
		return m.reverses(func(_, charged *model.Entry) bool { return charged.UsageAt != 0 && charged.Block.Expired(charged.At) })
	}},
	{"what a grant repaid of a charge comes back as a block", func(m *moment) bool {
		return m.reverses(func(e, _ *model.Entry) bool { return e.Type == cl.EntryIncrement })
	}},
	{"what a grant repaid comes back expired", func(m *moment) bool {
		return m.reverses(func(e, _ *model.Entry) bool { return e.Type == cl.EntryIncrement && e.Block.Expired(e.At) })
	}},
	{"what is taken back is lost", func(m *moment) bool { return m.is("reverse") && m.result.Lost.Sign() > 0 }},
	{"a charge of a batch is taken back", func(m *moment) bool {
		op, ok := m.op.(cl.Reverse)
		return ok && m.err == nil && slices.ContainsFunc(m.on.List, func(d model.Done) bool { return d.Key == op.Charge && isBatch(d.Op) })
	}},
	{"a hold of a deleted customer is ended", func(m *moment) bool {
		return m.deleted && m.is("capture", "release") && m.hold() != nil && m.hold().State == model.Open
	}},
	{"a hold is made and captured in one batch", func(m *moment) bool { return m.batchOf("hold", "capture") }},
	{"a hold is captured and another made in one batch", func(m *moment) bool { return m.batchOf("capture", "hold") }},
	{"a hold is released and its block voided in one batch", func(m *moment) bool { return m.batchOf("release", "void") }},
}
