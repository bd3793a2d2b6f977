package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// screen is how many columns help and tables may take.
const screen = 80

// fitHelp makes the help of a command and of all below it fit the screen, once it is shown.
func fitHelp(root *cobra.Command) {
	show := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.Long = wrapParagraphs(cmd.Long)
		cmd.Example = wrapExamples(cmd.Example)
		show(cmd, args)
	})
}

// usageTemplate is cobra's own with the flags wrapped.
func usageTemplate(of *cobra.Command) string {
	const flags, wrapped = "Flags.FlagUsages |", "Flags.FlagUsagesWrapped 80 |"
	const more, short = `Use "{{.CommandPath}} [command] --help" for more information about a command.`, `More of each: {{.CommandPath}} COMMAND --help`
	return strings.NewReplacer(flags, wrapped, more, short).Replace(of.UsageTemplate())
}

// wrapParagraphs breaks a text where lines would not fit. An empty line ends a
// paragraph; one that begins with a space stays as it is.
func wrapParagraphs(text string) string {
	var out []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		if strings.HasPrefix(paragraph, " ") {
			out = append(out, paragraph)
			continue
		}
		out = append(out, strings.Join(wrapWords(strings.Fields(paragraph), screen), "\n"))
	}
	return strings.Join(out, "\n\n")
}

// wrapWords puts words on lines of at most so many columns, one that is wider on a line
// of its own.
func wrapWords(words []string, width int) []string {
	var lines []string
	filled := 0 // of the last line
	for _, w := range words {
		wide := uniseg.StringWidth(w)
		if n := len(lines) - 1; n >= 0 && filled+1+wide <= width {
			lines[n] += " " + w
			filled += 1 + wide
			continue
		}
		lines, filled = append(lines, w), wide
	}
	return lines
}

// wrapExamples breaks command lines in front of a flag, as a shell reads them.
func wrapExamples(text string) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		for uniseg.StringWidth(line) > screen {
			at := strings.LastIndex(line[:screen-2], " --")
			if at <= 6 {
				break
			}
			out = append(out, line[:at]+" \\")
			line = "      " + line[at+1:]
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// plainUsage takes the quotes out of what flags say of themselves: in help they mark the
// word for the flag's value, but shells show the text as it is when they complete it.
func plainUsage(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") })
	for _, c := range cmd.Commands() {
		plainUsage(c)
	}
}

// group makes a command that only holds others list them, and, for one that it does not
// know, say what may have been meant.
func group(cmd *cobra.Command, needs string) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return nil
	}
	if needs != "" {
		cmd.RunE = func(*cobra.Command, []string) error { return errors.New(needs) }
	}
	return cmd
}

// fullName is how a subcommand is called.
func fullName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), "creditledger ")
}

func unknownCommand(in *cobra.Command, name string) error {
	text := fmt.Sprintf("unknown command %q", name)
	if in.HasParent() {
		text += " of " + fullName(in)
	}
	return errors.New(text + didYouMean(in, name, ""))
}

// didYouMean asks whether one of the subcommands with a similar name was meant. Of a
// short name every other letter makes another word, so those have to be closer.
func didYouMean(in *cobra.Command, name, dashes string) string {
	in.SuggestionsMinimumDistance = min(max(1, len(name)/3), 2)
	meant := in.SuggestionsFor(name)
	if len(meant) == 0 {
		return ""
	}
	return ": did you mean " + dashes + strings.Join(meant, " or "+dashes) + "?"
}
