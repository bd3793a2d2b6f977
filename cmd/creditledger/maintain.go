package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

func (a *app) sweepCommand() *cobra.Command {
	var currency string
	cmd := &cobra.Command{
		Use:   "sweep [CUSTOMER]",
		Short: "Write the expiry entries that are due",
		Long: `Write the expiry entries that are due: in every account, in all accounts of a customer,
or with --currency in one of them.

Balances never need it: they leave out what has expired, whether its entry is written or
not. A sweep makes the entries visible before an account's next operation would. It also
voids the invoices of purchases that ended unpaid, as of when they ended; with --currency
it does not.`,
		Example: `  creditledger grant cus_1 100 --expires 2030-01-01
  creditledger sweep
  creditledger sweep cus_1
  creditledger sweep --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var r opsfile.Request
			switch {
			case currency != "" && len(args) == 0:
				return &flagError{"--currency", errors.New("it goes with a CUSTOMER")}
			case currency != "":
				r = opsfile.Request{Op: "sweep", Account: creditledger.AccountID{Customer: args[0], Currency: currency}, Args: opsfile.Sweep{}}
			default:
				r = opsfile.Request{Op: "sweep", Args: opsfile.Sweep{Customer: strings.Join(args, "")}}
			}
			return a.withLedger(cmd.Context(), toChange, func(l *creditledger.Ledger) error {
				answer := opsfile.Execute(cmd.Context(), l, nil, r)
				return a.show(&answer, func(out io.Writer) {
					r := answer.Result.(opsfile.Swept)
					if a.quiet {
						return
					}
					fmt.Fprintf(out, "%s written in %s.\n", count(uint64(r.Entries), "entry", "entries"), count(uint64(r.Accounts), "account", "accounts"))
					if r.PurchasesEnded > 0 {
						fmt.Fprintf(out, "%s ended unpaid.\n", count(uint64(r.PurchasesEnded), "purchase", "purchases"))
					}
				})
			})
		}),
	}
	a.dbFlag(cmd)
	cmd.Flags().StringVar(&currency, "currency", "", "only the customer's account in this `CURRENCY`")
	return cmd
}

// count is a number with its noun.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
