package creditledger_test

import (
	"testing"

	"creditledger"
)

// TestActWritesWhatIsDueByItsInstant: where the clock has gone back, an act takes place when
// the latest of its accounts was written. What falls due on the others by then is theirs to
// write first, grants of schedules and long lists of expiries alike.
func TestActWritesWhatIsDueByItsInstant(t *testing.T) {
	w := newWorld(t, func(o *creditledger.Options) { o.ExpiriesPerCommit = 1 })
	if _, err := w.Do(ctx, cus2, plan("p", "5", daily), ""); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := w.Do(ctx, cus3, grant("", "7", expires("2026-01-02T12:00:00Z")), ""); err != nil {
			t.Fatal(err)
		}
	}
	w.at("2026-01-03T00:00:00Z").given(grant("A", "30"))
	w.at("2026-01-01T06:00:00Z")
	res := w.all("k", cus2, spend("1"), cus3, grant("", "2"), cus1, spend("2"))
	if res.At != instant("2026-01-03T00:00:00Z") {
		t.Errorf("the act is of %s", res.At)
	}
	for id, want := range map[creditledger.AccountID]string{cus1: "28", cus2: "4", cus3: "2"} {
		if got := w.totalOf(id); got != want {
			t.Errorf("%s has %s, not %s", id, got, want)
		}
	}
	w.wholly()
}
