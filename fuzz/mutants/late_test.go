package mutants

// Usage that is reported late, and charges that are taken back.
var late = []mutant{
	{
		"late-gate-ignored", "account_late.go",
		"!b.Expired(u.at) && (!b.rare.Paid || b.ActivatedAt <= u.at)", "!b.Expired(u.at)",
		"a block that waited for payment pays for usage from its activation on",
	},
	{
		"late-effective-ignored", "account_late.go",
		"return b.EffectiveAt <= u.at && ", "return ",
		"a block pays for usage from its effective date on",
	},
	{
		"settlement-unchecked", "account_late.go",
		"if !ok || d.UsageAt == 0 || ", "if ok || d.UsageAt == 0 || ",
		"usage before the settlement window is refused",
	},
	{
		"settlement-exclusive", "account_late.go",
		"d.UsageAt >= at-settlement {", "d.UsageAt > at-settlement {",
		"usage a settlement window ago is in time",
	},
	{
		"late-of-any-item", "account_late.go",
		"if u.mayPay(b) && b.Matches(u.charge) {", "if u.mayPay(b) {",
		"an expired block pays for what its filters let through",
	},
	{
		"late-in-order-of-expiry", "account_late.go",
		"	slices.SortFunc(blocks, drawdownOrder)\n\treturn blocks, sum", "	slices.SortFunc(blocks, byExpiry)\n\treturn blocks, sum",
		"expired blocks pay in drawdown order",
	},
	{
		"lapsed-not-available", "account_draw.go",
		"op.Amount.Sub(uncovered)), addCapped(a.spendable(), lapsed))", "op.Amount.Sub(uncovered)), a.spendable())",
		"what lapsed of the candidates is available to late usage",
	},
	{
		"lapsed-not-in-the-limit", "account_draw.go",
		"most, err := addCapped(a.spendable(), lapsed).Add(bound)", "most, err := a.spendable().Add(bound)",
		"a limit counts from what lapsed of the candidates too",
	},
	{
		"lapsed-drawn-twice", "account_draw.go",
		"return b.rare.Lapsed\n\t}\n\treturn b.free()", "return b.Initial\n\t}\n\treturn b.free()",
		"an expired block pays with what it lost",
	},
	{
		"settled-stays-open", "account_late.go",
		"b.countsUntilExpiry() && b.ExpiresAt > a.settling.settled()", "b.countsUntilExpiry()",
		"what is settled is closed",
	},
	{
		"reversed-first-drawn-first", "account_reverse.go",
		"		slices.Reverse(list)\n", "",
		"what was drawn last goes back first",
	},
	{
		"reversed-above-the-charge", "account_reverse.go",
		"if left.IsZero() || rest.Cmp(left) > 0 {", "if left.IsZero() {",
		"no more goes back than was drawn and is left",
	},
	{
		"reversed-twice", "account_reverse.go",
		"return mustAmount(d.amount.Sub(a.taken[d.entry].amount))", "return d.amount",
		"a charge goes back once",
	},
	{
		"room-of-what-lapsed", "account_reverse.go",
		"addCapped(now.capacity, now.balance.Neg()).Sub(now.rare.Lapsed)", "addCapped(now.capacity, now.balance.Neg()).Sub(Amount{})",
		"what lapsed of a block takes its room",
	},
	{
		"room-of-a-debt-is-bounded", "account_reverse.go",
		"return now.balance.Neg()\n", "return now.capacity\n",
		"a block that was made for a debt takes back what pays it",
	},
	{
		"reversed-to-the-living", "account_reverse.go",
		"	if !b.Expired(r.account.at) {\n\t\tnow := r.edit(b)", "	if true {\n\t\tnow := r.edit(b)",
		"what goes back to an expired block lapses again",
	},
	{
		"expired-grant-returns", "account_reverse.go",
		"	expired := b.Expired(a.at)\n", "	expired := false\n",
		"what an expired grant repaid lapses at once",
	},
	{
		"repayment-returns-twice", "account_reverse.go",
		"	r.edit(d.block).repaid(back)\n", "",
		"what a grant repaid comes back once",
	},
	{
		"repayment-of-the-last-alone", "account_reverse.go",
		"terms.Repaid = addCapped(r.Refill.Repaid, amount)", "terms.Repaid = amount",
		"what earlier grants repaid comes back too",
	},
	{
		"repayment-on-the-first-terms", "account_reverse.go",
		"		r.Refill = &terms\n\t})\n}\n\n// repaid takes", "		if r.Refill == nil {\n\t\t\tr.Refill = &terms\n\t\t}\n\t})\n}\n\n// repaid takes",
		"what was repaid comes back on the terms of the last grant",
	},
	{
		"repayment-without-parent", "account_reverse.go",
		"more := rare{ParentID: d.block.ID, Metadata: r.metadata}", "more := rare{Metadata: r.metadata}",
		"a new block of a reversal names its parent",
	},
	{
		"lost-not-said", "account_reverse.go",
		"	c.lost = mustAmount(c.lost.Add(mustAmount(rest.Sub(again))))\n", "	_ = again\n",
		"what is lost is said",
	},
	{
		"lapsed-not-said", "account_reverse.go",
		"	r.change.lapsed = mustAmount(r.change.lapsed.Add(amount))\n", "",
		"what lapsed again is said",
	},
	{
		"amendment-of-nothing", "account_reverse.go",
		"Line{Type: EntryAmendment, At: r.account.at, Amount: back, Reverses: d.entry}", "Line{Type: EntryAmendment, At: r.account.at, Amount: back}",
		"an amendment says which entry it takes back",
	},
	{
		"reversed-row-always-new", "account_reverse.go",
		"StoredRow{Row: taken.row(), New: was.IsZero()}", "StoredRow{Row: taken.row(), New: true}",
		"a row that is there is no new one",
	},
	{
		"reversed-row-not-stored", "account_reverse.go",
		"	c.rows = append(c.rows, StoredRow{Row: taken.row(), New: was.IsZero()})\n", "	_ = was\n",
		"what was taken back is stored",
	},
	{
		"made-keys-charge-nothing", "account_reverse.go",
		"		c.key = rec.ownKey()\n", "",
		"a charge is named by the key that the ledger made",
	},
	{
		"usage-not-compared", "operation_field.go",
		"u.UsageAt == v.UsageAt && u.eligibleBefore == v.eligibleBefore", "v != nil",
		"every field of an operation counts",
	},
	{
		"usage-not-read", "opsfile/operations.go",
		"	op.UsageAt = f.instant(\"usage_at\")\n", "	f.instant(\"usage_at\")\n",
		"usage_at of an operations file is obeyed",
	},
	{
		"lost-for-reversed", "opsfile/stream.go",
		"o.member(\"reversed\", r.Reversed)", "o.member(\"reversed\", r.Lost)",
		"an answer says what was taken back",
	},
}
