package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"creditledger"
)

// preparingStore is a lockingStore that answers several questions at once.
type preparingStore struct {
	*lockingStore
	asked [][]creditledger.DocumentID
	fail  error
	fewer bool // than asked for
}

func (s *preparingStore) Prepare(ctx context.Context, id creditledger.AccountID, _ creditledger.Key, documents ...creditledger.DocumentID) ([]creditledger.Document, error) {
	s.hear("prepare", true)
	s.asked = append(s.asked, documents)
	if s.fail != nil {
		return nil, s.fail
	}
	var found []creditledger.Document
	for _, d := range documents {
		doc, err := s.Store.Document(ctx, d)
		if errors.Is(err, creditledger.ErrNotFound) {
			doc, err = creditledger.Document{DocumentID: d}, nil
		}
		if err != nil {
			return nil, err
		}
		found = append(found, doc)
	}
	if s.fewer {
		found = found[1:]
	}
	return found, nil
}

// TestAPreparingStoreIsAskedOnce: what an operation asks is asked on one trip: the customer,
// and the settings where what is known of them is too old.
func TestAPreparingStoreIsAskedOnce(t *testing.T) {
	s := &preparingStore{lockingStore: newLocking()}
	w := newWorldOver(t, s)
	zone := "Asia/Tokyo"
	if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Timezone: &zone}); err != nil {
		t.Fatal(err)
	}
	op := grant("A", "10")
	op.ExpiresAt = creditledger.On(creditledger.DateOf(2026, 2, 1))
	s.asked = nil
	res := w.must(op, "k")
	if got, want := fmt.Sprint(res.Entries[0].Block.ExpiresAt), "2026-01-31T15:00:00Z"; got != want {
		t.Errorf("the date of a customer in Tokyo is %s, want %s", got, want)
	}
	if len(s.asked) != 1 || len(s.asked[0]) == 0 || s.asked[0][0].Key != "cus_1" {
		t.Errorf("asked %v", s.asked)
	}
	w.must(spend("1"), "")

	s.fail = errors.New("out of reach")
	if _, err := w.Do(ctx, cus1, spend("1"), ""); !errors.Is(err, s.fail) {
		t.Errorf("the store does not answer: %v", err)
	}
	s.fail, s.fewer = nil, true
	if _, err := w.Do(ctx, cus1, spend("1"), ""); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("the store answers less than was asked: %v", err)
	}
	s.fewer = false
	w.must(spend("1"), "")
	if got := w.total(); got != "8" {
		t.Errorf("the balance is %s", got)
	}
	w.verified()
}

// TestAPreparingStoreTellsOfSettings: settings that another ledger changed are heard on the
// same trip, once what is known of them is too old.
func TestAPreparingStoreTellsOfSettings(t *testing.T) {
	s := &preparingStore{lockingStore: newLocking()}
	w, elsewhere := newWorldOver(t, s), newWorldOver(t, s.Store)
	w.given(grant("A", "10"))
	if _, err := elsewhere.ChangeSettings(ctx, func(set *creditledger.Settings) { set.Overdraft = creditledger.OverdraftReject }); err != nil {
		t.Fatal(err)
	}
	creditledger.AgeSettings(w.Ledger)
	s.asked = nil
	w.refused(spend("11"), "", creditledger.ErrInsufficientCredits)
	if len(s.asked) != 1 || len(s.asked[0]) != 3 {
		t.Errorf("asked %v, want the customer and the settings on one trip", s.asked)
	}
	w.must(spend("10"), "")
	w.verified()
}
