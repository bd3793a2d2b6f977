package creditledger

import (
	"errors"
	"strings"
	"testing"
)

func TestErrorTexts(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err  error
		is   error
		text string
	}{
		{&InvalidError{Reason: "bad"}, ErrInvalid, "invalid request: bad"},
		{&InvalidError{Field: "amount", Reason: "bad"}, ErrInvalid, "invalid amount: bad"},
		{&NotFoundError{Kind: "block", ID: "a\n"}, ErrNotFound, `block "a\n" not found`},
		{&DuplicateError{Kind: "block", ID: "A"}, ErrDuplicate, `block "A" is already in use`},
		{&ConstraintError{Reason: "no"}, ErrConstraint, "no"},
		{&InsufficientCreditsError{Requested: AmountOf(2), Available: AmountOf(1)}, ErrInsufficientCredits, "insufficient credits: requested 2, available 1"},
		{&IdempotencyMismatchError{Key: "k", Field: "op"}, ErrIdempotencyMismatch, `idempotency key "k" was used for another operation: the first difference is in op`},
		{
			&ConflictError{Accounts: []AccountID{{"a", "b"}}, Documents: []DocumentID{{"customer", "c"}}}, ErrConflict,
			`conflict: changed meanwhile: a/b, customer "c"`,
		},
		{&OutcomeUnknownError{Err: cause}, ErrOutcomeUnknown, "outcome unknown: cause"},
		{&OutcomeUnknownError{Key: "k", Err: cause}, ErrOutcomeUnknown, `outcome unknown, retry with key "k": cause`},
		{&CorruptError{Where: "page 1", Reason: "torn"}, ErrCorrupt, "corrupt: page 1: torn"},
	} {
		if c.err.Error() != c.text || !errors.Is(c.err, c.is) {
			t.Errorf("%T says %q, is %v: %t", c.err, c.err.Error(), c.is, errors.Is(c.err, c.is))
		}
		for _, other := range []error{
			ErrInvalid, ErrNotFound, ErrDuplicate, ErrConstraint, ErrInsufficientCredits, ErrIdempotencyMismatch, ErrConflict,
			ErrOutcomeUnknown, ErrPoisoned, ErrClosed, ErrReadOnly, ErrLocked, ErrCorrupt,
		} {
			if other != c.is && errors.Is(c.err, other) {
				t.Errorf("%T is %v too", c.err, other)
			}
		}
	}
	if !errors.Is(&OutcomeUnknownError{Err: cause}, cause) {
		t.Error("an unknown outcome hides its cause")
	}
}

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"a": `"a"`, "": `""`, "a\n\x1b\"": `"a\n\x1b\""`, "\xff": `"\xff"`, "é": `"é"`, "\u202e": `"\u202e"`,
		strings.Repeat("a", 80): `"` + strings.Repeat("a", 80) + `"`, strings.Repeat("a", 81): `"` + strings.Repeat("a", 80) + `"…`,
		strings.Repeat("a", 79) + "éé": `"` + strings.Repeat("a", 79) + `\xc3"…`,
	} {
		if got := quote(text); got != want {
			t.Errorf("%q is quoted as %s, want %s", text, got, want)
		}
	}
}
