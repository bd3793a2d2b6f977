package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/opsfile"
)

func (a *app) scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Grant credits again each day, week, month or year",
		Long: `Make a schedule, which grants credits at the beginning of each of its periods; change
it, or end it.

No job has to run for it: what is due is written before the account's next operation
or by creditledger sweep, and is seen before that. The credits of a period are the
block SCHEDULE/1, SCHEDULE/2 and so on.`,
		Example: `  creditledger schedule make cus_1 plan 1000 --every month
  creditledger schedule change cus_1 plan --amount 1500
  creditledger schedule end cus_1 plan
  creditledger schedules cus_1`,
	}
	cmd.AddCommand(a.scheduleMakeCommand(), a.scheduleChangeCommand(), a.scheduleEndCommand())
	return group(cmd, "schedule needs make, change or end, a CUSTOMER and a SCHEDULE")
}

// rolloverFlags say what is carried into the next period, and when credits expire.
type rolloverFlags struct {
	percent, most, expires string
	times                  int
	lives                  string // of what is granted
}

func (r *rolloverFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&r.lives, "expires", "", "when grants expire: period_end, never, or an `INTERVAL` after each, such as \"90 days\"")
	flags.StringVar(&r.percent, "rollover", "", "carry `PERCENT` of what is left into the next period; 0 for nothing")
	flags.StringVar(&r.most, "rollover-max", "", "carry at most this `AMOUNT`")
	flags.IntVar(&r.times, "rollover-times", 1, "carry the same credits `N` times")
	flags.StringVar(&r.expires, "rollover-expires", "", "when carried credits expire: as --expires (default period_end), an `INTERVAL` after the carry")
	completeWords(cmd, "expires", "period_end", "never")
	completeWords(cmd, "rollover-expires", "period_end", "never")
}

// rollover returns the rollover that the flags ask for; nil without such flags.
func (r *rolloverFlags) rollover(cmd *cobra.Command, p *parser) *creditledger.Rollover {
	given := false
	for _, flag := range []string{"rollover", "rollover-max", "rollover-times", "rollover-expires"} {
		given = given || cmd.Flags().Changed(flag)
	}
	if !given {
		return nil
	}
	carry := &creditledger.Rollover{Percent: creditledger.AmountOf(100), MaxTimes: r.times}
	if r.percent != "" {
		carry.Percent = p.amount("--rollover", r.percent)
	}
	if r.most != "" {
		if carry.Max = p.amount("--rollover-max", r.most); carry.Max.Sign() <= 0 {
			p.fail("--rollover-max", errors.New("it is not positive: --rollover 0 carries nothing"))
		}
	}
	if r.times < 1 || r.times > creditledger.MaxInterval {
		p.fail("--rollover-times", fmt.Errorf("%d is not from 1 to %d", r.times, creditledger.MaxInterval))
	}
	if e := p.lifetime("--rollover-expires", r.expires); e != nil {
		carry.Expires = *e
	}
	return carry
}

type scheduleFlags struct {
	writeFlags
	rolloverFlags
	every, anchor, timezone, start, end, first, catchUp string
	count, scale                                        int
	costBasis, source                                   string
	items, excludeItems                                 []string
	priority                                            int32
	requirePayment                                      bool
}

func (a *app) scheduleMakeCommand() *cobra.Command {
	var s scheduleFlags
	cmd := &cobra.Command{
		Use:   "make CUSTOMER SCHEDULE AMOUNT",
		Short: "Grant credits at the beginning of each period",
		Long: `Grant AMOUNT credits at the beginning of each period. --every says how long a period is.

Periods are counted from the anchor: the 31st of January is followed by the 28th of
February and by the 31st of March. A TIME is a date, a date-time in the schedule's zone
such as 2030-12-31T15:04:05, or an RFC 3339 date-time.`,
		Example: `  creditledger schedule make cus_1 plan 1000 --every month --rollover 100 --rollover-max 500
  creditledger schedule make cus_1 free 20 --every day --timezone Asia/Tokyo --catch-up latest
  creditledger schedule make cus_1 trial 50 --every "2 weeks" --count 3 --expires never
  creditledger schedules cus_1`,
		Args: cobra.ExactArgs(3),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			op, err := s.operation(cmd, args[1], args[2])
			if err != nil {
				return err
			}
			return a.write(cmd, &s.writeFlags, args[0], op, toCreate)
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&s.every, "every", "", "how long a period is: an `INTERVAL` such as month or \"2 weeks\" ; required")
	flags.StringVar(&s.anchor, "anchor", "", "the `TIME` that periods are counted from (default now)")
	flags.StringVar(&s.timezone, "timezone", "", "IANA time `ZONE` of its calendar (default the customer's)")
	flags.StringVar(&s.start, "start", "", "the `TIME` of the first grant (default the anchor, or now if that is later)")
	flags.StringVar(&s.end, "end", "", "the `TIME` from which nothing is granted")
	flags.IntVar(&s.count, "count", 0, "end after `N` periods")
	flags.StringVar(&s.first, "first", "", "`WORD`: full (default), prorated or skip, for a start inside a period")
	flags.IntVar(&s.scale, "scale", 0, "cut shares to `N` digits after the point")
	flags.StringVar(&s.catchUp, "catch-up", "", "`WORD`: all (default) or latest, for periods that passed before anything was written")
	s.rolloverFlags.add(cmd)
	flags.StringVar(&s.costBasis, "cost-basis", "", "the `PRICE` of one credit")
	flags.Int32Var(&s.priority, "priority", 0, "a whole `NUMBER`; smaller is spent first")
	flags.StringArrayVar(&s.items, "item", nil, "pay only for this `ITEM`; may be repeated")
	flags.StringArrayVar(&s.excludeItems, "exclude-item", nil, "pay for anything but this `ITEM`; may be repeated")
	flags.StringVar(&s.source, "source", "", "`WORD`: allocation (default), manual, top_up or commitment")
	flags.BoolVar(&s.requirePayment, "require-payment", false, "each grant waits for creditledger activate")
	completeWords(cmd, "every", "day", "week", "month", "year")
	completeWords(cmd, "first", "full", "prorated", "skip")
	completeWords(cmd, "catch-up", "all", "latest")
	completeWords(cmd, "source", "allocation", "manual", "top_up", "commitment")
	s.writeFlags.add(cmd)
	return cmd
}

func (s *scheduleFlags) operation(cmd *cobra.Command, id, amount string) (creditledger.Operation, error) {
	var p parser
	calendar := func(name, text string) creditledger.CalendarTime {
		return word(&p, name, text, creditledger.ParseCalendarTime)
	}
	op := creditledger.Schedule{
		ScheduleID: id, Amount: p.amount("AMOUNT", amount), Every: p.interval("--every", s.every), Timezone: s.timezone,
		Anchor: calendar("--anchor", s.anchor), Start: calendar("--start", s.start), End: calendar("--end", s.end), Count: s.count,
		First: word(&p, "--first", s.first, creditledger.ParseFirstPeriod), Scale: s.scale,
		CatchUp:   word(&p, "--catch-up", s.catchUp, creditledger.ParseCatchUp),
		CostBasis: p.costBasis("--cost-basis", s.costBasis), Priority: s.priority, Filters: filters(s.items, s.excludeItems),
		RequirePayment: s.requirePayment, Description: s.description,
	}
	p.required("--every", s.every)
	if cmd.Flags().Changed("count") && s.count < 1 {
		p.fail("--count", fmt.Errorf("%d is not positive", s.count))
	}
	if e := p.lifetime("--expires", s.lives); e != nil {
		op.Expires = *e
	}
	if carry := s.rollover(cmd, &p); carry != nil {
		op.Rollover = *carry
	}
	if s.source != "" {
		op.Source = creditledger.GrantsFrom(word(&p, "--source", s.source, creditledger.ParseSource))
	}
	var err error
	op.Metadata, err = s.metadata()
	return op, firstOf(err, p.err)
}

func (a *app) scheduleChangeCommand() *cobra.Command {
	var w writeFlags
	var r rolloverFlags
	var amount, when string
	var unset []string
	var clear bool
	cmd := &cobra.Command{
		Use:   "change CUSTOMER SCHEDULE",
		Short: "Change what a schedule grants from now on",
		Long: `Change what a schedule grants from its next period on. What you do not give stays as it
is. One flag of a rollover replaces the whole rollover.

With --when now a larger amount grants the difference for the rest of the period at
once. A smaller one takes nothing back.`,
		Example: `  creditledger schedule make cus_1 plan 1000 --every month
  creditledger schedule change cus_1 plan --amount 1500 --when now
  creditledger schedule change cus_1 plan --rollover 50 --meta plan=gold`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			var p parser
			op := creditledger.ChangeSchedule{
				ScheduleID: args[1], Rollover: r.rollover(cmd, &p), Expires: p.lifetime("--expires", r.lives),
				When: word(&p, "--when", when, creditledger.ParseChangeWhen), Description: w.description, ClearMetadata: clear,
			}
			if amount != "" {
				if op.Amount = p.amount("--amount", amount); op.Amount.Sign() <= 0 {
					p.fail("--amount", errors.New("it is not positive"))
				}
			}
			var err error
			if op.Metadata, err = metadataChange(w.meta, unset); err != nil || p.err != nil {
				return firstOf(err, p.err)
			}
			if amount == "" && op.Rollover == nil && op.Expires == nil && len(op.Metadata) == 0 && !clear {
				return &flagError{"--amount", errors.New("nothing is to be changed: give --amount, --expires, --meta or what is to be carried, --rollover")}
			}
			return a.write(cmd, &w, args[0], op, toChange)
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&amount, "amount", "", "the credits of each period, an `AMOUNT`")
	flags.StringVar(&when, "when", "", "`WORD`: next (default), with the next period, or now")
	completeWords(cmd, "when", "next", "now")
	r.add(cmd)
	w.add(cmd)
	flags.StringArrayVar(&unset, "unset-meta", nil, "metadata `KEY` to remove; may be repeated")
	flags.BoolVar(&clear, "clear-meta", false, "remove all metadata first")
	return cmd
}

func (a *app) scheduleEndCommand() *cobra.Command {
	var w writeFlags
	var void bool
	var reason string
	cmd := &cobra.Command{
		Use:   "end CUSTOMER SCHEDULE",
		Short: "End a schedule",
		Long: `End a schedule: nothing is granted or carried any more. What it has granted lives on,
unless --void-blocks voids what is free of it.`,
		Example: `  creditledger schedule make cus_1 plan 1000 --every month
  creditledger schedule end cus_1 plan --void-blocks`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			op := creditledger.EndSchedule{ScheduleID: args[1], VoidBlocks: void, VoidReason: reason, Description: w.description}
			var err error
			if op.Metadata, err = w.metadata(); err != nil {
				return err
			}
			return a.write(cmd, &w, args[0], op, toChange)
		}),
	}
	a.accountFlags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&void, "void-blocks", false, "void what is free of the credits that it granted and carried")
	flags.StringVar(&reason, "reason", "", "`WORD`: refund when the money is given back")
	completeWords(cmd, "reason", "refund")
	w.add(cmd)
	return cmd
}

func (a *app) schedulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedules CUSTOMER",
		Short: "List an account's schedules, with what is due next",
		Long:  `List the schedules of an account, those that have ended too, as the clock has them now.`,
		Example: `  creditledger schedule make cus_1 plan 1000 --every month
  creditledger schedules cus_1
  creditledger schedules cus_1 --json`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.read(cmd, opsfile.Request{Op: "schedules", Account: a.account(args[0]), Args: opsfile.Schedules{}}, func(out io.Writer, result any) {
				list := result.([]creditledger.ScheduleInfo)
				if len(list) == 0 {
					fmt.Fprintln(out, "No schedules.")
					return
				}
				a.writeSchedules(out, list)
			})
		}),
	}
	a.accountFlags(cmd)
	return cmd
}

func (a *app) writeSchedules(out io.Writer, schedules []creditledger.ScheduleInfo) {
	t := a.newTable("SCHEDULE", "STATE", ".AMOUNT", "EVERY", "NEXT DUE", ">GRANTED", "+ANCHOR", "+ZONE")
	for _, s := range schedules {
		t.add(s.ID, s.State.String(), s.Amount.String(), s.Every.String(), a.when(s.NextDue), fmt.Sprint(s.Granted), s.Anchor.String(), s.Timezone)
	}
	t.write(out)
}
