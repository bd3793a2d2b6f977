package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

func (a *app) settingsCommand() *cobra.Command {
	var grace, repay, overdraft, settlement, maxHold string
	var replace bool
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "Show or change the ledger's settings",
		Long: `Show the ledger's settings, or change those that are given. They decide what an operation
leaves open, such as whether a charge may become a debt.

The settings are kept in the ledger, for all programs that work on it. A change counts
for operations from then on. A program that is running notices it within ten seconds.

A ledger whose settings are lost, as verify and recover say, refuses work until --replace
stores others: those given, and the defaults for the rest.`,
		Example: `  creditledger grant cus_1 100
  creditledger settings
  creditledger settings --overdraft reject --settlement 90d
  creditledger settings --replace --overdraft reject
  creditledger settings --json`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			var p parser
			s := opsfile.Settings{
				Replace:    replace,
				Repay:      word(&p, "--repay", repay, creditledger.ParseRepay),
				Overdraft:  word(&p, "--overdraft", overdraft, creditledger.ParseOverdraft),
				Settlement: p.window("--settlement", settlement, time.Microsecond),
				MaxHold:    p.window("--max-hold", maxHold, time.Microsecond),
			}
			if d := p.window("--grace", grace, 0); grace != "" {
				s.GracePeriod = &d
			}
			if p.err != nil {
				return p.err
			}
			want := toChange
			if s == (opsfile.Settings{}) {
				want = toRead
			}
			return a.withLedger(cmd.Context(), want, func(l *creditledger.Ledger) error {
				answer := opsfile.Execute(cmd.Context(), l, nil, opsfile.Request{Op: "settings", Args: s})
				return a.show(&answer, func(out io.Writer) { a.writeSettings(out, answer.Result.(creditledger.Settings)) })
			})
		}),
	}
	a.dbFlag(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&replace, "replace", false, "store them whatever is stored: what is not given gets its default")
	flags.StringVar(&grace, "grace", "", "the `PERIOD` for which entries are pending, such as 1h; 0 for none")
	flags.StringVar(&repay, "repay", "", "`WORD`: first (default) or never, whether a grant repays debts first")
	flags.StringVar(&overdraft, "overdraft", "", "`WORD`: allow (default), reject or stop_at_zero, for what no block covers of a charge")
	flags.StringVar(&settlement, "settlement", "", "the `PERIOD` for which usage may be reported late, 60d by default")
	flags.StringVar(&maxHold, "max-hold", "", "the `PERIOD` that a hold may last, 1d by default")
	completeWords(cmd, "repay", "first", "never")
	completeWords(cmd, "overdraft", "allow", "reject", "stop_at_zero")
	return cmd
}

func (a *app) writeSettings(out io.Writer, s creditledger.Settings) {
	line := func(what, value string) { fmt.Fprintf(out, "  %-13s %s\n", what, value) }
	line("grace period", windowText(s.GracePeriod))
	line("repay", s.Repay.String())
	line("overdraft", s.Overdraft.String())
	line("settlement", windowText(s.Settlement))
	line("longest hold", windowText(s.MaxHold))
}

const oneDay = 24 * time.Hour

// windowText is a length of time as window reads it: 60d, 1h30m.
func windowText(d time.Duration) string {
	if d > 0 && d%oneDay == 0 {
		return fmt.Sprintf("%dd", d/oneDay)
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// window reads a length of time, such as 1h30m or 60d, that is not less than least; 0 for
// "".
func (p *parser) window(name, text string, least time.Duration) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n uint64
		if n, err = strconv.ParseUint(days, 10, 16); err == nil {
			d = time.Duration(n) * oneDay
		}
	}
	switch {
	case err != nil:
		p.fail(name, fmt.Errorf("%q is no length of time such as 90d, 36h or 1h30m", text))
	case d < least || d > creditledger.MaxWindow:
		p.fail(name, fmt.Errorf("%s is not from %s to %s", text, windowText(least), windowText(creditledger.MaxWindow)))
	}
	return d
}
