package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Joined is a ledger inside a transaction of the caller. It implements
// creditledger.Store, and lives as long as the transaction.
//
// What is committed to it becomes durable when, and only when, the caller commits the
// transaction: a debit and the row it pays for exist together or not at all. Until
// then only this transaction sees it. Check that pgx's Commit returns nil: pgx
// reports a transaction that the server rolled back as pgx.ErrTxCommitRollback.
// When the transaction is rolled back, a Ledger over it must not be used any more.
//
// Before a Ledger decides on an account it locks it, until the transaction ends: whoever
// wants to change the account meanwhile waits, first come, first served. With
// Options.Portable nothing is locked.
//
// When another transaction is faster on something that this one depends on, the server
// may end this one: Commit, and every later call, returns an error that matches
// creditledger.ErrConflict. Roll back and begin again, with everything that the
// transaction was for; InTx does that. At READ COMMITTED this happens to transactions that
// lock accounts in different orders, and to those on documents of upper layers, and at other
// levels to whoever waited for an account. After any other error of the server later calls match
// creditledger.ErrPoisoned: the transaction can only be rolled back.
//
// The methods of Joined may be called from several goroutines; they run one at a
// time, and nothing else may use the transaction meanwhile. A call whose ctx ends while
// it waits for the server ends the transaction, too. When no call to a Ledger over it is
// under way, nothing uses the transaction, whatever the calls returned.
type Joined struct {
	reads
	turn       chan struct{} // its token is whose turn it is to use the transaction
	tx         pgx.Tx
	schema     string
	portable   bool
	ended      *endedError // why the transaction can only be rolled back
	remembered packs
	locked     map[creditledger.AccountID]*lockedAccount
	written    *written // nil: nothing yet
}

var (
	_ creditledger.PreparingStore = (*Joined)(nil)
	_ creditledger.JoinedStore    = (*Joined)(nil)
)

// endedError says why a transaction takes nothing more but ROLLBACK.
type endedError struct {
	raced bool // another one was faster
	cause error
}

func (e *endedError) Error() string {
	if e.raced {
		return fmt.Sprintf("another transaction was faster: roll this one back and begin again (%v)", e.cause)
	}
	return fmt.Sprintf("the transaction can only be rolled back (%v)", e.cause)
}

// Is matches creditledger.ErrConflict after a lost race, creditledger.ErrPoisoned
// otherwise.
func (e *endedError) Is(target error) bool {
	if e.raced {
		return target == creditledger.ErrConflict
	}
	return target == creditledger.ErrPoisoned
}

// Join returns the ledger inside tx, in a schema that Migrate has prepared. What Open checks
// it checks at the first use of each connection, but not that the pool went through Watch.
// InTx begins such a transaction, and begins it again after a conflict.
func Join(ctx context.Context, tx pgx.Tx, opts *Options) (*Joined, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("join ledger: %w", err)
	}
	j := newJoined(tx, o)
	err = j.read(ctx, "check", func(c client) error {
		found, err := lookAt(ctx, tx.Conn(), c, o)
		j.over(found)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("join ledger in schema %s: %w", o.Schema, err)
	}
	return j, nil
}

func newJoined(tx pgx.Tx, o Options) *Joined {
	j := &Joined{tx: tx, schema: o.Schema, portable: o.Portable, turn: make(chan struct{}, 1)}
	j.remembered.limit = joinedBytes
	j.reads = reads{view: j.read, packs: &j.remembered}
	return j
}

// over sets the schema that the ledger is in.
func (j *Joined) over(found lookedAt) { j.sql, j.buckets = found.sql, found.buckets }

// joinedBytes bounds the memory for the heads that a transaction has seen.
const joinedBytes = 4 << 20

// lookedAt is what is remembered about a schema with each connection.
type lookedAt struct {
	meta
	sql *statements
}

// lookAt checks a schema over a connection (nil: unknown) at its first use.
func lookAt(ctx context.Context, conn *pgx.Conn, c client, o Options) (lookedAt, error) {
	data := map[string]any{}
	if conn != nil {
		data = conn.PgConn().CustomData()
	}
	key := "creditledger schema " + o.Schema
	if found, ok := data[key].(lookedAt); ok {
		return found, found.suits(o)
	}
	sql := statementsFor(o.Schema)
	m, err := checkSchema(ctx, c, sql, o)
	if err == nil && !o.Portable {
		err = checkSettings(ctx, c, sql)
	}
	found := lookedAt{m, sql}
	if err == nil {
		data[key] = found
	}
	return found, err
}

// Joined implements creditledger.JoinedStore.
func (j *Joined) Joined() {}

// read calls f with the transaction, one call at a time.
func (j *Joined) read(ctx context.Context, op string, f func(client) error) error {
	if err := changes.Enter(ctx, op); err != nil {
		return err
	}
	select {
	case j.turn <- struct{}{}:
		defer func() { <-j.turn }()
	case <-ctx.Done():
		return changes.Enter(ctx, op)
	}
	if j.ended != nil {
		return fmt.Errorf("%s: %w", op, j.ended)
	}
	err := f(j.tx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrTxClosed):
		return fmt.Errorf("%s: the transaction has ended: %w", op, creditledger.ErrClosed)
	case errors.Is(err, errMoved) || !spoils(err):
		return err
	}
	// The server takes nothing more but ROLLBACK.
	j.ended = &endedError{raced: lost(err), cause: discreet(err)}
	if j.ended.raced {
		return fmt.Errorf("%s: %w", op, j.ended)
	}
	return fmt.Errorf("%s: %w", op, j.ended.cause)
}

// spoils reports whether a transaction can only be rolled back after an error: one of the
// server or of the connection, or something half written.
func spoils(err error) bool {
	var wrong *miscount
	return fromDriver(err) || errors.As(err, &wrong)
}

// lost reports whether the server ended a transaction because another one was faster. When
// it refuses a row that follows the head of its account, no other transaction is to blame,
// because nobody else can have written that row by then.
func lost(err error) bool { return classify(err) == conflict && (!breaks(err) || fenced(err)) }

// Commit implements creditledger.Store within the transaction.
func (j *Joined) Commit(ctx context.Context, list []creditledger.Change) error {
	if err := changes.Enter(ctx, "commit"); err != nil {
		return err
	}
	if err := checkChanges(list); err != nil || len(list) == 0 {
		return err
	}
	t, err := newTransaction(j.sql, j.buckets, j.portable, list)
	if err != nil {
		return err
	}
	var failed error
	err = j.read(ctx, "commit", func(c client) error {
		answer, err := j.inquire(ctx, c, t)
		if err == nil {
			err = answer
		}
		if err == nil {
			b := &script{}
			t.writes(b)
			failed = b.run(ctx, c)
			err = failed
		}
		j.learn(t, err)
		return err
	})
	var wrong *miscount
	switch {
	case errors.Is(err, errMoved):
		return t.everything()
	case breaks(failed) && !fenced(failed):
		return t.stray(failed)
	case errors.As(failed, &wrong):
		return t.miscounted(wrong)
	}
	return err
}

// inquire checks everything that the transaction depends on before it writes, because a
// refusal of the server would end the transaction. It takes one round trip, or none if
// everything is known. Its error says why nothing may be written.
func (j *Joined) inquire(ctx context.Context, c client, t *transaction) (answer, err error) {
	b, locks := &pgx.Batch{}, 0
	for _, p := range t.parts {
		if p.certain = j.certain(p); !p.certain {
			locks += j.queueLock(b, p.at)
		}
	}
	t.queueJudge(b)
	t.queueLook(b, &j.remembered)
	if b.Len() == 0 {
		return nil, t.compute()
	}
	results := c.SendBatch(ctx, b)
	defer func() {
		if closing := results.Close(); err == nil && answer == nil {
			err = closing
		}
	}()
	for range locks {
		if _, err := results.Exec(); err != nil {
			return nil, err
		}
	}
	v, err := t.hear(results)
	if err != nil {
		return nil, err
	}
	if answer, final := v.answer(nil); final {
		return answer, nil
	}
	if err := t.found(results); err != nil {
		return nil, err
	}
	return nil, t.compute()
}
