package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"creditledger"
)

// emptyMeans is the annotation of a flag for which the empty text is a value.
const emptyMeans = "creditledger_empty"

// mayBeEmpty says of flags that the empty text is a value; their usage says which.
func mayBeEmpty(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		_ = cmd.Flags().SetAnnotation(name, emptyMeans, []string{"a value"})
	}
}

// refuseEmpty refuses what was given and is empty. It is most often a shell variable that
// was not set, and must not silently mean the default. The default of --expires is never;
// the default of invoice pay --payment is that the invoice was paid elsewhere.
func refuseEmpty(cmd *cobra.Command, args []string) error {
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if err == nil && f.Annotations[emptyMeans] == nil && slices.Contains(values, "") {
			err = &flagError{"--" + f.Name, errors.New("it is empty: give a value, or leave the flag out")}
		}
	})
	if i := slices.Index(args, ""); err == nil && i >= 0 {
		_, takes, _ := strings.Cut(cmd.Use, " ")
		err = &flagError{fmt.Sprintf("argument %d of %s", i+1, takes), errors.New("it is empty")}
	}
	return err
}

// explainFlag puts an error of cobra about a flag into plain words.
func explainFlag(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		return &flagError{"--" + value.GetFlag().Name, fmt.Errorf("%q is not %s", value.GetValue(), kindOf(value.GetFlag()))}
	case errors.As(err, &unknown) && strings.IndexAny(unknown.GetSpecifiedShortnames(), ".0123456789") == 0:
		number := "-" + unknown.GetSpecifiedShortnames()
		return fmt.Errorf("%s is taken for a flag: amounts are positive; write -- in front of anything else that begins with -, as in -- %s", number, number)
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		return fmt.Errorf("%w%s", err, similarFlags(cmd, unknown.GetSpecifiedName()))
	}
	return err
}

// similarFlags asks whether another flag was meant. cobra knows which subcommands are
// called similarly, so the flags are given to it as such.
func similarFlags(cmd *cobra.Command, name string) string {
	flags := &cobra.Command{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	return didYouMean(flags, name, "--")
}

// kindOf says what kind of value a flag takes if it is not a text.
func kindOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "true or false"
	case "int32":
		return "a whole number of 32 bits"
	}
	return "a whole number"
}

// inOwnWords changes the field in an error to the name on the command line, because the
// ledger names fields by the keys of operations files. A subcommand whose request is in a
// FILE keeps these keys.
func inOwnWords(cmd *cobra.Command, text string, err error) string {
	if strings.Contains(cmd.Use, "FILE") {
		return text
	}
	var wrong *creditledger.InvalidError
	var other *creditledger.IdempotencyMismatchError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		reason := compoundKey.ReplaceAllStringFunc(wrong.Reason, func(key string) string { return ownName(cmd, key) })
		return strings.Replace(text, wrong.Error(), "invalid "+ownName(cmd, wrong.Field)+": "+sentence(reason), 1)
	case errors.As(err, &other) && other.Field != "":
		own := strings.TrimSuffix(other.Error(), other.Field) + ownName(cmd, other.Field)
		return strings.Replace(text, other.Error(), own, 1)
	}
	return text
}

// compoundKey matches a key that is no English word.
var compoundKey = regexp.MustCompile(`\b[a-z]+(_[a-z]+)+\b`)

// ownNames are the flags and arguments whose names are not those of their keys. The name
// that a subcommand is more likely to have comes first.
var ownNames = map[string][]string{
	"amount":                      {"AMOUNT", "MONEY", "add", "take", "amount"},
	"block_id":                    {"BLOCK", "block"},
	"change_id":                   {"CHANGE"},
	"credit_note_id":              {"CREDIT-NOTE"},
	"credits":                     {"CREDITS"},
	"currency":                    {"currency", "invoice-currency"},
	"custom_due_date":             {"due"},
	"customer_id":                 {"CUSTOMER"},
	"decline_code":                {"decline-code"},
	"effective_date":              {"effective"},
	"entry_status":                {"status"},
	"entry_type":                  {"type"},
	"expiry_date":                 {"expires", "expiring"},
	"external_customer_id":        {"external-id", "external-customer-id"},
	"failed_reason":               {"code"},
	"filters":                     {"item", "exclude-item"},
	"id":                          {"CUSTOMER"},
	"idempotency_key":             {"key"},
	"invoice_id":                  {"INVOICE", "invoice"},
	"invoice_settings.currency":   {"invoice-currency"},
	"item_id":                     {"item", "invoice-item"},
	"metadata":                    {"meta", "unset-meta"},
	"minimum_amount":              {"min"},
	"overdraft_limit":             {"limit"},
	"payment_id":                  {"payment"},
	"per_unit_cost_basis":         {"cost-basis"},
	"previously_collected_amount": {"collected"},
	"price_id":                    {"price"},
	"target_expiry_date":          {"to"},
	"to":                          {"TO"},
	"tax":                         {"AMOUNT"},
	"tax_percent":                 {"tax"},
	"received_at":                 {"received"},
	"schedule_id":                 {"SCHEDULE"},
	"void_reason":                 {"reason"},
}

// ownName is a key's name on the command line, the key itself if it has none there.
func ownName(cmd *cobra.Command, key string) string {
	names := slices.Clip(ownNames[key])
	last := key[strings.LastIndex(key, ".")+1:] // as of invoice_settings.net_terms
	if last != key {
		names = append(names, strings.ReplaceAll(last, "_", "-"))
	}
	names = append(append(names, ownNames[last]...), strings.ReplaceAll(last, "_", "-"))
	for _, name := range names { // a flag that was given is more likely to be the wrong one
		if cmd.Flags().Changed(name) {
			return "--" + name
		}
	}
	for _, name := range names {
		switch {
		case cmd.Flags().Lookup(name) != nil:
			return "--" + name
		case slices.Contains(strings.FieldsFunc(cmd.Use, func(r rune) bool { return strings.ContainsRune(" [].", r) }), name):
			return name
		}
	}
	return key
}
