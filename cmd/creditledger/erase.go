package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

func (a *app) eraseCommand() *cobra.Command {
	var what creditledger.Erasure
	cmd := &cobra.Command{
		Use:   "erase CUSTOMER",
		Short: "Erase descriptions and metadata, and keep the amounts",
		Long: `Erase the descriptions and the metadata in a customer's accounts, and the metadata of the
blocks. Amounts, instants, ids and idempotency keys stay, and the ledger can still be
proved. Each account notes that something was erased, but not what.

Without --currency and --entry this also erases the memos of drafts, the descriptions of balance
transactions and of changes, and the texts in stored answers about invoices. Issued invoices
stay as they are.

The unused pages of a ledger file still have the bytes of the texts: run creditledger
compact afterwards. Backups and copies that were made before have the texts, too.

Texts that were recorded before this release could erase them are sealed and stay. Copy such
a ledger with creditledger copy, and erase in the copy.`,
		Example: `  creditledger grant cus_1 100 --description "gift of Ada"
  creditledger erase cus_1 --currency credits --entry 1
  creditledger customer set cus_1 --name "Ada"
  creditledger erase cus_1 --customer`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("entry") && what.Entry == 0 {
				return &statusError{statusUsage, fmt.Errorf("--entry 0: entries are numbered from 1")}
			}
			return a.withLedger(cmd.Context(), toChange, func(l *creditledger.Ledger) error {
				r := opsfile.Request{Op: "erase", Args: opsfile.Erase{Customer: args[0], What: what}}
				answer := opsfile.Execute(cmd.Context(), l, nil, r)
				return a.show(&answer, func(out io.Writer) { a.showErased(out, answer.Result.(opsfile.Erased)) })
			})
		}),
	}
	a.dbFlag(cmd)
	cmd.Flags().StringVar(&what.Currency, "currency", "", "only in the account in this `CURRENCY`")
	cmd.Flags().Uint64Var(&what.Entry, "entry", 0, "only what the operation of the entry with this sequence `NUMBER` said")
	cmd.Flags().BoolVar(&what.Customer, "customer", false, "the name, the e-mail address and the metadata of the customer's record, too")
	return cmd
}

func (a *app) showErased(out io.Writer, r opsfile.Erased) {
	if a.quiet {
		return
	}
	fmt.Fprintf(out, "Erased what %s said, and the metadata of %s.\n",
		count(r.Operations, "operation", "operations"), count(r.Blocks, "block", "blocks"))
	if r.Customer {
		fmt.Fprintln(out, "The customer's record has no name, e-mail address or metadata any more.")
	}
	if m := r.Money; m != nil {
		fmt.Fprintf(out, "Erased what %s, %s, %s and %s about invoices said.\n", count(m.Answers, "stored answer", "stored answers"),
			count(m.Drafts, "draft", "drafts"), count(m.Transactions, "transaction", "transactions"), count(m.Changes, "change", "changes"))
		if m.Invoices > 0 {
			fmt.Fprintf(out, "%s still name the customer: documents are kept as they were sent.\n", count(m.Invoices, "issued invoice", "issued invoices"))
		}
	}
	if r.Kept > 0 {
		fmt.Fprintf(out, "%s of an older format still say something: copy the ledger with creditledger copy, and erase in the copy.\n",
			count(r.Kept, "record", "records"))
	}
}
