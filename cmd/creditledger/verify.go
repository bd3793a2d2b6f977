package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/invoice"
	"creditledger/opsfile"
	"creditledger/store"
)

// statusDamaged is the exit status of verify and recover for a ledger that can be read
// and is not whole.
const statusDamaged = 4

// evidenceCommands are the subcommands that prove a ledger, or save what is left of one.
func (a *app) evidenceCommands() []*cobra.Command {
	return []*cobra.Command{a.verifyCommand(), a.headCommand(), a.recoverCommand()}
}

const verifyHelp = `Replay every entry of an account, or of all accounts, and prove that nothing was lost,
made up or altered. Without CUSTOMER, invoices and customer balances are proved as well:
they must add up, and agree with each other and with the ledger.

--since takes a file that creditledger head wrote earlier and that was kept elsewhere:
the history must have grown from there and nothing before may differ. Only that shows
a file that was set back or written anew as a whole.

Exit status:

  0    the ledger is whole
  1    nothing is proved: there is no such file, it is in use, it is so damaged
       that only creditledger recover can read it, or reading failed on the way
  2    the command line is wrong
  4    the ledger is damaged: the message names the account and the record
  130  interrupted, so that nothing is proved`

func (a *app) verifyCommand() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use:   "verify [CUSTOMER]",
		Short: "Prove that a ledger is whole and adds up",
		Long:  verifyHelp,
		Example: `  creditledger grant cus_1 100
  creditledger verify
  creditledger verify cus_1 --currency credits
  creditledger head > head-2030-01-01.jsonl
  creditledger verify --since head-2030-01-01.jsonl`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && cmd.Flags().Changed("currency") {
				return &flagError{"--currency", errors.New("it goes with a CUSTOMER")}
			}
			var points []creditledger.Checkpoint
			if since != "" {
				var err error
				if points, err = a.readHead(since); err != nil {
					return err
				}
			}
			return a.withStore(cmd.Context(), toRead, func(l *creditledger.Ledger, s store.Store) error {
				answer := opsfile.Answer{Op: "verify"}
				bar := a.countBar("records replayed")
				opts := &creditledger.VerifyOptions{Progress: bar.count, Since: points}
				if len(args) == 1 {
					answer.Result, answer.Err = l.Verify(cmd.Context(), a.account(args[0]), opts)
				} else {
					answer.Result, answer.Err = l.VerifyAll(cmd.Context(), opts)
				}
				bar.done()
				unused := ""
				if answer.Err == nil && len(args) == 1 {
					unused, answer.Err = unusedAccount(cmd.Context(), l, a.account(args[0]))
				}
				answer.Err = unproved(cmd.Context(), answer.Err, bar.reached)
				if err := a.showVerification(&answer, unused); err != nil {
					return err
				}
				if len(args) == 0 {
					if err := a.verifyMoney(cmd.Context(), l); err != nil {
						return err
					}
				}
				return a.showWarnings(s, since != "")
			})
		}),
	}
	a.accountFlags(cmd)
	cmd.Flags().StringVar(&since, "since", "", "prove growth from the head in this `FILE` (- for standard input)")
	_ = cmd.MarkFlagFilename("since")
	return cmd
}

// unproved returns why a verification has no result: it was interrupted, or reading
// failed. Neither says anything about the ledger.
func unproved(ctx context.Context, err error, seen uint64) error {
	switch {
	case err == nil, errors.Is(err, creditledger.ErrInvalid): // an impossible customer id
		return err
	case stoppedBy(ctx, err) != nil:
		return fmt.Errorf("%w after %s: nothing is proved", stoppedBy(ctx, err), count(seen, "record", "records"))
	}
	return &statusError{statusTrouble, fmt.Errorf("nothing is proved, the verification did not come to its end: %w", err)}
}

// showVerification prints the result for one account, or for all. unused says that
// nothing was written on that account.
func (a *app) showVerification(answer *opsfile.Answer, unused string) error {
	err := a.show(answer, func(out io.Writer) {
		v := answer.Result.(creditledger.Verification)
		switch {
		case v.Violation != nil || a.quiet:
		case unused != "":
			fmt.Fprintln(out, unused)
		default:
			fmt.Fprintf(out, "Whole: %s, %s, %s.\n", count(v.Accounts, "account", "accounts"),
				count(v.Entries, "entry", "entries"), count(v.Blocks, "block", "blocks"))
			if v.Lost > 0 {
				fmt.Fprintf(out, "What %s said was lost to damage, as a recovery noted.\n", count(v.Lost, "record", "records"))
			}
		}
	})
	if err != nil {
		return err
	}
	if v := answer.Result.(creditledger.Verification); v.Violation != nil {
		return &statusError{statusDamaged, fmt.Errorf("the ledger is not whole: %s; keep the file as it is and go back to a backup", v.Violation)}
	}
	return nil
}

// moneyObject is what verify prints about invoices as JSON, if there are any.
type moneyObject struct {
	Op           string `json:"op"`
	OK           bool   `json:"ok"`
	Invoices     uint64 `json:"invoices"`
	Transactions uint64 `json:"transactions"`
	Violation    string `json:"violation,omitempty"`
}

// verifyMoney proves invoices and customer balances, and says so if there are any.
func (a *app) verifyMoney(ctx context.Context, l *creditledger.Ledger) error {
	bar := a.countBar("invoices examined")
	v, err := invoice.New(l, nil).Verify(ctx, bar.count)
	bar.done()
	if err = unproved(ctx, err, bar.reached); err != nil {
		return a.show(&opsfile.Answer{Op: "verify_invoices", Err: err}, nil)
	}
	o := moneyObject{Op: "verify_invoices", OK: v.Violation == nil, Invoices: v.Invoices, Transactions: v.Transactions}
	if v.Violation != nil {
		o.Violation = v.Violation.Error()
	}
	switch {
	case v.Violation == nil && v.Invoices+v.Transactions == 0:
		return nil
	case a.json:
		err = json.NewEncoder(a.out).Encode(o)
	case v.Violation == nil && !a.quiet:
		_, err = fmt.Fprintf(a.out, "Whole: %s, %s of customer balances.\n",
			count(v.Invoices, "invoice", "invoices"), count(v.Transactions, "transaction", "transactions"))
	}
	if err == nil && v.Violation != nil {
		err = &statusError{statusDamaged, fmt.Errorf("the invoices are not whole: %s; keep the file as it is and go back to a backup", v.Violation)}
	}
	return err
}

// fileObject is what verify prints about a file as JSON, if something in it is strange.
type fileObject struct {
	Op        string `json:"op"`
	OK        bool   `json:"ok"`
	Violation string `json:"violation"`
}

// showWarnings prints what is strange in a file. A history that may have been set back
// counts as damage, unless a head has just proved that it was not.
func (a *app) showWarnings(s store.Store, proved bool) error {
	file, ok := s.(interface{ Warnings() []string })
	if !ok {
		return nil
	}
	for _, w := range file.Warnings() {
		if !proved {
			var err error
			if a.json {
				err = a.printJSON(fileObject{Op: "verify_file", Violation: w})
			}
			return errors.Join(&statusError{statusDamaged, errors.New(w + " (--since)")}, err)
		}
		fmt.Fprintln(a.err, "creditledger: "+w)
	}
	return nil
}

// headObject is a line of a head.
type headObject struct {
	Customer string `json:"customer_id"`
	Currency string `json:"currency"`
	Version  uint64 `json:"version"`
	Seal     string `json:"seal"`
}

func (a *app) headCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "head",
		Short: "Print the seals that stand for all history so far",
		Long: `Print, for every account, how many records its journal has and the seal of the last
one, as JSON lines. A seal stands for the whole history up to it. Keep the lines where
whoever may write the ledger file may not; creditledger verify --since proves later
that the ledger has only grown from them.`,
		Example: `  creditledger grant cus_1 100
  creditledger head > head-2030-01-01.jsonl
  creditledger verify --since head-2030-01-01.jsonl`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), toRead, func(l *creditledger.Ledger, s store.Store) error {
				out := bufio.NewWriter(a.out)
				lines := json.NewEncoder(out)
				var after creditledger.AccountID
				for {
					ids, err := s.Accounts(cmd.Context(), after, creditledger.MaxPage)
					if err != nil {
						return err
					}
					for _, id := range ids {
						p, err := l.Checkpoint(cmd.Context(), id)
						if err == nil {
							err = lines.Encode(headObject{id.Customer, id.Currency, p.Version, p.Seal.String()})
						}
						if err != nil {
							return err
						}
						after = id
					}
					if len(ids) < creditledger.MaxPage {
						return out.Flush()
					}
				}
			})
		}),
	}
	a.dbFlag(cmd)
	return cmd
}

// readHead reads what the head command printed.
func (a *app) readHead(name string) ([]creditledger.Checkpoint, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%w: name a file that creditledger head wrote", err)
		}
		defer f.Close()
		in = f
	}
	var points []creditledger.Checkpoint
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		p, err := readHeadLine(lines.Bytes())
		if err != nil {
			return nil, &flagError{"--since", fmt.Errorf("%s, line %d: %w", name, n, err)}
		}
		points = append(points, p)
	}
	if err := lines.Err(); err != nil {
		return nil, &flagError{"--since", fmt.Errorf("%s: %w", name, err)}
	}
	if len(points) == 0 {
		return nil, &flagError{"--since", fmt.Errorf("%s: it is empty and would prove nothing", name)}
	}
	return points, nil
}

func readHeadLine(line []byte) (p creditledger.Checkpoint, err error) {
	var o headObject
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil || d.More() {
		return p, errors.New("not a line of creditledger head")
	}
	seal, err := hex.DecodeString(o.Seal)
	if err != nil || len(seal) != len(p.Seal) || o.Customer == "" || o.Currency == "" || o.Version == 0 {
		return p, errors.New("an account, a version and a seal of 64 hexadecimal digits are needed")
	}
	p = creditledger.Checkpoint{Account: creditledger.AccountID{Customer: o.Customer, Currency: o.Currency}, Version: o.Version}
	copy(p.Seal[:], seal)
	return p, nil
}
