package creditledger_test

import (
	"fmt"
	"testing"

	"creditledger"
)

// lookAround are the calls that look at what is stored and not at one account.
var lookAround = map[string]func(w *world) string{
	"accounts": func(w *world) string {
		ids, err := w.Accounts(ctx, creditledger.AccountID{}, 10)
		return fmt.Sprint(len(ids), err)
	},
	"sweep": func(w *world) string {
		res, err := w.Sweep(ctx)
		return fmt.Sprint(res.Entries, err)
	},
	"verify": func(w *world) string {
		v, err := w.Verify(ctx, cus1, nil)
		return fmt.Sprint(v.Records, err)
	},
	"verify all": func(w *world) string {
		v, err := w.VerifyAll(ctx, nil)
		return fmt.Sprint(v.Records, err)
	},
	"delete a customer": func(w *world) string {
		c, err := w.DeleteCustomer(ctx, "cus_1")
		return fmt.Sprint(c.DeletedAt != 0, err)
	},
}

// TestWhoLooksAroundWaitsForWhatWasBegun: what was submitted before a call is there for
// it, also after a conflict.
func TestWhoLooksAroundWaitsForWhatWasBegun(t *testing.T) {
	want := map[string]string{"accounts": "1 <nil>", "sweep": "1 <nil>", "verify": "1 <nil>", "verify all": "1 <nil>", "delete a customer": "true <nil>"}
	for name, call := range lookAround {
		for _, conflict := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", after a conflict ", conflict), func(t *testing.T) {
				s := newFaulty()
				w := newWorldOver(t, s)
				if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1"}); err != nil {
					t.Fatal(err)
				}
				g := s.shut()
				p, err := w.Submit(ctx, cus1, grant("A", "1", expires("2026-01-02")), "")
				if err != nil {
					t.Fatal(err)
				}
				received(t, g.arrived)
				if name == "sweep" {
					w.at("2026-01-03")
				}
				answer := make(chan string, 1)
				go func() { answer <- call(w) }()
				silent(t, answer, "answered before the operation was stored")
				if conflict && name != "sweep" { // decided afresh on the 3rd, it would be refused
					g.fail(moved)
					received(t, g.arrived)
				}
				s.onCommit(nil)
				g.pass()
				if got := received(t, answer); got != want[name] {
					t.Errorf("answered %s, want %s", got, want[name])
				}
				if _, err := p.Wait(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
