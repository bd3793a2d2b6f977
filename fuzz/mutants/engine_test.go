package mutants

// What is stored, and what the ledger remembers of it.
var records = []mutant{
	{
		"seal-left-out", "ledger_decide.go",
		"a.head.Version+1, a.head.Seal, at, id\n", "a.head.Version+1, Seal{}, at, id\n",
		"a record holds the seal of the one before",
	},
	{
		"sequence-from-records", "ledger_decide.go",
		"= entries+1, key, op, d.effects", "= a.head.Version+1, key, op, d.effects",
		"entries are numbered without gaps",
	},
	{
		"due-not-stored", "ledger_decide.go",
		"a.head.NextDue, a.head.Total = a.nextDue(), total", "a.head.NextDue, a.head.Total = 0, total",
		"a sweep finds what is due",
	},
	{
		"chain-unchecked", "account_replay.go",
		"case rec.Prev != head.Seal:", "case false:",
		"a record that does not follow is found",
	},
	{
		"replay-unchecked", "account_replay.go",
		"lineDifference(&stored.Lines[j], &c.lines[j]); field != \"\" {", "lineDifference(&stored.Lines[j], &c.lines[j]); false && field != \"\" {",
		"an entry that the operation does not give is found",
	},
	{
		"time-unchecked", "account_replay.go",
		"case rec.At < head.LastAt:", "case false:",
		"created_at never falls",
	},
	{
		"blocks-unverified", "verify_compare.go",
		"if !bytes.Equal(v.stored, v.replayed) {", "if false {",
		"a stored block that the journal does not give is found",
	},
	{
		"checkpoint-unverified", "verify_account.go",
		"want != rec.Was {", "want != rec.Was && false {",
		"a history that was rewritten since a checkpoint is found",
	},
	{
		"keys-unverified", "verify_index.go",
		"if err == nil && seq != rec.Seq {", "if err == nil && seq != rec.Seq && false {",
		"a key that leads elsewhere is found",
	},
	{
		"damage-is-zero", "journal_values.go",
		"if r.err != \"\" || header == 0 {", "if r.err != \"\" || header&amountMark == 0 {",
		"damaged amounts are never read as 0",
	},
	{
		"no-metadata-is-null", "answer_json.go",
		"return map[string]string{}\n", "return nil\n",
		"no metadata is {}",
	},
	{
		"memory-shared", "operation_resolve.go",
		"op.Filters = cloneFilters(op.Filters)\n", "",
		"the ledger keeps nothing of the caller's",
	},
	{
		"metadata-shared", "operation_resolve.go",
		"return maps.Clone(m)", "_ = maps.Clone(m)\n\treturn m",
		"the ledger keeps nothing of the caller's",
	},
}

// Keys, the cache, the committer, the clock.
var engine = []mutant{
	{
		"key-not-stored", "account_changeset.go",
		"s.more().putKey(KeyedRecord{Key: r.key, Seq: r.seq})\n", "",
		"a key is stored with its operation",
	},
	{
		"key-not-in-flight", "account_changeset.go",
		"func(k KeyedRecord) bool { return k.Key == key }", "func(k KeyedRecord) bool { return false }",
		"a key of an operation that is being written is known",
	},
	{
		"payload-not-compared", "ledger_key.go",
		"		field = difference(rec.Op, rec.unsaid(r.op))\n", "		field = \"\"\n",
		"a key belongs to one operation",
	},
	{
		"item-not-compared", "operation_fields.go",
		"of(\"item_id\", &op.ItemID),\n\t\tof(\"price_id\", &op.PriceID),\n\t\tof(\"invoice_id\"",
		"of(\"price_id\", &op.PriceID),\n\t\tof(\"invoice_id\"",
		"every field of an operation counts",
	},
	{
		"replay-not-said", "ledger_result.go",
		"At: rec.At, Replayed: true}", "At: rec.At}",
		"a replay is marked",
	},
	{
		"generated-key-forgotten", "ledger_key.go",
		`if err != nil || rec.ID != id || rec.Key != "" {`, "if err != nil || true {",
		"a key that the ledger made is a key",
	},
	{
		"answered-before-commit", "commit_flight.go",
		"if landing == nil {", "if landing == nil || landing != nil {",
		"nobody is told of what is not durable",
	},
	{
		"shown-before-commit", "ledger_durable.go",
		"return s.latest(), err", "return nil, err",
		"no reader is shown what is not committed",
	},
	{
		"cache-after-failure", "commit_committer.go",
		"\t\tc.cache.invalidate(s)\n", "\t\t_ = err\n",
		"what was not written is forgotten",
	},
	{
		"queue-after-failure", "commit_redecide.go",
		"	for s.queued != nil {\n\t\tqueued = append", "	for s.queued != nil && s.queued.hasLanded() {\n\t\tqueued = append",
		"what was decided on top of a failed commit is decided afresh",
	},
	{
		"cache-not-asked", "commit_slots.go",
		"if s.account != nil && s.latest() != nil {", "if s.account != nil {",
		"another process's commits are seen",
	},
	{
		"refused-by-what-failed", "ledger_key.go",
		"e.flight.err == nil && e.flight.sent > begun", "begun < 1<<60",
		"nobody is refused because of what was not written",
	},
	{
		"refused-by-what-was", "ledger_key.go",
		"e.flight.err == nil && e.flight.sent > begun", "e.flight.err == nil && begun < 1<<60",
		"a refusal is of what is there when it is asked for, or later",
	},
	{
		"read-of-what-was", "ledger_durable.go",
		"if f.err == nil && f.sent > begun && (", "if f.err == nil && begun < 1<<60 && (",
		"a read shows what is there when it is asked for, or later",
	},
	{
		"refused-though-known", "ledger.go",
		"refusal error) (*Result, error) {\n\tif known, err := l.known(ctx, s, r); known != nil || err != nil {", "refusal error) (*Result, error) {\n\tif known, err := l.known(ctx, s, r); false {",
		"a key that another process used meanwhile is known",
	},
	{
		"conflict-is-success", "ledger_pending.go",
		"if p.flight.err == nil {\n\t\t\tbreak", "if p.flight.err == nil || errors.Is(p.flight.err, ErrConflict) {\n\t\t\tbreak",
		"a conflict is decided afresh",
	},
	{
		"unknown-is-cancelled", "ledger_pending.go",
		"&OutcomeUnknownError{Key: p.result.Key, Err: err})", "err)",
		"an operation given up while it is written has an unknown outcome",
	},
	{
		"unknown-without-key", "ledger_pending.go",
		"keyed(p.flight.err, p.result.Key)", "p.flight.err",
		"an unknown outcome names the key to retry with",
	},
	{
		"spoilt-by-panic", "commit_slots.go",
		"if s.deciding {", "if false && s.deciding {",
		"a panic of the caller's own leaves nothing behind",
	},
	{
		"context-ignored", "ledger_request.go",
		"if err := ctx.Err(); err != nil {", "if err := ctx.Err(); false && err != nil {",
		"nothing begins under a context that is over",
	},
	{
		"lock-not-cancelled", "commit_slots.go",
		"case <-ctx.Done():\n", "case <-context.Background().Done():\n",
		"the wait for an account can be given up",
	},
	{
		"clock-goes-back", "ledger.go",
		"at = max(now, a.head.LastAt)", "at = now",
		"time never goes back within an account",
	},
	{
		"reader-goes-back", "ledger_durable.go",
		"	at, err := l.advance(s.account)\n\tif err != nil {\n\t\treturn nil, err\n\t}\n", "	at, err := l.advance(s.account)\n\tif err != nil {\n\t\treturn nil, err\n\t}\n\tat, _ = l.now()\n",
		"no reader looks behind the last record",
	},
	{
		"preview-stays", "ledger.go",
		"d.takeBack()\n\t\tresult = d.result", "result = d.result",
		"a preview writes nothing",
	},
	{
		"records-dropped", "account_changeset.go",
		"b.documents = append(b.documents, w.puts...)\n", "_ = b\n",
		"records of an upper layer commit with the operation",
	},
	{
		"record-twice-in-commit", "commit_turn.go",
		"case f.meets(carried):", "case false:",
		"a commit carries each record once",
	},
	{
		"closed-block-forgotten", "commit_slots.go",
		"s.account.admit(blocks[i])", "_ = blocks[i]",
		"a block that is closed still has its id",
	},
	{
		"currency-folded", "accountid.go",
		`if id.Currency == "" {`, `if id.Currency == "" || id.Currency == "Credits" || id.Currency == "CREDITS" {`,
		"currencies are case-sensitive",
	},
	{
		"customer-trimmed", "accountid.go",
		"\treturn id\n}", "\tfor len(id.Customer) > 1 && id.Customer[0] == ' ' {\n\t\tid.Customer = id.Customer[1:]\n\t}\n\treturn id\n}",
		"ids are taken as they are",
	},
}

// What readers are shown.
var reading = []mutant{
	{
		"blocks-page-repeats", "read_blocks.go",
		"binary.AppendUvarint(nil, b.Number)", "binary.AppendUvarint(nil, b.Number-1)",
		"pages repeat nothing",
	},
	{
		"held-page-repeats", "read_blocks.go",
		"return drawdownOrder(open[i], after) > 0", "return drawdownOrder(open[i], after) >= 0",
		"pages repeat nothing",
	},
	{
		"entries-page-repeats", "read_entries.go",
		"(e.Seq == s.passed || ", "(",
		"pages repeat nothing",
	},
	{
		"cursor-unbound", "read_cursor.go",
		"if string(sum[:cursorMark]) != string(data[:cursorMark]) {", "if string(sum[:0]) != string(data[:0]) {",
		"a cursor belongs to its account and query",
	},
	{
		"past-exclusive", "read_balance.go",
		"if line.At <= q.At {", "if line.At < q.At {",
		"the balance of an instant includes what was recorded at it",
	},
	{
		"past-activated", "read_balance.go",
		"if b.ActivatedAt == 0 || b.ActivatedAt > q.At {", "if b.ActivatedAt == 0 {",
		"a block did not count before it was activated",
	},
	{
		"from-exclusive", "read_entries.go",
		"return rec.At >= at }", "return rec.At > at }",
		"bounds of created_at mean what they say",
	},
	{
		"least-amount-exclusive", "read_entries.go",
		"l.Amount.Cmp(s.q.MinAmount) >= 0", "l.Amount.Cmp(s.q.MinAmount) > 0",
		"an entry of the least amount is listed",
	},
	{
		"sweep-at-now", "ledger_sweep.go",
		"\ta.moveTo(due)\n", "\ta.moveTo(max(now, a.head.LastAt))\n",
		"a sweep leaves what an operation would have left",
	},
	{
		"swept-page-ends", "ledger_sweep.go",
		"if len(due) < MaxPage {", "if len(due) <= MaxPage {",
		"a sweep looks at every account",
	},
}
