// Package invoice is the money side of a credit ledger: selling credits, billing
// usage against prepaid credits, payments, credit notes and customer balances. It
// sits above the ledger and never changes its rules; its records commit together with
// the ledger operations they belong to, both or neither.
//
//	ledger := creditledger.New(store, nil)
//	sales := invoice.New(ledger, &invoice.Options{NumberPrefix: "ACME-"})
//	answer, err := sales.Purchase(ctx, invoice.Purchase{
//		Account:        creditledger.AccountID{Customer: "cus_1"},
//		Increment:      creditledger.Increment{Amount: creditledger.MustAmount("100"), CostBasis: creditledger.MustCostBasis("0.20")},
//		Terms:          invoice.Terms{AutoCollection: invoice.Yes(), NetTerms: invoice.Days(30)},
//		Currency:       "USD",
//		RequirePayment: true,
//	}, "order-4711")
//
// docs/invoices.md explains the pipeline of a bill with a worked example.
//
// # Caveats
//
// Calls that write go one after the other within a Service: each is a commit of its own.
// Processes that share a store are safe with one another: they decide afresh when they
// meet.
//
// A key is remembered with the whole answer, as long as the records live.
package invoice
