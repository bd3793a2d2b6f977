package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"creditledger"
)

// script is a batch of statements with what is expected of each, because a statement that
// changes no row is no error for the server.
type script struct {
	pgx.Batch
	expected []expectation           // one for each statement
	part     *creditledger.AccountID // the account that the next statement is about

	// The script changes or deletes rows that must exist. They are counted before COMMIT
	// is sent, because somebody may have removed them with SQL by hand.
	counted bool

	room [8]expectation // memory for the usual script, of one operation
}

// expectation says how a statement should end.
type expectation struct {
	rows  int64                   // rows that it has to change; anyRows: not counted
	about *creditledger.AccountID // nil: several accounts, or none
	fence bool                    // another transaction may be the reason why it is refused
}

const anyRows = -1

// queue appends a statement that has to change a number of rows.
func (s *script) queue(rows int, sql string, args ...any) {
	if s.expected == nil {
		s.expected = s.room[:0]
	}
	s.expected = append(s.expected, expectation{rows: int64(rows), about: s.part})
	s.Batch.Queue(sql, args...)
}

// guard appends a statement about one row that others may have written meanwhile.
func (s *script) guard(sql string, args ...any) {
	s.queue(1, sql, args...)
	s.expected[len(s.expected)-1].fence = true
}

// alterRow appends a statement that has to find the one row that it changes.
func (s *script) alterRow(sql string, args ...any) {
	s.counted = true
	s.queue(1, sql, args...)
}

// run sends a script in one round trip and looks at every answer.
func (s *script) run(ctx context.Context, c client) error {
	results := c.SendBatch(ctx, &s.Batch)
	err := s.read(results)
	if closing := results.Close(); err == nil {
		err = closing
	}
	return err
}

// read checks every statement's answer: of COMMIT its success, and of the others how many
// rows they changed. An error of the server takes precedence over a wrong count.
func (s *script) read(results pgx.BatchResults) error {
	var wrong *miscount
	for i, want := range s.expected {
		tag, err := results.Exec()
		last := s.QueuedQueries[i].SQL == templates.commit
		switch {
		case err != nil:
			return &statementError{account: want.about, fence: want.fence, error: err}
		case last && tag.String() != "COMMIT":
			return errRolledBack
		case last && wrong != nil:
			wrong.committed = true
		case want.rows != anyRows && tag.RowsAffected() != want.rows && wrong == nil:
			wrong = &miscount{account: want.about, changed: tag.RowsAffected(), wanted: want.rows}
		}
	}
	if wrong != nil {
		return wrong
	}
	return nil
}

// miscount is the error of a statement that changed more or fewer rows than it has to.
// Only SQL by hand can cause that.
type miscount struct {
	account         *creditledger.AccountID // nil: one of several
	changed, wanted int64
	committed       bool // the transaction is stored nevertheless
}

func (e *miscount) Error() string {
	return fmt.Sprintf("a statement changed %d rows, and has to change %d: rows are missing, or a rule or trigger of the database interferes", e.changed, e.wanted)
}

// Is matches creditledger.ErrCorrupt.
func (e *miscount) Is(target error) bool { return target == creditledger.ErrCorrupt }

// statementError is the server's refusal of a statement.
type statementError struct {
	account *creditledger.AccountID // that it is about; nil: one of several, or none
	fence   bool                    // another transaction may be the reason
	error
}

func (e *statementError) Unwrap() error { return e.error }

// fenced reports whether the server refused a row that others may have written meanwhile.
// Rows that follow the head of an account are not such rows: whoever writes them has
// written the head before.
func fenced(err error) bool {
	var answer *statementError
	return !errors.As(err, &answer) || answer.fence
}

// refusal returns the answer of Commit if nothing was written, for a reason that would be
// the same in another attempt.
func (t *transaction) refusal(err error) error {
	var wrong *miscount
	if errors.As(err, &wrong) {
		return t.miscounted(wrong)
	}
	return fmt.Errorf("commit: %w", discreet(err))
}

// miscounted returns the answer of Commit if a wrong number of rows was changed.
func (t *transaction) miscounted(wrong *miscount) error {
	damage := t.damage(wrong.account, wrong.Error())
	if wrong.committed {
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit: %w", damage)}
	}
	return damage
}

// breaks reports whether the server refused a row, and not the order of transactions.
func breaks(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == "23505" || server.Code == "23502")
}

// stray returns the answer of Commit if the server refuses a row although the head is at
// the version that the change was computed from.
func (t *transaction) stray(err error) error {
	var account *creditledger.AccountID
	var answer *statementError
	if errors.As(err, &answer) {
		account = answer.account
	}
	return t.damage(account, fmt.Sprintf("the database refuses what follows its head: it holds rows that the head knows nothing of (%v)", discreet(err)))
}

// damage returns a CorruptError that names the damaged account, as far as it is known.
func (t *transaction) damage(account *creditledger.AccountID, reason string) error {
	where := fmt.Sprintf("one of %d accounts in a commit", len(t.parts))
	switch {
	case account != nil:
		where = "account " + account.String()
	case len(t.parts) == 0:
		where = "documents of upper layers"
	}
	return &creditledger.CorruptError{Where: where, Reason: reason}
}
