package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"creditledger"
)

// Usage of January is reported in February: the credits of January pay, though they have
// expired since.
func ExampleDecrement_late() {
	ctx, ledger := context.Background(), newLedger("2026-01-01")
	ledger.do(creditledger.Increment{Amount: credits("100"), BlockID: "january", ExpiresAt: creditledger.On(creditledger.DateOf(2026, 2, 1))})

	ledger.setDate("2026-02-01")
	used, err := creditledger.ParseInstant("2026-01-31T23:59:59.999999Z")
	if err != nil {
		log.Fatal(err)
	}
	result, err := ledger.Do(ctx, acme, creditledger.Decrement{Amount: credits("80"), UsageAt: used}, "usage-2026-01")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range result.Entries {
		fmt.Println(e.Type, e.Amount, "of", e.Block.ID, e.Starting, "→", e.Ending)
	}
	// Output:
	// amendment 80 of january 0 → 0
	// decrement 80 of january 0 → 0
}

// A refund needs nothing but the key that the charge was made under, and a key of its own.
func ExampleReverse() {
	ctx, ledger := context.Background(), newLedger("2026-01-01")
	ledger.do(creditledger.Increment{Amount: credits("30"), BlockID: "promo", ExpiresAt: creditledger.On(creditledger.DateOf(2026, 6, 1))})
	ledger.do(creditledger.Increment{Amount: credits("100"), BlockID: "bought"})
	if _, err := ledger.Do(ctx, acme, creditledger.Decrement{Amount: credits("50")}, "order-7"); err != nil {
		log.Fatal(err)
	}

	refund := creditledger.Reverse{Charge: "order-7", Amount: credits("35")}
	result, err := ledger.Do(ctx, acme, refund, "refund-7")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range result.Entries {
		fmt.Println(e.Type, e.Amount, "of", e.Block.ID, "for entry", e.Reverses)
	}

	_, err = ledger.Do(ctx, acme, creditledger.Reverse{Charge: "order-7", Amount: credits("20")}, "refund-8")
	var less *creditledger.ReversalError
	if errors.As(err, &less) {
		fmt.Println("left:", less.Left)
	}
	// Output:
	// amendment 20 of bought for entry 4
	// amendment 15 of promo for entry 3
	// left: 15
}
