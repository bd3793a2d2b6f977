package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store"
	"creditledger/store/memory"
)

const applyHelp = `Carry out an operations file: one JSON object a line in, one JSON object a line out, in
the same order. Without FILE, or with -, standard input is read. docs/operations.md
describes the lines.

Without --db everything happens in memory and is forgotten. An answer is printed as
soon as its operation is durable, and never held back. So a program may wait for each
answer before it sends the next line. It may also send thousands of lines ahead, which then
share commits.

Exit status:

  0    every line was read and answered, whatever the answers
  1    there was trouble with files or storage
  2    as 0, but a line was not one well-formed JSON object with a known op
  3    --stop-on-error met an error answer
  5    with --fail-on-error: as 0, but an answer is an error
  130  interrupted: the lines that were begun are answered first, and what is
       answered is done; a second interrupt ends the command at once`

type applyFlags struct {
	db          string
	clock       string
	grace       *time.Duration // nil: as it is set
	stopOnError bool
	failOnError bool
}

func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	var grace string
	cmd := &cobra.Command{
		Use:   "apply [FILE]",
		Short: "Carry out an operations file",
		Long:  applyHelp,
		Example: `  echo '{"op":"increment","customer_id":"cus_1","amount":"100"}' > ops.jsonl
  echo '{"op":"balance","customer_id":"cus_1"}' >> ops.jsonl
  creditledger apply ops.jsonl --db credits.db > answers.jsonl
  creditledger apply ops.jsonl --clock manual
  cat ops.jsonl | creditledger apply --db credits.db --stop-on-error`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			path := "-"
			if len(args) == 1 {
				path = args[0]
			}
			var p parser
			if d := p.window("--grace", grace, 0); grace != "" {
				f.grace = &d
			}
			if p.err != nil {
				return p.err
			}
			return a.apply(cmd.Context(), path, &f)
		}),
	}
	a.dbFlagFor(cmd, &f.db, "", "the `LEDGER`: a file, made when absent, or postgres://… (default: in memory)")
	flags := cmd.Flags()
	flags.StringVar(&f.clock, "clock", "", "`WORD`: manual begins at 2000-01-01T00:00:00Z and moves by clock lines only")
	flags.StringVar(&grace, "grace", "", "set the ledger's grace `PERIOD`, such as 1h or 2d: entries are pending until it is over")
	flags.BoolVar(&f.stopOnError, "stop-on-error", false, "end at the first error answer, with status 3")
	flags.BoolVar(&f.failOnError, "fail-on-error", false, "carry out every line, and end with status 5 if one was refused")
	_ = cmd.RegisterFlagCompletionFunc("clock", cobra.FixedCompletions([]string{"manual"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) apply(ctx context.Context, path string, f *applyFlags) (err error) {
	opts := a.options()
	run := opsfile.Options{StopOnError: f.stopOnError}
	switch {
	case f.clock == "manual":
		run.Clock = &opsfile.Clock{}
		opts.Clock = run.Clock.Now
	case f.clock != "":
		return &flagError{"--clock " + f.clock, errors.New("manual is the one choice")}
	case f.stopOnError && f.failOnError:
		return &flagError{"--fail-on-error", errors.New("it does not go with --stop-on-error")}
	}
	in, bar, closeInput, err := a.operations(path)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, closeInput()) }()
	s, err := a.applyStore(ctx, f.db)
	if err != nil {
		return err
	}
	ledger := creditledger.New(s, opts)
	if err := setGrace(ctx, ledger, f.grace); err != nil {
		return errors.Join(err, ledger.Close(), s.Close())
	}
	summary, err := opsfile.Run(ctx, ledger, in, a.out, &run)
	seen := bar.done()
	if stopped := stoppedBy(ctx, err); stopped != nil {
		err = fmt.Errorf("%w after %s, %s among them: what is answered is done, and nothing else was begun", stopped,
			count(uint64(summary.Answers), "answer", "answers"), count(uint64(summary.Errors), "error", "errors"))
	}
	if err := errors.Join(err, ledger.Close(), s.Close()); err != nil {
		return &statusError{statusTrouble, err}
	}
	if seen {
		fmt.Fprintf(a.err, "%s, %s\n", count(uint64(summary.Answers), "answer", "answers"), count(uint64(summary.Errors), "error", "errors"))
	}
	status := summary.ExitStatus()
	if status == 0 && f.failOnError && summary.Errors > 0 {
		status = statusSomeRefused
	}
	if status != 0 {
		return &statusError{status: status}
	}
	return nil
}

// setGrace sets the grace period, if it is given and differs from the present one.
func setGrace(ctx context.Context, ledger *creditledger.Ledger, grace *time.Duration) error {
	if grace == nil {
		return nil
	}
	if s, err := ledger.Settings(ctx); err != nil || s.GracePeriod == *grace {
		return err
	}
	_, err := ledger.ChangeSettings(ctx, func(s *creditledger.Settings) { s.GracePeriod = *grace })
	return err
}

// statusSomeRefused is the exit status of apply --fail-on-error if some answers are
// errors and nothing else is wrong.
const statusSomeRefused = 5

// operations opens the input.
func (a *app) operations(path string) (io.Reader, *bar, func() error, error) {
	if path == "-" {
		return a.in, &bar{}, func() error { return nil }, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: name an operations file, or - for stdin", err)
	}
	b := a.fileBar(f)
	return b.reader(f), b, f.Close, nil
}

// applyStore opens the ledger for writing, or makes a store in memory if none is named.
func (a *app) applyStore(ctx context.Context, db string) (store.Store, error) {
	at, err := a.locate(db, a.schema)
	if err != nil {
		return nil, err
	}
	if db == "" {
		return memory.New(), nil
	}
	return at.open(ctx, toCreate)
}
