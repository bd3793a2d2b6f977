package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store"
	"creditledger/store/internal/changes"
)

// Store is a ledger in a schema of a database. Its methods may be called from any
// number of goroutines, and any number of stores, in any number of processes, may
// use one schema. It implements store.Store.
type Store struct {
	reads
	pool  *pgxpool.Pool
	opts  Options
	sql   *statements
	id    string // of the ledger, in meta
	packs packs

	contention contention

	life    sync.RWMutex  // held for reading by every call in progress
	closing chan struct{} // closed when Close begins
	close   sync.Once
}

var (
	_ store.Store               = (*Store)(nil)
	_ creditledger.LockingStore = (*Store)(nil)
)

// Open returns the ledger in a schema that Migrate has prepared. The pool stays the
// caller's: close it after the store.
//
// It is an error when the schema is missing, of another version, or does not suit: text
// that is not UTF-8 or does not sort by bytes, settings that are not those the accounts
// were stored with, or a connection that has synchronous_commit off. The error matches
// ErrNotMigrated or ErrUnfit, and says what to do. When the server has synchronous
// standbys, the pool must have been made with a configuration that went through Watch.
func Open(ctx context.Context, pool *pgxpool.Pool, opts *Options) (*Store, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	s := &Store{pool: pool, opts: o, sql: statementsFor(o.Schema), closing: make(chan struct{})}
	s.packs.limit = o.CacheBytes
	s.contention.sql, s.contention.wait, s.contention.holds = s.sql, holdFor, holdsOf(pool)
	if !o.Portable {
		s.contention.most = int(pool.Config().MaxConns) / 2
	}
	s.reads = reads{sql: s.sql, view: s.read, packs: &s.packs}
	err = s.read(ctx, "check", func(c client) error {
		m, err := checkSchema(ctx, c, s.sql, o)
		s.buckets, s.id = m.buckets, m.id
		return err
	})
	if err == nil {
		err = s.onConnection(ctx, s.check)
	}
	if err != nil {
		return nil, fmt.Errorf("open ledger in schema %s: %w", o.Schema, discreet(err))
	}
	return s, nil
}

// Close makes every further call return creditledger.ErrClosed and waits for those in
// progress. It leaves the pool open.
func (s *Store) Close() error {
	s.close.Do(func() { close(s.closing) })
	s.life.Lock()
	defer s.life.Unlock()
	s.contention.close()
	return nil
}

// Concurrency implements creditledger.OptimisticStore.
func (s *Store) Concurrency() (commits, accounts int) {
	return min(s.opts.Commits, int(s.pool.Config().MaxConns)), s.opts.Accounts
}

// enter begins a call; s.life.RUnlock ends it.
func (s *Store) enter(op string) error {
	if !s.life.TryRLock() { // Close waits for those in progress: nobody waits for Close
		return fmt.Errorf("%s: %w", op, creditledger.ErrClosed)
	}
	select {
	case <-s.closing:
		s.life.RUnlock()
		return fmt.Errorf("%s: %w", op, creditledger.ErrClosed)
	default:
		return nil
	}
}

// client is what reads and commits need of a connection or a transaction.
type client interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// onConnection calls f with a connection of the pool.
func (s *Store) onConnection(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	return onPool(ctx, s.pool, f)
}

func onPool(ctx context.Context, pool *pgxpool.Pool, f func(context.Context, *pgx.Conn) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return f(ctx, conn.Conn())
}

const readAttempts = 10

// read calls f, again when the connection or the transaction of a read did not last.
func (s *Store) read(ctx context.Context, op string, f func(client) error) error {
	if err := changes.Enter(ctx, op); err != nil {
		return err
	}
	if err := s.enter(op); err != nil {
		return err
	}
	defer s.life.RUnlock()
	for attempt := 0; ; attempt++ {
		err := s.onConnection(ctx, func(_ context.Context, c *pgx.Conn) error { return f(c) })
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", op, ctx.Err())
		}
		if attempt+1 == readAttempts || !passing(err) {
			if fromDriver(err) {
				return fmt.Errorf("%s: %w", op, discreet(err))
			}
			return err
		}
		pause(ctx, attempt)
	}
}

// pause waits a random time that grows with the attempts, or until ctx is over.
func pause(ctx context.Context, attempt int) {
	const shortest, longest = time.Millisecond, 100 * time.Millisecond
	limit := min(shortest<<min(attempt, 20), longest)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Watch makes a pool's configuration ready for a server with synchronous standbys:
// when the wait for them is cancelled, the server calls the commit a success and adds
// a warning, which the store has to hear of. A handler that is there already is kept.
//
//	config, err := pgxpool.ParseConfig(…)
//	postgres.Watch(config)
//	pool, err := pgxpool.NewWithConfig(ctx, config)
func Watch(config *pgxpool.Config) {
	next := config.ConnConfig.OnNotice
	config.ConnConfig.OnNotice = func(conn *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" || n.Severity == "WARNING" {
			conn.CustomData()[warnedKey] = true
		}
		if next != nil {
			next(conn, n)
		}
	}
}

// Keys of what is remembered with a connection.
const (
	warnedKey  = "creditledger warned"
	checkedKey = "creditledger checked"
	watchedKey = "creditledger watched"
)

// check refuses a connection on which a commit would not be durable. It looks once
// at every connection.
func (s *Store) check(ctx context.Context, conn *pgx.Conn) error {
	data := conn.PgConn().CustomData()
	if data[checkedKey] == true {
		return nil
	}
	// It may lead to a server that took another one's place.
	s.packs.forget()
	m, err := metaOf(ctx, conn, s.sql)
	if err != nil {
		return err
	}
	if m.id != s.id || m.buckets != s.buckets {
		return &setupError{reason: "a connection leads to another ledger than the one that was opened, or its settings were changed: open the store again"}
	}
	if !s.opts.Portable {
		if err := checkSettings(ctx, conn, s.sql); err != nil {
			return err
		}
		if err := checkWatched(ctx, conn, s.sql); err != nil {
			return err
		}
	}
	data[checkedKey] = true
	return nil
}
