package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"creditledger"
)

// held gives a ledger over a store whose commits wait until release is called, and
// notes how many bytes of records each brings and of how many operations.
func held(t *testing.T, opts *creditledger.Options) (l *creditledger.Ledger, release func(), sizes func() []int) {
	t.Helper()
	s := newFaulty()
	open := make(chan struct{})
	var each []int
	s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
		<-open
		size := 0
		for i := range changes {
			for _, r := range changes[i].Journal {
				size += len(r.Bytes)
			}
		}
		each = append(each, size)
		return next()
	})
	l = creditledger.New(s, opts)
	return l, func() { close(open) }, func() []int { return each }
}

// waits reports whether an operation waits to be decided, for that long at least.
func waits(t *testing.T, l *creditledger.Ledger, on creditledger.AccountID, op creditledger.Operation, long time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	switch _, err := l.Submit(ctx, on, op, ""); {
	case err == nil:
		return false
	case !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, creditledger.ErrOutcomeUnknown):
		t.Fatalf("%v, want the context's error: nothing was decided", err)
	}
	return true
}

// TestWhatIsInTheAirIsBounded: who submits faster than the store commits waits, on
// whichever account, before anything is decided; once there is room all of it goes on,
// in commits that are not too large.
func TestWhatIsInTheAirIsBounded(t *testing.T) {
	const size, bound, commit = 1 << 20, 32 << 20, 16 << 20
	note := map[string]string{}
	for i := range 50 {
		note[fmt.Sprint(i)] = strings.Repeat("x", 500)
	}
	var large creditledger.Batch
	for range size / 25_000 {
		large = append(large, creditledger.Increment{Amount: creditledger.AmountOf(1), Metadata: note})
	}
	l, release, sizes := held(t, nil)
	var pending []*creditledger.Pending
	for i := 0; ; i++ {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		p, err := l.Submit(ctx, creditledger.AccountID{Customer: fmt.Sprint("c", i%10)}, large, "")
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if pending = append(pending, p); len(pending)*size > bound {
			t.Fatalf("%d operations of %d bytes are in the air", len(pending), size)
		}
	}
	if len(pending) < 8 {
		t.Errorf("only %d operations of %d bytes go into the air", len(pending), size)
	}
	for _, customer := range []string{"c1", "new"} {
		if !waits(t, l, creditledger.AccountID{Customer: customer}, creditledger.Increment{Amount: creditledger.AmountOf(1)}, 20*time.Millisecond) {
			t.Errorf("an operation on account %s is decided on top", customer)
		}
	}
	release()
	for _, p := range pending {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if waits(t, l, creditledger.AccountID{Customer: "new"}, creditledger.Increment{Amount: creditledger.AmountOf(1)}, time.Minute) {
		t.Error("there is no room when all has landed")
	}
	l.Close()
	for i, n := range sizes() {
		if n > commit {
			t.Errorf("commit %d brings %d bytes", i, n)
		}
	}
}

// TestAccountsInTheAirAreBounded: accounts stay in memory while something of them is in
// the air, so no more of them take off than the cache has room for.
func TestAccountsInTheAirAreBounded(t *testing.T) {
	l, release, _ := held(t, &creditledger.Options{CacheBlocks: 1000})
	grants := make(creditledger.Batch, 300)
	for i := range grants {
		grants[i] = creditledger.Increment{Amount: creditledger.AmountOf(1)}
	}
	var pending []*creditledger.Pending
	for i := range 4 {
		p, err := l.Submit(t.Context(), creditledger.AccountID{Customer: fmt.Sprint("c", i)}, grants, "")
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	if !waits(t, l, creditledger.AccountID{Customer: "c5"}, grants[0], 20*time.Millisecond) {
		t.Error("a fifth account of 300 blocks takes off where there is room for 1000")
	}
	release()
	for _, p := range pending {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if waits(t, l, creditledger.AccountID{Customer: "c5"}, grants[0], time.Minute) {
		t.Error("there is no room when all has landed")
	}
	l.Close()
}
