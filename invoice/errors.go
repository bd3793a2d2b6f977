package invoice

import (
	"errors"
	"fmt"
	"strings"

	"creditledger"
)

// Error says what was attempted and wraps why it did not happen. Unless it wraps
// creditledger.ErrOutcomeUnknown, nothing was written.
type Error struct {
	Op       string // "purchase", "void_invoice", …
	Customer string
	Invoice  string // id, empty when there is none yet
	Err      error
}

func (e *Error) Error() string {
	text := e.Op
	if e.Invoice != "" {
		text += fmt.Sprintf(" %q", clip(e.Invoice))
	}
	if e.Customer != "" {
		text += fmt.Sprintf(" for customer %q", clip(e.Customer))
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// StatusError is a move that the status of an invoice, a payment or a pending change
// does not allow.
type StatusError struct {
	What   string // "invoice INV-000001", "payment pay_1", …
	Status string
	Move   string // what was attempted, such as "be voided"
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s is %s and cannot %s", e.What, e.Status, e.Move)
}

// Is matches creditledger.ErrConstraint.
func (e *StatusError) Is(target error) bool { return target == creditledger.ErrConstraint }

// inSettings names what is wrong with the settings of an invoice as callers name it, who
// give them inside invoice_settings.
func inSettings(err error) error {
	var wrong *creditledger.InvalidError
	if !errors.As(err, &wrong) {
		return err
	}
	return invalid("invoice_settings."+wrong.Field, "%s", wrong.Reason)
}

func invalid(field, format string, args ...any) error {
	return &creditledger.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

func constraint(format string, args ...any) error {
	return &creditledger.ConstraintError{Reason: fmt.Sprintf(format, args...)}
}

// clip shortens untrusted text in a message.
func clip(s string) string {
	const limit = 80
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
