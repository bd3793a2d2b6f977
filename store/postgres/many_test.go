package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/memory"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// processes opens several ledgers over pools of their own, as several processes would.
func processes(t *testing.T, n int, change func(*pgxpool.Config)) ([]*creditledger.Ledger, []*postgres.Store) {
	t.Helper()
	dsn := pgtest.Database(t)
	if err := postgres.Migrate(t.Context(), newPool(t, dsn, change), nil); err != nil {
		t.Fatal(err)
	}
	var ledgers []*creditledger.Ledger
	var stores []*postgres.Store
	for range n {
		s := reopen(t, newPool(t, dsn, change), nil)
		ledgers, stores = append(ledgers, creditledger.New(s, nil)), append(stores, s)
	}
	return ledgers, stores
}

// patiently repeats an operation while its account moves too fast for it.
func patiently(l *creditledger.Ledger, id creditledger.AccountID, op creditledger.Operation, key creditledger.Key) error {
	for {
		_, err := l.Do(context.Background(), id, op, key)
		if !errors.Is(err, creditledger.ErrConflict) {
			return err
		}
	}
}

// TestOneHotAccount lets four processes spend from one account until it is empty: the
// sum of what they were given is what was there, at every isolation level.
func TestOneHotAccount(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"read committed", "repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			ledgers, stores := processes(t, 4, isolated(level))
			const credits = 600
			grant(t, ledgers[0], account, fmt.Sprint(credits))
			var spent atomic.Int64
			each(4*len(ledgers), func(i int) {
				l := ledgers[i%len(ledgers)]
				for n := 0; ; n++ {
					op := creditledger.Decrement{Amount: creditledger.AmountOf(1), Overdraft: creditledger.OverdraftReject}
					err := patiently(l, account, op, creditledger.Key(fmt.Sprintf("%d %d", i, n)))
					if errors.Is(err, creditledger.ErrInsufficientCredits) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					spent.Add(1)
				}
			})
			if spent.Load() != credits || balance(t, stores[0], account) != "0" {
				t.Errorf("%d spent and %s left of %d", spent.Load(), balance(t, stores[0], account), credits)
			}
			verify(t, ledgers[1])
		})
	}
}

// TestManyAccounts spreads four processes over many accounts, each account used by
// all of them, and checks every response against the history: what an operation was
// told about the balance is what the journal says at its place.
func TestManyAccounts(t *testing.T) {
	const accounts, rounds = 100, 2
	ledgers, _ := processes(t, 4, nil)
	id := func(i int) creditledger.AccountID {
		return creditledger.AccountID{Customer: fmt.Sprint("customer ", i), Currency: "credits"}
	}
	type response struct {
		on            creditledger.AccountID
		entry         uint64
		before, after string
	}
	var mu sync.Mutex
	var responses []response
	each(4*len(ledgers), func(p int) {
		l := ledgers[p%len(ledgers)]
		for i := range accounts * rounds {
			on := id((i*7 + p*31) % accounts)
			var op creditledger.Operation = spend(int64(1 + p))
			if i%3 == 0 {
				op = creditledger.Increment{Amount: creditledger.AmountOf(10)}
			}
			key := creditledger.Key(fmt.Sprintf("%d %d", p, i))
			if err := patiently(l, on, op, key); err != nil {
				t.Error(err)
				return
			}
			r, err := l.Do(context.Background(), on, op, key) // again: the first result
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			for _, e := range r.Entries {
				responses = append(responses, response{on, e.Seq, e.Starting.String(), e.Ending.String()})
			}
			mu.Unlock()
		}
	})
	verify(t, ledgers[0])
	history := map[creditledger.AccountID][]creditledger.Entry{}
	for _, r := range responses {
		if history[r.on] == nil {
			history[r.on] = entries(t, ledgers[1], r.on)
		}
		e := history[r.on][r.entry-1]
		if e.Seq != r.entry || e.Starting.String() != r.before || e.Ending.String() != r.after {
			t.Fatalf("%v: entry %d was told as %s to %s, and is %d, %s to %s", r.on, r.entry, r.before, r.after, e.Seq, e.Starting, e.Ending)
		}
	}
	t.Logf("%d responses, %d accounts", len(responses), len(history))
}

// entries reads an account's entries, oldest first.
func entries(t *testing.T, l *creditledger.Ledger, id creditledger.AccountID) []creditledger.Entry {
	t.Helper()
	var all []creditledger.Entry
	q := creditledger.EntriesQuery{Limit: creditledger.MaxPage}
	for {
		page, err := l.Entries(context.Background(), id, q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Entries...)
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
	}
	slices.SortFunc(all, func(a, b creditledger.Entry) int { return int(a.Seq) - int(b.Seq) })
	return all
}

// TestFirstWrites races the first write of a fresh account, 50 at a time.
func TestFirstWrites(t *testing.T) {
	ledgers, stores := processes(t, 5, nil)
	for round := range 4 {
		id := creditledger.AccountID{Customer: fmt.Sprint("fresh ", round), Currency: "credits"}
		each(50, func(i int) {
			op := creditledger.Increment{Amount: creditledger.AmountOf(1)}
			if err := patiently(ledgers[i%len(ledgers)], id, op, creditledger.Key(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
		if got := balance(t, stores[0], id); got != "50" {
			t.Errorf("balance %s after 50 grants of 1", got)
		}
	}
	verify(t, ledgers[0])
}

// TestSweepers lets four processes sweep at once: every expiry is written once.
func TestSweepers(t *testing.T) {
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	var clock atomic.Int64
	dsn := pgtest.Database(t)
	pool := newPool(t, dsn, nil)
	if err := postgres.Migrate(t.Context(), pool, nil); err != nil {
		t.Fatal(err)
	}
	o := &creditledger.Options{Clock: func() time.Time { return now.Add(time.Duration(clock.Load())) }}
	var ledgers []*creditledger.Ledger
	for range 4 {
		ledgers = append(ledgers, creditledger.New(reopen(t, newPool(t, dsn, nil), nil), o))
	}
	const accounts = 60
	for i := range accounts {
		op := creditledger.Increment{Amount: creditledger.AmountOf(5), ExpiresAt: creditledger.At(now.Add(time.Hour))}
		if _, err := ledgers[0].Do(t.Context(), creditledger.AccountID{Customer: fmt.Sprint("c", i), Currency: "credits"}, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	clock.Store(int64(2 * time.Hour))
	var swept atomic.Int64
	each(len(ledgers), func(i int) {
		r, err := ledgers[i].Sweep(context.Background())
		if err != nil {
			t.Error(err)
		}
		swept.Add(int64(r.Entries))
	})
	if swept.Load() != accounts {
		t.Errorf("%d expiries written for %d blocks", swept.Load(), accounts)
	}
	verify(t, ledgers[0])
}

// TestSameAsMemory carries out the same operations, by the same clock and the same
// source of ids, on memory and on PostgreSQL: the journals are the same to the byte,
// and so are heads and blocks.
func TestSameAsMemory(t *testing.T) {
	pool := newPool(t, pgtest.Database(t), nil)
	small := openIn(t, pool, &postgres.Options{Schema: "small", CacheBytes: 1})
	digests := map[string]string{
		"memory":              digestOfRun(t, memory.New()),
		"postgres":            digestOfRun(t, openIn(t, pool, nil)),
		"postgres, no memory": digestOfRun(t, small),
	}
	for name, d := range digests {
		if d != digests["memory"] {
			t.Errorf("%s: digest %s, want %s", name, d, digests["memory"])
		}
	}
}
