package postgres

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"creditledger"
)

// TestActsOfSeveralProcesses: acts of two processes that name the same accounts in other
// orders, beside single operations, end, are written whole or not at all, and credits
// that move are neither made nor lost.
func TestActsOfSeveralProcesses(t *testing.T) {
	a, b := creditledger.AccountID{Customer: "ann", Currency: "credits"}, creditledger.AccountID{Customer: "bob", Currency: "credits"}
	var ledgers []*creditledger.Ledger
	for _, s := range stores(t, 2, "read committed") {
		l := creditledger.New(s, nil)
		t.Cleanup(func() { _ = l.Close() })
		ledgers = append(ledgers, l)
	}
	grant := creditledger.Increment{Amount: creditledger.AmountOf(1000)}
	if _, err := ledgers[0].DoAll(t.Context(), []creditledger.AccountOperation{{Account: a, Operation: grant}, {Account: b, Operation: grant}}, ""); err != nil {
		t.Fatal(err)
	}
	one := creditledger.AmountOf(1)
	var workers sync.WaitGroup
	for i, l := range ledgers {
		from, to := a, b
		if i == 1 {
			from, to = b, a
		}
		workers.Go(func() {
			for n := range 10 {
				key := creditledger.Key(fmt.Sprint("act ", i, " ", n))
				_, err := l.Transfer(t.Context(), creditledger.Transfer{From: from, To: to, Amount: one}, key)
				if errors.Is(err, creditledger.ErrConflict) { // others were faster, each time
					_, err = l.Transfer(t.Context(), creditledger.Transfer{From: from, To: to, Amount: one}, key)
				}
				if err != nil {
					t.Errorf("process %d: %v", i, err)
				}
			}
		})
		workers.Go(func() {
			for range 10 {
				if _, err := l.Do(t.Context(), to, creditledger.Batch{creditledger.Decrement{Amount: one}, creditledger.Increment{Amount: one}}, ""); err != nil && !errors.Is(err, creditledger.ErrConflict) {
					t.Errorf("process %d: %v", i, err)
				}
			}
		})
	}
	workers.Wait()
	for _, id := range []creditledger.AccountID{a, b} { // as many went each way
		if balance, err := ledgers[1].Balance(t.Context(), id, creditledger.BalanceQuery{}); err != nil || balance.Total.String() != "1000" {
			t.Errorf("%s has %s, %v", id, balance.Total, err)
		}
	}
	if v, err := ledgers[0].VerifyAll(t.Context(), nil); err != nil || v.Violation != nil {
		t.Errorf("verify: %+v, %v", v.Violation, err)
	}
}
