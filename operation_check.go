package creditledger

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a request may hold. They are looked at before anything is built
// whose size follows the input.
const (
	MaxID            = 255  // bytes of an id, a currency or an idempotency key
	MaxMetadataPairs = 50   // pairs in a metadata map
	MaxMetadataKey   = 40   // bytes of a metadata key
	MaxMetadataValue = 500  // bytes of a metadata value
	MaxDescription   = 5000 // bytes of a description
	MaxFilters       = 20   // filters of a block
	MaxFilterValues  = 1000 // values over all filters of a block
	MaxBatch         = 1000 // operations in a batch
	MaxPage          = 1000 // items of a page
	// MaxEntries bounds the entries of one operation, outside a batch or in it, and
	// MaxBatchEntries those of a batch. What expires is written down whatever its number.
	MaxEntries      = 10_000
	MaxBatchEntries = 100_000
	// MaxBatchSize bounds what the texts of a batch take up in memory, in bytes: each
	// counts 16 more than its length, a metadata pair and a filter 32.
	MaxBatchSize = 4 << 20
	// MaxOpenBlocks bounds the open blocks of an account (those that hold something or
	// may take an overdraft). A block counts one more for each 256 bytes that its id,
	// filters and metadata take up, counted as for MaxBatchSize. An operation that leaves
	// no more of them is never refused for it.
	MaxOpenBlocks = 500_000
)

// checkID refuses what cannot be an id: 1 to 255 bytes of UTF-8 without control
// characters.
func checkID(field, s string) error {
	if s == "" {
		return invalid(field, "is empty")
	}
	return checkText(field, s, MaxID)
}

// checkOptionalID lets an absent id through.
func checkOptionalID(field, s string) error {
	if s == "" {
		return nil
	}
	return checkText(field, s, MaxID)
}

func checkText(field, s string, limit int) error {
	switch {
	case len(s) > limit:
		return invalid(field, "has %d bytes, more than %d", len(s), limit)
	case isPlain(s):
		return nil
	case !utf8.ValidString(s):
		return invalid(field, "%s is not valid UTF-8", quote(s))
	case strings.IndexFunc(s, unicode.IsControl) >= 0:
		return invalid(field, "%s has control characters", quote(s))
	}
	return nil
}

// isPlain reports whether s is nothing but printable ASCII, which most ids are: they
// are looked at in every call.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// checkDescription lets line breaks and tabs through, no other control characters.
func checkDescription(s string) error {
	switch {
	case len(s) > MaxDescription:
		return invalid("description", "has %d bytes, more than %d", len(s), MaxDescription)
	case !utf8.ValidString(s):
		return invalid("description", "is not valid UTF-8")
	case strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	}) >= 0:
		return invalid("description", "has control characters other than line breaks and tabs")
	}
	return nil
}

func checkMetadata(m map[string]string) error {
	if len(m) > MaxMetadataPairs {
		return invalid("metadata", "has %d pairs, more than %d", len(m), MaxMetadataPairs)
	}
	// The smallest offender is named, so that the message does not depend on map order.
	var worst error
	worstKey := ""
	for k, v := range m {
		err := checkText("metadata", k, MaxMetadataKey)
		if k == "" {
			err = invalid("metadata", "has an empty key")
		}
		if err == nil {
			err = checkText("metadata", v, MaxMetadataValue)
		}
		if err != nil && (worst == nil || k < worstKey) {
			worst, worstKey = err, k
		}
	}
	return worst
}

func checkNote(description string, metadata map[string]string) error {
	if err := checkDescription(description); err != nil {
		return err
	}
	return checkMetadata(metadata)
}

// checkCharge refuses what no decrement could ask for.
func checkCharge(c Charge) error {
	return firstError(
		checkOptionalID("item_id", c.ItemID),
		checkOptionalID("price_id", c.PriceID),
		checkOptionalID("price_type", c.PriceType),
		checkOptionalID("pricing_unit_id", c.PricingUnitID),
	)
}

func checkPositive(a Amount) error {
	if a.Sign() <= 0 {
		return invalid("amount", "%s is not positive", a)
	}
	return nil
}

func checkWhen(field string, w When) error {
	if !w.valid() {
		return invalid(field, "is a date that does not exist or is outside the years 0001 to 9999")
	}
	return nil
}

func checkFilters(filters []Filter) error {
	if len(filters) > MaxFilters {
		return invalid("filters", "has %d filters, more than %d", len(filters), MaxFilters)
	}
	values := 0
	for _, f := range filters {
		if f.Field != FieldItem {
			return invalid("filters", "field %s is not item_id, the one field that grants may filter by", f.Field)
		}
		if int(f.Operator) >= len(filterOperatorNames) {
			return invalid("filters", "operator %s is not known", f.Operator)
		}
		if len(f.Values) == 0 {
			return invalid("filters", "a filter has no values")
		}
		if values += len(f.Values); values > MaxFilterValues {
			return invalid("filters", "has more than %d values", MaxFilterValues)
		}
		for _, v := range f.Values {
			if err := checkID("filters", v); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstError returns the first error of a list of checks.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

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
	limit, bounded := op.Limit.Amount()
	switch {
	case err != nil:
		return err
	case int(op.Overdraft) >= len(overdraftNames):
		return invalid("overdraft", "is not known")
	case bounded && op.Overdraft != Allow:
		return invalid("overdraft_limit", "goes with overdraft allow only")
	case bounded && limit.Sign() < 0:
		return invalid("overdraft_limit", "%s is negative", limit)
	case !op.EligibleBefore.Valid():
		return invalid("eligible_before", "is outside the years 0001 to 9999")
	case op.EligibleBefore != 0 && op.Overdraft == Allow:
		return invalid("eligible_before", "goes with overdraft reject and stop_at_zero only")
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
	if op.Reason != "" && op.Reason != ReasonRefund {
		return invalid("void_reason", "%s is not %s", quote(op.Reason), ReasonRefund)
	}
	return firstError(checkID("block_id", op.BlockID), checkPositive(op.Amount), checkNote(op.Description, op.Metadata))
}

func (op Amendment) check() error {
	return firstError(checkID("block_id", op.BlockID), checkPositive(op.Amount), checkNote(op.Description, op.Metadata))
}

func (op Activation) check() error {
	return firstError(checkID("block_id", op.BlockID), checkNote(op.Description, op.Metadata))
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
	case Increment, Decrement, ExpirationChange, Void, Amendment, Activation, Batch:
		return op.check()
	case nil:
		return invalid("op", "is missing")
	}
	return invalid("op", "%T is not an operation: give the operation itself, not a pointer", op)
}
