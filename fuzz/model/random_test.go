package model_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// history makes one thing after another happen to an account.
type history struct {
	*rapid.T
	a     *model.Account
	clock cl.Instant
	n     int // ids and keys given
	keys  []cl.Key
	seen  map[string]int
}

func newHistory(t *rapid.T, seen map[string]int) *history {
	h := &history{T: t, a: &model.Account{ID: cl.AccountID{Customer: "c", Currency: "credits"}, Repay: cl.RepayFirst}, clock: cl.InstantOf(time.Date(2026, 1, 30, 22, 0, 0, 0, time.UTC)), seen: seen}
	h.do(cl.Increment{Amount: cl.AmountOf(int64(1 + h.below(400))), BlockID: "first"})
	h.do(cl.Increment{Amount: cl.AmountOf(60), ExpiresAt: cl.AtInstant(h.later(time.Hour, 30*time.Hour)), BlockID: "second"})
	return h
}

// below draws two small numbers and scrambles them: what is drawn tends to be small, and
// nothing stays 0, the simplest.
func (h *history) below(n int) int {
	bits := rapid.Uint32Range(0, 63)
	return int((bits.Draw(h.T, "n")<<6|bits.Draw(h.T, "n"))*2654435761>>8) % n
}

func (h *history) oneIn(n int) bool { return h.below(n) == n-1 }

// pick is the zero value where there is nothing to pick from.
func pick[T any](h *history, list ...T) (x T) {
	if len(list) == 0 {
		return x
	}
	return list[h.below(len(list))]
}

func (h *history) number() *big.Rat {
	return big.NewRat(int64(1+h.below(120)), int64(pick(h, 1, 1, 2)))
}

func (h *history) amount() cl.Amount { return model.Amount(h.number()) }

func (h *history) id(kind string) string {
	h.n++
	return fmt.Sprint(kind, h.n)
}

func (h *history) item() string { return pick(h, "", "", "api", "web") }

func (h *history) later(most ...time.Duration) cl.Instant { return h.clock.Add(pick(h, most...)) }

// pass lets time pass, or go back a little.
func (h *history) pass() {
	h.clock = h.later(0, 0, 0, 0, 0, time.Minute, 3*time.Minute, 7*time.Minute, 5*time.Hour, 26*time.Hour, 9*24*time.Hour, 33*24*time.Hour, -time.Hour)
}

func (h *history) block() string {
	if b := pick(h, h.a.Now().Blocks...); b != nil {
		return b.ID
	}
	return "none"
}

// open are the holds that stand.
func (h *history) open() []*model.Hold {
	return slices.DeleteFunc(slices.Clone(h.a.Now().Holds), func(x *model.Hold) bool { return x.State != model.Open || x.Until <= h.clock })
}

func (h *history) hold() string {
	list := h.open()
	if len(list) == 0 || h.oneIn(4) {
		list = h.a.Now().Holds
	}
	if x := pick(h, list...); x != nil {
		return x.ID
	}
	return "none"
}

func (h *history) plan() string {
	if x := pick(h, h.a.Now().Plans...); x != nil {
		return x.ScheduleID
	}
	return "none"
}

func (h *history) policy() (string, *big.Rat) {
	overdraft := pick(h, model.Allow, model.Reject, model.Reject, model.StopAtZero, model.StopAtZero)
	if overdraft == model.Allow && h.oneIn(2) {
		return overdraft, h.number()
	}
	return overdraft, nil
}

func (h *history) operation() model.Operation {
	switch h.below(16) {
	case 0, 1, 2:
		return h.increment()
	case 3:
		return cl.Decrement{Amount: h.amount(), ItemID: h.item()}
	case 4:
		return h.late()
	case 5:
		return h.reverse()
	case 6, 7:
		return h.setAside()
	case 8:
		if len(h.open()) == 0 {
			return h.setAside()
		}
		op := model.ExtendHold{HoldID: h.hold(), Amount: new(big.Rat)}
		op.Overdraft, op.Limit = h.policy()
		if h.oneIn(2) {
			op.Amount = h.number()
		}
		if h.oneIn(2) {
			op.Until = h.later(time.Minute, time.Hour, 5*time.Hour)
		}
		return op
	case 9, 10:
		op := model.Capture{HoldID: h.hold(), Amount: h.number(), KeepOpen: h.oneIn(3), Refuse: h.oneIn(5)}
		op.Overdraft, op.Limit = h.policy()
		return op
	case 11:
		return model.Release{HoldID: h.hold()}
	case 12:
		return h.schedule()
	case 13:
		return h.change()
	case 14:
		return h.move()
	}
	return model.Batch{h.part(), h.part()}
}

// part is an operation that may stand in a batch.
func (h *history) part() model.Operation {
	for {
		op := h.operation()
		if _, batch := model.Parts(op); !batch {
			return op
		}
	}
}

func (h *history) increment() model.Operation {
	op := cl.Increment{Amount: h.amount(), BlockID: h.id("b"), Priority: int32(h.below(3) - 1), RequirePayment: h.oneIn(8)}
	if h.oneIn(2) {
		op.ExpiresAt = cl.AtInstant(h.later(time.Hour, 3*time.Hour, 24*time.Hour, 20*24*time.Hour))
	}
	if h.oneIn(4) {
		op.EffectiveAt = cl.AtInstant(h.later(-24*time.Hour, -time.Hour, time.Minute, 30*time.Minute))
	}
	if h.oneIn(2) {
		op.CostBasis = cl.MustCostBasis(pick(h, "0.10", "0.20"))
	}
	if h.oneIn(4) {
		op.Filters = []cl.Filter{{Values: []string{"api"}}}
	}
	return op
}

func (h *history) late() model.Operation {
	op := cl.Decrement{Amount: h.amount(), ItemID: h.item()}
	op.UsageAt = h.later(0, -time.Minute, -time.Hour, -5*time.Hour, -25*time.Hour, -10*24*time.Hour, -61*24*time.Hour)
	switch h.below(3) {
	case 1:
		op.OverdraftLimit = cl.OverdraftLimitOf(h.amount())
	case 2:
		text := pick(h, model.Reject, model.StopAtZero)
		if err := op.Overdraft.UnmarshalText([]byte(text)); err != nil {
			h.Fatal(err)
		}
	}
	return op
}

func (h *history) reverse() model.Operation {
	op := model.Reverse{Charge: pick(h, h.keys...)}
	if h.oneIn(3) || op.Charge == "" {
		op.Charge = ""
		op.Entry = 1 + h.below(len(h.a.Now().Entries)+2)
		drawn := slices.DeleteFunc(slices.Clone(h.a.Now().Entries), func(e *model.Entry) bool { return e.Type != cl.EntryDecrement })
		if e := pick(h, drawn...); e != nil && !h.oneIn(4) {
			op.Entry = e.Seq
		}
	}
	if h.oneIn(3) {
		op.Amount = h.number()
	}
	return op
}

func (h *history) setAside() model.Operation {
	op := model.SetAside{HoldID: h.id("h"), Amount: h.number(), Item: h.item()}
	op.Overdraft, op.Limit = h.policy()
	op.Until = h.later(0, time.Minute, 20*time.Minute, time.Hour, 4*time.Hour, 23*time.Hour)
	if op.Until == h.clock {
		op.Until = 0
	}
	return op
}

func (h *history) life() (l model.Life) {
	switch h.below(6) {
	case 0:
		l.Never = true
	case 1:
		l.Span = model.Span{Count: 1 + h.below(3), Unit: pick(h, "day", "week")}
	}
	return l
}

func (h *history) rollover() *model.Rollover {
	r := &model.Rollover{Percent: big.NewRat(int64(pick(h, 100, 50, 33)), 1), MaxTimes: 1 + h.below(3), Expires: h.life()}
	if h.oneIn(3) {
		r.Max = h.number()
	}
	return r
}

func (h *history) schedule() model.Operation {
	op := model.Schedule{
		ScheduleID: h.id("s"), Amount: h.number(), Every: model.Span{Count: 1 + h.below(2), Unit: pick(h, "day", "week", "month")}, Expires: h.life(),
		First: pick(h, "full", "prorated", "skip"), Scale: h.below(3), Priority: int32(h.below(2)),
	}
	if !op.Expires.Never && h.oneIn(2) {
		op.Rollover = h.rollover()
	}
	if h.oneIn(2) {
		op.Anchor.Instant = h.later(-40*24*time.Hour, -36*time.Hour, time.Hour, 30*time.Hour)
	}
	if h.oneIn(4) {
		op.Count = 1 + h.below(4)
	}
	if h.oneIn(4) {
		op.Filters = []cl.Filter{{Values: []string{"api"}}}
	}
	return op
}

func (h *history) change() model.Operation {
	if h.oneIn(3) {
		return model.EndSchedule{ScheduleID: h.plan(), VoidBlocks: h.oneIn(2)}
	}
	op := model.ChangeSchedule{ScheduleID: h.plan(), Amount: h.number(), Now: h.oneIn(2)}
	if h.oneIn(3) {
		op.Rollover = h.rollover()
	}
	return op
}

// move is one of the first operations that there were.
func (h *history) move() model.Operation {
	switch h.below(4) {
	case 0:
		return cl.Void{BlockID: h.block(), Amount: h.amount(), Lapsed: h.oneIn(2)}
	case 1:
		return cl.Amendment{BlockID: h.block(), Amount: h.amount()}
	case 2:
		id := h.block()
		for _, b := range h.a.Now().Blocks {
			if b.ActivatedAt == 0 && !b.Expired(h.clock) && !h.oneIn(3) {
				id = b.ID
			}
		}
		return cl.Activation{BlockID: id}
	}
	op := cl.ExpirationChange{BlockID: h.block(), Target: cl.AtInstant(h.later(-time.Hour, time.Hour, 30*time.Hour)), NewBlockID: h.id("b")}
	if h.oneIn(2) {
		op.Amount = h.amount()
	}
	return op
}

func (h *history) request(op model.Operation) model.Request {
	q := model.Request{Op: op, Clock: h.clock, Zone: time.UTC, Key: cl.Key(h.id("k"))}
	for range 12 {
		q.IDs = append(q.IDs, h.id("made"))
	}
	return q
}

// do asks for something and accepts it unless it is refused.
func (h *history) do(op model.Operation) *model.Result {
	q := h.request(op)
	r, _, err := h.a.Ask(q)
	if err != nil {
		h.seen[op.Name()+" refused"]++
		return nil
	}
	h.seen[op.Name()]++
	h.a.Accept(q, q.Key)
	h.count(r)
	if slices.ContainsFunc(r.Entries, func(e *model.Entry) bool { return e.Type == cl.EntryDecrement }) {
		h.keys = append(h.keys, q.Key)
	}
	return r
}

// count notes where two features met.
func (h *history) count(r *model.Result) {
	s := h.a.Now()
	for _, e := range r.Entries {
		b := s.Blocks[e.Block.Number-1]
		meets := map[string]bool{
			"late usage of an expired block": e.UsageAt != 0 && e.Type == cl.EntryAmendment,
			"late usage of credits that a hold freed": e.UsageAt != 0 && e.Type == cl.EntryAmendment && slices.ContainsFunc(s.Entries, func(x *model.Entry) bool {
				return x.Block == b && x.Type == cl.EntryCreditBlockExpiry && x.At > b.ExpiresAt
			}),
			"reversal to an expired block":        e.Reverses != 0 && b.Expired(s.Last),
			"reversal of what a grant repaid":     e.Reverses != 0 && e.Type == cl.EntryIncrement,
			"reversal of a capture":               e.Reverses != 0 && s.Entries[e.Reverses-1].Hold != "",
			"reversal of late usage":              e.Reverses != 0 && s.Entries[e.Reverses-1].UsageAt != 0,
			"reversal of what a schedule granted": e.Reverses != 0 && b.Plan != "",
			"capture of an expired slice":         e.Hold != "" && b.Expired(s.Last),
			"capture of a schedule's credits":     e.Hold != "" && b.Plan != "",
			"expiry by a release or capture":      e.Type == cl.EntryCreditBlockExpiry && e.Reverses == 0 && r.Hold != nil,
			"top-up":                              strings.Contains(b.ID, "+"),
			"draw of carried credits":             e.Type == cl.EntryDecrement && b.Carried > 0,
			"draw of credits carried twice":       e.Type == cl.EntryDecrement && b.Carried > 1,
		}
		for what, is := range meets {
			if is {
				h.seen[what]++
			}
		}
	}
	if r.Late {
		h.seen["late capture"]++
	}
	if r.Lost != nil && r.Lost.Sign() > 0 {
		h.seen["lost reversal"]++
	}
	for _, part := range r.Parts {
		h.count(part)
	}
}
