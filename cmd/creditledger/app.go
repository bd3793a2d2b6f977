package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

// app is one run of the command.
type app struct {
	in       io.Reader
	out, err io.Writer

	clock     func() time.Time // nil: the real one
	random    io.Reader        // nil: the real one
	defaultDB string           // the ledger without --db

	args     []string // the command line
	help     string   // the command line for help about it
	db       string
	schema   string
	group    bool
	currency string
	json     bool
	precise  bool
	quiet    bool
	preview  bool // of the money side: nothing is to be written

	printsToTerminal bool

	began   bool   // a subcommand's own work began: an error is no longer one of usage
	writes  bool   // what is done is there also if nobody is told
	told    bool   // an answer is on stdout, and the error with it if there is one
	subject string // the customer a hint may name
}

// The exit statuses of the command; those of apply are in its help.
const (
	statusTrouble = 1 // files or storage
	statusUsage   = 2 // a request that is wrong in itself
	statusRefused = 3 // the ledger refuses the operation
)

// statusError carries an exit status of its own; with no error there is nothing to say.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// run executes a command line and returns the exit status.
func (a *app) run(ctx context.Context, args []string) int {
	a.args = args
	a.printsToTerminal = isTerminal(a.out)
	out := &output{to: a.out}
	a.out = out
	root := a.rootCommand()
	root.SetArgs(append([]string{}, args...)) // of nil cobra would take the process's own
	ran, err := root.ExecuteContextC(ctx)
	if out.err != nil && (err == nil || errors.Is(err, out.err)) {
		err = &outputError{out.err, a.writes}
	}
	if err == nil {
		return 0
	}
	a.help = "creditledger help" + strings.TrimSuffix(strings.TrimPrefix(ran.CommandPath(), "creditledger"), " help")
	status := a.status(err)
	stopped := stoppedBy(ctx, err)
	if stopped != nil {
		status = stopped.status()
	}
	var carried *statusError
	if stopped != nil || !errors.As(err, &carried) || carried.err != nil {
		a.tellJSON(err, status)
		fmt.Fprintln(a.err, "creditledger: "+a.message(ran, err))
	}
	return status
}

// tellJSON prints an error as an object where objects are asked for and no answer told the
// error, because the command line was wrong or the ledger cannot be opened. A subcommand
// with exit statuses of its own has a report of its own.
func (a *app) tellJSON(err error, status int) {
	args := a.args
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	wanted := a.json || !a.began && slices.Contains(args, "--json") // cobra may not have come to it
	if !wanted || a.told || errors.As(err, new(*statusError)) && status != statusUsage {
		return
	}
	told := &toldError{text: a.plain(err.Error()), errs: []error{err}}
	if status == statusUsage {
		told.errs = append(told.errs, creditledger.ErrInvalid)
	}
	line, err := (&opsfile.Answer{Err: told}).AppendJSON(nil)
	if err == nil {
		_, _ = a.out.Write(line) // the error itself goes to stderr in any case
	}
}

// toldError is an error in words that are fit to be printed.
type toldError struct {
	text string
	errs []error
}

func (e *toldError) Error() string   { return e.text }
func (e *toldError) Unwrap() []error { return e.errs }

func (a *app) status(err error) int {
	var carried *statusError
	switch {
	case errors.As(err, &carried):
		return carried.status
	case errors.As(err, new(*outputError)):
		return statusTrouble
	case !a.began:
		return statusUsage
	}
	switch opsfile.Code(err) {
	case opsfile.CodeInvalidRequest:
		return statusUsage
	case opsfile.CodeStorage, opsfile.CodeConflict:
		return statusTrouble
	}
	return statusRefused
}

func (a *app) options() *creditledger.Options {
	return &creditledger.Options{Clock: a.clock, Random: a.random}
}

// account names the customer's account in the currency of the command line.
func (a *app) account(customer string) creditledger.AccountID {
	a.subject = customer
	return creditledger.AccountID{Customer: customer, Currency: a.currency}
}

// work marks the point where a subcommand's own work begins, on a command line that can
// be right.
func (a *app) work(f func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := refuseEmpty(cmd, args); err != nil {
			return err
		}
		a.began = true
		return f(cmd, args)
	}
}
