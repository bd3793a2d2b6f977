package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"creditledger"
)

// script is a batch of statements, and how many rows each has to change: a statement
// that changes none is no error to the server.
type script struct {
	pgx.Batch
	rows  []int64                   // of each statement; anyRows: not counted
	about []*creditledger.AccountID // of each statement; nil: it is about several accounts, or none
	part  *creditledger.AccountID   // what the next statement is about

	// Some rows are changed or deleted that only SQL by hand could have taken away:
	// they are counted before COMMIT is sent.
	counted bool
}

const anyRows = -1

// queue appends a statement that has to change so many rows.
func (s *script) queue(rows int, sql string, args ...any) {
	s.rows, s.about = append(s.rows, int64(rows)), append(s.about, s.part)
	s.Batch.Queue(sql, args...)
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

// read checks every statement's answer: that to COMMIT, and how many rows the others
// changed. An error of the server comes before a wrong count.
func (s *script) read(results pgx.BatchResults) error {
	var wrong *miscount
	for i, rows := range s.rows {
		tag, err := results.Exec()
		last := s.QueuedQueries[i].SQL == templates.commit
		switch {
		case err != nil:
			return about(s.about[i], err)
		case last && tag.String() != "COMMIT":
			return errRolledBack
		case last && wrong != nil:
			wrong.committed = true
		case rows != anyRows && tag.RowsAffected() != rows && wrong == nil:
			wrong = &miscount{account: s.about[i], changed: tag.RowsAffected(), wanted: rows}
		}
	}
	if wrong != nil {
		return wrong
	}
	return nil
}

// miscount is a statement that changed more or fewer rows than it has to. Nobody but
// SQL by hand brings that about.
type miscount struct {
	account         *creditledger.AccountID // nil: one of several
	changed, wanted int64
	committed       bool // it is stored all the same
}

func (e *miscount) Error() string {
	return fmt.Sprintf("a statement changed %d rows, and has to change %d: rows are missing, or a rule or trigger of the database interferes", e.changed, e.wanted)
}

// Is matches creditledger.ErrCorrupt.
func (e *miscount) Is(target error) bool { return target == creditledger.ErrCorrupt }

// statementError is the server's answer to a statement about one account.
type statementError struct {
	account creditledger.AccountID
	error
}

func (e *statementError) Unwrap() error { return e.error }

func about(account *creditledger.AccountID, err error) error {
	if account == nil {
		return err
	}
	return &statementError{*account, err}
}

// refusal is the answer to Commit when nothing was written, for a reason that trying
// again does not take away.
func (t *transaction) refusal(err error) error {
	var wrong *miscount
	if !errors.As(err, &wrong) {
		return fmt.Errorf("commit: %w", discreet(err))
	}
	damage := t.damage(wrong.account, wrong.Error())
	if wrong.committed {
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit: %w", damage)}
	}
	return damage
}

// breaks is 1 when the server refused a row, and 0 when an order of transactions.
func breaks(err error) int {
	var server *pgconn.PgError
	if errors.As(err, &server) && (server.Code == "23505" || server.Code == "23502") {
		return 1
	}
	return 0
}

// stray is the answer to Commit when the server refuses a row again although every
// account is where its change was computed from.
func (t *transaction) stray(err error) error {
	var account *creditledger.AccountID
	var answer *statementError
	if errors.As(err, &answer) {
		account = &answer.account
	}
	return t.damage(account, fmt.Sprintf("the database refuses what follows its head: it holds rows that the head knows nothing of (%v)", discreet(err)))
}

// damage names the account that is damaged, as well as is known.
func (t *transaction) damage(account *creditledger.AccountID, reason string) error {
	where := fmt.Sprintf("one of %d accounts in a commit", len(t.parts))
	switch {
	case account != nil:
		where = "account " + account.String()
	case len(t.parts) == 0:
		where = "records of upper layers"
	}
	return &creditledger.CorruptError{Where: where, Reason: reason}
}
