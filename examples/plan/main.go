// Command plan sells monthly plans: each grants credits at the beginning of every month of
// its customer, carries a part of what is left into the next, and may be changed or ended
// at any time. Nothing has to run for it: what is due is written before the customer's next
// operation, and seen before that.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

func main() {
	ctx := context.Background()
	now := time.Date(2030, time.January, 31, 12, 0, 0, 0, time.UTC)
	ledger := creditledger.New(memory.New(), &creditledger.Options{Clock: func() time.Time { return now }})
	defer ledger.Close()
	plans := &Plans{Ledger: ledger}
	ann := creditledger.AccountID{Customer: "ann"}
	if err := plans.Subscribe(ctx, ann, "starter", "order-1"); err != nil {
		log.Fatal(err)
	}
	if _, err := ledger.Do(ctx, ann, creditledger.Decrement{Amount: creditledger.AmountOf(40)}, "job-1"); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		left, next, err := plans.Show(ctx, ann)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s credits, the next on %s\n", now.Format(time.DateOnly), left, next.Time().Format(time.DateOnly))
		now = next.Time()
	}
}

// Tier is a plan that customers choose.
type Tier struct {
	Credits int64 // a month
	Carry   int64 // percent of what is left that goes on for a month
}

// Tiers are the plans by their names.
var Tiers = map[string]Tier{"starter": {Credits: 100, Carry: 0}, "pro": {Credits: 1000, Carry: 50}}

// Plans gives customers one plan each.
type Plans struct {
	Ledger *creditledger.Ledger
}

// The schedule of a customer's plan. A schedule's id is never free again, so a service that
// lets customers come back makes one for each subscription.
const planID = "plan"

// Subscribe begins a plan. The months are counted from now: 31 January, 28 February, 31
// March. A retry under the same order does nothing twice.
func (p *Plans) Subscribe(ctx context.Context, on creditledger.AccountID, tier string, order creditledger.Key) error {
	t, ok := Tiers[tier]
	if !ok {
		return fmt.Errorf("there is no plan %q", tier)
	}
	_, err := p.Ledger.Do(ctx, on, creditledger.Schedule{
		ScheduleID: planID, Amount: creditledger.AmountOf(t.Credits),
		Every:    creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth},
		Rollover: t.rollover(),
		Metadata: map[string]string{"tier": tier},
	}, order)
	return err
}

func (t Tier) rollover() creditledger.Rollover {
	if t.Carry == 0 {
		return creditledger.Rollover{}
	}
	return creditledger.Rollover{Percent: creditledger.AmountOf(t.Carry), MaxTimes: 1}
}

// Change moves a customer to another plan: a larger one counts at once, for the rest of the
// month; a smaller one from the next month on. It returns what was granted at once.
func (p *Plans) Change(ctx context.Context, on creditledger.AccountID, tier string, order creditledger.Key) (creditledger.Amount, error) {
	t, ok := Tiers[tier]
	if !ok {
		return creditledger.Amount{}, fmt.Errorf("there is no plan %q", tier)
	}
	carry := t.rollover()
	res, err := p.Ledger.Do(ctx, on, creditledger.ChangeSchedule{
		ScheduleID: planID, Amount: creditledger.AmountOf(t.Credits), Rollover: &carry,
		When: creditledger.ChangeNow, Metadata: map[string]*string{"tier": &tier},
	}, order)
	if err != nil || len(res.Entries) == 0 {
		return creditledger.Amount{}, err
	}
	return res.Entries[0].Amount, nil
}

// Cancel ends the plan: what was granted can be spent until it expires, and nothing more
// comes.
func (p *Plans) Cancel(ctx context.Context, on creditledger.AccountID, order creditledger.Key) error {
	_, err := p.Ledger.Do(ctx, on, creditledger.EndSchedule{ScheduleID: planID}, order)
	return err
}

// Show tells what a customer can spend now, and when the next credits come; none when the
// plan has ended.
func (p *Plans) Show(ctx context.Context, on creditledger.AccountID) (left creditledger.Amount, next creditledger.Instant, err error) {
	balance, err := p.Ledger.Balance(ctx, on, creditledger.BalanceQuery{})
	if err != nil {
		return left, 0, err
	}
	schedules, err := p.Ledger.Schedules(ctx, on)
	if err != nil {
		return left, 0, err
	}
	for _, s := range schedules {
		if s.ID == planID {
			next = s.NextDue
		}
	}
	return balance.Available, next, nil
}
