package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// spenders spend one credit at a time, each with its own key until it is told that it
// is done, until stop is called; it returns how many were.
func spenders(l *creditledger.Ledger, clients int) (stop func() int64) {
	var done atomic.Int64
	var wg sync.WaitGroup
	over := make(chan struct{})
	for client := range clients {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := creditledger.Key(fmt.Sprintf("%d %d", client, i))
				for {
					if _, err := l.Do(context.Background(), account, spend(1), key); err == nil {
						break
					}
					time.Sleep(5 * time.Millisecond)
				}
				done.Add(1)
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	return func() int64 {
		close(over)
		wg.Wait()
		return done.Load()
	}
}

// TestFailover kills the primary under load and promotes its synchronous standby.
// Clients connect to it by themselves; what was acknowledged is there, once.
func TestFailover(t *testing.T) {
	primary := pgtest.Start(t, pgtest.Options{Fsync: true, Settings: map[string]string{"synchronous_commit": "remote_apply"}})
	standby := primary.Standby(t, "one", pgtest.Options{Fsync: true})
	if err := primary.Exec(t.Context(), "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (one)'"); err != nil {
		t.Fatal(err)
	}
	if err := primary.Exec(t.Context(), "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, pgtest.Either(primary, standby, "postgres"), nil)
	s := openIn(t, pool, &postgres.Options{Patience: 30 * time.Second})
	l := creditledger.New(s, nil)
	grant(t, l, account, "1000000")
	stop := spenders(l, 8)
	time.Sleep(500 * time.Millisecond)
	if err := primary.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	done := stop()
	if got, want := balance(t, s, account), fmt.Sprint(1000000-done); got != want {
		t.Errorf("balance %s after %d acknowledged, want %s", got, done, want)
	}
	verify(t, l)
	t.Logf("%d acknowledged", done)
}

// TestCancelledStandbyWait lets an administrator cancel a commit that waits for a
// standby which is not there: the server calls it a success and warns. The store does
// not pass that on as one.
func TestCancelledStandbyWait(t *testing.T) {
	ctx := t.Context()
	server := pgtest.Start(t, pgtest.Options{})
	pool := newPool(t, server.DSN("postgres"), nil)
	s := openIn(t, pool, &postgres.Options{Patience: 2 * time.Second})
	l := creditledger.New(s, nil)
	grant(t, l, account, "100")
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()"} {
		if err := server.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	over := make(chan struct{})
	var canceller sync.WaitGroup
	canceller.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(50 * time.Millisecond):
				_ = server.Exec(ctx, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
			}
		}
	})
	_, err := l.Do(ctx, account, spend(1), "key")
	if !errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("error %v, want an unknown outcome", err)
	}
	for _, statement := range []string{"ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"} {
		if err := server.Exec(ctx, statement); err != nil {
			t.Error(err)
		}
	}
	close(over)
	canceller.Wait()
	// The store works on, and the key tells what happened.
	if _, err := l.Do(ctx, account, spend(1), "key"); err != nil {
		t.Error(err)
	}
	if got := balance(t, s, account); got != "99" {
		t.Errorf("balance %s, want 99", got)
	}
}

// TestWatchIsAskedFor refuses a pool that would not hear of such a warning.
func TestWatchIsAskedFor(t *testing.T) {
	server := pgtest.Start(t, pgtest.Options{Settings: map[string]string{"synchronous_standby_names": "nobody", "synchronous_commit": "local"}})
	pool := deafPool(t, server.DSN("postgres"))
	if err := postgres.Migrate(t.Context(), pool, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), pool, nil); err == nil {
		t.Error("Open took a pool that does not hear warnings")
	}
	reopen(t, newPool(t, server.DSN("postgres"), nil), nil)
}
