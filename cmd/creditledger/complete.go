package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"creditledger"
	"creditledger/invoice"
	"creditledger/opsfile"
)

// patienceToComplete bounds the time to complete a word, because a person waits for it.
const patienceToComplete = 2 * time.Second

// maxCompletions is how many words a shell is offered.
const maxCompletions = 200

// completeWords completes the value of a flag by the words that it knows.
func completeWords(cmd *cobra.Command, flag string, known ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
}

// noFiles turns off completion for the values of all other flags. Few of them are files,
// and these have a completion of their own.
func noFiles(cmd *cobra.Command) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		_, known := cmd.GetFlagCompletionFunc(f.Name)
		_, file := f.Annotations[cobra.BashCompFilenameExt]
		if !known && !file && f.NoOptDefVal == "" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
		}
	})
}

// completeArguments makes a command and all below it complete their arguments, by what
// their usage lines call them.
func (a *app) completeArguments(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		a.completeArguments(c)
	}
	noFiles(cmd)
	takes := strings.Fields(cmd.Use)[1:]
	if cmd.ValidArgsFunction != nil || len(cmd.ValidArgs) > 0 || cmd.HasSubCommands() {
		return
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(takes) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		switch what := strings.Trim(takes[len(args)], "[]."); what { // as in [CUSTOMER]
		case "FILE", "DAMAGED", "NEW":
			return nil, cobra.ShellCompDirectiveDefault
		default:
			return a.completions(cmd.Context(), what, args, begun), cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// completions looks up in the ledger what an argument may be. If anything goes wrong, it
// offers nothing.
func (a *app) completions(ctx context.Context, what string, args []string, begun string) (list []cobra.Completion) {
	ctx, cancel := context.WithTimeout(ctx, patienceToComplete)
	defer cancel()
	_ = a.withLedger(ctx, toRead, func(l *creditledger.Ledger) (err error) {
		switch what {
		case "CUSTOMER":
			list, err = customersLike(ctx, l, begun)
		case "CURRENCY":
			list, err = currenciesLike(ctx, l, args[0], begun)
		case "BLOCK":
			list, err = a.blocksLike(ctx, l, a.account(args[0]), begun)
		case "HOLD":
			list, err = holdsLike(ctx, l, a.account(args[0]), begun)
		case "SCHEDULE":
			list, err = schedulesLike(ctx, l, a.account(args[0]), begun)
		case "INVOICE", "CHANGE":
			var s *invoice.Service
			if s, err = invoice.Open(ctx, l, ""); err != nil {
				return err
			}
			ids := s.InvoiceIDs
			if what == "CHANGE" {
				ids = s.ChangeIDs
			}
			list, err = ids(ctx, begun, "", maxCompletions)
		}
		return err
	})
	return list
}

func customersLike(ctx context.Context, l *creditledger.Ledger, begun string) ([]cobra.Completion, error) {
	var list []cobra.Completion
	after := creditledger.AccountID{Customer: begun}
	for len(list) < maxCompletions {
		ids, err := l.Accounts(ctx, after, maxCompletions)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !strings.HasPrefix(id.Customer, begun) {
				return list, nil
			}
			if !slices.Contains(list, id.Customer) {
				list = append(list, id.Customer)
			}
			after = id
		}
		if len(ids) < maxCompletions {
			break
		}
	}
	return list, nil
}

func currenciesLike(ctx context.Context, l *creditledger.Ledger, customer, begun string) ([]cobra.Completion, error) {
	var list []cobra.Completion
	ids, err := l.Accounts(ctx, creditledger.AccountID{Customer: customer}, maxCompletions)
	for _, id := range ids {
		if id.Customer == customer && strings.HasPrefix(id.Currency, begun) {
			list = append(list, id.Currency)
		}
	}
	return list, err
}

func (a *app) blocksLike(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID, begun string) ([]cobra.Completion, error) {
	blocks, err := opsfile.AllBlocks(ctx, l, on, creditledger.BlocksQuery{All: true})
	var list []cobra.Completion
	for i := range blocks {
		b := &blocks[i]
		if strings.HasPrefix(b.ID, begun) && len(list) < maxCompletions {
			list = append(list, cobra.CompletionWithDesc(b.ID, fmt.Sprintf("holds %s, expires %s", b.Balance, a.expiry(b.ExpiresAt))))
		}
	}
	return list, err
}

func holdsLike(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID, begun string) ([]cobra.Completion, error) {
	holds, err := l.Holds(ctx, on)
	var list []cobra.Completion
	for i := range holds {
		if strings.HasPrefix(holds[i].ID, begun) && len(list) < maxCompletions {
			list = append(list, cobra.CompletionWithDesc(holds[i].ID, "holds "+holds[i].Held.String()))
		}
	}
	return list, err
}

func schedulesLike(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID, begun string) ([]cobra.Completion, error) {
	schedules, err := l.Schedules(ctx, on)
	var list []cobra.Completion
	for i := range schedules {
		s := &schedules[i]
		if strings.HasPrefix(s.ID, begun) && len(list) < maxCompletions {
			list = append(list, cobra.CompletionWithDesc(s.ID, fmt.Sprintf("%s every %s, %s", s.Amount, s.Every, s.State)))
		}
	}
	return list, err
}
