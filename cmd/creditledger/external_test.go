package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExternalCustomers: whatever takes a customer takes the id that another system has for
// them, and does the same.
func TestExternalCustomers(t *testing.T) {
	lines := []string{
		"grant cus_1 100 --block-id b --key k1", "spend cus_1 5 --key k2", "hold cus_1 h 5", "holds cus_1", "release cus_1 h", "transfer cus_1 cus_2 5 --key k3",
		"purchase cus_1 10 --cost-basis 1 --net-terms 0 --auto-collection true --invoice-id i --key k4", "invoice list cus_1", "state cus_1 --json",
		"customer-balance cus_1 --json", "balance cus_1", "blocks cus_1", "entries cus_1", "sweep cus_1", "verify cus_1", "erase cus_1",
	}
	run := func(external bool) string {
		s := newSession(t)
		var all strings.Builder
		s.must("customer", "set", "cus_1", "--external-id", "crm-7", "--currency", "USD")
		s.must("customer", "set", "cus_2", "--external-id", "crm-8")
		for _, line := range lines {
			if external {
				line = strings.NewReplacer("cus_1", "crm-7", "cus_2", "crm-8").Replace(line) + " --external-customer-id"
			}
			all.WriteString(s.must(strings.Fields(line)...))
		}
		return all.String()
	}
	own, external := plainWords(run(false)), plainWords(run(true))
	if own != external {
		t.Errorf("by their own ids:\n%s\nby those elsewhere:\n%s", own, external)
	}
}

// plainWords are a text without ids that are made and instants.
func plainWords(text string) string {
	var kept []string
	for _, w := range strings.Fields(text) {
		if !strings.ContainsAny(w, "0123456789") || len(w) < 6 {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// TestExternalCustomersEverywhere: every subcommand that takes a customer has the flag, and
// refuses an id elsewhere that nobody has, and the flag without a customer.
func TestExternalCustomersEverywhere(t *testing.T) {
	s := newSession(t)
	s.must("customer", "set", "cus_1", "--external-id", "crm-7")
	a := &app{in: strings.NewReader(""), out: new(bytes.Buffer), err: new(bytes.Buffer)}
	eachSubcommand(a.rootCommand(), func(name string, cmd *cobra.Command) {
		takes := strings.Contains(cmd.Use, "CUSTOMER") && !strings.HasPrefix(name, "customer ")
		if has := cmd.Flags().Lookup(externalFlag) != nil; has != takes {
			t.Errorf("%s: has the flag: %t, takes a customer: %t", name, has, takes)
		}
	})
	if _, out, status := s.run("balance", "cus_1", "--external-customer-id"); status != 3 || !strings.Contains(out, `external customer id "cus_1" not found`) {
		t.Error(status, out)
	}
	if _, out, status := s.run("sweep", "--external-customer-id"); status != 2 || !strings.Contains(out, "it goes with a CUSTOMER") {
		t.Error(status, out)
	}
}
