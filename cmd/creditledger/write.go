package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

// writeFlags are the flags that every writing subcommand has.
type writeFlags struct {
	key         string
	description string
	meta        []string
	preview     bool
}

func (w *writeFlags) add(cmd *cobra.Command) {
	w.addTold(cmd)
	cmd.Flags().BoolVar(&w.preview, "preview", false, "show what would be written, and write nothing")
}

// addTold adds the flags with the texts of the operation.
func (w *writeFlags) addTold(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&w.key, "key", "", "idempotency `KEY`: repeating the command with the same key does nothing twice")
	flags.StringVar(&w.description, "description", "", "a `NOTE` on the entries")
	flags.StringArrayVar(&w.meta, "meta", nil, "metadata `KEY=VALUE`; may be repeated")
}

// metadata reads the --meta flags.
func (w *writeFlags) metadata() (map[string]string, error) {
	if len(w.meta) == 0 {
		return nil, nil
	}
	m := make(map[string]string, len(w.meta))
	for _, pair := range w.meta {
		key, value, ok := strings.Cut(pair, "=")
		if _, twice := m[key]; !ok || twice {
			return nil, &flagError{"--meta " + pair, fmt.Errorf("give KEY=VALUE, each key once")}
		}
		m[key] = value
	}
	return m, nil
}

// metadataChange reads metadata that is put, as KEY=VALUE, and keys that are removed.
func metadataChange(put, unset []string) (map[string]*string, error) {
	pairs, err := (&writeFlags{meta: put}).metadata()
	if err != nil || len(pairs)+len(unset) == 0 {
		return nil, err
	}
	change := make(map[string]*string, len(pairs)+len(unset))
	for _, key := range unset {
		change[key] = nil
	}
	for key, value := range pairs {
		change[key] = &value
	}
	return change, nil
}

// onlyPreviewed is the first line of a preview.
const onlyPreviewed = "A preview; nothing was written. It would be:"

// write carries out an operation, or previews it, and prints what came of it.
func (a *app) write(cmd *cobra.Command, w *writeFlags, customer string, op creditledger.Operation, want access) error {
	r := opsfile.Request{Op: op.Name(), Account: a.account(customer), Key: creditledger.Key(w.key)}
	if w.preview {
		r.Op, want = "preview", toRead
	}
	return a.withLedger(cmd.Context(), want, func(l *creditledger.Ledger) error {
		whole, err := withWholeIDs(cmd.Context(), l, r.Account, op)
		if err != nil {
			return err
		}
		if r.Args = whole; w.preview {
			r.Args = opsfile.Preview{Operation: whole}
		}
		answer := opsfile.Execute(cmd.Context(), l, nil, r)
		return a.show(&answer, func(out io.Writer) {
			if !a.quiet || w.preview {
				a.writeResult(out, r.Account, answer.Result.(*creditledger.Result), w.preview)
			}
		})
	})
}

// show prints an answer: as JSON if that was asked for, else for people. The error of
// the answer is returned, for the caller to end with.
func (a *app) show(answer *opsfile.Answer, forPeople func(io.Writer)) error {
	var line []byte
	var err error
	switch {
	case a.json:
		line, err = answer.AppendJSON(nil)
	case answer.Err == nil:
		var text strings.Builder
		forPeople(&text)
		line = []byte(text.String())
	}
	if err == nil {
		a.told = a.json
		_, err = a.out.Write(line)
	}
	if answer.Err != nil {
		return answer.Err
	}
	return err
}

// doneBefore is the first line of a replay.
const doneBefore = "Done before under this key; nothing was written now. It was:"

// writeResult tells a person what an operation wrote.
func (a *app) writeResult(out io.Writer, on creditledger.AccountID, r *creditledger.Result, preview bool) {
	switch {
	case r.Replayed:
		fmt.Fprintln(out, doneBefore)
	case preview:
		fmt.Fprintln(out, onlyPreviewed)
	}
	switch {
	case r.Hold != nil:
		a.writeHolds(out, []creditledger.HoldInfo{*r.Hold})
	case r.Schedule != nil:
		a.writeSchedules(out, []creditledger.ScheduleInfo{*r.Schedule})
	}
	if n := len(r.Entries); n > 0 {
		fmt.Fprintf(out, "%s: %s → %s %s\n", on.Customer, r.Entries[0].Starting, r.Entries[n-1].Ending, on.Currency)
		a.writeEntries(out, r.Entries)
	} else if r.Hold == nil && r.Schedule == nil {
		fmt.Fprintln(out, "No entry was written.")
	}
	if r.Late {
		fmt.Fprintln(out, "The hold had lapsed; the amount was charged from what is free.")
	}
	if a.shortID(r.NewBlockID) != r.NewBlockID {
		fmt.Fprintf(out, "New block: %s\n", r.NewBlockID)
	}
	if !r.Overage.IsZero() {
		fmt.Fprintf(out, "Not covered: %s\n", r.Overage)
	}
	if !r.Reversed.IsZero() {
		fmt.Fprintf(out, "Taken back: %s\n", r.Reversed)
	}
	if !r.Lapsed.IsZero() {
		fmt.Fprintf(out, "Of that, to blocks that have expired: %s\n", r.Lapsed)
	}
	if !r.Lost.IsZero() {
		fmt.Fprintf(out, "Of that, lost, as no block can take it any more: %s\n", r.Lost)
	}
	if !r.Consumed.IsZero() {
		fmt.Fprintf(out, "Already spent, so only their revenue is to be reversed: %s\n", r.Consumed)
	}
}
