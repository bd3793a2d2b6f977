package fuzz_test

import (
	"context"
	"errors"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/faultstore"
	"creditledger/store/memory"
)

// The tests here show faults that the machines once found, each under the name of its rule.

// fixture is a ledger in memory whose clock the test moves.
func fixture(t *testing.T) (*cl.Ledger, *time.Time) {
	t.Helper()
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	l := cl.New(memory.New(), &cl.Options{Clock: func() time.Time { return now }})
	t.Cleanup(func() { l.Close() })
	return l, &now
}

// TestOrderOfRefusals_DuplicateBeforeState: an id in use is found before what the state
// forbids, such as an expiry that is not the block's.
func TestOrderOfRefusals_DuplicateBeforeState(t *testing.T) {
	l, now := fixture(t)
	ctx, on := context.Background(), cl.AccountID{Customer: "cus_1"}
	if _, err := l.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(1), BlockID: "b1"}, ""); err != nil {
		t.Fatal(err)
	}
	_, err := l.Do(ctx, on, cl.ExpirationChange{BlockID: "b1", ExpiresAt: cl.At(*now), Target: cl.Never(), NewBlockID: "b1"}, "")
	if !errors.Is(err, cl.ErrDuplicate) {
		t.Errorf("got %v, want b1 in use", err)
	}
}

// TestOrderOfRefusals_ExternalID: the external id of another customer is refused as in use,
// even where the customer has one already and could not change it.
func TestOrderOfRefusals_ExternalID(t *testing.T) {
	l, _ := fixture(t)
	ctx := context.Background()
	one, two := "ext_1", "ext_2"
	for _, u := range []cl.CustomerUpdate{{ID: "cus_1", ExternalID: &one}, {ID: "cus_2", ExternalID: &two}} {
		if _, err := l.PutCustomer(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.PutCustomer(ctx, cl.CustomerUpdate{ID: "cus_1", ExternalID: &two}); !errors.Is(err, cl.ErrDuplicate) {
		t.Errorf("got %v, want ext_2 in use", err)
	}
}

// TestVerify_TroubleIsNoViolation: if the store cannot be read, Verify returns an error and
// not a violation.
func TestVerify_TroubleIsNoViolation(t *testing.T) {
	faulty := faultstore.Wrap(memory.New())
	l := cl.New(faulty, nil)
	defer l.Close()
	ctx, on := context.Background(), cl.AccountID{Customer: "cus_1"}
	if _, err := l.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, ""); err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		faulty.Arm(faultstore.Fail, n, nil)
		v, err := l.Verify(ctx, on, nil)
		if faulty.Hit() == "" {
			break
		}
		if !errors.Is(err, faultstore.ErrInjected) || v.Violation != nil {
			t.Errorf("%s: got %v and the violation %v, want the error alone", faulty.Hit(), err, v.Violation)
		}
	}
}
