package creditledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"creditledger"
)

// eachHostile calls f with every hostile value in every field of a query.
func eachHostile[Q any](t *testing.T, base Q, f func(about string, q Q)) {
	t.Helper()
	kind := reflect.TypeFor[Q]()
	for i := range kind.NumField() {
		for _, value := range hostileField(t, kind.Field(i)) {
			v := reflect.New(kind).Elem()
			v.Set(reflect.ValueOf(base))
			v.Field(i).Set(reflect.ValueOf(value).Convert(kind.Field(i).Type))
			f(fmt.Sprintf("%s.%s = %s", kind.Name(), kind.Field(i).Name, shown(value)), v.Interface().(Q))
		}
	}
}

// TestHostileQueries: a query gives an answer or a refusal with a kind, within bounds
// of memory, and writes nothing.
func TestHostileQueries(t *testing.T) {
	w := hostileWorld(t)
	before := digestOf(t, w)
	check := func(about string, call func() error) {
		t.Helper()
		var m0, m1 runtime.MemStats
		runtime.ReadMemStats(&m0)
		err := call()
		runtime.ReadMemStats(&m1)
		if err != nil {
			checkTyped(t, about, err)
		}
		if n := m1.TotalAlloc - m0.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", about, n)
		}
	}
	eachHostile(t, creditledger.BalanceQuery{}, func(about string, q creditledger.BalanceQuery) {
		check(about, func() error { return errOf(w.Balance(ctx, cus1, q)) })
	})
	eachHostile(t, creditledger.BlocksQuery{}, func(about string, q creditledger.BlocksQuery) {
		check(about, func() error { return errOf(w.Blocks(ctx, cus1, q)) })
	})
	eachHostile(t, creditledger.EntriesQuery{}, func(about string, q creditledger.EntriesQuery) {
		check(about, func() error { return errOf(w.Entries(ctx, cus1, q)) })
	})
	for _, h := range hostileAmounts() {
		check("Explain "+shown(h.value), func() error {
			return errOf(w.Explain(ctx, cus1, h.value.(creditledger.Amount), creditledger.Charge{ItemID: "\x00"}))
		})
	}
	for _, s := range slices.Concat(longTexts, brokenTexts, oddTexts, []string{""}) {
		check("Block "+shown(s), func() error { return errOf(w.Block(ctx, cus1, s)) })
		check("Customer "+shown(s), func() error { return errOf(w.Customer(ctx, s)) })
		check("DeleteCustomer "+shown(s), func() error { return errOf(w.DeleteCustomer(ctx, s)) })
		check("Accounts after "+shown(s), func() error { return errOf(w.Accounts(ctx, creditledger.AccountID{Customer: s, Currency: s}, 1)) })
		check("Record "+shown(s), func() error { return errOf(w.Document(ctx, creditledger.DocumentID{Kind: s, Key: s})) })
		check("Records "+shown(s), func() error { return errOf(w.Documents(ctx, s, s, s, 1)) })
	}
	for _, n := range []int{-1, 0, creditledger.MaxPage + 1, math.MaxInt, math.MinInt} {
		for name, err := range map[string]error{
			"Accounts": errOf(w.Accounts(ctx, creditledger.AccountID{}, n)), "Journal": errOf(w.Journal(ctx, cus1, 1, n)), "Documents": errOf(w.Documents(ctx, "customer", "", "", n)),
		} {
			if !errors.Is(err, creditledger.ErrInvalid) {
				t.Errorf("%s up to %d: %v", name, n, err)
			}
		}
	}
	for _, from := range []uint64{0, 4, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		check(fmt.Sprint("Journal from ", from), func() error { return errOf(w.Journal(ctx, cus1, from, 1)) })
	}
	if digestOf(t, w) != before {
		t.Error("a query wrote something")
	}
}

// TestHostileCustomers: a customer is stored as given or refused with a kind.
func TestHostileCustomers(t *testing.T) {
	eachHostile(t, creditledger.CustomerUpdate{ID: "cus_9"}, func(about string, u creditledger.CustomerUpdate) {
		w := newWorld(t)
		before := digestOf(t, w)
		c, err := w.PutCustomer(ctx, u)
		if err != nil {
			checkTyped(t, about, err)
			if digestOf(t, w) != before {
				t.Errorf("%s: the refusal wrote something", about)
			}
			return
		}
		again, err := w.Customer(ctx, u.ID)
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%s: %+v is read as %+v, %v", about, c, again, err)
		}
		for _, f := range []struct {
			given *string
			kept  string
		}{{u.ExternalID, c.ExternalID}, {u.Name, c.Name}, {u.Email, c.Email}, {u.Timezone, c.Timezone}, {u.Currency, c.Currency}, {u.BillingAddress, c.BillingAddress}, {u.TaxID, c.TaxID}} {
			if f.given != nil && *f.given != f.kept {
				t.Errorf("%s: it was stored as %q", about, f.kept)
			}
		}
		for k, v := range u.Metadata {
			if v != nil && c.Metadata[k] != *v {
				t.Errorf("%s: %q is %q", about, k, c.Metadata[k])
			}
		}
	})
}

// TestHostileRecords: what upper layers bring is bounded too, and a record of the
// journal that is none, another's or out of place is not taken.
func TestHostileRecords(t *testing.T) {
	w := hostileWorld(t)
	records, err := w.Journal(ctx, cus1, 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	before := digestOf(t, w)
	id := creditledger.DocumentID{Kind: "kind", Key: "key"}
	for about, puts := range map[string][]creditledger.DocumentPut{
		"no kind":     {{DocumentID: creditledger.DocumentID{Key: "k"}}},
		"no key":      {{DocumentID: creditledger.DocumentID{Kind: "k"}}},
		"long kind":   {{DocumentID: creditledger.DocumentID{Kind: strings.Repeat("k", 65), Key: "k"}}},
		"long key":    {{DocumentID: creditledger.DocumentID{Kind: "k", Key: strings.Repeat("k", 1025)}}},
		"long value":  {{DocumentID: id, Value: make([]byte, 1<<20+1)}},
		"twice":       {{DocumentID: id}, {DocumentID: id}},
		"one of them": {{DocumentID: id}, {}},
	} {
		err := w.PutDocuments(ctx, puts)
		attach := func(*creditledger.Result) ([]creditledger.DocumentPut, error) { return puts, nil }
		_, with := w.DoWith(ctx, cus1, spend("1"), creditledger.DoOptions{Attach: attach})
		for _, err := range []error{err, with} {
			if !errors.Is(err, creditledger.ErrInvalid) {
				t.Errorf("%s: %v", about, err)
			} else {
				checkTyped(t, about, err)
			}
		}
	}
	first := records[0].Bytes
	for about, bad := range map[string]creditledger.JournalRecord{
		"nothing": {Seq: 1}, "zeros": {Seq: 1, Bytes: make([]byte, 200)}, "cut": {Seq: 1, Bytes: first[:len(first)-1]}, "longer": {Seq: 1, Bytes: append(bytes.Clone(first), 0)},
		"another place": {Seq: 2, Bytes: first}, "the last place": {Seq: math.MaxUint64, Bytes: first}, "no place": {Bytes: first}, "large": {Seq: 1, Bytes: bytes.Repeat([]byte{0xff}, 1e7)},
	} {
		err := w.Import(ctx, cus2, []creditledger.JournalRecord{bad})
		if err == nil || len(err.Error()) > 800 {
			t.Errorf("%s: %.900v", about, err)
		}
	}
	if err := w.Import(ctx, cus2, records); err == nil {
		t.Error("the journal of another account was taken")
	}
	if digestOf(t, w) != before {
		t.Error("a refusal wrote something")
	}
}
