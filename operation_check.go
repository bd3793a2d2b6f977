package creditledger

func (op Increment) check() error {
	err := firstError(
		checkPositive(op.Amount),
		checkOptionalID("block_id", op.BlockID),
		checkWhen("effective_date", op.EffectiveAt),
		checkWhen("expiry_date", op.ExpiresAt),
		checkFilters(op.Filters),
		checkOptionalID("invoice_id", op.InvoiceID),
		checkNote(op.Description, op.Metadata),
	)
	switch {
	case err != nil:
		return err
	case op.EffectiveAt.IsNever():
		return invalid("effective_date", "cannot be never")
	case int(op.Source) >= len(sourceNames):
		return invalid("source", "is not known")
	case int(op.Repay) >= len(repayNames):
		return invalid("repay", "is not known")
	}
	return checkSpan(op.EffectiveAt, op.ExpiresAt)
}

// checkSpan refuses an expiry at or before the effective date where both can be
// compared: two instants, or two dates of the same calendar.
func checkSpan(effective, expires When) error {
	bothDates := effective.date != 0 && expires.date != 0
	bothInstants := effective.instant != 0 && expires.instant != 0
	if (bothDates && expires.date <= effective.date) || (bothInstants && expires.instant <= effective.instant) {
		return invalid("expiry_date", "%s is not after the effective date %s", expires, effective)
	}
	return nil
}

func (op Decrement) check() error {
	err := firstError(
		checkPositive(op.Amount),
		checkOptionalID("item_id", op.ItemID),
		checkOptionalID("price_id", op.PriceID),
		checkOptionalID("invoice_id", op.InvoiceID),
		checkNote(op.Description, op.Metadata),
	)
	if err == nil {
		err = checkOverdraft(op.Overdraft.or(OverdraftAllow), op.OverdraftLimit)
	}
	switch {
	case err != nil:
		return err
	case !op.UsageAt.Valid():
		return invalid("usage_at", "is outside the years 0001 to 9999")
	case op.eligibleBefore != 0 && (op.Overdraft.or(OverdraftAllow) == OverdraftAllow || op.UsageAt != 0 || !op.eligibleBefore.Valid()):
		return invalid("eligible_before", "goes with overdraft reject and stop_at_zero only")
	}
	return nil
}

// checkOverdraft refuses a policy that is none, and a limit that does not go with it.
func checkOverdraft(o Overdraft, l OverdraftLimit) error {
	limit, bounded := l.Amount()
	switch {
	case int(o) >= len(overdraftNames):
		return invalid("overdraft", "is not known")
	case bounded && o != OverdraftAllow:
		return invalid("overdraft_limit", "goes with overdraft allow only")
	case bounded && limit.Sign() < 0:
		return invalid("overdraft_limit", "%s is negative", limit)
	}
	return nil
}

func (op ExpirationChange) check() error {
	err := firstError(
		checkOptionalID("block_id", op.BlockID),
		checkWhen("expiry_date", op.ExpiresAt),
		checkWhen("target_expiry_date", op.Target),
		checkOptionalID("new_block_id", op.NewBlockID),
		checkNote(op.Description, op.Metadata),
	)
	switch {
	case err != nil:
		return err
	case op.BlockID == "" && op.ExpiresAt.IsZero():
		return invalid("block_id", "nothing names the source: give block_id, expiry_date or both")
	case op.ExpiresAt.IsNever():
		return invalid("expiry_date", "cannot be never: name a block that does not expire by its id")
	case op.Target.IsZero():
		return invalid("target_expiry_date", "is missing")
	case op.Amount.Sign() < 0:
		return invalid("amount", "%s is not positive", op.Amount)
	}
	return nil
}

func (op Void) check() error {
	if op.Reason != "" && op.Reason != VoidRefund {
		return invalid("void_reason", "%s is not %s", quote(op.Reason), VoidRefund)
	}
	return firstError(checkID("block_id", op.BlockID), checkPositive(op.Amount), checkNote(op.Description, op.Metadata))
}

func (op Amendment) check() error {
	return firstError(checkID("block_id", op.BlockID), checkPositive(op.Amount), checkNote(op.Description, op.Metadata))
}

func (op Activation) check() error {
	return firstError(checkID("block_id", op.BlockID), checkNote(op.Description, op.Metadata))
}

func (op Reverse) check() error {
	err := firstError(checkOptionalID("charge", string(op.Charge)), checkNote(op.Description, op.Metadata))
	switch {
	case err != nil:
		return err
	case op.Charge == "" && op.Entry == 0:
		return invalid("charge", "nothing names what is taken back: give charge or entry")
	case op.Charge != "" && op.Entry != 0:
		return invalid("entry", "goes without charge: name one of them")
	case op.Amount.Sign() < 0:
		return invalid("amount", "%s is not positive", op.Amount)
	}
	return nil
}

func (b Batch) check() error {
	if len(b) == 0 {
		return invalid("operations", "is empty")
	}
	if len(b) > MaxBatch {
		return invalid("operations", "has %d operations, more than %d", len(b), MaxBatch)
	}
	for i, op := range b {
		switch op := op.(type) {
		case nil:
			return invalid("operations", "operation %d is missing", i+1)
		case Batch:
			return invalid("operations", "operation %d is a batch inside a batch", i+1)
		default:
			if err := checkOperation(op); err != nil {
				return inBatch(b, i, err)
			}
		}
	}
	return nil
}

func (expire) check() error { return invalid("op", "an expiry cannot be asked for") }

// checkOperation is op.check for an operation that a caller gave, which may be nil
// or a pointer.
func checkOperation(op Operation) error {
	switch op.(type) {
	case Increment, Decrement, ExpirationChange, Void, Amendment, Activation, Reverse, Hold, ExtendHold, Capture, Release, Schedule, ChangeSchedule, EndSchedule, Batch:
		return op.check()
	case nil:
		return invalid("op", "is missing")
	}
	return invalid("op", "%T is not an operation: give the operation itself, not a pointer", op)
}
