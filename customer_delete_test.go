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
