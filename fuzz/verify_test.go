package fuzz_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	cl "creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

// TestVerifyBesideAWriter: a verification ends although something is written to the account
// at every call of the store, and its result is that of one moment.
func TestVerifyBesideAWriter(t *testing.T) {
	t.Logf("seed: -seed=%d", seed(t))
	ctx := context.Background()
	for round := range testsize.Of(4, 6, 200) {
		r := rand.New(rand.NewPCG(seed(t), uint64(round)))
		inner, all := memory.New(), round%2 == 0
		on := cl.AccountID{Customer: "cus_1", Currency: "credits"}
		writer, before := cl.New(inner, nil), uint64(1+r.IntN(600))
		for range before {
			must(t, writer, on, cl.Increment{Amount: cl.AmountOf(1)})
		}
		m, most := &meter{inner: inner}, 2000
		m.hook = func(ctx context.Context, _ string, _ cl.AccountID) error {
			if most--; most < 0 {
				return errors.New("2,000 calls, and no end")
			}
			for range 1 + r.IntN(3) {
				if _, err := writer.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(1)}, ""); err != nil {
					return err
				}
			}
			return nil
		}
		l := cl.New(m, nil)
		verify := func() (cl.Verification, error) { return l.Verify(ctx, on, nil) }
		if all {
			verify = func() (cl.Verification, error) { return l.VerifyAll(ctx, nil) }
		}
		v, err := verify()
		if err != nil || v.Violation != nil || v.Entries < before || v.Entries != v.Records || v.Entries != v.Blocks {
			t.Errorf("seed %d, round %d, all %v: %+v, %v", seed(t), round, all, v, err)
		}
	}
}
