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
	external bool // customers are named by their ids elsewhere
	quiet    bool
	preview  bool // of the money side: write nothing

	printsToTerminal bool

	began   bool   // the subcommand's own work has begun, so an error is no longer one of usage
	writes  bool   // the work may be done even if the answer cannot be printed
	told    bool   // the answer is on stdout, with the error if there is one
	subject string // the customer a hint may name
}

// The exit statuses of the command; those of apply are in its help.
const (
	statusTrouble = 1 // files or storage
	statusUsage   = 2 // a request that is wrong in itself
	statusRefused = 3 // the ledger refuses the operation
)

// statusError is an error with an exit status of its own. Without an error inside,
// nothing is printed.
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
	root.SetArgs(append([]string{}, args...)) // not nil, or cobra would take the arguments of the process
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

// tellJSON prints an error as an object with --json, unless an answer has told it. That
// is so if the command line is wrong or the ledger cannot be opened. Subcommands with
// exit statuses of their own have reports of their own.
func (a *app) tellJSON(err error, status int) {
	args := a.args
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	wanted := a.json || !a.began && slices.Contains(args, "--json") // cobra may not have parsed the flag
	if !wanted || a.told || errors.As(err, new(*statusError)) && status != statusUsage {
		return
	}
	told := &toldError{text: a.plain(err.Error()), errs: []error{err}}
	if status == statusUsage {
		told.errs = append(told.errs, creditledger.ErrInvalid)
	}
	line, err := (&opsfile.Answer{Err: told}).AppendJSON(nil)
	if err == nil {
		_, _ = a.out.Write(line) // the error goes to stderr in any case
	}
}

// toldError is an error whose text may be printed.
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

// work marks the point where a subcommand's own work begins. The command line was in
// order up to there.
func (a *app) work(f func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := refuseEmpty(cmd, args); err != nil {
			return err
		}
		a.began = true
		args, err := a.ownCustomers(cmd, args)
		if err != nil {
			return err
		}
		return f(cmd, args)
	}
}
