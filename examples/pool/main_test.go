package main

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

var (
	ann  = creditledger.AccountID{Customer: "ann"}
	team = creditledger.AccountID{Customer: "team"}
)

func newPool(t *testing.T, own, shared int64) *Pool {
	t.Helper()
	l := creditledger.New(memory.New(), nil)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	for account, n := range map[creditledger.AccountID]int64{ann: own, team: shared} {
		if _, err := l.Do(t.Context(), account, creditledger.Increment{Amount: creditledger.AmountOf(n)}, ""); err != nil {
			t.Fatal(err)
		}
	}
	return &Pool{Ledger: l, Team: team}
}

// left is what the member and the team may spend.
func left(t *testing.T, p *Pool) string {
	t.Helper()
	var has [2]creditledger.Amount
	for i, account := range []creditledger.AccountID{ann, team} {
		b, err := p.Ledger.Balance(t.Context(), account, creditledger.BalanceQuery{})
		if err != nil {
			t.Fatal(err)
		}
		has[i] = b.Available
	}
	return fmt.Sprint(has[0], " ", has[1])
}

func TestPoolChargesTheMemberFirst(t *testing.T) {
	p := newPool(t, 10, 100)
	for _, c := range []struct {
		job   creditledger.Key
		price int64
		paid  string
		left  string
	}{
		{"own", 4, "{4 0}", "6 100"},
		{"both", 26, "{6 20}", "0 80"},
		{"team", 30, "{0 30}", "0 50"},
		{"both", 26, "{6 20}", "0 50"}, // retries, when the shares would be other ones
		{"own", 4, "{4 0}", "0 50"},
		{"team", 30, "{0 30}", "0 50"},
	} {
		paid, err := p.Charge(t.Context(), ann, creditledger.AmountOf(c.price), c.job)
		if err != nil || fmt.Sprint(paid) != c.paid || left(t, p) != c.left {
			t.Errorf("%s: paid %v, left %s, %v; want %s and %s", c.job, paid, left(t, p), err, c.paid, c.left)
		}
	}
	if _, err := p.Charge(t.Context(), ann, creditledger.AmountOf(5), "both"); !errors.Is(err, creditledger.ErrIdempotencyMismatch) {
		t.Errorf("another job under a key: %v", err)
	}
	if _, err := p.Charge(t.Context(), ann, creditledger.AmountOf(51), "large"); !errors.Is(err, ErrTooFewCredits) || left(t, p) != "0 50" {
		t.Errorf("more than there is: %v, left %s", err, left(t, p))
	}
}

// TestPoolChargesOnce: the same job at once from many sides, and others beside it.
func TestPoolChargesOnce(t *testing.T) {
	p := newPool(t, 10, 100)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if _, err := p.Charge(t.Context(), ann, creditledger.AmountOf(7), creditledger.Key(fmt.Sprint("job-", i%4))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if left(t, p) != "0 82" {
		t.Errorf("left is %s after four jobs of 7", left(t, p))
	}
}
