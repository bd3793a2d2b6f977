package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

func (a *app) customerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "customer",
		Short: "Record a customer's name, time zone and currency",
		Long: `Record a customer, show one, or list them.

Customers are optional: an account works without one, in UTC. The time zone decides
when a date such as 2030-01-01 begins.`,
		Example: `  creditledger customer set cus_1 --timezone America/Los_Angeles --name "Ada"
  creditledger customer show cus_1
  creditledger customer list`,
	}
	cmd.AddCommand(a.customerSetCommand(), a.customerShowCommand(), a.customerListCommand())
	return group(cmd, "customer needs set or show and a CUSTOMER, or list")
}

func (a *app) customerSetCommand() *cobra.Command {
	var externalID, name, email, timezone, currency, address, taxID string
	var meta, unset []string
	var clear bool
	cmd := &cobra.Command{
		Use:   "set CUSTOMER",
		Short: "Record a customer, or change what is given",
		Long: `Record a customer, or change what is given and leave the rest.

The external id cannot change once it is set. A change of
the time zone does not move dates that were given before.`,
		Example: `  creditledger customer set cus_1 --timezone Asia/Tokyo --currency JPY
  creditledger customer set cus_1 --meta plan=gold --unset-meta trial`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			given := func(flag string, value *string) *string {
				if cmd.Flags().Changed(flag) {
					return value
				}
				return nil
			}
			changed, err := metadataChange(meta, unset)
			if err != nil {
				return err
			}
			u := creditledger.CustomerUpdate{
				ID: args[0], ExternalID: given("external-id", &externalID), Name: given("name", &name),
				Email: given("email", &email), Timezone: given("timezone", &timezone),
				BillingAddress: given("billing-address", &address), TaxID: given("tax-id", &taxID),
				Currency: given("currency", &currency), ClearMetadata: clear, Metadata: changed,
			}
			return a.withLedger(cmd.Context(), toCreate, func(l *creditledger.Ledger) error {
				c, err := l.PutCustomer(cmd.Context(), u)
				return a.showCustomer(&c, err, a.quiet)
			})
		}),
	}
	a.dbFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&externalID, "external-id", "", "the customer's `ID` elsewhere")
	flags.StringVar(&name, "name", "", "`NAME` (empty: none)")
	flags.StringVar(&email, "email", "", "e-mail `ADDRESS` (empty: none)")
	flags.StringVar(&timezone, "timezone", "", "IANA time `ZONE`, such as Europe/Rome")
	flags.StringVar(&currency, "currency", "", "the `CURRENCY` the customer is invoiced in, such as USD")
	flags.StringArrayVar(&meta, "meta", nil, "metadata `KEY=VALUE`; may be repeated")
	flags.StringArrayVar(&unset, "unset-meta", nil, "metadata `KEY` to remove; may be repeated")
	flags.BoolVar(&clear, "clear-meta", false, "remove all metadata first")
	flags.StringVar(&address, "billing-address", "", "the `ADDRESS` on invoices, of one line or more (empty: none)")
	flags.StringVar(&taxID, "tax-id", "", "the customer's tax `ID` on invoices (empty: none)")
	mayBeEmpty(cmd, "name", "email", "billing-address", "tax-id")
	return cmd
}

func (a *app) customerShowCommand() *cobra.Command {
	var external string
	cmd := &cobra.Command{
		Use:   "show [CUSTOMER]",
		Short: "Show what is recorded of a customer",
		Example: `  creditledger customer set cus_1 --name "Ada" --external-id crm-7
  creditledger customer show cus_1
  creditledger customer show --external-id crm-7 --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (external != "") {
				return &statusError{statusUsage, errors.New("customer show needs a CUSTOMER or --external-id, and not both")}
			}
			return a.withLedger(cmd.Context(), toRead, func(l *creditledger.Ledger) error {
				if external != "" {
					c, err := l.CustomerByExternalID(cmd.Context(), external)
					return a.showCustomer(&c, err, false)
				}
				c, err := l.Customer(cmd.Context(), args[0])
				return a.showCustomer(&c, err, false)
			})
		}),
	}
	a.dbFlag(cmd)
	cmd.Flags().StringVar(&external, "external-id", "", "the customer whose `ID` elsewhere this is")
	return cmd
}

func (a *app) customerListCommand() *cobra.Command {
	var q opsfile.Customers
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the customers by id",
		Long: `List the customers by id, deleted ones too.

A long list comes in pages: the last line of a page names the --after of the next.`,
		Example: `  creditledger customer set cus_1 --name "Ada"
  creditledger customer list
  creditledger customer list --after cus_0 --limit 10 --json`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			var p parser
			if q.Limit = p.limit("--limit", q.Limit); p.err != nil {
				return p.err
			}
			return a.withLedger(cmd.Context(), toRead, func(l *creditledger.Ledger) error {
				answer := opsfile.Execute(cmd.Context(), l, nil, opsfile.Request{Op: "customers", Args: q})
				return a.show(&answer, func(out io.Writer) { a.writeCustomers(out, answer.Result.(opsfile.CustomerPage)) })
			})
		}),
	}
	a.dbFlag(cmd)
	cmd.Flags().StringVar(&q.After, "after", "", "those behind this `CUSTOMER`")
	cmd.Flags().IntVar(&q.Limit, "limit", 100, "`NUMBER` of customers on a page, up to 1000")
	return cmd
}

func (a *app) writeCustomers(out io.Writer, page opsfile.CustomerPage) {
	if len(page.Customers) == 0 {
		fmt.Fprintln(out, "No customers.")
		return
	}
	t := a.newTable("CUSTOMER", "+EXTERNAL ID", "+NAME", "+E-MAIL", "ZONE", "+CURRENCY", "CREATED", "+DELETED")
	for i := range page.Customers {
		c, deleted := &page.Customers[i], ""
		if !c.DeletedAt.IsZero() {
			deleted = a.when(c.DeletedAt)
		}
		t.add(c.ID, c.ExternalID, c.Name, c.Email, c.Timezone, c.Currency, a.when(c.CreatedAt), deleted)
	}
	t.write(out)
	if page.Next != "" && !a.quiet {
		fmt.Fprintf(out, "More: --after %s\n", shellWord(page.Next))
	}
}

// customerObject is a customer under the names of operations files.
type customerObject struct {
	Op         string            `json:"op"`
	ID         string            `json:"id"`
	ExternalID *string           `json:"external_customer_id"`
	Name       *string           `json:"name"`
	Email      *string           `json:"email"`
	Timezone   string            `json:"timezone"`
	Currency   *string           `json:"currency"`
	Metadata   map[string]string `json:"metadata"`
	CreatedAt  string            `json:"created_at"`
	Address    *string           `json:"billing_address"`
	TaxID      *string           `json:"tax_id"`
}

func (a *app) showCustomer(c *creditledger.Customer, err error, silent bool) error {
	switch {
	case err != nil:
		return err
	case a.json:
		optional := func(s string) *string {
			if s == "" {
				return nil
			}
			return &s
		}
		o := customerObject{"customer", c.ID, optional(c.ExternalID), optional(c.Name), optional(c.Email),
			c.Timezone, optional(c.Currency), c.Metadata, c.CreatedAt.String(), optional(c.BillingAddress), optional(c.TaxID)}
		if o.Metadata == nil {
			o.Metadata = map[string]string{}
		}
		return a.printJSON(o)
	case silent:
		return nil
	}
	return a.writeCustomer(a.out, c)
}

func (a *app) writeCustomer(out io.Writer, c *creditledger.Customer) error {
	var text strings.Builder
	line := func(what, value string) {
		if value != "" {
			fmt.Fprintf(&text, "  %-12s %s\n", what, oneLine(value))
		}
	}
	line("customer", c.ID)
	line("external id", c.ExternalID)
	line("name", c.Name)
	line("e-mail", c.Email)
	line("time zone", c.Timezone)
	line("currency", c.Currency)
	line("address", strings.ReplaceAll(c.BillingAddress, "\n", ", "))
	line("tax id", c.TaxID)
	for _, key := range slices.Sorted(maps.Keys(c.Metadata)) {
		line("meta", key+"="+c.Metadata[key])
	}
	line("created", a.when(c.CreatedAt))
	_, err := io.WriteString(out, text.String())
	return err
}
