package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	currency string
	json     bool
	quiet    bool

	began   bool   // a subcommand's own work began: an error is no longer one of usage
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
	root := a.rootCommand()
	root.SetArgs(append([]string{}, args...)) // of nil cobra would take the process's own
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	a.help = "creditledger help" + strings.TrimPrefix(ran.CommandPath(), "creditledger")
	status := a.status(err)
	var carried *statusError
	if !errors.As(err, &carried) || carried.err != nil {
		fmt.Fprintln(a.err, "creditledger: "+a.message(err))
	}
	return status
}

func (a *app) status(err error) int {
	var carried *statusError
	switch {
	case errors.As(err, &carried):
		return carried.status
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

// work marks the point where a subcommand's own work begins.
func (a *app) work(f func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.began = true
		return f(cmd, args)
	}
}
