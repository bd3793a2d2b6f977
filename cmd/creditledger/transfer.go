package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

func (a *app) transferCommand() *cobra.Command {
	var w writeFlags
	var block string
	cmd := &cobra.Command{
		Use:   "transfer CUSTOMER TO [AMOUNT]",
		Short: "Move credits to another customer",
		Long: `Move free credits from CUSTOMER to another customer, TO. Both accounts change, or neither
does. The credits keep their expiry, price and filters, and repay no debt of TO. With
--block instead of AMOUNT, all free credits of that block move.`,
		Example: `  creditledger grant cus_1 100
  creditledger transfer cus_1 cus_2 30 --key gift-1 --description "happy birthday"`,
		Args: cobra.RangeArgs(2, 3),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			from := a.account(args[0])
			t := creditledger.Transfer{
				From: from, To: creditledger.AccountID{Customer: args[1], Currency: from.Currency}, BlockID: block, Description: w.description,
			}
			if (len(args) == 3) == (block != "") {
				return &flagError{"--block", errors.New("name an amount or a block, and not both")}
			}
			if len(args) == 3 {
				t.Amount = p.amount("AMOUNT", args[2])
			}
			var err error
			if t.Metadata, err = w.metadata(); err != nil || p.err != nil {
				return firstOf(err, p.err)
			}
			return a.transfer(cmd, t, creditledger.Key(w.key))
		}),
	}
	a.accountFlags(cmd)
	cmd.Flags().StringVar(&block, "block", "", "the `BLOCK` to send, an id, instead of an amount")
	w.addTold(cmd)
	return cmd
}

// transfer carries a transfer out, and prints what came of it on both accounts.
func (a *app) transfer(cmd *cobra.Command, t creditledger.Transfer, key creditledger.Key) error {
	return a.withLedger(cmd.Context(), toChange, func(l *creditledger.Ledger) error {
		answer := opsfile.Execute(cmd.Context(), l, nil, opsfile.Request{Op: "transfer", Key: key, Args: t})
		return a.show(&answer, func(out io.Writer) {
			if a.quiet {
				return
			}
			r := answer.Result.(*creditledger.Result)
			for i, on := range []creditledger.AccountID{t.From, t.To} {
				part := r.Results[i]
				part.Replayed = r.Replayed && i == 0
				a.writeResult(out, on, &part, false)
			}
		})
	})
}
