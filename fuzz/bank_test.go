package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
)

// TestBank moves credits between the blocks of several accounts and from one block to
// another by void and grant in one batch, while readers look. Each of them sees every
// credit once, in the balance, in the blocks and in an explanation.
func TestBank(t *testing.T) {
	noLeak(t)
	length := time.Duration(testsize.Of(300, 2000, 5000)) * time.Millisecond
	run := results.Start(t, "bank: every reader sees every credit once")
	run.Set("seed", seed(t))
	for _, b := range []fuzz.Backend{memoryBackend, boltBackend} {
		bankOn(t, b, length, run)
	}
}

func bankOn(t *testing.T, b fuzz.Backend, length time.Duration, run *results.Run) {
	const accounts, each = 4, 1000
	t.Run(b.Name, func(t *testing.T) {
		l := cl.New(openStore(t, b), nil)
		for a := range accounts {
			must(t, l, historyAccount(a), cl.Increment{Amount: cl.AmountOf(each)})
		}
		deadline := time.Now().Add(length)
		var moves, looks atomic.Int64
		errs := together(t, 8, func(i int) error {
			r := rand.New(rand.NewPCG(seed(t), uint64(i)))
			for time.Now().Before(deadline) {
				on := historyAccount(r.IntN(accounts))
				var err error
				if i < 4 {
					err = move(l, on, r)
					moves.Add(1)
				} else {
					err = look(l, on, cl.AmountOf(each))
					looks.Add(1)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		for a := range accounts {
			sound(t, l, historyAccount(a))
		}
		l.Close()
		run.Count("moves", int(moves.Load()))
		run.Count("looks", int(looks.Load()))
	})
}

// move moves some credits of an account to another block. It may be refused when
// somebody else was faster.
func move(l *cl.Ledger, on cl.AccountID, r *rand.Rand) error {
	ctx := context.Background()
	page, err := l.Blocks(ctx, on, cl.BlocksQuery{Limit: 20})
	if err != nil || len(page.Blocks) == 0 {
		return err
	}
	b := page.Blocks[r.IntN(len(page.Blocks))]
	amount := cl.AmountOf(1 + r.Int64N(50))
	if amount.Cmp(b.Balance) > 0 || len(page.Blocks) > 10 {
		amount = b.Balance
	}
	var op cl.Operation = cl.ExpirationChange{BlockID: b.ID, Amount: amount, Target: cl.At(time.Now().Add(time.Duration(1+r.IntN(100)) * time.Hour))}
	if r.IntN(2) == 0 {
		op = cl.Batch{cl.Void{BlockID: b.ID, Amount: amount}, cl.Increment{Amount: amount}}
	}
	if _, err := l.Do(ctx, on, op, ""); !errors.Is(err, cl.ErrConstraint) {
		return err
	}
	return nil
}

// look adds up what an account holds in three ways.
func look(l *cl.Ledger, on cl.AccountID, want cl.Amount) error {
	ctx := context.Background()
	balance, err := l.Balance(ctx, on, cl.BalanceQuery{})
	if err != nil || balance.Total.Cmp(want) != 0 || balance.Available.Cmp(want) != 0 {
		return fmt.Errorf("the balance of %s is %s, %v", on, balance.Total, err)
	}
	var inList, inExplanation cl.Amount
	page, err := l.Blocks(ctx, on, cl.BlocksQuery{Limit: cl.MaxPage})
	for _, b := range page.Blocks {
		if inList, err = inList.Add(b.Balance); err != nil {
			return err
		}
	}
	if err != nil || inList.Cmp(want) != 0 {
		return fmt.Errorf("the blocks of %s hold %s, %v", on, inList, err)
	}
	x, err := l.Explain(ctx, on, want, cl.Charge{})
	for _, b := range x.Blocks {
		if inExplanation, err = inExplanation.Add(b.Use); err != nil {
			return err
		}
	}
	if err != nil || inExplanation.Cmp(want) != 0 || !x.Overage.IsZero() {
		return fmt.Errorf("%s could pay %s of %s, %v", on, inExplanation, want, err)
	}
	return nil
}

// TestGivingUp cancels contexts at any moment of any call. What was given up either
// happened or did not. The next call works, and no goroutine stays behind.
func TestGivingUp(t *testing.T) {
	noLeak(t)
	l := cl.New(openStore(t, memoryBackend), nil)
	on := cl.AccountID{Customer: "cus_1", Currency: "credits"}
	prepared(t, l, on)
	rounds := testsize.Of(200, 2000, 10_000)
	run := results.Start(t, "giving up at any moment")
	run.Set("seed", seed(t))
	var unknown, done atomic.Int64
	together(t, 8, func(i int) error {
		r := rand.New(rand.NewPCG(seed(t), uint64(i)))
		for n := range rounds {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Duration(r.IntN(40))*time.Microsecond, cancel)
			key := cl.Key(fmt.Sprintf("%d-%d", i, n))
			op := cl.Increment{Amount: cl.AmountOf(1), Repay: cl.RepayNever}
			res, err := l.Do(ctx, on, op, key)
			cancel()
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, cl.ErrOutcomeUnknown) && errors.Is(err, context.Canceled):
				unknown.Add(1)
			case !errors.Is(err, context.Canceled):
				t.Error(err)
			}
			again, err := l.Do(context.Background(), on, op, key)
			if err != nil {
				t.Errorf("the retry: %v", err)
			} else if res != nil && (!again.Replayed || !reflect.DeepEqual(again.Entries, res.Entries)) {
				t.Errorf("the retry says %v, the first answer was %v", again.Entries, res.Entries)
			}
		}
		return nil
	})
	if entries := sound(t, l, on); entries != 4+8*uint64(rounds) {
		t.Errorf("%d entries of %d operations", entries-4, 8*rounds)
	}
	l.Close()
	run.Set("answered", done.Load())
	run.Set("given up", unknown.Load())
}
