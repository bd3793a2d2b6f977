package creditledger_test

import (
	"testing"

	"creditledger"
)

// TestAScheduleStandsTwiceInABatch: each operation of a batch, or of an act, says how it left
// the schedule, whatever the next one does to it.
func TestAScheduleStandsTwiceInABatch(t *testing.T) {
	change := creditledger.ChangeSchedule{ScheduleID: "p", Amount: amount("9")}
	end := creditledger.EndSchedule{ScheduleID: "p"}
	for name, ops := range map[string]creditledger.Batch{
		"change":         {plan("p", "5", monthly), change},
		"end":            {plan("p", "5", monthly), end},
		"spend, and end": {plan("p", "5", monthly), spend("1"), end},
		"change and end": {plan("p", "5", monthly), change, end},
	} {
		w := newWorld(t)
		res := w.must(ops, "k")
		if first := res.Results[0].Schedule; first.Amount.String() != "5" || first.State != creditledger.ScheduleActive {
			t.Errorf("%s: the first says %+v", name, first)
		}
		var act []creditledger.AccountOperation
		for _, op := range ops {
			act = append(act, creditledger.AccountOperation{Account: cus2, Operation: op})
		}
		must(w.DoAll(ctx, act, ""))
		w.at("2026-02-02")
		must(w.Sweep(ctx))
		for _, on := range []creditledger.AccountID{cus1, cus2} {
			if v := must(w.Verify(ctx, on, nil)); v.Violation != nil {
				t.Errorf("%s: %v", name, v.Violation)
			}
			if err := newWorld(t).Import(ctx, cus1, w.journal()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestARetryNamesTheSameZone: who named no zone may repeat that whatever zone the customer
// has by now, and may not name another.
func TestARetryNamesTheSameZone(t *testing.T) {
	w := newWorld(t)
	op := plan("p", "5", monthly)
	w.must(op, "k")
	tokyo := "Asia/Tokyo"
	must(w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: cus1.Customer, Timezone: &tokyo}))
	if res := w.must(op, "k"); !res.Replayed {
		t.Error("it was done again")
	}
	op.Timezone = "UTC"
	if res := w.must(op, "k"); !res.Replayed {
		t.Error("it was done again")
	}
	op.Timezone = "Europe/Berlin"
	w.refused(op, "k", creditledger.ErrIdempotencyMismatch)
}
