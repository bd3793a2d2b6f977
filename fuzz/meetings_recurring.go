package fuzz

import (
	"errors"
	"math/big"
	"slices"
	"strings"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// recurring are the meetings of schedules with each other and with everything else.
var recurring = []meeting{
	{"a grant falls due under a hold", func(m *moment) bool {
		return m.fell(func(e *model.Entry) bool { return granted(e) && m.heldAt(e.At) })
	}},
	{"a grant falls due as a hold lapses", func(m *moment) bool {
		return m.fell(func(e *model.Entry) bool {
			return granted(e) && slices.ContainsFunc(m.before.Holds, func(h *model.Hold) bool { return h.State == model.Open && h.Until == e.At })
		})
	}},
	{"a grant falls due before late usage", func(m *moment) bool { return m.late() && m.fell(granted) }},
	{"a grant falls due before a reversal", func(m *moment) bool { return m.is("reverse") && m.fell(granted) }},
	{"a grant falls due before a capture", func(m *moment) bool { return m.is("capture") && m.fell(granted) }},
	{"a grant falls due before a void", func(m *moment) bool { return m.is("void") && m.fell(granted) }},
	{"a grant falls due before an act", func(m *moment) bool { return m.act != nil && m.err == nil && m.fell(granted) }},
	{"a grant pays a debt", func(m *moment) bool { return m.fell(func(e *model.Entry) bool { return e.Refills }) }},
	{"a grant waits for its payment", func(m *moment) bool {
		return m.fell(func(e *model.Entry) bool { return granted(e) && e.Block.Gated })
	}},
	{"a grant is paid for", func(m *moment) bool {
		op, is := m.op.(cl.Activation)
		return is && m.err == nil && planned(m.after.Find(op.BlockID))
	}},
	{"grants of two schedules fall due at once", func(m *moment) bool {
		return m.twice(func(x, y *model.Entry) bool {
			return granted(x) && granted(y) && x.At == y.At && x.Block.Plan != y.Block.Plan
		})
	}},
	{"several periods are made up for", func(m *moment) bool {
		return m.twice(func(x, y *model.Entry) bool {
			return granted(x) && granted(y) && x.At < y.At && x.Block.Plan == y.Block.Plan
		})
	}},
	{"periods are passed over for the latest", func(m *moment) bool {
		return m.plans(func(was, is *model.Plan) bool {
			return is.CatchUp == "latest" && is.K-was.K > 1 && is.K-was.K > is.Granted-was.Granted
		})
	}},
	{"a grant comes in a gap of the clocks, or the day that a month has not", func(m *moment) bool {
		return m.fell(func(e *model.Entry) bool {
			if !granted(e) || !planned(e.Block) {
				return false
			}
			p := m.after.PlanOf(e.Block.Plan)
			return e.At == p.Period(p.LastK) && (model.WallOf(e.At, p.Zone).Micros != p.Wall.Micros || p.Every.Unit == "month" && model.WallOf(e.At, p.Zone).Day != p.Wall.Day)
		})
	}},
	{"a part of a period is granted", func(m *moment) bool {
		op, is := m.op.(cl.Schedule)
		return is && m.wrote(func(e *model.Entry) bool {
			return e.Amount.Cmp(model.Rat(op.Amount)) < 0 && op.First == cl.FirstProrated
		})
	}},
	{"credits are carried", func(m *moment) bool { return m.fell(carried) }},
	{"credits are carried a second time", func(m *moment) bool {
		return m.fell(func(e *model.Entry) bool { return carried(e) && e.New.Carried > 1 })
	}},
	{"a part is carried, and the rest expires", func(m *moment) bool {
		return m.twice(func(x, y *model.Entry) bool {
			return carried(x) && y.Type == cl.EntryCreditBlockExpiry && y.Block == x.Block
		})
	}},
	{"credits that wait for payment are carried", func(m *moment) bool {
		return m.fell(func(e *model.Entry) bool { return carried(e) && e.Block.ActivatedAt == 0 })
	}},
	{"what is free of a held block is carried", func(m *moment) bool {
		return m.fell(func(e *model.Entry) bool {
			return carried(e) && m.slice(func(h *model.Hold, b *model.Block) bool { return b.Number == e.Block.Number && e.At < h.Until })
		})
	}},
	{"a grant expires under a hold", func(m *moment) bool {
		return m.slice(func(h *model.Hold, b *model.Block) bool {
			return planned(b) && m.passes(b.ExpiresAt) && b.ExpiresAt < h.Until
		})
	}},
	{"a hold takes carried credits", func(m *moment) bool {
		return m.is("hold") && slices.ContainsFunc(m.result.Hold.Slices, func(s model.Slice) bool { return m.after.Blocks[s.Block-1].Carried > 0 })
	}},
	{"a grant whose period has ended is captured", func(m *moment) bool {
		return m.is("capture") && !m.result.Late && m.wrote(func(e *model.Entry) bool { return planned(e.Block) && e.Block.Expired(e.At) })
	}},
	{"a hold frees a grant whose period has ended", func(m *moment) bool {
		return m.is("capture", "release") && m.wrote(func(e *model.Entry) bool { return e.Type == cl.EntryCreditBlockExpiry && planned(e.Block) })
	}},
	{"late usage draws a grant whose period has ended", func(m *moment) bool {
		return m.late() && m.wrote(func(e *model.Entry) bool { return e.Type == cl.EntryAmendment && planned(e.Block) })
	}},
	{"late usage of before the carry draws carried credits", func(m *moment) bool {
		return m.late() && m.wrote(func(e *model.Entry) bool {
			return e.Type == cl.EntryDecrement && e.Block.Carried > 0 && e.UsageAt < e.Block.CreatedAt
		})
	}},
	{"a charge on a grant is taken back after its period", func(m *moment) bool {
		return m.reverses(func(e, _ *model.Entry) bool { return planned(e.Block) && e.Block.Expired(e.At) })
	}},
	{"a charge is lost because the credits were carried", func(m *moment) bool {
		op, is := m.op.(cl.Reverse)
		return is && m.err == nil && m.result.Lost.Sign() > 0 && op.Entry != 0 && m.movedOn(m.after.Entries[op.Entry-1].Block, carried)
	}},
	{"a void of a grant", func(m *moment) bool { return m.is("void") && m.wrote(ofPlan) }},
	{"a move of a grant", func(m *moment) bool { return m.is("expiration_change") && m.wrote(ofPlan) }},
	{"an amendment of a grant", func(m *moment) bool { return m.is("amendment") && m.wrote(ofPlan) }},
	{"a schedule takes the id of a block or schedule", func(m *moment) bool {
		return m.op.Name() == "schedule" && errors.Is(m.err, cl.ErrDuplicate)
	}},
	{"a change tops a period up", func(m *moment) bool { return m.is("change_schedule") && m.wrote(ofPlan) }},
	{"a change tops a period up twice", func(m *moment) bool {
		return m.is("change_schedule") && m.wrote(func(e *model.Entry) bool { return strings.HasSuffix(e.Block.ID, "+2") })
	}},
	{"a top-up pays a debt", func(m *moment) bool {
		return m.is("change_schedule") && m.wrote(func(e *model.Entry) bool { return e.Refills })
	}},
	{"a change of a schedule that has ended is refused", func(m *moment) bool {
		return m.op.Name() == "change_schedule" && errors.Is(m.err, cl.ErrConstraint)
	}},
	{"a schedule ends and its blocks are voided", func(m *moment) bool { return m.is("end_schedule") && m.wrote(ofPlan) }},
	{"a schedule ends, and a hold keeps a part of its blocks", func(m *moment) bool {
		return m.is("end_schedule") && m.wrote(func(e *model.Entry) bool { return m.held(e.Block) })
	}},
	{"a schedule of a deleted customer ends", func(m *moment) bool { return m.deleted && m.is("end_schedule") }},
	{"a grant of a deleted customer falls due", func(m *moment) bool { return m.deleted && m.err == nil && m.fell(granted) }},
}

// together are the meetings of acts.
var together = []meeting{
	{"an act names an account twice", func(m *moment) bool { return m.act != nil && m.err == nil && m.before != nil && m.againInAct() }},
	{"an act is refused after its first operation", func(m *moment) bool { return m.act != nil && m.err != nil && m.part > 0 }},
	{"an act takes place later than the clock", func(m *moment) bool {
		return m.act != nil && m.err == nil && m.at > m.act.Clock && m.before.Last < m.at
	}},
	{"an act captures a hold", func(m *moment) bool { return m.act != nil && m.is("capture") }},
	{"an act makes a schedule", func(m *moment) bool { return m.act != nil && m.is("schedule") }},
	{"an act draws late usage", func(m *moment) bool { return m.act != nil && m.late() }},
	{"a charge of an act is taken back", func(m *moment) bool {
		return m.reverses(func(_, charged *model.Entry) bool {
			return slices.ContainsFunc(m.on.List, func(d model.Done) bool {
				return d.Act != nil && slices.ContainsFunc(m.after.Results[slices.IndexFunc(m.on.List, func(x model.Done) bool { return x.Act == d.Act })].Parts,
					func(r *model.Result) bool {
						return slices.ContainsFunc(r.Entries, func(e *model.Entry) bool { return e.Seq == charged.Seq })
					})
			})
		})
	}},
	{"a transfer of a grant", func(m *moment) bool { return m.sends(planned) }},
	{"a transfer of carried credits", func(m *moment) bool { return m.sends(func(b *model.Block) bool { return b.Carried > 0 }) }},
	{"a transfer of credits for some items", func(m *moment) bool { return m.sends(func(b *model.Block) bool { return len(b.Filters) > 0 }) }},
	{"a transfer beside what is held", func(m *moment) bool { return m.sends(m.held) }},
	{"a transfer of a block that has expired is refused", func(m *moment) bool {
		op, is := m.op.(model.Send)
		b := m.before.Find(op.BlockID)
		return is && b != nil && b.Expired(m.at) && errors.Is(m.err, cl.ErrConstraint)
	}},
	{"a transfer is refused for a hold", func(m *moment) bool { return m.refusedHeld("transfer") }},
	{"a transfer lacks credits", func(m *moment) bool {
		return m.op.Name() == "transfer" && errors.Is(m.err, cl.ErrInsufficientCredits)
	}},
	{"a transfer arrives beside a debt", func(m *moment) bool {
		_, is := m.op.(model.Arrive)
		return is && m.err == nil && slices.ContainsFunc(m.after.Blocks, func(b *model.Block) bool { return b.Balance.Sign() < 0 })
	}},
	{"a transfer arrives under a hold", func(m *moment) bool {
		_, is := m.op.(model.Arrive)
		return is && m.err == nil && m.after.Held(m.at).Sign() > 0
	}},
	{"late usage of before a transfer draws what it brought", func(m *moment) bool {
		return m.late() && m.wrote(func(e *model.Entry) bool {
			return e.Type == cl.EntryDecrement && m.brought(e.Block) && e.UsageAt < e.Block.CreatedAt
		})
	}},
	{"what a transfer brought lapses and late usage draws it", func(m *moment) bool {
		return m.late() && m.wrote(func(e *model.Entry) bool { return e.Type == cl.EntryAmendment && m.brought(e.Block) })
	}},
	{"a charge on a block that was sent on is taken back", func(m *moment) bool {
		op, is := m.op.(cl.Reverse)
		return is && m.err == nil && op.Entry != 0 && m.movedOn(m.after.Entries[op.Entry-1].Block, func(e *model.Entry) bool { return e.Reason == cl.VoidTransfer })
	}},
}

// granted tells an entry of a grant that fell due.
func granted(e *model.Entry) bool { return e.Type == cl.EntryIncrement }

func carried(e *model.Entry) bool {
	return e.Type == cl.EntryExpirationChange && e.New != nil && e.New.Carried > 0
}

func planned(b *model.Block) bool { return b != nil && b.Plan != "" }

func ofPlan(e *model.Entry) bool { return planned(e.Block) }

// due are the entries of what fell due before the operation.
func (m *moment) due() []*model.Entry {
	if m.after == nil {
		return nil
	}
	written := m.after.Entries[len(m.before.Entries):]
	own := slices.IndexFunc(written, func(e *model.Entry) bool {
		_, texts := e.Op.(model.Texts)
		return e.Op != nil && !texts
	})
	if own < 0 {
		return written
	}
	return written[:own]
}

// fell tells whether an entry of some kind fell due before the operation.
func (m *moment) fell(kind func(*model.Entry) bool) bool {
	if _, schedule := m.op.(cl.Schedule); schedule { // its own first grant looks like one that fell due
		return false
	}
	_, change := m.op.(cl.ChangeSchedule)
	return slices.ContainsFunc(m.due(), func(e *model.Entry) bool { return !(change && e.At == m.at) && kind(e) })
}

// twice tells whether two entries that fell due are of some kind together.
func (m *moment) twice(kind func(x, y *model.Entry) bool) bool {
	due := m.due()
	for i, x := range due {
		for _, y := range due[i+1 : min(len(due), i+20)] {
			if kind(x, y) {
				return true
			}
		}
	}
	return false
}

// plans tells whether a schedule went on in some way.
func (m *moment) plans(kind func(was, is *model.Plan) bool) bool {
	if m.after == nil {
		return false
	}
	return slices.ContainsFunc(m.before.Plans, func(p *model.Plan) bool { return kind(p, m.after.PlanOf(p.ScheduleID)) })
}

// heldAt tells whether something that was held before the operation was still held at an
// instant.
func (m *moment) heldAt(at cl.Instant) bool {
	return slices.ContainsFunc(m.before.Holds, func(h *model.Hold) bool { return h.State == model.Open && h.CreatedAt < at && at < h.Until })
}

// movedOn tells whether an entry of some kind took credits of a block before.
func (m *moment) movedOn(b *model.Block, kind func(*model.Entry) bool) bool {
	return slices.ContainsFunc(m.before.Entries, func(e *model.Entry) bool { return e.Block.Number == b.Number && kind(e) })
}

// sends tells whether the operation sends credits of a block of some kind.
func (m *moment) sends(kind func(*model.Block) bool) bool {
	_, is := m.op.(model.Send)
	return is && m.wrote(func(e *model.Entry) bool {
		return e.Type == cl.EntryVoid && e.Amount.Cmp(new(big.Rat)) > 0 && kind(e.Block)
	})
}

// brought tells whether a block came with a transfer.
func (m *moment) brought(b *model.Block) bool {
	return slices.ContainsFunc(m.before.Entries, func(e *model.Entry) bool {
		_, is := e.Op.(model.Arrive)
		return is && e.Block.Number == b.Number
	})
}

// againInAct tells whether an earlier operation of the act is on the same account.
func (m *moment) againInAct() bool {
	on := m.act.Parts[m.part].On
	return slices.ContainsFunc(m.act.Parts[:m.part], func(p model.Part) bool { return p.On == on })
}
