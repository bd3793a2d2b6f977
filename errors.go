package creditledger

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Sentinels, matched with errors.Is. What a refusal was about stands in the types
// below, matched with errors.As. Every error of the ledger that is not about
// storage leaves the account exactly as it was.
var (
	// ErrInvalid: the request alone shows that it is wrong (InvalidError).
	ErrInvalid = errors.New("invalid request")
	// ErrNotFound: the account has no such block, the ledger no such customer (NotFoundError).
	ErrNotFound = errors.New("not found")
	// ErrDuplicate: an id that has to be new is in use (DuplicateError).
	ErrDuplicate = errors.New("already in use")
	// ErrConstraint: the state of the account or customer forbids it (ConstraintError).
	ErrConstraint = errors.New("not allowed")
	// ErrInsufficientCredits: a decrement asked for more than its overdraft policy
	// allows (InsufficientCreditsError).
	ErrInsufficientCredits = errors.New("insufficient credits")
	// ErrLimit: one operation would write more entries than one may, or leave more open
	// blocks than an account may have (LimitError). It is a constraint too.
	ErrLimit = errors.New("limit exceeded")
	// ErrSeveralAccounts: the store does not commit as many accounts at once as an act has
	// (SeveralAccountsError). It is a constraint too.
	ErrSeveralAccounts = errors.New("the store does not commit so many accounts at once")
	// ErrIdempotencyMismatch: the key belongs to another operation (IdempotencyMismatchError).
	ErrIdempotencyMismatch = errors.New("idempotency key already used for another operation")

	// ErrConflict: the account moved in the store since it was read, more often
	// than the ledger was willing to decide afresh (ConflictError). Nothing was written.
	ErrConflict = errors.New("conflict")
	// ErrOutcomeUnknown: the commit may or may not have happened
	// (OutcomeUnknownError). Repeating the operation with the same key is safe and
	// tells what happened.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrPoisoned: the store had a commit whose outcome is unknown and refuses all
	// work until it is reopened. Nothing was written.
	ErrPoisoned = errors.New("store refuses work after a commit of unknown outcome: reopen it")
	// ErrClosed: the ledger or store is closed. Nothing was written.
	ErrClosed = errors.New("closed")
	// ErrReadOnly: the store was opened for reading only.
	ErrReadOnly = errors.New("read-only")
	// ErrLocked: another process holds the store.
	ErrLocked = errors.New("locked by another process")
	// ErrCorrupt: stored data is damaged or not ours (CorruptError).
	ErrCorrupt = errors.New("corrupt")
)

// InvalidError is a request that is wrong whatever the state of the ledger.
type InvalidError struct {
	Field  string // the field at fault, in the names of docs/operations.md; may be empty
	Reason string
}

func (e *InvalidError) Error() string {
	if e.Field == "" {
		return "invalid request: " + e.Reason
	}
	return "invalid " + e.Field + ": " + e.Reason
}

// Is matches ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// NotFoundError names what the account (or the ledger) does not have.
type NotFoundError struct {
	Kind string // "block", "customer", …
	ID   string
}

func (e *NotFoundError) Error() string { return kindText(e.Kind) + " " + quote(e.ID) + " not found" }

// Is matches ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// DuplicateError names an id that had to be new.
type DuplicateError struct {
	Kind string // "block", "external customer id", …
	ID   string
}

func (e *DuplicateError) Error() string {
	return kindText(e.Kind) + " " + quote(e.ID) + " is already in use"
}

// Is matches ErrDuplicate.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }

// ConstraintError says what the state forbids.
type ConstraintError struct{ Reason string }

func (e *ConstraintError) Error() string { return e.Reason }

// Is matches ErrConstraint.
func (e *ConstraintError) Is(target error) bool { return target == ErrConstraint }

// InsufficientCreditsError is a decrement above what its overdraft policy allows.
// Both amounts are in credits.
type InsufficientCreditsError struct {
	Requested, Available Amount
}

func (e *InsufficientCreditsError) Error() string {
	return fmt.Sprintf("insufficient credits: requested %s, available %s", e.Requested, e.Available)
}

// Is matches ErrInsufficientCredits.
func (e *InsufficientCreditsError) Is(target error) bool { return target == ErrInsufficientCredits }

// ReversalError is a reversal of more than is left of a charge. Both amounts are in
// credits. It is a constraint.
type ReversalError struct {
	Requested Amount // zero: all that is left
	Left      Amount // of what was drawn, not taken back yet
}

func (e *ReversalError) Error() string {
	if e.Left.IsZero() {
		return "nothing is left to take back: the charge was taken back already"
	}
	return fmt.Sprintf("%s of the charge is left to take back, less than %s", e.Left, e.Requested)
}

// Is matches ErrConstraint.
func (e *ReversalError) Is(target error) bool { return target == ErrConstraint }

// LimitError is an operation that would write more than MaxEntries entries, or as a
// batch more than MaxBatchEntries; or one after which an account would have more than
// MaxOpenBlocks. It says which by the field that is not zero.
type LimitError struct {
	Entries int // the operation would write at least so many
	Blocks  int // the weight of the open blocks after the operation
}

func (e *LimitError) Error() string {
	switch {
	case e.Blocks > 0:
		return fmt.Sprintf("the account's open blocks would count %d, more than %d: spend, void or expire some, or say less in their filters and metadata", e.Blocks, MaxOpenBlocks)
	case e.Entries > MaxBatchEntries:
		return fmt.Sprintf("would write more than %d entries: split the batch", MaxBatchEntries)
	}
	return fmt.Sprintf("would write more than %d entries: ask for less at a time", MaxEntries)
}

// Is matches ErrLimit and ErrConstraint.
func (e *LimitError) Is(target error) bool { return target == ErrLimit || target == ErrConstraint }

// IdempotencyMismatchError names the first field in which the operation differs
// from the one its key was used for: "op" first, then in the order of
// docs/operations.md.
type IdempotencyMismatchError struct {
	Key   Key
	Field string
}

func (e *IdempotencyMismatchError) Error() string {
	return fmt.Sprintf("idempotency key %s was used for another operation: the first difference is in %s", quote(string(e.Key)), e.Field)
}

// Is matches ErrIdempotencyMismatch.
func (e *IdempotencyMismatchError) Is(target error) bool { return target == ErrIdempotencyMismatch }

// ConflictError is what Store.Commit returns when nothing was written because the
// named accounts or documents are no longer as the changes were computed from, or one
// of the idempotency keys to be added is already stored.
type ConflictError struct {
	Accounts  []AccountID
	Documents []DocumentID
	Keys      []AccountKey // already stored; only an OptimisticStore has to say
}

func (e *ConflictError) Error() string {
	names := make([]string, 0, len(e.Accounts)+len(e.Documents)+len(e.Keys))
	for _, a := range e.Accounts {
		names = append(names, a.String())
	}
	for _, r := range e.Documents {
		names = append(names, kindText(r.Kind)+" "+quote(r.Key))
	}
	for _, k := range e.Keys {
		names = append(names, "key "+quote(string(k.Key))+" of "+k.Account.String())
	}
	return "conflict: changed meanwhile: " + strings.Join(names, ", ")
}

// Is matches ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// OutcomeUnknownError wraps why nobody knows whether a commit happened. Key, when
// set, is the key under which a retry of the operation is safe.
type OutcomeUnknownError struct {
	Key Key
	Err error
}

func (e *OutcomeUnknownError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("outcome unknown: %v", e.Err)
	}
	return fmt.Sprintf("outcome unknown, retry with key %s: %v", quote(string(e.Key)), e.Err)
}

// Is matches ErrOutcomeUnknown.
func (e *OutcomeUnknownError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns the cause.
func (e *OutcomeUnknownError) Unwrap() error { return e.Err }

// CorruptError says where stored data is damaged.
type CorruptError struct {
	Where  string // "block 7 of cus_1/credits", "page 12", …
	Reason string
}

func (e *CorruptError) Error() string { return "corrupt: " + e.Where + ": " + e.Reason }

// Is matches ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// OperationError says what was attempted; it wraps why it did not happen.
type OperationError struct {
	Op      string // "decrement 150", …
	Account AccountID
	Err     error
}

func (e *OperationError) Error() string {
	return e.Op + " on " + e.Account.String() + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *OperationError) Unwrap() error { return e.Err }

// BatchError says which operation of a Batch was refused, and why. Nothing of the batch was
// done.
type BatchError struct {
	Index int // in the Batch, from 0
	Op    Operation
	Err   error
}

func (e *BatchError) Error() string {
	return fmt.Sprintf("operation %d, %s: %v", e.Index+1, describe(e.Op), e.Err)
}

// Unwrap returns the reason.
func (e *BatchError) Unwrap() error { return e.Err }

// ActError says which operation of an act was refused, on which account, and why. Nothing
// of the act was done.
type ActError struct {
	Index   int // among the operations, from 0
	Account AccountID
	Op      Operation
	Err     error
}

func (e *ActError) Error() string {
	return fmt.Sprintf("operation %d, %s on %s: %v", e.Index+1, describe(e.Op), e.Account, e.Err)
}

// Unwrap returns the reason.
func (e *ActError) Unwrap() error { return e.Err }

// SeveralAccountsError is an act on more accounts than the store commits at once. Nothing
// was done. It matches ErrSeveralAccounts.
type SeveralAccountsError struct {
	Accounts int // of the act
	Most     int // that the store commits at once
}

func (e *SeveralAccountsError) Error() string {
	return fmt.Sprintf("the act names %d accounts, and the store commits %d at once: choose another store, or other options of it", e.Accounts, e.Most)
}

// Is matches ErrSeveralAccounts and ErrConstraint.
func (e *SeveralAccountsError) Is(target error) bool {
	return target == ErrSeveralAccounts || target == ErrConstraint
}

// inBatch says which operation of a batch was refused; a field that is at fault is
// named by its place in the batch.
func inBatch(op Operation, i int, err error) error {
	b, ok := op.(Batch)
	if !ok {
		return err
	}
	var wrong *InvalidError
	if errors.As(err, &wrong) {
		err = &InvalidError{Field: fmt.Sprintf("operations[%d].%s", i, wrong.Field), Reason: wrong.Reason}
	}
	return &BatchError{Index: i, Op: b[i], Err: err}
}

func constraint(format string, args ...any) error {
	return &ConstraintError{Reason: fmt.Sprintf(format, args...)}
}

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// quote shows untrusted text in a message: escaped, and cut when it is long.
func quote(s string) string {
	const limit = 80
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "…"
	}
	return strconv.Quote(s)
}

// kindText returns a kind of thing for a message. It quotes a kind that is not made of
// everyday words, because callers choose the kinds of their documents.
func kindText(kind string) string {
	const long = 64
	plain := len(kind) <= long && strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789_- ") == ""
	if plain {
		return kind
	}
	return quote(kind)
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
