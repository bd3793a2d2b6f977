package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

// step is one scene of the demo: what is told, when it happens, and the command line
// that is shown and carried out.
type step struct {
	tell    string
	at      time.Time // zero: no time has passed
	args    []string
	refused bool
}

func day(year int, month time.Month, date int) time.Time {
	return time.Date(year, month, date, 17, 0, 0, 0, time.UTC)
}

var demoSteps = []step{
	{tell: "Ada is a customer in Los Angeles. Dates given for her mean days there.",
		at: day(2026, time.January, 5), args: []string{"customer", "set", "ada", "--name", "Ada", "--timezone", "America/Los_Angeles"}},
	{tell: "She tries the service: 50 credits for nothing, until the end of January. They are a block of their own.",
		args: []string{"grant", "ada", "50", "--expires", "2026-02-01", "--block-id", "trial"}},
	{tell: "She likes it and buys 100 credits at 0.20 each, good for half a year.",
		at: day(2026, time.January, 9), args: []string{"grant", "ada", "100", "--expires", "2026-07-01", "--cost-basis", "0.20", "--block-id", "paid", "--description", "order 1001"}},
	{tell: "She uses 70. The block that expires first pays first, so the trial is drained before what she paid for.",
		at: day(2026, time.January, 12), args: []string{"spend", "ada", "70", "--key", "usage-7"}},
	{tell: "The network hiccups and the program sends the same request again. The key makes that harmless.",
		args: []string{"spend", "ada", "70", "--key", "usage-7"}},
	{tell: "A runaway job asks for 500. With --overdraft reject nothing is taken.",
		args: []string{"spend", "ada", "500", "--overdraft", "reject"}, refused: true},
	{tell: "She asks for more time: 30 of the paid credits move to a new block that lives until the next year.",
		at: day(2026, time.January, 20), args: []string{"extend", "ada", "paid", "--amount", "30", "--to", "2027-01-01", "--new-block-id", "extended"}},
	{tell: "She was charged too much: 8 credits go back to the block they came from.",
		at: day(2026, time.January, 21), args: []string{"amend", "ada", "trial", "8", "--description", "charged twice"}},
	{tell: "She returns 10 of the paid credits for a refund. A void writes two entries: asked for, and done.",
		at: day(2026, time.January, 22), args: []string{"void", "ada", "paid", "10", "--reason", "refund"}},
	{tell: "February comes. The 8 credits of the trial have expired, and no job had to run for that.",
		at: day(2026, time.February, 2), args: []string{"balance", "ada"}},
	{tell: "She uses 12 more. First the expiry is written down, at the instant it happened, then the spending.",
		at: day(2026, time.February, 3), args: []string{"spend", "ada", "12", "--description", "February usage"}},
	{tell: "This is what she has,",
		args: []string{"balance", "ada"}},
	{tell: "in these blocks, in the order they will be drawn.",
		args: []string{"blocks", "ada"}},
	{tell: "This is every entry there ever was, none of which is ever altered.",
		args: []string{"entries", "ada", "--asc"}},
	{tell: "And this replays them all and proves that nothing was lost, made up or changed.",
		args: []string{"verify"}},
}

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "demo",
		Short:   "Tell the whole story on a temporary ledger",
		Long:    `Tell the whole story of a customer's credits on a temporary ledger file, which is removed at the end.`,
		Example: `  creditledger demo`,
		Args:    cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context())
		}),
	}
}

// demo prints the story after it has removed its ledger, because printing ends the
// process if nobody reads the output.
func (a *app) demo(ctx context.Context) error {
	var story bytes.Buffer
	err := tellStory(ctx, &story)
	_, failed := a.out.Write(story.Bytes())
	return firstOf(err, failed)
}

func tellStory(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "creditledger-demo-")
	if err != nil {
		return fmt.Errorf("the demo finds no place for its ledger file: %w; set TMPDIR to a directory that you may write to", err)
	}
	defer func() { err = firstOf(err, os.RemoveAll(dir)) }()
	clock := &opsfile.Clock{}
	fmt.Fprintln(out, "The story of a customer's credits, on a ledger file that is removed at the end. Times are in UTC.")
	for i, s := range demoSteps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !s.at.IsZero() {
			if err := clock.Set(creditledger.InstantOf(s.at)); err != nil {
				return err
			}
			fmt.Fprintf(out, "\n%s\n", s.at.Format("2 January 2006"))
		}
		fmt.Fprintf(out, "\n%s\n$ creditledger %s\n", s.tell, commandLine(s.args))
		scene := &app{in: strings.NewReader(""), out: out, err: out, clock: clock.Now, defaultDB: filepath.Join(dir, "credits.db")}
		status := scene.run(ctx, s.args)
		if (status == statusRefused) != s.refused || (status != 0 && !s.refused) {
			return fmt.Errorf("the demo's step %d ended with status %d", i+1, status)
		}
	}
	_, err = fmt.Fprintln(out, "\nNow your own: creditledger grant CUSTOMER AMOUNT. It is kept in credits.db, here.")
	return err
}

func commandLine(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = shellWord(arg)
	}
	return strings.Join(words, " ")
}
