package field

import (
	"errors"
	"fmt"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/faultstore"
	"creditledger/store/memory"
)

// everyKind is one acceptable operation of every kind, in this order.
func everyKind() []cl.Operation {
	return []cl.Operation{
		cl.Increment{Amount: cl.AmountOf(100), BlockID: "b"},
		cl.Increment{Amount: cl.AmountOf(5), BlockID: "p", RequirePayment: true},
		spend(30),
		cl.ExpirationChange{BlockID: "b", Target: cl.At(begin.AddDate(1, 0, 0)), Amount: cl.AmountOf(10)},
		cl.Void{BlockID: "b", Amount: cl.AmountOf(5), Reason: cl.VoidRefund},
		cl.Amendment{BlockID: "b", Amount: cl.AmountOf(3)},
		cl.Activation{BlockID: "p"},
		cl.Batch{spend(1), grant("c", 2)},
	}
}

// lago-api#5870: a top-up had no key: two requests, two credits.
func TestField_35_EveryCallTakesAKey(t *testing.T) {
	each(t, func(p *place) {
		for i, op := range everyKind() {
			first := p.keyed(op, cl.Key(fmt.Sprint("k", i)))
			before := p.digest()
			for _, l := range []*cl.Ledger{p.Ledger, p.another()} {
				again, err := l.Do(ctx, on, op, cl.Key(fmt.Sprint("k", i)))
				if err != nil || !again.Replayed || len(again.Entries) != len(first.Entries) {
					p.t.Errorf("%s again: %+v, %v", op.Name(), again, err)
				}
			}
			if p.digest() != before {
				p.t.Errorf("%s again wrote something", op.Name())
			}
		}
	})
}

// Aico#364: the index of keys left out what had none, and so let everything through.
func TestField_36_NoKey(t *testing.T) {
	each(t, func(p *place) {
		first, second := p.must(cl.Increment{Amount: one}), p.must(cl.Increment{Amount: one})
		if first.Key == "" || first.Key == second.Key || second.Replayed {
			p.t.Errorf("two operations without a key have %q and %q", first.Key, second.Key)
		}
		p.total("2")
		// The key that was made is as good as one that was given.
		if again := p.keyed(cl.Increment{Amount: one}, first.Key); !again.Replayed || again.Entries[0].ID != first.Entries[0].ID {
			p.t.Errorf("the key that was made is not known: %+v", again)
		}
		p.total("2")
	})
}

// polar#12398: two nulls differ for a unique index, and grants came twice.
func TestField_37_ScopeOfAKey(t *testing.T) {
	each(t, func(p *place) {
		for i, account := range []cl.AccountID{on, other, {Customer: "cus_1", Currency: "tokens"}, {Customer: "cus_1/credits", Currency: "credits"}} {
			for _, replayed := range []bool{false, true} {
				r, err := p.Do(ctx, account, cl.Increment{Amount: cl.AmountOf(int64(i + 1))}, "k")
				if err != nil || r.Replayed != replayed {
					p.t.Errorf("%s: %+v, %v", account, r, err)
				}
			}
		}
	})
}

// formance stack#1633, #1638, #921, #1601: a key twice in one batch crashed, a key of
// another ledger was taken, another payload was an internal error.
func TestField_38_KeyTwiceAtOnce(t *testing.T) {
	each(t, func(p *place) {
		var pending []*cl.Pending
		for _, key := range []cl.Key{"a", "b", "a", "b", "a"} {
			w, err := p.Submit(ctx, on, cl.Increment{Amount: one}, key)
			if err != nil {
				p.t.Fatal(err)
			}
			pending = append(pending, w)
		}
		for i, w := range pending {
			if r, err := w.Wait(ctx); err != nil || r.Replayed != (i > 1) {
				p.t.Errorf("%d: %+v, %v", i, r, err)
			}
		}
		p.total("2")
		p.refused(cl.Increment{Amount: cl.AmountOf(2)}, "a", cl.ErrIdempotencyMismatch)
		p.refused(spend(1), "a", cl.ErrIdempotencyMismatch)
		p.refused(cl.Batch{cl.Increment{Amount: one}}, "a", cl.ErrIdempotencyMismatch)
	})
}

// midaz#709: an attempt that failed used the key up.
func TestField_40_RefusalKeepsTheKeyFree(t *testing.T) {
	each(t, func(p *place) {
		p.refused(rejecting(5), "k", cl.ErrInsufficientCredits)
		p.refused(cl.Void{BlockID: "b", Amount: one}, "k", cl.ErrNotFound)
		p.refused(cl.Increment{}, "k", cl.ErrInvalid)
		p.keyed(grant("b", 10), "k")
		p.refused(rejecting(5), "k", cl.ErrIdempotencyMismatch)
		p.total("10")
	})
}

// blnk#315: a retry in the middle of a batch allocated twice.
func TestField_41_RetryOfASpanningDeduction(t *testing.T) {
	for _, kind := range faultstore.Kinds {
		if kind == faultstore.Cancel {
			continue // 26
		}
		for n := 1; ; n++ {
			inner := memory.New()
			s := faultstore.Wrap(inner)
			p := newPlace(t, s)
			for i := range 5 {
				p.must(until(grant(fmt.Sprint("b", i), 10), begin.AddDate(0, 0, i+1)))
			}
			s.Arm(kind, n, nil)
			_ = attempt(func() error { return p.do(p.Ledger, spend(45), "k") })
			reached := s.Hit() != ""
			retry := newPlace(t, inner) // as after a restart
			if r := retry.keyed(spend(45), "k"); len(r.Entries) != 5 {
				t.Errorf("%s at call %d: %d entries", kind, n, len(r.Entries))
			}
			retry.total("5")
			retry.whole()
			if !reached {
				break
			}
		}
	}
}

// eliza#10810, #10846: a compensation was done twice, or by half.
func TestField_42_CompensationOnce(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("b", 100))
		p.must(spend(40))
		for range 3 {
			p.keyed(cl.Void{BlockID: "b", Amount: cl.AmountOf(10)}, "void")
			p.keyed(cl.Amendment{BlockID: "b", Amount: cl.AmountOf(5)}, "amend")
		}
		p.total("55")
		var types []string
		for _, e := range p.entries() {
			types = append(types, e.Type.String())
		}
		if got := fmt.Sprint(types); got != "[increment decrement void_initiated void amendment]" {
			p.t.Errorf("entries: %s", got)
		}
		p.refused(cl.Batch{cl.Void{BlockID: "b", Amount: one}, cl.Amendment{BlockID: "b", Amount: cl.AmountOf(1000)}}, "", cl.ErrConstraint)
		p.total("55")
	})
}

// openpartner#69: identifiers came from a clock: overlapping windows were billed twice.
func TestField_43_IdsWithoutAClock(t *testing.T) {
	each(t, func(p *place) {
		ids := map[string]bool{}
		for range 200 { // the clock stands still
			r := p.must(cl.Increment{Amount: one})
			ids[string(r.Key)], ids[r.Entries[0].ID], ids[r.NewBlockID] = true, true, true
		}
		if len(ids) != 600 {
			p.t.Errorf("%d ids of 600", len(ids))
		}
		p.keyed(spend(1), "usage 2026-01")
		p.at(begin.Add(time.Hour))
		if r := p.keyed(spend(1), "usage 2026-01"); !r.Replayed {
			p.t.Error("the same usage was billed again an hour later")
		}
		if errors.Is(p.do(p.Ledger, spend(1), ""), cl.ErrInvalid) {
			p.t.Error("a spend was refused")
		}
	})
}
