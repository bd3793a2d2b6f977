package creditledger

// The fields of the operations, in the order of docs/operations.md.

const maxFields = 20 // of an operation: those of a Schedule

// fieldsOf appends the fields of an operation that a caller can ask for, and of a part of a
// transfer, to list; none for the ledger's own operations.
func fieldsOf(op Operation, list []field) []field {
	switch op := op.(type) {
	case Increment:
		return op.fields(list)
	case Decrement:
		return op.fields(list)
	case ExpirationChange:
		return op.fields(list)
	case Void:
		return op.fields(list)
	case Amendment:
		return op.fields(list)
	case Activation:
		return op.fields(list)
	case Reverse:
		return op.fields(list)
	case Hold:
		return op.fields(list)
	case ExtendHold:
		return op.fields(list)
	case Capture:
		return op.fields(list)
	case Release:
		return op.fields(list)
	case Schedule:
		return op.fields(list)
	case ChangeSchedule:
		return op.fields(list)
	case EndSchedule:
		return op.fields(list)
	case send:
		return op.fields(list)
	case arrive:
		return op.fields(list)
	case Batch:
		return op.fields(list)
	}
	return list
}

func (op *Increment) fields(list []field) []field {
	return append(list,
		of("amount", &op.Amount),
		of("block_id", &op.BlockID),
		of("effective_date", &op.EffectiveAt),
		of("expiry_date", (*expiry)(&op.ExpiresAt)),
		of("per_unit_cost_basis", &op.CostBasis),
		of("priority", &op.Priority),
		field{"filters", (*filterList)(&op.Filters)},
		of("source", &op.Source),
		of("require_payment", &op.RequirePayment),
		of("repay", &op.Repay),
		of("invoice_id", &op.InvoiceID),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Decrement) fields(list []field) []field {
	return append(list,
		of("amount", &op.Amount),
		of("item_id", &op.ItemID),
		of("price_id", &op.PriceID),
		of("invoice_id", &op.InvoiceID),
		of("overdraft", &op.Overdraft),
		of("overdraft_limit", &op.OverdraftLimit),
		field{"usage_at", (*usageTime)(op)},
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *ExpirationChange) fields(list []field) []field {
	return append(list,
		of("block_id", &op.BlockID),
		of("expiry_date", &op.ExpiresAt),
		of("target_expiry_date", (*expiry)(&op.Target)),
		of("amount", &op.Amount),
		of("new_block_id", &op.NewBlockID),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Void) fields(list []field) []field {
	return append(list,
		of("block_id", &op.BlockID),
		of("amount", &op.Amount),
		of("void_reason", &op.Reason),
		of("lapsed", &op.Lapsed),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Amendment) fields(list []field) []field {
	return append(list,
		of("block_id", &op.BlockID),
		of("amount", &op.Amount),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Activation) fields(list []field) []field {
	return append(list,
		of("block_id", &op.BlockID),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Reverse) fields(list []field) []field {
	return append(list,
		of("charge", &op.Charge),
		of("entry", &op.Entry),
		of("amount", &op.Amount),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Hold) fields(list []field) []field {
	return append(list,
		of("hold_id", &op.HoldID),
		of("amount", &op.Amount),
		of("until", &op.Until),
		of("item_id", &op.ItemID),
		of("price_id", &op.PriceID),
		of("overdraft", &op.Overdraft),
		of("overdraft_limit", &op.OverdraftLimit),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *ExtendHold) fields(list []field) []field {
	return append(list,
		of("hold_id", &op.HoldID),
		of("amount", &op.Amount),
		of("until", &op.Until),
		of("overdraft", &op.Overdraft),
		of("overdraft_limit", &op.OverdraftLimit),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Capture) fields(list []field) []field {
	return append(list,
		of("hold_id", &op.HoldID),
		field{"amount", always[Amount]{single[Amount]{&op.Amount}}},
		of("keep_open", &op.KeepOpen),
		of("overdraft", &op.Overdraft),
		of("overdraft_limit", &op.OverdraftLimit),
		of("after_lapse", &op.AfterLapse),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Release) fields(list []field) []field {
	return append(list,
		of("hold_id", &op.HoldID),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *Schedule) fields(list []field) []field {
	return append(list,
		of("schedule_id", &op.ScheduleID),
		of("amount", &op.Amount),
		of("anchor", &op.Anchor),
		of("every", &op.Every),
		field{"timezone", (*zoneName)(op)},
		of("start", &op.Start),
		of("end", &op.End),
		of("count", (*periods)(&op.Count)),
		of("expires", &op.Expires),
		of("first", &op.First),
		of("scale", &op.Scale),
		of("rollover", &op.Rollover),
		of("catch_up", &op.CatchUp),
		of("per_unit_cost_basis", &op.CostBasis),
		of("priority", &op.Priority),
		field{"filters", (*filterList)(&op.Filters)},
		of("source", &op.Source),
		of("require_payment", &op.RequirePayment),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *ChangeSchedule) fields(list []field) []field {
	return append(list,
		of("schedule_id", &op.ScheduleID),
		of("amount", &op.Amount),
		field{"rollover", choice[Rollover]{&op.Rollover}},
		field{"expires", choice[GrantExpiry]{&op.Expires}},
		of("when", &op.When),
		of("description", &op.Description),
		field{"metadata", (*metadataChange)(op)},
	)
}

func (op *EndSchedule) fields(list []field) []field {
	return append(list,
		of("schedule_id", &op.ScheduleID),
		of("void_blocks", &op.VoidBlocks),
		of("void_reason", &op.VoidReason),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *send) fields(list []field) []field {
	return append(list,
		of("to", &op.To),
		of("amount", &op.Amount),
		of("block_id", &op.BlockID),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (op *arrive) fields(list []field) []field {
	return append(list,
		of("from", &op.From),
		of("description", &op.Description),
		field{"metadata", (*pairs)(&op.Metadata)},
	)
}

func (b *Batch) fields(list []field) []field {
	return append(list, field{"operations", (*operationList)(b)})
}
