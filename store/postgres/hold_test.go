package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres/pgtest"
)

var contended = creditledger.AccountID{Customer: "cus_1", Currency: "credits"}

// stores opens one database so many times, as so many processes would.
func stores(t *testing.T, n int, level string) (list []*Store) {
	t.Helper()
	dsn := pgtest.Database(t)
	for i := range n {
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		Watch(config)
		config.MaxConns = 4
		config.ConnConfig.RuntimeParams["default_transaction_isolation"] = level
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		pgtest.CloseAfter(t, pool)
		if i == 0 {
			if err := Migrate(t.Context(), pool, nil); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(t.Context(), pool, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		list = append(list, s)
	}
	return list
}

func add(t *testing.T, l *creditledger.Ledger, credits int64) {
	t.Helper()
	if _, err := l.Do(context.Background(), contended, creditledger.Increment{Amount: creditledger.AmountOf(credits)}, ""); err != nil {
		t.Fatal(err)
	}
}

func total(t *testing.T, s *Store) string {
	t.Helper()
	state, err := s.Load(context.Background(), contended, nil)
	if err != nil {
		t.Fatal(err)
	}
	return state.Head.Total.String()
}

// TestContendedAccount: eight processes on one account get in each other's way all the
// time, and no caller hears of it; nor does the slowest starve.
func TestContendedAccount(t *testing.T) {
	t.Parallel()
	const processes, clients, wanted = 8, 2, 1200
	for _, level := range []string{"read committed", "repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			list := stores(t, processes, level)
			var done [processes]atomic.Int64
			var all atomic.Int64
			var clientsOf sync.WaitGroup
			ledgers := make([]*creditledger.Ledger, processes)
			for i, s := range list {
				ledgers[i] = creditledger.New(s, nil)
			}
			add(t, ledgers[0], wanted*2)
			for i, l := range ledgers {
				for client := range clients {
					clientsOf.Go(func() {
						for n := 0; all.Load() < wanted; n++ {
							key := creditledger.Key(fmt.Sprintf("%d %d %d", i, client, n))
							if _, err := l.Do(context.Background(), contended, creditledger.Decrement{Amount: creditledger.AmountOf(1)}, key); err != nil {
								t.Error(err)
								return
							}
							done[i].Add(1)
							all.Add(1)
						}
					})
				}
			}
			clientsOf.Wait()
			var counts []int64
			for i := range done {
				counts = append(counts, done[i].Load())
			}
			if least := wanted / processes / 10; int(min(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6], counts[7])) < least {
				t.Errorf("one process did less than %d: %v", least, counts)
			}
			if got, want := total(t, list[0]), fmt.Sprint(wanted*2-all.Load()); got != want {
				t.Errorf("%s are left, want %s", got, want)
			}
			if v, err := ledgers[1].VerifyAll(context.Background(), nil); err != nil || v.Violation != nil {
				t.Errorf("verification: %+v, %v", v.Violation, err)
			}
		})
	}
}

// TestContendedAccountAmongOthers: a contended account that goes out in commits with
// others is committed all the same.
func TestContendedAccountAmongOthers(t *testing.T) {
	t.Parallel()
	const processes, clients, times = 4, 8, 60
	list := stores(t, processes, "read committed")
	add(t, creditledger.New(list[0], nil), 10_000)
	var all sync.WaitGroup
	for i, s := range list {
		l := creditledger.New(s, nil)
		for client := range clients {
			id := contended
			if client > 1 {
				id.Customer = fmt.Sprintf("%d %d", i, client)
			}
			all.Go(func() {
				for range times {
					if _, err := l.Do(context.Background(), id, creditledger.Decrement{Amount: creditledger.AmountOf(1)}, ""); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	all.Wait()
	if got, want := total(t, list[0]), fmt.Sprint(10_000-processes*2*times); got != want {
		t.Errorf("%s are left, want %s", got, want)
	}
}

// behind makes a store hold the account: its change comes too late.
func behind(t *testing.T, s *Store, l, other *creditledger.Ledger) {
	t.Helper()
	state, err := s.Load(t.Context(), contended, nil)
	if err != nil {
		t.Fatal(err)
	}
	add(t, other, 1)
	late := creditledger.Change{Account: contended, Version: state.Head.Version, Prev: state.Head.Seal, Head: state.Head,
		Journal: []creditledger.JournalRecord{{Seq: state.Head.Version + 1}}}
	late.Head.Version++
	if err := s.Commit(t.Context(), []creditledger.Change{late}); !errors.Is(err, creditledger.ErrConflict) {
		t.Fatalf("error %v, want a conflict", err)
	}
	if _, err := s.LoadToChange(t.Context(), contended, nil); err != nil {
		t.Fatal(err)
	}
	if n := s.held(); n != 1 {
		t.Fatalf("%d holds after a conflict and a LoadToChange, want 1", n)
	}
}

// TestHoldsOfAllStoresOverOnePool: half of a pool's connections is what all stores over it
// hold together, so that who holds an account finds another connection.
func TestHoldsOfAllStoresOverOnePool(t *testing.T) {
	t.Parallel()
	first := stores(t, 1, "read committed")[0]
	second, err := Open(t.Context(), first.pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !first.contention.another() || !second.contention.another() {
		t.Error("of four connections two may hold accounts")
	}
	if first.contention.another() || second.contention.another() {
		t.Error("and no more")
	}
	if n := second.held(); n != 2 {
		t.Errorf("%d are counted", n)
	}
	other := stores(t, 1, "read committed")[0]
	if !other.contention.another() {
		t.Error("another pool is another's")
	}
}

func (s *Store) held() int {
	return int(s.contention.holds.Load())
}

// soon waits until a store holds nothing. Nothing but a hang takes as long as it has.
func (s *Store) soon(t *testing.T) {
	t.Helper()
	for range 1000 {
		if s.held() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d holds are not given up", s.held())
}

// TestHoldEndsWithItsDecision: a lock is let go of when the ledger that it was taken for
// commits nothing, however that comes about. No clock would do it: here a hold waits for
// an hour.
func TestHoldEndsWithItsDecision(t *testing.T) {
	t.Parallel()
	reject := creditledger.Decrement{Amount: creditledger.AmountOf(100), Overdraft: creditledger.OverdraftReject}
	grant := creditledger.Increment{Amount: creditledger.AmountOf(1)}
	for name, act := range map[string]func(t *testing.T, l, other *creditledger.Ledger){
		"refused": func(t *testing.T, l, other *creditledger.Ledger) {
			add(t, other, 1)
			if _, err := l.Do(t.Context(), contended, reject, ""); !errors.Is(err, creditledger.ErrInsufficientCredits) {
				t.Error(err)
			}
		},
		"refused after a conflict": func(t *testing.T, l, other *creditledger.Ledger) {
			enough := reject
			enough.Amount = creditledger.AmountOf(10)
			if _, err := other.Do(t.Context(), contended, enough, ""); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Do(t.Context(), contended, enough, ""); !errors.Is(err, creditledger.ErrInsufficientCredits) {
				t.Error(err)
			}
		},
		"repeated": func(t *testing.T, l, other *creditledger.Ledger) {
			if _, err := other.Do(t.Context(), contended, grant, "k"); err != nil {
				t.Fatal(err)
			}
			if res, err := l.Do(t.Context(), contended, grant, "k"); err != nil || !res.Replayed {
				t.Error(res, err)
			}
		},
		"read": func(t *testing.T, l, other *creditledger.Ledger) {
			add(t, other, 1)
			if _, err := l.Balance(t.Context(), contended, creditledger.BalanceQuery{}); err != nil {
				t.Error(err)
			}
		},
		"called off": func(t *testing.T, l, other *creditledger.Ledger) {
			add(t, other, 1)
			over, cancel := context.WithCancel(t.Context())
			_, err := l.DoWith(over, contended, grant, creditledger.DoOptions{Key: "k", Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) {
				cancel() // when it comes to the conflict, its caller is gone
				return nil, nil
			}})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			list := stores(t, 2, "read committed")
			list[0].contention.wait = time.Hour
			l, other := creditledger.New(list[0], nil), creditledger.New(list[1], nil)
			add(t, other, 10)
			if _, err := l.Balance(t.Context(), contended, creditledger.BalanceQuery{}); err != nil {
				t.Fatal(err)
			}
			list[0].contention.moved([]creditledger.AccountID{contended}) // it is contended from the start
			act(t, l, other)
			list[0].soon(t)
			add(t, other, 1)
		})
	}
}

// TestHoldIsGivenUp: a lock that is taken for a change that never comes is let go of, by
// itself, when the store is told so or closed, and for a commit of several accounts; each
// time the other process, and this one, go on.
func TestHoldIsGivenUp(t *testing.T) {
	for name, giveUp := range map[string]func(t *testing.T, s *Store, l *creditledger.Ledger){
		"by itself": func(t *testing.T, s *Store, l *creditledger.Ledger) {
			s.soon(t)
		},
		"by Release": func(t *testing.T, s *Store, l *creditledger.Ledger) {
			s.Release(contended)
			s.Release(contended)
			s.soon(t)
		},
		"by Close": func(t *testing.T, s *Store, l *creditledger.Ledger) {
			if err := s.Close(); err != nil || s.held() != 0 {
				t.Errorf("%v, %d holds", err, s.held())
			}
		},
		"for several accounts": func(t *testing.T, s *Store, l *creditledger.Ledger) {
			state, err := s.reads.Load(t.Context(), contended, nil)
			if err != nil {
				t.Fatal(err)
			}
			list := []creditledger.Change{{Account: contended, Version: state.Head.Version, Prev: state.Head.Seal, Head: state.Head},
				{Account: creditledger.AccountID{Customer: "another", Currency: "credits"}}}
			for i := range list {
				c := &list[i]
				c.Head.Version++
				c.Journal = []creditledger.JournalRecord{{Seq: c.Head.Version}}
			}
			if err := s.Commit(t.Context(), list); err != nil || s.held() != 0 {
				t.Errorf("%v, %d holds", err, s.held())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			list := stores(t, 2, "read committed")
			l, other := creditledger.New(list[0], nil), creditledger.New(list[1], nil)
			if name != "by itself" {
				list[0].contention.wait = time.Hour
			}
			add(t, other, 10)
			behind(t, list[0], l, other)
			giveUp(t, list[0], l)
			add(t, other, 1)
			if got := total(t, list[1]); got != "12" {
				t.Errorf("total %s, want 12", got)
			}
		})
	}
}

// TestHoldOfAFrozenProcess: a process stands still while it holds an account. The server
// ends its transaction, the others go on, and what it then commits is not lost.
func TestHoldOfAFrozenProcess(t *testing.T) {
	t.Parallel()
	list := stores(t, 2, "read committed")
	frozen, other := creditledger.New(list[0], nil), creditledger.New(list[1], nil)
	add(t, other, 10)
	behind(t, list[0], frozen, other)
	h := list[0].contention.waiting(contended) // no timer runs out meanwhile
	if h == nil {
		t.Fatal("nothing is held")
	}
	add(t, other, 1)
	h.until = time.Now().Add(time.Hour)
	list[0].contention.keep(contended, h)
	add(t, frozen, 1)
	if got := total(t, list[1]); got != "13" {
		t.Errorf("total %s, want 13", got)
	}
	if n := list[0].held(); n != 0 {
		t.Errorf("%d holds are left", n)
	}
}
