package mutants

// Credits that are set aside.
var holds = []mutant{
	{
		"held-is-spendable", "account_hold.go",
		"return mustAmount(a.total.Sub(a.holds.held))", "return a.total",
		"what holds keep is not available",
	},
	{
		"slices-are-free", "account_hold.go",
		"return mustAmount(b.Balance.Sub(b.rare.held))", "return b.Balance",
		"nobody else draws a slice",
	},
	{
		"hold-outlives-its-end", "account_hold.go",
		"s.state == HoldOpen && s.until <= t", "s.state == HoldOpen && s.until < t",
		"a hold lapses at its end",
	},
	{
		"lapse-after-its-instant", "account_hold_time.go",
		"hs.open[0].until > t {", "hs.open[0].until >= t {",
		"a hold lapses at its end",
	},
	{
		"expiry-before-the-lapse", "account_hold_time.go",
		"(due != nil && due.ExpiresAt < until)", "(due != nil && due.ExpiresAt <= until)",
		"at one instant holds lapse first",
	},
	{
		"freed-before-all-others", "account_hold_time.go",
		"(due != nil && due.ExpiresAt <= a.at && drawdownOrder(due, hs.freed[0].block) < 0)", "false",
		"what expires at one instant is in drawdown order",
	},
	{
		"freed-at-its-own-expiry", "account_hold_time.go",
		"s.block.ExpiresAt >= h.until {", "s.block.ExpiresAt > h.until {",
		"a block whose hold lapses at its expiry expires whole",
	},
	{
		"lapsed-promise-weighs", "account_hold_time.go",
		"	a.gross = mustAmount(a.gross.Sub(h.unbacked))\n\ths.lapsed", "	hs.lapsed",
		"what a lapsed hold promised counts no more",
	},
	{
		"freed-parts-apart", "account_hold_time.go",
		"	hs.freed[i].amount = mustAmount(hs.freed[i].amount.Add(s.amount))\n", "	hs.freed = slices.Insert(hs.freed, i, s)\n",
		"what holds free of one block at one instant expires in one entry",
	},
	{
		"hold-id-free-again", "account_hold_step.go",
		"if a.findHold(op.HoldID) != nil {", "if h := a.findHold(op.HoldID); h != nil && h.state == HoldOpen {",
		"a hold id is never free again",
	},
	{
		"one-hold-too-many", "account_hold_step.go",
		"len(a.holds.open) == MaxOpenHolds {", "len(a.holds.open) == MaxOpenHolds+1 {",
		"open holds are bounded",
	},
	{
		"hold-of-nothing", "account_hold_step.go",
		"policy != OverdraftStopAtZero || most.IsZero() {", "policy != OverdraftStopAtZero {",
		"stop_at_zero needs something to hold",
	},
	{
		"extension-ends-earlier", "account_hold_step.go",
		"if op.Until < h.until {", "if false {",
		"an extension does not end earlier",
	},
	{
		"extension-from-now", "account_hold_step.go",
		"last := h.createdAt + c.longest", "last := a.at + c.longest",
		"a hold lasts so long at most, from when it was made",
	},
	{
		"extension-exclusive", "account_hold_step.go",
		"op.Until > last {", "op.Until >= last {",
		"a hold may last as long as it may",
	},
	{
		"lapsed-is-released", "account_hold_step.go",
		"	if h.stateAt(a.at) != HoldOpen {\n\t\thc.same = true", "	if h.state != HoldOpen {\n\t\thc.same = true",
		"a release of a lapsed hold changes nothing",
	},
	{
		"late-capture-stays-lapsed", "account_hold_step.go",
		"hold: h, now: h.holdState, late: true}\n\thc.now.close(HoldCaptured)", "hold: h, now: h.holdState, late: true}\n\thc.now.close(HoldLapsed)",
		"a hold is captured once, late or not",
	},
	{
		"captured-above-the-hold", "account_hold_step.go",
		"hc.now.captured = mustAmount(h.captured.Add(own))", "hc.now.captured = mustAmount(h.captured.Add(op.Amount))",
		"captured counts what came from the hold",
	},
	{
		"capture-always-closes", "account_hold_step.go",
		"	if !op.KeepOpen {\n\t\thc.now.close(HoldCaptured)", "	if true {\n\t\thc.now.close(HoldCaptured)",
		"keep_open leaves the rest held",
	},
	{
		"promise-available-above", "account_hold_step.go",
		"holdCharge(a.id, h), Amount{}, promised)", "holdCharge(a.id, h), Amount{}, Amount{})",
		"what is above a hold is what is left once its promise is paid",
	},
	{
		"refused-without-the-hold", "account_hold_step.go",
		"Available: mustAmount(own.Add(most))}", "Available: most}",
		"a refused capture names what it could take in all",
	},
	{
		"freed-lives-on", "account_hold_step.go",
		"		if s.block.Expired(a.at) {\n\t\t\tgone", "		if false {\n\t\t\tgone",
		"what is freed of an expired block expires",
	},
	{
		"freed-in-order-of-slices", "account_hold_step.go",
		"	slices.SortFunc(gone, bySliceBlock)\n", "",
		"what is freed expires in drawdown order",
	},
	{
		"capture-in-two-entries", "account_hold_step.go",
		"	for _, d := range more {\n\t\tif i, ok := at[d.block]; ok {", "	for _, d := range more {\n\t\tif i, ok := at[d.block]; ok && i < 0 {",
		"a capture writes one entry a block",
	},
	{
		"lapsed-hold-extended", "account_hold_step.go",
		"	if s := h.stateAt(a.at); s != HoldOpen {\n\t\treturn nil, &HoldStateError", "	if s := h.stateAt(a.at); s != HoldOpen && s != HoldLapsed {\n\t\treturn nil, &HoldStateError",
		"a lapsed hold is not extended",
	},
	{
		"debt-on-a-held-block", "account_draw.go",
		"if a.taker == nil || !c.leavesHeld(a.taker) {", "if true {",
		"a block with slices takes no overdraft",
	},
	{
		"debt-beside-a-debt", "account_draw.go",
		"	for _, b := range a.debts.all() {\n\t\tconsider(b)\n\t}\n\tplain", "	plain",
		"a debt that there is grows",
	},
	{
		"held-is-voided", "account_step.go",
		"if b.isHeld() && taken.Sign() > 0 && taken.Cmp(b.free()) > 0 {", "if false {",
		"a void touches what is free",
	},
	{
		"held-is-moved", "account_step.go",
		"case src.isHeld() && (src.free().IsZero() || amount.Cmp(src.free()) > 0):", "case src.isHeld() && src.free().IsZero():",
		"a move touches what is free",
	},
	{
		"held-moves-with-the-rest", "account_step.go",
		"		amount = src.free()\n", "		amount = src.Balance\n",
		"a move of all moves what is free",
	},
	{
		"promise-captured-too-late", "account_change.go",
		"	was, now := c.hold.unbacked(at)\n\tsub(was)\n\tadd(now)\n", "	was, now := c.hold.unbacked(at)\n\tadd(now)\n\tdefer sub(was)\n",
		"what a hold promised can be captured however large",
	},
	{
		"closed-row-stays-open", "account_hold_change.go",
		"Open: h.state == HoldOpen, New: made}", "Open: true, New: made}",
		"a closed hold is not loaded",
	},
	{
		"lapses-not-written", "account_hold_change.go",
		"		c.rows = append(c.rows, h.row(false))\n\t}\n\ths.lapsed", "	}\n\ths.lapsed",
		"the next record closes the rows of lapsed holds",
	},
	{
		"lapses-unverified", "account_hold_change.go",
		"if !slices.Equal(lapses, rec.lapses) {", "if false {",
		"a record that names other lapsed holds is found",
	},
	{
		"slices-unverified", "account_hold_change.go",
		"		compared{\"slices\", slices.Equal(a.slices, b.slices)},\n", "",
		"a record that says other slices is found",
	},
	{
		"open-sum-unchecked", "account_hold_load.go",
		"if err != nil || kept.Cmp(n.amount) != 0 {", "if err != nil {",
		"a hold that keeps and gave other than its amount is refused",
	},
	{
		"open-after-its-end", "account_hold_load.go",
		"	case n.until <= lastAt:\n", "	case n.until <= lastAt && false:\n",
		"a hold that is open after its end is refused",
	},
	{
		"late-not-recorded", "journal_hold.go",
		"		flags = holdLate\n", "		flags = 0\n",
		"a record says that a capture was late",
	},
	{
		"refusal-not-recorded", "journal_hold.go",
		"		flags |= captureRefuses\n", "		flags |= 0\n",
		"a record holds all of its operation",
	},
	{
		"holds-in-old-records", "journal_hold.go",
		"return namesHold(op) || onSchedule(op)", "return onSchedule(op)",
		"what older programs cannot know is in a format that they refuse",
	},
	{
		"past-hold-at-its-end", "read_past_holds.go",
		"if h.state != HoldOpen || h.until <= p.at {", "if h.state != HoldOpen || h.until < p.at {",
		"the past knows when a hold lapsed",
	},
	{
		"past-without-lapses", "read_past_holds.go",
		"	for _, l := range rec.lapses {\n\t\tp.look(l.id, l.last)\n\t}\n", "",
		"the past knows holds that have lapsed since",
	},
	{
		"past-without-promises", "read_past_holds.go",
		"if sum, err = sum.Add(h.unbacked); err != nil {", "if _, err = sum.Add(h.unbacked); err != nil {",
		"what holds promised is held in the past too",
	},
	{
		"past-total-without-slices", "read_balance.go",
		"			balance = heldOf[n] // what holds keep of an expired block goes on counting\n", "			continue\n",
		"slices of expired blocks count in past totals",
	},
	{
		"past-slices-free", "read_balance.go",
		"free, err := balance.Sub(heldOf[n])", "free, err := balance.Sub(Amount{})",
		"available is as it was",
	},
	{
		"held-is-not-needed", "read_explain.go",
		"	case b.Held.Cmp(b.Balance) >= 0:\n", "	case false:\n",
		"explain says what is held",
	},
	{
		"held-of-one-block", "read_blocks.go",
		"	b.Held = held[b.Number]\n\treturn b, err", "	_ = held\n\treturn b, err",
		"a block says what is held of it",
	},
	{
		"holds-by-id", "read_holds.go",
		"return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))", "return cmp.Compare(a.ID, b.ID)",
		"holds are listed in the order in which they were made",
	},
	{
		"after-lapse-not-compared", "operation_fields.go",
		"		of(\"after_lapse\", &op.AfterLapse),\n", "",
		"every field of an operation counts",
	},
	{
		"keep-open-not-read", "opsfile/holds.go",
		"KeepOpen:    f.flag(\"keep_open\"),", "KeepOpen:    f.flag(\"keep_open\") && false,",
		"keep_open of an operations file is obeyed",
	},
	{
		"capture-of-no-amount", "opsfile/holds.go",
		"	f.require(\"amount\")\n\top := creditledger.Capture{", "	op := creditledger.Capture{",
		"a capture says how much",
	},
}
