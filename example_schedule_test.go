package creditledger_test

import (
	"context"
	"fmt"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// A monthly plan: 1,000 credits each month, of which half of what is left is carried once.
// No job runs. What is due is seen by the clock, and written with the next operation.
func ExampleSchedule() {
	ctx := context.Background()
	now := time.Date(2030, time.January, 31, 9, 0, 0, 0, time.UTC)
	ledger := creditledger.New(memory.New(), &creditledger.Options{Clock: func() time.Time { return now }})
	defer ledger.Close()
	ann := creditledger.AccountID{Customer: "ann"}

	plan := must(ledger.Do(ctx, ann, creditledger.Schedule{
		ScheduleID: "pro", Amount: creditledger.AmountOf(1000),
		Every:    creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth},
		Rollover: creditledger.Rollover{Percent: creditledger.AmountOf(50), MaxTimes: 1},
	}, "pro-1"))
	fmt.Println(plan.Schedule.Granted, "granted, next", plan.Schedule.NextDue)

	must(ledger.Do(ctx, ann, creditledger.Decrement{Amount: creditledger.AmountOf(400)}, "job-1"))
	now = time.Date(2030, time.February, 28, 9, 0, 0, 0, time.UTC)
	for block := range ledger.AllBlocks(ctx, ann, creditledger.BlocksQuery{}) {
		fmt.Println(block.ID, block.Balance, "until", block.ExpiresAt)
	}

	// An upgrade in the middle of a month grants the difference for the rest of it.
	now = time.Date(2030, time.March, 16, 9, 0, 0, 0, time.UTC)
	more := must(ledger.Do(ctx, ann, creditledger.ChangeSchedule{
		ScheduleID: "pro", Amount: creditledger.AmountOf(2000), When: creditledger.ChangeNow,
	}, "upgrade-1"))
	fmt.Println("upgrade:", more.Entries[0].Amount, "more, in block", more.Entries[0].Block.ID)
	// Output:
	// 1 granted, next 2030-02-28T09:00:00Z
	// pro/1/r1 300 until 2030-03-31T09:00:00Z
	// pro/2 1000 until 2030-03-31T09:00:00Z
	// upgrade: 483 more, in block pro/2+1
}
