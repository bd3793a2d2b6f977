package invoice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"creditledger"
	"creditledger/fuzz/faultstore"
	"creditledger/fuzz/testsize"
)

// A step is one call with a key; it may be repeated.
type step func(w *world) error

// story goes through every transition there is.
func story() []step {
	return slices.Concat(paymentSteps(), noteSteps(), draftSteps(), changeSteps(), periodSteps())
}

// nth is the id of the customer's n-th invoice.
func (w *world) nth(n int) string {
	page, err := w.Invoices(w.ctx, ListQuery{Customer: "cus"})
	if err != nil || len(page.Invoices) < n {
		return "missing"
	}
	return page.Invoices[n-1].ID
}

func buy(key string, edit func(*Purchase)) step {
	return func(w *world) error {
		p := sale100()
		p.Increment.BlockID = key
		if edit != nil {
			edit(&p)
		}
		_, err := w.Purchase(w.ctx, p, creditledger.Key(key))
		return err
	}
}

func answer(call func(w *world) (*Answer, error)) step {
	return func(w *world) error { _, err := call(w); return err }
}

func paymentSteps() []step {
	try := func(provider string, key creditledger.Key) step {
		return answer(func(w *world) (*Answer, error) {
			return w.StartPayment(w.ctx, w.nth(1), Attempt{Provider: "p", ProviderID: provider, ChargeType: Checkout}, key)
		})
	}
	return []step{
		buy("one", func(p *Purchase) { p.RequirePayment = true }),
		try("a", "start 1"),
		answer(func(w *world) (*Answer, error) {
			return w.PaymentFailed(w.ctx, w.nth(1), "a", FailedReason{Code: "x"}, "fail 1")
		}),
		try("b", "start 2"),
		answer(func(w *world) (*Answer, error) { return w.PaymentSucceeded(w.ctx, w.nth(1), "b", "paid 1") }),
		answer(func(w *world) (*Answer, error) { return w.PaymentSucceeded(w.ctx, w.nth(1), "b", "paid 1 again") }),
		answer(func(w *world) (*Answer, error) {
			return w.PaymentFailed(w.ctx, w.nth(1), "b", FailedReason{Code: "late"}, "fail 1 late")
		}),
	}
}

func noteSteps() []step {
	return []step{
		func(w *world) error {
			_, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(w.t, "7", "USD")}, "gift")
			return err
		},
		buy("two", nil),
		answer(func(w *world) (*Answer, error) {
			return w.IssueCreditNote(w.ctx, NoteInput{Invoice: w.nth(2), Amount: money(w.t, "2", "USD")}, "note 2")
		}),
		answer(func(w *world) (*Answer, error) {
			inv, err := w.Invoice(w.ctx, w.nth(2))
			if err != nil {
				return nil, err
			}
			return w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[0].ID}, "void note 2")
		}),
		answer(func(w *world) (*Answer, error) { return w.Void(w.ctx, w.nth(2), "", "void 2") }),
		buy("three", func(p *Purchase) { p.MarkAsPaid = true }),
		answer(func(w *world) (*Answer, error) {
			return w.Refund(w.ctx, TakeBack{Invoice: w.nth(3), Credits: amount("30")}, "refund 3")
		}),
		func(w *world) error {
			_, err := w.ledger.Do(w.ctx, credits, creditledger.Decrement{Amount: amount("150"), Overdraft: creditledger.OverdraftReject}, "use")
			return err
		},
		answer(func(w *world) (*Answer, error) {
			return w.Refund(w.ctx, TakeBack{Invoice: w.nth(3), Credits: amount("70"), PaidBack: true}, "chargeback 3")
		}),
		answer(func(w *world) (*Answer, error) {
			return w.IssueCreditNote(w.ctx, NoteInput{Invoice: w.nth(1), Amount: money(w.t, "5", "USD")}, "note 1")
		}),
		answer(func(w *world) (*Answer, error) {
			inv, err := w.Invoice(w.ctx, w.nth(1))
			if err != nil {
				return nil, err
			}
			return w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[0].ID}, "void note 1")
		}),
	}
}

func draftSteps() []step {
	return []step{
		answer(func(w *world) (*Answer, error) { return w.CreateDraft(w.ctx, draft(), "draft 4") }),
		answer(func(w *world) (*Answer, error) {
			return w.SetTax(w.ctx, w.nth(4), []creditledger.Amount{amount("1"), amount("2")}, "tax 4")
		}),
		answer(func(w *world) (*Answer, error) { return w.Issue(w.ctx, w.nth(4), "issue 4") }),
		answer(func(w *world) (*Answer, error) { return w.MarkSynced(w.ctx, w.nth(4), "sync 4") }),
		answer(func(w *world) (*Answer, error) { return w.MarkPaid(w.ctx, w.nth(4), "", "paid 4") }),
	}
}

func changeSteps() []step {
	propose := func(p Proposal, key creditledger.Key) step {
		return func(w *world) error { _, err := w.Propose(w.ctx, p, key); return err }
	}
	near, far := proposal(), proposal()
	near.ID, far.ID = "chg 1", "chg 2"
	near.ExpiresAt, far.ExpiresAt = creditledger.At(february.AddDate(1, 0, 0)), creditledger.At(february.AddDate(2, 0, 0))
	return []step{
		propose(near, "propose"),
		func(w *world) error { _, err := w.ApplyChange(w.ctx, near.ID, Collected{}, "apply"); return err },
		propose(far, "propose 2"),
		func(w *world) error { _, err := w.CancelChange(w.ctx, far.ID, "cancel"); return err },
	}
}

func periodSteps() []step {
	u := january()
	u.Terms.InvoiceID = "january"
	return []step{
		answer(func(w *world) (*Answer, error) {
			w.reach(february)
			return w.ClosePeriod(w.ctx, u, "close")
		}),
		answer(func(w *world) (*Answer, error) { return w.Void(w.ctx, u.Terms.InvoiceID, "", "void 6") }),
	}
}

// before does what comes before every step: the clock moves on.
func (w *world) before() { w.tick() }

// chapters tells the story without a fault and returns what is stored before its first
// step and after each.
func chapters(t *testing.T) []string {
	t.Helper()
	w := newWorld(t, onMemory, nil)
	w.customer(nil)
	states := []string{w.dump()}
	for i, s := range story() {
		w.before()
		commits := w.store.commits.Load()
		if err := s(w); err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		if n := w.store.commits.Load() - commits; n != 1 {
			t.Errorf("step %d is %d commits: every step is one", i+1, n)
		}
		states = append(states, w.dump())
	}
	w.prove()
	return states
}

// attempt carries a step out and turns a panic into an error.
func attempt(s step, w *world) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return s(w)
}

// Whichever call of the store goes wrong, and however: what is stored is as before the
// call or as after it, and repeating the call with its key has exactly the effect that
// it would have had.
func TestFaults(t *testing.T) {
	states := chapters(t)
	for _, b := range backends {
		if b.slow > 1 && !testsize.Proofs() {
			continue
		}
		for _, kind := range faultstore.Kinds {
			for _, warm := range []bool{false, true} {
				if warm && b.slow > 1 {
					continue // what the cache hides does not depend on the store below
				}
				t.Run(fmt.Sprintf("%s/%s/warm=%v", b.name, kind, warm), func(t *testing.T) {
					w := newWorld(t, b, nil)
					w.customer(nil)
					faults := 0
					for i, s := range story() {
						w.before()
						faults += w.tryEach(s, i+1, kind, warm, states[i], states[i+1])
					}
					w.prove()
					if faults < len(story()) {
						t.Errorf("%d faults in %d steps", faults, len(story()))
					}
				})
			}
		}
	}
}

// tryEach puts a fault into the first store call of a step, then into the second, and so
// on until the step is done, and returns how many there were.
func (w *world) tryEach(s step, number int, kind faultstore.Kind, warm bool, before, after string) int {
	w.t.Helper()
	for n := 1; ; n++ {
		if !warm {
			w.anew()
		}
		ctx, cancel := context.WithCancel(context.Background())
		w.ctx = ctx
		w.faults.Arm(kind, n, cancel)
		err := attempt(s, w)
		hit := w.faults.Hit()
		cancel()
		w.ctx = context.Background()
		w.faults.Arm(kind, 0, nil)
		if kind == faultstore.Cancel || errors.Is(err, creditledger.ErrOutcomeUnknown) {
			w.anew() // what was on its way to the store has arrived
		}
		now := w.dump()
		where := fmt.Sprintf("step %d, %s", number, hit)
		switch {
		case hit == "" && err != nil:
			w.t.Fatalf("%s without a fault: %v", where, err)
		case err == nil && now != after:
			w.t.Fatalf("%s: no error, and not the state after it:\n%s\nwant:\n%s", where, now, after)
		case err != nil && now != before && (now != after || !errors.Is(err, creditledger.ErrOutcomeUnknown)):
			w.t.Fatalf("%s: %v, and the state changed:\n%s\nfrom:\n%s", where, err, now, before)
		case hit != "" && err == nil && kind != faultstore.Conflict && kind != faultstore.Cancel:
			w.t.Errorf("%s: the fault was swallowed", where)
		}
		if hit == "" || now == after {
			if err := s(w); err != nil || w.dump() != after {
				w.t.Fatalf("%s: %v, then again with the same key: %v, and another effect", where, hit, err)
			}
			return n
		}
	}
}

// anew is a new ledger on the same store: nothing at hand, nothing poisoned.
func (w *world) anew() {
	w.t.Helper()
	if err := w.ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.begin()
}

// Every state survives a restart, on every backend; and told again with the same keys,
// everything is as it was.
func TestRestart(t *testing.T) {
	states := chapters(t)
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t, b, nil)
			w.customer(nil)
			for i, s := range story() {
				w.before()
				if err := s(w); err != nil {
					t.Fatalf("step %d: %v", i+1, err)
				}
				w.restart()
				if got := w.dump(); got != states[i+1] {
					t.Fatalf("step %d, after a restart:\n%s\nwant:\n%s", i+1, got, states[i+1])
				}
			}
			w.now = w.now.AddDate(0, 1, 0)
			for i, s := range story() {
				if err := s(w); err != nil {
					t.Errorf("step %d again: %v", i+1, err)
				}
			}
			if got := w.dump(); got != states[len(states)-1] {
				t.Errorf("told twice:\n%s", got)
			}
			w.prove()
		})
	}
}

// A key stands for one request: with another, or another call, it is refused and names
// what differs; used twice at once it has one effect.
func TestKeys(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		for i, s := range story() {
			w.before()
			var wait sync.WaitGroup
			errs := make([]error, 4)
			for n := range errs {
				wait.Go(func() { errs[n] = s(w) })
			}
			wait.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatalf("step %d, four times at once: %v", i+1, err)
			}
		}
		w.prove()
		for _, key := range w.keys() {
			_, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(t, "77", "USD")}, key)
			var mismatch *creditledger.IdempotencyMismatchError
			want := "op"
			if key == "gift" {
				want = "amount"
			}
			if !errors.As(err, &mismatch) || mismatch.Field != want {
				t.Errorf("key %q for something else: %v", key, err)
			}
		}
	})
}

// keys are those that were used.
func (w *world) keys() []creditledger.Key {
	var keys []creditledger.Key
	for _, rec := range w.records(kindKey) {
		_, key, _ := strings.Cut(rec.Key, separator)
		keys = append(keys, creditledger.Key(key))
	}
	return keys
}
