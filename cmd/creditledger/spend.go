package main

import (
	"github.com/spf13/cobra"

	"creditledger"
)

type spendFlags struct {
	writeFlags
	item, price, invoice, overdraft, limit, usedAt string
}

func (a *app) spendCommand() *cobra.Command {
	var s spendFlags
	cmd := &cobra.Command{
		Use:   "spend CUSTOMER AMOUNT",
		Short: "Spend credits, block by block in drawdown order",
		Long: `Spend credits of a customer, block by block in drawdown order.

--overdraft says what happens to the part that no block covers. With allow it becomes a
debt, which --limit bounds. With reject nothing is spent at all. With stop_at_zero that
part is left and reported. Without it the ledger's settings say, which allow at first.`,
		Example: `  creditledger grant cus_1 100
  creditledger spend cus_1 20 --key invoice-7-line-2
  creditledger spend cus_1 20 --item api --overdraft reject
  creditledger spend cus_1 20 --limit 100
  creditledger spend cus_1 20 --preview`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			op, err := s.operation(cmd, args[1])
			if err != nil {
				return err
			}
			return a.write(cmd, &s.writeFlags, args[0], op, toCreate)
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&s.item, "item", "", "the `ITEM` that is paid for")
	flags.StringVar(&s.price, "price", "", "the `PRICE` that is paid, an id")
	flags.StringVar(&s.invoice, "invoice", "", "the `INVOICE` this belongs to")
	flags.StringVar(&s.overdraft, "overdraft", "", "`WORD`: allow, reject or stop_at_zero; default: as the settings say")
	completeWords(cmd, "overdraft", "allow", "reject", "stop_at_zero")
	flags.StringVar(&s.limit, "limit", "", "the `AMOUNT` that the balance may fall below 0, with --overdraft allow")
	flags.StringVar(&s.usedAt, "used-at", "", "for usage that is reported late, the `TIME` when it happened (2026-01-31T23:59:59Z): the credits of then pay")
	s.add(cmd)
	return cmd
}

func (s *spendFlags) operation(cmd *cobra.Command, amount string) (creditledger.Operation, error) {
	var p parser
	op := creditledger.Decrement{
		Amount:      p.amount("AMOUNT", amount),
		ItemID:      s.item,
		PriceID:     s.price,
		InvoiceID:   s.invoice,
		Overdraft:   word(&p, "--overdraft", s.overdraft, creditledger.ParseOverdraft),
		Description: s.description,
	}
	if cmd.Flags().Changed("limit") {
		op.OverdraftLimit = creditledger.OverdraftLimitOf(p.amount("--limit", s.limit))
	}
	var err error
	if s.usedAt != "" {
		if op.UsageAt, err = creditledger.ParseInstant(s.usedAt); err != nil {
			return nil, &flagError{"--used-at " + s.usedAt, err}
		}
	}
	if op.Metadata, err = s.metadata(); err != nil {
		return nil, err
	}
	return op, p.err
}
