package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

type entriesFlags struct {
	ascending                      bool
	limit                          int
	cursor, entryType, status, min string
	since, after, before, until    string
	key, block, item, invoice      string
	fromSeq, untilSeq              uint64
}

func (a *app) entriesCommand() *cobra.Command {
	var e entriesFlags
	cmd := &cobra.Command{
		Use:   "entries CUSTOMER",
		Short: "List the entries of an account's ledger",
		Long: `List the entries of an account's ledger, newest first.

A long list comes in pages: the last line of a page names the --cursor of the next.
Dates are the first instant of the day in UTC. --key, --block, --item, --invoice,
--from-seq and --until-seq look up the entries of one thing.`,
		Example: `  creditledger grant cus_1 100
  creditledger spend cus_1 20
  creditledger entries cus_1
  creditledger entries cus_1 --asc --limit 100
  creditledger entries cus_1 --type decrement --since 2025-01-01 --min 10
  creditledger spend cus_1 5 --item api --key job-7
  creditledger entries cus_1 --key job-7
  creditledger entries cus_1 --item api --from-seq 2`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			q, err := e.query(cmd)
			if err != nil {
				return err
			}
			r := opsfile.Request{Op: "entries", Account: a.account(args[0]), Args: q}
			return a.read(cmd, r, func(out io.Writer, result any) {
				page := result.(creditledger.EntryPage)
				if len(page.Entries) == 0 && page.Next == "" {
					fmt.Fprintln(out, "No entries.")
					return
				}
				a.writeEntries(out, page.Entries)
				if page.Next != "" && !a.quiet {
					fmt.Fprintf(out, "More: --cursor %s\n", shellWord(string(page.Next)))
				}
			})
		}),
	}
	a.accountFlags(cmd)
	e.add(cmd)
	return cmd
}

func (e *entriesFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&e.ascending, "asc", false, "oldest first")
	flags.IntVar(&e.limit, "limit", 20, "`NUMBER` of entries on a page, up to 1000")
	flags.StringVar(&e.cursor, "cursor", "", "go on at the `CURSOR` that a page ended with")
	flags.StringVar(&e.entryType, "type", "", "`TYPE`: increment, decrement, expiration_change, credit_block_expiry, void_initiated, void or amendment")
	completeWords(cmd, "type", "increment", "decrement", "expiration_change", "credit_block_expiry", "void_initiated", "void", "amendment")
	flags.StringVar(&e.status, "status", "", "`STATUS`: committed or pending")
	completeWords(cmd, "status", "committed", "pending")
	flags.StringVar(&e.min, "min", "", "entries of at least this `AMOUNT`")
	flags.StringVar(&e.since, "since", "", "created at this `DATE` or date-time or later")
	flags.StringVar(&e.after, "after", "", "created later than this `DATE`")
	flags.StringVar(&e.before, "before", "", "created before this `DATE`")
	flags.StringVar(&e.until, "until", "", "created at this `DATE` or earlier")
	flags.StringVar(&e.key, "key", "", "written under this idempotency `KEY`")
	flags.StringVar(&e.block, "block", "", "of this `BLOCK`")
	flags.StringVar(&e.item, "item", "", "for this `ITEM`")
	flags.StringVar(&e.invoice, "invoice", "", "charged for, or issued with, this `INVOICE`")
	flags.Uint64Var(&e.fromSeq, "from-seq", 0, "with this sequence `NUMBER` or a later one")
	flags.Uint64Var(&e.untilSeq, "until-seq", 0, "with this sequence `NUMBER` or an earlier one")
}

func (e *entriesFlags) query(cmd *cobra.Command) (creditledger.EntriesQuery, error) {
	var p parser
	q := creditledger.EntriesQuery{
		Ascending: e.ascending,
		Limit:     p.limit("--limit", e.limit),
		Cursor:    creditledger.Cursor(e.cursor),
		Type:      word(&p, "--type", e.entryType, creditledger.ParseEntryType),
		Status:    word(&p, "--status", e.status, creditledger.ParseEntryStatus),
		After:     p.moment("--after", e.after),
		From:      p.moment("--since", e.since),
		Before:    p.moment("--before", e.before),
		Until:     p.moment("--until", e.until),
		Key:       creditledger.Key(e.key),
		BlockID:   e.block,
		ItemID:    e.item,
		InvoiceID: e.invoice,
		FromSeq:   e.fromSeq,
		UntilSeq:  e.untilSeq,
	}
	if cmd.Flags().Changed("min") {
		q.MinAmount = p.amount("--min", e.min)
	}
	return q, p.err
}
