package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

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
// When another process moves the same account first, the server ends the whole
// transaction: Commit returns a ConflictError, every later call ErrPoisoned, and the
// caller rolls back and begins again.
//
// The methods of Joined may be called from several goroutines; they run one at a
// time, and nothing else may use the transaction meanwhile.
type Joined struct {
	reads
	mu       sync.Mutex
	tx       pgx.Tx
	portable bool
	broken   error // why the transaction can only be rolled back
}

var _ creditledger.Store = (*Joined)(nil)

// Join returns the ledger inside tx, in a schema that Migrate has prepared.
func Join(ctx context.Context, tx pgx.Tx, opts *Options) (*Joined, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("join ledger: %w", err)
	}
	j := &Joined{tx: tx, portable: o.Portable}
	j.reads = reads{sql: statementsFor(o.Schema), view: j.read}
	err = j.read(ctx, "check", func(c client) error {
		j.buckets, err = readMeta(ctx, c, j.sql)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("join ledger in schema %s: %w", o.Schema, err)
	}
	return j, nil
}

// run calls f with the transaction, one call at a time.
func (j *Joined) run(ctx context.Context, op string, f func(client) error) error {
	if err := changes.Enter(ctx, op); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return fmt.Errorf("%s: %w: roll back the transaction (%v)", op, creditledger.ErrPoisoned, j.broken)
	}
	err := f(j.tx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrTxClosed):
		return fmt.Errorf("%s: the transaction has ended: %w", op, creditledger.ErrClosed)
	case !fromDriver(err):
		return err
	}
	// The server takes nothing more but ROLLBACK.
	j.broken = discreet(err)
	return fmt.Errorf("%s: %w", op, j.broken)
}

func (j *Joined) read(ctx context.Context, op string, f func(client) error) error {
	return j.run(ctx, op, f)
}

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
	raced := false
	err = j.run(ctx, "commit", func(c client) error {
		// Looked at first, because what the server refuses ends the transaction.
		v, err := t.judge(ctx, c)
		if err != nil {
			return err
		}
		if answer, final := v.decide(nil); final {
			return answer
		}
		if err := t.prepare(ctx, c, nil); err != nil {
			raced = errors.Is(err, errMoved)
			return err
		}
		b := &script{}
		t.writes(b)
		err = b.run(ctx, c)
		raced = err != nil && classify(err) == conflict
		return err
	})
	if raced {
		return t.everything()
	}
	return err
}
