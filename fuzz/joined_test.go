package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	cl "creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// transaction is a store in a caller's transaction. It counts the calls that use the
// transaction.
type transaction struct {
	*meter
	inside atomic.Int32
}

func (*transaction) Joined() {}

func (s *transaction) Commit(ctx context.Context, changes []cl.Change) error {
	s.inside.Add(1)
	defer s.inside.Add(-1)
	return s.meter.Commit(ctx, changes)
}

// TestJoinedCallsGivenUp ends contexts at random moments of calls of a ledger in its
// caller's transaction. Once all calls have returned, nothing uses the transaction any
// more.
func TestJoinedCallsGivenUp(t *testing.T) {
	run := results.Start(t, "calls in a caller's transaction, given up at random")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	for round := range testsize.Of(100, 400, 5000) {
		r := rand.New(rand.NewPCG(seed(t), uint64(round)))
		s := &transaction{meter: &meter{inner: memory.New()}}
		now := costStart
		l := cl.New(s, &cl.Options{Clock: func() time.Time { return now }})
		on := cl.AccountID{Customer: "cus_1", Currency: "credits"}
		must(t, l, on, cl.Increment{Amount: cl.AmountOf(100), ExpiresAt: cl.At(now.Add(time.Hour))})
		now = now.Add(2 * time.Hour)
		slow := time.Duration(r.IntN(300)) * time.Microsecond
		s.hook = func(ctx context.Context, call string, _ cl.AccountID) error {
			if call == "Commit" {
				time.Sleep(slow) // a driver winds up what it has begun, whatever its context says
			}
			return ctx.Err()
		}
		kinds := [3]int{r.IntN(5), r.IntN(5), r.IntN(5)}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(400))*time.Microsecond)
		errs := together(t, 1+r.IntN(3), func(i int) error {
			return joinedCall(ctx, l, on, kinds[i], cl.Key(fmt.Sprint("key-", i%2)))
		})
		if n := s.inside.Load(); n != 0 {
			t.Fatalf("seed %d, round %d: %d commits are under way after all calls are over", seed(t), round, n)
		}
		cancel()
		for _, err := range errs {
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("seed %d, round %d: %v", seed(t), round, err)
			}
		}
		l.Close()
		run.Count("rounds", 1)
	}
}

// joinedCall is one call that may commit.
func joinedCall(ctx context.Context, l *cl.Ledger, on cl.AccountID, kind int, key cl.Key) error {
	grant := cl.Increment{Amount: cl.AmountOf(1)}
	var err error
	switch kind {
	case 0:
		_, err = l.Sweep(ctx)
	case 1:
		var p *cl.Pending
		if p, err = l.Submit(ctx, on, grant, key); err == nil {
			_, err = p.Wait(ctx)
		}
	case 2:
		if _, err = l.Submit(ctx, on, grant, key); err == nil {
			_, err = l.Balance(ctx, on, cl.BalanceQuery{})
		}
	default:
		_, err = l.Do(ctx, on, grant, key)
	}
	return err
}

// TestJoinedFilesGivenUp is TestJoinedCallsGivenUp in transactions of a file, each of
// which is committed or rolled back right after its calls.
func TestJoinedFilesGivenUp(t *testing.T) {
	run := results.Start(t, "calls in transactions of a file, given up at random")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	r := rand.New(rand.NewPCG(seed(t), 9))
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "theirs.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	on := cl.AccountID{Customer: "cus_1", Currency: "credits"}
	for range testsize.Of(30, 200, 5000) {
		tx, err := db.Begin(true)
		if err != nil {
			t.Fatal(err)
		}
		j, err := bolt.Join(tx)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(300))*time.Microsecond)
		l := cl.New(j, nil)
		err = joinedCall(ctx, l, on, r.IntN(5), "")
		if err == nil && r.IntN(2) == 0 {
			err = tx.Commit()
		} else {
			err = tx.Rollback()
		}
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		run.Count("transactions", 1)
	}
	if err := db.View(func(tx *bbolt.Tx) error {
		j, err := bolt.Join(tx)
		if err != nil {
			return err
		}
		v, err := cl.New(j, nil).VerifyAll(context.Background(), nil)
		if err == nil && v.Violation != nil {
			err = v.Violation
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
