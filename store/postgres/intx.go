package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
)

// TxOptions are the choices of a transaction. The zero value is that of InTx.
type TxOptions struct {
	Options *Options              // of the store
	Ledger  *creditledger.Options // of the ledger

	// Isolation is the level of the transaction; default pgx.ReadCommitted. At other levels
	// a transaction that has waited for an account cannot go on, and is begun again.
	Isolation pgx.TxIsoLevel

	// Attempts bounds how often the transaction is begun; default 16.
	Attempts int

	// Accounts are locked before the function runs. Transactions on several accounts that
	// name all of them do not deadlock, whatever order they use them in.
	Accounts []creditledger.AccountID
}

const defaultAttempts = 16

// InTx carries out f in a transaction with a ledger inside it, and commits: what f writes
// over tx and what it does in the ledger exist together or not at all. f uses l like any
// other ledger, and tx for rows of its own, and does not end tx. Neither may be used after f
// has returned. What f submitted and did not wait for is committed too.
//
// f may run several times, each time in a new transaction with a new ledger, and nothing of
// the earlier ones is left in the database: another transaction was faster, the connection
// was lost before COMMIT, or COMMIT did not arrive. So f does nothing outside the transaction
// that must not be done twice. After 16 attempts the error is the last one, which matches
// creditledger.ErrConflict.
//
// Any other error of f, a panic of f and the end of ctx roll the transaction back; f's error
// is returned as it is. When f returns nil although a call to the ledger has told it that the
// transaction can only be rolled back, that error is returned.
//
// When the answer to COMMIT is lost, InTx looks whether the transaction is stored, for as long
// as ctx and Options.Patience last. If it cannot find out, the error is a
// creditledger.OutcomeUnknownError, which names the first key that a caller gave in the
// transaction. To do the same again, do it under the same keys, and write rows of your own
// only when Result.Replayed is false: a replay says that all of it is stored.
func InTx(ctx context.Context, pool *pgxpool.Pool, f func(tx pgx.Tx, l *creditledger.Ledger) error) error {
	return InTxWith(ctx, pool, TxOptions{}, f)
}

// InTxWith is InTx with options.
func InTxWith(ctx context.Context, pool *pgxpool.Pool, opts TxOptions, f func(tx pgx.Tx, l *creditledger.Ledger) error) error {
	o, err := opts.Options.withDefaults()
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	if opts.Attempts <= 0 {
		opts.Attempts = defaultAttempts
	}
	if opts.Isolation == "" && !o.Portable {
		opts.Isolation = pgx.ReadCommitted
	}
	x := &inTx{pool: pool, TxOptions: opts, store: o}
	for attempt := 1; ; attempt++ {
		again, err := x.try(ctx, f)
		if err == nil || !again {
			return err
		}
		if attempt == opts.Attempts {
			return fmt.Errorf("transaction: given up after %d attempts: %w", attempt, &endedError{raced: true, cause: err})
		}
		pause(ctx, attempt)
		if ctx.Err() != nil {
			return fmt.Errorf("transaction: nothing was written: %w", ctx.Err())
		}
	}
}

// inTx is a transaction that may be begun several times.
type inTx struct {
	TxOptions
	pool  *pgxpool.Pool
	store Options
}

// try carries the function out once. It reports whether nothing was written and another
// attempt may do better.
func (x *inTx) try(ctx context.Context, f func(pgx.Tx, *creditledger.Ledger) error) (again bool, err error) {
	conn, err := x.pool.Acquire(ctx)
	if err != nil {
		return passing(err) && ctx.Err() == nil, fmt.Errorf("transaction: %w", discreet(err))
	}
	defer conn.Release()
	c := conn.Conn()
	j, err := x.begin(ctx, c)
	if err != nil {
		return passing(err) && ctx.Err() == nil, fmt.Errorf("transaction: %w", discreet(err))
	}
	defer rollBack(c, j.tx) // does nothing after a COMMIT
	l := creditledger.New(j, x.Ledger)
	if err := j.lockAll(ctx, x.Accounts); err != nil {
		return x.mayRetry(ctx, c, err), err
	}
	if err := f(j.tx, l); err != nil {
		return x.mayRetry(ctx, c, err), err
	}
	if err := x.finish(ctx, c, j, l); err != nil {
		return x.mayRetry(ctx, c, err), err
	}
	return x.commit(ctx, c, j)
}

// begin begins a transaction on a connection that is fit for it.
func (x *inTx) begin(ctx context.Context, c *pgx.Conn) (*Joined, error) {
	found, err := x.check(ctx, c)
	if err != nil {
		return nil, err
	}
	tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: x.Isolation})
	if err != nil {
		return nil, err
	}
	j := newJoined(tx, x.store)
	j.over(found)
	return j, nil
}

// check checks every connection once.
func (x *inTx) check(ctx context.Context, c *pgx.Conn) (lookedAt, error) {
	found, err := lookAt(ctx, c, c, x.store)
	if data := c.PgConn().CustomData(); err == nil && !x.store.Portable && data[watchedKey] != true {
		if err = checkWatched(ctx, c, found.sql); err == nil {
			data[watchedKey] = true
		}
	}
	return found, err
}

// finish commits in the transaction what the function submitted and did not wait for.
func (x *inTx) finish(ctx context.Context, c *pgx.Conn, j *Joined, l *creditledger.Ledger) error {
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { // a ledger's Close takes no ctx
		defer close(cut)
		_ = c.PgConn().Conn().Close()
	})
	err := l.Close()
	if !stop() {
		<-cut
		discard(c) // otherwise the pool would give it to the next caller
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("transaction: nothing was written: %w", ctx.Err())
	}
	if j.ended != nil {
		return fmt.Errorf("transaction: %w", j.ended)
	}
	return nil
}

// mayRetry reports whether another attempt may do better after an error from before COMMIT.
func (x *inTx) mayRetry(ctx context.Context, c *pgx.Conn, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if c.IsClosed() { // by the function's own time limit, or because the server went away
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	var server *pgconn.PgError
	return errors.Is(err, creditledger.ErrConflict) || errors.As(err, &server) && (server.Code == "40001" || server.Code == "40P01")
}

// commit sends COMMIT and finds out what became of it.
func (x *inTx) commit(ctx context.Context, c *pgx.Conn, j *Joined) (again bool, err error) {
	data := c.PgConn().CustomData()
	delete(data, warnedKey)
	if c.IsClosed() {
		return ctx.Err() == nil, fmt.Errorf("transaction: nothing was written: %w", &unsentError{pgconn.ErrConnClosed})
	}
	err = afterSending(j.tx.Commit(ctx))
	if err == nil && data[warnedKey] == true {
		err = errWarned
	}
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return false, fmt.Errorf("transaction: nothing was written: a statement had failed, and its error was not returned (%w)", err)
	case errors.Is(err, pgx.ErrTxClosed):
		return false, j.unknown(errors.New("the function ended the transaction by itself"))
	}
	switch classify(err) {
	case conflict:
		return true, &endedError{raced: true, cause: discreet(err)}
	case stale:
		return true, fmt.Errorf("transaction: nothing was written: %w", discreet(err))
	case refused:
		return false, fmt.Errorf("transaction: nothing was written: %w", discreet(err))
	}
	return x.lookUp(ctx, j, err)
}

// unknown is the error if nobody can tell whether the transaction is stored.
func (j *Joined) unknown(cause error) error {
	e := &creditledger.OutcomeUnknownError{Err: fmt.Errorf("transaction: commit: %w", cause)}
	if j.written != nil {
		e.Key = j.written.key
	}
	return e
}

// lookUp finds out whether a transaction is stored whose COMMIT was not answered.
func (x *inTx) lookUp(caller context.Context, j *Joined, cause error) (again bool, err error) {
	ctx, cancel := context.WithTimeout(caller, x.store.Patience)
	defer cancel()
	cause = discreet(cause)
	for attempt := 0; j.written != nil && ctx.Err() == nil; attempt++ {
		stored, err := x.isStored(ctx, j.written)
		switch {
		case err == nil && stored:
			return false, nil
		case err == nil && !x.store.Portable:
			return true, fmt.Errorf("the commit did not arrive: %w", cause)
		case err == nil || classify(err) == refused:
			return false, j.unknown(cause)
		}
		pause(ctx, attempt)
	}
	if caller.Err() != nil {
		cause = fmt.Errorf("%w: %w", caller.Err(), cause)
	}
	return false, j.unknown(cause)
}

// isStored waits for the lock of an account that a transaction wrote to, and so for the
// end of that transaction. Then it looks for a record of the transaction. If the record
// is there, it writes once more, so that standbys have both.
func (x *inTx) isStored(ctx context.Context, w *written) (stored bool, err error) {
	err = onPool(ctx, x.pool, func(ctx context.Context, c *pgx.Conn) error {
		found, err := x.check(ctx, c)
		if err != nil {
			return err
		}
		b := &script{}
		b.queue(anyRows, found.sql.begin)
		if !x.store.Portable {
			b.queue(anyRows, found.sql.queueHold, w.at.lockKeys(x.store.Schema)...)
		}
		if err := b.run(ctx, c); err != nil {
			return err
		}
		var record []byte
		err = query(ctx, c, found.sql.judgeJournal, w.at.args(bounded(w.seq)), []any{&record}, func() error {
			stored = bytes.Equal(record, w.record)
			return nil
		})
		last := &script{}
		if stored {
			last.alterRow(found.sql.touchHead, w.at.args()...)
		}
		if sent := last.send(ctx, c, found.sql, x.store.Patience); err == nil && stored {
			err = sent
		}
		return err
	})
	return stored, err
}

// written is a record that a transaction wrote, by which the transaction can be
// recognised.
type written struct {
	at     accountPos
	seq    uint64
	record []byte
	key    creditledger.Key // the first that a caller gave; empty: none
}

func writtenBy(t *transaction) *written {
	if len(t.parts) == 0 {
		return nil
	}
	first := t.parts[0]
	w := &written{at: first.at, seq: first.change.Journal[0].Seq, record: bytes.Clone(first.change.Journal[0].Bytes)}
	t.eachKey(func(_ *part, k *creditledger.KeyedRecord) {
		if w.key == "" {
			w.key = k.Key
		}
	})
	return w
}

// lockAll locks accounts, all in one order and on one trip.
func (j *Joined) lockAll(ctx context.Context, ids []creditledger.AccountID) error {
	if j.portable || len(ids) == 0 {
		return nil
	}
	var locks [][]any
	for _, id := range ids {
		id.Currency = cmp.Or(id.Currency, creditledger.DefaultCurrency)
		if err := checkTexts(id.Customer, id.Currency); err != nil {
			return err
		}
		locks = append(locks, j.accountPos(id).lockKeys(j.schema))
	}
	slices.SortFunc(locks, func(a, b []any) int { return cmp.Compare(a[1].(int32), b[1].(int32)) })
	return j.read(ctx, "lock", func(c client) error {
		b := &script{}
		for _, keys := range locks {
			b.queue(anyRows, j.sql.queueHold, keys...)
		}
		return b.run(ctx, c)
	})
}

// rollBack ends a transaction, and leaves nothing of it.
func rollBack(c *pgx.Conn, tx pgx.Tx) {
	if c.IsClosed() {
		return
	}
	const patience = time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = tx.Rollback(ctx) // after an error the connection is closed, and the pool notices
}
