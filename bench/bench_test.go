package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

var stores = []struct {
	name string
	open func(b *testing.B) store.Store
}{
	{"memory", func(*testing.B) store.Store { return memory.New() }},
	{"bolt", func(b *testing.B) store.Store {
		s, err := bolt.Open(filepath.Join(b.TempDir(), "credits.db"), nil)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}},
}

// onStores runs a benchmark on a fresh ledger over each store.
func onStores(b *testing.B, run func(b *testing.B, l *creditledger.Ledger)) {
	for _, s := range stores {
		b.Run("store="+s.name, func(b *testing.B) {
			opened := s.open(b)
			l := creditledger.New(opened, nil)
			b.Cleanup(func() {
				if err := l.Close(); err != nil {
					b.Error(err)
				}
				if err := opened.Close(); err != nil {
					b.Error(err)
				}
			})
			run(b, l)
		})
	}
}

// blocksEach is how many blocks an account is granted.
const blocksEach = 10

// grant makes accounts with ten blocks each, which expire one after the other, and
// more credits than any run spends.
func grant(b *testing.B, l *creditledger.Ledger, accounts int) []creditledger.AccountID {
	b.Helper()
	start := time.Now()
	blocks := make(creditledger.Batch, blocksEach)
	for i := range blocks {
		blocks[i] = creditledger.Increment{
			Amount:    creditledger.MustAmount("1e12"),
			ExpiresAt: creditledger.At(start.AddDate(1+i, 0, 0)),
			CostBasis: creditledger.MustCostBasis("0.20"),
		}
	}
	ids := make([]creditledger.AccountID, accounts)
	for i := range ids {
		ids[i] = creditledger.AccountID{Customer: fmt.Sprintf("customer-%05d", i)}
	}
	submit(b, l, accounts, func(i int) (creditledger.AccountID, creditledger.Operation) { return ids[i], blocks })
	return ids
}

// submit sends n operations ahead and waits for all of them.
func submit(b *testing.B, l *creditledger.Ledger, n int, op func(i int) (creditledger.AccountID, creditledger.Operation)) {
	b.Helper()
	pending := make([]*creditledger.Pending, n)
	for i := range pending {
		on, op := op(i)
		var err error
		if pending[i], err = l.Submit(context.Background(), on, op, ""); err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range pending {
		if _, err := p.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// rate reports what happened n times in each iteration.
func rate(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// together has writers share b.N calls of one operation.
func together(b *testing.B, writers int, do func(i int) error) {
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range writers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	rate(b, 1)
}

// BenchmarkDecrement spends one credit from the first of ten blocks and waits until it
// is durable. key=caller brings an idempotency key, which is random and indexed;
// key=ledger leaves it to the ledger.
func BenchmarkDecrement(b *testing.B) {
	spend := creditledger.Decrement{Amount: creditledger.AmountOf(1)}
	var keys atomic.Uint64
	for _, accounts := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			onStores(b, func(b *testing.B, l *creditledger.Ledger) {
				ids := grant(b, l, accounts)
				for _, key := range []string{"ledger", "caller"} {
					for _, writers := range []int{1, 8, 64} {
						b.Run(fmt.Sprintf("key=%s/writers=%d", key, writers), func(b *testing.B) {
							b.ReportAllocs()
							together(b, writers, func(i int) error {
								var k creditledger.Key
								if key == "caller" {
									k = creditledger.Key(fmt.Sprintf("%016x-%08d", scatter(keys.Add(1)), i))
								}
								_, err := l.Do(context.Background(), ids[scatter(uint64(i))%uint64(len(ids))], spend, k)
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
			rate(b, 1)
		})
	})
}

// BenchmarkEntries reads the newest page of an account with some history.
func BenchmarkEntries(b *testing.B) {
	const history, limit = 1000, 20
	onStores(b, func(b *testing.B, l *creditledger.Ledger) {
		on := grant(b, l, 1)[0]
		submit(b, l, history-blocksEach, func(int) (creditledger.AccountID, creditledger.Operation) {
			return on, creditledger.Decrement{Amount: creditledger.AmountOf(1)}
		})
		b.Run(fmt.Sprintf("history=%d/limit=%d", history, limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, err := l.Entries(context.Background(), on, creditledger.EntriesQuery{Limit: limit})
				if err != nil || len(page.Entries) != limit {
					b.Fatalf("%d entries, %v", len(page.Entries), err)
				}
			}
			rate(b, 1)
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
					rate(b, lines)
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
