package invoice

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"creditledger"
)

func checkID(field, s string) error {
	if s == "" {
		return invalid(field, "is missing")
	}
	return checkText(field, s, creditledger.MaxID)
}

// checkText lets line breaks and tabs through where a text may be long, no other
// control characters.
func checkText(field, s string, limit int) error {
	long := limit > creditledger.MaxID
	switch {
	case len(s) > limit:
		return invalid(field, "has %d bytes, more than %d", len(s), limit)
	case !utf8.ValidString(s):
		return invalid(field, "is not valid UTF-8")
	case strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && (!long || (r != '\n' && r != '\r' && r != '\t'))
	}) >= 0:
		return invalid(field, "has control characters")
	}
	return nil
}

func checkMetadata(m map[string]string) error {
	if len(m) > creditledger.MaxMetadataPairs {
		return invalid("metadata", "has %d pairs, more than %d", len(m), creditledger.MaxMetadataPairs)
	}
	for k, v := range m {
		if k == "" {
			return invalid("metadata", "has an empty key")
		}
		if err := checkText("metadata", k, creditledger.MaxMetadataKey); err != nil {
			return err
		}
		if err := checkText("metadata", v, creditledger.MaxMetadataValue); err != nil {
			return err
		}
	}
	return nil
}

// resolve is the instant a caller meant, a bare date in the customer's zone.
func resolve(w creditledger.When, zone *time.Location) creditledger.Instant {
	if d := w.Date(); d != 0 {
		return d.FirstInstant(zone)
	}
	return w.Instant()
}

// checkWhen refuses a date that does not exist.
func checkWhen(field string, w creditledger.When) error {
	if w.IsNever() {
		return invalid(field, "cannot be never")
	}
	if !w.Instant().Valid() {
		return invalid(field, "is a date that does not exist or is outside the years 0001 to 9999")
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// inOrder takes steps until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
