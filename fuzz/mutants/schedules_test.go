package mutants

// Grants that recur.
var schedules = []mutant{
	{
		"grants-one-too-many", "account_schedule.go",
		"ended := s.last() != 0 && k >= s.last() ||", "ended := s.last() != 0 && k > s.last() ||",
		"a count counts periods",
	},
	{
		"end-inclusive", "account_schedule.go",
		"s.end != 0 && next >= s.end", "s.end != 0 && next > s.end",
		"the end is exclusive",
	},
	{
		"calendar-runs-out", "account_schedule.go",
		"if ended || next == 0 || s.calendar.at(k+2) == 0 {", "if ended || next == 0 {",
		"a schedule ends with the calendar",
	},
	{
		"latest-grants-what-ended", "account_schedule.go",
		"if s.catchUp == CatchUpLatest && s.calendar.at(k+1) <= by {", "if s.catchUp == CatchUpLatest && s.calendar.at(k+1) < by {",
		"under latest a period that has ended is passed over",
	},
	{
		"latest-is-all", "account_schedule.go",
		"if s.catchUp == CatchUpLatest && s.calendar.at(k+1) <= by {", "if false {",
		"latest grants the current period only",
	},
	{
		"passed-beyond-the-count", "account_schedule.go",
		"		to = min(to, last)\n", "		to = max(to, last)\n",
		"periods that are passed over count",
	},
	{
		"period-without-length", "account_schedule.go",
		"t.Empty = t.Until <= s.next || ", "t.Empty = ",
		"a period without length is none",
	},
	{
		"prorated-from-the-anchor", "account_schedule.go",
		"return s.amount.prorated(s.start, t.Begin, t.Until, s.scale)", "return s.amount.prorated(t.Begin, t.Begin, t.Until, s.scale)",
		"the first period is prorated from its start",
	},
	{
		"prorated-though-full", "account_schedule.go",
		"s.firstOf != FirstProrated || s.start", "s.firstOf == FirstSkip || s.start",
		"a first period is granted whole unless it says otherwise",
	},
	{
		"owns-by-prefix", "account_schedule.go",
		"b.ID[len(s.id)] == '/' && strings.HasPrefix(b.ID, s.id)", "strings.HasPrefix(b.ID, s.id)",
		"only a schedule's own blocks are touched",
	},
	{
		"carried-times-forgotten", "account_schedule.go",
		"	times, _ = strconv.Atoi(number)\n", "	_, _ = strconv.Atoi(number)\n	times = 1\n",
		"credits are carried so many times at most",
	},
	{
		"latest-grant-first", "account_schedule.go",
		"if next == 0 || s.next < next {", "if next == 0 || s.next > next {",
		"what is due is written in order",
	},
	{
		"grant-after-its-instant", "account_schedule.go",
		"return next != 0 && next <= t", "return next != 0 && next < t",
		"next due includes the instant",
	},
	{
		"schedule-not-taken-back", "account_schedule.go",
		"			a.schedules.drop(e.schedule)\n			e.schedule.scheduleState = e.was\n			continue\n", "			continue\n",
		"a refused batch leaves no schedule",
	},
	{
		"change-not-taken-back", "account_schedule.go",
		"		a.schedules.set(e.schedule, e.was)\n", "		a.schedules.set(e.schedule, e.now)\n",
		"a refused batch changes no schedule",
	},
	{
		"newest-schedule-first", "account_schedule.go",
		"cmp.Compare(a.number, b.number)", "cmp.Compare(b.number, a.number)",
		"at one instant schedules grant in the order of their creation",
	},
	{
		"ended-row-open", "account_schedule.go",
		"Open: e.now.next != 0, New: e.new", "Open: true, New: e.new",
		"a schedule that has ended is no open row",
	},
	{
		"empty-is-granted", "account_schedule_due.go",
		"	if t.Empty {\n		return false\n	}\n	share", "	share",
		"a grant of nothing is none",
	},
	{
		"large-beside-what-expires", "account_schedule_due.go",
		"		gross = mustAmount(gross.Sub(a.lapsed[i].line.Amount))\n", "		_ = i\n",
		"what expires at the same instant goes before a grant is weighed",
	},
	{
		"carried-twice-at-once", "account_schedule_due.go",
		"s.rollover.IsZero() || s.carriedAt == a.at", "s.rollover.IsZero()",
		"credits are carried once at an instant",
	},
	{
		"carries-what-expired-before", "account_schedule_due.go",
		"!s.owns(b) || b.ExpiresAt != a.at {", "!s.owns(b) {",
		"what a hold frees after its block's expiry is not carried",
	},
	{
		"carries-others", "account_schedule_due.go",
		"if !s.owns(b) || b.ExpiresAt != a.at {", "if b.ExpiresAt != a.at {",
		"a rollover carries its schedule's blocks",
	},
	{
		"carried-once-more", "account_schedule_due.go",
		"times >= s.rollover.MaxTimes", "times > s.rollover.MaxTimes",
		"credits are carried so many times at most",
	},
	{
		"percent-ignored", "account_schedule_due.go",
		"free.share(s.rollover.Percent, hundred, s.scale)", "free.share(hundred, hundred, s.scale)",
		"a percentage is carried",
	},
	{
		"max-each-block", "account_schedule_due.go",
		"				room = mustAmount(room.Sub(amount))\n", "",
		"a maximum is for all that is carried",
	},
	{
		"max-without-what-lives", "account_schedule_due.go",
		"		if _, times := carriedFrom(b.ID); times > 0 {\n			room", "		if _, times := carriedFrom(b.ID); times > 99 {\n			room",
		"a maximum counts carried credits that live on",
	},
	{
		"max-counts-grants", "account_schedule_due.go",
		"		if _, times := carriedFrom(b.ID); times > 0 {\n			room", "		if _, times := carriedFrom(b.ID); times >= 0 {\n			room",
		"a maximum counts carried credits alone",
	},
	{
		"carried-status-lost", "account_schedule_due.go",
		"b.rare.Metadata, Paid: b.rare.Paid,", "b.rare.Metadata,",
		"a rollover keeps the terms of its block",
	},
	{
		"carried-capacity-stays", "account_schedule_due.go",
		"	now.capacity = mustAmount(now.capacity.Sub(next.amount))\n", "",
		"what is carried is no room in its old block",
	},
	{
		"carried-rest-lost", "account_schedule_due.go",
		"			l.Amount = mustAmount(l.Amount.Sub(amount))\n", "			l.Amount = Amount{}\n",
		"what is not carried expires",
	},
	{
		"start-before-the-anchor", "account_schedule_step.go",
		"case d.start < anchored:", "case false:",
		"a schedule does not start before its anchor",
	},
	{
		"start-in-the-past", "account_schedule_step.go",
		"case d.start < at:", "case false:",
		"a schedule does not start in the past",
	},
	{
		"skip-is-full", "account_schedule_step.go",
		"case op.First == FirstSkip && d.start > s.begins(d.first):", "case false:",
		"skip grants nothing before the next period",
	},
	{
		"skip-what-is-whole", "account_schedule_step.go",
		"d.start > s.begins(d.first):", "d.start >= s.begins(d.first):",
		"a first period that is whole is not skipped",
	},
	{
		"schedule-over-blocks", "account_schedule_step.go",
		"	case a.hasBlockBelow(op.ScheduleID):\n		return &DuplicateError{Kind: \"schedule\", ID: op.ScheduleID}\n", "",
		"a schedule's blocks have ids that nobody has",
	},
	{
		"one-schedule-too-many", "account_schedule_step.go",
		"len(a.schedules.live) >= MaxSchedules", "len(a.schedules.live) > MaxSchedules",
		"live schedules are bounded",
	},
	{
		"own-instant-not-granted", "account_schedule_step.go",
		"	if s.next == 0 || s.next != a.at {\n", "	if true {\n",
		"what is due at a schedule's own instant is written by the operation",
	},
	{
		"block-inside-a-schedule", "account_schedule_step.go",
		"return slash && a.schedule(schedule) != nil", "return slash && a.schedule(schedule) != nil && false",
		"only a schedule gives ids that begin with its own",
	},
	{
		"ended-is-changed", "account_schedule_step.go",
		"	case s.next == 0:\n		return nil, constraint(\"schedule %s has ended\", quote(id))\n", "",
		"a schedule that has ended is not changed",
	},
	{
		"change-waits", "account_schedule_step.go",
		"if op.When != ChangeNow || op.Amount.IsZero()", "if true || op.Amount.IsZero()",
		"a change at once tops the period up",
	},
	{
		"top-up-at-any-time", "account_schedule_step.go",
		"if op.When != ChangeNow || op.Amount.IsZero()", "if op.Amount.IsZero()",
		"a change counts from the next period unless it says now",
	},
	{
		"top-up-on-the-last-amount", "account_schedule_step.go",
		"now.topUps, now.level = s.topUps+1, now.amount", "now.topUps = s.topUps+1",
		"going down and up again is no gain",
	},
	{
		"top-up-whole", "account_schedule_step.go",
		".prorated(a.at, s.begin, s.until, s.scale)", ".prorated(s.begin, s.begin, s.until, s.scale)",
		"a top-up is for the rest of the period",
	},
	{
		"end-voids-what-is-held", "account_schedule_step.go",
		"c.void(a, b, b.Balance, free, free, &total)", "c.void(a, b, b.Balance, b.Balance, b.Balance, &total)",
		"an end leaves what is held",
	},
	{
		"end-voids-others", "account_schedule_step.go",
		"if !s.owns(b) || free.Sign() <= 0 ||", "if free.Sign() <= 0 ||",
		"an end touches its own blocks alone",
	},
	{
		"end-voids-nothing", "account_schedule_step.go",
		"	if !op.VoidBlocks {\n		return nil\n", "	if true {\n		return nil\n",
		"an end voids what it is asked to",
	},
	{
		"level-not-begun", "account_schedule_step.go",
		"	now.level, now.topUps = Amount{}, 0\n", "",
		"a period begins without top-ups",
	},
	{
		"granted-not-counted", "account_schedule_step.go",
		"	now.granted++\n", "",
		"a schedule tells how often it granted",
	},
	{
		"carry-not-missed", "account_schedule_replay.go",
		"	case len(a.toCarry(a.granting(next))) > 0:\n", "	case false:\n",
		"a carry that is missing is found",
	},
	{
		"passed-over-unproven", "account_schedule_replay.go",
		"if (s.catchUp != CatchUpLatest || a.head.LastAt == a.at) && a.grantsAt(s, &whole) {", "if false {",
		"a period that is passed over without reason is found",
	},
	{
		"basis-unproven", "account_schedule_replay.go",
		"if !op.CostBasis.same(s.costBasis) {", "if false {",
		"a grant on other terms is found",
	},
	{
		"expiries-wait-for-grants", "ledger_due.go",
		"		if before := max(next-1, a.head.LastAt); before < next {", "		if before := max(next-1, a.head.LastAt); false && before < next {",
		"what expires before a grant is written before it",
	},
	{
		"grants-before-expiries", "account_schedule_replay.go",
		"[]func() error{r.empty, r.carries, r.expires, r.grants}", "[]func() error{r.empty, r.carries, r.grants, r.expires}",
		"at one instant the rest expires before the grants",
	},
	{
		"due-pieces-in-one", "ledger_due.go",
		"	if d.lines > 0 && d.lines+len(a.lapsed) > d.expiries {\n		d.detach()\n	}\n", "",
		"what falls due goes out in pieces",
	},
}
