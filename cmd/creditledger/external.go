package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
)

const externalFlag = "external-customer-id"

// externalCustomers gives every subcommand that takes a CUSTOMER the flag that says that the
// customer is named by its id elsewhere. That of a customer is set and shown by flags of its own.
func (a *app) externalCustomers(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.Name() != "customer" {
			a.externalCustomers(c)
		}
	}
	if len(customersAmong(cmd)) > 0 {
		cmd.Flags().BoolVar(&a.external, externalFlag, false, "customers are named by their ids elsewhere")
	}
}

// customersAmong are the places of customers among the arguments of a command.
func customersAmong(cmd *cobra.Command) (places []int) {
	for i, name := range strings.Fields(cmd.Use)[1:] {
		if slices.Contains([]string{"CUSTOMER", "[CUSTOMER]", "TO"}, name) {
			places = append(places, i)
		}
	}
	return places
}

// ownCustomers are arguments in which customers that were named by their ids elsewhere are
// named by their own.
func (a *app) ownCustomers(cmd *cobra.Command, args []string) ([]string, error) {
	if !a.external {
		return args, nil
	}
	args = slices.Clone(args)
	places := customersAmong(cmd)
	if len(args) <= places[0] {
		return nil, &flagError{"--" + externalFlag, errors.New("it goes with a CUSTOMER")}
	}
	return args, a.withLedger(cmd.Context(), toRead, func(l *creditledger.Ledger) error {
		for _, i := range places {
			c, err := l.CustomerByExternalID(cmd.Context(), args[i])
			if err != nil {
				return err
			}
			args[i] = c.ID
		}
		return nil
	})
}
