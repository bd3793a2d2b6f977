package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/invoice"
	"creditledger/opsfile"
)

// moneyCommands are the subcommands of the money side.
func (a *app) moneyCommands() []*cobra.Command {
	return []*cobra.Command{a.purchaseCommand(), a.invoiceCommand(), a.closePeriodCommand(), a.customerBalanceCommand(), a.payoutCommand(), a.changeCommand(), a.stateCommand(), a.sellerCommand()}
}

// keyFlag gives a subcommand of the money side that writes its idempotency key, and lets it be
// previewed.
func (a *app) keyFlag(cmd *cobra.Command, key *string) {
	cmd.Flags().BoolVar(&a.preview, "preview", false, "show what would be written, and write nothing")
	cmd.Flags().StringVar(key, "key", "", "idempotency `KEY`: repeating the command with the same key does nothing twice (default: one is made)")
}

// moneyKey is the key of the command line, or one that is made, because the money side
// requires a key.
func (a *app) moneyKey(cmd *cobra.Command, key string) (creditledger.Key, error) {
	if cmd.Flags().Changed("key") {
		return creditledger.Key(key), nil
	}
	if a.random == nil {
		return creditledger.Key(uuid.NewString()), nil
	}
	id, err := uuid.NewRandomFromReader(a.random)
	return creditledger.Key(id.String()), err
}

// money carries out a request of the money side and shows what came of it.
func (a *app) money(cmd *cobra.Command, key string, r opsfile.Request, want access) error {
	var err error
	if r.Preview = a.preview; r.Preview {
		r.Key, want = creditledger.Key(key), toRead
	} else if r.Key, err = a.moneyKey(cmd, key); err != nil {
		return err
	}
	return a.withLedger(cmd.Context(), want, func(l *creditledger.Ledger) error {
		s, err := invoice.Open(cmd.Context(), l, "")
		if err == nil {
			r.Args, err = withWholeMoneyIDs(cmd.Context(), s, r.Args)
		}
		if err != nil {
			return err
		}
		answer := opsfile.Execute(cmd.Context(), l, nil, r)
		var shown error
		err = a.show(&answer, func(out io.Writer) {
			if a.quiet && !r.Preview {
				return
			}
			if r.Preview {
				fmt.Fprintln(out, onlyPreviewed)
			}
			switch res := answer.Result.(type) {
			case *invoice.Answer:
				if res.Replayed {
					fmt.Fprintln(out, doneBefore)
				}
				shown = a.writeInvoice(s, out, res.Invoice)
			case *invoice.ChangeAnswer:
				if res.Replayed {
					fmt.Fprintln(out, doneBefore)
				}
				a.writeChange(s, out, res.Change)
			case *invoice.Effects:
				a.writeEffects(s, out, res)
			case *invoice.BalanceAnswer:
				a.writeMovement(s, out, balanceOf(r.Args), res)
			}
		})
		return errors.Join(err, shown)
	})
}

// writeInvoice shows an invoice in the seller's language. Then it lists the ids of credit
// notes, which uncredit takes and which the customer does not need.
func (a *app) writeInvoice(s *invoice.Service, out io.Writer, inv *invoice.Invoice) error {
	if err := s.WriteText(out, inv); err != nil {
		return err
	}
	t := a.newTable("CREDIT NOTE", "ID")
	for _, n := range inv.CreditNotes {
		if n.VoidedAt.IsZero() {
			t.add(n.Number, a.shortID(n.ID))
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	t.write(out)
	return nil
}

// looking runs f with a service over the ledger file, opened for reading.
func (a *app) looking(ctx context.Context, f func(*creditledger.Ledger, *invoice.Service) error) error {
	return a.withLedger(ctx, toRead, func(l *creditledger.Ledger) error {
		s, err := invoice.Open(ctx, l, "")
		if err != nil {
			return err
		}
		return f(l, s)
	})
}

// printJSON prints one JSON object on a line.
func (a *app) printJSON(v any) error {
	a.told = true
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

func (a *app) invoiceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "invoice",
		Short: "List, show, draft, pay, credit and void invoices",
		Long: `List, show, draft, pay, credit and void invoices. Invoices come from purchase,
close-period and change, and from draft for anything else.

A payment begins with start and ends with pay or fail; an invoice that was paid
elsewhere needs pay alone. Credits that wait for their invoice become usable with it.`,
		Example: saleExample + `  creditledger invoice list cus_1 --status issued
  creditledger invoice show inv_1 --html > invoice.html
  creditledger invoice start inv_1 --provider cards --provider-id ch_1
  creditledger invoice pay inv_1 --payment ch_1`,
	}
	cmd.AddCommand(a.invoiceListCommand(), a.invoiceShowCommand(), a.invoiceStartCommand(), a.invoicePayCommand(), a.applyBalanceCommand(), a.invoiceFailCommand(), a.invoiceVoidCommand())
	cmd.AddCommand(a.draftCommands()...)
	return group(cmd, "invoice needs list, show, start, pay, fail, void, draft, tax, issue, sync, credit, credit-note, uncredit, refund or chargeback")
}

func (a *app) invoiceListCommand() *cobra.Command {
	var status, cursor, dueFrom, dueBefore, datedFrom, datedBefore string
	var limit int
	cmd := &cobra.Command{
		Use:   "list [CUSTOMER]",
		Short: "List a customer's invoices, or those of all customers",
		Long: `List a customer's invoices, the oldest first, or those of all customers by their numbers, the
newest first.`,
		Example: saleExample + `  creditledger invoice list cus_1
  creditledger invoice list cus_1 --status issued
  creditledger invoice list --status issued --due-before 2030-01-01`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			q := invoice.ListQuery{
				Status: word(&p, "--status", status, invoiceStatus), Limit: p.limit("--limit", limit), Cursor: cursor,
				DueFrom: p.when("--due-from", dueFrom, false), DueBefore: p.when("--due-before", dueBefore, false),
				DatedFrom: p.when("--dated-from", datedFrom, false), DatedBefore: p.when("--dated-before", datedBefore, false),
			}
			if len(args) > 0 {
				p.required("CUSTOMER", args[0])
				q.Customer = args[0]
			}
			if p.err != nil {
				return p.err
			}
			return a.looking(cmd.Context(), func(l *creditledger.Ledger, s *invoice.Service) error { return a.listInvoices(cmd, l, s, q) })
		}),
	}
	a.dbFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&status, "status", "", "only these, a `STATUS`: draft, issued, paid, void, synced or deleted")
	completeWords(cmd, "status", "draft", "issued", "paid", "void", "synced", "deleted")
	flags.StringVar(&dueFrom, "due-from", "", "only those due on this `DATE` or later")
	flags.StringVar(&dueBefore, "due-before", "", "only those due before this `DATE`")
	flags.StringVar(&datedFrom, "dated-from", "", "only those dated on this `DATE` or later")
	flags.StringVar(&datedBefore, "dated-before", "", "only those dated before this `DATE`")
	flags.StringVar(&cursor, "cursor", "", "go on at the `CURSOR` that a page ended with")
	flags.IntVar(&limit, "limit", 20, "`NUMBER` of invoices on a page, up to 1000")
	return cmd
}

// listInvoices shows a page of invoices.
func (a *app) listInvoices(cmd *cobra.Command, l *creditledger.Ledger, s *invoice.Service, q invoice.ListQuery) error {
	page, err := s.Invoices(cmd.Context(), q)
	if err != nil {
		return err
	}
	if a.json {
		return a.show(&opsfile.Answer{Op: "invoices", Result: &page, Locale: s.Locale()}, nil)
	}
	var text strings.Builder
	if a.writeInvoices(s, &text, page.Invoices); len(page.Invoices) == 0 && q.Customer != "" {
		if err := writeIfUnknown(cmd.Context(), l, &text, q.Customer); err != nil {
			return err
		}
	}
	if page.Next != "" {
		fmt.Fprintf(&text, "More: --cursor %s\n", shellWord(page.Next))
	}
	_, err = io.WriteString(a.out, text.String())
	return err
}

// invoiceStatus reads one of the statuses of an invoice.
func invoiceStatus(text string) (invoice.Status, error) {
	known := []string{string(invoice.Draft), string(invoice.Issued), string(invoice.Paid), string(invoice.Void), string(invoice.Synced), string(invoice.Deleted)}
	if !slices.Contains(known, text) {
		return "", fmt.Errorf("%q is not one of %s", text, strings.Join(known, ", "))
	}
	return invoice.Status(text), nil
}

// writeInvoices lists invoices as each is shown: with the days of its customer, and money
// in the seller's locale.
func (a *app) writeInvoices(s *invoice.Service, out io.Writer, list []*invoice.Invoice) {
	if len(list) == 0 {
		fmt.Fprintln(out, "No invoices.")
		return
	}
	t := a.newTable("NUMBER", "STATUS", "DATE", "DUE", ">TOTAL", ">AMOUNT DUE", "+ID")
	for _, inv := range list {
		t.add(inv.Number, string(inv.Status), inv.Day(inv.InvoiceDate), inv.Day(inv.DueDate), s.Format(inv.Total), s.Format(inv.AmountDue), a.shortID(inv.ID))
	}
	t.write(out)
}

func (a *app) invoiceShowCommand() *cobra.Command {
	var html bool
	cmd := &cobra.Command{
		Use:   "show INVOICE",
		Short: "Show an invoice as a document",
		Example: saleExample + `  creditledger invoice show inv_1
  creditledger invoice show inv_1 --html > invoice.html`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.looking(cmd.Context(), func(l *creditledger.Ledger, s *invoice.Service) error {
				id, err := wholeInvoice(cmd.Context(), s, args[0])
				if err != nil {
					return err
				}
				inv, err := s.Invoice(cmd.Context(), id)
				switch {
				case err != nil:
					return err
				case html:
					return s.WriteHTML(a.out, inv)
				case a.json:
					view, err := inv.View(s.Locale())
					if err != nil {
						return err
					}
					return a.printJSON(struct {
						Op      string               `json:"op"`
						Invoice *invoice.InvoiceView `json:"invoice"`
					}{"invoice", view})
				}
				return a.writeInvoice(s, a.out, inv)
			})
		}),
	}
	a.dbFlag(cmd)
	cmd.Flags().BoolVar(&html, "html", false, "print a page for a browser, ready to be printed")
	return cmd
}

func (a *app) invoiceVoidCommand() *cobra.Command {
	var key string
	var v invoice.Voiding
	cmd := &cobra.Command{
		Use:   "void INVOICE",
		Short: "Void an invoice and its credit notes",
		Long: `Void an invoice and its credit notes.

What was paid for it goes to the customer balance, and so does what was applied of that.
Credits that it drew are given back. Credits that it sold are closed, wherever they are;
debts that they repaid are debts again. What was used of them is reported.`,
		Example: saleExample + `  creditledger invoice void inv_1 --memo "wrong price"`,
		Args:    cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.money(cmd, key, opsfile.Request{Op: "void_invoice", Args: opsfile.VoidInvoice{Invoice: args[0], Voiding: v}}, toChange)
		}),
	}
	a.dbFlag(cmd)
	a.keyFlag(cmd, &key)
	cmd.Flags().StringVar(&v.Memo, "memo", "", "a `NOTE` on the invoice")
	cmd.Flags().BoolVar(&v.OweUse, "owe-unpaid-use", false, "what was used and never paid is owed (default: it is only told)")
	return cmd
}
