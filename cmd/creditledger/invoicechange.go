package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/invoice"
	"creditledger/opsfile"
)

func (a *app) changeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "change",
		Short: "Propose a change of an account, look at it, apply or cancel it",
		Long: `Propose a change of an account, look at what it would do, then apply or cancel it.

Applying decides everything afresh and does all of it or nothing, once. A pending change
is cancelled at its expiration time by itself. An account has one at a time.`,
		Example: `  creditledger change propose cus_1 upgrade.json --key upgrade-7
  creditledger change show chg_1
  creditledger change apply chg_1`,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("change needs propose, show, apply or cancel")
		},
	}
	cmd.AddCommand(a.changeProposeCommand(), a.changeShowCommand(), a.changeEndCommand("apply", "Do everything a change holds, decided afresh"),
		a.changeEndCommand("cancel", "Cancel a pending change"))
	return cmd
}

func (a *app) changeProposeCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "propose CUSTOMER FILE",
		Short: "Put a change on record without doing anything",
		Long: `Put a change on record without doing anything.

FILE (- for stdin) holds one JSON object with the keys of the op change in operations
files: expires_at, operations, purchases, and what else a proposal may have.`,
		Example: `  creditledger change propose cus_1 upgrade.json --key upgrade-7`,
		Args:    cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.fromFile(cmd, args, key, [][2]string{{"op", "change"}, {"action", "propose"}})
		}),
	}
	a.accountFlags(cmd)
	keyFlag(cmd, &key)
	return cmd
}

func (a *app) changeShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show CHANGE",
		Short:   "Show a change, and what it would do if it were applied now",
		Example: `  creditledger change show chg_1`,
		Args:    cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.looking(cmd.Context(), func(s *invoice.Service) error {
				ch, err := s.Change(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				effects := ch.Effects
				var refused error
				if ch.Status == invoice.ChangePending {
					if effects, refused = s.PreviewChange(cmd.Context(), args[0], invoice.Collected{}); refused != nil {
						effects = nil
					}
				}
				if a.json {
					return a.showChangeJSON(s, ch, effects)
				}
				var text strings.Builder
				writeChange(&text, ch)
				switch {
				case refused != nil:
					fmt.Fprintf(&text, "Applied now it would be refused: %s\n", a.message(cmd, refused))
				case effects != nil && ch.Status == invoice.ChangePending:
					fmt.Fprintln(&text, "Applied now it would do this:")
					writeEffects(&text, effects)
				}
				_, err = io.WriteString(a.out, text.String())
				return err
			})
		}),
	}
	a.dbFlag(cmd)
	return cmd
}

func (a *app) showChangeJSON(s *invoice.Service, ch *invoice.Change, effects *invoice.Effects) error {
	own := *ch
	own.Effects = effects
	answer := opsfile.Answer{Op: "change", Result: &invoice.ChangeAnswer{Change: &own}, Locale: s.Locale()}
	return a.show(&answer, nil)
}

// changeEndCommand is apply or cancel.
func (a *app) changeEndCommand(action, short string) *cobra.Command {
	var key, description, collected string
	cmd := &cobra.Command{
		Use: action + " CHANGE", Short: short, Example: "  creditledger change " + action + " chg_1", Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			c := opsfile.Change{Action: action, ID: args[0], With: invoice.Collected{Description: description}}
			if collected != "" {
				if err := c.With.PreviouslyCollected.UnmarshalText([]byte(collected)); err != nil {
					return &flagError{"--collected", err}
				}
			}
			return a.money(cmd, key, opsfile.Request{Op: "change", Args: c}, toChange)
		}),
	}
	a.dbFlag(cmd)
	keyFlag(cmd, &key)
	if action == "apply" {
		cmd.Flags().StringVar(&description, "description", "", "a note on the change")
		cmd.Flags().StringVar(&collected, "collected", "", "money collected before, such as \"12.50 USD\"")
	}
	return cmd
}

// writeChange tells a person about a change.
func writeChange(out io.Writer, ch *invoice.Change) {
	expires := ""
	if ch.Status == invoice.ChangePending {
		expires = "; it expires " + when(ch.ExpiresAt)
	}
	fmt.Fprintf(out, "Change %s of %s/%s is %s%s.\n", ch.ID, ch.Account.Customer, ch.Account.Currency, ch.Status, expires)
	if ch.Description != "" {
		fmt.Fprintln(out, oneLine(ch.Description))
	}
	if ch.Effects != nil {
		writeEffects(out, ch.Effects)
	}
}

func writeEffects(out io.Writer, e *invoice.Effects) {
	if len(e.Entries) > 0 {
		writeEntries(out, e.Entries)
	}
	if len(e.InvoicesCreated) > 0 {
		fmt.Fprintln(out, "Invoices created:")
		writeInvoices(out, e.InvoicesCreated)
	}
	if len(e.InvoicesVoided) > 0 {
		fmt.Fprintln(out, "Invoices voided:")
		writeInvoices(out, e.InvoicesVoided)
	}
	for _, n := range e.NotesCreated {
		fmt.Fprintf(out, "Credit note %s (%s): %s %s\n", n.Number, n.ID, n.Amount, oneLine(n.Reason))
	}
	for _, n := range e.NotesVoided {
		fmt.Fprintf(out, "Credit note voided: %s\n", n.Note)
	}
}

func (a *app) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state CUSTOMER",
		Short: "Show all that decides what a customer may use",
		Long: `Show all that decides what a customer may use: the accounts with what is available and
when it expires next, blocks that wait for payment, the customer balance, open invoices
and pending changes.`,
		Example: `  creditledger state cus_1`,
		Args:    cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.looking(cmd.Context(), func(s *invoice.Service) error {
				st, err := s.State(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				answer := opsfile.Answer{Op: "state", Result: st, Locale: s.Locale()}
				return a.show(&answer, func(out io.Writer) { writeState(out, st) })
			})
		}),
	}
	a.dbFlag(cmd)
	return cmd
}

func writeState(out io.Writer, st *invoice.State) {
	fmt.Fprintf(out, "Customer %s", st.Customer.ID)
	if st.Customer.DeletedAt != 0 {
		fmt.Fprintf(out, ", deleted %s", when(st.Customer.DeletedAt))
	}
	fmt.Fprintln(out)
	for _, a := range st.Accounts {
		fmt.Fprintf(out, "\n%s: total %s, available %s, next expiry %s\n", a.Account.Currency, a.Total, a.Available, expiry(a.NextExpiry))
		if blocks := append(append([]creditledger.Block{}, a.Eligible...), a.Pending...); len(blocks) > 0 {
			writeBlocks(out, blocks)
		}
		if a.Change != nil {
			fmt.Fprintf(out, "Pending change: %s, until %s\n", a.Change.ID, when(a.Change.ExpiresAt))
		}
	}
	for _, b := range st.Balances {
		fmt.Fprintf(out, "\nCustomer balance: %s\n", b.Amount)
	}
	if len(st.Open) > 0 {
		fmt.Fprintln(out, "\nOpen invoices:")
		writeInvoices(out, st.Open)
	}
}
