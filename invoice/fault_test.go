package invoice

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
	"creditledger/store/memory"
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
			w.now = february
			return w.ClosePeriod(w.ctx, u, "close")
		}),
		answer(func(w *world) (*Answer, error) { return w.Void(w.ctx, u.Terms.InvoiceID, "", "void 6") }),
	}
}

// tell runs the story; a step that fails is repeated once. It returns how many failed.
func tell(t *testing.T, w *world) (failed int) {
	t.Helper()
	failAt := w.store.failAt
	w.store.failAt = 0
	w.customer(nil)
	w.store.failAt, w.store.count = failAt, 0
	for i, s := range story() {
		w.tick()
		err := s(w)
		if err == nil {
			continue
		}
		failed++
		if !errors.Is(err, errDisk) || w.store.after != errors.Is(err, creditledger.ErrOutcomeUnknown) {
			t.Fatalf("step %d: %v", i+1, err)
		}
		if err := s(w); err != nil {
			t.Fatalf("step %d again: %v", i+1, err)
		}
	}
	return failed
}

// Whichever commit fails, before or after it was done: repeating the call with its
// key has exactly the effect it would have had.
func TestFaults(t *testing.T) {
	plain := newWorld(t, memory.New(), nil)
	if tell(t, plain) != 0 {
		t.Fatal("a step failed without a fault")
	}
	plain.prove()
	want, commits := plain.dump(), plain.store.count
	if commits != len(story()) {
		t.Errorf("%d commits for %d steps: every step is one", commits, len(story()))
	}
	for n := 1; n <= commits; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("commit %d, after %v", n, after), func(t *testing.T) {
				w := newWorld(t, memory.New(), nil)
				w.store.failAt, w.store.after = n, after
				if failed := tell(t, w); failed != 1 {
					t.Errorf("%d steps failed", failed)
				}
				if got := w.dump(); got != want {
					t.Errorf("the end differs:\n%s\nwant:\n%s", got, want)
				}
				w.prove()
			})
		}
	}
}

// The same on a file: what a fault leaves behind there is what memory has. A part of
// the commits each time, for a file takes its time.
func TestFaultsOnFile(t *testing.T) {
	plain := newWorld(t, memory.New(), nil)
	tell(t, plain)
	want := plain.dump()
	for n := 1; n <= plain.store.count; n += 3 {
		for _, after := range []bool{false, true} {
			s, err := bolt.Open(filepath.Join(t.TempDir(), "ledger"), nil)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, s, nil)
			w.store.failAt, w.store.after = n, after
			if failed := tell(t, w); failed != 1 {
				t.Errorf("commit %d: %d steps failed", n, failed)
			}
			if got := w.dump(); got != want {
				t.Errorf("commit %d, after %v: the end differs:\n%s\nwant:\n%s", n, after, got, want)
			}
		}
	}
}

// Told twice, with the same keys, everything is as it was; and after a restart.
func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	var want string
	for run := range 2 {
		s, err := bolt.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, ctx: context.Background(), store: &faulty{Store: s}, now: start}
		w.ledger = creditledger.New(w.store, &creditledger.Options{Clock: func() time.Time { return w.now }, Random: zeros{}})
		w.Service = New(w.ledger, nil)
		if run == 0 {
			tell(t, w)
			want = w.dump()
		} else {
			w.now = february.AddDate(0, 1, 0)
			if got := w.dump(); got != want {
				t.Errorf("after the restart:\n%s\nwant:\n%s", got, want)
			}
			for i, s := range story() {
				if err := s(w); err != nil {
					t.Errorf("step %d again: %v", i+1, err)
				}
			}
			if got := w.dump(); got != want {
				t.Errorf("told twice:\n%s\nwant:\n%s", got, want)
			}
		}
		w.prove()
		if err := errors.Join(w.ledger.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
