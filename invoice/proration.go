package invoice

import (
	"math/big"
	"time"

	"creditledger"
)

// Proration is the credit for the unused part of a cycle.
type Proration struct {
	Credit        Money               `json:"credit"` // price × days remaining ÷ days in the cycle, rounded once
	DaysRemaining int                 `json:"cycle_days_remaining"`
	DaysTotal     int                 `json:"cycle_days_total"`
	Percent       creditledger.Amount `json:"cycle_remaining_percent"` // two places, rounded half away from zero
}

// Prorate works out the credit for what is left of a cycle from change on. start is
// the first day of the cycle, end the first day after it; change counts as unused.
func Prorate(price Money, start, end, change creditledger.Date) (Proration, error) {
	switch {
	case start == 0 || end == 0 || change == 0:
		return Proration{}, invalid("cycle", "a date is missing or does not exist")
	case start >= end:
		return Proration{}, invalid("cycle", "the end %s is not after the start %s", end, start)
	case change < start || change > end:
		return Proration{}, invalid("cycle", "%s is not between %s and %s", change, start, end)
	}
	p := Proration{DaysRemaining: daysBetween(change, end), DaysTotal: daysBetween(start, end)}
	left := big.NewRat(int64(p.DaysRemaining), int64(p.DaysTotal))
	exactCredit := scaled(&price.amount, 0)
	var err error
	if p.Credit, err = roundRat(exactCredit.Mul(exactCredit, left), price.currency); err != nil {
		return Proration{}, err
	}
	percent := roundWhole(left.Mul(left, big.NewRat(10000, 1)))
	p.Percent, err = creditledger.ParseAmount(new(big.Rat).SetFrac(percent, big.NewInt(100)).FloatString(2))
	return p, err
}

func daysBetween(a, b creditledger.Date) int {
	return int(midnight(b).Sub(midnight(a)) / (24 * time.Hour))
}

func midnight(d creditledger.Date) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
}

// Anchor is the day of a month on which a cycle begins, 1 to 31. A month that is
// shorter begins its cycle on its last day.
type Anchor int

// In returns the anchor's day in a month.
func (a Anchor) In(year int, month time.Month) (creditledger.Date, error) {
	if a < 1 || a > 31 {
		return 0, invalid("anchor", "%d is not a day of a month", int(a))
	}
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC)
	d := creditledger.DateOf(last.Year(), last.Month(), min(int(a), last.Day()))
	if d == 0 {
		return 0, invalid("anchor", "the year %d is outside the calendar", year)
	}
	return d, nil
}

// Next returns the first day after d on which a cycle begins.
func (a Anchor) Next(d creditledger.Date) (creditledger.Date, error) {
	if d == 0 {
		return 0, invalid("date", "is missing or does not exist")
	}
	this, err := a.In(d.Year(), d.Month())
	if err != nil || this > d {
		return this, err
	}
	return a.In(d.Year(), d.Month()+1)
}
