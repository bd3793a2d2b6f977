package fuzz_test

import (
	"context"
	"errors"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/faultstore"
	"creditledger/store/memory"
)

// gated is a store whose commits wait for the test to say how they end.
type gated struct {
	cl.Store
	began chan []cl.Change
	end   chan error
}

func (g *gated) Commit(ctx context.Context, changes []cl.Change) error {
	g.began <- changes
	if err := <-g.end; err != nil {
		return err
	}
	return g.Store.Commit(ctx, changes)
}

// held is an operation that keeps its account locked until release is closed.
func held(l *cl.Ledger, on cl.AccountID) (release chan struct{}) {
	release = make(chan struct{})
	locked := make(chan struct{})
	go func() {
		_, _ = l.DoWith(context.Background(), on, cl.Increment{Amount: cl.AmountOf(1)}, "", func(*cl.Result) ([]cl.RecordPut, error) {
			close(locked)
			<-release
			return nil, errors.New("enough")
		})
	}()
	<-locked
	return release
}

// TestCommit_AccountNamedOnce: after a commit failed, what was queued behind it is
// thrown away. An account that is queued anew right then is still in one commit only
// once, and whoever waits is answered.
func TestCommit_AccountNamedOnce(t *testing.T) {
	t.Skip("known and reported: the ledger ends the process with a nil dereference")
	store := &gated{Store: memory.New(), began: make(chan []cl.Change), end: make(chan error)}
	l := cl.New(store, nil)
	submit := func(on cl.AccountID) *cl.Pending {
		t.Helper()
		p, err := l.Submit(context.Background(), on, cl.Increment{Amount: cl.AmountOf(1)}, "")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, b, c, z := historyAccount(1), historyAccount(2), historyAccount(3), historyAccount(4)
	var pending []*cl.Pending
	pending = append(pending, submit(z)) // commit 0: z
	<-store.began
	pending = append(pending, submit(a), submit(c))
	store.end <- nil
	<-store.began // commit 1: a, c
	pending = append(pending, submit(a), submit(b))
	atC, atB := held(l, c), held(l, b)
	store.end <- faultstore.ErrInjected
	for { // a has landed, and what was queued on it is thrown away, once it can be read
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := l.Balance(ctx, a, cl.BalanceQuery{})
		cancel()
		if err == nil {
			break
		}
	}
	pending = append(pending, submit(a)) // a is in the queue for the second time: a, b, a
	close(atC)
	time.Sleep(50 * time.Millisecond)    // the next commit has taken a, and waits for b
	pending = append(pending, submit(a)) // and now there is more of a
	close(atB)
	go func() {
		for changes := range store.began {
			seen := map[cl.AccountID]bool{}
			for _, x := range changes {
				if seen[x.Account] {
					t.Errorf("a commit names %s twice", x.Account)
				}
				seen[x.Account] = true
			}
			store.end <- nil
		}
	}()
	for i, p := range pending {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if _, err := p.Wait(ctx); err != nil && !errors.Is(err, faultstore.ErrInjected) {
			t.Errorf("operation %d is not answered: %v", i, err)
		}
		cancel()
	}
	l.Close()
}
