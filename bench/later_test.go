package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/store/memory"
)

// BenchmarkLater compares late usage, reversals, holds and schedules with a plain
// decrement, in turns. Where an operation needs another one to make room for it, the two
// alternate, and both count. ratio is the median over the pairs of turns.
func BenchmarkLater(b *testing.B) {
	onStores(b, func(b *testing.B, l *creditledger.Ledger) {
		on := customer(0)
		withBlocks(b, l, on, 10)
		n := 0
		do := func(op creditledger.Operation, key creditledger.Key) error {
			_, err := l.Do(context.Background(), on, op, key)
			return err
		}
		// inTurns does two operations by turns, each as often as the other.
		inTurns := func(first, second func(n int) error) func() error {
			return func() error {
				if n++; n%2 == 1 {
					return first(n)
				}
				return second(n - 1)
			}
		}
		id := func(n int) string { return fmt.Sprint("x", n) }
		hold := func(n int) error {
			return do(creditledger.Hold{HoldID: id(n), Amount: creditledger.AmountOf(1)}, "")
		}
		measure.Alternate(b, 31, measure.Size(400, 20), []measure.Subject{
			{Name: "op=decrement", Do: func() error { return do(one, "") }},
			{Name: "op=late", Do: func() error {
				late := one
				late.UsageAt = creditledger.InstantOf(time.Now().Add(-time.Millisecond))
				return do(late, "")
			}},
			{Name: "op=hold-release", Do: inTurns(hold, func(n int) error { return do(creditledger.Release{HoldID: id(n)}, "") })},
			{Name: "op=hold-capture", Do: inTurns(hold, func(n int) error {
				return do(creditledger.Capture{HoldID: id(n), Amount: creditledger.AmountOf(1)}, "")
			})},
			{Name: "op=decrement-reverse", Do: inTurns(func(n int) error { return do(one, creditledger.Key(id(n))) }, func(n int) error {
				return do(creditledger.Reverse{Charge: creditledger.Key(id(n))}, "")
			})},
			{Name: "op=schedule-end", Do: inTurns(func(n int) error {
				start := creditledger.Exactly(time.Now().AddDate(1, 0, 0))
				return do(creditledger.Schedule{ScheduleID: id(n), Amount: creditledger.AmountOf(1), Start: start, Every: month}, "")
			}, func(n int) error { return do(creditledger.EndSchedule{ScheduleID: id(n)}, "") })},
		})
	})
}

// withBlocks gives an account n blocks.
func withBlocks(b *testing.B, l *creditledger.Ledger, on creditledger.AccountID, n int) {
	b.Helper()
	for first := 0; first < n; first += 500 {
		if _, err := l.Do(context.Background(), on, blocks(first, min(500, n-first)), ""); err != nil {
			b.Fatal(err)
		}
	}
}

var (
	day   = creditledger.Interval{Count: 1, Unit: creditledger.IntervalDay}
	month = creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth}
)

// BenchmarkSweepGrants writes down the grants of many accounts that fall due at one instant.
func BenchmarkSweepGrants(b *testing.B) {
	for _, s := range stores {
		n := measure.Size(100_000, 500)
		b.Run(fmt.Sprintf("store=%s/accounts=%d", s.name, n), func(b *testing.B) {
			for b.Loop() {
				now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
				opened := s.open(b)
				l := creditledger.New(opened, &creditledger.Options{Clock: func() time.Time { return now }})
				submit(b, l, n, func(i int) (creditledger.AccountID, creditledger.Operation, creditledger.Key) {
					return customer(i), creditledger.Schedule{ScheduleID: "plan", Amount: creditledger.AmountOf(100), Every: month}, ""
				})
				now = now.AddDate(0, 1, 0)
				begin := time.Now()
				res, err := l.Sweep(context.Background())
				if err != nil || res.Accounts != n {
					b.Fatalf("%+v, %v", res, err)
				}
				b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "accounts/s")
				if err := closeBoth(l, opened); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkCatchUp does the first operation after a year in which nobody wrote to an account
// with a grant a day.
func BenchmarkCatchUp(b *testing.B) {
	b.Run("store=memory/days=365", func(b *testing.B) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		l := creditledger.New(memory.New(), &creditledger.Options{Clock: func() time.Time { return now }})
		defer l.Close()
		begin, took := now, []float64{}
		for i := 0; b.Loop(); i++ {
			now = begin
			if _, err := l.Do(context.Background(), customer(i), creditledger.Schedule{ScheduleID: "free", Amount: creditledger.AmountOf(10), Every: day}, ""); err != nil {
				b.Fatal(err)
			}
			now = begin.AddDate(1, 0, 0)
			start := time.Now()
			if _, err := l.Do(context.Background(), customer(i), one, ""); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start).Seconds()*1e3)
		}
		b.ReportMetric(measure.Median(took), "ms")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkHeld decides a decrement on an account of many blocks, with a thousand open holds and
// with none.
func BenchmarkHeld(b *testing.B) {
	n := measure.Size(100_000, 1_000)
	var subjects []measure.Subject
	for _, holds := range []int{0, 1000} {
		l := creditledger.New(memory.New(), nil)
		defer l.Close()
		on := customer(0)
		withBlocks(b, l, on, n)
		for i := range holds {
			if _, err := l.Do(context.Background(), on, creditledger.Hold{HoldID: fmt.Sprint("h", i), Amount: creditledger.AmountOf(1), Until: creditledger.InstantOf(time.Now().Add(23 * time.Hour))}, ""); err != nil {
				b.Fatal(err)
			}
		}
		subjects = append(subjects, measure.Subject{Name: fmt.Sprintf("blocks=%d/holds=%d", n, holds), Do: func() error {
			_, err := l.Do(context.Background(), on, one, "")
			return err
		}})
	}
	measure.Alternate(b, 31, measure.Size(200, 20), subjects)
}
