package mutants

// The file store: what is on the disk when, and what a damaged file may do.
var files = []mutant{
	{
		"never-synced", "store/bolt/open.go",
		"NoStatistics:    true,", "NoStatistics:    true,\n\t\t\tNoSync:          true,",
		"what is acknowledged is on the disk",
	},
	{
		"freelist-not-synced", "store/bolt/open.go",
		"NoStatistics:    true,", "NoStatistics:    true,\n\t\t\tNoFreelistSync:  true,",
		"a file is written with its freelist",
	},
	{
		"opened-unexamined", "store/bolt/open.go",
		"warnings, err = preflight(ctx, f, info.Size(), !o.ReadOnly)", "_ = preflight",
		"a damaged file is refused before it is mapped",
	},
	{
		"fallback-not-told", "store/bolt/preflight.go",
		"if m.alone {", "if false && m.alone {",
		"a damaged meta page is told of",
	},
	{
		"unknown-is-failed", "store/bolt/write.go",
		"return &creditledger.OutcomeUnknownError{Err: err}", "return err",
		"an error of a commit says nothing about the file",
	},
	{
		"unknown-in-the-log-is-failed", "store/bolt/log_file.go",
		"return false, &creditledger.OutcomeUnknownError{Err: fmt.Errorf(\"commit to the log of %s: %w\", s.path, err)}", "return false, fmt.Errorf(\"commit to the log of %s: %w\", s.path, err)",
		"an error of a commit says nothing about the log file",
	},
	{
		"log-not-flushed", "internal/onelog/log.go",
		"if err := l.flush(); err != nil {", "if err := error(nil); err != nil {",
		"what is acknowledged is on the disk, in the log file",
	},
	{
		"turns-alike", "internal/onelog/frame.go",
		"\th.Write(last[:])\n", "\t_ = last\n",
		"a turn follows the very one that it was written after",
	},
	{
		"damage-is-the-end-of-the-log", "internal/onelog/read.go",
		"if f, _, ok := parseFrame(data[at:]); ok {\n\t\t\te :=", "if f, _, ok := parseFrame(data[at:]); false && ok {\n\t\t\te :=",
		"a frame that was acknowledged and is damaged is told of",
	},
	{
		"a-log-that-is-missing-is-none", "store/bolt/log_file.go",
		"if !m.inUse {\n\t\tif err := leftLog(", "if _, missing := os.Lstat(s.path + logSuffix); !m.inUse || missing != nil {\n\t\tm.inUse = false\n\t\tif err := leftLog(",
		"a ledger whose log file is missing is refused",
	},
	{
		"turns-in-the-halves-unnamed", "store/bolt/mark.go",
		"turns: named(oldest, l.Names())", "turns: named(oldest, nil)",
		"what lies in the log file is known for the ledger's own",
	},
	{
		"mark-without-sum", "store/bolt/mark.go",
		"!bytes.Equal(sum[:markSum], value[end:])", "!bytes.Equal(sum[:0], value[end:end])",
		"a log file that is in use is not taken for one that is not",
	},
	{
		"later-log-unseen", "store/bolt/log_open.go",
		"err = onelog.Left(f, info.Size(), turns...)", "_ = turns",
		"a log file with later commits is neither passed over nor removed",
	},
	{
		"log-removed-by-name", "store/bolt/log_file.go",
		"!os.SameFile(is, info) || !isLog || found != id || is.Size() != info.Size()", "false && (!isLog || found != id)",
		"nothing is removed by its name alone",
	},
	{
		"log-written-over-unseen", "store/bolt/log_file.go",
		"return l.stands(path) && l.Unchanged()", "return l.stands(path)",
		"a log file that something else wrote to is given up",
	},
	{
		"fold-cut-off-is-forgotten", "store/bolt/replay.go",
		"\tif at.acct == u.acct && at.last == u.numbers[len(u.numbers)-1] {\n\t\treturn nil, nil\n\t}\n", "",
		"a fold that was cut off is gone on with",
	},
	{
		"log-removed-when-unknown", "store/bolt/bolt.go",
		"err == nil && s.poison.Load() == nil && !s.mark.inUse", "err == nil && !s.mark.inUse",
		"a log file that may be in use is not removed",
	},
	{
		"not-poisoned", "store/bolt/write.go",
		"if panicked || what != folding || s.touched() {", "if panicked {",
		"after an unknown outcome all work is refused",
	},
	{
		"lock-kept-after-panic", "store/bolt/bolt.go",
		"\t\t\tunlock(s.file)\n\t\t\terr = errors.Join(err, s.file.Close())", "\t\t\terr = errors.Join(err, s.file.Close())",
		"a panic does not keep the file locked",
	},
	{
		"path-not-watched", "store/bolt/write.go",
		"if err := sameFile(s.path, s.info); err != nil {", "if err := sameFile(s.path, s.info); false {",
		"nothing is written to a file that its path no longer names",
	},
	{
		"tail-before-commit", "store/bolt/log_file.go",
		"write := func() error { return s.log.Append(a.begin, s.payload) }", "write := func() error { return s.log.Append(a.begin, s.payload) }\n\ts.tailing.Lock()\n\ts.tail.take(rows)\n\ts.tail.addAll(list, found, a)\n\ts.tailing.Unlock()\n\trows, list = nil, nil",
		"no reader is shown what is not committed",
	},
	{
		"block-id-not-indexed", "store/bolt/commit.go",
		"\t\tw.put(bucketBlockIDs, textKey(acct, b.ID), key(b.Number))\n", "\t\t_ = textKey\n",
		"a block is found by its id",
	},
	{
		"keys-not-folded", "store/bolt/fold.go",
		"w.put(bucketKeys, textKey(a.acct, string(k)), key(seq))", "_, _ = k, seq",
		"a key is known for as long as the ledger exists",
	},
	{
		"due-not-removed", "store/bolt/fold.go",
		"w.delete(bucketDue, dueKey(was, id))", "_ = was",
		"only what is due is found due",
	},
	{
		"versions-not-compared", "store/bolt/commit.go",
		"if !changes.ComputedFrom(c, &at.head) {", "if false {",
		"a commit computed from another version is refused",
	},
	{
		"record-unchecked", "store/bolt/row.go",
		"fits != marked", "fits && false",
		"no bit of an upper layer's record changes unnoticed",
	},
	{
		"wide-mode-accepted", "store/bolt/file.go",
		"mode.Perm()&others == 0", "mode.Perm()&others&0o007 == 0",
		"a file is its owner's only",
	},
}
