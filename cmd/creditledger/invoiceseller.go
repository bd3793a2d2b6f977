package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/invoice"
	"creditledger/opsfile"
)

func (a *app) sellerCommand() *cobra.Command {
	var f sellerFlags
	cmd := &cobra.Command{
		Use:   "seller",
		Short: "Show or set name, number prefix, tax and language of invoices",
		Long: `Show the settings that invoices are made by, or set those that are given. They are kept
in the ledger and hold for every program that opens it.

Invoice numbers go on counting under a new prefix. The tax is a percentage of the net of
every line; without one the taxes of an invoice are not known. Name, address and tax id
stand on invoices as they are when these are issued.`,
		Example: `  creditledger seller --number-prefix ACME- --tax 8 --locale de
  creditledger seller --name "Acme GmbH" --tax-id DE123456789 --prices-include-tax=true
  creditledger seller`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			s, err := f.given(cmd)
			if err != nil {
				return err
			}
			want, given := toRead, s != opsfile.Seller{}
			if given {
				want = toCreate
			}
			return a.withLedger(cmd.Context(), want, func(l *creditledger.Ledger) error {
				answer := opsfile.Execute(cmd.Context(), l, nil, opsfile.Request{Op: "seller", Args: s})
				return a.show(&answer, func(out io.Writer) {
					if settings, ok := answer.Result.(invoice.Settings); ok && !(given && a.quiet) {
						writeSettings(out, settings)
					}
				})
			})
		}),
	}
	a.dbFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.prefix, "number-prefix", "", "the `TEXT` in front of invoice numbers (empty: INV-)")
	flags.StringVar(&f.item, "credits-item", "", "the `NAME` of sold credits on invoices (empty: Credits)")
	flags.StringVar(&f.tax, "tax", "", "the tax in `PERCENT`, or none: not known")
	flags.StringVar(&f.locale, "locale", "", "the `LANGUAGE` that money is written in, such as de or pt-BR (empty: English)")
	flags.StringVar(&f.name, "name", "", "the seller's `NAME` on invoices (empty: none)")
	flags.StringVar(&f.address, "address", "", "the seller's `ADDRESS`, of one line or more (empty: none)")
	flags.StringVar(&f.taxID, "tax-id", "", "the seller's tax `ID` (empty: none)")
	flags.BoolVar(&f.included, "prices-include-tax", false, "prices hold the tax, which is taken out of them")
	flags.StringVar(&f.pay, "credits-pay", "", "what prepaid credits pay, a `WORD`: net (default), or total with its tax")
	completeWords(cmd, "credits-pay", "net", "total")
	mayBeEmpty(cmd, "number-prefix", "credits-item", "locale", "name", "address", "tax-id", "credits-pay")
	return cmd
}

// sellerFlags are the values of the flags of seller.
type sellerFlags struct {
	prefix, item, tax, locale, name, address, taxID, pay string
	included                                             bool
}

// given are the settings whose flags are given.
func (f *sellerFlags) given(cmd *cobra.Command) (s opsfile.Seller, err error) {
	changed := cmd.Flags().Changed
	for _, v := range []struct {
		flag string
		from *string
		to   **string
	}{
		{"number-prefix", &f.prefix, &s.Prefix}, {"credits-item", &f.item, &s.Item}, {"locale", &f.locale, &s.Locale},
		{"name", &f.name, &s.Name}, {"address", &f.address, &s.Address}, {"tax-id", &f.taxID, &s.TaxID},
	} {
		if changed(v.flag) {
			*v.to = v.from
		}
	}
	if changed("prices-include-tax") {
		s.PricesIncludeTax = &f.included
	}
	if changed("credits-pay") {
		word := invoice.CreditsPay(f.pay)
		s.CreditsPay = &word
	}
	switch {
	case !changed("tax"):
	case f.tax == "none":
		s.NoTax = true
	default:
		var p parser
		percent := p.amount("--tax", f.tax)
		s.TaxPercent, err = &percent, p.err
	}
	return s, err
}

func writeSettings(out io.Writer, s invoice.Settings) {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return oneLine(text)
	}
	tax := "not known"
	if s.TaxPercent != nil {
		tax = s.TaxPercent.String() + "%"
	}
	if s.TaxPercent != nil && s.PricesIncludeTax {
		tax += ", included in prices"
	}
	for _, f := range [][2]string{
		{"Name", oneLine(s.Name)}, {"Address", oneLine(strings.ReplaceAll(s.Address, "\n", ", "))}, {"Tax id", oneLine(s.TaxID)},
		{"Number prefix", or(s.NumberPrefix, "INV-")}, {"Credits item", or(s.CreditsItem, "Credits")}, {"Tax", tax},
		{"Credits pay", string(s.CreditsPay)}, {"Locale", or(s.Locale, "en")},
	} {
		if f[1] != "" {
			fmt.Fprintf(out, "%-14s %s\n", f[0], f[1])
		}
	}
}
