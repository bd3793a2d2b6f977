package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/store"
	"creditledger/store/bolt"
)

// one spends a credit.
var one = creditledger.Decrement{Amount: creditledger.AmountOf(1)}

// BenchmarkHistory spends and reads on accounts of different age, each in a store of
// its own.
func BenchmarkHistory(b *testing.B) {
	ages := measure.Size([]int{1_000, 10_000, 100_000, 1_000_000}, []int{1_000, 2_000})
	for _, s := range stores {
		b.Run("store="+s.name, func(b *testing.B) {
			decrements, balances := make([]measure.Subject, len(ages)), make([]measure.Subject, len(ages))
			for i, age := range ages {
				l := s.ledger(b, nil)
				on := grant(b, l, 1)[0]
				spend(b, l, []creditledger.AccountID{on}, age-blocksEach, nil)
				decrements[i], balances[i] = subjects(fmt.Sprintf("history=%d", age), l, on)
			}
			runtime.GC()
			turns, each := s.turns(len(ages))
			b.Run("op=balance", func(b *testing.B) { measure.Alternate(b, turns, 20*each, balances) })
			b.Run("op=decrement", func(b *testing.B) { measure.Alternate(b, turns, each, decrements) })
		})
	}
}

// subjects spend from an account and read its balance.
func subjects(name string, l *creditledger.Ledger, on creditledger.AccountID) (decrement, balance measure.Subject) {
	ctx := context.Background()
	decrement = measure.Subject{Name: name, Do: func() error {
		_, err := l.Do(ctx, on, one, "")
		return err
	}}
	balance = measure.Subject{Name: name, Do: func() error {
		_, err := l.Balance(ctx, on, creditledger.BalanceQuery{})
		return err
	}}
	return decrement, balance
}

// turns is how often subjects take turns, and how many operations each does in a turn. They
// are few, so that the youngest account stays young.
func (s backend) turns(n int) (turns, each int) {
	switch {
	case !measure.Full:
		return 1, 1
	case s.name == "memory":
		return 40, 25
	}
	return 300, 1
}

// BenchmarkBlocks spends and reads on accounts with many open blocks.
func BenchmarkBlocks(b *testing.B) {
	counts := measure.Size([]int{1, 10, 100, 1_000, 10_000, 100_000}, []int{10, 1_000})
	for _, s := range stores {
		b.Run("store="+s.name, func(b *testing.B) {
			decrements, balances := make([]measure.Subject, len(counts)), make([]measure.Subject, len(counts))
			for i, n := range counts {
				l := s.ledger(b, nil)
				on := creditledger.AccountID{Customer: "customer"}
				for first := 0; first < n; first += creditledger.MaxBatch {
					op := blocks(first, min(n-first, creditledger.MaxBatch))
					if _, err := l.Do(context.Background(), on, op, ""); err != nil {
						b.Fatal(err)
					}
				}
				decrements[i], balances[i] = subjects(fmt.Sprintf("blocks=%d", n), l, on)
			}
			runtime.GC()
			turns, each := s.turns(len(counts))
			b.Run("op=balance", func(b *testing.B) { measure.Alternate(b, turns, 20*each, balances) })
			b.Run("op=decrement", func(b *testing.B) { measure.Alternate(b, turns, each, decrements) })
		})
	}
}

// BenchmarkDisk builds a file by decrements of one block each, made by as many writers
// as there can be, and tells what it takes up. file-B/op is the file as the system
// sees it, which grows in steps of 16 MiB; B/op is what of it is in use.
func BenchmarkDisk(b *testing.B) {
	steps := measure.Size([]int{10_000, 100_000, 1_000_000}, []int{1_000})
	for _, accounts := range measure.Size([]int{1, 10_000}, []int{1, 100}) {
		for _, key := range keys {
			b.Run(fmt.Sprintf("store=bolt/accounts=%d/key=%s", accounts, key.name), func(b *testing.B) {
				path := filepath.Join(b.TempDir(), "credits.db")
				var ids []creditledger.AccountID
				inLedger(b, path, nil, func(l *creditledger.Ledger, _ store.Store) { ids = grant(b, l, accounts) })
				file, used := measureFile(b, path)
				had := 0
				for _, n := range steps {
					inLedger(b, path, nil, func(l *creditledger.Ledger, _ store.Store) { spend(b, l, ids, n-had, key.next) })
					had = n
					nowFile, nowUsed := measureFile(b, path)
					b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
						b.ReportMetric(0, "ns/op")
						b.ReportMetric(float64(nowUsed-used)/float64(n), "B/entry")
						b.ReportMetric(float64(nowFile-file)/float64(n), "file-B/entry")
					})
				}
			})
		}
	}
}

// inLedger runs f with a ledger on a file and closes both.
func inLedger(b *testing.B, path string, o *creditledger.Options, f func(*creditledger.Ledger, store.Store)) {
	b.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	l := creditledger.New(s, o)
	f(l, s)
	if err := closeBoth(l, s); err != nil {
		b.Fatal(err)
	}
}

// measureFile returns the size of a bbolt file, and how much of it is in use.
func measureFile(b *testing.B, path string) (file, used int64) {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	// The file is not opened read-only, because bbolt would not load its free pages then.
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		free := db.Stats().FreePageN + db.Stats().PendingPageN
		used = tx.Size() - int64(free)*int64(db.Info().PageSize)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return info.Size(), used
}

// BenchmarkSweep writes down what expired on many accounts at one instant. With
// cache=cold the ledger was just opened and knows none of them.
func BenchmarkSweep(b *testing.B) {
	accounts := measure.Size(100_000, 1_000)
	for _, cache := range []string{"warm", "cold"} {
		b.Run(fmt.Sprintf("store=bolt/accounts=%d/cache=%s", accounts, cache), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				path := filepath.Join(b.TempDir(), "credits.db")
				now := time.Now()
				o := &creditledger.Options{Clock: func() time.Time { return now }}
				sweep := func(l *creditledger.Ledger) {
					now = now.Add(2 * time.Hour)
					b.StartTimer()
					res, err := l.Sweep(context.Background())
					b.StopTimer()
					if err != nil || res.Entries != accounts {
						b.Fatalf("%+v, %v", res, err)
					}
				}
				expiring := creditledger.Increment{Amount: creditledger.AmountOf(100), ExpiresAt: creditledger.At(now.Add(time.Hour))}
				inLedger(b, path, o, func(l *creditledger.Ledger, _ store.Store) {
					submit(b, l, accounts, func(i int) (creditledger.AccountID, creditledger.Operation, creditledger.Key) {
						return customer(i), expiring, ""
					})
					if cache == "warm" {
						sweep(l)
					}
				})
				if cache == "cold" {
					inLedger(b, path, o, func(l *creditledger.Ledger, _ store.Store) { sweep(l) })
				}
				if err := os.Remove(path); err != nil {
					b.Fatal(err)
				}
			}
			measure.Rate(b, accounts, "blocks/s")
		})
	}
}

// BenchmarkExpiry spends from an account whose blocks expire one by one: each decrement
// finds that one more is gone. What it measures is the decrement together with the expiry.
func BenchmarkExpiry(b *testing.B) {
	for _, n := range []int{10, 100, 1_000} {
		b.Run(fmt.Sprintf("store=memory/blocks=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				now := time.Now()
				l := stores[0].ledger(b, &creditledger.Options{Clock: func() time.Time { return now }})
				on := customer(0)
				grants := make(creditledger.Batch, n)
				for i := range grants {
					grants[i] = creditledger.Increment{Amount: creditledger.AmountOf(10), ExpiresAt: creditledger.At(now.Add(time.Duration(i+1) * time.Hour))}
				}
				if _, err := l.Do(context.Background(), on, grants, ""); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				for i := range n {
					if _, err := l.Do(context.Background(), on, one, ""); err != nil {
						b.Fatal(i, err)
					}
					now = now.Add(time.Hour)
				}
			}
		})
	}
}

// BenchmarkVerify replays the journals of a store.
func BenchmarkVerify(b *testing.B) {
	records := measure.Size(300_000, 3_000)
	for _, accounts := range measure.Size([]int{1, 10_000}, []int{1, 100}) {
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			onStores(b, func(b *testing.B, l *creditledger.Ledger) {
				ids := grant(b, l, accounts)
				spend(b, l, ids, records-accounts, nil)
				b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						res, err := l.VerifyAll(context.Background(), nil)
						if err != nil || res.Violation != nil || res.Records != uint64(records) {
							b.Fatalf("%+v, %v", res, err)
						}
					}
					measure.Rate(b, records, "records/s")
				})
			})
		})
	}
}

// BenchmarkCache reads the balance of every account of a file once, with a cache that has
// room for all accounts and with one that has room for some. It reports how much memory the
// ledger keeps afterwards.
func BenchmarkCache(b *testing.B) {
	accounts := measure.Size(100_000, 500)
	path := filepath.Join(b.TempDir(), "credits.db")
	var ids []creditledger.AccountID
	inLedger(b, path, nil, func(l *creditledger.Ledger, _ store.Store) { ids = grant(b, l, accounts) })
	all := accounts * (blocksEach + 1)
	for _, limit := range []int{all, all / 2, all / 10} {
		b.Run(fmt.Sprintf("store=bolt/accounts=%d/blocks=%d/limit=%d", accounts, accounts*blocksEach, limit), func(b *testing.B) {
			for range b.N {
				o := &creditledger.Options{CacheBlocks: limit}
				inLedger(b, path, o, func(l *creditledger.Ledger, _ store.Store) {
					before := measure.Heap()
					for _, id := range ids {
						if _, err := l.Balance(context.Background(), id, creditledger.BalanceQuery{}); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(int64(measure.Heap())-int64(before))/1e6, "MB")
				})
			}
		})
	}
}
