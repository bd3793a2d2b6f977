package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store/bolt"
)

func (a *app) sweepCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Write the expiry entries that are due, in every account",
		Long: `Write the expiry entries that are due, in every account.

Balances never need it: what has expired is left out whether or not it is written
down. A sweep makes the entries visible before an account's next operation would.`,
		Example: `  creditledger sweep
  creditledger sweep --db /var/lib/credits.db --json`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			return a.withLedger(toChange, func(l *creditledger.Ledger, _ *bolt.Store) error {
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

func (a *app) verifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [CUSTOMER]",
		Short: "Prove that a ledger is whole and adds up",
		Long: `Replay every entry of an account, or of all accounts, and prove that nothing was lost,
made up or altered. A violation ends with exit status 1.`,
		Example: `  creditledger verify
  creditledger verify cus_1 --currency USD`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.withLedger(toRead, func(l *creditledger.Ledger, _ *bolt.Store) error {
				answer := opsfile.Answer{Op: "verify"}
				bar := a.countBar("records replayed")
				opts := &creditledger.VerifyOptions{Progress: bar.count}
				if len(args) == 1 {
					answer.Result, answer.Err = l.Verify(cmd.Context(), a.account(args[0]), opts)
				} else if cmd.Flags().Changed("currency") {
					answer.Err = &flagError{"--currency", fmt.Errorf("it goes with a CUSTOMER")}
				} else {
					answer.Result, answer.Err = l.VerifyAll(cmd.Context(), opts)
				}
				bar.done()
				return a.showVerification(&answer)
			})
		}),
	}
	a.accountFlags(cmd)
	return cmd
}

func (a *app) showVerification(answer *opsfile.Answer) error {
	err := a.show(answer, func(out io.Writer) {
		v := answer.Result.(creditledger.Verification)
		if v.OK && !a.quiet {
			fmt.Fprintf(out, "Whole: %s, %s, %s.\n", count(v.Accounts, "account", "accounts"),
				count(v.Entries, "entry", "entries"), count(v.Blocks, "block", "blocks"))
		}
	})
	if err != nil {
		return err
	}
	if v := answer.Result.(creditledger.Verification); !v.OK {
		return &statusError{statusTrouble, fmt.Errorf("the ledger is not whole: %s; keep the file as it is and go back to a backup", v.Violation)}
	}
	return nil
}

// count is a number with its noun.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
