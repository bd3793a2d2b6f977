package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// largeGrant says all that a grant may say in about so many bytes.
func largeGrant(r *rand.Rand, size int) cl.Increment {
	values := make([]string, 1+size/290)
	for i := range values {
		values[i] = fmt.Sprintf("%06d-%d-%s", i, r.IntN(1e9), strings.Repeat("x", 230))
	}
	return cl.Increment{Amount: cl.AmountOf(1), Repay: cl.RepayNever, Filters: []cl.Filter{{Field: cl.FilterFieldItem, Values: values}}, Metadata: map[string]string{"n": fmt.Sprint(r.IntN(100))}}
}

// TestMemoryIsBounded grants blocks of all sizes, alone and in long batches, to many
// accounts of a file, some of many blocks and some of few. What stays in memory is bounded
// by the options, not by what was written.
func TestMemoryIsBounded(t *testing.T) {
	run := results.Start(t, "memory after large operations")
	run.Set("seed", seed(t))
	t.Logf("seed: -seed=%d", seed(t))
	r := rand.New(rand.NewPCG(seed(t), 10))
	const most = 44 << 20 // two tails of 8 MiB, and the buffers of one commit
	s := openStore(t, boltBackend).(*bolt.Store)
	before := heap()
	l := cl.New(s, &cl.Options{CacheBlocks: 5000})
	defer l.Close()
	for _, batches := range []bool{true, false} {
		for written, n := 0, 0; written < testsize.Of(50, 50, 400)<<20; n++ {
			op, bytes := cl.Operation(largeGrant(r, 10_000+r.IntN(250_000))), 130_000
			if batches {
				op, bytes = smallGrants(r), 1000*800
			}
			on := cl.AccountID{Customer: fmt.Sprint("cus_", batches, r.IntN(50))}
			if _, err := l.Do(context.Background(), on, op, ""); err != nil && !errors.Is(err, cl.ErrConstraint) {
				t.Fatal(err)
			}
			written += bytes
			if op = nil; n%50 == 49 {
				if held := heap() - before; held > most {
					t.Fatalf("batches %v: %d MiB are written, and %d MiB of memory are in use", batches, written>>20, held>>20)
				}
			}
		}
	}
	runtime.KeepAlive(s)
}

// smallGrants is as long a batch as there may be.
func smallGrants(r *rand.Rand) cl.Batch {
	batch := make(cl.Batch, 1000)
	for i := range batch {
		batch[i] = largeGrant(r, 100)
	}
	return batch
}

// TestMemoryOfWhatWaits: a caller who submits faster than the store commits has to wait,
// before what is on its way takes more memory than it may.
func TestMemoryOfWhatWaits(t *testing.T) {
	t.Logf("seed: -seed=%d", seed(t))
	r := rand.New(rand.NewPCG(seed(t), 11))
	for _, shared := range []bool{false, true} {
		freed := make(chan struct{})
		m := &meter{inner: memory.New(), hook: func(ctx context.Context, call string, _ cl.AccountID) error {
			if call == "Commit" {
				<-freed
			}
			return nil
		}}
		l := cl.New(metered(m, shared), nil)
		submitted, most := 0, 150<<20
		for submitted < most {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			size := 20_000 + r.IntN(250_000)
			_, err := l.Submit(ctx, cl.AccountID{Customer: fmt.Sprint("cus_", r.IntN(40))}, largeGrant(r, size), "")
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			submitted += size
		}
		close(freed)
		l.Close()
		if submitted >= most {
			t.Errorf("shared %v: %d MiB are under way, and nobody waits", shared, submitted>>20)
		}
	}
}

// heap is how many bytes are in use after a garbage collection.
func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCostOfMemory: blocks that are used up leave nothing behind in memory, whatever
// filters and keys they had.
func TestCostOfMemory(t *testing.T) {
	cycles := testsize.Of(1000, 3000, 20_000)
	store := memory.New()
	l := cl.New(store, nil)
	on := cl.AccountID{Customer: "cus_1"}
	for i := range cycles {
		item := fmt.Sprint("item-", i)
		must(t, l, on, cl.Increment{Amount: cl.AmountOf(1), Filters: []cl.Filter{{Field: cl.FilterFieldItem, Values: []string{item}}}})
		must(t, l, on, cl.Decrement{Amount: cl.AmountOf(1), ItemID: item, Overdraft: cl.OverdraftReject})
	}
	with := heap()
	runtime.KeepAlive(l)
	l.Close()
	l = nil
	if held := with - heap(); held > 100*int64(cycles) {
		t.Errorf("%d blocks that are used up are remembered in %d bytes", cycles, held)
	}
	runtime.KeepAlive(store)
}
