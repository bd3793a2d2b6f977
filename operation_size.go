package creditledger

// Sizes are about the bytes in memory, with what slices and maps need to hold them.

func textSize(s string) int { return 16 + len(s) }

func metadataSize(m map[string]string) int {
	size := 0
	for k, v := range m {
		size += 32 + textSize(k) + textSize(v)
	}
	return size
}

func filtersSize(filters []Filter) int {
	size := 0
	for i := range filters {
		size += 32
		for _, v := range filters[i].Values {
			size += textSize(v)
		}
	}
	return size
}

func operationSize(op Operation) int {
	note := func(description string, metadata map[string]string) int {
		return textSize(description) + metadataSize(metadata)
	}
	switch op := op.(type) {
	case Increment:
		return textSize(op.BlockID) + textSize(op.InvoiceID) + filtersSize(op.Filters) + note(op.Description, op.Metadata)
	case Decrement:
		return textSize(op.ItemID) + textSize(op.PriceID) + textSize(op.InvoiceID) + note(op.Description, op.Metadata)
	case ExpirationChange:
		return textSize(op.BlockID) + textSize(op.NewBlockID) + note(op.Description, op.Metadata)
	case Void:
		return textSize(op.BlockID) + textSize(op.Reason) + note(op.Description, op.Metadata)
	case Amendment:
		return textSize(op.BlockID) + note(op.Description, op.Metadata)
	case Activation:
		return textSize(op.BlockID) + note(op.Description, op.Metadata)
	case Reverse:
		return textSize(string(op.Charge)) + note(op.Description, op.Metadata)
	case Hold:
		return textSize(op.HoldID) + textSize(op.ItemID) + textSize(op.PriceID) + note(op.Description, op.Metadata)
	case ExtendHold:
		return textSize(op.HoldID) + note(op.Description, op.Metadata)
	case Capture:
		return textSize(op.HoldID) + note(op.Description, op.Metadata)
	case Release:
		return textSize(op.HoldID) + note(op.Description, op.Metadata)
	case send:
		return textSize(op.BlockID) + note(op.Description, op.Metadata)
	case arrive:
		return note(op.Description, op.Metadata)
	case Schedule:
		return textSize(op.ScheduleID) + textSize(op.Timezone) + filtersSize(op.Filters) + note(op.Description, op.Metadata)
	case ChangeSchedule:
		size := textSize(op.ScheduleID) + note(op.Description, nil)
		for k, v := range op.Metadata {
			size += 64 + len(k)
			if v != nil {
				size += len(*v)
			}
		}
		return size
	case EndSchedule:
		return textSize(op.ScheduleID) + note(op.Description, op.Metadata)
	case Batch:
		size := 0
		for _, op := range op {
			size += operationSize(op)
		}
		return size
	}
	return 0
}

// checkSize refuses a batch that is too large. It is for new requests: what was written
// when the bound was another is replayed.
func checkSize(op Operation) error {
	if b, ok := op.(Batch); ok {
		if size := operationSize(b); size > MaxBatchSize {
			return invalid("operations", "take up %d bytes, more than %d: split the batch", size, MaxBatchSize)
		}
	}
	return nil
}
