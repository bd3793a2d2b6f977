package bench

import (
	"context"
	"fmt"
	"testing"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/invoice"
)

// BenchmarkPurchase sells credits on a file: one caller, and 64 callers at once, each to a
// customer of its own.
func BenchmarkPurchase(b *testing.B) {
	l := stores[1].ledger(b, nil)
	sales := invoice.New(l, nil)
	sale := invoice.Purchase{
		Increment: creditledger.Increment{Amount: creditledger.AmountOf(100), CostBasis: creditledger.MustCostBasis("0.20")},
		Terms:     invoice.Terms{AutoCollection: invoice.Yes(), NetTerms: invoice.Days(30)},
		Currency:  "USD",
	}
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("store=bolt/callers=%d", callers), func(b *testing.B) {
			measure.Together(b, callers, func(i int) error {
				own := sale
				own.Account = customer(i % callers)
				_, err := sales.Purchase(context.Background(), own, randomKey())
				return err
			})
		})
	}
}
