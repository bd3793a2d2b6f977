package fuzz_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/store/memory"
)

// slowReply is a store whose commits are done long before their answer arrives.
type slowReply struct {
	cl.Store
	committed, reply chan struct{}
}

func (s *slowReply) Commit(ctx context.Context, changes []cl.Change) error {
	err := s.Store.Commit(ctx, changes)
	s.committed <- struct{}{}
	<-s.reply
	return err
}

// askedLate grants 10, and holds the reply back. Another process grants 5 on top of that.
// Only then it asks, lets the replies arrive, and returns the answer.
func askedLate(t *testing.T, ask func(ctx context.Context, l *cl.Ledger, on cl.AccountID) string) string {
	t.Helper()
	store := memory.New()
	slow := &slowReply{store, make(chan struct{}), make(chan struct{})}
	l, other := cl.New(slow, nil), cl.New(store, nil)
	ctx, on := context.Background(), historyAccount(1)
	first, err := l.Submit(ctx, on, cl.Increment{Amount: cl.AmountOf(10)}, "")
	if err != nil {
		t.Fatal(err)
	}
	<-slow.committed
	must(t, other, on, cl.Increment{Amount: cl.AmountOf(5)})
	answer := make(chan string)
	go func() { answer <- ask(ctx, l, on) }()
	time.Sleep(20 * time.Millisecond) // it waits for the reply
	slow.reply <- struct{}{}
	if _, err := first.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for {
		select {
		case a := <-answer:
			return a
		case <-slow.committed:
			slow.reply <- struct{}{}
		case <-time.After(time.Minute):
			t.Fatal("no answer")
		}
	}
}

// TestRead_OfWhatIsLatest: whoever asks after another process has written is told what that
// wrote, also while the reply to an older commit is on its way. An operation that would be
// refused without it goes by it, too.
func TestRead_OfWhatIsLatest(t *testing.T) {
	read := func(ctx context.Context, l *cl.Ledger, on cl.AccountID) string {
		b, err := l.Balance(ctx, on, cl.BalanceQuery{})
		return fmt.Sprint(b.Total, err)
	}
	if got := askedLate(t, read); got != "15 <nil>" {
		t.Errorf("a reader is told of %s, and there were 15 before it asked", got)
	}
	spend := func(ctx context.Context, l *cl.Ledger, on cl.AccountID) string {
		_, err := l.Do(ctx, on, cl.Decrement{Amount: cl.AmountOf(15), Overdraft: cl.OverdraftReject}, "")
		return fmt.Sprint(err)
	}
	if got := askedLate(t, spend); got != "<nil>" {
		t.Errorf("15 could not be spent: %s", got)
	}
}
