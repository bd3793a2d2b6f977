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
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// spenders spend one credit at a time, each with its own key until it is told that it
// is done, until stop is called; it returns how many were.
func spenders(l *creditledger.Ledger, name string, clients int) (stop func() int64) {
	var done atomic.Int64
	var wg sync.WaitGroup
	over := make(chan struct{})
	for client := range clients {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := creditledger.Key(fmt.Sprintf("%s: %d %d", name, client, i))
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

// replicating are the settings of servers that follow one another, and acknowledge
// what two of them have.
func replicating() pgtest.Options {
	return pgtest.Options{Fsync: true, Settings: map[string]string{
		"synchronous_commit": "remote_apply", "synchronous_standby_names": "ANY 1 (one, two)",
	}}
}

// TestFailover kills the primary under load and promotes its synchronous standby, again
// and again; the one that failed comes back as the standby of the other. Clients connect
// to whichever takes writes by themselves; what was acknowledged is there, once. The
// ledger that lived through it all, and what it remembers, agrees.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t, replicating())
	standby := primary.Standby(t, "one", replicating())
	names := []string{"two", "one"}
	pool := newPool(t, pgtest.Either(primary, standby, "postgres"), nil)
	s := openIn(t, pool, &postgres.Options{Patience: 30 * time.Second})
	l := creditledger.New(s, nil)
	const credits = 10_000_000
	grant(t, l, account, fmt.Sprint(credits))
	var acknowledged int64
	for round := range testsize.Of(2, 2, 12) {
		stop := spenders(l, fmt.Sprint("round ", round), 8)
		time.Sleep(400 * time.Millisecond)
		if err := primary.Crash(); err != nil {
			t.Fatal(err)
		}
		if err := standby.Promote(); err != nil {
			t.Fatal(err)
		}
		primary, standby = standby, primary
		// Nobody follows the new primary yet, so nothing is acknowledged.
		if err := standby.Rejoin(primary, names[round%2]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		acknowledged += stop()
		if got, want := balance(t, s, account), fmt.Sprint(credits-acknowledged); got != want {
			t.Fatalf("round %d: balance %s after %d acknowledged, want %s", round, got, acknowledged, want)
		}
		verify(t, l)
	}
	t.Logf("%d acknowledged", acknowledged)
}

// TestFailoverToLaggard is the control: a standby that was not there for a while is
// promoted. What it holds adds up, and yet acknowledged operations are lost; the count
// shows it, and so does a checkpoint kept elsewhere.
func TestFailoverToLaggard(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	primary := pgtest.Start(t, replicating())
	standby := primary.Standby(t, "one", replicating())
	laggard := primary.Standby(t, "two", replicating())
	pool := newPool(t, primary.DSN("postgres"), nil)
	l := creditledger.New(openIn(t, pool, nil), nil)
	grant(t, l, account, "1000000")
	if err := laggard.Stop(); err != nil {
		t.Fatal(err)
	}
	stop := spenders(l, "spend", 4)
	time.Sleep(300 * time.Millisecond)
	acknowledged := stop()
	kept, err := l.Checkpoint(ctx, account)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*pgtest.Server{primary, standby} {
		if err := s.Crash(); err != nil {
			t.Fatal(err)
		}
	}
	laggard.Set("synchronous_standby_names", "")
	if err := laggard.Launch(); err != nil {
		t.Fatal(err)
	}
	if err := laggard.Promote(); err != nil {
		t.Fatal(err)
	}
	s := reopen(t, newPool(t, laggard.DSN("postgres"), nil), nil)
	after := creditledger.New(s, nil)
	verify(t, after)
	if got, want := balance(t, s, account), fmt.Sprint(1000000-acknowledged); got == want || acknowledged == 0 {
		t.Errorf("nothing is lost of %d acknowledged: the control shows nothing", acknowledged)
	}
	v, err := after.Verify(ctx, account, &creditledger.VerifyOptions{Since: []creditledger.Checkpoint{kept}})
	if err != nil || v.Violation == nil {
		t.Errorf("verified from the checkpoint: %+v, %v", v, err)
	}
}

// TestCancelledStandbyWait lets an administrator cancel a commit that waits for a
// standby which is not there: the server calls it a success and warns. The store does
// not pass that on as one.
func TestCancelledStandbyWait(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server := pgtest.Start(t, pgtest.Options{})
	pool := newPool(t, server.DSN("postgres"), nil)
	s := openIn(t, pool, &postgres.Options{Patience: 2 * time.Second})
	l := creditledger.New(s, nil)
	grant(t, l, account, "10000")
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
	// The server takes the setting up in its own time; what commits before does not wait.
	var err error
	spent, key := 0, creditledger.Key("")
	for limit := time.Now().Add(time.Minute); err == nil && time.Now().Before(limit); {
		spent++
		key = creditledger.Key(fmt.Sprint("key ", spent))
		if _, err = l.Do(ctx, account, spend(1), key); err == nil {
			time.Sleep(100 * time.Millisecond)
		}
	}
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
	if _, err := l.Do(ctx, account, spend(1), key); err != nil {
		t.Error(err)
	}
	if got, want := balance(t, s, account), fmt.Sprint(10_000-spent); got != want {
		t.Errorf("balance %s, want %s", got, want)
	}
}

// TestWatchIsAskedFor refuses a pool that would not hear of such a warning.
func TestWatchIsAskedFor(t *testing.T) {
	t.Parallel()
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

// TestAVersionWrittenAgainIsAnother: the server lost a commit (a laggard was promoted, a
// backup restored) and another process wrote the same version anew before one that
// lived through it asks. What that one remembers is not what its next record follows.
func TestAVersionWrittenAgainIsAnother(t *testing.T) {
	ctx := t.Context()
	dsn := pgtest.Database(t)
	pool := newPool(t, dsn, nil)
	survivor := creditledger.New(openIn(t, pool, nil), nil)
	other := creditledger.New(reopen(t, newPool(t, dsn, nil), nil), nil)
	side := newPool(t, dsn, nil)
	exec := func(statement string) {
		t.Helper()
		if _, err := side.Exec(ctx, statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	grant(t, survivor, account, "100")
	rows, err := side.Query(ctx, `SELECT format('%I.%I', schemaname, tablename), format('public.%I', 'kept_' || tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]string{}
	for rows.Next() {
		var table, kept string
		if err := rows.Scan(&table, &kept); err != nil {
			t.Fatal(err)
		}
		tables[table] = kept
	}
	for table, kept := range tables {
		exec("CREATE TABLE " + kept + " AS SELECT * FROM " + table)
	}
	if _, err := survivor.Do(ctx, account, spend(10), "lost"); err != nil {
		t.Fatal(err)
	}
	for table, kept := range tables {
		exec("DELETE FROM " + table)
		exec("INSERT INTO " + table + " SELECT * FROM " + kept)
	}
	if _, err := other.Do(ctx, account, spend(50), "again"); err != nil {
		t.Fatal(err)
	}
	pool.Reset()
	res, err := survivor.Do(ctx, account, spend(1), "next")
	if err != nil || res.Entries[0].Starting.String() != "50" {
		t.Errorf("next: %+v, %v", res, err)
	}
	verify(t, other)
}
