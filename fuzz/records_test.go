package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/testsize"
)

// TestRecordsOfEveryKind: whatever kinds an upper layer gives its documents, those of the
// ledger itself stay as they are, and the ledger works.
func TestRecordsOfEveryKind(t *testing.T) {
	t.Logf("seed: -seed=%d", seed(t))
	r := rand.New(rand.NewPCG(seed(t), 5))
	kinds := []string{"customer", "external", "external_id", "invoice", "key", "head", "block", "journal", "log", "meta", "due", "account", "customers", "customer_count", "a"}
	for _, b := range []fuzz.Backend{memoryBackend, boltBackend} {
		l := cl.New(openStore(t, b), nil)
		ctx := context.Background()
		for range testsize.Of(50, 100, 1000) {
			id := fmt.Sprint("cus_", r.IntN(5))
			kind := kinds[r.IntN(len(kinds))]
			if r.IntN(4) == 0 {
				kind = strings.Repeat(string(rune('a'+r.IntN(26))), 1+r.IntN(64))
			}
			was, err := l.Document(ctx, cl.DocumentID{Kind: kind, Key: id})
			if err != nil && !errors.Is(err, cl.ErrNotFound) {
				t.Fatal(err)
			}
			err = l.PutDocuments(ctx, []cl.DocumentPut{{DocumentID: cl.DocumentID{Kind: kind, Key: id}, Expect: was.Version, Prev: was.Seal(), Value: []byte{byte(r.IntN(256)), 1}}})
			if err != nil && !errors.Is(err, cl.ErrInvalid) {
				t.Fatalf("%s: a record of kind %q: %v", b.Name, kind, err)
			}
			name := fmt.Sprint("name-", r.IntN(100))
			if _, err := l.PutCustomer(ctx, cl.CustomerUpdate{ID: id, Name: &name, ExternalID: ptr("ext-" + id)}); err != nil {
				t.Fatalf("%s: customer %s, after a record of kind %q: %v", b.Name, id, kind, err)
			}
			if _, err := l.Do(ctx, cl.AccountID{Customer: id}, cl.Increment{Amount: cl.AmountOf(1), ExpiresAt: cl.On(cl.DateOf(2090, 1, 1))}, ""); err != nil {
				t.Fatalf("%s: %s, after a record of kind %q: %v", b.Name, id, kind, err)
			}
		}
		if v, err := l.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
			t.Errorf("%s: %v, %v", b.Name, v.Violation, err)
		}
		l.Close()
	}
}

func ptr[T any](v T) *T { return &v }
