package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"creditledger"
)

func (a *app) reverseCommand() *cobra.Command {
	var w writeFlags
	var amount string
	var entry uint64
	cmd := &cobra.Command{
		Use:   "reverse CUSTOMER [CHARGE]",
		Short: "Take a charge back, in whole or in part",
		Long: `Take back what a charge drew: credits go back to the blocks they came from, the last
drawn first. CHARGE is the key that the charge was made under, the caller's or the
one the ledger made; --entry names one of its entries instead. No more goes back
than the charge drew, less what was taken back before.

Credits that go back to an expired block expire again, and usage that is reported late may
draw them. What a later grant repaid of a debt comes back as a new block. What no block can
take is lost, and the answer says how much.`,
		Example: `  creditledger grant cus_1 300
  creditledger spend cus_1 120 --key order-7
  creditledger reverse cus_1 order-7 --amount 20 --key refund-7
  creditledger reverse cus_1 --entry 2`,
		Args: cobra.RangeArgs(1, 2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			op := creditledger.Reverse{Entry: entry, Description: w.description}
			if len(args) == 2 {
				op.Charge = creditledger.Key(args[1])
			}
			switch named := cmd.Flags().Changed("entry"); {
			case named && len(args) == 2:
				return &flagError{"--entry", errors.New("it does not go with CHARGE")}
			case named && entry == 0:
				return &flagError{"--entry 0", errors.New("entries are numbered from 1")}
			case !named && len(args) == 1:
				return &flagError{"CHARGE", fmt.Errorf("%w: name the charge by its key, or one of its entries with --entry", errMissing)}
			}
			if cmd.Flags().Changed("amount") {
				op.Amount = p.amount("--amount", amount)
			}
			var err error
			if op.Metadata, err = w.metadata(); err != nil || p.err != nil {
				return firstOf(err, p.err)
			}
			return a.write(cmd, &w, args[0], op, toChange)
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&amount, "amount", "", "the `AMOUNT` to take back; default: all that is left")
	flags.Uint64Var(&entry, "entry", 0, "the sequence `NUMBER` of a decrement entry, instead of a charge")
	w.add(cmd)
	return cmd
}
