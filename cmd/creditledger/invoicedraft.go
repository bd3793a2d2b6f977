package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/invoice"
	"creditledger/opsfile"
)

// draftCommands are the subcommands of invoice for drafts, credit notes and refunds.
func (a *app) draftCommands() []*cobra.Command {
	return []*cobra.Command{
		a.invoiceDraftCommand(),
		a.onInvoice("tax INVOICE AMOUNT...", "Tell the taxes of a draft's lines", draftExample+"  creditledger invoice tax inv_1 144 11.99", cobra.MinimumNArgs(2), nil,
			func(args []string) (opsfile.Request, error) {
				i := opsfile.Invoice{ID: args[0], Action: "tax"}
				var p parser
				var err error
				if i.Taxes, i.In, err = opsfile.ParseTaxes(args[1:]); err != nil {
					p.fail("AMOUNT", err)
				}
				return opsfile.Request{Op: "invoice", Args: i}, p.err
			}),
		a.moveCommand("issue", "Give a draft its number and ask for the money", draftExample),
		a.moveCommand("sync", "Hand an issued invoice over to another system", saleExample),
		a.creditCommand(),
		a.noteCommand(),
		a.onInvoice("uncredit INVOICE CREDIT-NOTE", "Take a credit note back, by the id that invoice show ends with", saleExample+`  creditledger invoice credit inv_1 "4.20 USD"
  creditledger invoice uncredit inv_1 cn_...`, cobra.ExactArgs(2), nil,
			func(args []string) (opsfile.Request, error) {
				return opsfile.Request{Op: "credit_note", Args: opsfile.CreditNote{Action: "void", Ref: invoice.NoteRef{Invoice: args[0], Note: args[1]}}}, nil
			}),
		a.refundCommand(),
		a.chargebackCommand(),
	}
}

// onInvoice is a subcommand that writes to an invoice.
func (a *app) onInvoice(use, short, example string, args cobra.PositionalArgs, flags func(*cobra.Command), request func([]string) (opsfile.Request, error)) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: args,
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			r, err := request(args)
			if err != nil {
				return err
			}
			return a.money(cmd, key, r, toChange)
		}),
	}
	a.dbFlag(cmd)
	a.keyFlag(cmd, &key)
	if flags != nil {
		flags(cmd)
	}
	return cmd
}

func (a *app) moveCommand(action, short, given string) *cobra.Command {
	return a.onInvoice(action+" INVOICE", short, given+"  creditledger invoice "+action+" inv_1", cobra.ExactArgs(1), nil,
		func(args []string) (opsfile.Request, error) {
			return opsfile.Request{Op: "invoice", Args: opsfile.Invoice{ID: args[0], Action: action}}, nil
		})
}

func (a *app) creditCommand() *cobra.Command {
	var reason string
	var draws bool
	var lines []string
	return a.onInvoice("credit INVOICE [MONEY]", "Reduce what is due, or pay into the balance, by a credit note",
		saleExample+`  creditledger invoice credit inv_1 "4.20 USD" --reason "slow answers"
  creditledger invoice credit inv_1 --line "1=3.00 USD"`, cobra.RangeArgs(1, 2),
		func(cmd *cobra.Command) {
			cmd.Flags().StringArrayVar(&lines, "line", nil, "of a line, `ID=MONEY`; the id is its position where it has none; may be repeated")
			cmd.Flags().StringVar(&reason, "reason", "", "`WHY`")
			cmd.Flags().BoolVar(&draws, "return-draws", false, "also give back what the period drew")
		},
		func(args []string) (opsfile.Request, error) {
			n := invoice.NoteInput{Invoice: args[0], Reason: reason, ReturnDraws: draws}
			for _, text := range lines {
				l, err := noteLine(text)
				if err != nil {
					return opsfile.Request{}, err
				}
				n.Lines = append(n.Lines, l)
			}
			if len(args) == 1 && len(lines) == 0 && !draws {
				return opsfile.Request{}, &flagError{"MONEY", errors.New("it is missing: say how much, or of which --line")}
			}
			if len(args) == 2 {
				if err := n.Amount.UnmarshalText([]byte(args[1])); err != nil {
					return opsfile.Request{}, &flagError{"MONEY", err}
				}
			}
			return opsfile.Request{Op: "credit_note", Args: opsfile.CreditNote{Action: "create", Note: n}}, nil
		})
}

// noteLine reads a line that is credited, ID=MONEY.
func noteLine(text string) (l invoice.NoteLineInput, err error) {
	id, amount, found := strings.Cut(text, "=")
	if !found || id == "" {
		return l, &flagError{"--line", fmt.Errorf("%q is not ID=MONEY, such as \"1=4.20 USD\"", text)}
	}
	if err := l.Amount.UnmarshalText([]byte(amount)); err != nil {
		return l, &flagError{"--line", err}
	}
	l.Line = id
	return l, nil
}

// noteCommand shows a credit note.
func (a *app) noteCommand() *cobra.Command {
	var html bool
	cmd := &cobra.Command{
		Use:   "credit-note INVOICE CREDIT-NOTE",
		Short: "Show a credit note as a document, by its number or its id",
		Example: saleExample + `  creditledger invoice credit inv_1 "4.20 USD" --reason "slow answers"
  creditledger invoice credit-note inv_1 INV-000001-CN1
  creditledger invoice credit-note inv_1 INV-000001-CN1 --html > note.html`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.looking(cmd.Context(), func(l *creditledger.Ledger, s *invoice.Service) error {
				ref := invoice.NoteRef{Note: args[1]}
				var err error
				if ref.Invoice, err = wholeInvoice(cmd.Context(), s, args[0]); err != nil {
					return err
				}
				if ref.Note, err = wholeNote(cmd.Context(), s, ref); err != nil {
					return err
				}
				inv, err := s.Invoice(cmd.Context(), ref.Invoice)
				switch {
				case err != nil:
					return err
				case html:
					return s.WriteNoteHTML(a.out, inv, ref.Note)
				case a.json && inv.Note(ref.Note) != nil:
					view, err := inv.Note(ref.Note).View(s.Locale())
					if err != nil {
						return err
					}
					return a.printJSON(struct {
						Op   string           `json:"op"`
						ID   string           `json:"invoice_id"`
						Note invoice.NoteView `json:"credit_note"`
					}{"credit_note", inv.ID, view})
				}
				return s.WriteNoteText(a.out, inv, ref.Note)
			})
		}),
	}
	a.dbFlag(cmd)
	cmd.Flags().BoolVar(&html, "html", false, "print a page for a browser, ready to be printed")
	return cmd
}

func (a *app) refundCommand() *cobra.Command {
	var reason string
	var back bool
	return a.onInvoice("refund INVOICE CREDITS", "Take sold credits back; what was spent of them is owed",
		saleExample+`  creditledger invoice pay inv_1
  creditledger invoice refund inv_1 40
  creditledger invoice refund inv_1 60 --paid-back --reason "paid back by card"`, cobra.ExactArgs(2),
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&reason, "reason", "", "`WHY`")
			cmd.Flags().BoolVar(&back, "paid-back", false, "the money went back outside, such as to the card (default: to the customer balance)")
		},
		func(args []string) (opsfile.Request, error) {
			var p parser
			take := invoice.TakeBack{Invoice: args[0], Credits: p.amount("CREDITS", args[1]), PaidBack: back, Reason: reason}
			return opsfile.Request{Op: "credit_note", Args: opsfile.CreditNote{Action: "refund", Refund: take}}, p.err
		})
}

func (a *app) chargebackCommand() *cobra.Command {
	var reason, credits string
	return a.onInvoice("chargeback INVOICE MONEY", "Record that the bank took a payment back",
		saleExample+`  creditledger invoice pay inv_1
  creditledger invoice chargeback inv_1 "20 USD" --credits 100 --reason "card stolen"`, cobra.ExactArgs(2),
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&reason, "reason", "", "`WHY`")
			cmd.Flags().StringVar(&credits, "credits", "", "take so many of the sold `CREDITS` back (default: none)")
		},
		func(args []string) (opsfile.Request, error) {
			var p parser
			c := invoice.Chargeback{Invoice: args[0], Reason: reason}
			if credits != "" {
				c.Credits = p.amount("--credits", credits)
			}
			if err := c.Amount.UnmarshalText([]byte(args[1])); err != nil {
				return opsfile.Request{}, &flagError{"MONEY", err}
			}
			return opsfile.Request{Op: "credit_note", Args: opsfile.CreditNote{Action: "chargeback", Chargeback: c}}, p.err
		})
}

// editDraftCommand changes a draft by what stands in a file.
func (a *app) editDraftCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "edit INVOICE FILE",
		Short: "Change a draft",
		Long: `Change a draft. What the file does not name stays as it is.

FILE (- for stdin) holds one JSON object with the keys of the action edit of the op invoice
in operations files: lines, remove_lines, adjustments, invoice_settings. A line with the id
of a line of the draft takes its place; others are added.`,
		Example: draftExample + `  echo '{
    "lines": [
      {"id": "2", "item_id": "travel", "quantity": "2", "unit_price": "149.95"}
    ],
    "invoice_settings": {"net_terms": 30}
  }' > edit.json
  creditledger invoice draft edit inv_1 edit.json`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			k, err := a.moneyKey(cmd, key)
			if err != nil {
				return err
			}
			r, err := a.object(args[1], [][2]string{{"op", "invoice"}, {"action", "edit"}, {"invoice_id", args[0]}, {"idempotency_key", string(k)}})
			if err == nil {
				err = cmd.Flags().Set("key", string(k))
			}
			if err != nil {
				return err
			}
			return a.money(cmd, string(k), r, toChange)
		}),
	}
	a.dbFlag(cmd)
	a.keyFlag(cmd, &key)
	return cmd
}

func (a *app) invoiceDraftCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "draft CUSTOMER FILE",
		Short: "Draft an invoice for something other than credits",
		Long: `Draft an invoice for something other than credits. It has no number and asks for nothing
until it is issued, and can be changed and deleted.

FILE (- for stdin) holds one JSON object with the keys of the op draft_invoice in
operations files: lines, invoice_settings, and what else it may have.`,
		Example: strings.TrimSuffix(draftExample, "\n"),
		Args:    cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			k, err := a.moneyKey(cmd, key)
			if err != nil {
				return err
			}
			r, err := a.object(args[1], [][2]string{{"op", "draft_invoice"}, {"customer_id", args[0]}, {"idempotency_key", string(k)}})
			if err == nil {
				err = cmd.Flags().Set("key", string(k))
			}
			if err != nil {
				return err
			}
			return a.money(cmd, string(k), r, toCreate)
		}),
	}
	a.dbFlag(cmd)
	a.keyFlag(cmd, &key)
	remove := a.moveCommand("delete", "Delete a draft, and free what it held", draftExample)
	remove.Example = draftExample + "  creditledger invoice draft delete inv_1"
	cmd.AddCommand(a.editDraftCommand(), remove)
	return cmd
}
