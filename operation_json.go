package creditledger

import "encoding/json"

// Operations read and write themselves in the words of operations files: an object
// with the key op and the keys of docs/operations.md, where a key that is left out, or
// null, is the default. What would be read back as something else is not written, and
// what is misspelt is not passed over: both are an InvalidError.

// UnmarshalOperation reads an operation of any type by its key op.
func UnmarshalOperation(data []byte) (Operation, error) {
	var named struct {
		Op string `json:"op"`
	}
	if err := json.Unmarshal(data, &named); err != nil {
		return nil, badJSON("op", err)
	}
	switch named.Op {
	case Increment{}.Name():
		return readOperation[Increment](data)
	case Decrement{}.Name():
		return readOperation[Decrement](data)
	case ExpirationChange{}.Name():
		return readOperation[ExpirationChange](data)
	case Void{}.Name():
		return readOperation[Void](data)
	case Amendment{}.Name():
		return readOperation[Amendment](data)
	case Activation{}.Name():
		return readOperation[Activation](data)
	case Reverse{}.Name():
		return readOperation[Reverse](data)
	case Hold{}.Name():
		return readOperation[Hold](data)
	case ExtendHold{}.Name():
		return readOperation[ExtendHold](data)
	case Capture{}.Name():
		return readOperation[Capture](data)
	case Release{}.Name():
		return readOperation[Release](data)
	case Schedule{}.Name():
		return readOperation[Schedule](data)
	case ChangeSchedule{}.Name():
		return readOperation[ChangeSchedule](data)
	case EndSchedule{}.Name():
		return readOperation[EndSchedule](data)
	case Batch{}.Name():
		return readOperation[Batch](data)
	}
	return nil, invalid("op", "%s is not an operation", quote(named.Op))
}

func readOperation[T Operation, P object[T]](data []byte) (Operation, error) {
	var op T
	if err := readObject(data, P(&op)); err != nil {
		return nil, err
	}
	return op, nil
}

// MarshalJSON writes the operation in the words of operations files.
func (op Increment) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Increment) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Decrement) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Decrement) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op ExpirationChange) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *ExpirationChange) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Void) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Void) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Amendment) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Amendment) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Reverse) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Reverse) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Activation) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Activation) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Hold) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Hold) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op ExtendHold) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *ExtendHold) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Capture) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Capture) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Release) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Release) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Schedule) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Schedule) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files. Metadata that are
// cleared and then put cannot be written, as null clears them; nor can a zero Rollover, as
// null leaves it as it is.
func (op ChangeSchedule) MarshalJSON() ([]byte, error) {
	if op.Rollover != nil && op.Rollover.IsZero() {
		return nil, invalid("rollover", "carries nothing, which would be read as no change: give 0 percent")
	}
	return writeObject(op, op.fields(nil))
}

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *ChangeSchedule) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op EndSchedule) MarshalJSON() ([]byte, error) { return writeObject(op, op.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *EndSchedule) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the batch in the words of operations files.
func (b Batch) MarshalJSON() ([]byte, error) { return writeObject(b, b.fields(nil)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error b stays as it was.
func (b *Batch) UnmarshalJSON(data []byte) error { return readObject(data, b) }
