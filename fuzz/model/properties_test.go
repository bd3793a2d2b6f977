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
	"creditledger/fuzz/testsize"
)

// everyHistory checks something on histories, and that all kinds of operations were done
// in them, and refused.
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

// told is a history in words, for whoever looks for a fault.
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

// effects adds up what entries did to their blocks, and checks that each continues the
// one before: between two, the total moves by what became eligible only.
func effects(h *history, s *model.State) (balances, lapsed map[int]*big.Rat) {
	balances, lapsed = map[int]*big.Rat{}, map[int]*big.Rat{}
	for _, b := range s.Blocks {
		balances[b.Number], lapsed[b.Number] = zero(), zero()
	}
	var last cl.Instant
	total := zero()
	for i, e := range s.Entries {
		h.holds(e.Seq == i+1 && e.At >= last, "the order of entries")
		gap := new(big.Rat).Sub(e.Starting, total)
		var perhaps []*big.Rat // of blocks activated at the instant of one of the two
		for _, b := range s.Blocks {
			switch from := max(b.EffectiveAt, b.ActivatedAt); {
			case b.ActivatedAt == 0 || from > e.At || from < last:
			case b.Gated && (from == last || from == e.At):
				perhaps = append(perhaps, balances[b.Number])
			case from > last:
				gap.Sub(gap, balances[b.Number])
			}
		}
		h.holds(sumOfSome(gap, perhaps), fmt.Sprintf("the gap before entry %d", e.Seq))
		move := func(n int, by *big.Rat) { balances[n].Add(balances[n], by) }
		minus := new(big.Rat).Neg(e.Amount)
		switch e.Type {
		case cl.EntryIncrement, cl.EntryAmendment:
			move(e.Block.Number, e.Amount)
			if e.UsageAt != 0 {
				lapsed[e.Block.Number].Sub(lapsed[e.Block.Number], e.Amount)
			}
		case cl.EntryDecrement, cl.EntryVoid:
			move(e.Block.Number, minus)
		case cl.EntryCreditBlockExpiry:
			move(e.Block.Number, minus)
			lapsed[e.Block.Number].Add(lapsed[e.Block.Number], e.Amount)
		case cl.EntryExpirationChange:
			move(e.Block.Number, minus)
			move(e.New.Number, e.Amount)
		}
		last, total = e.At, e.Ending
	}
	return balances, lapsed
}

// sumOfSome tells whether some of the numbers add up to one.
func sumOfSome(sum *big.Rat, of []*big.Rat) bool {
	if sum.Sign() == 0 || len(of) == 0 {
		return sum.Sign() == 0
	}
	return sumOfSome(sum, of[1:]) || sumOfSome(new(big.Rat).Sub(sum, of[0]), of[1:])
}

func sound(h *history, s *model.State) {
	balances, lapsed := effects(h, s)
	held := map[int]*big.Rat{}
	for _, x := range s.Holds {
		soundHold(h, s, x, held)
	}
	for _, b := range s.Blocks {
		h.same("balance of "+b.ID, b.Balance, balances[b.Number])
		h.same("lapsed of "+b.ID, b.Lapsed, lapsed[b.Number])
		h.holds(b.Lapsed.Sign() >= 0, "lapsed of "+b.ID)
		h.holds(b.Balance.Sign() >= 0 || b.ExpiresAt == 0 && len(b.Filters) == 0, "only what never expires is negative")
		if room := b.Room(); room != nil {
			h.holds(room.Sign() >= 0 && new(big.Rat).Add(b.Balance, b.Lapsed).Cmp(room) <= 0, "the capacity of "+b.ID)
		}
		if x := held[b.Number]; x != nil {
			h.holds(x.Cmp(b.Balance) <= 0, "the slices of "+b.ID)
		}
		h.holds(!b.Expired(s.Last) || b.Balance.Sign() == 0 || s.HeldOf(b, s.Last).Cmp(b.Balance) == 0, "what is left of the expired "+b.ID)
	}
	if n := len(s.Entries); n > 0 && s.Entries[n-1].At == s.Last {
		var ready []*big.Rat
		for _, b := range s.Blocks {
			if b.Gated && b.ActivatedAt == s.Last && b.EffectiveAt <= s.Last {
				ready = append(ready, b.Balance)
			}
		}
		h.holds(sumOfSome(new(big.Rat).Sub(s.Total(s.Last), s.Entries[n-1].Ending), ready), "the total")
	}
	reversed := map[int]*big.Rat{}
	for _, e := range s.Entries {
		if e.Reverses > 0 {
			reversed[e.Reverses] = new(big.Rat).Add(cmpOr(reversed[e.Reverses]), e.Amount)
		}
	}
	for _, b := range s.Blocks {
		repaid := zero()
		for _, e := range s.Entries {
			switch {
			case e.Type == cl.EntryIncrement && e.Refills && e.Block.Number == b.Number:
				repaid.Add(repaid, e.Amount)
			case e.Type == cl.EntryIncrement && e.Reverses > 0 && s.Entries[e.Reverses-1].Block.Number == b.Number:
				repaid.Sub(repaid, e.Amount)
			}
		}
		h.holds(repaid.Sign() >= 0, "what came back of the repayments of "+b.ID)
	}
	for seq, x := range reversed {
		h.holds(s.Entries[seq-1].Type == cl.EntryDecrement && x.Cmp(s.Entries[seq-1].Amount) <= 0, fmt.Sprintf("the reversal of entry %d", seq))
	}
	soundPlans(h, s)
}

func cmpOr(r *big.Rat) *big.Rat {
	if r == nil {
		return zero()
	}
	return r
}

func soundHold(h *history, s *model.State, x *model.Hold, held map[int]*big.Rat) {
	sum := new(big.Rat).Set(x.Unbacked)
	for _, slice := range x.Slices {
		h.holds(slice.Amount.Sign() > 0, "a slice of "+x.ID)
		sum.Add(sum, slice.Amount)
		held[slice.Block] = new(big.Rat).Add(cmpOr(held[slice.Block]), slice.Amount)
	}
	h.same("what "+x.ID+" holds", x.Held(), sum)
	h.holds(x.State == model.Open || sum.Sign() == 0, "nothing is held by the closed "+x.ID)
	for _, part := range []*big.Rat{x.Captured, x.Released, x.Lapsed} {
		sum.Add(sum, part)
	}
	h.same("the amount of "+x.ID, x.Amount, sum)
	taken := zero()
	for _, e := range s.Entries {
		if e.Hold == x.ID {
			taken.Add(taken, e.Amount)
		}
	}
	h.holds(taken.Cmp(x.Captured) >= 0, "the entries of "+x.ID)
}

// soundPlans: every period of a schedule that came was granted once, at its beginning.
func soundPlans(h *history, s *model.State) {
	for _, p := range s.Plans {
		if p.CatchUp == "latest" {
			continue
		}
		h.holds(p.Next() == 0 || p.Next() > s.Last, "nothing of "+p.ScheduleID+" is due")
		granted := map[string]int{}
		for _, b := range s.Blocks {
			if b.Plan == p.ScheduleID && b.Carried == 0 && !strings.Contains(b.ID, "+") {
				granted[b.ID]++
			}
		}
		for id, n := range granted {
			h.holds(n == 1, "one grant of "+id)
		}
		h.holds(len(granted) <= p.Granted, "the grants of "+p.ScheduleID)
	}
}

// drained: no block that pays sooner kept something while a later one was drawn.
func drained(h *history, s *model.State, op model.Operation, r *model.Result) {
	var item string
	var usage cl.Instant
	switch op := op.(type) {
	case cl.Decrement:
		item = op.ItemID
	case model.Decrement:
		item, usage = op.ItemID, op.UsageAt
	default:
		return
	}
	drawn := map[int]bool{}
	for _, e := range r.Entries {
		if e.Type == cl.EntryDecrement {
			drawn[e.Block.Number] = true
		}
	}
	kept := ""
	for _, b := range model.InOrder(slices.Clone(s.Blocks)) {
		left := new(big.Rat).Sub(b.Balance, s.HeldOf(b, s.Last))
		if b.Expired(s.Last) {
			left = b.Lapsed
		}
		if usage == 0 && !b.Eligible(s.Last) || usage != 0 && (b.ActivatedAt == 0 || b.Gated && b.ActivatedAt > usage || b.EffectiveAt > usage || b.Expired(usage)) || !b.Lets(item) {
			continue
		}
		h.holds(!drawn[b.Number] || kept == "", "that "+kept+" was drained before "+b.ID)
		if left.Sign() > 0 {
			kept = b.ID
		}
	}
}

// texts are the entries of a state, comparable; without what differs between two routes.
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

// TestHoldAndCaptureIsDecrement: holding and capturing the same at one instant is
// decrementing it, entry for entry but for the hold.
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
