package creditledger_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"creditledger"
	"creditledger/store/memory"
)

func exampleTotals(ctx context.Context, ledger *creditledger.Ledger, customers ...string) {
	for _, customer := range customers {
		b, err := ledger.Balance(ctx, creditledger.AccountID{Customer: customer}, creditledger.BalanceQuery{})
		if err != nil {
			panic(err)
		}
		fmt.Println(customer, b.Total)
	}
}

// A pool: the member's own credits pay first, and the team's pay the rest, both or
// neither.
func ExampleLedger_DoAll() {
	ctx := context.Background()
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	credits := creditledger.MustAmount
	member, team := creditledger.AccountID{Customer: "ann"}, creditledger.AccountID{Customer: "team"}
	_, err := ledger.DoAll(ctx, []creditledger.AccountOperation{
		{Account: member, Operation: creditledger.Increment{Amount: credits("10")}},
		{Account: team, Operation: creditledger.Increment{Amount: credits("100")}},
	}, "given")
	if err != nil {
		panic(err)
	}

	price := credits("25")
	balance, err := ledger.Balance(ctx, member, creditledger.BalanceQuery{})
	if err != nil {
		panic(err)
	}
	own := balance.Available // less than the price here
	rest, err := price.Sub(own)
	if err != nil {
		panic(err)
	}
	_, err = ledger.DoAll(ctx, []creditledger.AccountOperation{
		{Account: member, Operation: creditledger.Decrement{Amount: own, Overdraft: creditledger.OverdraftReject}},
		{Account: team, Operation: creditledger.Decrement{Amount: rest, Overdraft: creditledger.OverdraftReject}},
	}, "job-1")
	if err != nil { // if the member has spent elsewhere meanwhile: look again
		panic(err)
	}
	exampleTotals(ctx, ledger, "ann", "team")
	// Output:
	// ann 0
	// team 85
}

// A spending cap is an account in a unit of its own: each charge counts against both, and
// what would pass the cap is refused whole.
func ExampleLedger_DoAll_cap() {
	ctx := context.Background()
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	credits := creditledger.MustAmount
	ann := creditledger.AccountID{Customer: "ann"}
	limit := creditledger.AccountID{Customer: "ann", Currency: "cap"}
	if _, err := ledger.Do(ctx, ann, creditledger.Increment{Amount: credits("100")}, ""); err != nil {
		panic(err)
	}
	if _, err := ledger.Do(ctx, limit, creditledger.Increment{Amount: credits("50")}, ""); err != nil {
		panic(err)
	}
	charge := func(price creditledger.Amount, key creditledger.Key) error {
		_, err := ledger.DoAll(ctx, []creditledger.AccountOperation{
			{Account: ann, Operation: creditledger.Decrement{Amount: price}},
			{Account: limit, Operation: creditledger.Decrement{Amount: price, Overdraft: creditledger.OverdraftReject}},
		}, key)
		return err
	}
	fmt.Println(charge(credits("40"), "job-1"))
	err := charge(credits("20"), "job-2")
	var refused *creditledger.ActError
	if errors.As(err, &refused) && refused.Account == limit {
		fmt.Println("the cap is reached")
	}
	exampleTotals(ctx, ledger, "ann")
	// Output:
	// <nil>
	// the cap is reached
	// ann 60
}

// A gift keeps its expiry and its price, and repays no debt of who gets it.
func ExampleLedger_Transfer() {
	ctx := context.Background()
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	credits := creditledger.MustAmount
	ann, bob := creditledger.AccountID{Customer: "ann"}, creditledger.AccountID{Customer: "bob"}
	if _, err := ledger.Do(ctx, ann, creditledger.Increment{Amount: credits("100"), CostBasis: creditledger.MustCostBasis("0.20")}, ""); err != nil {
		panic(err)
	}
	gift := creditledger.Transfer{From: ann, To: bob, Amount: credits("30"), Description: "happy birthday"}
	res, err := ledger.Transfer(ctx, gift, "gift-1")
	if err != nil {
		panic(err)
	}
	arrived := res.Results[1].Entries[0]
	fmt.Println(arrived.Amount, "at", arrived.Block.CostBasis)
	exampleTotals(ctx, ledger, "ann", "bob")
	// Output:
	// 30 at 0.20
	// ann 70
	// bob 30
}

// Two customers become one: all that is free goes to the other, with its terms. What holds
// keep, and what covers a debt, stays: capture, release and repay first.
func ExampleLedger_Transfer_merge() {
	ctx := context.Background()
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	kept := creditledger.AccountID{Customer: "ann"}
	former := []creditledger.AccountID{{Customer: "ann-2023"}, {Customer: "ann-2024"}}
	for _, old := range former {
		for _, block := range []string{"welcome", "bonus"} { // which both have
			must(ledger.Do(ctx, old, creditledger.Increment{Amount: creditledger.AmountOf(10), BlockID: block}, ""))
		}
	}
	for _, old := range former {
		for block, err := range ledger.AllBlocks(ctx, old, creditledger.BlocksQuery{}) {
			if err != nil {
				panic(err)
			}
			// A key for each block, so that a merge that was interrupted goes on where it stopped.
			// It belongs to both accounts, so it tells the account too; a digest is never too long.
			sum := sha256.Sum256([]byte(old.String() + "\n" + block.ID))
			key := creditledger.Key(fmt.Sprintf("merge-%x", sum))
			must(ledger.Transfer(ctx, creditledger.Transfer{From: old, To: kept, BlockID: block.ID}, key))
		}
	}
	exampleTotals(ctx, ledger, "ann-2023", "ann-2024", "ann")
	// Output:
	// ann-2023 0
	// ann-2024 0
	// ann 40
}
