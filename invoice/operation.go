package invoice

import (
	"encoding/json"
	"errors"
	"slices"

	"creditledger"
)

// operation is a ledger operation as this package stores and shows it: its own JSON, in
// the words of operations files.
type operation struct {
	op      creditledger.Operation
	stored  json.RawMessage // as it was read, if it was
	refused error           // why the ledger would not take what was read
}

// MarshalJSON writes an operation that the ledger would take, or what was read.
func (o operation) MarshalJSON() ([]byte, error) {
	if o.stored != nil {
		return o.stored, nil
	}
	return json.Marshal(o.op)
}

// UnmarshalJSON reads what MarshalJSON writes, and what earlier releases wrote. These did not
// look at an operation before it was applied, so one that the ledger would not take is no
// damage.
func (o *operation) UnmarshalJSON(data []byte) error {
	*o = operation{stored: slices.Clone(data)}
	data, o.refused = withUsageAt(data)
	if o.refused == nil {
		o.op, o.refused = creditledger.UnmarshalOperation(data)
	}
	return nil
}

// withUsageAt says usage_at where an earlier release said eligible_before: the usage was
// before an instant, so the last possible one is a microsecond earlier.
func withUsageAt(data []byte) ([]byte, error) {
	var said map[string]json.RawMessage
	if err := json.Unmarshal(data, &said); err != nil || said["eligible_before"] == nil {
		return data, err
	}
	var before creditledger.Instant
	if err := json.Unmarshal(said["eligible_before"], &before); err != nil {
		return nil, err
	}
	delete(said, "eligible_before")
	var err error
	if said["usage_at"], err = json.Marshal(before - 1); err != nil {
		return nil, err
	}
	return json.Marshal(said)
}

// canBePending checks that an operation can stand in a pending change, and that the ledger
// would take it. A reversal cannot: the charge that it names may not be there yet.
func canBePending(op creditledger.Operation) error {
	switch op.(type) {
	case creditledger.Increment, creditledger.Decrement, creditledger.ExpirationChange,
		creditledger.Void, creditledger.Amendment, creditledger.Activation:
		_, err := json.Marshal(op)
		return refusal(err)
	}
	return invalid("operations", "%T cannot stand in a pending change", op)
}

// refusal is an error of encoding/json without its frame, where a value refused to be
// written.
func refusal(err error) error {
	var framed *json.MarshalerError
	for errors.As(err, &framed) {
		err = framed.Unwrap()
	}
	return err
}

// parseWhen reads what When.String wrote.
func parseWhen(text string) (w creditledger.When, err error) {
	err = w.UnmarshalText([]byte(text))
	return w, err
}
