package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/opsfile"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// backend is a kind of store.
type backend struct {
	name string
	open func(b *testing.B) store.Store
}

var stores = []backend{
	{"memory", func(*testing.B) store.Store { return memory.New() }},
	{"bolt", func(b *testing.B) store.Store {
		s, err := bolt.Open(filepath.Join(b.TempDir(), "credits.db"), nil)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}},
}

// ledger returns a fresh ledger, which is closed when the benchmark ends.
func (s backend) ledger(b *testing.B, o *creditledger.Options) *creditledger.Ledger {
	b.Helper()
	opened := s.open(b)
	l := creditledger.New(opened, o)
	b.Cleanup(func() {
		if err := closeBoth(l, opened); err != nil {
			b.Error(err)
		}
	})
	return l
}

func closeBoth(l *creditledger.Ledger, s store.Store) error { return errors.Join(l.Close(), s.Close()) }

// onStores runs a benchmark on a fresh ledger over each store.
func onStores(b *testing.B, run func(b *testing.B, l *creditledger.Ledger)) {
	for _, s := range stores {
		b.Run("store="+s.name, func(b *testing.B) { run(b, s.ledger(b, nil)) })
	}
}

// blocksEach is how many blocks an account is granted.
const blocksEach = 10

func customer(i int) creditledger.AccountID {
	return creditledger.AccountID{Customer: fmt.Sprintf("customer-%05d", i)}
}

// blocks grants n blocks, each with more credits than any run spends. They expire one after
// the other. first is the number of the first of them in the account.
func blocks(first, n int) creditledger.Batch {
	start := time.Now().AddDate(1, 0, 0)
	list := make(creditledger.Batch, n)
	for i := range list {
		list[i] = creditledger.Increment{
			Amount:    creditledger.MustAmount("1e12"),
			ExpiresAt: creditledger.At(start.Add(time.Duration(first+i) * time.Hour)),
			CostBasis: creditledger.MustCostBasis("0.20"),
		}
	}
	return list
}

// grant makes accounts with ten blocks each.
func grant(b *testing.B, l *creditledger.Ledger, accounts int) []creditledger.AccountID {
	b.Helper()
	ids := make([]creditledger.AccountID, accounts)
	for i := range ids {
		ids[i] = customer(i)
	}
	op := blocks(0, blocksEach)
	submit(b, l, accounts, func(i int) (creditledger.AccountID, creditledger.Operation, creditledger.Key) {
		return ids[i], op, ""
	})
	return ids
}

// spend makes n decrements of one credit on accounts picked at random. key makes their
// keys; without it the ledger does.
func spend(b *testing.B, l *creditledger.Ledger, ids []creditledger.AccountID, n int, key func() creditledger.Key) {
	b.Helper()
	submit(b, l, n, func(i int) (creditledger.AccountID, creditledger.Operation, creditledger.Key) {
		var k creditledger.Key
		if key != nil {
			k = key()
		}
		return pick(ids, i), one, k
	})
}

// pick takes the accounts in an order that is the same in every run and never takes
// neighbours one after the other.
func pick(ids []creditledger.AccountID, i int) creditledger.AccountID {
	return ids[scatter(uint64(i))%uint64(len(ids))]
}

// submit sends n operations ahead, some thousands at a time, and waits for all.
func submit(b *testing.B, l *creditledger.Ledger, n int, op func(i int) (creditledger.AccountID, creditledger.Operation, creditledger.Key)) {
	b.Helper()
	const ahead = 4096
	pending := make([]*creditledger.Pending, 0, ahead)
	for i := range n {
		on, op, key := op(i)
		p, err := l.Submit(context.Background(), on, op, key)
		if err != nil {
			b.Fatal(err)
		}
		if pending = append(pending, p); len(pending) < ahead && i < n-1 {
			continue
		}
		for _, p := range pending {
			if _, err := p.Wait(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		pending = pending[:0]
	}
}

// keys are the two kinds of idempotency keys: those that the ledger makes, and those of
// callers, which are random.
var keys = []struct {
	name string
	next func() creditledger.Key // nil: the ledger makes them
}{{"ledger", nil}, {"caller", randomKey}}

var keysMade atomic.Uint64

func randomKey() creditledger.Key {
	n := keysMade.Add(1)
	return creditledger.Key(fmt.Sprintf("%016x-%010d", scatter(n), n))
}

// writers are how many goroutines call the ledger at once.
var writers = measure.Size([]int{1, 2, 4, 8, 16, 32, 64}, []int{1, 8, 64})

// BenchmarkDecrement spends one credit from the first of ten blocks and waits until it
// is durable.
func BenchmarkDecrement(b *testing.B) {
	for _, accounts := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			onStores(b, func(b *testing.B, l *creditledger.Ledger) {
				ids := grant(b, l, accounts)
				for _, key := range keys {
					for _, writers := range writers {
						b.Run(fmt.Sprintf("key=%s/writers=%d", key.name, writers), func(b *testing.B) {
							b.ReportAllocs()
							measure.Together(b, writers, func(i int) error {
								var k creditledger.Key
								if key.next != nil {
									k = key.next()
								}
								_, err := l.Do(context.Background(), pick(ids, i), one, k)
								return err
							})
						})
					}
				}
			})
		})
	}
}

// scatter maps neighbours far apart: the finisher of splitmix64.
func scatter(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// BenchmarkBalance reads the balance of an account that is in memory.
func BenchmarkBalance(b *testing.B) {
	onStores(b, func(b *testing.B, l *creditledger.Ledger) {
		on := grant(b, l, 1)[0]
		b.Run(fmt.Sprintf("blocks=%d", blocksEach), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Balance(context.Background(), on, creditledger.BalanceQuery{}); err != nil {
					b.Fatal(err)
				}
			}
			measure.Rate(b, 1, "ops/s")
		})
	})
}

// BenchmarkEntries reads the newest page of an account with some history.
func BenchmarkEntries(b *testing.B) {
	const history, limit = 1000, 20
	onStores(b, func(b *testing.B, l *creditledger.Ledger) {
		on := grant(b, l, 1)[0]
		spend(b, l, []creditledger.AccountID{on}, history-blocksEach, nil)
		b.Run(fmt.Sprintf("history=%d/limit=%d", history, limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, err := l.Entries(context.Background(), on, creditledger.EntriesQuery{Limit: limit})
				if err != nil || len(page.Entries) != limit {
					b.Fatalf("%d entries, %v", len(page.Entries), err)
				}
			}
			measure.Rate(b, 1, "ops/s")
		})
	})
}

// BenchmarkApply carries out one stream of operations, as creditledger apply does: a
// program that sends thousands of lines ahead and reads the answers.
func BenchmarkApply(b *testing.B) {
	const lines = 5000
	for _, customers := range []int{1, 1000} {
		b.Run(fmt.Sprintf("customers=%d", customers), func(b *testing.B) {
			onStores(b, func(b *testing.B, l *creditledger.Ledger) {
				ids := grant(b, l, customers)
				stream := spendLines(b, ids, lines)
				b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						summary, err := opsfile.Run(context.Background(), l, bytes.NewReader(stream), io.Discard, nil)
						if err != nil || summary.Answers != lines || summary.Errors > 0 {
							b.Fatalf("%+v, %v", summary, err)
						}
					}
					measure.Rate(b, lines, "ops/s")
				})
			})
		})
	}
}

func spendLines(b *testing.B, ids []creditledger.AccountID, lines int) []byte {
	b.Helper()
	var stream bytes.Buffer
	encoder := json.NewEncoder(&stream)
	for i := range lines {
		err := encoder.Encode(map[string]any{
			"op": "decrement", "customer_id": ids[i%len(ids)].Customer, "amount": "1", "item_id": "api",
			"metadata": map[string]string{"request": fmt.Sprint(i)},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return stream.Bytes()
}
