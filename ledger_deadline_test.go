package creditledger_test

import (
	"context"
	"creditledger/store/memory"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"
	"time"

	"creditledger"
)

// waiters are all methods of a ledger that take a context, on cus_1 where they take an
// account.
var waiters = map[string]func(context.Context, *creditledger.Ledger) error{
	"Do": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Do(c, cus1, grant("", "1"), "do"))
	},
	"DoWith": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.DoWith(c, cus1, grant("", "1"), creditledger.DoOptions{Key: "with"}))
	},
	"DoAll": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.DoAll(c, on(cus1, grant("", "1"), cus2, grant("", "1")), "all"))
	},
	"DoAllWith": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.DoAllWith(c, on(cus1, grant("", "1"), cus2, grant("", "1")), creditledger.DoOptions{Key: "all with"}))
	},
	"Moves": func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Moves(c, cus1, "A")) },
	"Transfer": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Transfer(c, creditledger.Transfer{From: cus1, To: cus2, Amount: amount("1")}, "transfer"))
	},
	"Submit": func(c context.Context, l *creditledger.Ledger) error {
		return waitFor(c)(l.Submit(c, cus1, grant("", "1"), "submit"))
	},
	"Preview": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Preview(c, cus1, grant("", "1"), ""))
	},
	"Balance": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Balance(c, cus1, creditledger.BalanceQuery{}))
	},
	"Block": func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Block(c, cus1, "A")) },
	"Blocks": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Blocks(c, cus1, creditledger.BlocksQuery{}))
	},
	"Entries": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Entries(c, cus1, creditledger.EntriesQuery{}))
	},
	"AllEntries": func(c context.Context, l *creditledger.Ledger) error {
		return lastOf(l.AllEntries(c, cus1, creditledger.EntriesQuery{}))
	},
	"AllBlocks": func(c context.Context, l *creditledger.Ledger) error {
		return lastOf(l.AllBlocks(c, cus1, creditledger.BlocksQuery{}))
	},
	"AllAccounts": func(c context.Context, l *creditledger.Ledger) error {
		return lastOf(l.AllAccounts(c, creditledger.AccountID{}))
	},
	"AllCustomers": func(c context.Context, l *creditledger.Ledger) error { return lastOf(l.AllCustomers(c, "")) },
	"AllDocuments": func(c context.Context, l *creditledger.Ledger) error { return lastOf(l.AllDocuments(c, "x", "", "")) },
	"Customers":    func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Customers(c, "", 10)) },
	"CustomerByExternalID": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.CustomerByExternalID(c, "x"))
	},
	"Drawn": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Drawn(c, cus1, creditledger.Reverse{Charge: "k"}))
	},
	"AccountsOfBlock": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.AccountsOfBlock(c, "A", creditledger.AccountID{}, 10))
	},
	"Schedules": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Schedules(c, cus1))
	},
	"Holds": func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Holds(c, cus1)) },
	"Hold": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Hold(c, cus1, "none"))
	},
	"Explain": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Explain(c, cus1, amount("1"), creditledger.Charge{}))
	},
	"Accounts": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Accounts(c, creditledger.AccountID{}, 10))
	},
	"Erase": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Erase(c, "cus_1", creditledger.Erasure{}))
	},
	"NoteLoss":      func(c context.Context, l *creditledger.Ledger) error { return errOf(l.NoteLoss(c, cus1)) },
	"SweepAccount":  func(c context.Context, l *creditledger.Ledger) error { return errOf(l.SweepAccount(c, cus1)) },
	"SweepCustomer": func(c context.Context, l *creditledger.Ledger) error { return errOf(l.SweepCustomer(c, "cus_1")) },
	"Sweep":         func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Sweep(c)) },
	"Journal":       func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Journal(c, cus1, 1, 10)) },
	"Checkpoint":    func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Checkpoint(c, cus1)) },
	"Verify":        func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Verify(c, cus1, nil)) },
	"VerifyAll":     func(c context.Context, l *creditledger.Ledger) error { return errOf(l.VerifyAll(c, nil)) },
	"Import": func(c context.Context, l *creditledger.Ledger) error {
		return l.Import(c, cus1, []creditledger.JournalRecord{{Seq: 99, Bytes: []byte("x")}})
	},
	"ImportAnew": func(c context.Context, l *creditledger.Ledger) error {
		return l.ImportAnew(c, cus1, []creditledger.JournalRecord{{Seq: 99, Bytes: []byte("x")}})
	},
	"PutCustomer": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.PutCustomer(c, creditledger.CustomerUpdate{ID: "cus_1", Metadata: map[string]*string{"a": nil}}))
	},
	"DeleteCustomer": func(c context.Context, l *creditledger.Ledger) error { return errOf(l.DeleteCustomer(c, "cus_1")) },
	"Customer":       func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Customer(c, "cus_1")) },
	"ImportDocuments": func(c context.Context, l *creditledger.Ledger) error {
		return l.ImportDocuments(c, []creditledger.DocumentPut{put("brought", 0, "1")})
	},
	"PutDocuments": func(c context.Context, l *creditledger.Ledger) error {
		return l.PutDocuments(c, []creditledger.DocumentPut{put("late", 0, "1")})
	},
	"Document": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.Document(c, creditledger.DocumentID{Kind: "x", Key: "x"}))
	},
	"Settings": func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Settings(c)) },
	"ReplaceSettings": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.ReplaceSettings(c, creditledger.Settings{}))
	},
	"ChangeSettings": func(c context.Context, l *creditledger.Ledger) error {
		return errOf(l.ChangeSettings(c, func(*creditledger.Settings) {}))
	},
	"Documents": func(c context.Context, l *creditledger.Ledger) error { return errOf(l.Documents(c, "x", "", "", 10)) },
}

// lastOf goes through a list and returns the error that ended it.
func lastOf[T any](list iter.Seq2[T, error]) (err error) {
	for _, err = range list {
	}
	return err
}

// waitFor waits for what was submitted.
func waitFor(c context.Context) func(*creditledger.Pending, error) error {
	return func(p *creditledger.Pending, err error) error {
		if err != nil {
			return err
		}
		return errOf(p.Wait(c))
	}
}

// obstacles are what a call may have to wait for. Each is put in the way and returns what
// takes it out.
var obstacles = map[string]func(t *testing.T, w *world, s *faulty) func(){
	"an account that another call holds": func(t *testing.T, w *world, s *faulty) func() {
		held, hold := make(chan bool, 1), make(chan bool)
		s.onRead(func(c context.Context, what string, id creditledger.AccountID) error {
			if what == "load" && id == cus1 && c.Done() == nil {
				held <- true
				<-hold
			}
			return nil
		})
		w.reopen()
		done := w.async(ctx, cus1, spend("1"), "")
		received(t, held)
		return func() { close(hold); received(t, done) }
	},
	"a flight in the air": func(t *testing.T, w *world, s *faulty) func() {
		arrived, open := make(chan bool, 100), make(chan bool)
		s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
			arrived <- true
			<-open
			return next()
		})
		done := w.async(ctx, cus1, spend("1"), "")
		received(t, arrived)
		return func() { close(open); received(t, done) }
	},
	"a store that does not answer": func(t *testing.T, w *world, s *faulty) func() {
		w.reopen()
		s.onRead(func(c context.Context, _ string, _ creditledger.AccountID) error {
			<-c.Done()
			return c.Err()
		})
		return func() { s.onRead(nil) }
	},
	"a store that does not finish a commit": func(t *testing.T, w *world, s *faulty) func() {
		open := make(chan bool)
		s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
			<-open
			return next()
		})
		return func() { s.onCommit(nil); close(open) }
	},
	"a store that waits for a connection": func(t *testing.T, w *world, s *faulty) func() {
		s.onCommit(func(c context.Context, _ []creditledger.Change, next func() error) error {
			if c.Done() == nil {
				return next()
			}
			<-c.Done()
			return c.Err()
		})
		return func() { s.onCommit(nil) }
	},
}

// TestCallsEndWithTheirContext: every method, whatever it has to wait for, returns once
// its context ends, says so, and is not done later if it said that nothing was written.
// The bound on time is only there to tell waiting from not waiting.
func TestCallsEndWithTheirContext(t *testing.T) {
	for m := range reflect.TypeFor[*creditledger.Ledger]().Methods() {
		if takes := m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context](); takes != (waiters[m.Name] != nil) {
			t.Errorf("%s takes a context: %t, and is tried: %t", m.Name, takes, !takes)
		}
	}
	for obstacle, put := range obstacles {
		for method, call := range waiters {
			t.Run(fmt.Sprintf("%s, %s", method, obstacle), func(t *testing.T) {
				t.Parallel()
				s := newFaulty()
				w := newWorldOver(t, s)
				if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1"}); err != nil {
					t.Fatal(err)
				}
				w.given(grant("A", "100"), grant("B", "1", expires("2026-01-02")))
				w.at("2026-01-03")
				remove := put(t, w, s)
				c, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
				defer cancel()
				ended := make(chan error, 1)
				go func() { ended <- call(c, w.Ledger) }()
				err := received(t, ended)
				if err != nil && c.Err() != nil && !errors.Is(err, context.DeadlineExceeded) && !slices.Contains([]string{"Import", "Document"}, method) {
					t.Errorf("ended with %v", err)
				}
				unknown := errors.Is(err, creditledger.ErrOutcomeUnknown)
				remove()
				if err := w.Close(); err != nil { // what goes on ends here
					t.Error(err)
				}
				w.reopen()
				if n := countOf(w, method); err != nil && !unknown && n != 0 {
					t.Errorf("said %v, and it was done", err)
				}
			})
		}
	}
}

// countOf is how much of what a method was to write is there.
func countOf(w *world, method string) int {
	n := 0
	switch method {
	case "Do", "DoWith", "Submit":
		for _, e := range w.entries(creditledger.EntriesQuery{}) {
			if e.IdempotencyKey == map[string]creditledger.Key{"Do": "do", "DoWith": "with", "Submit": "submit"}[method] {
				n++
			}
		}
	case "PutDocuments":
		if _, err := w.Document(ctx, put("late", 0, "").DocumentID); err == nil {
			n++
		}
	case "DeleteCustomer":
		if c, err := w.Customer(ctx, "cus_1"); err == nil && c.DeletedAt != 0 {
			n++
		}
	}
	return n
}

// gated is a store whose commits wait to be let through.
type gated struct {
	creditledger.Store
	begun, open chan struct{}
}

func (g gated) Commit(ctx context.Context, changes []creditledger.Change) error {
	select {
	case g.begun <- struct{}{}:
	default:
	}
	<-g.open
	return g.Store.Commit(ctx, changes)
}

// TestNothingBeginsUnderAContextThatIsOver: not even while a commit of the account is
// under way, when the store is not asked.
func TestNothingBeginsUnderAContextThatIsOver(t *testing.T) {
	g := gated{memory.New(), make(chan struct{}, 1), make(chan struct{})}
	w := newWorldOver(t, g)
	first, err := w.Submit(ctx, cus1, grant("A", "1"), "")
	if err != nil {
		t.Fatal(err)
	}
	<-g.begun
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err = w.Do(over, cus1, grant("", "1"), "")
	if !errors.Is(err, context.Canceled) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("Do: %v", err)
	}
	if _, err := w.Submit(over, cus1, grant("", "1"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Submit: %v", err)
	}
	close(g.open)
	if _, err := first.Wait(ctx); err != nil {
		t.Error(err)
	}
	if got := w.held(); got != "A 1" {
		t.Errorf("there are %s", got)
	}
}
