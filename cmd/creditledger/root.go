package main

import (
	"errors"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"creditledger"
)

const rootHelp = `creditledger keeps a ledger of prepaid credits in a local file or in PostgreSQL.

An account is a customer and a currency (--currency, credits by default). Credits are
granted in blocks, each with its own expiry, cost and filters; spending draws the
blocks in order, soonest expiry first. Every change is an entry that is never altered.
Times are shown in UTC.

The ledger is a file (--db FILE, credits.db by default), or a schema of a PostgreSQL
database: --db postgres://USER@HOST/DATABASE, or parameters as libpq takes them, such as
--db 'service=NAME'. Leave passwords to PGPASSWORD, .pgpass or a service file: a command
line is no secret. The schema is creditledger unless --schema, or schema=NAME in the
connection, says otherwise; creditledger migrate makes it.

Exit status:

  0  it is done
  1  there was trouble with files or storage
  2  a command line or request is wrong in itself
  3  the ledger refuses the operation, and nothing was written

apply, copy, verify and recover have their own: see creditledger help apply, and so on.
When a signal interrupts it, every command finishes or takes back what it began, and ends
with 128 plus the number of the signal (130 for an interrupt). A second signal ends it at
once.

The examples of a help text can be pasted into a shell, in their order, in an empty
directory. Where one names a database, name yours.`

// version is what the Go toolchain wrote into the program: the module's version, which
// without a release names the commit.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "creditledger",
		Short: "A ledger of prepaid credits in a local file or PostgreSQL",
		Long:  rootHelp,
		Example: `  creditledger demo
  creditledger grant cus_1 100 --expires 2030-01-01 --cost-basis 0.20
  creditledger spend cus_1 20
  creditledger balance cus_1`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	group(root, "")
	root.SetUsageTemplate(usageTemplate(root))
	root.SetVersionTemplate("creditledger {{.Version}}\n")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON objects, as in operations files")
	root.PersistentFlags().BoolVar(&a.precise, "precise", false, "show whole ids and microseconds, however wide it gets")
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "print nothing but what was asked for and errors")
	root.AddGroup(
		&cobra.Group{ID: "write", Title: "Change an account:"},
		&cobra.Group{ID: "read", Title: "Look at an account:"},
		&cobra.Group{ID: "money", Title: "Sell, bill and collect:"},
		&cobra.Group{ID: "file", Title: "Whole ledgers and bulk work:"},
	)
	root.SetHelpCommandGroupID("file")
	root.SetCompletionCommandGroupID("file")
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("write", a.grantCommand(), a.spendCommand(), a.holdCommand(), a.captureCommand(), a.releaseCommand(), a.scheduleCommand(), a.extendCommand(), a.voidCommand(), a.amendCommand(), a.reverseCommand(), a.transferCommand(), a.activateCommand(), a.customerCommand(), a.eraseCommand())
	add("read", a.balanceCommand(), a.blocksCommand(), a.holdsCommand(), a.schedulesCommand(), a.entriesCommand(), a.explainCommand())
	add("money", a.moneyCommands()...)
	add("file", a.applyCommand(), a.settingsCommand(), a.sweepCommand(), a.copyCommand(), a.backupCommand(), a.compactCommand(), a.migrateCommand(), a.demoCommand())
	add("file", a.evidenceCommands()...)
	a.externalCustomers(root)
	explainArguments(root)
	root.SetFlagErrorFunc(explainFlag)
	a.helpCommands(root)
	fitHelp(root)
	if len(a.args) > 0 && strings.HasPrefix(a.args[0], cobra.ShellCompRequestCmd) {
		a.completeArguments(root)
		plainUsage(root)
	}
	return root
}

// helpCommands makes cobra's own subcommands refuse what they do not know: a script must
// not go on with a page of help for a completion.
func (a *app) helpCommands(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  creditledger help grant"
			c.Args = func(_ *cobra.Command, args []string) error {
				about, unknown, err := root.Find(args)
				if err == nil && len(unknown) > 0 {
					err = unknownCommand(about, unknown[0])
				}
				return err
			}
		case "completion":
			c.Example = "  creditledger completion bash > creditledger.bash"
			c.Args = nil
			c.RunE = func(*cobra.Command, []string) error {
				return errors.New("completion needs bash, zsh, fish or powershell")
			}
			for _, shell := range c.Commands() {
				shell.Example = "  creditledger completion " + shell.Name()
			}
		}
	}
}

// explainArguments makes a subcommand with too few or too many arguments say which ones it
// takes.
func explainArguments(cmd *cobra.Command) {
	if check := cmd.Args; check != nil && !cmd.HasSubCommands() {
		_, takes, _ := strings.Cut(cmd.Use, " ")
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			return &argumentsError{command: fullName(cmd), takes: takes, given: args}
		}
	}
	for _, c := range cmd.Commands() {
		explainArguments(c)
	}
}

// accountFlags gives a subcommand its ledger and the account's currency.
func (a *app) accountFlags(cmd *cobra.Command) {
	a.dbFlag(cmd)
	cmd.Flags().StringVar(&a.currency, "currency", creditledger.DefaultCurrency, "the account's `CURRENCY` or pricing unit")
	_ = cmd.RegisterFlagCompletionFunc("currency", func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.completions(cmd.Context(), "CURRENCY", args, begun), cobra.ShellCompDirectiveNoFileComp
	})
}
