package creditledger

import "slices"

// textOf returns the texts of an operation that is no batch.
func textOf(op Operation) (description string, metadata map[string]string) {
	switch op := op.(type) {
	case Increment:
		return op.Description, op.Metadata
	case Decrement:
		return op.Description, op.Metadata
	case ExpirationChange:
		return op.Description, op.Metadata
	case Void:
		return op.Description, op.Metadata
	case Amendment:
		return op.Description, op.Metadata
	case Activation:
		return op.Description, op.Metadata
	case Reverse:
		return op.Description, op.Metadata
	case Hold:
		return op.Description, op.Metadata
	case ExtendHold:
		return op.Description, op.Metadata
	case Capture:
		return op.Description, op.Metadata
	case Release:
		return op.Description, op.Metadata
	case send:
		return op.Description, op.Metadata
	case arrive:
		return op.Description, op.Metadata
	case Schedule:
		return op.Description, op.Metadata
	case ChangeSchedule:
		return op.Description, op.merged
	case EndSchedule:
		return op.Description, op.Metadata
	case begin:
		return op.Description, op.Metadata
	case carry:
		return op.Description, op.Metadata
	}
	return "", nil
}

// withText returns an operation with other texts.
func withText(op Operation, description string, metadata map[string]string) Operation {
	switch op := op.(type) {
	case Increment:
		op.Description, op.Metadata = description, metadata
		return op
	case Decrement:
		op.Description, op.Metadata = description, metadata
		return op
	case ExpirationChange:
		op.Description, op.Metadata = description, metadata
		return op
	case Void:
		op.Description, op.Metadata = description, metadata
		return op
	case Amendment:
		op.Description, op.Metadata = description, metadata
		return op
	case Activation:
		op.Description, op.Metadata = description, metadata
		return op
	case Reverse:
		op.Description, op.Metadata = description, metadata
		return op
	case Hold:
		op.Description, op.Metadata = description, metadata
		return op
	case ExtendHold:
		op.Description, op.Metadata = description, metadata
		return op
	case Capture:
		op.Description, op.Metadata = description, metadata
		return op
	case Release:
		op.Description, op.Metadata = description, metadata
		return op
	case send:
		op.Description, op.Metadata = description, metadata
		return op
	case arrive:
		op.Description, op.Metadata = description, metadata
		return op
	case Schedule:
		op.Description, op.Metadata = description, metadata
		return op
	case ChangeSchedule:
		op.put, op.removed = op.counts() // nothing else is left of the request
		op.Description, op.merged, op.Metadata = description, metadata, nil
		return op
	case EndSchedule:
		op.Description, op.Metadata = description, metadata
		return op
	case begin:
		op.Description, op.Metadata = description, metadata
		return op
	case carry:
		op.Description, op.Metadata = description, metadata
		return op
	}
	return op
}

// hasText reports whether an operation, or one of a batch, has a description or metadata.
func hasText(op Operation) bool {
	switch op := op.(type) {
	case Batch:
		return slices.ContainsFunc(op, hasText)
	case fallenDue:
		return slices.ContainsFunc(op, hasText)
	}
	description, metadata := textOf(op)
	return description != "" || len(metadata) > 0
}
