package mutants

// generator are the flags of one random test.
func generator(pkg, test string, more ...string) []string {
	return append([]string{pkg, test}, more...)
}

// What was once wrong here and passed all tests of its time. Each is made again, and has
// to be found by a test that draws its cases at random.
var findings = []finding{
	{
		"calendar-without-progress",
		[]edit{{"date.go", "if !end.After(at) || end.After(yearEnd) {", "if false {"}, {"date.go", "for range maxChanges {", "for {"}},
		generator("./fuzz", "TestDaysOfNinetyYears"),
		"the first instant of every day is found",
	},
	{
		"fold-in-any-order",
		[]edit{{"store/bolt/rows.go", "if !slices.IsSortedFunc(t.rows, byKey) {", "if false {"}},
		generator("./store/bolt", "TestFoldsOfAnyNames"),
		"the cost of a fold does not depend on names",
	},
	{
		"heads-by-version-alone",
		[]edit{
			{"store/internal/changes/changes.go", "return c.Version == stored.Version && c.Prev == stored.Seal", "return c.Version == stored.Version"},
			{"store/internal/changes/changes.go", " && have.Seal == stored.Seal", ""},
		},
		generator("./fuzz", "TestRestoredDumps"),
		"a change follows on the history that it was computed from",
	},
	{
		"joined-in-the-background",
		[]edit{{"commit_committer.go", "if _, ok := s.(JoinedStore); ok {", "if _, ok := s.(JoinedStore); ok && false {"}},
		generator("./fuzz", "TestJoinedCallsGivenUp"),
		"a joined commit is over when its call is",
	},
	{
		"joined-rows-in-the-background",
		[]edit{
			{"store/postgres/join.go", "func (j *Joined) Joined() {}", ""},
			{"store/postgres/join.go", "	_ creditledger.JoinedStore    = (*Joined)(nil)\n", ""},
		},
		generator("./store/postgres", "TestJoinedTransactionsGivenUp"),
		"a joined commit is over when its call is",
	},
	{
		"lost-race-is-poison",
		[]edit{{"store/postgres/join.go", "raced: lost(err), cause", "raced: false, cause"}},
		generator("./store/postgres", "TestJoinedTransactionsThatRace"),
		"a lost race is a conflict",
	},
	{
		"rows-not-counted",
		[]edit{{"store/postgres/script.go", "case want.rows != anyRows && tag.RowsAffected() != want.rows && wrong == nil:", "case false:"}},
		generator("./store/postgres", "TestTamperedRowsBesideAProcess"),
		"what is acknowledged is there",
	},
	{
		"tail-not-bounded-in-bytes",
		[]edit{{"store/bolt/tail.go", "return records < 0 || size < 0", "return records < 0"}},
		generator("./fuzz", "TestMemoryIsBounded"),
		"what is kept unfolded is bounded in bytes",
	},
	{
		"blocks-weigh-the-same",
		[]edit{{"account_weight.go", "return 1 + (len(b.ID)+b.rare.size)/weightUnit", "return 1"}},
		generator("./fuzz", "TestMemoryIsBounded"),
		"the cache is bounded by what its blocks take up",
	},
	{
		"nobody-waits-for-room",
		[]edit{{"commit_committer.go", "c.bytes.limit, c.blocks.limit = maxInFlight, max(int64(cache.limit), 1)", "c.bytes.limit, c.blocks.limit = 1<<50, 1<<50"}},
		generator("./fuzz", "TestMemoryOfWhatWaits"),
		"what is under way is bounded in bytes",
	},
	{
		"log-with-gaps",
		[]edit{
			{"store/bolt/replay.go", "if t.end() < log.Sequence() {", "if false {"},
			{"store/bolt/index.go", "if !bytes.Equal(k, key(next)) {", "if next = binary.BigEndian.Uint64(k); false {"},
			{"store/bolt/index.go", "if last := log.Sequence(); next <= last {", "if last := log.Sequence(); false {"},
		},
		generator("./store/bolt", "TestTamperedFiles"),
		"a record left out of the log is noticed",
	},
	{
		"json-without-expiry",
		[]edit{{"operation_fields.go", "\t\tof(\"expiry_date\", (*expiry)(&op.ExpiresAt)),\n", ""}},
		generator("./fuzz", "TestModelAgrees", "-test.short"),
		"an operation comes back from JSON as it was",
	},
	{
		"made-keys-scan-the-journal",
		[]edit{{
			"ledger_key.go", "	if seq > s.account.head.Version {\n\t\treturn nil, nil\n\t}\n\treturn l.recordMade(ctx, s.id, seq, id)",
			"	for seq = s.account.head.Version; seq > 0; seq-- {\n\t\tif rec, err := l.record(ctx, s.id, seq); err != nil || rec.ID == id {\n\t\t\treturn rec, err\n\t\t}\n\t}\n\treturn nil, nil",
		}},
		generator("./fuzz", "TestCostOfNames"),
		"no key costs history",
	},
	{
		"pages-are-sampled",
		[]edit{
			{"store/bolt/walk.go", "func (w *walk) visit(n node) error {", "func (w *walk) visit(n node) error {\n\tif w.used.size > 12 {\n\t\treturn nil\n\t}"},
			{"store/bolt/walk.go", "if w.used.size < w.meta.pages {", "if false {"},
		},
		generator("./fuzz/crash", "TestDamagedFiles"),
		"all pages of a file are judged before it is mapped",
	},
	{
		"freelist-not-judged",
		[]edit{{"store/bolt/walk.go", "	if err := w.freelist(); err != nil {\n\t\treturn err\n\t}\n\tif w.used.size < w.meta.pages {", "	if false {"}},
		generator("./fuzz/crash", "TestDamagedFiles"),
		"no page in use is given out again",
	},
	{
		"overwritten-unnoticed",
		[]edit{
			{"store/bolt/owner.go", "if s.metas.are != s.metas.were {", "if false {"},
			{"store/bolt/owner.go", "!= id || s.metas.are[other] != s.metas.were[other] {", "!= id && s.metas.are[other] != s.metas.were[other] && false {"},
		},
		generator("./store/bolt", "TestFilesOverwrittenInPlace"),
		"nothing is acknowledged into a file that somebody else wrote to",
	},
	{
		"emptied-pools-stay",
		[]edit{{"account_pools.go", "if f.remove(b); f.blocks.len() == 0 {", "if f.remove(b); false {"}},
		generator("./fuzz", "TestCostOfMemory"),
		"what is used up leaves nothing behind",
	},
	{
		"records-ignore-deadlines",
		[]edit{
			{"ledger_documents.go", "return l.commit.send(ctx, []Change{{Documents: puts}})", "return l.commit.send(context.WithoutCancel(ctx), []Change{{Documents: puts}})"},
			{"ledger_documents.go", "if l.commit.joined() || ctx.Done() == nil {", "if ctx != nil {"},
		},
		generator("./fuzz", "TestDeadlines"),
		"every call ends with its context",
	},
	{
		"strays-not-looked-for",
		[]edit{{"store/postgres/strays.go", "func (r *reads) CheckStrays(ctx context.Context) error {", "func (r *reads) CheckStrays(ctx context.Context) error {\n\tif r != nil {\n\t\treturn nil\n\t}"}},
		generator("./store/postgres", "TestTamperedRowsAreNoticed"),
		"no ledger is whole whose accounts are gone",
	},
	{
		"own-records-are-anybodys",
		[]edit{{"ledger_documents.go", "if err := checkPuts(puts); err != nil {", "if err := checkDocuments(puts); err != nil {"}},
		generator("./fuzz", "TestRecordsOfEveryKind"),
		"the ledger's own records are its own",
	},
	{
		"keys-guessed-by-the-owner",
		[]edit{{"ledger.go", "if !l.commit.exclusive || p.request.keyIsOurs {", "if true {"}},
		generator("./fuzz", "TestGroupingsAgree"),
		"a process that is alone with its store is never in conflict with itself",
	},
	{
		"patience-by-counting",
		[]edit{{"commit_committer.go", "maxPatience = 50 * time.Microsecond", "maxPatience = 50 * time.Hour"}},
		generator(".", "TestPatienceIsBoundedByTheClock"),
		"a lone commit waits for nobody",
	},
	{
		"accounts-larger-than-the-cache",
		[]edit{{"commit_slots.go", "return min(max(1, c.limit-max(1, c.limit/8)), math.MaxInt32)", "return math.MaxInt32"}},
		generator("./fuzz", "TestCostOfTinyCaches"),
		"an account larger than the cache is not read again for each operation",
	},
	{
		"decided-afresh-when-touched",
		[]edit{{"ledger_redecide.go", "	if l.commit.joined() {\n\t\ts.toRedecide.turn = make", "	if true {\n\t\ts.toRedecide.turn = make"}},
		generator("./fuzz", "TestGivenUpIsOverSoon"),
		"what was given up is over soon",
	},
	{
		"thrown-away-without-its-slot",
		[]edit{
			{"ledger_redecide.go", "	if l.commit.joined() {\n\t\ts.toRedecide.turn = make", "	if true {\n\t\ts.toRedecide.turn = make"},
			{"commit_redecide.go", "	c.mu.Lock()\n\ts.users++\n\tif c.redeciding == nil {", "	c.mu.Lock()\n\tif c.redeciding == nil {"},
			{"commit_redecide.go", "	delete(c.redeciding, s)\n\ts.users--\n", "	delete(c.redeciding, s)\n"},
			{"ledger_redecide.go", "	s, err := l.cache.acquire(ctx, id)\n\tif err != nil {\n\t\treturn false, err\n\t}\n\tdefer l.cache.release(s)\n\tif s.toRedecide == nil {", "	s, err := l.cache.acquire(ctx, id)\n\tif err != nil {\n\t\treturn false, err\n\t}\n\tdefer l.cache.release(s)\n\tif s.toRedecide == nil {\n\t\ts = d.slot\n\t}\n\tif s.toRedecide == nil {"},
			{"ledger_redecide.go", "	var d redecision\n", "	d := redecision{slot: s}\n"},
			{"ledger_redecide.go", "	*d = redecision{}\n", "	*d = redecision{slot: d.slot}\n"},
			{"ledger_redecide.go", "*d = redecision{replaced: first,", "*d = redecision{slot: d.slot, replaced: first,"},
			{"ledger_redecide.go", "	newIDs         bool ", "	slot *slot\n\tnewIDs bool "},
		},
		generator("./fuzz", "TestOrderOfSubmit"),
		"what was submitted before goes first",
	},
	{
		"overtaken-by-what-comes-later",
		[]edit{{"ledger_redecide.go", "if err != nil || s.toRedecide == nil {\n\t\t\treturn s, err", "if true {\n\t\t\treturn s, err"}},
		generator("./fuzz", "TestOrderOfSubmit"),
		"what was submitted before goes first",
	},
	{
		"clock-read-before-the-lock",
		[]edit{
			{"ledger_request.go", "	attach   Attach\n", "	now Instant\n\tattach Attach\n"},
			{"ledger.go", "	p.request.attach, p.request.mayLead = attach, lead\n", "	p.request.attach, p.request.mayLead = attach, lead\n\tp.request.now, _ = l.now()\n"},
			{"ledger_due.go", "	l.saltGrants(s.account, r, at)\n\ts.makeRoom", "	if r.now != 0 {\n\t\tat = max(r.now, s.account.head.LastAt)\n\t\ts.account.moveTo(at)\n\t}\n\tl.saltGrants(s.account, r, at)\n\ts.makeRoom"},
		},
		generator("./fuzz", "TestPastStays"),
		"what readers were told of an instant stays true",
	},
	{
		"lists-without-what-was-submitted",
		[]edit{{"read_balance.go", "	if err := l.awaitBegun(ctx); err != nil {\n\t\treturn nil, err\n\t}\n\treturn l.store.Accounts", "	return l.store.Accounts"}},
		generator("./opsfile", "TestRandomFilesHaveOneAnswer"),
		"a read that looks around sees what was submitted before",
	},
	{
		"verified-when-it-stands-still",
		[]edit{{"verify_account.go", "			return v.compare(ctx, s)\n", "			now, err := v.ledger.store.Journal(ctx, v.id, math.MaxUint64, 1, true)\n\t\t\tif more = err == nil && len(now) > 0 && now[0].Seq > v.replay.head.Version; err != nil || more {\n\t\t\t\treturn err\n\t\t\t}\n\t\t\treturn v.compare(ctx, s)\n"}},
		generator("./fuzz", "TestVerifyBesideAWriter"),
		"a verification ends beside a writer",
	},
	{
		"older-meta-page-for-good",
		[]edit{{"store/bolt/preflight.go", "m.alone, m.older = true, damaged.tx+1 != m.tx", "m.alone, m.older = true, false"}},
		generator("./fuzz/crash", "TestDamagedMetaPages"),
		"a file that may have lost its last commit is not written to",
	},
	{
		"rows-without-a-head",
		[]edit{
			{"store/postgres/script.go", "case want.rows != anyRows && tag.RowsAffected() != want.rows && wrong == nil:", "case false:"},
			{"store/postgres/sql.go", "VALUES ($1, $2, $3, (SELECT $4::int8 FROM {s}.heads WHERE bucket = $1 AND customer = $2 AND currency = $3), $5, $6, $7)", "VALUES ($1, $2, $3, $4, $5, $6, $7)"},
		},
		generator("./store/postgres", "TestTamperedRowsBesideAProcess"),
		"what is acknowledged is there",
	},
	{
		"what-cannot-be-is-tried-again",
		[]edit{
			{"store/postgres/judge.go", "	case found && v.invalid == nil:\n", "	case false:\n"},
			{"store/postgres/judge.go", "if n := c.Blocks[i].Number; stored[i] && c.Blocks[i].New && n > uint64(last) {", "if n := c.Blocks[i].Number; false {"},
			{"store/postgres/commit.go", "} else if breaks(err) && !fenced(err) && unknown == nil {", "} else if false {"},
		},
		generator("./store/postgres", "TestTamperedRowsBesideAProcess"),
		"a row that no transaction explains is damage, and said at once",
	},
	{
		"nobody-queues-for-a-hot-account",
		[]edit{{"store/postgres/hold.go", "	if s.holds.Add(1) > int64(s.most) {\n", "	if s.holds.Add(1) > 0 {\n"}},
		generator("./store/postgres", "TestUnevenProcesses"),
		"no caller is told of a conflict of other processes",
	},
	{
		"connections-by-scheme-alone",
		[]edit{{"cmd/creditledger/connection.go", "	return schemed.MatchString(name) || parametric.MatchString(name)\n", "	return strings.HasPrefix(name, \"postgres://\") || strings.HasPrefix(name, \"postgresql://\")\n"}},
		generator("./cmd/creditledger", "TestRandomConnections"),
		"no connection is taken for the name of a file",
	},
	{
		"sorted-as-the-database-likes",
		[]edit{{"store/postgres/check.go", "	if !sorted {\n", "	if false {\n"}},
		generator("./store/postgres", "TestDatabasesOfAnyCollation"),
		"every account is listed, once",
	},
	{
		"damage-leaves-nothing-open",
		[]edit{{"store/bolt/scan.go", "if len(s.open) < maxOpen {", "if false {"}},
		generator("./store/bolt", "TestRandomDamageIsToldOf"),
		"a recovery is whole only if nothing is missing",
	},
	{
		"expiries-in-one-piece",
		[]edit{{"ledger_expire.go", "materialise(a, c, min(len(a.lapsed), d.expiries))", "materialise(a, c, len(a.lapsed))"}},
		generator("./fuzz", "TestExpiriesInPieces"),
		"no commit writes down more expiries than a store finds small",
	},
	{
		"expiries-of-many-accounts",
		[]edit{{"commit_turn.go", ", expiries > 0 && expiries+expired > c.expiries:", ", expiries > 0 && expiries+expired > 1<<30:"}},
		generator("./fuzz", "TestExpiriesInPieces"),
		"no commit writes down more expiries than a store finds small",
	},
}
