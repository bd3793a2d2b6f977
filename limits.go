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
	MaxBatch         = 1000 // operations in a batch, or in an act
	MaxActAccounts   = 64   // accounts in an act
	MaxPage          = 1000 // items of a page
	// MaxEntries bounds the entries of one operation, outside a batch or in it, and
	// MaxBatchEntries those of a batch. What expires is written down whatever its number.
	MaxEntries      = 10_000
	MaxBatchEntries = 100_000
	// MaxBatchSize bounds what the descriptions, the metadata and the filters of a batch take
	// up in memory, in bytes: each text counts 16 more than its length, a metadata pair and a
	// filter 32.
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

// firstError returns the first error of a list of checks.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
