package bolt

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0: a random one, which is printed")

// seeded returns the seed of a random test, and prints it.
func seeded(t testing.TB) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64() >> 16
	}
	t.Logf("seed: -seed=%d", seed)
	return seed
}

// namedTail is a tail of accounts with names of all kinds, in any order.
func namedTail(r *rand.Rand, accounts, blocks int) *tail {
	t := newTail(0, 0)
	format := []string{"c%d", "%d-c", "c%09d", "%x"}[r.IntN(4)]
	for n, name := range r.Perm(accounts) {
		id := creditledger.AccountID{Customer: fmt.Sprintf(format, name), Currency: "credits"}
		c := creditledger.Change{Account: id, Head: creditledger.Head{Version: 1, Blocks: uint64(blocks), LastAt: 1, NextDue: creditledger.Instant(1 + r.IntN(accounts))}}
		c.Journal = []creditledger.JournalRecord{{Seq: 1, Bytes: []byte("x")}}
		for i := range blocks {
			b := creditledger.Block{ID: fmt.Sprintf(format, r.IntN(1e9)), Number: uint64(i + 1)}
			c.Blocks = append(c.Blocks, creditledger.StoredBlock{Block: b, Open: true, New: true})
			c.Keys = append(c.Keys, creditledger.KeyedRecord{Key: creditledger.Key(fmt.Sprintf(format, r.IntN(1e9))), Seq: 1})
		}
		t.add(&c, place{acct: uint64(n + 1)}, uint64(n+1))
	}
	return t
}

// foldTime is the shortest time that some folds of so many accounts took.
func foldTime(t *testing.T, r *rand.Rand, accounts, times int) time.Duration {
	t.Helper()
	best := time.Hour
	for range times {
		tail := namedTail(r, accounts, 1000)
		db, err := bbolt.Open(filepath.Join(t.TempDir(), "ledger.db"), 0o600, &bbolt.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			if err := makeBuckets(tx); err != nil {
				return err
			}
			v, err := openView(tx)
			if err != nil {
				return err
			}
			begin := time.Now()
			defer func() { best = min(best, time.Since(begin)) }()
			return v.fold(uint64(accounts), tail)
		})
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return best
}

// TestFoldsOfAnyNames: a fold of four times as many accounts takes about four times as
// long, whatever accounts, blocks and keys are called: not sixteen times.
func TestFoldsOfAnyNames(t *testing.T) {
	r := rand.New(rand.NewPCG(seeded(t), 1))
	few, many := foldTime(t, r, 12, 3), foldTime(t, r, 48, 2)
	t.Logf("12,000 blocks: %s, 48,000: %s", few, many)
	if many > 10*few {
		t.Errorf("12 accounts are folded in %s, 48 in %s", few, many)
	}
}
