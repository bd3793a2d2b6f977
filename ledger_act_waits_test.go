package creditledger_test

import (
	"testing"
	"time"

	"creditledger"
)

// TestActWaitsForNobodyWhoComesAfterIt: whoever comes to an account while an act waits for
// what was decided there before stands behind the act.
func TestActWaitsForNobodyWhoComesAfterIt(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s).given(grant("A", "10"))
	w.all("", cus2, grant("B", "10"))
	g := s.shut()
	before := w.async(ctx, cus1, spend("1"), "before")
	received(t, g.arrived)
	act := make(chan error, 1)
	go func() {
		_, err := w.DoAll(ctx, on(cus1, spend("2"), cus2, spend("2")), "act")
		act <- err
	}()
	kept := false
	for deadline := time.Now().Add(20 * time.Second); !kept && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		kept = creditledger.IsKept(w.Ledger, cus1)
	}
	if !kept {
		t.Error("an act lets others in")
		s.onCommit(nil)
		g.pass()
		return
	}
	after := w.async(ctx, cus1, spend("3"), "after")
	silent(t, act, "an act is done before what was decided before it")
	silent(t, after, "done before an act that it came after")
	s.onCommit(nil)
	g.pass()
	if a := received(t, before); a.err != nil {
		t.Error(a.err)
	}
	if err := received(t, act); err != nil {
		t.Error(err)
	}
	if a := received(t, after); a.err != nil {
		t.Error(a.err)
	}
	var keys []creditledger.Key
	for _, r := range w.journalOf(cus1) {
		rec, err := creditledger.DecodeRecord(r.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, rec.Key)
	}
	if got := keys[1:]; len(got) != 3 || got[0] != "before" || got[1] != "act" || got[2] != "after" {
		t.Errorf("done in the order %q", got)
	}
}
