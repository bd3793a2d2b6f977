package invoice

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"creditledger"
)

// closedOn closes January, of which credits pay 40, under the key "jan".
func (w *world) closedOn(usage string) *Invoice {
	w.t.Helper()
	u := january()
	u.Lines = []LineInput{{ItemID: "api", Quantity: amount(usage), UnitPrice: basis("1")}}
	return w.must(w.ClosePeriod(w.ctx, u, "jan"))
}

// TestDrawsGoBackOnce: what a period drew goes back once, whether by reversals of its key
// or of its entries or by voiding its invoice, in whatever order, in parts or at once, and
// although other charges have made room.
func TestDrawsGoBackOnce(t *testing.T) {
	void := func(w *world, inv *Invoice) error { _, err := w.Void(w.ctx, inv.ID, "", "v"); return err }
	reverse := func(op creditledger.Reverse) func(*world, *Invoice) error {
		return func(w *world, _ *Invoice) error { _, err := w.ledger.Do(w.ctx, credits, op, ""); return err }
	}
	all := reverse(creditledger.Reverse{Charge: "jan"})
	for _, c := range []struct {
		name  string
		steps []func(*world, *Invoice) error
		total string
	}{
		{"void, key", []func(*world, *Invoice) error{void, all}, "40"},
		{"key, void", []func(*world, *Invoice) error{all, void}, "40"},
		{"entry, void", []func(*world, *Invoice) error{reverse(creditledger.Reverse{Entry: 2}), void}, "40"},
		{"void, entry", []func(*world, *Invoice) error{void, reverse(creditledger.Reverse{Entry: 2})}, "40"},
		{"part, void, part", []func(*world, *Invoice) error{
			reverse(creditledger.Reverse{Charge: "jan", Amount: amount("15")}), void, reverse(creditledger.Reverse{Charge: "jan", Amount: amount("1")}),
		}, "40"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, onMemory, nil)
			w.customer(nil)
			w.grant(creditledger.Increment{Amount: amount("100"), BlockID: "b"})
			w.now = february
			inv := w.closedOn("40")
			w.spend("60")
			for i, step := range c.steps {
				w.tick()
				var left *creditledger.ReversalError
				if err := step(w, inv); err != nil && !errors.As(err, &left) {
					t.Errorf("step %d: %v", i, err)
				}
			}
			if now, err := w.Invoice(w.ctx, inv.ID); err != nil || now.Status != Void || w.total(credits) != c.total {
				t.Errorf("%s credits for a bill of 40, %v, %v", w.total(credits), now, err)
			}
			w.prove()
		})
	}
}

// TestVoidIsRacedByReverse: a charge that is taken back while the void is decided is not
// taken back twice, and the void goes through.
func TestVoidIsRacedByReverse(t *testing.T) {
	for _, part := range []string{"15", "40"} {
		w := newWorld(t, onMemory, nil)
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount("100"), BlockID: "b"})
		w.now = february
		inv := w.closedOn("40")
		w.spend("60")
		raced := false
		c := &call{op: "void_invoice", customer: "cus", invoice: inv.ID, key: "v", request: ask{}}
		_, err := write(w.ctx, w.Service, c, func(t *tx) (*Answer, error) {
			inv, err := read[Invoice](t, kindInvoice, inv.ID)
			if err != nil {
				return nil, err
			}
			res := &Answer{Invoice: inv}
			err = t.void(inv, Voiding{}, res)
			if !raced {
				raced = true
				w.do(creditledger.Reverse{Charge: "jan", Amount: amount(part)})
			}
			return res, err
		})
		if err != nil || w.total(credits) != "40" {
			t.Errorf("%s: %s credits, %v", part, w.total(credits), err)
		}
	}
}

// TestVoidOfOlderPeriods: a period that was closed before the key of its charge stood on
// it is given back by what its draws name.
func TestVoidOfOlderPeriods(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	w.grant(creditledger.Increment{Amount: amount("100"), BlockID: "b"})
	w.now = february
	inv := w.closedOn("40")
	w.spend("60")
	w.tick()
	c := &call{op: "test", customer: "cus", invoice: inv.ID, key: "old", request: ask{}}
	_, err := write(w.ctx, w.Service, c, func(t *tx) (*Answer, error) {
		inv, err := read[Invoice](t, kindInvoice, inv.ID)
		if err == nil {
			inv.Period.Charge = ""
			t.changed(inv)
		}
		return &Answer{Invoice: inv}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.must(w.Void(w.ctx, inv.ID, "", "v"))
	if _, err := w.ledger.Do(w.ctx, credits, creditledger.Reverse{Charge: "jan"}, ""); !errors.Is(err, creditledger.ErrConstraint) || w.total(credits) != "40" {
		t.Errorf("%s credits, %v", w.total(credits), err)
	}
}

// TestGiveBackKeepsWhatIsNot: what lapses again and what is lost is told apart from what
// came back: a block that expired, one of which the capacity was voided, one that is held.
func TestGiveBackKeepsWhatIsNot(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	w.grant(creditledger.Increment{Amount: amount("10"), BlockID: "expires", ExpiresAt: creditledger.At(february.Add(12 * time.Hour))})
	w.grant(creditledger.Increment{Amount: amount("20"), BlockID: "voided", Priority: 1})
	w.grant(creditledger.Increment{Amount: amount("70"), BlockID: "held", Priority: 2})
	w.now = february
	inv := w.closedOn("40")
	w.do(creditledger.Void{BlockID: "voided", Amount: amount("15")})
	w.do(creditledger.Hold{HoldID: "h", Amount: amount("60"), Until: creditledger.InstantOf(february.Add(20 * time.Hour))})
	w.now = february.Add(12 * time.Hour)
	voided := w.must(w.Void(w.ctx, inv.ID, "", "v"))
	if voided.Period.Lost.String() != "25" || w.total(credits) != "75" {
		t.Errorf("lost %s, total %s", voided.Period.Lost, w.total(credits))
	}
	var got []string
	for _, id := range []string{"expires", "voided", "held"} {
		b, err := w.ledger.Block(w.ctx, credits, id)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s", id, b.Balance, b.Lapsed))
	}
	if s := strings.Join(got, ", "); s != "expires 0 10, voided 5 0, held 70 0" {
		t.Errorf("%s", s)
	}
	w.prove()
}

// TestCloseOfTooManyDraws: a period that would draw more than a void can give back at once
// is refused before anything is written, and the refusal says how many it may be.
func TestCloseOfTooManyDraws(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	for range 6 {
		var grants creditledger.Batch
		for range maxDraws/6 + 1 {
			grants = append(grants, creditledger.Increment{Amount: amount("0.01")})
		}
		w.do(grants)
	}
	w.now = february
	u := january()
	u.Lines = []LineInput{{ItemID: "api", Quantity: amount("51"), UnitPrice: basis("1")}}
	w.refused(creditledger.ErrConstraint, "draw on 5004 blocks, and 5000 can be given back at once", func() error { _, err := w.ClosePeriod(w.ctx, u, "jan"); return err })
	inv := w.closedOn("50")
	w.tick()
	if w.must(w.Void(w.ctx, inv.ID, "", "v")); w.total(credits) != "50.04" {
		t.Errorf("%s credits", w.total(credits))
	}
}
