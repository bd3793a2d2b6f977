package fuzz_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

// TestDeadlines ends contexts while calls wait for the store: for a connection, or for
// its answer. All public calls return soon after.
func TestDeadlines(t *testing.T) {
	run := results.Start(t, "deadlines of every call, while the store is busy")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	r := rand.New(rand.NewPCG(seed(t), 6))
	name := "Ann"
	on := cl.AccountID{Customer: "cus_1", Currency: "credits"}
	calls := map[string]func(context.Context, *cl.Ledger) error{
		"Do": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, "")
			return err
		},
		"Preview": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Preview(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, "")
			return err
		},
		"Submit": func(ctx context.Context, l *cl.Ledger) error {
			p, err := l.Submit(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, "")
			if err == nil {
				_, err = p.Wait(ctx)
			}
			return err
		},
		"PutDocuments": func(ctx context.Context, l *cl.Ledger) error {
			return l.PutDocuments(ctx, []cl.DocumentPut{{DocumentID: cl.DocumentID{Kind: "note", Key: "1"}, Value: []byte("x")}})
		},
		"Record": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Document(ctx, cl.DocumentID{Kind: "note", Key: "1"})
			return err
		},
		"Records": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Documents(ctx, "note", "", "", 10)
			return err
		},
		"PutCustomer": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.PutCustomer(ctx, cl.CustomerUpdate{ID: "cus_2", Name: &name})
			return err
		},
		"DeleteCustomer": func(ctx context.Context, l *cl.Ledger) error { _, err := l.DeleteCustomer(ctx, "cus_1"); return err },
		"Customer":       func(ctx context.Context, l *cl.Ledger) error { _, err := l.Customer(ctx, "cus_1"); return err },
		"Balance": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Balance(ctx, on, cl.BalanceQuery{})
			return err
		},
		"Blocks": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Blocks(ctx, on, cl.BlocksQuery{All: true})
			return err
		},
		"Block": func(ctx context.Context, l *cl.Ledger) error { _, err := l.Block(ctx, on, "none"); return err },
		"Entries": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Entries(ctx, on, cl.EntriesQuery{})
			return err
		},
		"Explain": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Explain(ctx, on, cl.AmountOf(1), cl.Charge{})
			return err
		},
		"Sweep":      func(ctx context.Context, l *cl.Ledger) error { _, err := l.Sweep(ctx); return err },
		"Verify":     func(ctx context.Context, l *cl.Ledger) error { _, err := l.Verify(ctx, on, nil); return err },
		"VerifyAll":  func(ctx context.Context, l *cl.Ledger) error { _, err := l.VerifyAll(ctx, nil); return err },
		"Checkpoint": func(ctx context.Context, l *cl.Ledger) error { _, err := l.Checkpoint(ctx, on); return err },
		"Accounts": func(ctx context.Context, l *cl.Ledger) error {
			_, err := l.Accounts(ctx, cl.AccountID{}, 10)
			return err
		},
		"Journal": func(ctx context.Context, l *cl.Ledger) error { _, err := l.Journal(ctx, on, 1, 10); return err },
	}
	for call, do := range calls {
		for _, shared := range []bool{false, true} {
			for range testsize.Of(1, 2, 20) {
				m := &meter{inner: memory.New()}
				l := cl.New(metered(m, shared), nil)
				must(t, l, on, cl.Increment{Amount: cl.AmountOf(1)})
				if _, err := l.PutCustomer(context.Background(), cl.CustomerUpdate{ID: "cus_1"}); err != nil {
					t.Fatal(err)
				}
				freed := make(chan struct{})
				m.hook = stuckAt(r.IntN(3), freed)
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(5000))*time.Microsecond)
				done := make(chan error, 1)
				go func() { done <- do(ctx, l) }()
				select {
				case err := <-done:
					if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, cl.ErrNotFound) {
						t.Errorf("%s (shared %v): %v", call, shared, err)
					}
				case <-time.After(time.Minute):
					t.Errorf("%s (shared %v) goes on after its deadline", call, shared)
				}
				close(freed)
				cancel()
				l.Close()
				run.Count("calls", 1)
			}
		}
	}
}

// stuckAt lets some calls of a store pass. All others wait until their contexts end.
func stuckAt(passes int, freed <-chan struct{}) func(context.Context, string, cl.AccountID) error {
	turns := make(chan struct{}, passes)
	for range passes {
		turns <- struct{}{}
	}
	return func(ctx context.Context, _ string, _ cl.AccountID) error {
		select {
		case <-turns:
			return nil
		default:
		}
		select {
		case <-freed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
