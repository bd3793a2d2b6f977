package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

// read answers a request from the ledger file without changing it.
func (a *app) read(cmd *cobra.Command, r opsfile.Request, forPeople func(io.Writer, any)) error {
	return a.withLedger(cmd.Context(), toRead, func(l *creditledger.Ledger) error {
		r, err := withWholeBlock(cmd.Context(), l, r)
		if err != nil {
			return err
		}
		answer := opsfile.Execute(cmd.Context(), l, nil, r)
		unused := ""
		if answer.Err == nil && !a.json && !a.quiet {
			unused, answer.Err = unusedAccount(cmd.Context(), l, r.Account)
		}
		return a.show(&answer, func(out io.Writer) {
			forPeople(out, answer.Result)
			if unused != "" {
				fmt.Fprintln(out, unused)
			}
		})
	})
}

// unusedAccount says that nothing was ever written on an account, since its name may be
// misspelt, and which accounts there are instead. It says nothing about an account that is
// in use.
func unusedAccount(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID) (string, error) {
	point, err := l.Checkpoint(ctx, on)
	if err != nil || point.Version > 0 {
		return "", err
	}
	text := fmt.Sprintf("Nothing was ever written on %s", oneLine(on.String()))
	currencies, err := currenciesLike(ctx, l, on.Customer, "")
	switch {
	case err != nil:
		return "", err
	case len(currencies) > 0:
		return fmt.Sprintf("%s: %s has accounts in %s, see --currency.", text, oneLine(on.Customer), oneLine(strings.Join(currencies, ", "))), nil
	}
	known, err := knownCustomer(ctx, l, on.Customer)
	if known || err != nil {
		return text + ".", err
	}
	return fmt.Sprintf("%s: no customer %s is known.", text, oneLine(on.Customer)), nil
}

// writeIfUnknown says that the id of a customer may be misspelt, if there is nothing to
// show.
func writeIfUnknown(ctx context.Context, l *creditledger.Ledger, out io.Writer, id string) error {
	known, err := knownCustomer(ctx, l, id)
	if !known && err == nil {
		_, err = fmt.Fprintf(out, "No customer %s is known.\n", oneLine(id))
	}
	return err
}

// knownCustomer reports whether a customer is recorded or has an account.
func knownCustomer(ctx context.Context, l *creditledger.Ledger, id string) (bool, error) {
	accounts, err := currenciesLike(ctx, l, id, "")
	if len(accounts) > 0 || err != nil {
		return true, err
	}
	_, err = l.Customer(ctx, id)
	if errors.Is(err, creditledger.ErrNotFound) {
		return false, nil
	}
	return true, err
}

func (a *app) balanceCommand() *cobra.Command {
	var at, item string
	cmd := &cobra.Command{
		Use:   "balance CUSTOMER",
		Short: "Show what an account holds and may spend",
		Long: `Show what an account holds, and what a charge may spend: one without an item, or
one for --item. --at looks back: at a date (its first instant in UTC) or a date-time.`,
		Example: `  creditledger grant cus_1 100
  creditledger balance cus_1
  creditledger balance cus_1 --item api
  creditledger balance cus_1 --at 2025-01-01 --json`,
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
				t := a.newTable("CUSTOMER", "CURRENCY", ">BALANCE", ">+AVAILABLE", "+FOR", "+AS OF")
				t.add(on.Customer, on.Currency, b.Total.String(), b.Available.String(), item, a.when(b.AsOf))
				t.write(out)
			})
		}),
	}
	a.accountFlags(cmd)
	cmd.Flags().StringVar(&at, "at", "", "as of this past `DATE` or date-time (default now)")
	cmd.Flags().StringVar(&item, "item", "", "what a charge for this `ITEM` may spend")
	return cmd
}

func (a *app) blocksCommand() *cobra.Command {
	var all bool
	var block, since, until string
	cmd := &cobra.Command{
		Use:   "blocks [CUSTOMER]",
		Short: "List an account's blocks in drawdown order",
		Long: `List an account's blocks in drawdown order: those that hold something and have not
expired. --block shows one block, whatever it holds; without a CUSTOMER, it lists the
accounts that have a block with that id.`,
		Example: `  creditledger grant cus_1 100 --block-id promo --effective 2100-01-01
  creditledger blocks cus_1
  creditledger blocks cus_1 --all --effective-since 2050-01-01
  creditledger blocks cus_1 --block promo
  creditledger blocks --block promo`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && (block == "" || all || since != "" || until != "" || cmd.Flags().Changed("currency")):
				return &statusError{statusUsage, errors.New("blocks needs a CUSTOMER, or --block and nothing else")}
			case len(args) == 0:
				return a.accountsOfBlock(cmd, block)
			}
			var p parser
			q := creditledger.BlocksQuery{All: all, EffectiveFrom: p.moment("--effective-since", since), EffectiveUntil: p.moment("--effective-until", until)}
			if p.err != nil {
				return p.err
			}
			r := opsfile.Request{Op: "blocks", Account: a.account(args[0]), Args: q}
			if block != "" {
				r.Args = opsfile.Block{ID: block}
			}
			return a.read(cmd, r, func(out io.Writer, result any) {
				blocks := result.([]creditledger.Block)
				if len(blocks) == 0 {
					fmt.Fprintln(out, "No blocks.")
					return
				}
				a.writeBlocks(out, blocks)
			})
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "empty and expired blocks too")
	flags.StringVar(&block, "block", "", "this `BLOCK` alone")
	flags.StringVar(&since, "effective-since", "", "effective from this `DATE` or date-time on, or later")
	flags.StringVar(&until, "effective-until", "", "effective from this `DATE` on, or earlier")
	for _, other := range []string{"all", "effective-since", "effective-until"} {
		cmd.MarkFlagsMutuallyExclusive("block", other)
	}
	return cmd
}

// accountsOfBlock lists the accounts that have a block with an id.
func (a *app) accountsOfBlock(cmd *cobra.Command, id string) error {
	r := opsfile.Request{Op: "blocks", Args: opsfile.BlockAccounts{ID: id, Limit: creditledger.MaxPage}}
	return a.withLedger(cmd.Context(), toRead, func(l *creditledger.Ledger) error {
		answer := opsfile.Execute(cmd.Context(), l, nil, r)
		return a.show(&answer, func(out io.Writer) {
			page := answer.Result.(opsfile.AccountPage)
			if len(page.Accounts) == 0 {
				fmt.Fprintln(out, "No account has a block with that id.")
				return
			}
			t := a.newTable("CUSTOMER", "CURRENCY")
			for _, id := range page.Accounts {
				t.add(id.Customer, id.Currency)
			}
			t.write(out)
			if page.Next != (creditledger.AccountID{}) {
				fmt.Fprintf(out, "And more than %d.\n", len(page.Accounts))
			}
		})
	})
}

func (a *app) explainCommand() *cobra.Command {
	var item string
	cmd := &cobra.Command{
		Use:   "explain CUSTOMER AMOUNT",
		Short: "Show which blocks would pay for a charge, and why",
		Long:  `Show, block by block in drawdown order, what a charge would draw and why the others are passed over.`,
		Example: `  creditledger grant cus_1 100
  creditledger explain cus_1 30
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
				t := a.newTable("BLOCK", ".+BALANCE", ".USE", "REASON", "+EXPIRES")
				for i := range e.Blocks {
					b := &e.Blocks[i]
					t.add(a.shortID(b.Block.ID), b.Block.Balance.String(), b.Use.String(), b.Reason.String(), a.expiry(b.Block.ExpiresAt))
				}
				if len(e.Blocks) == 0 {
					fmt.Fprintln(out, "No blocks.")
				} else {
					t.write(out)
				}
				if !e.Overage.IsZero() {
					fmt.Fprintf(out, "Not covered: %s\n", e.Overage)
				}
			})
		}),
	}
	a.accountFlags(cmd)
	cmd.Flags().StringVar(&item, "item", "", "the `ITEM` that is paid for")
	return cmd
}
