package main

import (
	"github.com/spf13/cobra"

	"creditledger"
)

type grantFlags struct {
	writeFlags
	expires, effective, costBasis string
	items, excludeItems           []string
	blockID, source, repay        string
	priority                      int32
	requirePayment                bool
}

func (a *app) grantCommand() *cobra.Command {
	var g grantFlags
	cmd := &cobra.Command{
		Use:   "grant CUSTOMER AMOUNT",
		Short: "Grant credits as a new block",
		Long: `Grant credits to a customer as a new block.

A debt of the account is refilled first, unless you give --repay never. Dates are YYYY-MM-DD,
the first instant of that day in the customer's time zone, or RFC 3339 date-times.
A block expires at its expiry: from that instant on its credits are gone.`,
		Example: `  creditledger grant cus_1 100
  creditledger grant cus_1 50 --expires 2030-01-01 --cost-basis 0.20 --description "spring offer"
  creditledger grant cus_1 20 --item api --priority -1 --block-id promo-7
  creditledger grant cus_1 500 --require-payment --block-id order-12 --key order-12`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			op, err := g.operation(args[1])
			if err != nil {
				return err
			}
			return a.write(cmd, &g.writeFlags, args[0], op, toCreate)
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&g.expires, "expires", "", "the `DATE` when the credits expire (default never)")
	flags.StringVar(&g.effective, "effective", "", "the `DATE` when the credits become usable (default now)")
	flags.StringVar(&g.costBasis, "cost-basis", "", "the `PRICE` of one credit")
	flags.Int32Var(&g.priority, "priority", 0, "a whole `NUMBER`; smaller is spent first")
	flags.StringArrayVar(&g.items, "item", nil, "pay only for this `ITEM`; may be repeated")
	flags.StringArrayVar(&g.excludeItems, "exclude-item", nil, "pay for anything but this `ITEM`; may be repeated")
	flags.StringVar(&g.blockID, "block-id", "", "`ID` of the new block (default: one is made)")
	flags.StringVar(&g.source, "source", "", "`WORD`: manual (default), allocation, top_up or commitment")
	completeWords(cmd, "source", "manual", "allocation", "top_up", "commitment")
	flags.BoolVar(&g.requirePayment, "require-payment", false, "the credits wait for creditledger activate")
	flags.StringVar(&g.repay, "repay", "", "`WORD`: first refills debts before anything else, never does not; default: as the settings say")
	completeWords(cmd, "repay", "first", "never")
	g.add(cmd)
	return cmd
}

func (g *grantFlags) operation(amount string) (creditledger.Operation, error) {
	var p parser
	op := creditledger.Increment{
		Amount:         p.amount("AMOUNT", amount),
		BlockID:        g.blockID,
		EffectiveAt:    p.when("--effective", g.effective, false),
		ExpiresAt:      p.when("--expires", g.expires, true),
		CostBasis:      p.costBasis("--cost-basis", g.costBasis),
		Priority:       g.priority,
		Filters:        filters(g.items, g.excludeItems),
		Source:         word(&p, "--source", g.source, creditledger.ParseSource),
		RequirePayment: g.requirePayment,
		Repay:          word(&p, "--repay", g.repay, creditledger.ParseRepay),
		Description:    g.description,
	}
	var err error
	if op.Metadata, err = g.metadata(); err != nil {
		return nil, err
	}
	return op, p.err
}
