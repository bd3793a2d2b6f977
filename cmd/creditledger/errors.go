package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/store/bolt"
	"creditledger/store/postgres"
)

// missingFileError is a ledger file that a subcommand needs and that is not there.
type missingFileError struct{ path, flag string }

func (e *missingFileError) Error() string {
	return fmt.Sprintf("there is no ledger file %s", e.path)
}

// lockedError is a ledger file that another process has open.
type lockedError struct {
	path string
	err  error
}

func (e *lockedError) Error() string {
	var by *bolt.LockedError
	if errors.As(e.err, &by) && by.Process != 0 {
		return fmt.Sprintf("ledger file %s: %v (%d)", e.path, creditledger.ErrLocked, by.Process)
	}
	return fmt.Sprintf("ledger file %s: %v", e.path, creditledger.ErrLocked)
}
func (e *lockedError) Unwrap() error { return e.err }

// fileOnlyError is a subcommand that works on files only, and was asked for a database.
type fileOnlyError struct{ reason string }

func (e *fileOnlyError) Error() string { return e.reason }

// Is matches creditledger.ErrInvalid.
func (e *fileOnlyError) Is(target error) bool { return target == creditledger.ErrInvalid }

// argumentsError is a command line with too few or too many arguments.
type argumentsError struct {
	command, takes string
	given          []string
}

func (e *argumentsError) Error() string {
	given, hint := count(uint64(len(e.given)), "argument", "arguments"), ""
	for _, truth := range []string{"true", "false"} {
		if slices.Contains(e.given, truth) {
			hint = fmt.Sprintf(" (a flag that is on or off takes its value as in --preview=%s)", truth)
		}
	}
	if e.takes == "" || strings.HasPrefix(e.takes, "-") {
		return fmt.Sprintf("%s takes no arguments, only flags: %s given%s", e.command, given, hint)
	}
	return fmt.Sprintf("%s takes %s: %s given%s", e.command, e.takes, given, hint)
}

// errMissing is what a flagError says of a flag that has to be given.
var errMissing = errors.New("it is missing")

// flagError names the flag or argument that cannot be read.
type flagError struct {
	name string
	err  error
}

func (e *flagError) Error() string {
	var wrong *creditledger.InvalidError
	if errors.As(e.err, &wrong) {
		return "invalid " + e.name + ": " + sentence(wrong.Reason)
	}
	return "invalid " + e.name + ": " + e.err.Error()
}

// sentence gives the reason of an InvalidError a subject, because the reason may go on from
// the name of a field.
func sentence(reason string) string {
	switch verb, _, _ := strings.Cut(reason, " "); verb {
	case "is", "has", "goes", "cannot", "take", "takes", "belongs":
		return "it " + reason
	}
	return reason
}

// Is matches creditledger.ErrInvalid and what the reason matches. As does not find the
// InvalidError inside, because it names a key of operations files.
func (e *flagError) Is(target error) bool {
	return target == creditledger.ErrInvalid || errors.Is(e.err, target)
}

// message is an error of a subcommand on one line, with what to do next.
func (a *app) message(cmd *cobra.Command, err error) string {
	text := a.plain(inOwnWords(cmd, err.Error(), err))
	stopped := stoppedBy(cmd.Context(), err) != nil
	if stopped {
		text = strings.ReplaceAll(text, context.Canceled.Error(), "interrupted")
	}
	hint := a.hint(cmd, err)
	if hint == "" && stopped && !errors.As(err, new(*signalError)) { // a copy has said how far it came
		hint = "give the command again"
	}
	if hint != "" {
		text += "; " + hint
	}
	return text
}

// plain is a text on one line that tells no secrets.
func (a *app) plain(text string) string {
	return plainLine(withoutSecrets(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\t' }), " "), a.args))
}

// plainLine makes a text that may quote the command line safe for a terminal or a log: it
// escapes what does not print, and cuts what is long.
func plainLine(text string) string {
	const limit = 600
	var b strings.Builder
	for i, r := range text {
		if i >= limit {
			return b.String() + "…"
		}
		if r == utf8.RuneError || !strconv.IsPrint(r) && r != ' ' {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hint says what to do about an error.
func (a *app) hint(cmd *cobra.Command, err error) string {
	var (
		missing   *creditledger.NotFoundError
		duplicate *creditledger.DuplicateError
		noFile    *missingFileError
		unknown   *creditledger.OutcomeUnknownError
		stopped   *interruptedError
		file      *bolt.FileError
		wrong     *creditledger.InvalidError
	)
	switch {
	case errors.As(err, &stopped):
		return "give the same command again: it goes on where it stopped"
	case errors.As(err, &file) && file.Mode != 0 && file.Mode&0o007 == 0 && !a.group:
		return "or let its group in with --group-access"
	case errors.Is(err, postgres.ErrNotMigrated):
		return "creditledger migrate does that, with the same --db and --schema"
	case errors.As(err, &wrong) && wrong.Field == "cursor":
		return "give the one that the page before ended with, or none for the first page"
	case errors.As(err, new(silentError)):
		return "see that the server runs and can be reached from here"
	case errors.As(err, &noFile):
		return "name another with " + noFile.flag + ", or begin one with creditledger grant"
	case errors.Is(err, creditledger.ErrLocked):
		return "try again when the other process is done"
	case errors.As(err, &unknown) && unknown.Key == "":
		return "give the same command again: it does nothing twice"
	case errors.As(err, &unknown):
		return fmt.Sprintf("repeat the command with --key %q to learn what happened", string(unknown.Key))
	case errors.Is(err, creditledger.ErrInsufficientCredits) && cmd.Flags().Lookup("overdraft") == nil:
		return "grant more, or ask for less"
	case errors.Is(err, creditledger.ErrInsufficientCredits):
		return "grant more, spend less, or let a debt grow with --overdraft allow and a higher --limit"
	case errors.Is(err, creditledger.ErrIdempotencyMismatch):
		return "use another --key for another operation"
	case errors.As(err, &missing) && missing.Kind == "customer":
		return "record it with creditledger customer set"
	case errors.As(err, &missing) && (missing.Kind == "hold" || missing.Kind == "schedule"):
		return "see creditledger " + missing.Kind + "s " + shellWord(a.subject)
	case errors.As(err, &missing) && missing.Kind == "invoice":
		return "see creditledger invoice list CUSTOMER"
	case errors.As(err, &missing) && missing.Kind == "change":
		return "see creditledger state CUSTOMER"
	case errors.As(err, &missing) && (missing.Kind == "charge" || missing.Kind == "entry"):
		return "see creditledger entries " + shellWord(a.subject) + " --type decrement"
	case errors.As(err, &missing) && a.subject != "":
		return "see creditledger blocks --all " + shellWord(a.subject)
	case errors.As(err, &duplicate):
		return "choose another id"
	case errors.Is(err, creditledger.ErrConflict):
		return "try again"
	case errors.As(err, new(*outputError)):
		return ""
	case !a.began, errors.Is(err, errMissing):
		return "see " + a.help
	}
	return ""
}

// shellWord quotes a text for a shell where it needs to be.
func shellWord(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+", r)
	}) < 0
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
