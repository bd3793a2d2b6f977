package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// The worked cases that a file of operations cannot express: concurrent operations,
// very many blocks or entries, options of the ledger, ids that the ledger makes. All
// others are scenarios, in opsfile/testdata.

var caseAccount = creditledger.AccountID{Customer: "cus_1", Currency: "credits"}

// onBackends runs a case on a ledger in memory and on one in a file.
func onBackends(t *testing.T, opts *creditledger.Options, f func(*testing.T, *creditledger.Ledger)) {
	t.Helper()
	file := func(t *testing.T) store.Store {
		s, err := bolt.Open(filepath.Join(t.TempDir(), "credits.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, open := range map[string]func(*testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New() },
		"file":   file,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			defer s.Close()
			l := creditledger.New(s, opts)
			defer l.Close()
			f(t, l)
			v, err := l.VerifyAll(context.Background(), nil)
			if err != nil || v.Violation != nil {
				t.Errorf("verify: %v, %v", v.Violation, err)
			}
		})
	}
}

func do(t *testing.T, l *creditledger.Ledger, op creditledger.Operation) *creditledger.Result {
	t.Helper()
	res, err := l.Do(context.Background(), caseAccount, op, "")
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func expectTotal(t *testing.T, l *creditledger.Ledger, want string) {
	t.Helper()
	b, err := l.Balance(context.Background(), caseAccount, creditledger.BalanceQuery{})
	if err != nil || b.Total.String() != want {
		t.Errorf("total %s, want %s (%v)", b.Total, want, err)
	}
}

func expectBlock(t *testing.T, l *creditledger.Ledger, id, want string) {
	t.Helper()
	b, err := l.Block(context.Background(), caseAccount, id)
	if err != nil || b.Balance.String() != want {
		t.Errorf("block %s holds %s, want %s (%v)", id, b.Balance, want, err)
	}
}

// race makes the same operation n times at once and returns how many succeeded; the
// others have to be refused with the given error.
func race(t *testing.T, l *creditledger.Ledger, n int, op creditledger.Operation, refusal error) int {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			_, errs[i] = l.Do(context.Background(), caseAccount, op, "")
		})
	}
	close(start)
	wg.Wait()
	done := 0
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case !errors.Is(err, refusal):
			t.Error(err)
		}
	}
	return done
}

// TestOneCreditIsSpentOnce (case HX9): credit 1; of two concurrent uses of 1 under OverdraftReject one succeeds and one is
// refused, and 0 is left.
func TestOneCreditIsSpentOnce(t *testing.T) {
	onBackends(t, nil, func(t *testing.T, l *creditledger.Ledger) {
		one := creditledger.MustAmount("1")
		do(t, l, creditledger.Increment{Amount: one})
		use := creditledger.Decrement{Amount: one, Overdraft: creditledger.OverdraftReject}
		if done := race(t, l, 2, use, creditledger.ErrInsufficientCredits); done != 1 {
			t.Errorf("%d uses succeeded, want 1", done)
		}
		expectTotal(t, l, "0")
	})
}

// TestABlockIsVoidedOnce (case OM40): of four concurrent voids of a whole block of 100 one succeeds and three are
// refused; there is one pair of entries.
func TestABlockIsVoidedOnce(t *testing.T) {
	onBackends(t, nil, func(t *testing.T, l *creditledger.Ledger) {
		hundred := creditledger.MustAmount("100")
		do(t, l, creditledger.Increment{Amount: hundred, BlockID: "b"})
		void := creditledger.Void{BlockID: "b", Amount: hundred}
		if done := race(t, l, 4, void, creditledger.ErrConstraint); done != 1 {
			t.Errorf("%d voids succeeded, want 1", done)
		}
		page, err := l.Entries(context.Background(), caseAccount, creditledger.EntriesQuery{})
		if err != nil || len(page.Entries) != 3 {
			t.Errorf("%d entries, want the increment and one pair (%v)", len(page.Entries), err)
		}
		expectTotal(t, l, "0")
	})
}

// TestOneOfManyBlocksExpiresFirst (case OM6): of 100,000 equal blocks of 100 granted in
// any order one expires a day earlier; a use of 99 leaves that one 1 and all others 100.
// How long it takes is for package bench.
func TestOneOfManyBlocksExpiresFirst(t *testing.T) {
	n := testsize.Of(10_000, 100_000, 100_000)
	now := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	opts := &creditledger.Options{Clock: func() time.Time { return now }}
	onBackends(t, opts, func(t *testing.T, l *creditledger.Ledger) {
		hundred := creditledger.MustAmount("100")
		early := rand.New(rand.NewPCG(1, 2)).IntN(n)
		for granted := 0; granted < n; {
			batch := make(creditledger.Batch, 0, creditledger.MaxBatch)
			for range creditledger.MaxBatch {
				inc := creditledger.Increment{Amount: hundred, BlockID: fmt.Sprint("b", granted), ExpiresAt: creditledger.At(now.AddDate(0, 0, 30))}
				if granted == early {
					inc.ExpiresAt = creditledger.At(now.AddDate(0, 0, 29))
				}
				batch = append(batch, inc)
				granted++
			}
			do(t, l, batch)
		}
		expectTotal(t, l, fmt.Sprint(100*n))
		res := do(t, l, creditledger.Decrement{Amount: creditledger.MustAmount("99")})
		if len(res.Entries) != 1 || res.Entries[0].Block.ID != fmt.Sprint("b", early) {
			t.Errorf("drawn: %+v", res.Entries)
		}
		expectBlock(t, l, fmt.Sprint("b", early), "1")
		expectBlock(t, l, fmt.Sprint("b", (early+1)%n), "100")
		expectTotal(t, l, fmt.Sprint(100*n-99))
	})
}

// TestManySmallDrawsAddUpExactly (case RX1): 1,000,000 less 100,000 times 0.000001 is 999999.9 exactly.
func TestManySmallDrawsAddUpExactly(t *testing.T) {
	onBackends(t, nil, func(t *testing.T, l *creditledger.Ledger) {
		ctx := context.Background()
		do(t, l, creditledger.Increment{Amount: creditledger.MustAmount("1000000")})
		use := creditledger.Decrement{Amount: creditledger.MustAmount("0.000001")}
		const ahead = 10_000
		n := testsize.Of(ahead, 100_000, 100_000)
		pending := make([]*creditledger.Pending, 0, ahead)
		for range n / ahead {
			pending = pending[:0]
			for range ahead {
				p, err := l.Submit(ctx, caseAccount, use, "")
				if err != nil {
					t.Fatal(err)
				}
				pending = append(pending, p)
			}
			for _, p := range pending {
				if _, err := p.Wait(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		expectTotal(t, l, map[int]string{ahead: "999999.99", 100_000: "999999.9"}[n])
	})
}

// TestDebtsAreNotRepaidByOption: cases D5 and D8 by the ledger's option instead of the operation's own: debts are not
// repaid, and later draws leave them alone.
func TestDebtsAreNotRepaidByOption(t *testing.T) {
	onBackends(t, &creditledger.Options{Settings: creditledger.Settings{Repay: creditledger.RepayNever}}, func(t *testing.T, l *creditledger.Ledger) {
		do(t, l, creditledger.Increment{Amount: creditledger.MustAmount("100"), BlockID: "C"})
		do(t, l, creditledger.Decrement{Amount: creditledger.MustAmount("120")})
		res := do(t, l, creditledger.Increment{Amount: creditledger.MustAmount("50"), BlockID: "D", ExpiresAt: creditledger.At(time.Now().AddDate(1, 0, 0))})
		if e := res.Entries[0]; len(res.Entries) != 1 || e.Starting.String() != "-20" || e.Ending.String() != "30" {
			t.Errorf("D5: %+v", res.Entries)
		}
		expectBlock(t, l, "C", "-20")
		expectTotal(t, l, "30")
		res = do(t, l, creditledger.Decrement{Amount: creditledger.MustAmount("40")})
		if e := res.Entries[0]; len(res.Entries) != 1 || e.Block.ID != "D" || e.Ending.String() != "-10" {
			t.Errorf("D8: %+v", res.Entries)
		}
		expectBlock(t, l, "D", "10")
		expectBlock(t, l, "C", "-20")
	})
}

// TestAnOverdraftBlockOnlyHoldsDebts (case D12, continued): the overdraft block cannot be voided, an amendment lifts it to 0 at
// most, and later debts go on it.
func TestAnOverdraftBlockOnlyHoldsDebts(t *testing.T) {
	onBackends(t, nil, func(t *testing.T, l *creditledger.Ledger) {
		ctx := context.Background()
		do(t, l, creditledger.Increment{Amount: creditledger.MustAmount("30"), BlockID: "A", ExpiresAt: creditledger.At(time.Now().AddDate(1, 0, 0))})
		res := do(t, l, creditledger.Decrement{Amount: creditledger.MustAmount("50")})
		if len(res.Entries) != 2 || res.Entries[1].Block.ID != res.NewBlockID || res.Entries[1].Ending.String() != "-20" {
			t.Fatalf("D12: %+v", res.Entries)
		}
		debt := res.NewBlockID
		for _, op := range []creditledger.Operation{
			creditledger.Void{BlockID: debt, Amount: creditledger.MustAmount("1")},
			creditledger.Amendment{BlockID: debt, Amount: creditledger.MustAmount("21")},
		} {
			if _, err := l.Do(ctx, caseAccount, op, ""); !errors.Is(err, creditledger.ErrConstraint) {
				t.Errorf("%s: %v", op.Name(), err)
			}
		}
		do(t, l, creditledger.Amendment{BlockID: debt, Amount: creditledger.MustAmount("20")})
		expectBlock(t, l, debt, "0")
		res = do(t, l, creditledger.Decrement{Amount: creditledger.MustAmount("3")})
		if len(res.Entries) != 1 || res.Entries[0].Block.ID != debt || res.NewBlockID != "" {
			t.Errorf("a later debt: %+v", res.Entries)
		}
	})
}
