package mutants

// What each operation does and refuses.
var operations = []mutant{
	{
		"limit-exclusive", "account_draw.go",
		"op.Amount.Cmp(available) <= 0 {", "op.Amount.Cmp(available) < 0 {",
		"all that is available may be spent",
	},
	{
		"limit-ignores-total", "account_draw.go",
		"addCapped(a.spendable(), lapsed).Add(bound)", "bound.Add(Amount{})",
		"the limit bounds the total, not the operation",
	},
	{
		"reject-stops-at-zero", "account_draw.go",
		"if op.Overdraft != OverdraftStopAtZero {", "if op.Overdraft == OverdraftAllow {",
		"reject refuses",
	},
	{
		"overage-lost", "account_draw.go",
		"c.overage = mustAmount(op.Amount.Sub(available))", "c.overage = Amount{}",
		"entries and overage add up to what was asked",
	},
	{
		"overdraft-entry-apart", "account_draw.go",
		"if draws[i].block == taker {", "if false && draws[i].block == taker {",
		"a taker that is drained anyway has one entry",
	},
	{
		"amendment-below-capacity", "account_step.go",
		"balance.Cmp(limit) > 0 {", "balance.Cmp(limit) >= 0 {",
		"a block may be filled up to its capacity",
	},
	{
		"amendment-amount-only", "account_step.go",
		"balance.Cmp(limit) > 0 {", "op.Amount.Cmp(limit) > 0 {",
		"the capacity bounds what a block holds, not one amendment",
	},
	{
		"amendment-above-voided", "account_step.go",
		"limit := b.Capacity\n", "limit := b.Initial\n",
		"what was voided cannot be given back",
	},
	{
		"expired-can-be-named", "account_step.go",
		"case b.Expired(a.at):\n\t\treturn nil, constraint", "case false:\n\t\treturn nil, constraint",
		"an expired block is neither amended, voided nor activated",
	},
	{
		"void-below-capacity", "account_step.go",
		"op.Amount.Cmp(b.Capacity) > 0:", "op.Amount.Cmp(b.Capacity) >= 0:",
		"the whole capacity may be voided",
	},
	{
		"void-of-initial", "account_step.go",
		"op.Amount.Cmp(b.Capacity) > 0:", "op.Amount.Cmp(b.Initial) > 0:",
		"what was voided or moved out cannot be voided again",
	},
	{
		"void-keeps-capacity", "account_step.go",
		"now.capacity = mustAmount(now.capacity.Sub(asked))", "now.capacity = mustAmount(now.capacity.Sub(taken))",
		"a void lowers the capacity by all that was asked",
	},
	{
		"void-without-pair", "account_step.go",
		"c.write(initiated, b, total, total)", "_ = initiated",
		"a void is always preceded by a void_initiated",
	},
	{
		"void-consumed-lost", "account_step.go",
		"c.consumed = mustAmount(op.Amount.Sub(taken))", "c.consumed = Amount{}",
		"a void reports what had been consumed",
	},
	{
		"activation-again", "account_step.go",
		"if b.Status == BlockActive {", "if false && b.Status == BlockActive {",
		"an active block is not activated",
	},
	{
		"activation-counts-twice", "account_change.go",
		"a.unindex(b)\n\tb.set(s)\n",
		"pending := b.Status == BlockPendingPayment\n\ta.unindex(b)\n\tb.set(s)\n\tif pending && b.Eligible(a.at) {\n\t\ta.total = mustAmount(a.total.Add(b.Balance))\n\t}\n",
		"a paid block counts once",
	},
	{
		"transfer-loses-basis", "account_step.go",
		"b.Source = SourceManual", "b.Source, b.CostBasis = SourceManual, CostBasis{}",
		"moved credits keep their cost basis",
	},
	{
		"transfer-keeps-capacity", "account_step.go",
		"now.capacity = mustAmount(now.capacity.Sub(amount))", "now.capacity = mustAmount(now.capacity.Sub(Amount{}))",
		"what was moved out can come back no more",
	},
	{
		"transfer-of-expired", "account_step.go",
		"case src.Expired(a.at):", "case false:",
		"expired credits cannot be moved",
	},
	{
		"repay-always", "account_step.go",
		"op.Repay.rule() == RepayFirst {", "op.Repay != RepayDefault {",
		"RepayNever repays nothing",
	},
	{
		"filtered-repays", "account_step.go",
		"if counts && len(b.rare.Filters) == 0 && op.Repay", "if counts && op.Repay",
		"filtered credits repay no debt",
	},
	{
		"block-id-reused", "account_step.go",
		`if op.BlockID != "" && (a.find(op.BlockID) != nil || `, `if op.BlockID != "" && (`,
		"an id names one block",
	},
	{
		"zero-accepted", "amount.go",
		"if a.Sign() <= 0 {", "if a.Sign() < 0 {",
		"amounts are positive",
	},
	{
		"negative-accepted", "amount.go",
		"if a.Sign() <= 0 {", "if a.IsZero() {",
		"amounts are positive",
	},
	{
		"too-many-digits", "amount_text.go",
		"case digits > maxDigits:", "case digits > maxDigits+1:",
		"an amount has 38 digits at most",
	},
	{
		"gross-unchecked", "account_change.go",
		`return Amount{}, constraint("the balances of the account's blocks would add up to 10^20 or more")`, "err = nil",
		"no sum of balances leaves the range",
	},
	{
		"expiry-at-sweep-time", "account_expiry.go",
		"c.lines = append(c.lines, l.line)", "l.line.At = a.at\n\t\tc.lines = append(c.lines, l.line)",
		"an expiry entry is created at the block's expiry",
	},
	{
		"expire-twice", "account_change.go",
		"after(a.lapsed, len(c.lines))", "after(a.lapsed, max(1, len(c.lines)-1))",
		"a block expires once",
	},
	{
		"batch-not-taken-back", "ledger_decide.go",
		"if err != nil {\n\t\t\td.takeBack()", "if err != nil && d.request.op.Name() != \"batch\" {\n\t\t\td.takeBack()",
		"a batch is all or none",
	},
	{
		"currency-unchecked", "ledger_request.go",
		"	forbidden := r.rare.foreign\n", "	var forbidden error\n",
		"a customer's currency is the one real currency",
	},
	{
		"currency-behind-the-batch", "ledger_decide.go",
		"if err = d.request.customerFirst(op, err); err != nil {", "if err = d.request.customerFirst(op, err); err != nil && (i == len(d.ops)-1 || err != d.request.rare.foreign) {",
		"a currency refuses the first operation of a batch",
	},
	{
		"grace-inclusive", "ledger_result.go",
		"if now-created < grace {", "if now-created <= grace {",
		"an entry is committed once the grace period is over",
	},
	{
		"midnight-skipped", "date.go",
		"	return firstInstant(time.Date(d.Year()",
		"	if zone != nil {\n\t\treturn InstantOf(time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone))\n\t}\n\treturn firstInstant(time.Date(d.Year()",
		"a day without midnight begins after the gap",
	},
	{
		"utc-for-zone", "ledger_request.go",
		"zone, undated = customer.location()", "zone = time.UTC",
		"a date is a day of the customer's time zone",
	},
	{
		"unix-nano", "instant.go",
		"s := t.Unix()\n", "s := t.UnixNano() / 1e9\n",
		"instants reach from the year 1 to 9999",
	},
	{
		"microseconds-rounded", "instant.go",
		"int64(t.Nanosecond()/1000)", "int64((t.Nanosecond()+500)/1000)",
		"instants are cut to microseconds, not rounded",
	},
}
