package invoice_test

import (
	"context"
	"fmt"
	"time"

	"creditledger"
	"creditledger/invoice"
	"creditledger/store/memory"
)

var ctx = context.Background()

// open makes a service whose clock stands at noon of a day in January 2026.
func open(now *time.Time) (*creditledger.Ledger, *invoice.Service) {
	*now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	ledger := creditledger.New(memory.New(), &creditledger.Options{Clock: func() time.Time { return *now }})
	return ledger, invoice.New(ledger, &invoice.Options{NumberPrefix: "ACME-"})
}

// Credits that are sold wait for the payment.
func ExampleService_Purchase() {
	var now time.Time
	ledger, sales := open(&now)
	account := creditledger.AccountID{Customer: "cus_1"}
	bought, err := sales.Purchase(ctx, invoice.Purchase{
		Account:        account,
		Increment:      creditledger.Increment{Amount: creditledger.MustAmount("100"), CostBasis: creditledger.MustCostBasis("0.20")},
		Terms:          invoice.Terms{AutoCollection: invoice.Yes(), NetTerms: invoice.Days(30)},
		Currency:       "USD",
		RequirePayment: true,
	}, "order-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	inv := bought.Invoice
	fmt.Println(inv.Number, inv.Status, inv.AmountDue, "due", inv.DueDate)

	if _, err = sales.StartPayment(ctx, inv.ID, invoice.Attempt{Provider: "cards", ProviderID: "ch_1", ChargeType: invoice.Checkout}, "pay-1"); err != nil {
		fmt.Println(err)
		return
	}
	paid, err := sales.PaymentSucceeded(ctx, inv.ID, "ch_1", "notice-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	balance, err := ledger.Balance(ctx, account, creditledger.BalanceQuery{})
	fmt.Println(paid.Invoice.Status, balance.Total, err)
	// Output:
	// ACME-000001 issued 20.00 USD due 2026-02-14T12:00:00Z
	// paid 100 <nil>
}

// Usage is paid by prepaid credits first; the rest is due.
func ExampleService_ClosePeriod() {
	var now time.Time
	ledger, sales := open(&now)
	account := creditledger.AccountID{Customer: "cus_1", Currency: "USD"}
	if _, err := ledger.Do(ctx, account, creditledger.Increment{Amount: creditledger.MustAmount("15")}, ""); err != nil {
		fmt.Println(err)
		return
	}
	now = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	closed, err := sales.ClosePeriod(ctx, invoice.Usage{
		Account: account,
		Start:   creditledger.On(creditledger.DateOf(2026, 1, 1)),
		End:     creditledger.On(creditledger.DateOf(2026, 2, 1)),
		Lines: []invoice.LineInput{
			{ItemID: "api", Quantity: creditledger.MustAmount("1000"), UnitPrice: creditledger.MustCostBasis("0.012")},
			{ItemID: "storage", Quantity: creditledger.MustAmount("80"), UnitPrice: creditledger.MustCostBasis("0.10")},
		},
		Terms: invoice.Terms{AutoCollection: invoice.Yes(), NetTerms: invoice.Days(0)},
	}, "2026-01")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range closed.Invoice.Lines {
		fmt.Println(l.ItemID, l.Subtotal, "credits", l.Credits, "net", l.Net)
	}
	fmt.Println("due", closed.Invoice.AmountDue)
	// Output:
	// api 12.00 USD credits 12.00 USD net 0.00 USD
	// storage 8.00 USD credits 3.00 USD net 5.00 USD
	// due 5.00 USD
}

// What is unspent of a purchase is voided for a refund; the rest is owed.
func ExampleService_Refund() {
	var now time.Time
	ledger, sales := open(&now)
	account := creditledger.AccountID{Customer: "cus_1"}
	bought, err := sales.Purchase(ctx, invoice.Purchase{
		Account:    account,
		Increment:  creditledger.Increment{Amount: creditledger.MustAmount("100"), CostBasis: creditledger.MustCostBasis("0.20")},
		Terms:      invoice.Terms{AutoCollection: invoice.No(), NetTerms: invoice.Days(0)},
		Currency:   "USD",
		MarkAsPaid: true,
	}, "order-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := ledger.Do(ctx, account, creditledger.Decrement{Amount: creditledger.MustAmount("40")}, ""); err != nil {
		fmt.Println(err)
		return
	}
	refund, err := sales.Refund(ctx, invoice.TakeBack{Invoice: bought.Invoice.ID, Credits: creditledger.MustAmount("100"), PaidBack: true}, "chargeback-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	note := refund.Invoice.CreditNotes[0]
	owed, err := sales.Balance(ctx, "cus_1", "USD")
	fmt.Println("credited", note.Amount, "spent", note.Spent, "customer balance", owed.Amount, err)
	// Output:
	// credited 20.00 USD spent 40 customer balance -8.00 USD <nil>
}

// Proving what is on the bills, as an auditor would.
func ExampleService_Verify() {
	var now time.Time
	_, sales := open(&now)
	_, err := sales.Purchase(ctx, invoice.Purchase{
		Account:   creditledger.AccountID{Customer: "cus_1"},
		Increment: creditledger.Increment{Amount: creditledger.MustAmount("100"), CostBasis: creditledger.MustCostBasis("0.20")},
		Terms:     invoice.Terms{AutoCollection: invoice.No(), NetTerms: invoice.Days(30)},
		Currency:  "USD",
	}, "order-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := sales.Verify(ctx, nil)
	fmt.Println("whole:", v.Violation == nil, "invoices:", v.Invoices, err)
	// Output:
	// whole: true invoices: 1 <nil>
}

// The unused half of a month.
func ExampleProrate() {
	price, err := invoice.ParseMoney("29.99", "USD")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := invoice.Prorate(price, creditledger.DateOf(2026, 4, 1), creditledger.DateOf(2026, 5, 1), creditledger.DateOf(2026, 4, 16))
	fmt.Println(p.Credit, p.DaysRemaining, "of", p.DaysTotal, "days,", p.Percent, "percent", err)
	// Output:
	// 15.00 USD 15 of 30 days, 50 percent <nil>
}
