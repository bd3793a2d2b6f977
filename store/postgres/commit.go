package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"creditledger"
	"creditledger/store/internal/changes"
)

// Commit implements creditledger.Store. All changes go in one transaction, which is
// one round trip for accounts that the store has seen at their version.
//
// When the reply to COMMIT is lost, Commit sends the same transaction again until it knows:
// whichever of the two comes first, the other one finds the version moved, and the journal
// tells whose record stands there. The error is an OutcomeUnknownError only when
// Options.Patience is over first. The store works on even then: others may share the
// schema, and a commit that arrives late is stopped by the version, or is found there, as
// one of theirs. When ctx ends before the transaction is sent, nothing is written; when it
// ends later, the error is an OutcomeUnknownError.
func (s *Store) Commit(ctx context.Context, list []creditledger.Change) error {
	if err := changes.Enter(ctx, "commit"); err != nil {
		return err
	}
	if err := checkChanges(list); err != nil {
		return err
	}
	if ctx.Done() != nil {
		list = changes.Clone(list)
	}
	t, err := newTransaction(s.sql, s.buckets, s.opts.Portable, list)
	if err != nil {
		return err
	}
	if err := s.enter("commit"); err != nil {
		return err
	}
	if len(list) == 0 || ctx.Done() == nil {
		defer s.life.RUnlock()
		return s.commit(ctx, t)
	}
	answer := make(chan error, 1)
	go func() {
		defer s.life.RUnlock()
		answer <- s.commit(ctx, t)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return t.abandoned(ctx, answer)
	}
}

// abandoned returns the answer of a Commit whose ctx ended while it was under way. A
// transaction that was sent by then still goes on, and its answer may come at any moment.
func (t *transaction) abandoned(ctx context.Context, answer <-chan error) error {
	if t.fate.CompareAndSwap(undecided, dropped) {
		return fmt.Errorf("commit: nothing was written: %w", ctx.Err())
	}
	const soon = 50 * time.Millisecond
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case err := <-answer:
		return err
	case <-timer.C:
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit: %w", ctx.Err())}
	}
}

// It is decided once whether a transaction is sent or its caller gives up before.
const (
	undecided = iota
	sent
	dropped
)

// depart reports whether a transaction may be sent. Nobody can take that back.
func (t *transaction) depart() bool {
	return t.fate.CompareAndSwap(undecided, sent) || t.fate.Load() == sent
}

func checkChanges(list []creditledger.Change) error {
	if err := changes.Check(list); err != nil {
		return err
	}
	for i := range list {
		c := &list[i]
		if err := checkTexts(c.Account.Customer, c.Account.Currency); err != nil {
			return err
		}
		if c.Account != (creditledger.AccountID{}) && len(c.Journal) == 0 {
			return &creditledger.InvalidError{Field: "change", Reason: fmt.Sprintf("%v: no journal record", c.Account)}
		}
		if c.Head.Version > 1<<62 || c.Head.Entries > 1<<62 || c.Head.Blocks > 1<<62 {
			return &creditledger.InvalidError{Field: "change", Reason: fmt.Sprintf("%v: numbers beyond 2^62", c.Account)}
		}
		for j := range c.Blocks {
			if err := checkTexts(c.Blocks[j].ID); err != nil {
				return err
			}
			if c.Blocks[j].Number > 1<<62 {
				return &creditledger.InvalidError{Field: "change", Reason: fmt.Sprintf("%v: numbers beyond 2^62", c.Account)}
			}
		}
		for _, k := range c.Keys {
			if err := checkTexts(string(k.Key)); err != nil {
				return err
			}
		}
		for j := range c.Documents {
			if err := checkTexts(c.Documents[j].Kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxRetries bounds how often a transaction is tried again when the server refuses it
// and nothing that it depends on has moved: serialization failures and deadlocks.
const maxRetries = 100

// maxReadOnly bounds how often a server may say that it takes no writes, each time over
// another connection. After the primary has changed, new connections soon lead to the new
// one.
const maxReadOnly = 8

// commit tries a transaction until its outcome is known.
func (s *Store) commit(ctx context.Context, t *transaction) error {
	if len(t.list) == 0 {
		return nil
	}
	var unknown error // why an earlier attempt may be stored
	deadline := time.Now().Add(s.opts.Patience)
	for attempt := 0; ; attempt++ {
		err := s.try(ctx, t, attempt == 0)
		if err == nil {
			return nil
		}
		if held, ok := errors.AsType[*creditledger.ConflictError](err); ok { // found under the lock of the account
			return held
		}
		kind := classify(err)
		switch {
		case kind == conflict:
			answer, late, final, looked := s.ask(ctx, t, unknown)
			if final && answer == nil {
				return s.confirmStored(ctx, t, unknown)
			}
			if final {
				s.contention.moved(late)
				return answer
			}
			if looked != nil {
				err, kind = looked, classify(looked)
			} else if breaks(err) && !fenced(err) && unknown == nil {
				return t.stray(err)
			}
		case kind == ambiguous && unknown == nil:
			// From here on the changes may be stored. Patience ends the attempts, not the
			// caller's context.
			unknown = err
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(context.WithoutCancel(ctx), deadline)
			defer cancel()
		}
		if kind == refused && unknown == nil {
			return t.refusal(err)
		}
		if attempt+1 >= maxReadOnly && unknown == nil && readOnly(err) {
			return fmt.Errorf("commit: the database takes no writes, it is %w: lead the connection to the primary, as with target_session_attrs=read-write", creditledger.ErrReadOnly)
		}
		if attempt >= maxRetries && unknown == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return s.giveUp(t, err, unknown)
		}
		pause(ctx, attempt)
	}
}

// ask judges a transaction in conflict. late are the accounts that have moved. looked is
// the error if it could not look.
func (s *Store) ask(ctx context.Context, t *transaction, unknown error) (answer error, late []creditledger.AccountID, final bool, looked error) {
	looked = s.onConnection(ctx, func(ctx context.Context, c *pgx.Conn) error {
		v, err := t.judge(ctx, c)
		if err == nil {
			answer, final = v.answer(unknown)
			late = v.late
			return nil
		}
		return notBegun(c, err)
	})
	return answer, late, final, looked
}

// giveUp ends a commit whose outcome cannot be found out.
func (s *Store) giveUp(t *transaction, err, unknown error) error {
	switch {
	case unknown != nil:
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit: %w", discreet(unknown))}
	case classify(err) == conflict: // the server refuses again and again although nothing moved
		return t.everything()
	}
	return fmt.Errorf("commit: %w", discreet(err))
}

// try sends the transaction once. The first attempt holds a lock if the account is
// contended.
func (s *Store) try(ctx context.Context, t *transaction, first bool) error {
	if first {
		if h, err := s.holdOf(ctx, t); h != nil {
			return s.tryHeld(ctx, t, h)
		} else if err != nil {
			return &unsentError{err}
		}
	}
	epoch := s.packs.now()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil || classify(err) == stale {
			return &unsentError{err}
		}
		return &setupError{reason: discreet(err).Error()}
	}
	defer conn.Release()
	c := conn.Conn()
	if err := s.check(ctx, c); err != nil {
		return notBegun(c, err)
	}
	epoch = max(epoch, s.packs.now())
	if err := t.prepare(ctx, c, &s.packs); err != nil {
		return notBegun(c, err)
	}
	if !t.depart() {
		return &unsentError{context.Cause(ctx)}
	}
	err = s.send(context.WithoutCancel(ctx), c, t.script())
	if err != nil {
		return err
	}
	t.remember(&s.packs, epoch)
	return nil
}

// remember keeps the heads that a transaction left.
func (t *transaction) remember(packs *packs, epoch uint64) {
	for _, p := range t.parts {
		packs.put(p.change.Account, p.pack, epoch)
	}
}

// unsentError is an error before the transaction was sent.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// SafeToRetry tells classify that nothing was written.
func (e *unsentError) SafeToRetry() bool { return true }

// notBegun marks an error of the driver as one from before the transaction. A connection
// to a server that cannot serve leaves the pool.
func notBegun(c *pgx.Conn, err error) error {
	switch classify(err) {
	case ambiguous, stale:
		if fromDriver(err) && !errors.Is(err, errMoved) {
			discard(c)
			return &unsentError{err}
		}
	}
	return err
}

// discard closes a connection without telling the server. The pool notices, and gives the
// connection to nobody.
func discard(c *pgx.Conn) {
	_ = c.PgConn().Conn().Close()
	_ = c.Close(context.Background()) // with a cancelled context, which waits for nothing
}

// send runs a script and COMMIT, and makes sure of every answer.
func (s *Store) send(ctx context.Context, c *pgx.Conn, b *script) error {
	return b.send(ctx, c, s.sql, s.opts.Patience)
}

func (b *script) send(ctx context.Context, c *pgx.Conn, sql *statements, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	data := c.PgConn().CustomData()
	delete(data, warnedKey)
	if !b.counted {
		b.queue(anyRows, sql.commit)
	}
	if c.IsClosed() {
		return &unsentError{pgconn.ErrConnClosed}
	}
	err := afterSending(b.run(ctx, c))
	if err == nil && b.counted {
		last := &script{}
		last.queue(anyRows, sql.commit)
		err = afterSending(last.run(ctx, c))
	}
	if err == nil && data[warnedKey] == true {
		return errWarned
	}
	if err != nil && !c.IsClosed() {
		if classify(err) == stale || classify(err) == ambiguous {
			discard(c)
		} else if c.PgConn().TxStatus() != 'I' {
			// Otherwise the pool would throw the connection away.
			_, rollback := c.Exec(ctx, sql.rollback)
			_ = rollback // after an error the connection is broken, and the pool notices
		}
	}
	return err
}

// transaction is a list of changes on its way to the server.
type transaction struct {
	sql      *statements
	portable bool
	list     []creditledger.Change // as the caller gave them
	parts    []*part               // those with an account, in the order of accounts
	puts     []put                 // of records, in order
	fate     atomic.Int32
}

// part is the change of one account.
type part struct {
	change   *creditledger.Change
	at       accountPos
	old      *pack                  // the head that the change replaces; nil: none
	asksHead bool                   // old has to be read first
	certain  bool                   // nothing has moved, and its keys are new, for certain
	known    map[uint64]storedBlock // of touched blocks that are not in old
	pack     *pack                  // the head that the change leaves
	steps    []func(b *script)      // block rows
}

// put is the put of one document.
type put struct {
	*creditledger.DocumentPut
	token []byte // tells this put from another one of the same value (token.go)
	was   []byte // the token of the row that it replaces
}

func newTransaction(sql *statements, buckets int, portable bool, list []creditledger.Change) (*transaction, error) {
	t := &transaction{sql: sql, portable: portable, list: list}
	for i := range list {
		c := &list[i]
		if c.Account != (creditledger.AccountID{}) {
			t.parts = append(t.parts, &part{change: c, at: accountPosOf(c.Account, buckets)})
		}
		for j := range c.Documents {
			token, err := newToken(&c.Documents[j])
			if err != nil {
				return nil, fmt.Errorf("commit: %w", err)
			}
			t.puts = append(t.puts, put{DocumentPut: &c.Documents[j], token: token})
		}
	}
	// Everyone locks in the same order.
	slices.SortFunc(t.parts, func(a, b *part) int { return a.change.Account.Compare(b.change.Account) })
	slices.SortFunc(t.puts, func(a, b put) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
	})
	return t, nil
}
