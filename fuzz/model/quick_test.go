package model_test

import (
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// TestQuickKnowsKeysMadeByTheLibrary: a model that goes on from where it was finds a
// charge under the key that the library made for it, as one that goes through its list
// again does.
func TestQuickKnowsKeysMadeByTheLibrary(t *testing.T) {
	for _, quick := range []bool{false, true} {
		a := model.Account{ID: cl.AccountID{Customer: "cus_1", Currency: "credits"}, Quick: quick}
		ask := func(op cl.Operation) (model.Request, error) {
			q := model.Request{Op: op, Clock: 1_000_000, Zone: time.UTC}
			_, _, err := a.Ask(q)
			return q, err
		}
		for i, key := range []cl.Key{"auto-1", "auto-2"} {
			q, err := ask(cl.Decrement{Amount: cl.AmountOf(int64(1 + i))})
			if err != nil {
				t.Fatal(err)
			}
			a.Accept(q, key)
		}
		if _, err := ask(cl.Reverse{Charge: "auto-1", Amount: cl.AmountOf(2)}); err == nil || err.Error() != model.Constraint+" left 1" {
			t.Errorf("quick %v: more than the charge is taken back: %v", quick, err)
		}
		if _, err := ask(cl.Reverse{Charge: "auto-1"}); err != nil {
			t.Errorf("quick %v: %v", quick, err)
		}
	}
}
