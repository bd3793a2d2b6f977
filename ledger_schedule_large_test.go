package creditledger_test

import (
	"testing"
	"time"

	"creditledger"
)

// TestGrantBesideLargeBalances: a grant that comes due counts what the account holds once
// all that expires with it is gone, and the debts that it repays; only one that would still
// bring the balances to 10^20 is none. What is carried stays, whatever becomes of the grant.
func TestGrantBesideLargeBalances(t *testing.T) {
	const most = "99999999999999999999"
	one := creditledger.Rollover{Percent: amount("100"), Max: amount("1"), MaxTimes: 1, Expires: creditledger.ExpiresNever()}
	for _, c := range []struct {
		rule    string
		debt    string
		roll    creditledger.Rollover
		granted bool // the second period
		total   string
	}{
		{"beside what expires", "", creditledger.Rollover{}, true, most},
		{"a carry leaves no room", "", one, false, "1"},
		{"a debt makes room", "60000000000000000000", creditledger.Rollover{}, true, "39999999999999999999"},
	} {
		w := newWorld(t)
		op := creditledger.Schedule{ScheduleID: "p", Amount: amount(most), Every: creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth}, Rollover: c.roll}
		if c.debt != "" {
			op.First, op.Anchor = creditledger.FirstSkip, creditledger.Exactly(w.clock().Add(-time.Hour))
			w.given(spend(c.debt))
		}
		w.given(op)
		w.now = w.now.AddDate(0, 1, 1)
		told, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{})
		if err != nil || told.Total.String() != c.total {
			t.Errorf("%s: the balance is %s (%v), not %s", c.rule, told.Total, err, c.total)
		}
		if _, err := w.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err = w.Block(ctx, cus1, "p/2"); (err == nil) != c.granted {
			t.Errorf("%s: block p/2: %v", c.rule, err)
		}
		if v, err := w.Verify(ctx, cus1, nil); err != nil || v.Violation != nil {
			t.Errorf("%s: %v %v", c.rule, v.Violation, err)
		}
	}
}
