package creditledger

// grant is an increment of a block with a name. Expiries are given as text.
func grant(id, amount string, also ...func(*Increment)) Increment {
	op := Increment{BlockID: id, Amount: MustAmount(amount)}
	for _, set := range also {
		set(&op)
	}
	return op
}

func expires(text string) func(*Increment) {
	return func(op *Increment) { op.ExpiresAt = mustValue(ParseWhen(text)) }
}

func effective(text string) func(*Increment) {
	return func(op *Increment) { op.EffectiveAt = mustValue(ParseWhen(text)) }
}

func basis(text string) func(*Increment) {
	return func(op *Increment) { op.CostBasis = MustCostBasis(text) }
}

func priority(p int32) func(*Increment) { return func(op *Increment) { op.Priority = p } }

func only(items ...string) func(*Increment) {
	return func(op *Increment) {
		op.Filters = append(op.Filters, Filter{Operator: FilterIncludes, Values: items})
	}
}

func except(items ...string) func(*Increment) {
	return func(op *Increment) {
		op.Filters = append(op.Filters, Filter{Operator: FilterExcludes, Values: items})
	}
}

func unpaid(op *Increment) { op.RequirePayment = true }

func noRepay(op *Increment) { op.Repay = RepayNever }

func spend(amount string, also ...func(*Decrement)) Decrement {
	op := Decrement{Amount: MustAmount(amount)}
	for _, set := range also {
		set(&op)
	}
	return op
}

func item(id string) func(*Decrement) { return func(op *Decrement) { op.ItemID = id } }

func policy(o Overdraft) func(*Decrement) { return func(op *Decrement) { op.Overdraft = o } }

func limit(text string) func(*Decrement) {
	return func(op *Decrement) { op.OverdraftLimit = OverdraftLimitOf(MustAmount(text)) }
}

func eligible(before string) func(*Decrement) {
	return func(op *Decrement) { op.eligibleBefore = when(before) }
}

// extend moves an amount (empty: all) of a block to a new one.
func extend(block, amount, target, newBlock string) ExpirationChange {
	op := ExpirationChange{BlockID: block, NewBlockID: newBlock, Target: Never()}
	if amount != "" {
		op.Amount = MustAmount(amount)
	}
	if target != "never" {
		op.Target = mustValue(ParseWhen(target))
	}
	return op
}

func voidOf(block, amount string) Void { return Void{BlockID: block, Amount: MustAmount(amount)} }

func amend(block, amount string) Amendment {
	return Amendment{BlockID: block, Amount: MustAmount(amount)}
}
