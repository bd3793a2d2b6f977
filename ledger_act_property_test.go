package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"creditledger"
	"creditledger/fuzz/testseed"
)

// TestActsConserveTheSum: whatever acts and single operations meet on a few accounts, in
// whatever order they name them, nothing hangs, and credits that move from one account to
// another are neither made nor lost.
func TestActsConserveTheSum(t *testing.T) {
	seed := testseed.Of(t)
	for name, s := range map[string]creditledger.Store{"a file": newFaulty(), "far away": newOptimistic(2, 8)} {
		w := newWorldOver(t, s)
		var ids []creditledger.AccountID
		for i := range 4 {
			ids = append(ids, creditledger.AccountID{Customer: fmt.Sprint("c", i), Currency: "credits"})
			if _, err := w.Do(ctx, ids[i], grant("", "100"), ""); err != nil {
				t.Fatal(err)
			}
		}
		var workers sync.WaitGroup
		for worker := range 6 {
			random := rand.New(rand.NewPCG(seed, uint64(worker)))
			workers.Go(func() {
				for range 25 {
					a, b := ids[random.IntN(4)], ids[random.IntN(4)]
					some := fmt.Sprint(1 + random.IntN(40))
					var err error
					switch random.IntN(4) {
					case 0:
						_, err = w.Transfer(ctx, creditledger.Transfer{From: a, To: b, Amount: amount(some)}, "")
					case 1:
						_, err = w.DoAll(ctx, on(a, spend(some), b, grant("", some)), "")
					case 2:
						_, err = w.DoAll(ctx, on(b, grant("", some), ids[random.IntN(4)], grant("", "1"), a, spend(some, policy(creditledger.OverdraftReject)), a, spend("1")), "")
					default:
						_, err = w.Do(ctx, a, creditledger.Batch{spend(some), grant("", some)}, "")
					}
					if err != nil && !errors.Is(err, creditledger.ErrInsufficientCredits) && !errors.Is(err, creditledger.ErrInvalid) {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
		workers.Wait()
		sum := creditledger.Amount{}
		for _, id := range ids {
			b, err := w.Balance(ctx, id, creditledger.BalanceQuery{})
			if err != nil {
				t.Fatal(err)
			}
			if sum, err = sum.Add(b.Total); err != nil {
				t.Fatal(err)
			}
		}
		if sum.String() != "400" {
			t.Errorf("%s: the accounts hold %s", name, sum)
		}
		w.verified()
	}
}

// TestActFaultsAtEveryCall: whichever call of the store fails, an act is written whole or not
// at all, its error tells which or that nobody knows, and the key tells it then.
func TestActFaultsAtEveryCall(t *testing.T) {
	for _, unknown := range []bool{false, true} {
		for fault := 0; ; fault++ {
			s := newFaulty()
			w := newWorldOver(t, s).given(grant("A", "30", expires("2026-01-02")), grant("B", "30"))
			w.at("2026-01-03")
			calls := 0
			broken := errors.New("the disk is gone")
			s.onRead(func(context.Context, string, creditledger.AccountID) error {
				if calls++; calls == fault+1 {
					return broken
				}
				return nil
			})
			s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
				if calls++; calls != fault+1 {
					return next()
				}
				if !unknown {
					return broken
				}
				return &creditledger.OutcomeUnknownError{Err: errors.Join(broken, next())}
			})
			ops := on(cus2, grant("C", "5"), cus1, spend("10"), cus2, spend("7"))
			_, err := w.DoAll(ctx, ops, "k")
			s.onRead(nil)
			s.onCommit(nil)
			if calls <= fault {
				if err != nil || fault < 4 {
					t.Fatalf("after %d calls: %v", calls, err)
				}
				break
			}
			wrote := w.totalOf(cus1) == "20"
			isUnknown := errors.Is(err, creditledger.ErrOutcomeUnknown)
			if !errors.Is(err, broken) || wrote && !isUnknown || wrote != (w.totalOf(cus2) == "-2") {
				t.Errorf("fault %d: %v, written %t, cus_2 has %s", fault, err, wrote, w.totalOf(cus2))
			}
			res, err := w.DoAll(ctx, ops, "k")
			if err != nil || res.Replayed != wrote {
				t.Errorf("fault %d, again: %+v, %v", fault, res, err)
			}
			w.wholly()
		}
	}
}

// TestActGivenUp: an act whose caller gives up is written whole or not at all, its key tells
// which, and the accounts go on.
func TestActGivenUp(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s).given(grant("A", "30"))
	begun, end := make(chan struct{}), make(chan struct{})
	s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
		close(begun)
		<-end
		return next()
	})
	held, err := w.Submit(ctx, cus1, spend("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	s.onCommit(nil)
	short, cancel := context.WithCancel(ctx)
	failed := make(chan error)
	go func() {
		_, err := w.DoAll(short, on(cus1, spend("10"), cus2, grant("B", "5")), "k")
		failed <- err
	}()
	cancel() // while it waits for what is in the air, or before
	if err := <-failed; !errors.Is(err, context.Canceled) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("given up before it was decided: %v", err)
	}
	close(end)
	if _, err := held.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if a := w.totalOf(cus1); a != "29" {
		t.Errorf("cus_1 has %s", a)
	}
	begun, end = make(chan struct{}), make(chan struct{})
	s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
		close(begun)
		<-end
		return next()
	})
	short, cancel = context.WithCancel(ctx)
	go func() {
		_, err := w.DoAll(short, on(cus1, spend("10"), cus2, grant("B", "5")), "k")
		failed <- err
	}()
	<-begun
	cancel()
	unknown, ok := errors.AsType[*creditledger.OutcomeUnknownError](<-failed)
	if !ok || unknown.Key != "k" || !errors.Is(unknown, context.Canceled) {
		t.Errorf("given up in the air: %v", unknown)
	}
	s.onCommit(nil)
	close(end)
	if res := w.all("k", cus1, spend("10"), cus2, grant("B", "5")); !res.Replayed {
		t.Error("it was not written")
	}
	w.wholly()
}

// TestActNeedsAStoreThatCommitsSeveral: a store that commits fewer accounts at once refuses
// the act, and one on a single account goes on.
func TestActNeedsAStoreThatCommitsSeveral(t *testing.T) {
	w := newWorldOver(t, newOptimistic(1, 1))
	_, err := w.DoAll(ctx, on(cus1, grant("A", "1"), cus2, grant("B", "1")), "")
	several, ok := errors.AsType[*creditledger.SeveralAccountsError](err)
	if !ok || several.Accounts != 2 || several.Most != 1 || !errors.Is(err, creditledger.ErrSeveralAccounts) || !errors.Is(err, creditledger.ErrConstraint) {
		t.Errorf("%v", err)
	}
	w.all("k", cus1, grant("A", "1"), cus1, spend("1"))
	w.verified()
}

// TestActIsRepeatedWhereItCouldNotBeDone: the key is looked at before what the store cannot
// do: an act that is stored is answered, and another one under its key is a mismatch.
func TestActIsRepeatedWhereItCouldNotBeDone(t *testing.T) {
	store := newOptimistic(1, 2)
	w := newWorldOver(t, store)
	gift := creditledger.Transfer{From: cus1, To: cus2, Amount: amount("3")}
	w.all("k", cus1, grant("A", "10"), cus2, grant("B", "1"))
	if _, err := w.Transfer(ctx, gift, "gift"); err != nil {
		t.Fatal(err)
	}
	store.accounts = 1
	w.reopen()
	if res := w.all("k", cus1, grant("A", "10"), cus2, grant("B", "1")); !res.Replayed {
		t.Error("the act was done again")
	}
	if res, err := w.Transfer(ctx, gift, "gift"); err != nil || !res.Replayed {
		t.Errorf("the transfer: %+v, %v", res, err)
	}
	if _, err := w.DoAll(ctx, on(cus1, grant("A", "9"), cus2, grant("B", "1")), "k"); !errors.Is(err, creditledger.ErrIdempotencyMismatch) {
		t.Errorf("another act under the key: %v", err)
	}
	before := digestOf(t, w)
	for _, key := range []creditledger.Key{"", "other"} {
		if _, err := w.DoAll(ctx, on(cus1, spend("1"), cus2, spend("1")), key); !errors.Is(err, creditledger.ErrSeveralAccounts) || digestOf(t, w) != before {
			t.Errorf("a new act under %q: %v", key, err)
		}
	}
}

// TestActAfterManyExpiries: where more is due than goes out in one commit, the rest is
// written before the act, and a refused act leaves nothing.
func TestActAfterManyExpiries(t *testing.T) {
	w := newWorld(t, func(o *creditledger.Options) { o.ExpiriesPerCommit = 3 })
	for i := range 10 {
		w.given(grant(fmt.Sprint(i), "1", expires("2026-01-02")))
	}
	w.given(grant("B", "5")).at("2026-01-03")
	before := len(w.journal())
	if _, err := w.DoAll(ctx, on(cus2, grant("", "1"), cus1, voidOf("none", "1")), ""); !errors.Is(err, creditledger.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if after := len(w.journal()); after != before {
		t.Errorf("a refused act wrote %d records", after-before)
	}
	w.all("", cus1, spend("2"), cus2, grant("", "2"))
	if a := w.totalOf(cus1); a != "3" {
		t.Errorf("cus_1 has %s", a)
	}
	w.wholly()
}

// TestActMeetsAnotherProcess: what a conflict makes void is decided afresh, all parts
// together, and a key that another process used meanwhile is found.
func TestActMeetsAnotherProcess(t *testing.T) {
	s := newOptimistic(2, 8)
	w := newWorldOver(t, s).given(grant("A", "30"))
	other := creditledger.New(s.faulty.Store, &w.opts)
	meddle := func(f func()) {
		s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
			s.onCommit(nil)
			f()
			return next()
		})
	}
	must := func(_ *creditledger.Result, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	meddle(func() { must(other.Do(ctx, cus2, grant("B", "4"), "")) })
	if res := w.all("", cus1, spend("10"), cus2, spend("3")); res.Replayed || res.Results[1].Entries[0].Seq != 2 {
		t.Errorf("beside another: %+v", res)
	}
	meddle(func() { must(other.DoAll(ctx, on(cus1, spend("1"), cus3, grant("C", "1")), "k")) })
	if res := w.all("k", cus1, spend("1"), cus3, grant("C", "1")); !res.Replayed {
		t.Errorf("the same act in another process: %+v", res)
	}
	if a := w.totalOf(cus1); a != "19" {
		t.Errorf("cus_1 has %s", a)
	}
	w.wholly()
}

// TestActInAJoinedStore: the caller commits it, and what was submitted before goes first.
func TestActInAJoinedStore(t *testing.T) {
	w := newWorldOver(t, newJoined()).given(grant("A", "30"))
	p, err := w.Submit(ctx, cus1, spend("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	w.all("k", cus2, grant("B", "5"), cus1, spend("10"))
	if _, err := p.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if a := w.totalOf(cus1); a != "19" {
		t.Errorf("cus_1 has %s", a)
	}
	w.wholly()
}
