package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"creditledger"
)

// TestSchedules: grants fall due whoever writes them, schedules and their ids are found in
// the database, by a ledger that locks accounts too, and verification proves them.
func TestSchedules(t *testing.T) {
	s := stores(t, 1, "read committed")[0]
	ctx, on := context.Background(), creditledger.AccountID{Customer: "c", Currency: "credits"}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	do := func(op creditledger.Operation) (*creditledger.Result, error) {
		l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return now }})
		defer func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}()
		return l.Do(ctx, on, op, "")
	}
	must := func(op creditledger.Operation) *creditledger.Result {
		t.Helper()
		res, err := do(op)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	one, daily := creditledger.AmountOf(1), creditledger.Interval{Count: 1, Unit: creditledger.IntervalDay}
	must(creditledger.Schedule{ScheduleID: "p", Amount: creditledger.AmountOf(10), Every: daily, Description: "daily"})
	must(creditledger.Increment{Amount: one, BlockID: "own/é"})
	must(creditledger.Schedule{ScheduleID: "q", Amount: one, Every: daily})
	must(creditledger.EndSchedule{ScheduleID: "q"})
	now = now.AddDate(0, 0, 5)
	if res := must(creditledger.Decrement{Amount: one}); res.Entries[0].Seq != 3+5*2+1+1 {
		t.Errorf("the decrement is entry %d", res.Entries[0].Seq)
	}
	for _, op := range []creditledger.Operation{
		creditledger.Schedule{ScheduleID: "own", Amount: one, Every: daily}, creditledger.Schedule{ScheduleID: "q", Amount: one, Every: daily},
		creditledger.Increment{Amount: one, BlockID: "q/9"},
	} {
		if _, err := do(op); !errors.Is(err, creditledger.ErrDuplicate) {
			t.Errorf("%+v: %v", op, err)
		}
	}
	l := creditledger.New(s, nil)
	defer l.Close()
	if v, err := l.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
		t.Errorf("%+v, %v", v.Violation, err)
	}
	list, err := l.Schedules(ctx, on)
	if err != nil || len(list) != 2 || list[0].ID != "p" || list[1].State != creditledger.ScheduleEnded {
		t.Errorf("%+v, %v", list, err)
	}
}
