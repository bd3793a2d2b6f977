package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

type holdFlags struct {
	writeFlags
	until, item, price, overdraft, limit, afterLapse string
	keepOpen                                         bool
}

// policy adds the flags of an overdraft policy.
func (h *holdFlags) policy(cmd *cobra.Command, usage string) {
	flags := cmd.Flags()
	flags.StringVar(&h.overdraft, "overdraft", "", usage)
	completeWords(cmd, "overdraft", "allow", "reject", "stop_at_zero")
	flags.StringVar(&h.limit, "limit", "", "the `AMOUNT` that the balance, less what is held, may fall below 0, with --overdraft allow")
}

func (h *holdFlags) chosen(cmd *cobra.Command, p *parser) (creditledger.Overdraft, creditledger.OverdraftLimit) {
	o := word(p, "--overdraft", h.overdraft, creditledger.ParseOverdraft)
	if cmd.Flags().Changed("limit") {
		return o, creditledger.OverdraftLimitOf(p.amount("--limit", h.limit))
	}
	return o, creditledger.OverdraftLimit{}
}

func (a *app) holdCommand() *cobra.Command {
	var h holdFlags
	var extend bool
	cmd := &cobra.Command{
		Use:   "hold CUSTOMER HOLD AMOUNT",
		Short: "Set credits aside for work whose cost is known at its end",
		Long: `Set credits of a customer aside under an id of yours. Nobody else spends, holds,
voids or moves them until you capture or release them, or the hold lapses: after 15
minutes unless --until says otherwise, and no later than creditledger settings lets a
hold last.

With --extend the hold has to exist. It gets AMOUNT more, which may be 0, and lasts until
--until.`,
		Example: `  creditledger grant cus_1 100
  creditledger hold cus_1 job-7 40
  creditledger hold cus_1 job-7 10 --extend
  creditledger capture cus_1 job-7 37
  creditledger hold cus_1 job-8 200 --overdraft stop_at_zero`,
		Args: cobra.ExactArgs(3),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			until := p.moment("--until", h.until)
			o, limit := h.chosen(cmd, &p)
			metadata, err := h.metadata()
			if err == nil {
				err = p.err
			}
			if err != nil {
				return err
			}
			var op creditledger.Operation
			if extend {
				op = creditledger.ExtendHold{HoldID: args[1], Amount: p.amount("AMOUNT", args[2]), Until: until, Overdraft: o, OverdraftLimit: limit, Description: h.description, Metadata: metadata}
			} else {
				op = creditledger.Hold{HoldID: args[1], Amount: p.amount("AMOUNT", args[2]), Until: until, ItemID: h.item, PriceID: h.price, Overdraft: o, OverdraftLimit: limit, Description: h.description, Metadata: metadata}
			}
			if p.err != nil {
				return p.err
			}
			return a.write(cmd, &h.writeFlags, args[0], op, toCreate)
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&h.until, "until", "", "`DATE-TIME` at which the hold lapses")
	flags.StringVar(&h.item, "item", "", "the `ITEM` that will be paid for")
	flags.StringVar(&h.price, "price", "", "the `PRICE` that will be paid, an id")
	flags.BoolVar(&extend, "extend", false, "set more aside in a hold that there is")
	h.policy(cmd, "`WORD`: reject (default), stop_at_zero or allow")
	h.add(cmd)
	return cmd
}

func (a *app) captureCommand() *cobra.Command {
	var h holdFlags
	cmd := &cobra.Command{
		Use:   "capture CUSTOMER HOLD AMOUNT",
		Short: "Charge what was used under a hold, less or more",
		Long: `Charge what was used under a hold. The rest is free again, or stays held with
--keep-open. What exceeds the hold is spent like any other charge.

If the hold has lapsed, the charge is drawn from free credits. --after-lapse refuse
refuses it instead.`,
		Example: `  creditledger grant cus_1 100
  creditledger hold cus_1 job-7 40
  creditledger capture cus_1 job-7 12 --keep-open
  creditledger capture cus_1 job-7 25`,
		Args: cobra.ExactArgs(3),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			op := creditledger.Capture{
				HoldID: args[1], Amount: p.amount("AMOUNT", args[2]), KeepOpen: h.keepOpen,
				AfterLapse: word(&p, "--after-lapse", h.afterLapse, creditledger.ParseAfterLapse), Description: h.description,
			}
			op.Overdraft, op.OverdraftLimit = h.chosen(cmd, &p)
			var err error
			if op.Metadata, err = h.metadata(); err == nil {
				err = p.err
			}
			if err != nil {
				return err
			}
			return a.write(cmd, &h.writeFlags, args[0], op, toChange)
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&h.keepOpen, "keep-open", false, "the rest stays held")
	flags.StringVar(&h.afterLapse, "after-lapse", "", "`WORD`: charge (default) or refuse")
	completeWords(cmd, "after-lapse", "charge", "refuse")
	h.policy(cmd, "`WORD` for what is above the hold: stop_at_zero (default), reject or allow")
	h.add(cmd)
	return cmd
}

func (a *app) releaseCommand() *cobra.Command {
	var h holdFlags
	cmd := &cobra.Command{
		Use:   "release CUSTOMER HOLD",
		Short: "Release a hold",
		Long:  `Release a hold: its credits are free again. A hold that is closed or has lapsed stays as it is.`,
		Example: `  creditledger grant cus_1 100
  creditledger hold cus_1 job-7 40
  creditledger release cus_1 job-7`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			op := creditledger.Release{HoldID: args[1], Description: h.description}
			var err error
			if op.Metadata, err = h.metadata(); err != nil {
				return err
			}
			return a.write(cmd, &h.writeFlags, args[0], op, toChange)
		}),
	}
	a.accountFlags(cmd)
	h.add(cmd)
	return cmd
}

func (a *app) holdsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "holds CUSTOMER [HOLD]",
		Short: "List an account's open holds, or show one in any state",
		Long:  `List the open holds of an account, or show one by its id in any state.`,
		Example: `  creditledger grant cus_1 100
  creditledger hold cus_1 job-7 40
  creditledger holds cus_1
  creditledger holds cus_1 job-7`,
		Args: cobra.RangeArgs(1, 2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			q := opsfile.Holds{}
			if len(args) == 2 {
				q.ID = args[1]
			}
			return a.read(cmd, opsfile.Request{Op: "holds", Account: a.account(args[0]), Args: q}, func(out io.Writer, result any) {
				list := result.([]creditledger.HoldInfo)
				if len(list) == 0 {
					fmt.Fprintln(out, "No open holds.")
					return
				}
				a.writeHolds(out, list)
			})
		}),
	}
	a.accountFlags(cmd)
	return cmd
}

func (a *app) writeHolds(out io.Writer, holds []creditledger.HoldInfo) {
	t := a.newTable("HOLD", "STATE", ">AMOUNT", ">HELD", ">CAPTURED", ">+UNBACKED", "UNTIL", "+ITEM", "+SLICES")
	for _, h := range holds {
		slices := ""
		for i, s := range h.Slices {
			if i > 0 {
				slices += ", "
			}
			slices += fmt.Sprintf("%s %s", s.Amount, a.shortID(s.BlockID))
		}
		unbacked := ""
		if !h.Unbacked.IsZero() {
			unbacked = h.Unbacked.String()
		}
		t.add(h.ID, h.State.String(), h.Amount.String(), h.Held.String(), h.Captured.String(), unbacked, a.when(h.Until), h.ItemID, slices)
	}
	t.write(out)
}
