package fakeclock

import (
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// clock tells the time that it was set to. A ledger may ask from several goroutines.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

func TestATrialEndsAtItsInstant(t *testing.T) {
	begin := time.Date(2030, 1, 1, 9, 30, 0, 0, time.UTC)
	c := &clock{now: begin}
	ledger := creditledger.New(memory.New(), &creditledger.Options{Clock: c.Now})
	trials := &Trials{Ledger: ledger, Clock: c.Now, Days: 14}
	ann := creditledger.AccountID{Customer: "ann"}
	has := func(want string) {
		t.Helper()
		b, err := ledger.Balance(t.Context(), ann, creditledger.BalanceQuery{})
		if err != nil || b.Total.String() != want {
			t.Errorf("at %v Ann has %v, %v, want %s", c.Now(), b.Total, err, want)
		}
	}
	start := func() {
		t.Helper()
		if err := trials.Start(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
	}

	start()
	has("1000")
	end := begin.AddDate(0, 0, 14)
	c.Set(end.Add(-time.Microsecond))
	has("1000")
	c.Set(end)
	has("0")
	start() // a second trial is none
	has("0")
}
