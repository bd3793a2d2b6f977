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

// operationSize counts what an operation says. Its ids are bounded by themselves.
func operationSize(op Operation) int {
	if b, ok := op.(Batch); ok {
		size := 0
		for _, op := range b {
			size += operationSize(op)
		}
		return size
	}
	description, metadata := textOf(op)
	size := textSize(description) + metadataSize(metadata)
	switch op := op.(type) {
	case Increment:
		size += filtersSize(op.Filters)
	case Schedule:
		size += filtersSize(op.Filters)
	}
	if op, ok := op.(ChangeSchedule); ok {
		for k, v := range op.Metadata {
			size += 64 + len(k)
			if v != nil {
				size += len(*v)
			}
		}
	}
	return size
}

// checkSize refuses a batch that is too large. Only new requests are checked, because a
// record may have been written under another bound.
func checkSize(op Operation) error {
	if b, ok := op.(Batch); ok {
		if size := operationSize(b); size > MaxBatchSize {
			return invalid("operations", "take up %d bytes, more than %d: split the batch", size, MaxBatchSize)
		}
	}
	return nil
}
