package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

var costStart = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// costly is an account with a long history: blocks that are used up, each with an
// expiry of its own, and three that hold something.
type costly struct {
	meter  *meter
	shared bool
	now    time.Time
	random *rand.Rand
	on     cl.AccountID
	ledger *cl.Ledger
	made   []cl.Key // that the ledger made, of operations long ago
}

func newCostly(t *testing.T, shared bool, cycles int) *costly {
	t.Helper()
	c := &costly{meter: &meter{inner: memory.New()}, shared: shared, now: costStart, on: cl.AccountID{Customer: "cus_1", Currency: "credits"}}
	c.random = rand.New(rand.NewPCG(seed(t), uint64(cycles)))
	c.reopen()
	for i := range cycles {
		c.now = c.now.Add(time.Minute)
		grant := cl.Increment{Amount: cl.AmountOf(1), BlockID: fmt.Sprint("used-", i), ExpiresAt: cl.At(costStart.AddDate(5, 0, i))}
		c.made = append(c.made, must(t, c.ledger, c.on, grant).Key, must(t, c.ledger, c.on, cl.Decrement{Amount: cl.AmountOf(1), Overdraft: cl.OverdraftReject}).Key)
	}
	for i := range 3 {
		must(t, c.ledger, c.on, cl.Increment{Amount: cl.AmountOf(100_000), BlockID: fmt.Sprint("open-", i)})
	}
	return c
}

// reopen is a new ledger over the same store.
func (c *costly) reopen() {
	c.ledger = cl.New(metered(c.meter, c.shared), &cl.Options{Clock: func() time.Time { return c.now }})
}

// madeKey is a key as the ledger makes them: one that it made, or one that nobody made,
// of an instant in the middle of the history.
func (c *costly) madeKey() cl.Key {
	key := c.made[c.random.IntN(len(c.made))]
	if c.random.IntN(3) == 0 {
		return key
	}
	forged := []byte(key)
	for i := len(forged) - 10; i < len(forged); i++ {
		forged[i] = "0123456789abcdef"[c.random.IntN(16)]
	}
	return cl.Key(forged)
}

// operation names blocks, keys and expiries that exist, that existed once, or that never
// did.
func (c *costly) operation() cl.Operation {
	r := c.random
	block := []string{"open-0", "open-1", fmt.Sprint("used-", r.IntN(5000)), "never was"}[r.IntN(4)]
	expires := cl.At(costStart.AddDate(5, 0, r.IntN(5000)).Add(time.Duration(r.IntN(2)) * time.Hour))
	amount := cl.AmountOf(1 + r.Int64N(3))
	switch r.IntN(8) {
	case 0:
		return cl.Increment{Amount: amount, BlockID: block}
	case 1:
		return cl.Decrement{Amount: amount, Overdraft: cl.Overdraft(r.IntN(3))}
	case 2:
		return cl.ExpirationChange{ExpiresAt: expires, Target: cl.Never()}
	case 3:
		return cl.ExpirationChange{BlockID: block, Target: cl.At(c.now.Add(time.Hour)), Amount: amount}
	case 4:
		return cl.Void{BlockID: block, Amount: amount}
	case 5:
		return cl.Amendment{BlockID: block, Amount: amount}
	case 6:
		return cl.Activation{BlockID: block}
	}
	return cl.Batch{cl.Void{BlockID: block, Amount: amount}, cl.ExpirationChange{ExpiresAt: expires, Target: cl.Never()}}
}

// TestCostOfNames: whatever keys, blocks and expiries a caller names, an operation asks
// the store for a few rows, however long the account's history is.
func TestCostOfNames(t *testing.T) {
	run := results.Start(t, "the cost of an operation, whatever it names")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	const mostCalls, mostRows = 40, 300
	ctx := context.Background()
	for _, shared := range []bool{false, true} {
		c := newCostly(t, shared, 2000)
		for range testsize.Of(200, 600, 5000) {
			c.now = c.now.Add(time.Second)
			if c.random.IntN(5) == 0 {
				c.reopen()
			}
			var key cl.Key
			switch c.random.IntN(4) {
			case 0, 1:
				key = c.madeKey()
			case 2:
				key = cl.Key(fmt.Sprint("key-", c.random.IntN(1000)))
			}
			do, op := c.ledger.Do, c.operation()
			if c.random.IntN(4) == 0 {
				do = c.ledger.Preview
			}
			c.meter.reset()
			_, err := do(ctx, c.on, op, key)
			if errors.Is(err, cl.ErrOutcomeUnknown) || errors.Is(err, cl.ErrConflict) || errors.Is(err, cl.ErrCorrupt) {
				t.Fatal(err)
			}
			run.Count("operations", 1)
			if c.meter.calls > mostCalls || c.meter.rows > mostRows {
				t.Fatalf("shared %v: %s %+v under key %q: %d calls, %d rows (%v)", shared, op.Name(), op, key, c.meter.calls, c.meter.rows, err)
			}
		}
	}
}
