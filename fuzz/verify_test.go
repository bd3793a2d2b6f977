package fuzz_test

import (
	"context"
	"testing"

	cl "creditledger"
	"creditledger/store/memory"
)

// TestVerifyBesideAWriter: a verification ends though the account is written to at every
// call of the store.
func TestVerifyBesideAWriter(t *testing.T) {
	ctx := context.Background()
	for _, all := range []bool{false, true} {
		inner := memory.New()
		on := cl.AccountID{Customer: "cus_1", Currency: "credits"}
		writer := cl.New(inner, nil)
		for range 300 {
			must(t, writer, on, cl.Increment{Amount: cl.AmountOf(1)})
		}
		m := &meter{inner: inner}
		m.hook = func(ctx context.Context, _ string, _ cl.AccountID) error {
			_, err := writer.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, "")
			return err
		}
		l := cl.New(m, nil)
		verify := func() (cl.Verification, error) { return l.Verify(ctx, on, nil) }
		if all {
			verify = func() (cl.Verification, error) { return l.VerifyAll(ctx, nil) }
		}
		v, err := verify()
		if err != nil || !v.OK || v.Entries < 300 || m.calls > 2000 {
			t.Errorf("all %v: %+v, %v, after %d calls of the store", all, v, err, m.calls)
		}
	}
}
