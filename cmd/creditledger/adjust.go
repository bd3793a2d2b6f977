package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"creditledger"
)

func (a *app) extendCommand() *cobra.Command {
	var w writeFlags
	var to, expiring, amount, newBlock string
	cmd := &cobra.Command{
		Use:   "extend CUSTOMER [BLOCK]",
		Short: "Move credits to a new block with another expiry",
		Long: `Move credits of a block to a new block with another expiry.

The block is named by its id, by its current expiry (--expiring), or by both. Without
--amount everything that remains moves. --to takes a date, a date-time or never.`,
		Example: `  creditledger grant cus_1 50 --block-id promo-7 --expires 2030-01-01
  creditledger extend cus_1 promo-7 --to 2031-01-01 --amount 20
  creditledger extend cus_1 --expiring 2030-01-01 --to never --amount 10`,
		Args: cobra.RangeArgs(1, 2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			p.required("--to", to)
			op := creditledger.ExpirationChange{
				ExpiresAt:   p.when("--expiring", expiring, false),
				Target:      p.when("--to", to, true),
				NewBlockID:  newBlock,
				Description: w.description,
			}
			if len(args) == 2 {
				op.BlockID = args[1]
			}
			if cmd.Flags().Changed("amount") {
				if op.Amount = p.amount("--amount", amount); op.Amount.Sign() <= 0 {
					p.fail("--amount", fmt.Errorf("%s is not positive", op.Amount))
				}
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
	flags.StringVar(&to, "to", "", "the new expiry, a `DATE`, a date-time or never; required")
	flags.StringVar(&expiring, "expiring", "", "the `DATE` when the block expires now")
	flags.StringVar(&amount, "amount", "", "the `AMOUNT` to move (default: all that remains)")
	flags.StringVar(&newBlock, "new-block-id", "", "`ID` of the new block (default: one is made)")
	w.add(cmd)
	return cmd
}

func (a *app) voidCommand() *cobra.Command {
	var w writeFlags
	var reason string
	var lapsed bool
	cmd := &cobra.Command{
		Use:   "void CUSTOMER BLOCK AMOUNT",
		Short: "Take credits of a block back",
		Long: `Take credits of a block back: what it still holds, up to AMOUNT.

You may void more than the block holds, up to what was granted. The rest was spent
already, and its revenue is to be reversed.

A block that has expired can be voided with --lapsed only. It holds nothing, but usage that
is reported late could draw what it lost to its expiry. After the void it cannot.`,
		Example: `  creditledger grant cus_1 50 --block-id promo-7
  creditledger void cus_1 promo-7 30
  creditledger void cus_1 promo-7 20 --reason refund`,
		Args: cobra.ExactArgs(3),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			op := creditledger.Void{BlockID: args[1], Amount: p.amount("AMOUNT", args[2]), Reason: reason, Lapsed: lapsed, Description: w.description}
			var err error
			if op.Metadata, err = w.metadata(); err != nil || p.err != nil {
				return firstOf(err, p.err)
			}
			return a.write(cmd, &w, args[0], op, toChange)
		}),
	}
	a.accountFlags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "`WORD`: refund, or nothing")
	completeWords(cmd, "reason", creditledger.VoidRefund)
	cmd.Flags().BoolVar(&lapsed, "lapsed", false, "also what an expired block has lapsed")
	w.add(cmd)
	return cmd
}

func (a *app) amendCommand() *cobra.Command {
	var w writeFlags
	cmd := &cobra.Command{
		Use:   "amend CUSTOMER BLOCK AMOUNT",
		Short: "Give back credits that were spent from a block",
		Long:  `Give back credits that were spent from a block, at most what it once held.`,
		Example: `  creditledger grant cus_1 50 --block-id promo-7
  creditledger spend cus_1 30
  creditledger amend cus_1 promo-7 25 --description "billed twice"`,
		Args: cobra.ExactArgs(3),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			op := creditledger.Amendment{BlockID: args[1], Amount: p.amount("AMOUNT", args[2]), Description: w.description}
			var err error
			if op.Metadata, err = w.metadata(); err != nil || p.err != nil {
				return firstOf(err, p.err)
			}
			return a.write(cmd, &w, args[0], op, toChange)
		}),
	}
	a.accountFlags(cmd)
	w.add(cmd)
	return cmd
}

func (a *app) activateCommand() *cobra.Command {
	var w writeFlags
	cmd := &cobra.Command{
		Use:   "activate CUSTOMER BLOCK",
		Short: "Make a block usable that waited for its payment",
		Long:  `Make a block usable that was granted with --require-payment. It writes no entry.`,
		Example: `  creditledger grant cus_1 500 --require-payment --block-id order-12
  creditledger activate cus_1 order-12`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			op := creditledger.Activation{BlockID: args[1], Description: w.description}
			var err error
			if op.Metadata, err = w.metadata(); err != nil {
				return err
			}
			return a.write(cmd, &w, args[0], op, toChange)
		}),
	}
	a.accountFlags(cmd)
	w.add(cmd)
	return cmd
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
