package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

func Example() {
	ctx := context.Background()
	store := memory.New() // or bolt.Open("credits.db", nil), to keep it
	ledger := creditledger.New(store, nil)

	acme := creditledger.AccountID{Customer: "acme"}
	grant := creditledger.Increment{
		Amount:    creditledger.MustAmount("100"),
		CostBasis: creditledger.MustCostBasis("0.20"),
	}
	if _, err := ledger.Do(ctx, acme, grant, "order-1001"); err != nil {
		log.Fatal(err)
	}
	spend := creditledger.Decrement{
		Amount:    creditledger.MustAmount("12.5"),
		ItemID:    "api",
		Overdraft: creditledger.OverdraftReject,
	}
	result, err := ledger.Do(ctx, acme, spend, "request-7")
	if err != nil {
		log.Fatal(err) // creditledger.ErrInsufficientCredits, say: nothing was written
	}
	fmt.Println(result.Entries[0].Starting, "→", result.Entries[0].Ending)

	if err := errors.Join(ledger.Close(), store.Close()); err != nil {
		log.Fatal(err)
	}
	// Output: 100 → 87.5
}

// acme is the account of the examples, and credits is short for MustAmount.
var (
	acme    = creditledger.AccountID{Customer: "acme"}
	credits = creditledger.MustAmount
)

// demo is a ledger whose clock shows what it is told to.
type demo struct {
	*creditledger.Ledger
	now time.Time
}

// newLedger opens a ledger in memory on a day, at midnight in UTC.
func newLedger(day string) *demo {
	d := &demo{}
	d.Ledger = creditledger.New(memory.New(), &creditledger.Options{Clock: func() time.Time { return d.now }})
	d.setDate(day)
	return d
}

func (d *demo) setDate(day string) {
	now, err := time.Parse(time.DateOnly, day)
	if err != nil {
		log.Fatal(err)
	}
	d.now = now
}

// do does an operation that is expected to succeed.
func (d *demo) do(op creditledger.Operation) *creditledger.Result {
	res, err := d.Do(context.Background(), acme, op, "")
	if err != nil {
		log.Fatal(err)
	}
	return res
}

func show(entries []creditledger.Entry) {
	for _, e := range entries {
		fmt.Printf("%s %s %s %s → %s\n", e.Type, e.Block.ID, e.Amount, e.Starting, e.Ending)
	}
}

func date(year int, month time.Month, day int) creditledger.When {
	return creditledger.On(creditledger.DateOf(year, month, day))
}

// Blocks are drawn in a fixed order: by priority, filtered before unfiltered, by
// expiry, by cost, by age.
func ExampleDecrement() {
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "paid", Amount: credits("100")})
	ledger.do(creditledger.Increment{BlockID: "january", Amount: credits("30"), ExpiresAt: date(2026, 2, 1)})

	res := ledger.do(creditledger.Decrement{Amount: credits("45"), ItemID: "api"})
	show(res.Entries)
	// Output:
	// decrement january 30 130 → 100
	// decrement paid 15 100 → 85
}

// A decrement may go below zero, be refused, or take what there is.
func ExampleOverdraft() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "paid", Amount: credits("10")})

	_, err := ledger.Do(ctx, acme, creditledger.Decrement{Amount: credits("12"), Overdraft: creditledger.OverdraftReject}, "")
	var short *creditledger.InsufficientCreditsError
	if errors.As(err, &short) {
		fmt.Println("asked", short.Requested, "available", short.Available)
	}
	res := ledger.do(creditledger.Decrement{Amount: credits("12"), Overdraft: creditledger.OverdraftStopAtZero})
	fmt.Println("not covered", res.Overage)

	show(ledger.do(creditledger.Decrement{Amount: credits("3")}).Entries)
	limited := creditledger.Decrement{Amount: credits("3"), OverdraftLimit: creditledger.OverdraftLimitOf(credits("5"))}
	_, err = ledger.Do(ctx, acme, limited, "")
	fmt.Println(err)
	// Output:
	// asked 12 available 10
	// not covered 2
	// decrement paid 3 0 → -3
	// decrement 3 on acme/credits: insufficient credits: requested 3, available 2
}

// Trial credits are gone from the instant of their expiry on, whether or not anything
// runs. The entry that says so is dated then, and written with the next operation.
func ExampleIncrement_trial() {
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "trial", Amount: credits("50"), ExpiresAt: date(2026, 1, 15), Description: "two weeks for free"})

	ledger.setDate("2026-01-15")
	balance, err := ledger.Balance(context.Background(), acme, creditledger.BalanceQuery{})
	fmt.Println(balance.Total, err)

	ledger.setDate("2026-01-20")
	ledger.do(creditledger.Increment{BlockID: "paid", Amount: credits("100")})
	page, err := ledger.Entries(context.Background(), acme, creditledger.EntriesQuery{Ascending: true})
	show(page.Entries)
	fmt.Println(page.Entries[1].CreatedAt, err)
	// Output:
	// 0 <nil>
	// increment trial 50 0 → 50
	// credit_block_expiry trial 50 50 → 0
	// increment paid 100 0 → 100
	// 2026-01-15T00:00:00Z <nil>
}

// A filter restricts what the credits of a block may pay for.
func ExampleFilter() {
	ledger := newLedger("2026-01-01")
	api := creditledger.Filter{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterIncludes, Values: []string{"api"}}
	ledger.do(creditledger.Increment{BlockID: "api only", Amount: credits("20"), Filters: []creditledger.Filter{api}})
	ledger.do(creditledger.Increment{BlockID: "any", Amount: credits("100")})

	show(ledger.do(creditledger.Decrement{Amount: credits("30"), ItemID: "api"}).Entries)
	show(ledger.do(creditledger.Decrement{Amount: credits("30"), ItemID: "storage"}).Entries)
	// Output:
	// decrement api only 20 120 → 100
	// decrement any 10 100 → 90
	// decrement any 30 90 → 60
}

// Unused credits can be given more time: they move to a new block.
func ExampleExpirationChange() {
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "2026", Amount: credits("80"), ExpiresAt: date(2027, 1, 1)})

	res := ledger.do(creditledger.ExpirationChange{BlockID: "2026", Amount: credits("10"), Target: date(2028, 1, 1), NewBlockID: "2027"})
	show(res.Entries)
	page, err := ledger.Blocks(context.Background(), acme, creditledger.BlocksQuery{})
	for _, b := range page.Blocks {
		fmt.Println(b.ID, b.Balance, "until", b.ExpiresAt)
	}
	fmt.Println(err)
	// Output:
	// expiration_change 2026 10 80 → 80
	// 2026 70 until 2027-01-01T00:00:00Z
	// 2027 10 until 2028-01-01T00:00:00Z
	// <nil>
}

// A refund takes back what is left, and says how much of what was asked for had been
// used already.
func ExampleVoid() {
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "pack", Amount: credits("100"), CostBasis: creditledger.MustCostBasis("0.20")})
	ledger.do(creditledger.Decrement{Amount: credits("40")})

	res := ledger.do(creditledger.Void{BlockID: "pack", Amount: credits("80"), Reason: creditledger.VoidRefund})
	show(res.Entries)
	fmt.Println("used already:", res.Consumed)
	// Output:
	// void_initiated pack 60 60 → 60
	// void pack 60 60 → 0
	// used already: 20
}

// Credits that a decrement took by mistake are given back to their block, up to what
// it was granted.
func ExampleAmendment() {
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "pack", Amount: credits("100")})
	ledger.do(creditledger.Decrement{Amount: credits("40")})

	show(ledger.do(creditledger.Amendment{BlockID: "pack", Amount: credits("15")}).Entries)
	// Output: amendment pack 15 60 → 75
}

// Credits that were sold on invoice count once the invoice is paid.
func ExampleActivation() {
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "pack", Amount: credits("100"), RequirePayment: true, InvoiceID: "inv_7"})
	before, err := ledger.Balance(context.Background(), acme, creditledger.BalanceQuery{})
	fmt.Println(before.Total, err)

	ledger.do(creditledger.Activation{BlockID: "pack"})
	after, err := ledger.Balance(context.Background(), acme, creditledger.BalanceQuery{})
	fmt.Println(after.Total, err)
	// Output:
	// 0 <nil>
	// 100 <nil>
}

// Several operations on one account happen together or not at all.
func ExampleBatch() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "old", Amount: credits("25")})

	swap := creditledger.Batch{
		creditledger.Void{BlockID: "old", Amount: credits("25")},
		creditledger.Increment{BlockID: "new", Amount: credits("30")},
	}
	res, err := ledger.Do(ctx, acme, swap, "swap-1")
	show(res.Entries)
	fmt.Println(err)

	_, err = ledger.Do(ctx, acme, creditledger.Batch{
		creditledger.Decrement{Amount: credits("30")},
		creditledger.Decrement{Amount: credits("1"), Overdraft: creditledger.OverdraftReject},
	}, "")
	fmt.Println(err)
	balance, err := ledger.Balance(ctx, acme, creditledger.BalanceQuery{})
	fmt.Println("still", balance.Total, err)
	// Output:
	// void_initiated old 25 25 → 25
	// void old 25 25 → 0
	// increment new 30 0 → 30
	// <nil>
	// batch of 2 operations on acme/credits: operation 2, decrement 1: insufficient credits: requested 1, available 0
	// still 30 <nil>
}

// The same key with the same operation happens once, however often it is sent.
func ExampleKey() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{Amount: credits("100")})

	spend := creditledger.Decrement{Amount: credits("20")}
	for range 3 {
		res, err := ledger.Do(ctx, acme, spend, "request-7")
		fmt.Println(res.Entries[0].Ending, res.Replayed, err)
	}
	_, err := ledger.Do(ctx, acme, creditledger.Decrement{Amount: credits("21")}, "request-7")
	fmt.Println(errors.Is(err, creditledger.ErrIdempotencyMismatch))
	// Output:
	// 80 false <nil>
	// 80 true <nil>
	// 80 true <nil>
	// true
}

// Many operations share a commit when none waits for the one before it.
func ExampleLedger_Submit() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	var pending []*creditledger.Pending
	for range 3 {
		p, err := ledger.Submit(ctx, acme, creditledger.Increment{Amount: credits("5")}, "")
		if err != nil {
			log.Fatal(err)
		}
		pending = append(pending, p)
	}
	for _, p := range pending {
		res, err := p.Wait(ctx) // durable from here on
		fmt.Println(res.Entries[0].Ending, err)
	}
	// Output:
	// 5 <nil>
	// 10 <nil>
	// 15 <nil>
}

// A preview tells what an operation would write, and writes nothing.
func ExampleLedger_Preview() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	ledger.do(creditledger.Increment{BlockID: "paid", Amount: credits("10")})

	res, err := ledger.Preview(ctx, acme, creditledger.Decrement{Amount: credits("4")}, "")
	show(res.Entries)
	fmt.Println(err)
	balance, err := ledger.Balance(ctx, acme, creditledger.BalanceQuery{})
	fmt.Println("still", balance.Total, err)
	// Output:
	// decrement paid 4 10 → 6
	// <nil>
	// still 10 <nil>
}

// The records of a layer above are stored together with an operation, or neither is.
func ExampleLedger_DoWith() {
	ctx := context.Background()
	ledger := newLedger("2026-01-01")
	receipt := creditledger.DocumentID{Kind: "receipt", Key: "r-1"}
	_, err := ledger.DoWith(ctx, acme, creditledger.Increment{Amount: credits("100")}, creditledger.DoOptions{Key: "order-1", Attach: func(res *creditledger.Result) ([]creditledger.DocumentPut, error) {
		text := fmt.Sprintf("entry %d, %s credits", res.Entries[0].Seq, res.Entries[0].Amount)
		return []creditledger.DocumentPut{{DocumentID: receipt, Value: []byte(text)}}, nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	record, err := ledger.Document(ctx, receipt)
	fmt.Println(string(record.Value), err)
	// Output: entry 1, 100 credits <nil>
}

// A streamed answer is paid while it is made: before each piece the credits for it are set
// aside, and captured after it together with the next piece being set aside.
func ExampleHold() {
	ctx := context.Background()
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	ann := creditledger.AccountID{Customer: "ann"}
	must(ledger.Do(ctx, ann, creditledger.Increment{Amount: creditledger.AmountOf(100)}, ""))

	must(ledger.Do(ctx, ann, creditledger.Hold{HoldID: "answer-1/1", Amount: creditledger.AmountOf(40)}, "answer-1/1"))
	for i, used := range []int64{35, 40, 12} {
		piece := fmt.Sprintf("answer-1/%d", i+1)
		batch := creditledger.Batch{creditledger.Capture{HoldID: piece, Amount: creditledger.AmountOf(used)}}
		if i < 2 {
			next := fmt.Sprintf("answer-1/%d", i+2)
			batch = append(batch, creditledger.Hold{HoldID: next, Amount: creditledger.AmountOf(40), Overdraft: creditledger.OverdraftStopAtZero})
		}
		result := must(ledger.Do(ctx, ann, batch, creditledger.Key(piece+"/used")))
		b := must(ledger.Balance(ctx, ann, creditledger.BalanceQuery{}))
		fmt.Printf("%s, %s of it are held\n", result.Entries[len(result.Entries)-1].Ending, b.Held)
	}
	// Output:
	// 65, 40 of it are held
	// 25, 25 of it are held
	// 13, 0 of it are held
}
