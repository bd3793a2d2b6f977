package creditledger_test

import (
	"context"
	"fmt"
	"log"

	"creditledger"
)

// Explain tells which blocks would pay for a charge, and why the others would not.
func ExampleLedger_Explain() {
	ledger := newLedger("2026-01-01")
	storage := creditledger.Filter{Field: creditledger.FilterFieldItem, Values: []string{"storage"}}
	ledger.do(creditledger.Increment{BlockID: "storage", Amount: credits("50"), Filters: []creditledger.Filter{storage}})
	ledger.do(creditledger.Increment{BlockID: "january", Amount: credits("8"), ExpiresAt: date(2026, 2, 1)})
	ledger.do(creditledger.Increment{BlockID: "spring", Amount: credits("20"), EffectiveAt: date(2026, 3, 1)})
	ledger.do(creditledger.Increment{BlockID: "paid", Amount: credits("100")})

	e, err := ledger.Explain(context.Background(), acme, credits("10"), creditledger.Charge{ItemID: "api"})
	for _, b := range e.Blocks {
		fmt.Println(b.Block.ID, b.Reason, b.Use)
	}
	fmt.Println("not covered", e.Overage, err)
	// Output:
	// storage filtered 0
	// january used 8
	// spring not_effective 0
	// paid used 2
	// not covered 0 <nil>
}

// Entries come in pages, newest first. Nothing that is written meanwhile makes a page
// repeat or skip one.
func ExampleLedger_Entries() {
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "pack", Amount: credits("10")})
	for range 4 {
		ledger.do(creditledger.Decrement{Amount: credits("1")})
	}
	query := creditledger.EntriesQuery{Type: creditledger.EntryDecrement, Limit: 3}
	for {
		page, err := ledger.Entries(context.Background(), acme, query)
		if err != nil {
			log.Fatal(err)
		}
		show(page.Entries)
		if page.Next == "" {
			break
		}
		fmt.Println("next page")
		query.Cursor = page.Next
	}
	// Output:
	// decrement pack 1 7 → 6
	// decrement pack 1 8 → 7
	// decrement pack 1 9 → 8
	// next page
	// decrement pack 1 10 → 9
}

// A balance can be asked for now, for a charge, and as it was.
func ExampleLedger_Balance() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{Amount: credits("100")})
	api := creditledger.Filter{Field: creditledger.FilterFieldItem, Values: []string{"api"}}
	ledger.do(creditledger.Increment{Amount: credits("20"), Filters: []creditledger.Filter{api}})
	ledger.setDate("2026-01-10")
	ledger.do(creditledger.Decrement{Amount: credits("30")})

	now, err := ledger.Balance(ctx, acme, creditledger.BalanceQuery{})
	fmt.Println("total", now.Total, "available", now.Available, err)
	forAPI, err := ledger.Balance(ctx, acme, creditledger.BalanceQuery{Charge: creditledger.Charge{ItemID: "api"}})
	fmt.Println("available for api", forAPI.Available, err)
	fifth, err := creditledger.ParseInstant("2026-01-05T00:00:00Z")
	if err != nil {
		log.Fatal(err)
	}
	then, err := ledger.Balance(ctx, acme, creditledger.BalanceQuery{At: fifth})
	fmt.Println("on 5 January", then.Total, err)
	// Output:
	// total 90 available 70 <nil>
	// available for api 90 <nil>
	// on 5 January 120 <nil>
}

// A sweep writes down what has expired in every account, for reports that read the
// entries of accounts that nobody uses.
func ExampleLedger_Sweep() {
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{Amount: credits("50"), ExpiresAt: date(2026, 2, 1)})

	ledger.setDate("2026-02-02")
	swept, err := ledger.Sweep(context.Background())
	fmt.Println(swept.Accounts, "account,", swept.Entries, "entry", err)
	// Output: 1 account, 1 entry <nil>
}

// A bare date is a day where the customer lives.
func ExampleLedger_PutCustomer() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	zone := "America/Los_Angeles"
	if _, err := ledger.PutCustomer(ctx, creditledger.CustomerUpdate{ID: acme.Customer, Timezone: &zone}); err != nil {
		log.Fatal(err)
	}
	res := ledger.do(creditledger.Increment{Amount: credits("100"), ExpiresAt: date(2026, 12, 28)})
	fmt.Println(res.Entries[0].Block.ExpiresAt)
	// Output: 2026-12-28T08:00:00Z
}

// Verify proves that everything stored follows from the journal. A checkpoint that was
// kept elsewhere proves that nothing before it was rewritten.
func ExampleLedger_Verify() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{Amount: credits("100")})
	checkpoint, err := ledger.Checkpoint(ctx, acme)
	if err != nil {
		log.Fatal(err)
	}
	ledger.do(creditledger.Decrement{Amount: credits("40")})

	v, err := ledger.Verify(ctx, acme, &creditledger.VerifyOptions{Since: []creditledger.Checkpoint{checkpoint}})
	fmt.Println(v.Violation == nil, v.Records, "records", v.Entries, "entries", err)
	// Output: true 2 records 2 entries <nil>
}
