package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"
)

// tooWide returns the first line of a text that does not fit the screen.
func tooWide(text string) string {
	for line := range strings.Lines(text) {
		if uniseg.StringWidth(strings.TrimSuffix(line, "\n")) > screen {
			return line
		}
	}
	return ""
}

// TestTablesFitTheScreen: with ids that are made, a clock that shows microseconds and
// amounts as long as money gets, in any locale, tables have 80 columns at most. What is
// cut is there with --precise.
func TestTablesFitTheScreen(t *testing.T) {
	s := newSession(t)
	at := s.clock.Instant().Add(123456 * time.Microsecond)
	if err := s.clock.Set(at); err != nil {
		t.Fatal(err)
	}
	s.must("customer", "set", "customer-of-ours-1", "--currency", "USD")
	s.must("seller", "--locale", "de")
	s.must("grant", "customer-of-ours-1", "1234567.000001", "--expires", "2031-01-01T10:11:12.131415Z", "--item", "a rather long name of an item", "--priority", "7", "--cost-basis", "0.25", "--description", strings.Repeat("many words ", 20))
	s.must("grant", "customer-of-ours-1", "100", "--require-payment", "--effective", "2030-01-01T00:00:01Z")
	s.must("spend", "customer-of-ours-1", "3.5", "--item", "a rather long name of an item", "--price", "price-1", "--invoice", "invoice-1")
	s.must("purchase", "customer-of-ours-1", "900000", "--cost-basis", "1.25", "--net-terms", "30", "--auto-collection", "true")
	s.must("customer-balance", "customer-of-ours-1", "--add", "1234567.89", "--description", "for the trouble with the invoice of June")
	block := regexp.MustCompile(`…[0-9a-f]{8}`).FindString(s.must("blocks", "customer-of-ours-1"))
	s.must("extend", "customer-of-ours-1", block, "--to", "2032-01-01T10:11:12.131415Z", "--amount", "10")
	for _, args := range [][]string{
		{"entries"}, {"blocks"}, {"blocks", "--all"}, {"balance"}, {"balance", "--item", "a rather long name of an item"}, {"invoice", "list"}, {"state"}, {"customer-balance"},
	} {
		n := 1
		if args[0] == "invoice" {
			n = 2
		}
		line := slices.Insert(slices.Clone(args), n, "customer-of-ours-1")
		out := s.must(line...)
		if wide := tooWide(out); wide != "" {
			t.Errorf("%v: %s", line, wide)
		}
		if strings.Contains(out, ".123456") {
			t.Errorf("%v shows microseconds:\n%s", line, out)
		}
		if args[0] == "entries" && !strings.Contains(s.must(append(line, "--precise")...), "2000-01-01 00:00:00.123456") {
			t.Errorf("%v --precise shows no microseconds", line)
		}
	}
	if out := s.must("explain", "customer-of-ours-1", "2", "--item", "a rather long name of an item"); tooWide(out) != "" {
		t.Error(out)
	}
	if out := s.must("invoice", "list", "customer-of-ours-1"); !strings.Contains(out, "1.125.000,00\u00a0$") || !strings.Contains(out, " 2000-01-01  2000-01-31 ") {
		t.Errorf("not as the invoice shows it:\n%s", out)
	}
}

// TestPointsStandInOneLine: decimal numbers of a column have their points below each
// other.
func TestPointsStandInOneLine(t *testing.T) {
	var out bytes.Buffer
	table := new(app).newTable("ID", ".AMOUNT", "NOTE")
	table.add("a", "1", "x")
	table.add("b", "-20.125", "y")
	table.add("c", "", "")
	table.add("d", "1000.5", "z")
	table.write(&out)
	const want = "  ID    AMOUNT  NOTE\n  a      1      x\n  b    -20.125  y\n  c\n  d   1000.5    z\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

// TestWideTablesMoveColumns: what does not fit stands below its row, the last column
// first, under its name.
func TestWideTablesMoveColumns(t *testing.T) {
	var out bytes.Buffer
	long := strings.Repeat("l", 40)
	table := new(app).newTable("ID", "+EXPIRES", "+STATE", "+"+noteHead)
	table.add(long, long, "open", strings.Repeat("note ", 20))
	table.add("b", "", "", "short")
	table.write(&out)
	if tooWide(out.String()) != "" || !strings.Contains(out.String(), "      expires "+long+"; state open;") || !strings.Contains(out.String(), "\n      short\n") {
		t.Errorf("got\n%s", &out)
	}
}

// TestHelpFitsTheScreen: no line of any help is wider than 80 columns.
func TestHelpFitsTheScreen(t *testing.T) {
	s := newSession(t)
	s.db = "credits.db"
	root := (&app{out: &bytes.Buffer{}, err: &bytes.Buffer{}}).rootCommand()
	if wide := tooWide(s.must("--help")); wide != "" {
		t.Error(wide)
	}
	eachSubcommand(root, func(name string, cmd *cobra.Command) {
		if first, _, _ := strings.Cut(name, " "); first == "completion" && name != "completion" {
			return // cobra's own text
		}
		out := s.must(append(strings.Fields(name), "--help")...)
		if wide := tooWide(out); wide != "" || strings.Contains(out, "`") {
			t.Errorf("%s: %s", name, wide)
		}
	})
}

// TestCompletion: shells complete the words that flags know, customers, blocks and
// invoices of the ledger, and nothing where a value is free; flags explain themselves
// without quotes.
func TestCompletion(t *testing.T) {
	s := newSession(t)
	s.must("grant", "ada", "10", "--block-id", "gift")
	s.must("grant", "ada", "10", "--block-id", "other", "--currency", "USD")
	s.must("grant", "adam", "10")
	s.must("hold", "adam", "job", "4")
	s.must("schedule", "make", "adam", "plan", "5", "--every", "month", "--start", "9000-01-01")
	s.must("purchase", "bob", "10", "--cost-basis", "1", "--invoice-currency", "USD", "--net-terms", "1", "--auto-collection", "true", "--invoice-id", "inv_1")
	for _, c := range []struct {
		line string // the last word is begun
		want []string
	}{
		{"spend ada 1 --overdraft ", []string{"allow", "reject", "stop_at_zero"}},
		{"entries ada --type ", []string{"increment", "decrement", "expiration_change", "credit_block_expiry", "void_initiated", "void", "amendment"}},
		{"entries ada --status ", []string{"committed", "pending"}},
		{"invoice list bob --status ", []string{"draft", "issued", "paid", "void", "synced", "deleted"}},
		{"grant ada 1 --source ", []string{"manual", "allocation", "top_up", "commitment"}},
		{"grant ada 1 --repay ", []string{"first", "never"}},
		{"purchase ada 1 --auto-collection ", []string{"true", "false"}},
		{"apply --clock ", []string{"manual"}},
		{"void ada gift 1 --reason ", []string{"refund"}},
		{"balance ", []string{"ada", "adam", "bob"}},
		{"balance adam", []string{"adam"}},
		{"balance ada --currency ", []string{"USD", "credits"}},
		{"void ada ", []string{"gift\tholds 10, expires never"}},
		{"void ada o", nil},
		{"void ada --currency USD o", []string{"other\tholds 10, expires never"}},
		{"capture adam ", []string{"job\tholds 4"}},
		{"schedule change adam p", []string{"plan\t5 every 1 month, active"}},
		{"schedule make adam p 1 --every ", []string{"day", "week", "month", "year"}},
		{"invoice show i", []string{"inv_1"}},
		{"grant ada 1 --description ", nil},
		{"balance ada ", nil},
	} {
		words := strings.Split(c.line, " ")
		out := s.must(append([]string{"__complete"}, words...)...)
		got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if directive := got[len(got)-1]; directive != ":4" {
			t.Errorf("%q: directive %s", c.line, directive)
		}
		if got = got[:len(got)-1]; !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%q is completed by %q, not %q", c.line, got, c.want)
		}
	}
	if out := s.must("__complete", "backup", ""); !strings.HasSuffix(out, ":0\n") { // files
		t.Error(out)
	}
	if out := s.must("__complete", "grant", "--"); strings.Contains(out, "`") || !strings.Contains(out, "--expires\tthe DATE when") {
		t.Error(out)
	}
	s.db = s.dir + "/none.db"
	if out := s.must("__complete", "balance", ""); out != ":4\n" {
		t.Error(out)
	}
}
