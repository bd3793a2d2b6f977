package creditledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// A customer is deleted once, and stays readable.
func TestDeleteCustomer(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := creditledger.New(memory.New(), &creditledger.Options{Clock: func() time.Time { return now }})
	name := "Ada"
	if _, err := l.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c", Name: &name}); err != nil {
		t.Fatal(err)
	}
	first, err := l.DeleteCustomer(ctx, "c")
	if err != nil || first.DeletedAt != creditledger.InstantOf(now) || first.Name != name {
		t.Fatalf("deleted: %+v, %v", first, err)
	}
	now = now.Add(time.Hour)
	again, err := l.DeleteCustomer(ctx, "c")
	if err != nil || again.DeletedAt != first.DeletedAt {
		t.Fatalf("deleted twice: %+v, %v", again, err)
	}
	stored, err := l.Customer(ctx, "c")
	if err != nil || stored.DeletedAt != first.DeletedAt {
		t.Fatalf("stored: %+v, %v", stored, err)
	}
}

func TestDeleteCustomerRefused(t *testing.T) {
	ctx := context.Background()
	l := creditledger.New(memory.New(), nil)
	if _, err := l.DeleteCustomer(ctx, "nobody"); !errors.Is(err, creditledger.ErrNotFound) {
		t.Errorf("unknown customer: %v", err)
	}
	if _, err := l.DeleteCustomer(ctx, ""); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("no id: %v", err)
	}
}

func TestIsISOCurrency(t *testing.T) {
	for code, want := range map[string]bool{"USD": true, "KWD": true, "usd": false, "credits": false, "": false, "DEM": false} {
		if creditledger.IsISOCurrency(code) != want {
			t.Errorf("%q: not %v", code, want)
		}
	}
}

// A deleted customer's accounts answer and refuse, those in memory and those not yet,
// and what was done before under a key is still answered.
func TestADeletedCustomerTakesNoOperations(t *testing.T) {
	ctx := context.Background()
	store := memory.New()
	l := creditledger.New(store, nil)
	on := creditledger.AccountID{Customer: "gone"}
	if _, err := l.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "gone"}); err != nil {
		t.Fatal(err)
	}
	grant := creditledger.Increment{Amount: creditledger.AmountOf(10)}
	pending := creditledger.Increment{Amount: creditledger.AmountOf(5), BlockID: "unpaid", RequirePayment: true}
	for key, op := range map[creditledger.Key]creditledger.Operation{"grant": grant, "pending": pending} {
		if _, err := l.Do(ctx, on, op, key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.DeleteCustomer(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*creditledger.Ledger{"in memory": l, "loaded": creditledger.New(store, nil)} {
		spend := creditledger.Decrement{Amount: creditledger.AmountOf(1)}
		if _, err := l.Do(ctx, on, spend, ""); !errors.Is(err, creditledger.ErrConstraint) {
			t.Errorf("%s: a decrement gives %v, want a constraint error", name, err)
		}
		if _, err := l.Preview(ctx, on, spend, ""); !errors.Is(err, creditledger.ErrConstraint) {
			t.Errorf("%s: a preview gives %v, want a constraint error", name, err)
		}
		if result, err := l.Do(ctx, on, grant, "grant"); err != nil || !result.Replayed {
			t.Errorf("%s: a replay gives %v, %v", name, result, err)
		}
		if b, err := l.Balance(ctx, on, creditledger.BalanceQuery{}); err != nil || b.Total.Cmp(creditledger.AmountOf(10)) != 0 {
			t.Errorf("%s: balance %v, %v", name, b.Total, err)
		}
	}
	land := creditledger.Activation{BlockID: "unpaid"}
	if _, err := l.Do(ctx, on, creditledger.Batch{land, creditledger.Decrement{Amount: creditledger.AmountOf(1)}}, ""); !errors.Is(err, creditledger.ErrConstraint) {
		t.Errorf("a batch that spends, too: %v", err)
	}
	if _, err := l.Preview(ctx, on, creditledger.Batch{land}, ""); err != nil {
		t.Errorf("a payment under way does not land in a batch: %v", err)
	}
	if _, err := l.Do(ctx, on, land, ""); err != nil {
		t.Errorf("a payment under way does not land: %v", err)
	}
}
