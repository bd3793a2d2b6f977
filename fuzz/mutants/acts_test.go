package mutants

// Several accounts at once.
var acts = []mutant{
	{
		"act-of-the-clock", "ledger_act_decide.go",
		"		at = max(at, p.slot.account.head.LastAt)\n", "		_ = p\n",
		"an act takes place at the latest of its accounts' instants",
	},
	{
		"act-sweeps-the-present", "ledger_act_decide.go",
		"p.request.account, a.at)", "p.request.account, 0)",
		"what is due by the instant of an act is written before it",
	},
	{
		"half-an-act", "ledger_act_decide.go",
		"		for _, p := range a.parts {\n			p.decision.takeBack()\n		}\n", "		a.parts[0].decision.takeBack()\n",
		"an act is done on all accounts or on none",
	},
	{
		"act-in-other-order", "ledger_act_decide.go",
		"		header.order = append(header.order, at.part)\n", "		header.order = append([]int{at.part}, header.order...)\n",
		"an act keeps the order of its operations",
	},
	{
		"act-without-digests", "ledger_act_decide.go",
		"		header.parts[i].digest = digests[i] // in the list that all of them share\n", "		_ = i\n",
		"each record of an act knows the others",
	},
	{
		"act-key-of-the-last-part", "journal_act.go",
		"generatedKey(a.parts[0].seq, a.id)", "generatedKey(a.parts[len(a.parts)-1].seq, a.id)",
		"an act has one key",
	},
	{
		"act-knows-no-key", "ledger_act_known.go",
		"	if a.key == \"\" {\n		return nil, nil\n", "	if true {\n		return nil, nil\n",
		"a key repeats the whole act",
	},
	{
		"act-is-a-single", "ledger_act_known.go",
		"if rec.act != nil && isPartOfTransfer(rec.Op) == (a.transfer != nil) {", "if rec.act != nil {",
		"a transfer is no list of operations",
	},
	{
		"act-of-fewer", "ledger_act_known.go",
		"	if len(order) != len(a.order) {\n		return \"operations\"\n	}\n", "",
		"a key belongs to one act",
	},
	{
		"act-on-another", "ledger_act_known.go",
		"		if rec.Account != p.request.account {\n			return \"operations\"\n		}\n", "",
		"a key belongs to one act",
	},
	{
		"act-key-at-one-account", "journal_act.go",
		"if r.Key == \"\" && r.act != nil && r.act.index > 0 {", "if false {",
		"a key that the ledger made belongs to every account of the act",
	},
	{
		"digest-of-the-place", "journal_act.go",
		"bare.Prev, bare.Was, bare.act = Seal{}, Seal{}, &header", "bare.act = &header",
		"a copy changes no digest",
	},
	{
		"act-of-others", "journal_act.go",
		"case own.account != rec.Account || own.seq != rec.Seq:", "case false:",
		"a record stands in its own place of an act",
	},
	{
		"act-part-unproven", "journal_act.go",
		"case rec.digestOfPart() != own.digest:", "case false:",
		"a record is the part that its act knows",
	},
	{
		"act-count-unproven", "journal_act.go",
		"case a.operations(a.index) != len(operations(rec.Op, &one)):", "case len(operations(rec.Op, &one)) < 0:",
		"a part of an act has its operations",
	},
	{
		"act-out-of-order", "journal_act.go",
		"if i > 0 && a.parts[i-1].account.Compare(p.account) >= 0 {", "if false {",
		"accounts of an act stand in order, each once",
	},
	{
		"fellow-unread", "verify_acts.go",
		"if len(records) == 0 || records[0].Seq != part.seq {", "if len(records) > 0 && records[0].Seq != part.seq {",
		"a part of an act that is missing is found",
	},
	{
		"fellow-uncompared", "verify_acts.go",
		"case !rec.act.same(other.act) || other.act.index != i || other.digestOfPart() != part.digest:", "case false:",
		"a part of an act that is altered is found",
	},
	{
		"fellow-of-another-time", "verify_acts.go",
		"case other.At != rec.At:", "case false:",
		"the parts of an act are of one instant",
	},
	{
		"arrived-from-nowhere", "verify_acts.go",
		"case !left || sent.To != receiver.Account:", "case !left && sent.BlockID != \"\":",
		"what arrived was sent",
	},
	{
		"arrived-on-other-terms", "verify_acts.go",
		"if !bytes.Equal(sent, appendArrive(", "if false && !bytes.Equal(sent, appendArrive(",
		"what arrived is what was sent",
	},
	{
		"sends-the-debt", "account_transfer.go",
		"available(a.spendable(), free)", "free",
		"a transfer leaves what covers a debt and what is promised",
	},
	{
		"sends-what-is-held", "account_transfer.go",
		"switch amount = only.free(); {", "switch amount = only.Balance; {",
		"a transfer of a block sends what is free",
	},
	{
		"sends-what-waits", "account_transfer.go",
		"		case !only.Eligible(a.at):\n			return nil, constraint(\"block %s is not in effect: what is in it cannot be sent\", quote(only.ID))\n", "",
		"only eligible blocks are sent",
	},
	{
		"sends-plain-only", "account_transfer.go",
		"		left = append(left, p.blocks.all())\n", "		_ = left\n",
		"filtered blocks are sent too",
	},
	{
		"sent-room-stays", "account_transfer.go",
		"		now.capacity = mustAmount(now.capacity.Sub(amount))\n", "",
		"what was sent is no room in its block",
	},
	{
		"arrives-without-terms", "account_transfer.go",
		"CostBasis: b.CostBasis, Priority: b.Priority, Filters: b.rare.Filters,\n	}\n}", "CostBasis: b.CostBasis, Priority: b.Priority,\n	}\n}",
		"what arrives has the terms of its block",
	},
	{
		"arrives-as-new", "account_transfer.go",
		"CreatedAt: a.at, EffectiveAt: p.EffectiveAt,", "CreatedAt: a.at, EffectiveAt: a.at,",
		"what arrives is as old as its block",
	},
	{
		"act-let-in", "ledger_act_lock.go",
		"		s.kept.Store(a.keeps)\n", "",
		"an act waits for no one who comes after it",
	},
}
