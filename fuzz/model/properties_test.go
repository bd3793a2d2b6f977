package model_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
	_ "creditledger/fuzz/testseed" // the seed of the properties
	"creditledger/fuzz/testsize"
)

// everyHistory checks something on many histories. It also checks that every kind of
// operation was done in them, and was refused.
func everyHistory(t *testing.T, check func(*history)) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) { check(newHistory(t, seen)) })
	t.Log(seen)
	if testsize.Small() { // too few to have all
		return
	}
	for _, kind := range []string{"increment", "decrement", "reverse", "hold", "extend_hold", "capture", "release", "schedule", "change_schedule", "end_schedule", "batch"} {
		if !t.Failed() && (seen[kind] == 0 || kind != "increment" && kind != "schedule" && seen[kind+" refused"] == 0) {
			t.Errorf("%s was never done, or never refused", kind)
		}
	}
}

// steps is how long a history is.
func steps() int { return testsize.Of(10, 25, 60) }

// TestInvariants: what section "Invariants" of the rules says holds after every operation.
func TestInvariants(t *testing.T) {
	everyHistory(t, func(h *history) {
		for range steps() {
			h.pass()
			op := h.operation()
			r := h.do(op)
			s := h.a.Now()
			if h.oneIn(4) {
				s = h.a.AsOf(h.a.Instant(h.clock))
			}
			sound(h, s)
			if r != nil {
				drained(h, h.a.Now(), op, r)
			}
		}
	})
}

func zero() *big.Rat { return new(big.Rat) }

func (h *history) same(what string, got, want *big.Rat) {
	if got.Cmp(want) != 0 {
		h.Fatalf("%s: %s, not %s\n%s", what, model.Text(got), model.Text(want), told(h.a.Now()))
	}
}

func (h *history) holds(is bool, what string) {
	if !is {
		h.Fatalf("%s does not hold\n%s", what, told(h.a.Now()))
	}
}

// told is a history in words, for whoever has to find the fault.
func told(s *model.State) string {
	t := teller{names: map[string]int{}}
	for _, e := range s.Entries {
		t.entry(0, "", e)
	}
	for _, b := range s.Blocks {
		t.block(s, b, s.Last)
	}
	for _, x := range s.Holds {
		t.say(0, t.hold(s, x)...)
	}
	return strings.Join(t.lines, "\n")
}

// texts are the entries of a state in a form that can be compared, without what two ways to
// the same state may do differently.
func texts(entries []*model.Entry, forget func(*model.Entry)) string {
	t := teller{names: map[string]int{}}
	for _, e := range entries {
		c := *e
		if forget != nil {
			forget(&c)
		}
		t.entry(0, "", &c)
	}
	return strings.Join(t.lines, "\n")
}

// TestHoldAndCaptureIsDecrement: a hold and a capture of the same amount at one instant
// write the entries that a decrement writes, apart from the hold that they name.
func TestHoldAndCaptureIsDecrement(t *testing.T) {
	compared := 0
	everyHistory(t, func(h *history) {
		for range steps() {
			h.pass()
			h.do(h.operation())
			amount, item, overdraft := h.number(), h.item(), pick(h, model.Allow, model.Reject)
			whole := cl.Decrement{Amount: model.Amount(amount), ItemID: item}
			if err := whole.Overdraft.UnmarshalText([]byte(overdraft)); err != nil {
				h.Fatal(err)
			}
			q := h.request(whole)
			want, _, err := h.a.Ask(q)
			q.Op = model.Batch{
				model.SetAside{HoldID: "new", Amount: amount, Item: item, Overdraft: overdraft},
				model.Capture{HoldID: "new", Amount: amount, Overdraft: model.Reject},
			}
			got, _, err2 := h.a.Ask(q)
			h.holds((err == nil) == (err2 == nil), fmt.Sprint("both are done, or none: ", err, err2))
			if err != nil {
				continue
			}
			compared++
			g, w := texts(got.Entries, func(e *model.Entry) { e.Hold = "" }), texts(want.Entries, nil)
			h.holds(g == w, fmt.Sprintf("the same entries:\n%s\nand\n%s\n", g, w))
		}
	})
	if !testsize.Small() && compared == 0 {
		t.Error("nothing was compared")
	}
}

// TestSweepsChangeNothing: with sweeps and without, the entries are the same, and so is
// what is read.
func TestSweepsChangeNothing(t *testing.T) {
	everyHistory(t, func(h *history) {
		unswept := &model.Account{ID: h.a.ID, Repay: h.a.Repay, List: slices.Clone(h.a.List)}
		for range steps() {
			h.pass()
			if h.oneIn(2) {
				h.a.Sweep(h.clock)
			}
			q := h.request(h.operation())
			q.Clock = max(q.Clock, h.a.Now().Last, unswept.Now().Last)
			_, _, err := h.a.Ask(q)
			_, _, err2 := unswept.Ask(q)
			h.holds(fmt.Sprint(err) == fmt.Sprint(err2), fmt.Sprint("the same answer: ", err, err2))
			if err == nil {
				h.a.Accept(q, q.Key)
				unswept.Accept(q, q.Key)
				h.seen[q.Op.Name()]++
			} else {
				h.seen[q.Op.Name()+" refused"]++
			}
			at := max(h.a.Instant(h.clock), unswept.Instant(h.clock))
			one, other := h.a.AsOf(at), unswept.AsOf(at)
			h.same("the total", one.Total(at), other.Total(at))
			h.same("what is available", one.Available(at, "api"), other.Available(at, "api"))
		}
		h.a.Sweep(h.clock)
		unswept.Sweep(max(h.clock, h.a.Now().Last))
		h.a.Sweep(max(h.clock, h.a.Now().Last))
		g, w := texts(h.a.Now().Entries, nil), texts(unswept.Now().Entries, nil)
		h.holds(g == w, fmt.Sprintf("the same entries:\n%s\nand\n%s\n", g, w))
	})
}

// TestReadersSeeWhatIsDue: a reader is told what the next operation finds.
func TestReadersSeeWhatIsDue(t *testing.T) {
	everyHistory(t, func(h *history) {
		for range (steps() + 1) / 2 {
			h.pass()
			h.do(h.operation())
			h.pass()
			now, item := h.a.Instant(h.clock), h.item()
			s := h.a.AsOf(now)
			_, _, err := h.a.Ask(h.request(cl.Decrement{Amount: cl.AmountOf(1e9), ItemID: item, Overdraft: reject(h)}))
			if r, is := err.(*model.Refusal); !is || r.Kind != model.Insufficient || r.Available.Cmp(s.Available(now, item)) != 0 {
				h.Fatalf("a reader is told %s, a spender %v", model.Text(s.Available(now, item)), err)
			}
			r, _, err := h.a.Ask(h.request(cl.Increment{Amount: cl.AmountOf(1), Repay: cl.RepayNever}))
			if err != nil {
				h.Fatal(err)
			}
			h.same("the total", s.Total(now), r.Entries[0].Starting)
		}
	})
}

func reject(h *history) (o cl.Overdraft) {
	if err := o.UnmarshalText([]byte(model.Reject)); err != nil {
		h.Fatal(err)
	}
	return o
}

// TestPastStays: what a reader was told stays true, whatever comes later.
func TestPastStays(t *testing.T) {
	everyHistory(t, func(h *history) {
		told := map[cl.Instant]string{}
		say := func(at cl.Instant) string {
			s := h.a.AsOf(at)
			return fmt.Sprint(model.Text(s.Total(at)), " ", model.Text(s.Available(at, "api")), " ", model.Text(s.Held(at)))
		}
		for range steps() {
			h.pass()
			maps.DeleteFunc(told, func(at cl.Instant, _ string) bool { return at >= h.clock })
			h.do(h.operation())
			at := h.a.Instant(h.clock)
			told[at] = say(at)
		}
		for at, was := range told {
			if is := say(at); at < h.a.Instant(h.clock) && is != was {
				h.Fatalf("at %s a reader was told %s, and is now told %s", at, was, is)
			}
		}
	})
}
