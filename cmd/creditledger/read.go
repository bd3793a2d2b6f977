package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

// read answers a request from the ledger file without changing it.
func (a *app) read(cmd *cobra.Command, r opsfile.Request, forPeople func(io.Writer, any)) error {
	return a.withLedger(cmd.Context(), toRead, func(l *creditledger.Ledger) error {
		answer := opsfile.Execute(cmd.Context(), l, nil, r)
		return a.show(&answer, func(out io.Writer) { forPeople(out, answer.Result) })
	})
}

func (a *app) balanceCommand() *cobra.Command {
	var at, item string
	cmd := &cobra.Command{
		Use:   "balance CUSTOMER",
		Short: "Show what an account holds and may spend",
		Long: `Show what an account holds, and what a charge may spend: one without an item, or
one for --item. --at looks back: at a date (its first instant in UTC) or a date-time.`,
		Example: `  creditledger balance cus_1
  creditledger balance cus_1 --item api
  creditledger balance cus_1 --at 2030-01-01 --json`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			q := creditledger.BalanceQuery{At: p.moment("--at", at), Charge: creditledger.Charge{ItemID: item}}
			if p.err != nil {
				return p.err
			}
			on := a.account(args[0])
			return a.read(cmd, opsfile.Request{Op: "balance", Account: on, Args: q}, func(out io.Writer, result any) {
				b := result.(creditledger.Balance)
				spendable := "AVAILABLE"
				if item != "" {
					spendable += " FOR " + oneLine(item)
				}
				t := newTable("CUSTOMER", "CURRENCY", ">BALANCE", ">"+spendable, "AS OF")
				t.add(on.Customer, on.Currency, b.Total.String(), b.Available.String(), when(b.AsOf))
				t.write(out)
			})
		}),
	}
	a.accountFlags(cmd)
	cmd.Flags().StringVar(&at, "at", "", "as of this past date or date-time (default now)")
	cmd.Flags().StringVar(&item, "item", "", "what a charge for this item may spend")
	return cmd
}

func (a *app) blocksCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "blocks CUSTOMER",
		Short: "List an account's blocks in drawdown order",
		Long:  `List an account's blocks in drawdown order: those that hold something and have not expired.`,
		Example: `  creditledger blocks cus_1
  creditledger blocks cus_1 --all`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			r := opsfile.Request{Op: "blocks", Account: a.account(args[0]), Args: creditledger.BlocksQuery{All: all}}
			return a.read(cmd, r, func(out io.Writer, result any) {
				blocks := result.([]creditledger.Block)
				if len(blocks) == 0 {
					fmt.Fprintln(out, "No blocks.")
					return
				}
				writeBlocks(out, blocks)
			})
		}),
	}
	a.accountFlags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "empty and expired blocks too")
	return cmd
}

func (a *app) explainCommand() *cobra.Command {
	var item string
	cmd := &cobra.Command{
		Use:   "explain CUSTOMER AMOUNT",
		Short: "Show which blocks would pay for a charge, and why",
		Long:  `Show, block by block in drawdown order, what a charge would draw and why the others are passed over.`,
		Example: `  creditledger explain cus_1 30
  creditledger explain cus_1 30 --item api`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			ask := opsfile.Explain{Amount: p.amount("AMOUNT", args[1]), Charge: creditledger.Charge{ItemID: item}}
			if p.err != nil {
				return p.err
			}
			r := opsfile.Request{Op: "explain", Account: a.account(args[0]), Args: ask}
			return a.read(cmd, r, func(out io.Writer, result any) {
				e := result.(creditledger.Explanation)
				t := newTable("BLOCK", ">BALANCE", ">USE", "REASON", "EXPIRES")
				for i := range e.Blocks {
					b := &e.Blocks[i]
					t.add(b.Block.ID, b.Block.Balance.String(), b.Use.String(), b.Reason.String(), expiry(b.Block.ExpiresAt))
				}
				t.write(out)
				if !e.Overage.IsZero() {
					fmt.Fprintf(out, "Not covered: %s\n", e.Overage)
				}
			})
		}),
	}
	a.accountFlags(cmd)
	cmd.Flags().StringVar(&item, "item", "", "the item that is paid for")
	return cmd
}
