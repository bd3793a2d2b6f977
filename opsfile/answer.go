package opsfile

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/language"

	"creditledger"
)

// Answer is the outcome of a Request. Its JSON form is the line that is written for a
// line of an operations file.
type Answer struct {
	Line int    // number of the input line; 0 when there was no file, and then not shown
	Op   string // empty when the line had none
	Err  error  // why there is no Result
	// Result is what was asked for: a *creditledger.Result, Balance, Explanation,
	// EntryPage, Settings, a Swept, Erased, Verification or Customer, an AccountPage or CustomerPage, the []creditledger.Block of
	// blocks, the []creditledger.HoldInfo of holds, the
	// []creditledger.ScheduleInfo of schedules, nil for clock; for the money side an *invoice.Answer, ChangeAnswer,
	// Effects, BalanceAnswer, InvoicePage or State, a *Balance, or invoice.Settings.
	Result any
	Locale language.Tag // language of the money in it; none: English
}

// The codes of an error answer.
const (
	CodeInvalidRequest      = "invalid_request"
	CodeInsufficientCredits = "insufficient_credits"
	CodeConstraintViolation = "constraint_violation"
	CodeNotFound            = "not_found"
	CodeDuplicate           = "duplicate"
	CodeIdempotencyMismatch = "idempotency_mismatch"
	CodeConflict            = "conflict"
	CodeStorage             = "storage"
)

var codes = []struct {
	err  error
	code string
}{
	{creditledger.ErrOutcomeUnknown, CodeStorage},
	{creditledger.ErrInvalid, CodeInvalidRequest},
	{creditledger.ErrIdempotencyMismatch, CodeIdempotencyMismatch},
	{creditledger.ErrNotFound, CodeNotFound},
	{creditledger.ErrDuplicate, CodeDuplicate},
	{creditledger.ErrInsufficientCredits, CodeInsufficientCredits},
	{creditledger.ErrConstraint, CodeConstraintViolation},
	{creditledger.ErrConflict, CodeConflict},
}

// Code returns the code of an error: CodeStorage for everything that is not a
// refusal, a cancelled context included.
func Code(err error) string {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return CodeStorage
}

// AppendJSON appends the answer as one line of JSON with its line break.
func (a *Answer) AppendJSON(dst []byte) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	err := a.WriteJSON(buf)
	return buf.Bytes(), err
}

// WriteJSON writes what AppendJSON appends, long lists an element at a time. The error is
// that of out, or says that the answer has no JSON form.
func (a *Answer) WriteJSON(out io.Writer) error {
	h, o := header{Line: a.Line, Op: optional(a.Op)}, newObjectWriter(out)
	if a.Err == nil && o.stream(h, a.Result) {
		return o.err
	}
	object, err := moneyAnswer(h, a)
	if err != nil {
		return err
	}
	if object == nil {
		object = a.object(h)
	}
	o.value(object)
	o.raw("\n")
	return o.err
}

// header has the fields that every answer begins with.
type header struct {
	Line int     `json:"line,omitempty"`
	Op   *string `json:"op"`
}

// object is the JSON of an error, or of an answer that the ledger has no JSON for.
func (a *Answer) object(h header) any {
	if a.Err != nil {
		return struct {
			header
			Error errorObject `json:"error"`
		}{h, newErrorObject(a.Err)}
	}
	return h
}

type errorObject struct {
	Code      string  `json:"code"`
	Message   string  `json:"message"`
	Field     *string `json:"field,omitempty"`
	Requested *string `json:"requested,omitempty"`
	Available *string `json:"available,omitempty"`
	Left      *string `json:"left,omitempty"`

	Holds []string `json:"holds,omitempty"` // what of a block is held
	State *string  `json:"state,omitempty"` // of the hold
}

func newErrorObject(err error) errorObject {
	o := errorObject{Code: Code(err), Message: err.Error()}
	var (
		wrong    *creditledger.InvalidError
		mismatch *creditledger.IdempotencyMismatchError
		short    *creditledger.InsufficientCreditsError
		less     *creditledger.ReversalError
		held     *creditledger.HeldError
		closed   *creditledger.HoldStateError
	)
	switch {
	case errors.As(err, &mismatch):
		o.Field = &mismatch.Field
	case errors.As(err, &short):
		requested, available := short.Requested.String(), short.Available.String()
		o.Requested, o.Available = &requested, &available
	case errors.As(err, &less):
		left := less.Left.String()
		o.Left = &left
	case errors.As(err, &held):
		o.Holds = held.Holds
	case errors.As(err, &closed):
		state := closed.State.String()
		o.State = &state
	case errors.As(err, &wrong):
		o.Field = optional(wrong.Field)
	}
	return o
}
