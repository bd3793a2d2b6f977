package model_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
	"creditledger/fuzz/testsize"
)

// TestActs: acts on three accounts among other operations. All parts of an act are there
// or none, at one instant and under one key; a transfer makes and loses nothing, and
// every account stays sound.
func TestActs(t *testing.T) {
	done, refused := map[string]int{}, map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		var on []*history
		for _, name := range []string{"a", "b", "c"} {
			h := newHistory(t, map[string]int{})
			h.a.ID.Customer = name
			on = append(on, h)
		}
		for range steps() {
			h := on[on[0].below(3)]
			h.pass()
			if h.oneIn(2) {
				h.do(h.operation())
				continue
			}
			other := on[h.below(3)]
			act := &model.Act{Op: model.All{}, Key: cl.Key(fmt.Sprint("act", h.id("x"))), Clock: h.clock}
			if h.oneIn(2) && h != other {
				transfer(h, other, act)
			} else {
				for _, x := range []*history{h, other, h} {
					act.Parts = append(act.Parts, model.Part{On: x.a, Request: x.request(x.part())})
				}
			}
			what := act.Op.Name()
			if doneTogether(on, act) {
				done[what]++
			} else {
				refused[what]++
			}
		}
		for _, h := range on {
			sound(h, h.a.Now())
		}
	})
	t.Log(done, refused)
	for _, what := range []string{"all", "transfer"} {
		if !testsize.Small() && !t.Failed() && (done[what] == 0 || refused[what] == 0) {
			t.Errorf("%s was never done, or never refused", what)
		}
	}
}

func transfer(from, to *history, act *model.Act) {
	op := model.Transfer{Amount: from.number()}
	if from.oneIn(3) {
		op.Amount, op.BlockID = nil, from.block()
	}
	act.Op = op
	act.Parts = []model.Part{
		{On: from.a, Request: from.request(model.Send{Transfer: op})},
		{On: to.a, Request: to.request(model.Arrive{})},
	}
}

// doneTogether carries an act out and looks at what became of it.
func doneTogether(on []*history, act *model.Act) bool {
	h := on[0]
	lengths := make([]int, len(on))
	for i, x := range on {
		lengths[i] = len(x.a.List)
	}
	results, replayed, err := act.Do()
	if err != nil {
		for i, x := range on {
			h.holds(len(x.a.List) == lengths[i], "that nothing of a refused act is done")
		}
		return false
	}
	h.holds(!replayed, "that a new key is no repetition")
	again := *act
	repeated, replayed, err := again.Do()
	h.holds(err == nil && replayed && len(repeated) == len(results), "that a repeated act is answered")
	sent, arrived := new(big.Rat), new(big.Rat)
	for i, r := range results {
		h.holds(r.At == results[0].At, "that an act has one instant")
		h.holds(texts(r.Entries, nil) == texts(repeated[i].Entries, nil), "the repeated answer")
		for _, e := range r.Entries {
			h.holds(e.At == r.At && e.Key == act.Key, "that entries of an act have its instant and key")
			if e.Reason == "transfer" && e.Type == cl.EntryVoid {
				sent.Add(sent, e.Amount)
			}
			if _, is := e.Op.(model.Arrive); is {
				arrived.Add(arrived, e.Amount)
			}
		}
	}
	h.same("what arrived", arrived, sent)
	return true
}

// TestLatestGrantsThePresentOnly: a schedule that catches up with the latest period only
// writes no grant of a period that has ended, and a reader is told what is then written.
func TestLatestGrantsThePresentOnly(t *testing.T) {
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t, map[string]int{})
		op := h.schedule().(model.Schedule)
		op.CatchUp, op.Expires, op.Count = "latest", model.Life{}, 0
		if h.do(op) == nil {
			return
		}
		for range steps() {
			h.clock = h.later(0, time.Hour, 20*time.Hour, 5*24*time.Hour, 50*24*time.Hour)
			before := h.a.Now()
			was := *before.PlanOf(op.ScheduleID)
			told := h.a.AsOf(h.a.Instant(h.clock))
			h.a.Sweep(h.clock)
			s := h.a.Now()
			for _, b := range s.Blocks[len(before.Blocks):] {
				h.holds(b.Carried > 0 || b.ExpiresAt > h.clock, "that only the present period is granted, not "+b.ID)
			}
			p := s.PlanOf(op.ScheduleID)
			passed += p.K - was.K - (p.Granted - was.Granted)
			h.same("the total", told.Total(h.clock), s.Total(h.clock))
			h.do(cl.Decrement{Amount: h.amount()})
		}
	})
	if !testsize.Small() && passed == 0 {
		t.Error("no period was passed over")
	}
}
