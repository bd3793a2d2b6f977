package creditledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"creditledger"
)

// TestTheLedgersOwnKindsAreReserved: records that the ledger reads itself are not put by
// upper layers, alone or with an operation; those of another ledger are imported if they
// can be read.
func TestTheLedgersOwnKindsAreReserved(t *testing.T) {
	w := newWorld(t)
	ann := creditledger.EncodeCustomer(creditledger.Customer{ID: "cus_1", Timezone: "Asia/Tokyo"})
	put := func(kind, key string, value []byte) []creditledger.DocumentPut {
		return []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: kind, Key: key}, Value: value}}
	}
	for _, kind := range []string{"customer", "customer_external", "salvaged"} {
		if err := w.PutDocuments(ctx, put(kind, "cus_1", ann)); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%s: %v", kind, err)
		}
		_, err := w.DoWith(ctx, cus1, grant("", "1"), creditledger.DoOptions{Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) {
			return put(kind, "cus_1", ann), nil
		}})
		if !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%s with an operation: %v", kind, err)
		}
	}
	for what, bad := range map[string][]creditledger.DocumentPut{
		"no customer": put("customer", "cus_1", []byte("?")), "another customer": put("customer", "cus_2", ann), "nobody's external id": put("customer_external", "e", nil),
	} {
		if err := w.ImportDocuments(ctx, bad); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%s is imported: %v", what, err)
		}
	}
	w.given(grant("A", "1")) // nothing stands in the way
	if err := w.ImportDocuments(ctx, put("customer", "cus_1", ann)); err != nil {
		t.Error(err)
	}
	if c, err := w.Customer(ctx, "cus_1"); err != nil || c.Timezone != "Asia/Tokyo" {
		t.Errorf("%+v, %v", c, err)
	}
	if err := w.PutDocuments(ctx, put("customers", "cus_1", ann)); err != nil {
		t.Errorf("a kind like the ledger's: %v", err)
	}
}

// recordCalls are the calls that commit records by themselves.
var recordCalls = map[string]func(context.Context, *creditledger.Ledger) error{
	"PutCustomer": func(ctx context.Context, l *creditledger.Ledger) error {
		return errOf(l.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Name: text("Ann")}))
	},
	"DeleteCustomer": func(ctx context.Context, l *creditledger.Ledger) error { return errOf(l.DeleteCustomer(ctx, "cus_1")) },
	"ChangeSettings": func(ctx context.Context, l *creditledger.Ledger) error {
		return errOf(l.ChangeSettings(ctx, func(*creditledger.Settings) {}))
	},
	"PutDocuments": func(ctx context.Context, l *creditledger.Ledger) error {
		return l.PutDocuments(ctx, []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "kind", Key: "key"}}})
	},
	"ImportDocuments": func(ctx context.Context, l *creditledger.Ledger) error {
		return l.ImportDocuments(ctx, []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "kind", Key: "key"}}})
	},
}

// TestRecordsHonourTheirDeadline: whoever waits no longer is told at once, that nothing
// was written if the store says so, and else that nobody knows; what goes on then is over
// before the ledger is closed.
func TestRecordsHonourTheirDeadline(t *testing.T) {
	for name, call := range recordCalls {
		t.Run(name, func(t *testing.T) {
			store := newFaulty()
			w := newWorldOver(t, store)
			if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1"}); err != nil {
				t.Fatal(err)
			}
			soon := func() error {
				c, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
				defer cancel()
				ended := make(chan error, 1)
				go func() { ended <- call(c, w.Ledger) }()
				select {
				case err := <-ended:
					return err
				case <-time.After(time.Minute):
					t.Fatal("the deadline is ignored")
					return nil
				}
			}
			// A store that waits for something, and honours the context while it does.
			store.onCommit(func(c context.Context, _ []creditledger.Change, _ func() error) error {
				<-c.Done()
				return c.Err()
			})
			if err := soon(); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
				t.Errorf("nothing was written: %v", err)
			}
			// One that has begun to write.
			goOn := make(chan struct{})
			var written error
			store.onCommit(func(c context.Context, changes []creditledger.Change, _ func() error) error {
				<-goOn
				written = store.Store.Commit(context.WithoutCancel(c), changes)
				return written
			})
			if err := soon(); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, creditledger.ErrOutcomeUnknown) {
				t.Errorf("nobody knows: %v", err)
			}
			closed := make(chan error, 1)
			go func() { closed <- w.Close() }()
			select {
			case <-closed:
				t.Error("closed while a commit is under way")
			case <-time.After(10 * time.Millisecond):
			}
			close(goOn)
			if err := <-closed; err != nil {
				t.Error(err)
			}
			if written != nil {
				t.Errorf("the commit did not go on: %v", written)
			}
		})
	}
}

// TestADeletionThatLandsLate: a deletion whose caller gave up stops the operations that
// come after it all the same.
func TestADeletionThatLandsLate(t *testing.T) {
	store := newFaulty()
	w := newWorldOver(t, store)
	if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1"}); err != nil {
		t.Fatal(err)
	}
	goOn, done := make(chan struct{}), make(chan struct{})
	store.onCommit(func(c context.Context, changes []creditledger.Change, _ func() error) error {
		<-goOn
		defer close(done)
		return store.Store.Commit(context.WithoutCancel(c), changes)
	})
	c, cancel := context.WithCancel(ctx)
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := w.DeleteCustomer(c, "cus_1"); !errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	store.onCommit(nil)
	w.given(grant("A", "1")) // not deleted yet
	close(goOn)
	<-done
	for begun := time.Now(); ; time.Sleep(time.Millisecond) { // until it has landed
		_, err := w.Do(ctx, cus1, spend("0.001"), "")
		if errors.Is(err, creditledger.ErrConstraint) {
			return
		}
		if err != nil || time.Since(begun) > time.Minute {
			t.Fatalf("a deleted customer spends: %v", err)
		}
	}
}
