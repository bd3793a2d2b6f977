package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"creditledger"
)

// The money side from a sale to a refused payment, as it looks on a terminal.
func TestInvoices(t *testing.T) { checkInvoices(t, newSession(t)) }

// checkInvoicesCases are the cases of checkInvoices.
var checkInvoicesCases = []string{
	"@ 2026-01-10T12:00:00Z",
	"customer set cus_1 --currency USD --quiet",
	"purchase cus_1 100 --cost-basis 0.20 --net-terms 30",
	"purchase cus_1 100 --cost-basis 0.20 --net-terms 30 --auto-collection=true --due 2026-03-01",
	"purchase cus_1 100 --cost-basis 0.20 --net-terms 30 --auto-collection=true --require-payment --block-id order --invoice-id inv_1 --key order-1",
	"purchase cus_1 100 --cost-basis 0.20 --net-terms 30 --auto-collection=true --require-payment --block-id order --invoice-id inv_1 --key order-1",
	"state cus_1",
	"invoice start inv_1 --provider cards --provider-id ch_1 --key p1 --quiet",
	"invoice void inv_1 --key v0",
	"invoice fail inv_1 --payment ch_1 --code card_declined --key f1",
	"invoice start inv_1 --provider cards --provider-id ch_2 --key p2 --quiet",
	"invoice pay inv_1 --payment ch_2 --key s2",
	"invoice pay inv_1 --payment ch_2 --key s3 --quiet",
	"customer-balance cus_1 --add 1.50 --description goodwill --key gift",
	"@ 2026-02-05T00:00:00Z",
	"close-period cus_1 testdata/january.json --key jan",
	"close-period cus_1 testdata/january.json --key jan --quiet",
	"close-period cus_1 testdata/upgrade.json --key other",
	"invoice list cus_1",
	"invoice list cus_1 --status issued --json",
	"invoice void inv_jan --memo wrong --key v1 --quiet",
	"balance cus_1",
	"customer-balance cus_1",
	"change propose cus_1 testdata/upgrade.json --key c1",
	"change show chg_1",
	"change apply chg_1 --collected '3.00 USD' --key c2 --quiet",
	"change apply chg_1 --key c3",
	"change cancel chg_1 --key c4",
	"change show chg_1",
	"state cus_1",
	"state cus_1 --json",
	"invoice show inv_more",
	"invoice show nope",
	"invoice pay inv_more --note 'bank transfer' --key m1 --quiet",
	"invoice list cus_1",
	"seller",
	"seller --number-prefix ACME- --tax 8 --locale de",
	"seller --tax lots",
	"invoice draft cus_1 testdata/consulting.json --key d1",
	"invoice tax inv_draft 140 11.50 --key t1 --quiet",
	"invoice pay inv_draft --key m0",
	"invoice issue inv_draft --key i1",
	"invoice credit inv_draft '100.00 USD' --reason late --key n1 --quiet",
	"invoice credit inv_draft '1 EUR' --key n2",
	"invoice uncredit inv_draft nope --key n3",
	"invoice sync inv_draft --key y1 --quiet",
	"invoice pay inv_draft --key m2",
	"invoice refund inv_more 40 --key r1",
	"seller --tax none --json",
	"invoice",
	"change",
}

func checkInvoices(t *testing.T, s *session) {
	t.Helper()
	var out strings.Builder
	for _, line := range checkInvoicesCases {
		if at, ok := strings.CutPrefix(line, "@ "); ok {
			i, err := creditledger.ParseInstant(at)
			if err == nil {
				err = s.clock.Set(i)
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		fmt.Fprintln(&out, "$ creditledger "+line)
		s.execute(&out, "$ creditledger "+line)
	}
	golden(t, "testdata/invoices.golden", out.String())
	page := s.must("invoice", "show", "inv_1", "--html")
	golden(t, "testdata/invoice.html", page)
}

// What is shown of a credit note is enough to take it back.
func TestUncredit(t *testing.T) {
	s := newSession(t)
	s.must("purchase", "c", "10", "--cost-basis", "1", "--invoice-currency", "USD", "--net-terms", "1", "--auto-collection=true", "--invoice-id", "i")
	id := regexp.MustCompile(`(?m)^  INV-000001-CN1  (…\S+)$`)
	made := id.FindStringSubmatch(s.must("invoice", "credit", "i", "1 USD"))
	shown := id.FindStringSubmatch(s.must("invoice", "show", "i"))
	if made == nil || shown == nil || made[1] != shown[1] {
		t.Fatalf("made %q, shown %q", made, shown)
	}
	if out := s.must("invoice", "uncredit", "i", shown[1]); id.MatchString(out) || !strings.Contains(out, "(void)") {
		t.Errorf("taken back:\n%s", out)
	}
}

// A balance is shown with every transaction, however many there are.
func TestLongBalance(t *testing.T) {
	const n = creditledger.MaxPage + 1
	s := newSession(t)
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"op":"customer_balance","customer_id":"c","type":"increment","amount":"1 USD","idempotency_key":"k%d"}`+"\n", i)
	}
	s.must("apply", "--db", s.db, write(t, s.dir, "in.jsonl", lines.String()))
	if out := s.must("customer-balance", "c"); strings.Count(out, " increment ") != n || !strings.Contains(out, fmt.Sprintf("  %d  ", n)) {
		t.Errorf("%d transactions are shown", strings.Count(out, " increment "))
	}
	if out := s.must("customer-balance", "c", "--json"); strings.Count(out, `"type":"increment"`) != n {
		t.Errorf("%d transactions are in the object", strings.Count(out, `"type":"increment"`))
	}
}

// A file that is not what it should be is refused before anything is written.
func TestMoneyFiles(t *testing.T) {
	s := newSession(t)
	path := filepath.Join(t.TempDir(), "usage.json")
	for text, want := range map[string]string{
		"":                             "usage.json is not one JSON object with keys of the op close_period",
		"[]":                           "usage.json is not one JSON object",
		"{":                            "usage.json is not one JSON object with keys of the op close_period: unexpected end of JSON input",
		"{} {}":                        "usage.json is not one JSON object",
		"{\"a\":\"\xff\"}":             "usage.json is not valid UTF-8",
		"\ufeff{}":                     "usage.json begins with a byte-order mark: save it as UTF-8 without one",
		"{}":                           "is missing",
		`{"customer_id":"other"}`:      "is given twice",
		`{"lines":[],"nonsense":true}`: "is not a key of this operation",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, status := s.run("close-period", "cus_1", path, "--key", "k"); status != statusUsage || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, %s", text, status, stderr)
		}
	}
	if _, stderr, status := s.run("close-period", "cus_1", path+".none", "--key", "k"); status == 0 {
		t.Errorf("no file: %s", stderr)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "credits.db")); err == nil {
		t.Error("a refused request made a ledger file")
	}
}
