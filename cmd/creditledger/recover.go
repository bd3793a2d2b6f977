package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/store/bolt"
)

const recoverHelp = `Read a damaged ledger file page by page, and make a new one, NEW, of all that is intact.

A journal record counts if it decodes and its seal fits the records around it. The
records of an account up to its first gap become its history in the new file, each
decided again. Intact records beyond a gap cannot be appended; they are set aside in
the new file as records of kind "salvaged". Customers and other records beside the
journal have no seal: the newest that can be read is copied. DAMAGED is not changed.
In a file that was not closed, as after a crash, nothing may prove the last record of an
account; such accounts are counted. A record whose text is damaged is kept without it, and
the journal of the new file notes the loss: verify says how many records it concerns.

Prove the new file with creditledger verify, and compare it with your last backup.

Exit status:

  0  nothing is missing
  1  nothing could be read or written
  2  the command line is wrong
  4  something is missing, or may be: the table says what`

func (a *app) recoverCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "recover DAMAGED NEW",
		Short: "Save what is intact in a damaged file into a new one",
		Long:  recoverHelp,
		Example: `  creditledger grant cus_1 100
  creditledger recover credits.db recovered.db
  creditledger verify --db recovered.db`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				if isConnection(arg) {
					return &fileOnlyError{"recover is for damaged files: go back to a backup of the database, or copy a ledger that is whole with creditledger copy"}
				}
			}
			if sameFile(args[0], args[1]) {
				return &statusError{statusUsage, fmt.Errorf("%s is the damaged file itself: choose another name", args[1])}
			}
			a.writes = true
			r, err := bolt.Recover(cmd.Context(), args[0], args[1])
			switch {
			case errors.Is(err, fs.ErrExist):
				err = &statusError{statusUsage, fmt.Errorf("%s exists: choose another name", args[1])}
			case errors.Is(err, creditledger.ErrLocked): // which tells what a Go program can do
				err = &lockedError{args[0], err}
			case err == nil:
				err = a.showRecovery(r)
			}
			if err == nil && !r.Whole() {
				err = &statusError{statusDamaged, errors.New("not everything could be recovered: keep the damaged file, and compare with a backup")}
			}
			return err
		}),
	}
}

// recoveredObject is a line of what recover prints as JSON.
type recoveredObject struct {
	Op        string `json:"op"`
	Customer  string `json:"customer_id"`
	Currency  string `json:"currency"`
	Recovered uint64 `json:"recovered"`
	SetAside  uint64 `json:"set_aside"`
	Lost      uint64 `json:"lost"`
	Texts     uint64 `json:"texts_lost"`
	Unproven  bool   `json:"unproven"`
}

func (a *app) showRecovery(r *bolt.Recovery) error {
	if a.json {
		out := json.NewEncoder(a.out)
		for _, c := range r.Accounts {
			if err := out.Encode(recoveredObject{"recover", c.Account.Customer, c.Account.Currency, c.Recovered, c.SetAside, c.Lost, c.Texts, c.Unproven}); err != nil {
				return err
			}
		}
		return nil
	}
	if a.quiet {
		return nil
	}
	t := a.newTable("CUSTOMER", "CURRENCY", ">RECOVERED", ">SET ASIDE", ">LOST")
	for _, c := range r.Accounts {
		n := func(v uint64) string { return strconv.FormatUint(v, 10) }
		t.add(oneLine(c.Account.Customer), oneLine(c.Account.Currency), n(c.Recovered), n(c.SetAside), n(c.Lost))
	}
	t.write(a.out)
	fmt.Fprintf(a.out, "%s beside the journal copied", count(uint64(r.Records), "record", "records"))
	if r.Damaged > 0 {
		fmt.Fprintf(a.out, ", %d damaged", r.Damaged)
	}
	if r.Unread > 0 {
		fmt.Fprintf(a.out, ", %s cannot be read", count(uint64(r.Unread), "page", "pages"))
	}
	fmt.Fprintln(a.out, ".")
	for _, open := range r.Open {
		fmt.Fprintf(a.out, "Not proven: %s.\n", open)
	}
	unproven, texts := 0, uint64(0)
	for _, c := range r.Accounts {
		texts += c.Texts
		if c.Unproven {
			unproven++
		}
	}
	if texts > 0 {
		fmt.Fprintf(a.out, "What %s said is not in the new file.\n", count(texts, "operation", "operations"))
	}
	if unproven == 0 {
		return nil
	}
	_, err := fmt.Fprintf(a.out, "Nothing in the file proves the last record of %s, as when it was not closed: compare with a backup or a head.\n",
		count(uint64(unproven), "account", "accounts"))
	return err
}
