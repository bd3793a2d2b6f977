package creditledger_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"creditledger"
)

// kept is a store whose documents of upper layers a test has changed by hand.
type kept struct {
	creditledger.Store
	records map[creditledger.DocumentID][]byte
}

func (s kept) Document(ctx context.Context, id creditledger.DocumentID) (creditledger.Document, error) {
	value, ok := s.records[id]
	if !ok {
		return creditledger.Document{}, &creditledger.NotFoundError{Kind: id.Kind, ID: id.Key}
	}
	return creditledger.Document{DocumentID: id, Version: 1, Value: value}, nil
}

func (s kept) Documents(_ context.Context, kind, _, after string, limit int) (list []creditledger.Document, err error) {
	for _, id := range slices.SortedFunc(maps.Keys(s.records), func(a, b creditledger.DocumentID) int { return strings.Compare(a.Key, b.Key) }) {
		if id.Kind == kind && id.Key > after && len(list) < limit {
			list = append(list, creditledger.Document{DocumentID: id, Version: 1, Value: s.records[id]})
		}
	}
	return list, nil
}

// TestVerifyAllProvesCustomers: customers stand under their ids, and external ids lead to
// those that have them.
func TestVerifyAllProvesCustomers(t *testing.T) {
	w := newWorld(t)
	clean := map[creditledger.DocumentID][]byte{}
	for i := range 200 { // more than a page
		id, external := fmt.Sprintf("c%03d", i), fmt.Sprintf("x%03d", 199-i)
		if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: id, ExternalID: &external}); err != nil {
			t.Fatal(err)
		}
		for _, r := range []creditledger.DocumentID{{Kind: "customer", Key: id}, {Kind: "customer_external", Key: external}} {
			rec, err := w.Document(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			clean[r] = rec.Value
		}
	}
	customer := func(key string) creditledger.DocumentID { return creditledger.DocumentID{Kind: "customer", Key: key} }
	external := func(key string) creditledger.DocumentID {
		return creditledger.DocumentID{Kind: "customer_external", Key: key}
	}
	for _, c := range []struct {
		name   string
		change func(map[creditledger.DocumentID][]byte)
		says   string
	}{
		{"as they are", func(map[creditledger.DocumentID][]byte) {}, ""},
		{"a customer deleted", func(m map[creditledger.DocumentID][]byte) { delete(m, customer("c150")) },
			`customer "c150": the external id "x049" leads to it, and is not its own`},
		{"a customer moved", func(m map[creditledger.DocumentID][]byte) {
			m[customer("d")] = m[customer("c150")]
			delete(m, customer("c150"))
		}, `customer "d": it says that it is "c150"`},
		{"a customer twice", func(m map[creditledger.DocumentID][]byte) { m[customer("d")] = m[customer("c150")] },
			`customer "d": it says that it is "c150"`},
		{"two customers swapped", func(m map[creditledger.DocumentID][]byte) {
			m[customer("c001")], m[customer("c002")] = m[customer("c002")], m[customer("c001")]
		}, `customer "c001": it says that it is "c002"`},
		{"a customer damaged", func(m map[creditledger.DocumentID][]byte) { m[customer("c001")] = []byte{1} }, `customer "c001": corrupt`},
		{"an external id deleted", func(m map[creditledger.DocumentID][]byte) { delete(m, external("x049")) },
			`customer "c150": its external id "x049" does not lead to it`},
		{"an external id moved", func(m map[creditledger.DocumentID][]byte) {
			m[external("y")] = m[external("x049")]
			delete(m, external("x049"))
		}, `customer "c150": its external id "x049" does not lead to it`},
		{"an external id twice", func(m map[creditledger.DocumentID][]byte) { m[external("y")] = m[external("x049")] },
			`customer "c150": the external id "y" leads to it, and is not its own`},
		{"two external ids swapped", func(m map[creditledger.DocumentID][]byte) {
			m[external("x198")], m[external("x197")] = m[external("x197")], m[external("x198")]
		}, `customer "c001": its external id "x198" does not lead to it`},
		{"an external id of nobody", func(m map[creditledger.DocumentID][]byte) { m[external("y")] = []byte("nobody") },
			`customer "nobody": the external id "y" leads to it`},
	} {
		changed := maps.Clone(clean)
		c.change(changed)
		l := creditledger.New(kept{w.store, changed}, nil)
		got, err := l.VerifyAll(ctx, nil)
		if err != nil || (got.Violation == nil) != (c.says == "") || got.Violation != nil && !strings.Contains(got.Violation.String(), c.says) {
			t.Errorf("%s: %v, %v; want %q", c.name, got.Violation, err, c.says)
		}
		l.Close()
	}
}

// TestVerifyAllMissesCustomers: a customer whom nothing refers to is missed, and one that is
// as it was before is noticed, whatever was changed of it. A count that is gone, as recovery
// leaves it, is no finding.
func TestVerifyAllMissesCustomers(t *testing.T) {
	w := newWorld(t)
	put := func(id, name string) {
		t.Helper()
		if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: id, Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
	all := func() map[creditledger.DocumentID][]byte {
		t.Helper()
		m := map[creditledger.DocumentID][]byte{}
		for _, kind := range []string{"customer", "customer_count"} {
			list, err := w.Documents(ctx, kind, "", "", creditledger.MaxPage)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				m[r.DocumentID] = r.Value
			}
		}
		return m
	}
	old := creditledger.Customer{ID: "uncounted", Timezone: "UTC"} // by a release before
	if err := w.ImportDocuments(ctx, []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "customer", Key: old.ID}, Value: creditledger.EncodeCustomer(old)}}); err != nil {
		t.Fatal(err)
	}
	for i := range 300 { // more than there are parts
		put(fmt.Sprint("c", i), "first")
	}
	before := all()
	for i := range 300 {
		put(fmt.Sprint("c", i), "second")
	}
	if _, err := w.DeleteCustomer(ctx, "c7"); err != nil {
		t.Fatal(err)
	}
	clean := all()
	verify := func(m map[creditledger.DocumentID][]byte) creditledger.Verification {
		t.Helper()
		l := creditledger.New(kept{w.store, m}, nil)
		defer l.Close()
		v, err := l.VerifyAll(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := verify(clean); v.Violation != nil {
		t.Fatal(v.Violation)
	}
	for id := range clean {
		gone := maps.Clone(clean)
		delete(gone, id)
		v := verify(gone)
		if counted := id.Kind == "customer" && id.Key != old.ID; (v.Violation == nil) == counted || v.Violation != nil && !strings.Contains(v.Violation.String(), "customers: those of part") {
			t.Errorf("%v is gone: %v", id, v.Violation)
		}
		older := maps.Clone(clean)
		if older[id] = before[id]; id.Key == old.ID {
			continue
		}
		if v := verify(older); v.Violation == nil || !strings.Contains(v.Violation.String(), "as it was before") {
			t.Errorf("%v is as it was before: %v", id, v.Violation)
		}
	}
}

// TestVerifyAllBesideNewCustomers: a customer who comes meanwhile is no damage.
func TestVerifyAllBesideNewCustomers(t *testing.T) {
	w := newWorld(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 2000 {
			external := fmt.Sprint("x", i*7919%2000)
			if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: fmt.Sprint("c", i), ExternalID: &external}); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		if got, err := w.VerifyAll(ctx, nil); err != nil || got.Violation != nil {
			t.Fatalf("%v, %v", got.Violation, err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
