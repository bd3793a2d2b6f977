//go:build !race

package creditledger_test

import (
	"context"
	"path/filepath"
	"testing"

	"creditledger"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// Rule: docs/performance.md: what an operation allocates is bounded, by little more than
// it does. Under the race detector pools forget what they hold, and the numbers differ.
func TestAllocations(t *testing.T) {
	file, err := bolt.Open(filepath.Join(t.TempDir(), "credits.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                      string
		store                     store.Store
		decrement, retry, balance float64
	}{
		{"memory", memory.New(), 4, 20, 0},
		{"file", file, 30, 40, 0},
	} {
		l := creditledger.New(c.store, nil)
		on := creditledger.AccountID{Customer: "ann"}
		do := func(op creditledger.Operation) {
			if _, err := l.Do(context.Background(), on, op, ""); err != nil {
				t.Fatal(err)
			}
		}
		do(creditledger.Increment{Amount: creditledger.AmountOf(1_000_000)})
		op := creditledger.Operation(creditledger.Decrement{Amount: creditledger.AmountOf(1)})
		read := func() {
			if _, err := l.Balance(context.Background(), on, creditledger.BalanceQuery{}); err != nil {
				t.Fatal(err)
			}
		}
		for range 10_000 { // a file's commits go into its log file, once that is made
			if do(op); testing.AllocsPerRun(1, read) == 0 {
				break
			}
		}
		if n := testing.AllocsPerRun(200, func() { do(op) }); n > c.decrement {
			t.Errorf("%s: a decrement makes %v allocations, want at most %v", c.name, n, c.decrement)
		}
		retry := func() {
			if _, err := l.Do(context.Background(), on, op, "again"); err != nil {
				t.Fatal(err)
			}
		}
		retry()
		if n := testing.AllocsPerRun(200, retry); n > c.retry {
			t.Errorf("%s: a retry makes %v allocations, want at most %v", c.name, n, c.retry)
		}
		if n := testing.AllocsPerRun(200, read); n > c.balance {
			t.Errorf("%s: a balance makes %v allocations, want at most %v", c.name, n, c.balance)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := c.store.Close(); err != nil {
			t.Error(err)
		}
	}
}
