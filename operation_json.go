package creditledger

import (
	"encoding/json"
	"fmt"
)

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
		var b Batch
		if err := b.UnmarshalJSON(data); err != nil {
			return nil, err
		}
		return b, nil
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

// The keys of the operations, in the order of docs/operations.md.

func (op *Increment) members() []member {
	return []member{
		{"amount", &op.Amount, op.Amount.IsZero()},
		{"block_id", &op.BlockID, op.BlockID == ""},
		{"effective_date", &op.EffectiveAt, op.EffectiveAt.IsZero()},
		{"expiry_date", (*expiry)(&op.ExpiresAt), op.ExpiresAt.IsZero()},
		{"per_unit_cost_basis", &op.CostBasis, !op.CostBasis.IsSet()},
		{"priority", &op.Priority, op.Priority == 0},
		{"filters", &op.Filters, len(op.Filters) == 0},
		{"source", &op.Source, op.Source == 0},
		{"require_payment", &op.RequirePayment, !op.RequirePayment},
		{"repay", &op.Repay, op.Repay == 0},
		{"invoice_id", &op.InvoiceID, op.InvoiceID == ""},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

func (op *Decrement) members() []member {
	_, bounded := op.OverdraftLimit.Amount()
	return []member{
		{"amount", &op.Amount, op.Amount.IsZero()},
		{"item_id", &op.ItemID, op.ItemID == ""},
		{"price_id", &op.PriceID, op.PriceID == ""},
		{"invoice_id", &op.InvoiceID, op.InvoiceID == ""},
		{"overdraft", &op.Overdraft, op.Overdraft == 0},
		{"overdraft_limit", &op.OverdraftLimit, !bounded},
		{"usage_at", &op.UsageAt, op.UsageAt == 0},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

func (op *ExpirationChange) members() []member {
	return []member{
		{"block_id", &op.BlockID, op.BlockID == ""},
		{"expiry_date", &op.ExpiresAt, op.ExpiresAt.IsZero()},
		{"target_expiry_date", (*expiry)(&op.Target), op.Target.IsZero()},
		{"amount", &op.Amount, op.Amount.IsZero()},
		{"new_block_id", &op.NewBlockID, op.NewBlockID == ""},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

func (op *Void) members() []member {
	return []member{
		{"block_id", &op.BlockID, op.BlockID == ""},
		{"amount", &op.Amount, op.Amount.IsZero()},
		{"void_reason", &op.Reason, op.Reason == ""},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

func (op *Amendment) members() []member {
	return []member{
		{"block_id", &op.BlockID, op.BlockID == ""},
		{"amount", &op.Amount, op.Amount.IsZero()},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

func (op *Reverse) members() []member {
	return []member{
		{"charge", &op.Charge, op.Charge == ""},
		{"entry", &op.Entry, op.Entry == 0},
		{"amount", &op.Amount, op.Amount.IsZero()},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

func (op *Activation) members() []member {
	return []member{
		{"block_id", &op.BlockID, op.BlockID == ""},
		{"description", &op.Description, op.Description == ""},
		{"metadata", (*pairs)(&op.Metadata), len(op.Metadata) == 0},
	}
}

// MarshalJSON writes the operation in the words of operations files.
func (op Increment) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Increment) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Decrement) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Decrement) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op ExpirationChange) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *ExpirationChange) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Void) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Void) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Amendment) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Amendment) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Reverse) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Reverse) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the operation in the words of operations files.
func (op Activation) MarshalJSON() ([]byte, error) { return writeObject(op, op.members()) }

// UnmarshalJSON reads what MarshalJSON writes. On an error op stays as it was.
func (op *Activation) UnmarshalJSON(data []byte) error { return readObject(data, op) }

// MarshalJSON writes the batch in the words of operations files.
func (b Batch) MarshalJSON() ([]byte, error) {
	operations := []Operation(b)
	return writeObject(b, []member{{"operations", &operations, false}})
}

// UnmarshalJSON reads what MarshalJSON writes. On an error b stays as it was.
func (b *Batch) UnmarshalJSON(data []byte) error {
	var operations []json.RawMessage
	if err := readMembers(data, b.Name(), []member{{"operations", &operations, true}}); err != nil {
		return err
	}
	if len(operations) > MaxBatch {
		return invalid("operations", "has %d operations, more than %d", len(operations), MaxBatch)
	}
	read := make(Batch, len(operations))
	for i, data := range operations {
		var named struct {
			Op string `json:"op"`
		}
		if json.Unmarshal(data, &named) == nil && named.Op == b.Name() { // and so on, however deep
			return invalid("operations", "operation %d is a batch inside a batch", i+1)
		}
		op, err := UnmarshalOperation(data)
		if err != nil {
			return fmt.Errorf("operation %d: %w", i+1, err)
		}
		read[i] = op
	}
	if err := checkOperation(read); err != nil {
		return err
	}
	*b = read
	return nil
}
