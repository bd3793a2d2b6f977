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
		Short: "Propose, look at, apply or cancel a change of an account",
		Long: `Propose a change of an account, look at what it would do, then apply or cancel it.

Applying decides everything afresh and does all of it or nothing, once. A pending change
is cancelled at its expiration time by itself. An account has one at a time.`,
		Example: changeExample + `  creditledger change show chg_1
  creditledger change apply chg_1`,
	}
	cmd.AddCommand(a.changeProposeCommand(), a.changeShowCommand(), a.changeEndCommand("apply", "Do everything a change holds, decided afresh"),
		a.changeEndCommand("cancel", "Cancel a pending change"))
	return group(cmd, "change needs propose, show, apply or cancel")
}

func (a *app) changeProposeCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "propose CUSTOMER FILE",
		Short: "Put a change on record without doing anything",
		Long: `Put a change on record without doing anything.

FILE (- for stdin) holds one JSON object with the keys of the op change in operations
files: expires_at, operations, purchases, and what else a proposal may have.`,
		Example: strings.TrimSuffix(changeExample, "\n"),
		Args:    cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.fromFile(cmd, args, key, [][2]string{{"op", "change"}, {"action", "propose"}})
		}),
	}
	a.accountFlags(cmd)
	a.keyFlag(cmd, &key)
	return cmd
}

func (a *app) changeShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show CHANGE",
		Short:   "Show a change, and what it would do if it were applied now",
		Example: changeExample + `  creditledger change show chg_1`,
		Args:    cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.looking(cmd.Context(), func(l *creditledger.Ledger, s *invoice.Service) error {
				id, err := wholeChange(cmd.Context(), s, args[0])
				if err != nil {
					return err
				}
				ch, err := s.Change(cmd.Context(), id)
				if err != nil {
					return err
				}
				effects := ch.Effects
				var refused error
				if ch.Status == invoice.ChangePending {
					if effects, refused = s.PreviewChange(cmd.Context(), id, invoice.Collected{}); refused != nil {
						effects = nil
					}
				}
				if a.json {
					return a.showChangeJSON(s, ch, effects)
				}
				var text strings.Builder
				a.writeChange(s, &text, ch)
				switch {
				case refused != nil:
					fmt.Fprintf(&text, "Applied now it would be refused: %s\n", a.message(cmd, refused))
				case effects != nil && ch.Status == invoice.ChangePending:
					fmt.Fprintln(&text, "Applied now it would do this:")
					a.writeEffects(s, &text, effects)
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
		Use: action + " CHANGE", Short: short, Example: changeExample + "  creditledger change " + action + " chg_1", Args: cobra.ExactArgs(1),
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
	a.keyFlag(cmd, &key)
	if action == "apply" {
		cmd.Flags().StringVar(&description, "description", "", "a `NOTE` on the change")
		cmd.Flags().StringVar(&collected, "collected", "", "`MONEY` collected before, such as \"12.50 USD\"")
	}
	return cmd
}

// writeChange tells a person about a change.
func (a *app) writeChange(s *invoice.Service, out io.Writer, ch *invoice.Change) {
	expires := ""
	if ch.Status == invoice.ChangePending {
		expires = "; it expires " + a.when(ch.ExpiresAt)
	}
	fmt.Fprintf(out, "Change %s of %s/%s is %s%s.\n", ch.ID, ch.Account.Customer, ch.Account.Currency, ch.Status, expires)
	if ch.Description != "" {
		fmt.Fprintln(out, oneLine(ch.Description))
	}
	if ch.Effects != nil {
		a.writeEffects(s, out, ch.Effects)
	}
}

func (a *app) writeEffects(s *invoice.Service, out io.Writer, e *invoice.Effects) {
	if len(e.Entries) > 0 {
		a.writeEntries(out, e.Entries)
	}
	if len(e.InvoicesCreated) > 0 {
		fmt.Fprintln(out, "Invoices created:")
		a.writeInvoices(s, out, e.InvoicesCreated)
	}
	if len(e.InvoicesVoided) > 0 {
		fmt.Fprintln(out, "Invoices voided:")
		a.writeInvoices(s, out, e.InvoicesVoided)
	}
	for _, n := range e.NotesCreated {
		fmt.Fprintf(out, "Credit note %s (%s): %s %s\n", n.Number, n.ID, s.Format(n.Amount), oneLine(n.Reason))
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
		Example: `  creditledger grant cus_1 100
  creditledger state cus_1`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.looking(cmd.Context(), func(l *creditledger.Ledger, s *invoice.Service) error {
				st, err := s.State(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				answer := opsfile.Answer{Op: "state", Result: st, Locale: s.Locale()}
				return errors.Join(a.show(&answer, func(out io.Writer) {
					a.writeState(s, out, st)
					err = writeIfUnknown(cmd.Context(), l, out, args[0])
				}), err)
			})
		}),
	}
	a.dbFlag(cmd)
	return cmd
}

func (a *app) writeState(s *invoice.Service, out io.Writer, st *invoice.State) {
	fmt.Fprintf(out, "Customer %s", st.Customer.ID)
	if st.Customer.DeletedAt != 0 {
		fmt.Fprintf(out, ", deleted %s", a.when(st.Customer.DeletedAt))
	}
	fmt.Fprintln(out)
	for _, on := range st.Accounts {
		fmt.Fprintf(out, "\n%s: total %s, available %s, next expiry %s\n", on.Account.Currency, on.Total, on.Available, a.expiry(on.NextExpiry))
		if blocks := append(append([]creditledger.Block{}, on.Eligible...), on.Pending...); len(blocks) > 0 {
			a.writeBlocks(out, blocks)
		}
		if on.Change != nil {
			fmt.Fprintf(out, "Pending change: %s, until %s\n", on.Change.ID, a.when(on.Change.ExpiresAt))
		}
	}
	for _, b := range st.Balances {
		fmt.Fprintf(out, "\nCustomer balance: %s\n", s.Format(b.Amount))
	}
	if len(st.Open) > 0 {
		fmt.Fprintln(out, "\nOpen invoices:")
		a.writeInvoices(s, out, st.Open)
	}
	if len(st.Drafts) > 0 {
		fmt.Fprintln(out, "\nDrafts:")
		a.writeInvoices(s, out, st.Drafts)
	}
}
