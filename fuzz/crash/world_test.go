//go:build linux

package crash

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// step is one call of the workload. Every operation has a key, so that each can be
// looked up and repeated; a sweep has no operation.
type step struct {
	at  time.Time
	on  creditledger.AccountID
	op  creditledger.Operation
	key creditledger.Key

	act      []creditledger.AccountOperation // instead of op
	transfer *creditledger.Transfer          // instead of op
}

// sweeps reports whether the step is a sweep.
func (s *step) sweeps() bool { return s.op == nil && s.act == nil && s.transfer == nil }

// accounts are those that the step is on.
func (s *step) accounts() (list []creditledger.AccountID) {
	switch {
	case s.transfer != nil:
		return []creditledger.AccountID{s.transfer.From, s.transfer.To}
	case s.act == nil:
		return []creditledger.AccountID{s.on}
	}
	for _, op := range s.act {
		list = append(list, op.Account)
	}
	return list
}

// script is the workload of a seed: grants that expire and others, decrements that
// span blocks, voids, amendments, expiration changes, batches and sweeps, on four
// accounts.
func script(seed uint64, n int) []step { return scriptOf(seed, n, false) }

// wideScript is script with more: daily schedules of which several periods fall due at
// once, holds, reversals, acts and transfers.
func wideScript(seed uint64, n int) []step { return scriptOf(seed, n, true) }

func scriptOf(seed uint64, n int, wide bool) []step {
	random := rand.New(rand.NewPCG(seed, 7))
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	made := map[string][]string{}
	steps := make([]step, n)
	for i := range steps {
		if now = now.Add(time.Duration(1+random.IntN(9)) * time.Minute); wide && random.IntN(9) == 0 {
			now = now.Add(time.Duration(1+random.IntN(70)) * time.Hour)
		}
		customer := fmt.Sprintf("customer-%d", random.IntN(4))
		amount := func(max int) creditledger.Amount { return creditledger.AmountOf(int64(1 + random.IntN(max))) }
		soon := creditledger.At(now.Add(time.Duration(1+random.IntN(200)) * time.Minute))
		block := "b0"
		if ids := made[customer]; len(ids) > 0 {
			block = ids[random.IntN(len(ids))]
		}
		grant := func() creditledger.Operation {
			id := fmt.Sprintf("b%d-%d", i, len(made[customer]))
			made[customer] = append(made[customer], id)
			in := creditledger.Increment{Amount: amount(60), BlockID: id, Metadata: map[string]string{"step": strings.Repeat("x", random.IntN(300))}}
			if random.IntN(2) == 0 {
				in.ExpiresAt = soon
			}
			return in
		}
		spend := func() creditledger.Operation {
			return creditledger.Decrement{Amount: amount(80), Overdraft: creditledger.Overdraft(random.IntN(3))}
		}
		s := step{at: now, on: creditledger.AccountID{Customer: customer}, key: creditledger.Key(fmt.Sprintf("key-%d", i))}
		kind := random.IntN(12)
		if wide && random.IntN(5) < 2 {
			kind = 12
		}
		switch kind {
		case 0, 1, 2:
			s.op = grant()
		case 3, 4, 5, 6:
			s.op = spend()
		case 7:
			s.op = creditledger.Void{BlockID: block, Amount: amount(20)}
		case 8:
			s.op = creditledger.Amendment{BlockID: block, Amount: amount(10)}
		case 9:
			s.op = creditledger.ExpirationChange{BlockID: block, Target: soon}
		case 10:
			s.op = creditledger.Batch{grant(), spend(), grant()}
		case 11: // a sweep
			s.key = ""
		case 12:
			s.widely(random, i)
		}
		steps[i] = s
	}
	return steps
}

// widely makes a step of those that only wideScript has.
func (s *step) widely(random *rand.Rand, i int) {
	amount := func(most int) creditledger.Amount { return creditledger.AmountOf(int64(1 + random.IntN(most))) }
	other := creditledger.AccountID{Customer: fmt.Sprintf("customer-%d", random.IntN(4))}
	switch n := random.IntN(8); {
	case n < 2:
		s.op = creditledger.Schedule{
			ScheduleID: fmt.Sprint("s", i), Amount: amount(30), Every: creditledger.Interval{Count: 1, Unit: creditledger.IntervalDay}, Description: "daily",
			Rollover: creditledger.Rollover{Percent: creditledger.AmountOf(50), MaxTimes: 2}, Anchor: creditledger.Exactly(s.at.Add(-time.Duration(random.IntN(30)) * time.Hour)),
		}
	case n == 2:
		s.op = creditledger.Hold{HoldID: fmt.Sprint("h", i), Amount: amount(30), Overdraft: creditledger.OverdraftStopAtZero}
	case n == 3:
		s.op = creditledger.Reverse{Charge: creditledger.Key(fmt.Sprintf("key-%d", random.IntN(i+1)))}
	case n < 6 || other == s.on:
		s.act = []creditledger.AccountOperation{
			{Account: s.on, Operation: creditledger.Decrement{Amount: amount(40)}},
			{Account: other, Operation: creditledger.Increment{Amount: amount(20), BlockID: fmt.Sprint("a", i)}},
		}
	default:
		s.transfer = &creditledger.Transfer{From: s.on, To: other, Amount: amount(9)}
	}
}

// world is a ledger that goes through a script.
type world struct {
	steps []step
	now   atomic.Int64 // in nanoseconds since 1970
	l     *creditledger.Ledger
}

func newWorld(s creditledger.Store, steps []step) *world {
	w := &world{steps: steps}
	clock := func() time.Time { return time.Unix(0, w.now.Load()).UTC() }
	// The same script gives the same bytes, because each world begins with the same random
	// bytes. No two steps are at one instant, so that no two ids are the same all the same.
	w.l = creditledger.New(s, &creditledger.Options{Clock: clock, Random: rand.NewChaCha8([32]byte{1}), ExpiriesPerCommit: 2})
	return w
}

// answer is a result in a form that a replay of it has too.
func answer(r *creditledger.Result) string {
	if r == nil {
		return "swept"
	}
	plain := *r
	plain.Replayed = false
	text, err := json.Marshal(plain)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))[:16]
}

// do carries out a step and waits for it.
func (w *world) do(i int) (string, error) {
	wait, err := w.submit(i)
	if err != nil {
		return "", err
	}
	return wait()
}

// submit begins a step; what it returns waits until the step is durable.
func (w *world) submit(i int) (func() (string, error), error) {
	s := w.steps[i]
	w.now.Store(s.at.UnixNano())
	ctx := context.Background()
	done := func(r *creditledger.Result, err error) (func() (string, error), error) {
		return func() (string, error) { return answer(r), err }, err
	}
	switch {
	case s.sweeps():
		_, err := w.l.Sweep(ctx)
		return done(nil, err)
	case s.act != nil:
		return done(w.l.DoAll(ctx, s.act, s.key))
	case s.transfer != nil:
		return done(w.l.Transfer(ctx, *s.transfer, s.key))
	}
	p, err := w.l.Submit(ctx, s.on, s.op, s.key)
	if err != nil {
		return nil, err
	}
	return func() (string, error) {
		r, err := p.Wait(ctx)
		if err != nil {
			return "", err
		}
		return answer(r), nil
	}, nil
}

// refused reports whether an error is a refusal by the ledger, and not trouble with the
// store.
func refused(err error) bool {
	for _, rule := range []error{creditledger.ErrInvalid, creditledger.ErrNotFound, creditledger.ErrConstraint,
		creditledger.ErrInsufficientCredits, creditledger.ErrDuplicate} {
		if errors.Is(err, rule) {
			return true
		}
	}
	return false
}

// history is what all accounts show, without the ids that the ledger makes.
func (w *world) history(t testing.TB) string {
	t.Helper()
	ctx := context.Background()
	if len(w.steps) > 0 {
		w.now.Store(w.steps[len(w.steps)-1].at.Add(time.Hour).UnixNano())
	}
	if _, err := w.l.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for c := range 4 {
		on := creditledger.AccountID{Customer: fmt.Sprintf("customer-%d", c)}
		q := creditledger.EntriesQuery{Ascending: true, Limit: creditledger.MaxPage}
		for {
			page, err := w.l.Entries(ctx, on, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				fmt.Fprintln(&text, c, e.Seq, e.CreatedAt, e.Type, e.Amount, e.Starting, e.Ending, e.Block.Number, e.VoidAmount, e.NewBlockExpiry, e.IdempotencyKey)
			}
			if page.Next == "" {
				break
			}
			q.Cursor = page.Next
		}
	}
	return text.String()
}

// expected is the history of the whole script without any crash.
func expected(t testing.TB, steps []step) string {
	t.Helper()
	w := newWorld(memory.New(), steps)
	for i := range steps {
		if _, err := w.do(i); err != nil && !refused(err) {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	return w.history(t)
}

func open(t testing.TB, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verified fails unless the whole ledger verifies.
func verified(t testing.TB, l *creditledger.Ledger, since []creditledger.Checkpoint) {
	t.Helper()
	v, err := l.VerifyAll(context.Background(), &creditledger.VerifyOptions{Since: since})
	if err != nil || v.Violation != nil {
		t.Fatalf("verify: %v %v", v.Violation, err)
	}
}
