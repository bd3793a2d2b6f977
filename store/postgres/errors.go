package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"creditledger"
)

// class says what an error means for a transaction whose COMMIT was on its way.
type class int

const (
	refused   class = iota // an error of the server or before it: nothing was written
	conflict               // nothing was written, because of what others wrote
	ambiguous              // it may have been written
	stale                  // nothing was written, and another connection may work
)

// classify sorts an error. Constraint names are not portable, so any broken
// constraint may be a lost race: what moved is looked up afterwards.
func classify(err error) class {
	if err == errRolledBack || errors.Is(err, errMoved) {
		return conflict
	}
	if err == errWarned || errors.As(err, new(*sentError)) {
		return ambiguous
	}
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) || pgconn.SafeToRetry(err) {
		return stale
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		if !fromDriver(err) {
			return refused
		}
		return ambiguous
	}
	switch code := server.Code; {
	case code == "40001", code == "40P01", code == "23505", code == "23502":
		return conflict
	case code == "25006", code == "57P03", code == "25P03": // now a standby; still starting; idle too long before it began
		return stale
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"), strings.HasPrefix(code, "XX"), code == "40003":
		return ambiguous
	}
	return refused
}

// sentError is an error of the connection after something was sent that may have arrived.
// pgx says of some of them that nothing was sent: when a connection breaks while the
// answer is read, the error is that of the next look at the connection, which is closed
// then.
type sentError struct{ error }

func (e *sentError) Unwrap() error { return e.error }

// afterSending is the error of a COMMIT, or of what it was sent with, over a connection that
// was open before.
func afterSending(err error) error {
	var server *pgconn.PgError
	if err == nil || errors.As(err, &server) || !fromDriver(err) || !pgconn.SafeToRetry(err) {
		return err
	}
	return &sentError{err}
}

// readOnly reports whether a server refused to write at all.
func readOnly(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "25006"
}

var (
	errRolledBack = errors.New("the server answered COMMIT with ROLLBACK")
	errWarned     = errors.New("the server warned during the commit")
)

// ErrNotMigrated is what the error of Open or Join matches when Migrate has to run
// first: the schema is missing, or older than this release.
var ErrNotMigrated = errors.New("the schema is not migrated")

// ErrUnfit is what the error of Open, Join, Migrate or a commit matches when the
// database, the schema or the connection does not suit a ledger. Its text says what to
// do. Nothing was written.
var ErrUnfit = errors.New("not fit for a ledger")

// setupError says why a connection or schema is unfit. It is found before anything was
// written.
type setupError struct {
	reason  string
	migrate bool // Migrate would help
}

func (e *setupError) Error() string { return e.reason }

// Is matches ErrNotMigrated or ErrUnfit.
func (e *setupError) Is(target error) bool {
	if e.migrate {
		return target == ErrNotMigrated
	}
	return target == ErrUnfit
}

// passing reports whether a read may be tried again.
func passing(err error) bool {
	switch classify(err) {
	case conflict, stale:
		return true
	case ambiguous:
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && fromDriver(err)
	}
	return false
}

// fromDriver reports whether an error is about the server or the way to it, and not
// one of ours.
func fromDriver(err error) bool {
	var ours *setupError
	var found *creditledger.Violation
	if errors.As(err, &ours) || errors.As(err, &found) {
		return false
	}
	for _, sentinel := range []error{creditledger.ErrNotFound, creditledger.ErrCorrupt, creditledger.ErrInvalid,
		creditledger.ErrClosed, creditledger.ErrConflict, creditledger.ErrPoisoned, errTorn, errMoved} {
		if errors.Is(err, sentinel) {
			return false
		}
	}
	return true
}

// serverError is an error of the driver without the parts that tell how the server is
// reached: no address, user or database name, and nothing of the connection string.
type serverError struct {
	text  string
	cause error
}

func (e *serverError) Error() string { return e.text }

// Unwrap returns the server's or system's own error, or the context's.
func (e *serverError) Unwrap() error { return e.cause }

// discreet takes the connection out of an error.
func discreet(err error) error {
	var already *serverError
	if err == nil || !fromDriver(err) || errors.As(err, &already) {
		return err
	}
	what, why := "database: ", "the connection failed"
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) {
		what = "connect to the database: "
	}
	cause := root(err)
	var server *pgconn.PgError
	switch {
	case cause == nil:
	case connecting != nil && errors.As(err, &server): // its text names the user or the database
		why = fmt.Sprintf("%s (SQLSTATE %s)", refusal(server.Code), server.Code)
	default:
		why = cause.Error()
	}
	return &serverError{text: what + why, cause: cause}
}

// refusal says why a server takes no connection.
func refusal(code string) string {
	switch {
	case strings.HasPrefix(code, "28"):
		return "the server does not accept the user or the password"
	case code == "3D000":
		return "the server has no such database"
	case code == "53300":
		return "the server has too many connections"
	case code == "57P03":
		return "the server is starting or stopping"
	}
	return "the server refuses the connection"
}

// root finds the innermost error that is known to name no connection.
func root(err error) error {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
		io.ErrClosedPipe, net.ErrClosed, pgconn.ErrConnClosed, errWarned, errRolledBack} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}
