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
		"return &creditledger.OutcomeUnknownError{Err: fmt.Errorf(\"commit to %s: %w\", s.path, err)}", "return fmt.Errorf(\"commit to %s: %w\", s.path, err)",
		"an error of a commit says nothing about the file",
	},
	{
		"not-poisoned", "store/bolt/write.go",
		"if err, panicked = guarded(\"commit\", tx.Commit); err != nil {\n\t\ts.poisoned(err, panicked)", "if err, panicked = guarded(\"commit\", tx.Commit); err != nil {\n\t\t_ = panicked",
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
		"tail-before-commit", "store/bolt/write.go",
		"\t\tnext, err = s.apply(tx, list)\n\t\treturn err", "\t\tif next, err = s.apply(tx, list); err == nil {\n\t\t\ts.tailing.Lock()\n\t\t\tnext()\n\t\t\ts.tailing.Unlock()\n\t\t\tnext = func() {}\n\t\t}\n\t\treturn err",
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
