package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/store"
	"creditledger/store/postgres"
	"creditledger/store/transfer"
)

const copyHelp = `Copy a whole ledger from one place to another: a file, or a schema of a PostgreSQL
database, either way. Accounts come with all their history, customers, idempotency keys,
invoices and everything else.

Every journal record is decided again on arrival, and at the end both ledgers are
compared: each account's head and seal, each other record, and how many there are.

A copy that was interrupted goes on where it stopped when the same command is given
again, and a copy of an earlier day is brought up to date. A target that holds anything
else than a part of the source is refused, with nothing written. Until the command says
that it is done, the target is not complete.

A database is copied as it was when the copy began, while it is in use. To move a ledger
with a short pause, copy it, stop what writes to it, copy again, and go on with the new
one. The schema of a target has to be there: see creditledger migrate. It is named
with schema=NAME in the connection.

Exit status:

  0  the copy is complete and the same
  1  there was other trouble: the same command goes on where it stopped
  2  the command line is wrong
  3  the target holds something else
  4  the source is damaged: creditledger verify says where`

func (a *app) copyCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "copy --from LEDGER --to LEDGER",
		Short: "Copy a whole ledger between files and databases",
		Long:  copyHelp,
		Example: `  creditledger grant cus_1 100
  creditledger migrate --db postgres://ledger@db.example/billing
  creditledger copy --from credits.db --to postgres://ledger@db.example/billing
  creditledger copy --from 'service=billing' --to credits-2030-01-01.db
  creditledger migrate --db 'service=billing' --schema credits
  creditledger copy --from credits.db --to 'service=billing schema=credits' --json`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			return a.copy(cmd.Context(), from, to)
		}),
	}
	a.groupFlag(cmd)
	for name, value := range map[string]*string{"from": &from, "to": &to} {
		cmd.Flags().StringVar(value, name, "", "a `LEDGER`: a file, or postgres://…; required")
		_ = cmd.MarkFlagFilename(name)
	}
	return cmd
}

func (a *app) copy(ctx context.Context, from, to string) error {
	var p parser
	p.required("--from", from)
	p.required("--to", to)
	if p.err != nil {
		return p.err
	}
	source, err := a.locate(from, "")
	if err != nil {
		return err
	}
	target, err := a.locate(to, "")
	if err != nil {
		return err
	}
	if source.sameAs(target) {
		return &statusError{statusUsage, errors.New("--from and --to are the same ledger")}
	}
	a.writes = true
	report, err := a.copyLedger(ctx, source, target)
	if err != nil {
		return copyError(err)
	}
	return a.showCopy(&report, source, target)
}

// copyLedger copies a ledger, with a progress bar.
func (a *app) copyLedger(ctx context.Context, source, target location) (report transfer.Report, err error) {
	from, err := source.openToCopy(ctx)
	var missing *missingFileError
	if errors.As(err, &missing) {
		missing.flag = "--from"
	}
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := target.open(ctx, toCreate)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	bar := a.copyBar()
	report, err = transfer.Copy(ctx, from, to, &transfer.Options{Progress: bar.copied})
	bar.done()
	if err != nil {
		err = &interruptedError{err}
	}
	return report, err
}

// interruptedError is why a copy ended early.
type interruptedError struct{ err error }

func (e *interruptedError) Error() string { return e.err.Error() }
func (e *interruptedError) Unwrap() error { return e.err }

// copyError gives an error of a copy its exit status.
func copyError(err error) error {
	var stopped *interruptedError
	var wrong *creditledger.Violation
	switch {
	case !errors.As(err, &stopped): // the copy had not begun
		return err
	case errors.Is(err, transfer.ErrTarget):
		return &statusError{statusRefused, fmt.Errorf("%w; copy into an empty ledger, or one that was copied from this source", stopped.err)}
	case errors.Is(err, creditledger.ErrCorrupt), errors.As(err, &wrong):
		return &statusError{statusDamaged, fmt.Errorf("%w; creditledger verify looks through the source", stopped.err)}
	}
	return &statusError{statusTrouble, err}
}

type copyObject struct {
	Op         string `json:"op"`
	Accounts   uint64 `json:"accounts"`
	Journal    uint64 `json:"journal_records"`
	Records    uint64 `json:"other_records"`
	NewJournal uint64 `json:"new_journal_records"`
	NewRecords uint64 `json:"new_other_records"`
}

func (a *app) showCopy(r *transfer.Report, source, target location) error {
	switch {
	case a.json:
		return a.printJSON(copyObject{"copy", r.Accounts, r.Journal, r.Records, r.NewJournal, r.NewRecords})
	case a.quiet:
		return nil
	}
	t := a.newTable("", ">IN BOTH", ">COPIED NOW")
	t.add("accounts", fmt.Sprint(r.Accounts), "")
	t.add("journal records", fmt.Sprint(r.Journal), fmt.Sprint(r.NewJournal))
	t.add("other records", fmt.Sprint(r.Records), fmt.Sprint(r.NewRecords))
	t.write(a.out)
	_, err := fmt.Fprintf(a.out, "Complete: %s holds what %s holds; every head, seal and record was compared.\n", target, source)
	return err
}

// openToCopy opens a ledger for reading. Of a database it takes a snapshot.
func (l location) openToCopy(ctx context.Context) (store.Store, error) {
	if l.database == nil {
		return l.open(ctx, toRead)
	}
	s := &snapshot{}
	var err error
	s.pool, err = l.connect(ctx, func(ctx context.Context, pool *pgxpool.Pool) (err error) {
		at, err := postgres.Open(ctx, pool, l.options()) // its error says best what is wrong
		if err != nil {
			return err
		}
		return at.Close()
	})
	if err != nil {
		return nil, err
	}
	if s.tx, err = s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err != nil {
		err = errors.New("the database does not begin a transaction to read in")
	} else {
		s.Joined, err = postgres.Join(ctx, s.tx, l.options())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// snapshot is a ledger in PostgreSQL as it was at one moment.
type snapshot struct {
	*postgres.Joined
	pool *pgxpool.Pool
	tx   pgx.Tx
}

// Close implements store.Store.
func (s *snapshot) Close() error {
	if s.tx != nil {
		_ = s.tx.Rollback(context.Background()) // the transaction has written nothing
	}
	s.pool.Close()
	return nil
}
