package transfer_test

import (
	"context"
	"fmt"
	"log"

	"creditledger"
	"creditledger/store/memory"
	"creditledger/store/transfer"
)

// A ledger moves to another store with all its history, and is the same there.
func ExampleCopy() {
	ctx := context.Background()
	from, to := memory.New(), memory.New() // or bolt.Open, or postgres.Open
	ledger := creditledger.New(from, nil)
	acme := creditledger.AccountID{Customer: "acme"}
	for _, amount := range []string{"100", "50"} {
		if _, err := ledger.Do(ctx, acme, creditledger.Increment{Amount: creditledger.MustAmount(amount)}, ""); err != nil {
			log.Fatal(err)
		}
	}
	if err := ledger.Close(); err != nil {
		log.Fatal(err)
	}

	report, err := transfer.Copy(ctx, from, to, nil)
	if err != nil {
		log.Fatal(err) // call Copy again: it goes on where it stopped
	}
	fmt.Println(report.Accounts, "account,", report.Journal, "journal records")

	moved := creditledger.New(to, nil)
	balance, err := moved.Balance(ctx, acme, creditledger.BalanceQuery{})
	fmt.Println(balance.Total, err)
	// Output:
	// 1 account, 2 journal records
	// 150 <nil>
}
