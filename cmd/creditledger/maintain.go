package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

func (a *app) sweepCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Write the expiry entries that are due, in every account",
		Long: `Write the expiry entries that are due, in every account.

Balances never need it: what has expired is left out whether or not it is written
down. A sweep makes the entries visible before an account's next operation would.`,
		Example: `  creditledger grant cus_1 100 --expires 2030-01-01
  creditledger sweep
  creditledger sweep --json`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			return a.withLedger(cmd.Context(), toChange, func(l *creditledger.Ledger) error {
				answer := opsfile.Execute(cmd.Context(), l, nil, opsfile.Request{Op: "sweep", Args: opsfile.Sweep{}})
				return a.show(&answer, func(out io.Writer) {
					if r := answer.Result.(creditledger.SweepResult); !a.quiet {
						fmt.Fprintf(out, "%s written in %s.\n", count(uint64(r.Entries), "entry", "entries"), count(uint64(r.Accounts), "account", "accounts"))
					}
				})
			})
		}),
	}
	a.dbFlag(cmd)
	return cmd
}

// count is a number with its noun.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
