package fuzz_test

import (
	"context"
	"errors"
	"sync"
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
	var once sync.Once
	go func() {
		_, _ = l.DoWith(context.Background(), on, cl.Increment{Amount: cl.AmountOf(1)}, cl.DoOptions{Attach: func(*cl.Result) ([]cl.DocumentPut, error) {
			once.Do(func() { close(locked) })
			<-release
			return nil, errors.New("enough")
		}})
	}()
	<-locked
	return release
}

// TestCommit_AccountNamedOnce: when a decision breaks off, what was queued on its account
// leaves its place in the queue, is decided afresh and is queued anew. The account is still
// only once in a commit, and everyone who waits is answered.
func TestCommit_AccountNamedOnce(t *testing.T) {
	store := &gated{Store: memory.New(), began: make(chan []cl.Change), end: make(chan error)}
	l := cl.New(store, nil)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var pending []*cl.Pending
	submit := func(on cl.AccountID) {
		t.Helper()
		p, err := l.Submit(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, "")
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	a, b, z := historyAccount(1), historyAccount(2), historyAccount(3)
	submit(z)
	<-store.began // and z is on its way
	submit(a)
	submit(b)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the attachment did not break off")
			}
		}()
		_, _ = l.DoWith(ctx, a, cl.Increment{Amount: cl.AmountOf(1)}, cl.DoOptions{Attach: func(*cl.Result) ([]cl.DocumentPut, error) {
			panic("broken off")
		}})
	}()
	submit(a) // once what was queued is decided afresh: a, b, a
	atB := held(l, b)
	store.end <- nil                  // z has arrived
	time.Sleep(50 * time.Millisecond) // the next commit has taken a, and waits for b
	submit(a)                         // and now there is more of a
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
		if _, err := p.Wait(ctx); err != nil {
			t.Errorf("operation %d is not answered: %v", i, err)
		}
	}
	l.Close()
}

// meanwhile is a store that calls a function right before it looks up a block.
type meanwhile struct {
	cl.Store
	do func()
}

func (m *meanwhile) BlocksByID(ctx context.Context, id cl.AccountID, blockIDs []string) ([]cl.Block, error) {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return m.Store.BlocksByID(ctx, id, blockIDs)
}

// TestKey_BeforeWhatElseIsThere: another process writes the same operation, under the same
// key, while this one looks up the block. The answer is the first result, and not that the
// block's id is in use.
func TestKey_BeforeWhatElseIsThere(t *testing.T) {
	store := memory.New()
	other, ours := cl.New(store, nil), &meanwhile{Store: store}
	l := cl.New(ours, nil)
	ctx, on, op := context.Background(), historyAccount(1), cl.Increment{Amount: cl.AmountOf(1), BlockID: "made"}
	must(t, l, on, cl.Increment{Amount: cl.AmountOf(1)})
	ours.do = func() {
		if _, err := other.Do(ctx, on, op, "key"); err != nil {
			t.Error(err)
		}
	}
	if res, err := l.Do(ctx, on, op, "key"); err != nil || !res.Replayed {
		t.Errorf("got %v, want the first result again", err)
	}
}

// TestRefusal_OfWhatWasCommitted: no operation is refused because of one that was on its
// way to the disk and did not arrive.
func TestRefusal_OfWhatWasCommitted(t *testing.T) {
	store := &gated{Store: memory.New(), began: make(chan []cl.Change), end: make(chan error)}
	l := cl.New(store, nil)
	ctx, on := context.Background(), historyAccount(1)
	answer := func(err error) { <-store.began; store.end <- err }
	go answer(nil)
	must(t, l, on, cl.Increment{Amount: cl.AmountOf(1)})
	first, err := l.Submit(ctx, on, cl.Decrement{Amount: cl.AmountOf(1)}, "")
	if err != nil {
		t.Fatal(err)
	}
	<-store.began
	second := make(chan error)
	go func() {
		_, err := l.Do(ctx, on, cl.Decrement{Amount: cl.AmountOf(1), Overdraft: cl.OverdraftReject}, "")
		second <- err
	}()
	time.Sleep(20 * time.Millisecond)
	store.end <- faultstore.ErrInjected
	if _, err := first.Wait(ctx); !errors.Is(err, faultstore.ErrInjected) {
		t.Errorf("the first: %v", err)
	}
	go answer(nil)
	select {
	case err := <-second:
		if err != nil {
			t.Errorf("there is 1 credit, and it could not be spent: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the second hangs")
	}
	l.Close()
}
