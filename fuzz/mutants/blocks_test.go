package mutants

// What makes a block count, and which pays first.
var blocks = []mutant{
	{
		"expiry-inclusive", "block.go",
		"expires != 0 && expires <= t", "expires != 0 && expires < t",
		"a block is gone at its expiry, not after it",
	},
	{
		"expiry-one-late", "account_state.go",
		"due.ExpiresAt > t {", "due.ExpiresAt >= t {",
		"what expires at the instant of an operation is written down before it",
	},
	{
		"effective-exclusive", "block.go",
		"effective <= t &&", "effective < t &&",
		"a block counts from its effective instant on, that instant included",
	},
	{
		"effective-one-late", "account_state.go",
		"wake.EffectiveAt > t {", "wake.EffectiveAt >= t {",
		"a waiting block counts from its effective instant on",
	},
	{
		"pending-counts", "block.go",
		"return status == BlockActive && effective", "return effective",
		"a block that waits for payment is not eligible",
	},
	{
		"basis-before-expiry", "account_block.go",
		"if a.ExpiresAt != b.ExpiresAt {", "if a.ExpiresAt != b.ExpiresAt && a.CostBasis.Cmp(b.CostBasis) == 0 {",
		"expiry goes before cost basis",
	},
	{
		"filters-before-priority", "account_block.go",
		"if a.Priority != b.Priority {", "if a.Priority != b.Priority && (len(a.rare.Filters) > 0) == (len(b.rare.Filters) > 0) {",
		"priority goes before filters",
	},
	{
		"never-first", "account_block.go",
		"cmp.Compare(uint64(a.ExpiresAt)-1, uint64(b.ExpiresAt)-1)", "cmp.Compare(a.ExpiresAt, b.ExpiresAt)",
		"a block that never expires pays last",
	},
	{
		"basis-as-text", "account_block.go",
		"a.CostBasis.Cmp(b.CostBasis); c != 0", "cmp.Compare(a.CostBasis.String(), b.CostBasis.String()); c != 0",
		"cost bases are compared as numbers",
	},
	{
		"newest-first", "account_block.go",
		"return c\n\t}\n\treturn cmp.Compare(a.Number, b.Number)", "return c\n\t}\n\treturn cmp.Compare(b.Number, a.Number)",
		"of equal blocks the older pays first",
	},
	{
		"unfiltered-first", "account_block.go",
		"fa, fb := len(a.rare.Filters) > 0, len(b.rare.Filters) > 0;", "fa, fb := len(a.rare.Filters) == 0, len(b.rare.Filters) == 0;",
		"filtered blocks pay before unfiltered ones",
	},
	{
		"filters-skipped", "account_pools.go",
		"if matches(p.filters, c) && !yield(&p.pool) {", "if !yield(&p.pool) {",
		"a block pays only for what its filters let through",
	},
	{
		"usage-effective-exclusive", "account_late.go",
		"b.EffectiveAt <= u.at &&", "b.EffectiveAt < u.at &&",
		"what becomes effective at the instant of the usage pays",
	},
	{
		"eligible-before-unpaid", "account_block.go",
		"return max(b.EffectiveAt, b.ActivatedAt) }", "return b.EffectiveAt }",
		"credits are as old as their payment",
	},
	{
		"available-unfiltered", "account_state.go",
		"range a.drawable(c) {", "range a.drawable(Charge{Currency: c.Currency}) {",
		"what is available to a charge is what matching blocks hold",
	},
	{
		"filters-or", "filter.go",
		"if listed != (f.Operator == FilterIncludes) {\n\t\t\treturn false\n\t\t}\n\t}\n\treturn true",
		"if listed == (f.Operator == FilterIncludes) {\n\t\t\treturn true\n\t\t}\n\t}\n\treturn len(filters) == 0",
		"all filters of a block must let a charge through",
	},
	{
		"absent-is-listed", "filter.go",
		`listed := value != "" && slices.Contains`, `listed := value == "" || slices.Contains`,
		"a charge without the field is kept out by includes and let through by excludes",
	},
	{
		"available-ignores-debts", "account_state.go",
		"minAmount(total, matching)", "minAmount(matching, matching)",
		"available is never more than the total",
	},
	{
		"taker-first", "account_state.go",
		"drawdownOrder(a.taker, b) < 0", "drawdownOrder(a.taker, b) > 0",
		"an overdraft goes on the last block in drawdown order",
	},
	{
		"taker-expires", "account_block.go",
		"return b.ExpiresAt == 0 && len(b.rare.Filters) == 0", "return len(b.rare.Filters) == 0",
		"a block that expires never holds a debt",
	},
	{
		"taker-filtered", "account_block.go",
		"return b.ExpiresAt == 0 && len(b.rare.Filters) == 0", "return b.ExpiresAt == 0",
		"a filtered block never holds a debt",
	},
	{
		"debts-newest-first", "account_state.go",
		"a.open.order, a.debts.order = drawdownOrder, byNumber",
		"a.open.order, a.debts.order = drawdownOrder, func(x, y *block) int { return byNumber(y, x) }",
		"debts are repaid oldest first",
	},
	{
		"equal-expiry-by-number", "account_state.go",
		"cmp.Compare(a.ExpiresAt, b.ExpiresAt), drawdownOrder(a, b))", "cmp.Compare(a.ExpiresAt, b.ExpiresAt), byNumber(a, b))",
		"blocks that expire together are written down in drawdown order",
	},
}
